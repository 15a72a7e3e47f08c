//! `DeleteStateMachineAlias`.

use stepwell_tests::client::refused;
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_MACHINE, NOT_MACHINES, PASS};
use crate::versions::{NOT_FOUND, alias, publish};

#[tokio::test]
async fn a_deleted_alias_starts_nothing_more() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let version = publish(&server, &arn).await;
    let live = alias(&server, "live", &[(&version, 100)]).await;
    let delete = || server.client.delete_state_machine_alias();
    for _ in 0..2 {
        let deleted = delete().state_machine_alias_arn(&live).send().await;
        deleted.unwrap();
    }
    let describe = server.client.describe_state_machine_alias();
    let described = describe.state_machine_alias_arn(&live).send().await;
    refused(described, "ResourceNotFound", NOT_FOUND);
    let start = server.client.start_execution().state_machine_arn(&live);
    let message = format!("State Machine Does Not Exist: '{live}'");
    refused(start.send().await, "StateMachineDoesNotExist", &message);
    alias(&server, "live", &[(&version, 100)]).await;
}

#[tokio::test]
async fn what_does_not_exist_may_be_deleted() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let delete = |arn: &str| {
        let delete = server.client.delete_state_machine_alias();
        delete.state_machine_alias_arn(arn).send()
    };
    delete(&format!("{arn}:live")).await.unwrap();
    delete(&format!("{ABSENT_MACHINE}:live")).await.unwrap();
    let not_an_alias = "Invalid Arn: 'Resource type not valid in this context: stateMachine'";
    let version = format!("{arn}:1");
    let parts = [(arn.as_str(), not_an_alias), (&version, not_an_alias)];
    for (arn, message) in NOT_MACHINES.into_iter().chain(parts) {
        refused(delete(arn).await, "InvalidArn", message);
    }
    refused(
        delete(&format!("{arn}:{}", "a".repeat(256))).await,
        "ValidationException",
        &format!(
            "1 validation error detected: Value '{arn}:{}' at 'stateMachineAliasArn' failed to satisfy constraint: Member must have length less than or equal to 256",
            "a".repeat(256)
        ),
    );
}
