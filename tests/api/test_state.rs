//! `TestState`.

use std::sync::Arc;

use aws_sdk_sfn::operation::test_state::TestStateOutput;
use aws_sdk_sfn::operation::test_state::builders::TestStateFluentBuilder;
use aws_sdk_sfn::types::{
    InspectionLevel, MockErrorOutput, MockInput, MockResponseValidationMode, TestExecutionStatus,
    TestStateConfiguration,
};
use serde_json::{Value, json};
use stepwell::clock::{Clock as _, SystemClock};
use stepwell::{Engine, TaskError};
use stepwell_tests::api::Api;
use stepwell_tests::client::{refused, refused_in_common};
use stepwell_tests::clock::SkippingClock;
use stepwell_tests::server::{ROLE, Server};

const CHARGE: &str = "arn:aws:lambda:us-east-1:123456789012:function:charge";
const SEND: &str = "arn:aws:states:::sqs:sendMessage";
const START: &str = "arn:aws:states:::states:startExecution";

fn test(server: &Server, definition: &Value) -> TestStateFluentBuilder {
    server
        .client
        .test_state()
        .definition(definition.to_string())
}

fn result(result: &Value) -> MockInput {
    MockInput::builder().result(result.to_string()).build()
}

fn error(error: &str) -> MockInput {
    let output = MockErrorOutput::builder().error(error).cause("why").build();
    MockInput::builder().error_output(output).build()
}

fn task(resource: &str) -> Value {
    json!({"Type": "Task", "Resource": resource, "End": true})
}

fn map(more: &Value) -> Value {
    let processor = json!({
        "StartAt": "Inner",
        "States": {"Inner": {"Type": "Pass", "End": true}}
    });
    let mut map = json!({"Type": "Map", "ItemProcessor": processor, "End": true});
    let more = more.as_object().unwrap().clone();
    map.as_object_mut().unwrap().extend(more);
    map
}

fn json_of(text: Option<&str>) -> Value {
    serde_json::from_str(text.expect("it is there")).unwrap()
}

#[track_caller]
fn outcome(tested: &TestStateOutput) -> (&TestExecutionStatus, Option<&str>, Option<&str>) {
    (
        tested.status().expect("there is always a status"),
        tested.error(),
        tested.next_state(),
    )
}

