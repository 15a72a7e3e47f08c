//! What the tests of Map Runs have in common.

use aws_sdk_sfn::types::MapRunListItem;
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
