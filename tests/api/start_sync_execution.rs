//! `StartSyncExecution`, and what the other operations say about Express.

use aws_sdk_sfn::operation::start_sync_execution::builders::StartSyncExecutionFluentBuilder;
use aws_sdk_sfn::types::{IncludedData, StateMachineType, SyncExecutionStatus};
use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::integrations::mock::MockConfiguration;
use stepwell_tests::client::{refused, refused_in_common};
use stepwell_tests::clock::SkippingClock;
use stepwell_tests::server::{ROLE, Server};

use crate::definitions::{ABSENT_MACHINE, FAIL, NOT_MACHINES, PASS, TIMED_OUT, WAIT};

/// Creates an Express machine; answers its ARN.
async fn express(server: &Server, name: &str, definition: &str) -> String {
    let create = server.client.create_state_machine();
    let create = create.name(name).definition(definition).role_arn(ROLE);
    let created = create.r#type(StateMachineType::Express).send().await;
    created.unwrap().state_machine_arn
}

fn start(server: &Server, arn: &str) -> StartSyncExecutionFluentBuilder {
    server.client.start_sync_execution().state_machine_arn(arn)
}

async fn skipping() -> Server {
    let clock = SkippingClock::starting_at(stepwell::interpreter::Timestamp::EPOCH);
    Server::with(Engine::builder().clock(std::sync::Arc::new(clock))).await
}