#[tokio::test]
async fn a_state_shows_what_its_data_became() {
    let server = Server::start().await;
    let definition = json!({
        "Type": "Pass",
        "InputPath": "$.order",
        "Parameters": {"id.$": "$.number"},
        "ResultPath": "$.kept",
        "OutputPath": "$.kept",
        "Assign": {"last.$": "$.id"},
        "Next": "Elsewhere"
    });
    let tested = test(&server, &definition)
        .input(r#"{"order": {"number": 7}}"#)
        .variables(r#"{"first": 1}"#)
        .inspection_level(InspectionLevel::Debug)
        .send()
        .await
        .unwrap();
    let succeeded = (&TestExecutionStatus::Succeeded, None, Some("Elsewhere"));
    assert_eq!(outcome(&tested), succeeded);
    assert_eq!(json_of(tested.output()), json!({"id": 7}));
    let data = tested.inspection_data().unwrap();
    assert_eq!(json_of(data.after_input_path()), json!({"number": 7}));
    assert_eq!(json_of(data.after_parameters()), json!({"id": 7}));
    assert_eq!(json_of(data.after_result_selector()), json!({"id": 7}));
    let combined = json!({"order": {"number": 7}, "kept": {"id": 7}});
    assert_eq!(json_of(data.after_result_path()), combined);
    assert_eq!(json_of(data.variables()), json!({"first": 1, "last": 7}));

    let tested = test(&server, &definition).send().await.unwrap();
    assert_eq!(tested.status(), Some(&TestExecutionStatus::Failed));
    assert_eq!(tested.error(), Some("States.Runtime"));
    assert_eq!(tested.inspection_data(), None, "INFO shows nothing of it");
}

#[tokio::test]
async fn a_task_runs_through_the_handlers_of_the_engine() {
    async fn charge(order: Value) -> Result<Value, TaskError> {
        match order["amount"].as_i64() {
            Some(amount) => Ok(json!({"charged": amount})),
            None => Err(TaskError::new("NoAmount", "how much?")),
        }
    }
    let server = Server::with(Engine::builder().task(CHARGE, charge)).await;
    let definition = json!({
        "Type": "Task",
        "Resource": CHARGE,
        "Catch": [{"ErrorEquals": ["NoAmount"], "ResultPath": "$.error", "Next": "Ask"}],
        "End": true
    });
    let tested = test(&server, &definition)
        .role_arn(ROLE)
        .input(r#"{"amount": 3}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(json_of(tested.output()), json!({"charged": 3}));
    let tested = test(&server, &definition)
        .role_arn(ROLE)
        .inspection_level(InspectionLevel::Trace)
        .send()
        .await
        .unwrap();
    let caught = (
        &TestExecutionStatus::CaughtError,
        Some("NoAmount"),
        Some("Ask"),
    );
    assert_eq!(outcome(&tested), caught);
    let expected = json!({"error": {"Error": "NoAmount", "Cause": "how much?"}});
    assert_eq!(json_of(tested.output()), expected);
    let details = tested.inspection_data().unwrap().error_details().unwrap();
    assert_eq!(
        (details.catch_index(), details.retry_index()),
        (Some(0), None)
    );

    let unmocked = test(&server, &definition).send().await;
    let message = "RoleArn must be specified when testing a Task state";
    refused(unmocked, "ValidationException", message);
}

#[tokio::test]
async fn a_test_takes_five_minutes_at_most() {
    async fn never(_: Value) -> Result<Value, TaskError> {
        std::future::pending().await
    }
    let clock = SkippingClock::starting_at(SystemClock.now());
    let builder = Engine::builder().clock(Arc::new(clock)).task(CHARGE, never);
    let server = Server::with(builder).await;
    let timed_out = (&TestExecutionStatus::Failed, Some("States.Timeout"), None);
    let tested = test(&server, &task(CHARGE)).role_arn(ROLE).send().await;
    assert_eq!(outcome(&tested.unwrap()), timed_out);
    let wait = json!({"Type": "Wait", "Seconds": 301, "End": true});
    let tested = test(&server, &wait).send().await.unwrap();
    assert_eq!(outcome(&tested), timed_out);
    let wait = json!({"Type": "Wait", "Seconds": 300, "Next": "A"});
    let tested = test(&server, &wait).send().await.unwrap();
    let succeeded = (&TestExecutionStatus::Succeeded, None, Some("A"));
    assert_eq!(outcome(&tested), succeeded);
}

#[tokio::test]
async fn a_mocked_error_meets_retriers_and_catchers() {
    let server = Server::start().await;
    let definition = json!({
        "Type": "Task",
        "Resource": SEND,
        "Retry": [
            {"ErrorEquals": ["Other"]},
            {"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "MaxAttempts": 3}
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Give up"}],
        "End": true
    });
    let after = |retries: i32| {
        let configuration = TestStateConfiguration::builder();
        test(&server, &definition)
            .mock(error("Busy"))
            .state_configuration(configuration.retrier_retry_count(retries).build())
            .inspection_level(InspectionLevel::Debug)
            .send()
    };
    for (retries, backoff) in [(0, 2), (2, 8)] {
        let tested = after(retries).await.unwrap();
        let retriable = (&TestExecutionStatus::Retriable, Some("Busy"), None);
        assert_eq!(outcome(&tested), retriable);
        let details = tested.inspection_data().unwrap().error_details().unwrap();
        assert_eq!(details.retry_index(), Some(1));
        assert_eq!(details.retry_backoff_interval_seconds(), Some(backoff));
    }
    let tested = after(3).await.unwrap();
    let caught = (
        &TestExecutionStatus::CaughtError,
        Some("Busy"),
        Some("Give up"),
    );
    assert_eq!(outcome(&tested), caught);
}

#[tokio::test]
async fn an_error_inside_reaches_the_handlers_around() {
    let server = Server::start().await;
    let definition = json!({
        "StartAt": "Both",
        "States": {
            "Both": {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": "Send", "States": {"Send": {"Type": "Task", "Resource": SEND, "End": true}}}
                ],
                "Catch": [{"ErrorEquals": ["Busy"], "Next": "Last"}],
                "Next": "Last"
            },
            "Last": {"Type": "Succeed"}
        }
    });
    let send = test(&server, &definition).state_name("Send");
    let tested = send.mock(error("Busy")).send().await.unwrap();
    let caught = (
        &TestExecutionStatus::CaughtError,
        Some("Busy"),
        Some("Last"),
    );
    assert_eq!(outcome(&tested), caught);
    let configuration = TestStateConfiguration::builder();
    let tested = test(&server, &definition)
        .state_name("Both")
        .mock(error("Busy"))
        .state_configuration(configuration.error_caused_by_state("Send").build())
        .send()
        .await
        .unwrap();
    assert_eq!(outcome(&tested), caught);
}

#[tokio::test]
async fn a_map_shows_its_iterations() {
    let server = Server::start().await;
    let definition = map(&json!({
        "ItemsPath": "$.items",
        "ItemSelector": {"value.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index"},
        "MaxConcurrency": 2
    }));
    let tested = test(&server, &definition)
        .input(r#"{"items": ["a", "b"]}"#)
        .mock(result(&json!([1, 2])))
        .inspection_level(InspectionLevel::Debug)
        .send()
        .await
        .unwrap();
    assert_eq!(json_of(tested.output()), json!([1, 2]));
    let data = tested.inspection_data().unwrap();
    assert_eq!(json_of(data.after_items_path()), json!(["a", "b"]));
    let selected = json!([{"value": "a", "index": 0}, {"value": "b", "index": 1}]);
    assert_eq!(json_of(data.after_item_selector()), selected);
    assert_eq!(data.max_concurrency(), Some(2));
}

#[tokio::test]
async fn a_state_inside_a_map_is_in_its_first_iteration() {
    let server = Server::start().await;
    let inner = json!({"Type": "Pass", "Parameters": {"item.$": "$$.Map.Item.Value"}, "End": true});
    let machine = json!({
        "StartAt": "Map",
        "States": {
            "Map": {
                "Type": "Map",
                "ItemProcessor": {"StartAt": "Inner", "States": {"Inner": inner}},
                "End": true
            }
        }
    });
    let tested = test(&server, &machine).state_name("Inner").input("7");
    let tested = tested.send().await.unwrap();
    assert_eq!(json_of(tested.output()), json!({"item": 7}));
}

#[tokio::test]
async fn a_distributed_map_reads_batches_and_tolerates() {
    let server = Server::start().await;
    let definition = json!({
        "Type": "Map",
        "QueryLanguage": "JSONata",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Arguments": {"Bucket": "b", "Key": "{% $states.input.key %}"}
        },
        "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"all": "{% $states.input.key %}"}},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Inner",
            "States": {"Inner": {"Type": "Pass", "End": true}}
        },
        "ToleratedFailurePercentage": 40,
        "Catch": [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "Too many"}],
        "End": true
    });
    let failing = |count: i32| {
        let configuration = TestStateConfiguration::builder()
            .map_item_reader_data("id\n1\n2\n3\n")
            .map_iteration_failure_count(count)
            .build();
        test(&server, &definition)
            .input(r#"{"key": "k"}"#)
            .mock(result(&json!([])))
            .state_configuration(configuration)
            .inspection_level(InspectionLevel::Debug)
            .send()
    };
    let tested = failing(1).await.unwrap();
    assert_eq!(tested.status(), Some(&TestExecutionStatus::Succeeded));
    let data = tested.inspection_data().unwrap();
    let batches = json!([
        {"BatchInput": {"all": "k"}, "Items": [{"id": "1"}, {"id": "2"}]},
        {"BatchInput": {"all": "k"}, "Items": [{"id": "3"}]}
    ]);
    assert_eq!(json_of(data.after_item_batcher()), batches);
    assert_eq!(data.tolerated_failure_percentage(), Some(40.0));
    let exceeded = "States.ExceedToleratedFailureThreshold";
    let tested = failing(2).await.unwrap();
    let caught = (
        &TestExecutionStatus::CaughtError,
        Some(exceeded),
        Some("Too many"),
    );
    assert_eq!(outcome(&tested), caught);
    let message =
        "Map iteration failure count must be less than or equal to the number of Map iterations";
    refused(failing(4).await, "ValidationException", message);
}

#[tokio::test]
async fn a_mock_is_compared_with_its_api() {
    let server = Server::start().await;
    let with = |mock: MockInput| test(&server, &task(START)).mock(mock).send();
    let empty = |mode: MockResponseValidationMode| {
        let mock = MockInput::builder().result("{}");
        mock.field_validation_mode(mode).build()
    };
    let missing = "Mock result schema validation error: Required field 'ExecutionArn' is missing";
    let strict = with(empty(MockResponseValidationMode::Strict)).await;
    refused(strict, "ValidationException", missing);
    for mode in [
        MockResponseValidationMode::Present,
        MockResponseValidationMode::None,
    ] {
        assert!(with(empty(mode)).await.is_ok());
    }
    let message = "Mock result schema validation error: Field 'StartDate' must be a string";
    let wrong = json!({"ExecutionArn": "a", "StartDate": 1});
    refused(with(result(&wrong)).await, "ValidationException", message);
    let message = "Mocked result must be valid JSON";
    let broken = MockInput::builder().result("{").build();
    refused(with(broken).await, "ValidationException", message);
}

#[tokio::test]
async fn what_a_test_cannot_do_is_refused() {
    let server = Server::start().await;
    let check = async |test: TestStateFluentBuilder, message: &str| {
        refused(test.send().await, "ValidationException", message);
    };
    let pass = json!({"Type": "Pass", "End": true});
    let parallel = json!({
        "Type": "Parallel",
        "Branches": [{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}],
        "End": true
    });
    let one = result(&json!({}));
    check(
        test(&server, &pass).mock(one.clone()),
        "State type 'Pass' is not supported when a mock is specified",
    )
    .await;
    check(
        test(&server, &parallel).mock(result(&json!([1, 2]))),
        "Mocked result must contain the same number of items as number of Parallel branches.",
    )
    .await;
    check(
        test(&server, &map(&json!({}))).mock(one.clone()),
        "Mocked result must be an array.",
    )
    .await;
    check(
        test(&server, &task(SEND))
            .mock(one.clone())
            .reveal_secrets(true),
        "TestState does not support RevealSecrets when a mock is specified.",
    )
    .await;
    check(
        test(&server, &task(SEND)).mock(MockInput::builder().build()),
        "A test mock should have only one of the following fields: [result, errorOutput].",
    )
    .await;
    check(
        test(&server, &task(SEND))
            .mock(one.clone())
            .context(r#"{"Other": {}}"#),
        "Invalid Context object provided: Field 'Other' is not allowed",
    )
    .await;
    check(
        test(&server, &pass)
            .state_name("A")
            .definition(r#"{"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}"#),
        "State not found in definition",
    )
    .await;
    check(
        test(&server, &task("arn:aws:states:::ecs:runTask.sync")).role_arn(ROLE),
        "TestState does not support the '.sync' service integration pattern when a mock is not specified.",
    )
    .await;
    let unsupported = "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]";
    refused(
        test(&server, &parallel).send().await,
        "InvalidDefinition",
        unsupported,
    );
}

#[tokio::test]
async fn a_broken_definition_or_input_is_refused() {
    let server = Server::start().await;
    let with = |definition: &str| server.client.test_state().definition(definition).send();
    let invalid = |finding: &str| format!("Invalid State Machine Definition: '{finding}'");
    let message =
        invalid("SCHEMA_VALIDATION_FAILED: These fields are required: [Type] at /States/StateName");
    refused(with("{}").await, "InvalidDefinition", &message);
    let message =
        invalid("SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null");
    refused(with("[]").await, "InvalidDefinition", &message);
    let pass = json!({"Type": "Pass", "End": true});
    let broken = test(&server, &pass).input("not JSON").send().await;
    let message = "Invalid State Machine Execution Input: 'Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')'";
    refused(broken, "InvalidExecutionInput", message);
    let long = test(&server, &pass).input(format!("\"{}\"", "a".repeat(262_144)));
    let message = "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144";
    refused(long.send().await, "ValidationException", message);
    // Whatever else is wrong: no role for a task, a mock that is none.
    let long = || format!("\"{}\"", "ä".repeat(131_072));
    let task = test(&server, &task(SEND)).input(long());
    let mocked = task.clone().mock(MockInput::builder().build());
    for long in [task, mocked] {
        refused(long.send().await, "ValidationException", message);
    }
    let variables = test(&server, &pass).variables("[]").send().await;
    refused(
        variables,
        "ValidationException",
        "Variables must be a JSON object",
    );
    let mode = MockResponseValidationMode::from("LOOSE");
    let mock = MockInput::builder()
        .result("{}")
        .field_validation_mode(mode);
    let message = "1 validation error detected: Value 'LOOSE' at 'mock.fieldValidationMode' failed to satisfy constraint: Member must satisfy enum value set: [STRICT, PRESENT, NONE]";
    let loose = test(&server, &pass).mock(mock.build()).send().await;
    refused(loose, "ValidationException", message);
    let role = test(&server, &pass).role_arn("nobody").send().await;
    refused_in_common(role, "InvalidArn", "Invalid Role Arn: 'nobody'");
}

/// Whatever is sent, the answer is an error that the model knows, or a report.
#[tokio::test]
async fn no_request_breaks_the_server() {
    let api = Api::new(Engine::builder().build().await.unwrap());
    let deep = format!("{}1{}", "[".repeat(1_100), "]".repeat(1_100));
    let values = [
        json!(null),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(true),
        json!([]),
        json!({}),
        json!(""),
        json!("x"),
        json!("{"),
        json!("null"),
        json!("[]"),
        json!("{}"),
        json!("{\"Type\": \"Pass\", \"End\": true}"),
        json!("{\"Type\": 1}"),
        json!("{\"Type\": \"Map\", \"End\": true, \"ItemProcessor\": 1}"),
        json!("{\"Type\": \"Choice\", \"Choices\": [1, {\"Next\": \"\"}], \"Default\": 7}"),
        json!("\u{0}\u{1f600}"),
        json!(deep),
        json!("a".repeat(300_000)),
        json!({"result": 1}),
        json!({"result": deep, "fieldValidationMode": "OTHER"}),
        json!({"errorOutput": {"error": {}}}),
        json!({"errorOutput": {}}),
        json!({"retrierRetryCount": i64::MAX, "mapIterationFailureCount": -1}),
        json!({"retrierRetryCount": 1e300}),
        json!({"mapItemReaderData": "["}),
    ];
    let members = [
        "definition",
        "roleArn",
        "input",
        "inspectionLevel",
        "revealSecrets",
        "variables",
        "stateName",
        "mock",
        "context",
        "stateConfiguration",
    ];
    let retried = json!({"Type": "Task", "Resource": SEND, "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 99_999_999}], "End": true});
    let known = [
        "ValidationException",
        "InvalidDefinition",
        "InvalidExecutionInput",
        "InvalidArn",
        "SerializationException",
    ];
    for definition in [retried, map(&json!({"ItemSelector": {"a.$": "$"}}))] {
        for mock in [
            json!({"result": "{}"}),
            json!({"result": "[]"}),
            json!({"errorOutput": {"error": "E"}}),
            json!(null),
        ] {
            for member in members {
                for value in &values {
                    let mut request = json!({"definition": definition.to_string(), "inspectionLevel": "TRACE", "mock": mock});
                    request[member] = value.clone();
                    if let Err(error) = api.call("TestState", &request).await {
                        assert!(
                            known.contains(&&*error.code),
                            "{member}: {value}: {error:?}"
                        );
                    }
                }
            }
        }
    }
}
