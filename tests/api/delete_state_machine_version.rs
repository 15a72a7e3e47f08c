//! `DeleteStateMachineVersion`.

use stepwell_tests::client::{ended, refused};
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_MACHINE, NOT_MACHINES, PASS, WAIT};
use crate::versions::{alias, publish, publish_next};

#[tokio::test]
async fn a_deleted_version_starts_nothing_more() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let version = publish(&server, &arn).await;
    let execution = server.begin(&version, "one", "{}").await;
    for _ in 0..2 {
        let delete = server.client.delete_state_machine_version();
        let delete = delete.state_machine_version_arn(&version);
        delete.send().await.unwrap();
    }
    let message = format!("State Machine Does Not Exist: '{version}'");
    let start = server.client.start_execution().state_machine_arn(&version);
    refused(start.send().await, "StateMachineDoesNotExist", &message);
    let describe = server.client.describe_state_machine();
    let described = describe.state_machine_arn(&version).send().await;
    refused(described, "StateMachineDoesNotExist", &message);

    let stop = server.client.stop_execution().execution_arn(&execution);
    stop.send().await.unwrap();
    let described = ended(&server.client, &execution).await;
    let by = described.state_machine_version_arn();
    assert_eq!(by, Some(version.as_str()), "it went on till then");
}

#[tokio::test]
async fn a_version_with_an_alias_stays() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let one = publish(&server, &arn).await;
    let two = publish_next(&server, &arn, WAIT).await;
    let live = alias(&server, "live", &[(&one, 100)]).await;
    alias(&server, "both", &[(&one, 10), (&two, 90)]).await;
    let delete = |version: &str| {
        let delete = server.client.delete_state_machine_version();
        delete.state_machine_version_arn(version).send()
    };
    refused(
        delete(&one).await,
        "ConflictException",
        "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [live, both]",
    );
    refused(
        delete(&two).await,
        "ConflictException",
        "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [both]",
    );
    let both = live.replace(":live", ":both");
    for alias in [live, both] {
        let delete = server.client.delete_state_machine_alias();
        delete.state_machine_alias_arn(alias).send().await.unwrap();
    }
    delete(&one).await.unwrap();
    delete(&two).await.unwrap();
}

#[tokio::test]
async fn what_does_not_exist_may_be_deleted() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let version = publish(&server, &arn).await;
    let delete = |arn: String| {
        let delete = server.client.delete_state_machine_version();
        delete.state_machine_version_arn(arn).send()
    };
    for part in ["2", "0", "01", "99999999999999999999"] {
        delete(format!("{arn}:{part}")).await.unwrap();
        delete(format!("{ABSENT_MACHINE}:{part}")).await.unwrap();
    }
    delete(version.replace("us-east-1", "eu-west-1"))
        .await
        .unwrap();
    let describe = server.client.describe_state_machine();
    describe.state_machine_arn(&version).send().await.unwrap();

    let whole = "Invalid Arn: 'Resource type not valid in this context: stateMachine'";
    let parts = [(arn.as_str(), whole)].into_iter();
    for (arn, message) in NOT_MACHINES.into_iter().chain(parts) {
        refused(delete(arn.to_owned()).await, "InvalidArn", message);
    }
    refused(delete(format!("{arn}:live")).await, "InvalidArn", whole);
    refused(
        delete(String::new()).await,
        "ValidationException",
        "1 validation error detected: Value '' at 'stateMachineVersionArn' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
}
