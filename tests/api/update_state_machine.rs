//! `UpdateStateMachine`.

use aws_sdk_sfn::operation::describe_state_machine::DescribeStateMachineOutput;
use aws_sdk_sfn::operation::update_state_machine::UpdateStateMachineError;
use aws_sdk_sfn::types::{
    EncryptionConfiguration, EncryptionType, LogLevel, LoggingConfiguration, TracingConfiguration,
    ValidationExceptionReason,
};
use stepwell_tests::client::{ended, refusal, refused};
use stepwell_tests::server::{ROLE, Server};

use crate::definitions::{ABSENT_MACHINE, FAIL, NOT_MACHINES, PASS, WAIT};
use crate::versions::publish;

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
        update().version_description("x").send().await,
        "ValidationException",
        "Version description can only be set when publish is true",
    );
    for role in [
        "role",
        "arn:aws:iam::123456789012:user/a",
        "arn:aws:iam::1:role/a",
    ] {
        let message = format!("Invalid Role Arn: '{role}'");
        refused(update().role_arn(role).send().await, "InvalidArn", &message);
    }
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

#[tokio::test]
async fn an_update_comes_with_a_version() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let update = || server.client.update_state_machine().state_machine_arn(&arn);
    let published = || update().publish(true);
    let first = published().definition(WAIT).version_description("slow");
    let first = first.send().await.unwrap();
    let version = format!("{arn}:1");
    assert_eq!(first.state_machine_version_arn(), Some(version.as_str()));
    assert!(first.revision_id().is_some());
    let again = published().definition(WAIT).version_description("other");
    let again = again.send().await.unwrap();
    assert_eq!(again.state_machine_version_arn(), Some(version.as_str()));
    assert_eq!(again.revision_id(), first.revision_id());
    let described = describe(&server, &version).await;
    assert_eq!(described.definition(), WAIT);
    assert_eq!(described.description(), Some("slow"), "it stays as it is");

    let unpublished = update().definition(PASS).send().await.unwrap();
    assert_eq!(unpublished.state_machine_version_arn(), None);
    let third = published().definition(PASS).send().await.unwrap();
    let version = format!("{arn}:2");
    assert_eq!(third.state_machine_version_arn(), Some(version.as_str()));
    assert_eq!(third.revision_id(), unpublished.revision_id());
}

#[tokio::test]
async fn the_first_revision_gets_a_version_without_a_change() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let update = server.client.update_state_machine().state_machine_arn(&arn);
    let updated = update.definition(PASS).publish(true).send().await.unwrap();
    let version = format!("{arn}:1");
    assert_eq!(updated.state_machine_version_arn(), Some(version.as_str()));
    assert_eq!(updated.revision_id(), None);
}

#[tokio::test]
async fn a_version_is_nothing_to_update() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let update = |arn: &str| server.client.update_state_machine().state_machine_arn(arn);
    refused(
        update(&arn).publish(true).send().await,
        "MissingRequiredParameter",
        NOTHING_GIVEN,
    );
    let version = publish(&server, &arn).await;
    for part in [&version, &format!("{arn}:live")] {
        let message = format!(
            "This operation takes the ARN of a state machine without a version or an alias. Received: {part}"
        );
        let updated = update(part).definition(WAIT).send().await;
        refused(updated, "ValidationException", &message);
    }
    let label = format!("{arn}/label");
    let error = refusal(update(&label).definition(WAIT).send().await);
    let UpdateStateMachineError::ValidationException(error) = error else {
        panic!("{error:?}");
    };
    let reason = ValidationExceptionReason::ApiDoesNotSupportLabeledArns;
    assert_eq!(error.reason(), Some(&reason));
}
