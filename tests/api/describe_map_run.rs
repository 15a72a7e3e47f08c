//! `DescribeMapRun`.

use aws_sdk_sfn::types::MapRunStatus;
use stepwell_tests::client::{refused, until};
use stepwell_tests::server::Server;

use crate::map_runs::{ABSENT_MAP_RUN, NOT_MAP_RUNS, PASS, WAIT, distributed, map_run};

#[tokio::test]
async fn a_map_run_counts_its_items_and_children() {
    let server = Server::start().await;
    let batcher = r#", "ItemBatcher": {"MaxItemsPerBatch": 2}"#;
    let arn = server.create("orders", &distributed(PASS, batcher)).await;
    let execution = server.begin(&arn, "e", "[1, 2, 3]").await;
    let run = map_run(&server, &execution).await;
    let found = until("its end", async || {
        let describe = server.client.describe_map_run();
        let found = describe
            .map_run_arn(run.map_run_arn())
            .send()
            .await
            .unwrap();
        Some(found).filter(|found| *found.status() == MapRunStatus::Succeeded)
    })
    .await;
    assert_eq!(found.execution_arn(), execution);
    assert_eq!(found.map_run_arn(), run.map_run_arn());
    assert!(found.stop_date().is_some());
    let items = found.item_counts().unwrap();
    assert_eq!(
        (items.total(), items.succeeded(), items.pending()),
        (3, 3, 0)
    );
    assert_eq!(items.results_written(), 3);
    let executions = found.execution_counts().unwrap();
    assert_eq!((executions.total(), executions.succeeded()), (2, 2));
    assert_eq!(executions.failures_not_redrivable(), None);
    assert_eq!(found.redrive_count(), Some(0));
}

#[tokio::test]
async fn a_map_run_that_runs_shows_its_limits() {
    let server = Server::start().await;
    let limits =
        r#", "MaxConcurrency": 2, "ToleratedFailurePercentage": 12.5, "ToleratedFailureCount": 1"#;
    let arn = server.create("orders", &distributed(WAIT, limits)).await;
    let execution = server.begin(&arn, "e", "[1, 2, 3]").await;
    let run = map_run(&server, &execution).await;
    let found = until("two children", async || {
        let describe = server.client.describe_map_run();
        let found = describe
            .map_run_arn(run.map_run_arn())
            .send()
            .await
            .unwrap();
        Some(found).filter(|found| {
            found
                .item_counts()
                .is_some_and(|items| items.running() == 2)
        })
    })
    .await;
    assert_eq!(*found.status(), MapRunStatus::Running);
    assert_eq!(found.max_concurrency(), 2);
    assert!((found.tolerated_failure_percentage() - 12.5).abs() < f32::EPSILON);
    assert_eq!(found.tolerated_failure_count(), 1);
    assert_eq!(found.item_counts().unwrap().pending(), 1);
}

#[tokio::test]
async fn the_map_run_has_to_be_there() {
    let server = Server::start().await;
    let describe = |arn: &str| server.client.describe_map_run().map_run_arn(arn).send();
    let message = "Request references a resource that does not exist.";
    refused(describe(ABSENT_MAP_RUN).await, "ResourceNotFound", message);
    for (arn, message) in NOT_MAP_RUNS {
        refused(describe(arn).await, "InvalidArn", message);
    }
}
