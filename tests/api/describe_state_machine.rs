//! `DescribeStateMachine`.

use aws_sdk_sfn::types::{
    EncryptionType, IncludedData, LogLevel, StateMachineStatus, StateMachineType,
};
use stepwell_tests::client::{ended, refused};
use stepwell_tests::server::{ROLE, Server};

use crate::definitions::{ABSENT_MACHINE, NOT_MACHINES, PASS, WAIT};
use crate::versions::{alias, publish, publish_next};

#[tokio::test]
async fn everything_there_is_to_know() {
    let server = Server::start().await;
    let definition = "{\"Comment\": \"Größe \\u00e4\",\n\t\"StartAt\":  \"A\", \"States\": {\"A\": {\"Type\": \"Succeed\"}}}\n";
    let create = server.client.create_state_machine().name("orders");
    let created = create.definition(definition).role_arn(ROLE).send().await;
    let created = created.unwrap();
    let arn = created.state_machine_arn();
    let describe = server.client.describe_state_machine();
    let found = describe.state_machine_arn(arn).send().await.unwrap();
    assert_eq!(found.state_machine_arn(), arn);
    assert_eq!(found.name(), "orders");
    assert_eq!(found.status(), Some(&StateMachineStatus::Active));
    assert_eq!(found.definition(), definition, "letter for letter");
    assert_eq!(found.role_arn(), ROLE);
    assert_eq!(found.r#type(), &StateMachineType::Standard);
    assert_eq!(found.creation_date(), created.creation_date());
    let logging = found.logging_configuration().unwrap();
    assert_eq!(logging.level(), Some(&LogLevel::Off));
    assert!(!logging.include_execution_data());
    assert!(logging.destinations().is_empty());
    assert!(!found.tracing_configuration().unwrap().enabled());
    let encryption = found.encryption_configuration().unwrap();
    assert_eq!(encryption.r#type(), &EncryptionType::AwsOwnedKey);
    assert_eq!(found.revision_id(), None);
}

#[tokio::test]
async fn the_state_machine_has_to_be_there() {
    let server = Server::start().await;
    server.create("orders", PASS).await;
    for arn in [
        ABSENT_MACHINE,
        "arn:aws:states:eu-west-1:123456789012:stateMachine:orders",
        "arn:aws:states:us-east-1:000000000000:stateMachine:orders",
    ] {
        let describe = server.client.describe_state_machine();
        let message = format!("State Machine Does Not Exist: '{arn}'");
        refused(
            describe.state_machine_arn(arn).send().await,
            "StateMachineDoesNotExist",
            &message,
        );
    }
    for (arn, message) in NOT_MACHINES {
        let describe = server.client.describe_state_machine();
        let result = describe.state_machine_arn(arn).send().await;
        refused(result, "InvalidArn", message);
    }
}

#[tokio::test]
async fn a_version_is_described_as_it_was_published() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let one = publish(&server, &arn).await;
    let two = publish_next(&server, &arn, WAIT).await;
    let describe = async |arn: &str| {
        let describe = server.client.describe_state_machine();
        describe.state_machine_arn(arn).send().await.unwrap()
    };
    let machine = describe(&arn).await;
    assert_eq!((machine.definition(), machine.description()), (WAIT, None));
    let found = describe(&one).await;
    assert_eq!(
        (found.state_machine_arn(), found.name()),
        (one.as_str(), "orders")
    );
    assert_eq!(found.definition(), PASS);
    assert_eq!((found.revision_id(), found.description()), (None, None));
    let found = describe(&two).await;
    assert_eq!(found.state_machine_arn(), two);
    assert_eq!(found.definition(), WAIT);
    assert_eq!(found.revision_id(), machine.revision_id());
    assert!(found.creation_date().as_nanos() >= machine.creation_date().as_nanos());
}

#[tokio::test]
async fn an_alias_has_a_description_of_its_own() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let version = publish(&server, &arn).await;
    let live = alias(&server, "live", &[(&version, 100)]).await;
    for part in [live, format!("{arn}:2"), format!("{arn}:dead")] {
        let describe = server.client.describe_state_machine();
        let message = format!("State Machine Does Not Exist: '{part}'");
        let result = describe.state_machine_arn(part).send().await;
        refused(result, "StateMachineDoesNotExist", &message);
    }
}

#[tokio::test]
async fn metadata_have_no_definition() {
    let server = Server::start().await;
    let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Assign": {"v": 1}, "Next": "B"},
        "B": {"Type": "Pass", "OutputPath": "$v", "End": true}}}"#;
    let arn = server.create("orders", definition).await;
    let execution = server.begin(&arn, "one", r#"{"a": 1}"#).await;
    ended(&server.client, &execution).await;
    let client = &server.client;

    let describe = client.describe_state_machine().state_machine_arn(&arn);
    let describe = describe.included_data(IncludedData::MetadataOnly);
    let found = describe.send().await.unwrap();
    assert_eq!((found.definition(), found.name()), ("{}", "orders"));
    assert_eq!(found.variable_references(), None);

    let describe = client.describe_state_machine_for_execution();
    let describe = describe.execution_arn(&execution);
    let describe = describe.included_data(IncludedData::MetadataOnly);
    assert_eq!(describe.send().await.unwrap().definition(), "{}");

    let describe = client.describe_execution().execution_arn(&execution);
    let describe = describe.included_data(IncludedData::MetadataOnly);
    let found = describe.send().await.unwrap();
    assert_eq!((found.input(), found.output()), (None, None));
    assert!(!found.input_details().unwrap().included());
    assert!(!found.output_details().unwrap().included());
}
