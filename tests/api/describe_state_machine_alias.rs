//! `DescribeStateMachineAlias`.

use stepwell_tests::client::refused;
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_MACHINE, NOT_MACHINES, PASS, WAIT};
use crate::versions::{NOT_FOUND, alias, publish, publish_next, route};

#[tokio::test]
async fn an_alias_is_shown_as_it_was_created() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let one = publish(&server, &arn).await;
    let two = publish_next(&server, &arn, WAIT).await;
    let live = alias(&server, "live", &[(&two, 1), (&one, 99)]).await;
    let describe = server.client.describe_state_machine_alias();
    let found = describe
        .state_machine_alias_arn(&live)
        .send()
        .await
        .unwrap();
    assert_eq!(found.state_machine_alias_arn(), Some(live.as_str()));
    assert_eq!(found.name(), Some("live"));
    assert_eq!(found.description(), None);
    assert_eq!(
        found.routing_configuration(),
        [route(&two, 1), route(&one, 99)]
    );
    assert!(found.creation_date().is_some());
    assert_eq!(found.update_date(), found.creation_date());
}

#[tokio::test]
async fn the_alias_has_to_be_there() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let describe = |arn: &str| {
        let describe = server.client.describe_state_machine_alias();
        describe.state_machine_alias_arn(arn).send()
    };
    for alias in [format!("{arn}:live"), format!("{ABSENT_MACHINE}:live")] {
        refused(describe(&alias).await, "ResourceNotFound", NOT_FOUND);
    }
    let not_an_alias = "Invalid Arn: 'Resource type not valid in this context: stateMachine'";
    let version = publish(&server, &arn).await;
    let parts = [(arn.as_str(), not_an_alias), (&version, not_an_alias)];
    for (arn, message) in NOT_MACHINES.into_iter().chain(parts) {
        refused(describe(arn).await, "InvalidArn", message);
    }
    refused(
        describe("").await,
        "ValidationException",
        "1 validation error detected: Value '' at 'stateMachineAliasArn' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
}

#[tokio::test]
async fn an_alias_goes_with_its_state_machine() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let one = publish(&server, &arn).await;
    let live = alias(&server, "live", &[(&one, 100)]).await;
    let delete = server.client.delete_state_machine();
    delete.state_machine_arn(&arn).send().await.unwrap();
    server.create("orders", PASS).await;
    let describe = server.client.describe_state_machine_alias();
    let found = describe.state_machine_alias_arn(&live).send().await;
    refused(found, "ResourceNotFound", NOT_FOUND);
}
