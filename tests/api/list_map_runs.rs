//! `ListMapRuns`.

use stepwell_tests::client::{refused, until};
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_EXECUTION, NOT_EXECUTIONS};
use crate::map_runs::{PASS, distributed, map_run};

#[tokio::test]
async fn the_map_runs_of_an_execution_are_listed() {
    let server = Server::start().await;
    let arn = server.create("orders", &distributed(PASS, "")).await;
    let execution = server.begin(&arn, "e", "[1]").await;
    let run = map_run(&server, &execution).await;
    assert_eq!(run.execution_arn(), execution);
    assert_eq!(run.state_machine_arn(), format!("{arn}/each"));
    let prefix = arn.replace(":stateMachine:", ":mapRun:") + "/each:";
    assert!(run.map_run_arn().starts_with(&prefix), "{run:?}");
    until("its end", async || {
        map_run(&server, &execution).await.stop_date().copied()
    })
    .await;
    let other = server.create("plain", crate::definitions::PASS).await;
    let other = server.begin(&other, "e", "{}").await;
    let listed = server
        .client
        .list_map_runs()
        .execution_arn(other)
        .send()
        .await;
    assert!(listed.unwrap().map_runs().is_empty());
}

#[tokio::test]
async fn the_execution_has_to_be_there() {
    let server = Server::start().await;
    let list = |arn: &str| server.client.list_map_runs().execution_arn(arn).send();
    let message = format!("Execution Does Not Exist: '{ABSENT_EXECUTION}'");
    refused(
        list(ABSENT_EXECUTION).await,
        "ExecutionDoesNotExist",
        &message,
    );
    for (arn, message) in NOT_EXECUTIONS {
        refused(list(arn).await, "InvalidArn", message);
    }
    let list = server
        .client
        .list_map_runs()
        .execution_arn(ABSENT_EXECUTION);
    let arn = server.create("orders", crate::definitions::PASS).await;
    let execution = server.begin(&arn, "e", "{}").await;
    let list = list.execution_arn(execution).next_token("none").send();
    refused(list.await, "InvalidToken", "Invalid Token: 'Invalid token'");
}
