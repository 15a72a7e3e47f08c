//! `UpdateStateMachine`.

use aws_sdk_sfn::operation::describe_state_machine::DescribeStateMachineOutput;
use aws_sdk_sfn::types::{
    EncryptionConfiguration, EncryptionType, LogLevel, LoggingConfiguration, TracingConfiguration,
};
use stepwell_tests::client::{ended, refused};
use stepwell_tests::server::{ROLE, Server};

use crate::definitions::{ABSENT_MACHINE, FAIL, NOT_MACHINES, PASS, WAIT};

const NOTHING_GIVEN: &str = "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified";

async fn describe(server: &Server, arn: &str) -> DescribeStateMachineOutput {
    let described = server.client.describe_state_machine();
    described.state_machine_arn(arn).send().await.unwrap()
}

#[tokio::test]
async fn what_is_absent_stays() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let update = || server.client.update_state_machine().state_machine_arn(&arn);
    assert_eq!(describe(&server, &arn).await.revision_id(), None);

    let first = update().definition(WAIT).send().await.unwrap();
    let described = describe(&server, &arn).await;
    assert!(first.revision_id().is_some());
    assert_eq!(described.revision_id(), first.revision_id());
    assert_eq!((described.definition(), described.role_arn()), (WAIT, ROLE));

    let role = "arn:aws:iam::123456789012:role/other";
    let second = update().role_arn(role).send().await.unwrap();
    let described = describe(&server, &arn).await;
    assert_ne!(second.revision_id(), first.revision_id());
    assert_eq!((described.definition(), described.role_arn()), (WAIT, role));

    let tracing = TracingConfiguration::builder().enabled(true).build();
    update()
        .tracing_configuration(tracing)
        .send()
        .await
        .unwrap();
    let described = describe(&server, &arn).await;
    assert!(described.tracing_configuration().unwrap().enabled());
    assert_eq!((described.definition(), described.role_arn()), (WAIT, role));
}

#[tokio::test]
async fn an_update_that_changes_nothing_keeps_the_revision() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let update = || server.client.update_state_machine().state_machine_arn(&arn);
    let nothing_new = update().definition(PASS).send().await.unwrap();
    assert_eq!(nothing_new.revision_id(), None);
    let new = update().definition(WAIT).send().await.unwrap();
    let nothing_new = update().definition(WAIT).role_arn(ROLE).send().await;
    let nothing_new = nothing_new.unwrap();
    assert_eq!(nothing_new.revision_id(), new.revision_id());
    assert!(nothing_new.update_date() >= new.update_date());
}

#[tokio::test]
async fn running_executions_keep_what_they_were_started_with() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let old = server.begin(&arn, "old", "{}").await;
    let update = server.client.update_state_machine();
    let update = update.state_machine_arn(&arn).definition(FAIL);
    update.send().await.unwrap();
    let new = server.begin(&arn, "new", "{}").await;
    assert_eq!(ended(&server.client, &new).await.error(), Some("Broken"));
    let old = server.client.describe_execution().execution_arn(old);
    assert_eq!(old.send().await.unwrap().status().as_str(), "RUNNING");
}

#[tokio::test]
async fn a_broken_definition_changes_nothing() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let update = server.client.update_state_machine().state_machine_arn(&arn);
    refused(
        update.definition(r#"{"StartAt": "A"}"#).send().await,
        "InvalidDefinition",
        "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /'",
    );
    assert_eq!(describe(&server, &arn).await.definition(), PASS);
}

#[tokio::test]
async fn something_has_to_be_given() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let update = server.client.update_state_machine().state_machine_arn(arn);
    refused(
        update.send().await,
        "MissingRequiredParameter",
        NOTHING_GIVEN,
    );
}

#[tokio::test]
async fn configurations_are_checked() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let update = || server.client.update_state_machine().state_machine_arn(&arn);
    let logging = LoggingConfiguration::builder().level(LogLevel::All).build();
    refused(
        update().logging_configuration(logging).send().await,
        "InvalidLoggingConfiguration",
        "Invalid Logging Configuration: Must specify exactly one Log Destination.",
    );
    let encryption = EncryptionConfiguration::builder()
        .r#type(EncryptionType::CustomerManagedKmsKey)
        .kms_key_id("key")
        .build()
        .unwrap();
    refused(
        update().encryption_configuration(encryption).send().await,
        "InvalidEncryptionConfiguration",
        "Stepwell does not encrypt with a customer managed key yet",
    );
    refused(
        update().definition(WAIT).publish(true).send().await,
        "ValidationException",
        "Stepwell does not publish state machine versions yet",
    );
    let described = describe(&server, &arn).await;
    assert_eq!(described.definition(), PASS);
    assert_eq!(described.revision_id(), None);
}

#[tokio::test]
async fn a_definition_is_not_empty() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let update = server.client.update_state_machine().state_machine_arn(&arn);
    let result = update.definition("").send().await;
    let message = "1 validation error detected: Value at 'definition' failed to satisfy constraint: Member must have length greater than or equal to 1";
    refused(result, "ValidationException", message);
}

#[tokio::test]
async fn the_state_machine_has_to_be_there() {
    let server = Server::start().await;
    let update = |arn: &str| {
        let update = server.client.update_state_machine();
        update.state_machine_arn(arn).definition(PASS).send()
    };
    let message = format!("State Machine Does Not Exist: '{ABSENT_MACHINE}'");
    refused(
        update(ABSENT_MACHINE).await,
        "StateMachineDoesNotExist",
        &message,
    );
    for (arn, message) in NOT_MACHINES {
        refused(update(arn).await, "InvalidArn", message);
    }
}
