//! `PublishStateMachineVersion`.

use aws_sdk_sfn::operation::publish_state_machine_version::builders::PublishStateMachineVersionFluentBuilder;
use stepwell_tests::client::{refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_MACHINE, NOT_MACHINES, PASS, WAIT};
use crate::versions::publish_next;

fn publish(server: &Server, arn: &str) -> PublishStateMachineVersionFluentBuilder {
    let publish = server.client.publish_state_machine_version();
    publish.state_machine_arn(arn)
}

#[tokio::test]
async fn a_revision_has_one_version() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let first = publish(&server, &arn).description("first").send().await;
    let first = first.unwrap();
    let version = format!("{arn}:1");
    assert_eq!(first.state_machine_version_arn(), version);
    let again = publish(&server, &arn).description("second").send().await;
    let again = again.unwrap();
    assert_eq!(again.state_machine_version_arn(), version);
    assert_eq!(again.creation_date(), first.creation_date());
    let describe = server.client.describe_state_machine();
    let described = describe.state_machine_arn(&version).send().await.unwrap();
    assert_eq!(described.description(), Some("first"));
    assert_eq!(described.creation_date(), first.creation_date());
    assert_eq!(publish_next(&server, &arn, WAIT).await, format!("{arn}:2"));
}

#[tokio::test]
async fn a_number_is_never_given_again() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    for number in [1, 2, 3] {
        let published = publish(&server, &arn).send().await.unwrap();
        let version = format!("{arn}:{number}");
        assert_eq!(published.state_machine_version_arn(), version);
        let delete = server.client.delete_state_machine_version();
        let delete = delete.state_machine_version_arn(&version);
        delete.send().await.unwrap();
    }
}

#[tokio::test]
async fn only_the_revision_that_was_meant_is_published() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let initial = || publish(&server, &arn).revision_id("INITIAL").send();
    let published = initial().await.unwrap();
    assert_eq!(published.state_machine_version_arn(), format!("{arn}:1"));
    let update = server.client.update_state_machine().state_machine_arn(&arn);
    let updated = update.definition(WAIT).send().await.unwrap();
    let current = updated.revision_id().unwrap();
    let message = format!(
        "Failed to publish the State Machine version for revision INITIAL. The current State Machine revision is {current}."
    );
    refused(initial().await, "ConflictException", &message);
    let published = publish(&server, &arn).revision_id(current).send().await;
    let published = published.unwrap();
    assert_eq!(published.state_machine_version_arn(), format!("{arn}:2"));
}

#[tokio::test]
async fn a_thousand_versions_are_enough() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    for number in 0..1000 {
        let definition = PASS.replacen('{', &format!("{{\"Comment\": \"{number}\", "), 1);
        publish_next(&server, &arn, &definition).await;
    }
    let message = format!("A state machine can have at most 1000 versions: '{arn}'");
    let update = || server.client.update_state_machine().state_machine_arn(&arn);
    let updated = update().definition(WAIT).publish(true).send().await;
    refused(updated, "ServiceQuotaExceededException", &message);
    update().definition(WAIT).send().await.unwrap();
    let published = publish(&server, &arn).send().await;
    refused(published, "ServiceQuotaExceededException", &message);
}

#[tokio::test]
async fn descriptions_and_arns_have_a_length() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let whole = publish(&server, &arn).description("ä".repeat(256)).send();
    whole.await.unwrap();
    refused(
        publish(&server, &arn)
            .description("ä".repeat(257))
            .send()
            .await,
        "ValidationException",
        "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 256",
    );
    refused_in_common(
        publish(&server, "")
            .description("ä".repeat(257))
            .send()
            .await,
        "ValidationException",
        "2 validation errors detected: Value '' at 'stateMachineArn' failed to satisfy constraint: Member must have length greater than or equal to 1; Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 256",
    );
}

#[tokio::test]
async fn the_state_machine_has_to_be_there() {
    let server = Server::start().await;
    refused(
        publish(&server, ABSENT_MACHINE).send().await,
        "StateMachineDoesNotExist",
        &format!("State Machine Does Not Exist: '{ABSENT_MACHINE}'"),
    );
    for (arn, message) in NOT_MACHINES {
        refused(publish(&server, arn).send().await, "InvalidArn", message);
    }
    let part = format!("{ABSENT_MACHINE}:1");
    let message = format!(
        "This operation takes the ARN of a state machine without a version or an alias. Received: {part}"
    );
    let published = publish(&server, &part).send().await;
    refused(published, "ValidationException", &message);
}
