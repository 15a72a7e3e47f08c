//! `StartExecution`.

use std::collections::BTreeMap;

use aws_sdk_sfn::operation::start_execution::builders::StartExecutionFluentBuilder;
use aws_sdk_sfn::types::ExecutionStatus;
use stepwell::Engine;
use stepwell_tests::client::{ended, refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_MACHINE, FAIL, NOT_MACHINES, PASS, WAIT};
use crate::versions::{alias, publish, publish_next, route};

fn start(server: &Server, arn: &str) -> StartExecutionFluentBuilder {
    server.client.start_execution().state_machine_arn(arn)
}

#[tokio::test]
async fn an_execution_without_a_name_gets_one() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let first = start(&server, &arn).send().await.unwrap();
    let second = start(&server, &arn).send().await.unwrap();
    assert_ne!(first.execution_arn(), second.execution_arn());
    let prefix = "arn:aws:states:us-east-1:123456789012:execution:orders:";
    let name = first.execution_arn().strip_prefix(prefix).unwrap();
    assert_eq!(name.len(), 36, "a UUID: {name}");
    let described = ended(&server.client, first.execution_arn()).await;
    assert_eq!(described.name(), Some(name));
    assert_eq!(described.input(), Some("{}"), "the input's default");
    assert_eq!(described.start_date(), first.start_date());
}

#[tokio::test]
async fn the_same_start_again_finds_what_runs() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let again = |input: &str| start(&server, &arn).name("one").input(input).send();
    let first = again(r#"{"a": 1}"#).await.unwrap();
    let second = again(r#"{"a": 1}"#).await.unwrap();
    assert_eq!(second.execution_arn(), first.execution_arn());
    assert_eq!(second.start_date(), first.start_date());

    let message = format!("Execution Already Exists: '{}'", first.execution_arn());
    let code = "ExecutionAlreadyExists";
    refused(again(r#"{"a": 2}"#).await, code, &message);
    refused(again("{}").await, code, &message);

    let stop = server.client.stop_execution();
    stop.execution_arn(first.execution_arn())
        .send()
        .await
        .unwrap();
    refused(again(r#"{"a": 1}"#).await, code, &message);
}

#[tokio::test]
async fn a_name_is_taken_within_one_machine_only() {
    let server = Server::start().await;
    let one = server.create("one", PASS).await;
    let two = server.create("two", PASS).await;
    let first = server.begin(&one, "same", "{}").await;
    let second = server.begin(&two, "same", "{}").await;
    assert_ne!(first, second);
    ended(&server.client, &first).await;
    refused(
        start(&server, &one).name("same").input("{}").send().await,
        "ExecutionAlreadyExists",
        &format!("Execution Already Exists: '{first}'"),
    );
}

#[tokio::test]
async fn starts_at_the_same_time_agree_on_one_execution() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let starts = (0..16).map(|_| tokio::spawn(start(&server, &arn).name("one").input("1").send()));
    let mut arns = std::collections::BTreeSet::new();
    for started in starts.collect::<Vec<_>>() {
        let started = started.await.unwrap().unwrap();
        arns.insert((
            started.execution_arn,
            started.start_date.to_millis().unwrap(),
        ));
    }
    assert_eq!(arns.len(), 1, "{arns:?}");
    let list = server.client.list_executions().state_machine_arn(&arn);
    assert_eq!(list.send().await.unwrap().executions().len(), 1);
}

#[tokio::test]
async fn any_json_is_an_input_and_is_kept_as_written() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    for input in [
        "1",
        "null",
        "\"text\"",
        "[]",
        "12345678901234567890",
        r#"{"b": 1, "a": {"x": [true, null]}}"#,
        r#"{"text": "Größe \u00e4 😀"}"#,
    ] {
        let started = start(&server, &arn).input(input).send().await.unwrap();
        let described = ended(&server.client, started.execution_arn()).await;
        assert_eq!(described.input(), Some(input));
    }
}

#[tokio::test]
async fn what_is_not_json_is_no_input() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    for (input, reason) in [
        ("", "Invalid execution input."),
        (
            "not some json",
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
        ),
        (
            "{'a': 1}",
            "Unexpected character (''' (code 39)): was expecting double-quote to start field name",
        ),
    ] {
        let message = format!("Invalid State Machine Execution Input: '{reason}'");
        let result = start(&server, &arn).input(input).send().await;
        refused(result, "InvalidExecutionInput", &message);
    }
}

#[tokio::test]
async fn an_input_has_at_most_256_kibibytes() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let input = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
    let started = start(&server, &arn).input(input(262_144)).send().await;
    let described = ended(&server.client, started.unwrap().execution_arn()).await;
    assert_eq!(described.output(), Some(input(262_144).as_str()));
    refused(
        start(&server, &arn).input(input(262_145)).send().await,
        "ValidationException",
        "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144",
    );
}

#[tokio::test]
async fn names_follow_the_rules() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    for name in ["order.7", "Größe-1_x", &"a".repeat(80)] {
        start(&server, &arn).name(name).send().await.unwrap();
    }
    for name in ["a b", "a/b", "a:b", "*"] {
        let message = format!("Invalid Name: '{name}'");
        let result = start(&server, &arn).name(name).send().await;
        refused(result, "InvalidName", &message);
    }
    let long = "a".repeat(81);
    for (name, rule) in [
        ("", "greater than or equal to 1"),
        (&long, "less than or equal to 80"),
    ] {
        let message = format!(
            "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must have length {rule}"
        );
        let result = start(&server, &arn).name(name).send().await;
        refused(result, "ValidationException", &message);
    }
}