#[tokio::test]
async fn one_request_runs_to_the_end() {
    let server = Server::start().await;
    let arn = express(&server, "orders", PASS).await;
    let ended = start(&server, &arn)
        .name("one")
        .input(r#"{"a": 1}"#)
        .trace_header("Root=1")
        .send()
        .await
        .unwrap();
    let prefix = "arn:aws:states:us-east-1:123456789012:express:orders:one:";
    let id = ended.execution_arn().strip_prefix(prefix).unwrap();
    assert_eq!(id.len(), 36, "a UUID: {id}");
    assert_eq!(ended.state_machine_arn(), Some(arn.as_str()));
    assert_eq!(ended.name(), Some("one"));
    assert_eq!(ended.status(), &SyncExecutionStatus::Succeeded);
    assert!(ended.stop_date() >= ended.start_date());
    assert_eq!(ended.input(), Some(r#"{"a": 1}"#));
    assert!(ended.input_details().unwrap().included());
    let output: Value = serde_json::from_str(ended.output().unwrap()).unwrap();
    assert_eq!(output, json!({"a": 1}));
    assert!(ended.output_details().unwrap().included());
    assert_eq!(ended.trace_header(), Some("Root=1"));
    assert_eq!((ended.error(), ended.cause()), (None, None));
    let billed = ended.billing_details().unwrap();
    assert_eq!(billed.billed_memory_used_in_mb(), 64);
    assert_eq!(billed.billed_duration_in_milliseconds() % 100, 0);
    assert!(billed.billed_duration_in_milliseconds() >= 100);
}

#[tokio::test]
async fn names_are_free_and_optional() {
    let server = Server::start().await;
    let arn = express(&server, "orders", PASS).await;
    let first = start(&server, &arn).name("one").send().await.unwrap();
    let second = start(&server, &arn).name("one").send().await.unwrap();
    assert_ne!(first.execution_arn(), second.execution_arn());
    assert_eq!(first.input(), Some("{}"), "the input's default");
    let unnamed = start(&server, &arn).send().await.unwrap();
    assert_eq!(unnamed.name().unwrap().len(), 36, "a UUID");
}

#[tokio::test]
async fn a_failure_is_an_answer() {
    let server = Server::start().await;
    let arn = express(&server, "orders", FAIL).await;
    let ended = start(&server, &arn).send().await.unwrap();
    assert_eq!(ended.status(), &SyncExecutionStatus::Failed);
    let failure = (ended.error(), ended.cause());
    assert_eq!(failure, (Some("Broken"), Some("It is broken.")));
    assert_eq!(ended.output(), None);
}

#[tokio::test]
async fn only_metadata_on_demand() {
    let server = Server::start().await;
    let arn = express(&server, "orders", PASS).await;
    let ended = start(&server, &arn)
        .included_data(IncludedData::MetadataOnly)
        .send()
        .await
        .unwrap();
    assert_eq!((ended.input(), ended.output()), (None, None));
    assert!(!ended.input_details().unwrap().included());
    assert!(!ended.output_details().unwrap().included());
}

#[tokio::test]
async fn five_minutes_are_the_limit() {
    let server = skipping().await;
    for (name, definition, seconds) in [("long", WAIT, 300), ("short", TIMED_OUT, 1)] {
        let arn = express(&server, name, definition).await;
        let ended = start(&server, &arn).send().await.unwrap();
        assert_eq!(ended.status(), &SyncExecutionStatus::TimedOut);
        let took = ended.stop_date().secs() - ended.start_date().secs();
        // Others may move the clock on while it is being looked at.
        assert!(took >= seconds, "{name}: {took}");
        let billed = ended.billing_details().unwrap();
        assert_eq!(billed.billed_duration_in_milliseconds(), took * 1000);
    }
}

#[tokio::test]
async fn a_history_has_no_limit() {
    let server = Server::start().await;
    let count = r#"{"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "B"},
        "B": {"Type": "Choice", "Default": "C", "Choices": [
            {"Variable": "$.n", "NumericLessThan": 7000, "Next": "A"}]},
        "C": {"Type": "Succeed"}}}"#;
    let arn = express(&server, "orders", count).await;
    let ended = start(&server, &arn)
        .input(r#"{"n": 0}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(ended.output(), Some(r#"{"n":7000}"#));
}

#[tokio::test]
async fn versions_aliases_and_test_cases_are_started_too() {
    let mocks = json!({
        "StateMachines": {"orders": {"TestCases": {"Happy": {"A": "done"}}}},
        "MockedResponses": {"done": {"0": {"Return": {"done": true}}}},
    });
    let mocks = MockConfiguration::parse(&mocks.to_string()).unwrap();
    let server = Server::with(Engine::builder().mocks(mocks)).await;
    let task = r#"{"StartAt": "A", "States": {"A": {"Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "f"}, "End": true}}}"#;
    let arn = express(&server, "orders", task).await;
    let publish = server.client.publish_state_machine_version();
    let version = publish.state_machine_arn(&arn).send().await.unwrap();
    for target in [&arn, version.state_machine_version_arn()] {
        let ended = start(&server, &format!("{target}#Happy"))
            .send()
            .await
            .unwrap();
        assert_eq!(ended.output(), Some(r#"{"done":true}"#));
        assert_eq!(ended.state_machine_arn(), Some(arn.as_str()));
    }
}

#[tokio::test]
async fn a_standard_machine_is_not_waited_for() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    refused(
        start(&server, &arn).send().await,
        "StateMachineTypeNotSupported",
        "This operation is not supported by this type of state machine",
    );
}

#[tokio::test]
async fn what_cannot_be_started_is_refused() {
    let server = Server::start().await;
    let arn = express(&server, "orders", PASS).await;
    for (text, message) in NOT_MACHINES {
        refused(start(&server, text).send().await, "InvalidArn", message);
    }
    refused(
        start(&server, ABSENT_MACHINE).send().await,
        "StateMachineDoesNotExist",
        &format!("State Machine Does Not Exist: '{ABSENT_MACHINE}'"),
    );
    refused(
        start(&server, &arn).name("a b").send().await,
        "InvalidName",
        "Invalid Name: 'a b'",
    );
    refused(
        start(&server, &arn).input("").send().await,
        "InvalidExecutionInput",
        "Invalid State Machine Execution Input: 'Invalid execution input.'",
    );
    let long = "x".repeat(257);
    refused_in_common(
        start(&server, &arn).trace_header(&long).send().await,
        "ValidationException",
        &format!(
            "1 validation error detected: Value '{long}' at 'traceHeader' failed to satisfy constraint: Member must have length less than or equal to 256"
        ),
    );
}

#[tokio::test]
async fn nothing_else_can_be_done_with_an_express_execution() {
    const NOT_HERE: &str = "Invalid Arn: 'Resource type not valid in this context: express'";
    let server = Server::start().await;
    let client = &server.client;
    let arn = express(&server, "orders", WAIT).await;
    let execution = server.begin(&arn, "one", "{}").await;
    let prefix = "arn:aws:states:us-east-1:123456789012:express:orders:one:";
    assert!(execution.starts_with(prefix), "{execution}");
    assert_ne!(server.begin(&arn, "one", "{}").await, execution);
    let describe = client.describe_execution().execution_arn(&execution);
    refused(describe.send().await, "InvalidArn", NOT_HERE);
    let stop = client.stop_execution().execution_arn(&execution);
    refused(stop.send().await, "InvalidArn", NOT_HERE);
    let history = client.get_execution_history().execution_arn(&execution);
    refused(history.send().await, "InvalidArn", NOT_HERE);
    let machine = client.describe_state_machine_for_execution();
    let machine = machine.execution_arn(&execution);
    refused(machine.send().await, "InvalidArn", NOT_HERE);
    refused(
        client
            .list_executions()
            .state_machine_arn(&arn)
            .send()
            .await,
        "StateMachineTypeNotSupported",
        "This operation is not supported by this type of state machine",
    );
}

#[tokio::test]
async fn more_than_fit_are_refused() {
    let full = Server::with(Engine::builder().express_open_max(0)).await;
    let arn = express(&full, "orders", PASS).await;
    refused_in_common(
        start(&full, &arn).send().await,
        "ThrottlingException",
        "Rate exceeded",
    );
    let start = full.client.start_execution().state_machine_arn(&arn);
    refused(
        start.send().await,
        "ExecutionLimitExceeded",
        "The maximum number of running executions has been reached. Running executions must end or be stopped before a new execution can be started.",
    );
}
