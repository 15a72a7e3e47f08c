//! `CreateStateMachine`.

use aws_sdk_sfn::operation::create_state_machine::builders::CreateStateMachineFluentBuilder;
use aws_sdk_sfn::types::{
    EncryptionConfiguration, EncryptionType, LogLevel, LoggingConfiguration, StateMachineType, Tag,
    TracingConfiguration,
};
use stepwell_tests::client::{refusal, refused};
use stepwell_tests::server::{ROLE, Server};

use crate::definitions::{PASS, WAIT};
use crate::versions::publish;

const ARN: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:orders";

fn create(server: &Server) -> CreateStateMachineFluentBuilder {
    let create = server.client.create_state_machine();
    create.name("orders").definition(PASS).role_arn(ROLE)
}

#[tokio::test]
async fn a_new_state_machine_has_an_arn_and_a_date() {
    let server = Server::start().await;
    let before = chrono::Utc::now().timestamp();
    let created = create(&server).send().await.unwrap();
    assert_eq!(created.state_machine_arn(), ARN);
    assert!((before..=before + 60).contains(&created.creation_date().secs()));
    assert_eq!(created.state_machine_version_arn(), None);
}

#[tokio::test]
async fn the_same_request_again_finds_the_first() {
    let server = Server::start().await;
    let first = create(&server).send().await.unwrap();
    let tag = Tag::builder().key("team").value("shop").build();
    let role = "arn:aws:iam::123456789012:role/other";
    let again = create(&server).role_arn(role).tags(tag).send().await;
    let again = again.unwrap();
    assert_eq!(again.state_machine_arn(), ARN);
    assert_eq!(again.creation_date(), first.creation_date());
    let described = server.client.describe_state_machine();
    let described = described.state_machine_arn(ARN).send().await.unwrap();
    assert_eq!(described.role_arn(), ROLE, "the first role stays");
}

#[tokio::test]
async fn another_request_of_the_same_name_is_refused() {
    let server = Server::start().await;
    create(&server).send().await.unwrap();
    let tracing = TracingConfiguration::builder().enabled(true).build();
    let logging = LoggingConfiguration::builder()
        .level(LogLevel::Off)
        .include_execution_data(true)
        .build();
    let others = [
        create(&server).definition(WAIT),
        create(&server).definition(format!("{PASS} ")),
        create(&server).definition(PASS.replace(": ", ":")),
        create(&server).tracing_configuration(tracing),
        create(&server).logging_configuration(logging),
    ];
    for other in others {
        let message = format!("State Machine Already Exists: '{ARN}'");
        refused(other.send().await, "StateMachineAlreadyExists", &message);
    }
}

#[tokio::test]
async fn what_is_the_default_may_be_said() {
    let server = Server::start().await;
    create(&server).send().await.unwrap();
    let encryption = EncryptionConfiguration::builder().r#type(EncryptionType::AwsOwnedKey);
    let again = create(&server)
        .r#type(StateMachineType::Standard)
        .publish(false)
        .logging_configuration(LoggingConfiguration::builder().level(LogLevel::Off).build())
        .tracing_configuration(TracingConfiguration::builder().enabled(false).build())
        .encryption_configuration(encryption.build().unwrap());
    assert_eq!(again.send().await.unwrap().state_machine_arn(), ARN);
}

#[tokio::test]
async fn names_follow_the_rules() {
    let server = Server::start().await;
    for name in ["orders.v2", "Größe-1_x", &"a".repeat(80)] {
        let created = create(&server).name(name).send().await.unwrap();
        assert!(created.state_machine_arn().ends_with(name));
    }
    for name in ["a b", "a/b", "a:b", "a#b", "{x}", "a\u{7f}"] {
        let message = format!("Invalid Name: '{name}'");
        refused(
            create(&server).name(name).send().await,
            "InvalidName",
            &message,
        );
    }
    let long = "a".repeat(81);
    for (name, rule) in [
        ("", "length greater than or equal to 1"),
        (&long, "length less than or equal to 80"),
    ] {
        let message = format!(
            "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must have {rule}"
        );
        let result = create(&server).name(name).send().await;
        refused(result, "ValidationException", &message);
    }
}

#[tokio::test]
async fn a_broken_definition_is_refused_with_every_finding() {
    let server = Server::start().await;
    for (definition, findings) in [
        (
            r#"{"StartAt": "A"}"#,
            "SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /",
        ),
        (
            r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "C"}, "B": {"Type": "Succeed"}}}"#,
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: C at /States/A/Next, MISSING_TRANSITION_TARGET: State \"B\" is not reachable. at /States/B",
        ),
    ] {
        let message = format!("Invalid State Machine Definition: '{findings}'");
        let result = create(&server).definition(definition).send().await;
        refused(result, "InvalidDefinition", &message);
    }
    let error = refusal(create(&server).definition("not json").send().await);
    assert!(error.is_invalid_definition());
    let message = error.meta().message().unwrap();
    let start = "Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: ";
    assert!(message.starts_with(start), "{message}");
}

#[tokio::test]
async fn a_definition_fits_into_a_request_of_a_mebibyte() {
    let server = Server::start().await;
    let pad = |length: usize| format!("{PASS}{}", " ".repeat(length - PASS.len()));
    create(&server)
        .definition(pad((1 << 20) - 4096))
        .send()
        .await
        .unwrap();
    let result = create(&server).definition(pad((1 << 20) + 1)).send().await;
    let error = refusal(result);
    assert_eq!(error.meta().code(), Some("RequestEntityTooLargeException"));
}

