//! `UpdateMapRun`.

use stepwell_tests::client::refused;
use stepwell_tests::server::Server;

use crate::map_runs::{
    ABSENT_MAP_RUN, NOT_MAP_RUNS, PASS, WAIT, distributed, running, start, succeeded,
};

#[tokio::test]
async fn a_running_map_run_takes_new_limits() {
    let server = Server::start().await;
    let definition = distributed(WAIT, r#", "MaxConcurrency": 1"#);
    let (_, run) = start(&server, &definition, "[1, 2, 3]").await;
    let update = server
        .client
        .update_map_run()
        .map_run_arn(run.map_run_arn());
    let update = update.max_concurrency(3).tolerated_failure_percentage(20.0);
    update.tolerated_failure_count(2).send().await.unwrap();
    let found = running(&server, &run, 3).await;
    assert_eq!(
        (found.max_concurrency(), found.tolerated_failure_count()),
        (3, 2)
    );
    assert!((found.tolerated_failure_percentage() - 20.0).abs() < f32::EPSILON);
}

#[tokio::test]
async fn a_map_run_that_has_ended_takes_none() {
    let server = Server::start().await;
    let (_, run) = start(&server, &distributed(PASS, ""), "[1]").await;
    succeeded(&server, &run).await;
    let update = server
        .client
        .update_map_run()
        .map_run_arn(run.map_run_arn());
    let message = format!(
        "The Map Run has completed and cannot be updated: '{}'",
        run.map_run_arn()
    );
    refused(
        update.max_concurrency(3).send().await,
        "ValidationException",
        &message,
    );
}

#[tokio::test]
async fn arguments_are_checked() {
    let server = Server::start().await;
    let update = |arn: &str| server.client.update_map_run().map_run_arn(arn);
    let message = "Request references a resource that does not exist.";
    let absent = update(ABSENT_MAP_RUN).max_concurrency(1);
    refused(absent.send().await, "ResourceNotFound", message);
    for (arn, message) in NOT_MAP_RUNS {
        refused(
            update(arn).max_concurrency(1).send().await,
            "InvalidArn",
            message,
        );
    }
    let negative = update(ABSENT_MAP_RUN).max_concurrency(-1);
    refused(
        negative.send().await,
        "ValidationException",
        "1 validation error detected: Value '-1' at 'maxConcurrency' failed to satisfy constraint: Member must have value greater than or equal to 0",
    );
    let much = update(ABSENT_MAP_RUN).tolerated_failure_percentage(101.0);
    refused(
        much.send().await,
        "ValidationException",
        "1 validation error detected: Value '101' at 'toleratedFailurePercentage' failed to satisfy constraint: Member must have value less than or equal to 100",
    );
}
