//! `DescribeMapRun`.

use aws_sdk_sfn::types::MapRunStatus;
use stepwell_tests::client::{ended, refused};
use stepwell_tests::server::Server;

use crate::map_runs::{
    ABSENT_MAP_RUN, NOT_MAP_RUNS, PASS, WAIT, distributed, express, running, start, succeeded,
};

#[tokio::test]
async fn a_map_run_counts_its_items_and_children() {
    let batcher = r#", "ItemBatcher": {"MaxItemsPerBatch": 2}"#;
    for definition in [distributed(PASS, batcher), express(PASS, batcher)] {
        let server = Server::start().await;
        let (execution, run) = start(&server, &definition, "[1, 2, 3]").await;
        let found = succeeded(&server, &run).await;
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
        assert_eq!(executions.pending_redrive(), None);
        assert_eq!(
            (found.redrive_count(), found.redrive_date()),
            (Some(0), None)
        );
    }
}

#[tokio::test]
async fn a_map_run_that_runs_shows_its_limits() {
    let server = Server::start().await;
    let limits =
        r#", "MaxConcurrency": 2, "ToleratedFailurePercentage": 12.5, "ToleratedFailureCount": 1"#;
    let (_, run) = start(&server, &distributed(WAIT, limits), "[1, 2, 3]").await;
    let found = running(&server, &run, 2).await;
    assert_eq!(*found.status(), MapRunStatus::Running);
    assert_eq!(found.max_concurrency(), 2);
    assert!((found.tolerated_failure_percentage() - 12.5).abs() < f32::EPSILON);
    assert_eq!(found.tolerated_failure_count(), 1);
    assert_eq!(found.item_counts().unwrap().pending(), 1);
}

#[tokio::test]
async fn a_map_run_is_redriven_with_its_execution() {
    let fail = r#"{"Type": "Fail", "Error": "No"}"#;
    for definition in [distributed(fail, ""), express(fail, "")] {
        let server = Server::start().await;
        let (execution, run) = start(&server, &definition, "[1]").await;
        ended(&server.client, &execution).await;
        let redrive = server.client.redrive_execution().execution_arn(&execution);
        redrive.send().await.unwrap();
        ended(&server.client, &execution).await;
        let describe = server.client.describe_map_run();
        let found = describe
            .map_run_arn(run.map_run_arn())
            .send()
            .await
            .unwrap();
        assert_eq!(*found.status(), MapRunStatus::Failed);
        assert_eq!(found.redrive_count(), Some(1));
        assert!(found.redrive_date().is_some());
        let executions = found.execution_counts().unwrap();
        assert_eq!((executions.failed(), executions.total()), (1, 1));
        let history = server.client.get_execution_history();
        let history = history.execution_arn(&execution).send().await.unwrap();
        let details = history.events().iter();
        let mut details = details.filter_map(|event| event.map_run_redriven_event_details());
        let details = details.next().unwrap();
        assert_eq!(details.map_run_arn(), Some(run.map_run_arn()));
        assert_eq!(details.redrive_count(), Some(1));
    }
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