#[tokio::test]
async fn what_express_lacks_is_refused() {
    let server = Server::start().await;
    for (resource, parameters, lack) in [
        (
            "arn:aws:states:us-east-1:123456789012:activity:a",
            "{}",
            "Activity ARN",
        ),
        (
            "arn:aws:states:::lambda:invoke.waitForTaskToken",
            r#"{"FunctionName": "f", "Payload.$": "$$.Task.Token"}"#,
            "'.waitForTaskToken' service integration ",
        ),
        (
            "arn:aws:states:::states:startExecution.sync",
            r#"{"StateMachineArn": "s"}"#,
            "'.sync' service integration",
        ),
    ] {
        let definition = format!(
            r#"{{"StartAt": "A", "States": {{"A": {{"Type": "Task", "Resource": "{resource}", "Parameters": {parameters}, "End": true}}}}}}"#
        );
        let express = create(&server).r#type(StateMachineType::Express);
        refused(
            express.definition(definition).send().await,
            "InvalidDefinition",
            &format!(
                "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Express state machine does not support {lack} at /States/A/Resource'"
            ),
        );
    }
}

#[tokio::test]
async fn what_is_not_built_is_refused_by_name() {
    let server = Server::start().await;
    let encryption = EncryptionConfiguration::builder()
        .r#type(EncryptionType::CustomerManagedKmsKey)
        .kms_key_id("key")
        .build()
        .unwrap();
    refused(
        create(&server)
            .encryption_configuration(encryption)
            .send()
            .await,
        "InvalidEncryptionConfiguration",
        "Stepwell does not encrypt with a customer managed key yet",
    );
}

#[tokio::test]
async fn logging_needs_a_destination() {
    let server = Server::start().await;
    for level in [LogLevel::All, LogLevel::Error, LogLevel::Fatal] {
        let logging = LoggingConfiguration::builder().level(level).build();
        refused(
            create(&server).logging_configuration(logging).send().await,
            "InvalidLoggingConfiguration",
            "Invalid Logging Configuration: Must specify exactly one Log Destination.",
        );
    }
}

#[tokio::test]
async fn a_state_machine_comes_with_a_version() {
    let server = Server::start().await;
    let published = || create(&server).publish(true).version_description("first");
    let first = published().send().await.unwrap();
    let version = format!("{ARN}:1");
    assert_eq!(first.state_machine_arn(), ARN);
    assert_eq!(first.state_machine_version_arn(), Some(version.as_str()));
    let again = published().send().await.unwrap();
    assert_eq!(again.state_machine_version_arn(), Some(version.as_str()));
    assert_eq!(again.creation_date(), first.creation_date());
    let others = [
        create(&server),
        create(&server).publish(true),
        published().version_description("second"),
    ];
    for other in others {
        let message = format!("State Machine Already Exists: '{ARN}'");
        refused(other.send().await, "StateMachineAlreadyExists", &message);
    }
}

#[tokio::test]
async fn a_version_published_later_is_no_part_of_the_creation() {
    let server = Server::start().await;
    let first = create(&server).send().await.unwrap();
    publish(&server, ARN).await;
    let again = create(&server).send().await.unwrap();
    assert_eq!(again.creation_date(), first.creation_date());
    assert_eq!(again.state_machine_version_arn(), None);
    let message = format!("State Machine Already Exists: '{ARN}'");
    let other = create(&server).publish(true).send().await;
    refused(other, "StateMachineAlreadyExists", &message);
}

#[tokio::test]
async fn a_description_needs_a_version() {
    let server = Server::start().await;
    for publish in [None, Some(false)] {
        let described = create(&server)
            .set_publish(publish)
            .version_description("x");
        refused(
            described.send().await,
            "ValidationException",
            "Version description can only be set when publish is true",
        );
    }
    let long = create(&server)
        .publish(true)
        .version_description("x".repeat(257));
    refused(
        long.send().await,
        "ValidationException",
        "1 validation error detected: Value at 'versionDescription' failed to satisfy constraint: Member must have length less than or equal to 256",
    );
}

#[tokio::test]
async fn a_role_has_the_form_of_one() {
    let server = Server::start().await;
    for role in [
        "role",
        "arn:aws:iam::123456789012:user/a",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::12345678901:role/a",
        "arn:aws:iam:us-east-1:123456789012:role/a",
        "arn:aws:sts::123456789012:role/a",
    ] {
        let message = format!("Invalid Role Arn: '{role}'");
        let result = create(&server).role_arn(role).send().await;
        refused(result, "InvalidArn", &message);
    }
    let role = "arn:aws-cn:iam::123456789012:role/service/a";
    create(&server).role_arn(role).send().await.unwrap();
}

#[tokio::test]
async fn tags_are_checked() {
    let server = Server::start().await;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    refused(
        create(&server)
            .tags(tag("a", "x"))
            .tags(tag("", "x"))
            .send()
            .await,
        "ValidationException",
        "1 validation error detected: Value '' at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
    let many = (0..51).map(|n| tag(&n.to_string(), "")).collect();
    refused(
        create(&server).set_tags(Some(many)).send().await,
        "TooManyTags",
        "A resource can have at most 50 tags",
    );
}