#[tokio::test]
async fn the_state_machine_has_to_be_there() {
    let server = Server::start().await;
    let message = format!("State Machine Does Not Exist: '{ABSENT_MACHINE}'");
    refused(
        start(&server, ABSENT_MACHINE).send().await,
        "StateMachineDoesNotExist",
        &message,
    );
    for (arn, message) in NOT_MACHINES {
        refused(start(&server, arn).send().await, "InvalidArn", message);
    }
    refused_in_common(
        start(&server, "").send().await,
        "ValidationException",
        "1 validation error detected: Value '' at 'stateMachineArn' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
}

#[tokio::test]
async fn a_test_case_needs_a_mock_configuration() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    refused(
        start(&server, &format!("{arn}#Happy")).send().await,
        "ValidationException",
        "The mock configuration has no test case 'Happy' for the state machine 'orders'",
    );
}

#[tokio::test]
async fn a_version_starts_what_it_stands_for() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let version = publish(&server, &arn).await;
    let update = server.client.update_state_machine().state_machine_arn(&arn);
    update.definition(FAIL).send().await.unwrap();
    let execution = server.begin(&version, "one", "{}").await;
    assert!(execution.ends_with(":execution:orders:one"), "{execution}");
    let described = ended(&server.client, &execution).await;
    assert_eq!(described.status(), &ExecutionStatus::Succeeded);
    assert_eq!(described.state_machine_arn(), arn);
    let by = described.state_machine_version_arn();
    assert_eq!(
        (by, described.state_machine_alias_arn()),
        (Some(version.as_str()), None)
    );
    let describe = server.client.describe_state_machine_for_execution();
    let machine = describe.execution_arn(&execution).send().await.unwrap();
    assert_eq!(machine.state_machine_arn(), arn);
    assert_eq!((machine.definition(), machine.revision_id()), (PASS, None));
    let history = server.client.get_execution_history();
    let history = history.execution_arn(&execution).send().await.unwrap();
    let started = history.events()[0].execution_started_event_details();
    let started = started.unwrap();
    assert_eq!(started.state_machine_version_arn(), Some(version.as_str()));
    assert_eq!(started.state_machine_alias_arn(), None);

    let execution = server.begin(&arn, "two", "{}").await;
    let described = ended(&server.client, &execution).await;
    assert_eq!(described.status(), &ExecutionStatus::Failed);
    assert_eq!(described.state_machine_version_arn(), None);
}

#[tokio::test]
async fn an_alias_starts_its_versions_by_their_weights() {
    let server = Server::with(Engine::builder().seed([7; 32])).await;
    let arn = server.create("orders", PASS).await;
    let one = publish(&server, &arn).await;
    let two = publish_next(&server, &arn, FAIL).await;
    let live = alias(&server, "live", &[(&one, 75), (&two, 25)]).await;
    let mut starts = BTreeMap::new();
    for number in 0..100 {
        let execution = server.begin(&live, &number.to_string(), "{}").await;
        let described = ended(&server.client, &execution).await;
        assert_eq!(described.state_machine_alias_arn(), Some(live.as_str()));
        assert_eq!(described.state_machine_arn(), arn);
        let version = described.state_machine_version_arn().unwrap().to_owned();
        let status = if version == one {
            ExecutionStatus::Succeeded
        } else {
            ExecutionStatus::Failed
        };
        assert_eq!(described.status(), &status);
        *starts.entry(version).or_insert(0) += 1;
    }
    let (first, second) = (starts[&one], starts[&two]);
    assert_eq!(first + second, 100);
    assert!((60..=90).contains(&first), "three of four: {starts:?}");
}

#[tokio::test]
async fn an_execution_keeps_the_version_it_was_started_with() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let one = publish(&server, &arn).await;
    let live = alias(&server, "live", &[(&one, 100)]).await;
    let execution = server.begin(&live, "one", "{}").await;
    let two = publish_next(&server, &arn, PASS).await;
    let update = server.client.update_state_machine_alias();
    let update = update.state_machine_alias_arn(&live);
    let update = update.routing_configuration(route(&two, 100));
    update.send().await.unwrap();
    let describe = server.client.describe_execution().execution_arn(&execution);
    let described = describe.send().await.unwrap();
    assert_eq!(described.status(), &ExecutionStatus::Running);
    assert_eq!(described.state_machine_version_arn(), Some(one.as_str()));
    let next = server.begin(&live, "two", "{}").await;
    let next = ended(&server.client, &next).await;
    assert_eq!(next.state_machine_version_arn(), Some(two.as_str()));
    let again = server.begin(&live, "one", "{}").await;
    assert_eq!(again, execution, "the same start finds what runs");
}

#[tokio::test]
async fn a_version_or_an_alias_has_to_be_there() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    publish(&server, &arn).await;
    for part in ["2", "01", "0", "live", "99999999999999999999"] {
        let part = format!("{arn}:{part}");
        let message = format!("State Machine Does Not Exist: '{part}'");
        let result = start(&server, &part).send().await;
        refused(result, "StateMachineDoesNotExist", &message);
    }
    for part in [format!("{arn}:"), format!("{arn}:1:2")] {
        let message = format!("Invalid Arn: 'Invalid ARN: {part}'");
        refused(start(&server, &part).send().await, "InvalidArn", &message);
    }
}
