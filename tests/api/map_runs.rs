//! What the tests of Map Runs have in common.

use aws_sdk_sfn::operation::describe_map_run::DescribeMapRunOutput;
use aws_sdk_sfn::types::{ExecutionListItem, MapRunListItem, MapRunStatus};
use stepwell_tests::client::until;
use stepwell_tests::server::Server;

/// A Map Run that nobody started.
pub(crate) const ABSENT_MAP_RUN: &str =
    "arn:aws:states:us-east-1:123456789012:mapRun:absent/each:0198c0a0-0000-7000-8000-000000000000";

/// Texts that name no Map Run, and what is said about them.
pub(crate) const NOT_MAP_RUNS: [(&str, &str); 3] = [
    ("run", "Invalid Arn: 'Invalid ARN prefix: run'"),
    (
        "arn:aws:states:us-east-1:123456789012:stateMachine:m",
        "Invalid Arn: 'Resource type not valid in this context: stateMachine'",
    ),
    (
        "arn:aws:states:us-east-1:123456789012:execution:m:e",
        "Invalid Arn: 'Resource type not valid in this context: execution'",
    ),
];

/// A distributed Map whose children run `inner`, with more fields.
pub(crate) fn distributed(inner: &str, more: &str) -> String {
    format!(
        r#"{{"StartAt": "Each", "States": {{"Each": {{"Type": "Map", "Label": "each", "ItemProcessor": {{"ProcessorConfig": {{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}, "StartAt": "Inner", "States": {{"Inner": {inner}}}}}{more}, "End": true}}}}}}"#
    )
}

/// The same with Express children.
pub(crate) fn express(inner: &str, more: &str) -> String {
    distributed(inner, more).replace("STANDARD", "EXPRESS")
}

/// Ends at once.
pub(crate) const PASS: &str = r#"{"Type": "Pass", "End": true}"#;

/// Ends when somebody stops it.
pub(crate) const WAIT: &str = r#"{"Type": "Wait", "Seconds": 86400, "End": true}"#;

/// The only Map Run of an execution, once it is there.
pub(crate) async fn map_run(server: &Server, execution: &str) -> MapRunListItem {
    until("a Map Run", async || {
        let list = server.client.list_map_runs().execution_arn(execution);
        let listed = list.send().await.unwrap();
        listed.map_runs().first().cloned()
    })
    .await
}

/// Starts an execution of a new machine over some items; its ARN, and its Map Run.
pub(crate) async fn start(
    server: &Server,
    definition: &str,
    items: &str,
) -> (String, MapRunListItem) {
    let arn = server.create("orders", definition).await;
    let execution = server.begin(&arn, "e", items).await;
    let run = map_run(server, &execution).await;
    (execution, run)
}

/// A Map Run, once it stands as it should.
pub(crate) async fn until_run(
    server: &Server,
    run: &MapRunListItem,
    holds: impl Fn(&DescribeMapRunOutput) -> bool,
) -> DescribeMapRunOutput {
    until("a Map Run that stands as it should", async || {
        let describe = server.client.describe_map_run();
        let found = describe.map_run_arn(run.map_run_arn()).send().await;
        Some(found.unwrap()).filter(|found| holds(found))
    })
    .await
}

/// A Map Run, once all went well.
pub(crate) async fn succeeded(server: &Server, run: &MapRunListItem) -> DescribeMapRunOutput {
    until_run(server, run, |found| {
        *found.status() == MapRunStatus::Succeeded
    })
    .await
}

/// A Map Run, once so many of its items are with children that run.
pub(crate) async fn running(
    server: &Server,
    run: &MapRunListItem,
    items: i64,
) -> DescribeMapRunOutput {
    until_run(server, run, |found| {
        let counts = found.item_counts();
        counts.is_some_and(|counts| counts.running() == items)
    })
    .await
}

/// The children of a Map Run, once there are so many, the latest start first.
pub(crate) async fn children(
    server: &Server,
    run: &MapRunListItem,
    count: usize,
) -> Vec<ExecutionListItem> {
    until("its children", async || {
        let list = server.client.list_executions();
        let listed = list.map_run_arn(run.map_run_arn()).send().await;
        let children = listed.unwrap().executions;
        Some(children).filter(|children| children.len() == count)
    })
    .await
}

/// What other operations than `DescribeExecution` say of an Express child.
pub(crate) const NOT_FOR_EXPRESS: &str =
    "Invalid Arn: 'Resource type not valid in this context: express'";
