//! `UpdateStateMachineAlias`.

use aws_sdk_sfn::operation::update_state_machine_alias::UpdateStateMachineAliasError;
use aws_sdk_sfn::operation::update_state_machine_alias::builders::UpdateStateMachineAliasFluentBuilder;
use aws_sdk_sfn::types::ValidationExceptionReason;
use stepwell_tests::client::{refusal, refused};
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_MACHINE, NOT_MACHINES, PASS, WAIT};
use crate::versions::{NOT_FOUND, alias, publish, publish_next, route};

fn update(server: &Server, arn: &str) -> UpdateStateMachineAliasFluentBuilder {
    let update = server.client.update_state_machine_alias();
    update.state_machine_alias_arn(arn)
}

#[tokio::test]
async fn what_is_absent_stays() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let one = publish(&server, &arn).await;
    let two = publish_next(&server, &arn, WAIT).await;
    let live = alias(&server, "live", &[(&one, 100)]).await;
    let describe = || server.client.describe_state_machine_alias();
    let describe = || describe().state_machine_alias_arn(&live).send();
    let before = describe().await.unwrap();
    assert_eq!(before.update_date(), before.creation_date());

    let updated = update(&server, &live).description("for all").send().await;
    let updated = updated.unwrap();
    let after = describe().await.unwrap();
    assert_eq!(after.description(), Some("for all"));
    assert_eq!(after.routing_configuration(), [route(&one, 100)]);
    assert_eq!(after.creation_date(), before.creation_date());
    assert_eq!(after.update_date(), Some(updated.update_date()));

    let routes = [route(&two, 40), route(&one, 60)];
    for _ in 0..2 {
        let update = update(&server, &live);
        let update = update.set_routing_configuration(Some(routes.to_vec()));
        update.send().await.unwrap();
        let after = describe().await.unwrap();
        assert_eq!(after.description(), Some("for all"));
        assert_eq!(after.routing_configuration(), routes);
    }
}

#[tokio::test]
async fn there_has_to_be_something_to_update() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let one = publish(&server, &arn).await;
    let live = alias(&server, "live", &[(&one, 100)]).await;
    let error = refusal(update(&server, &live).send().await);
    let UpdateStateMachineAliasError::ValidationException(error) = error else {
        panic!("{error:?}");
    };
    let reason = ValidationExceptionReason::MissingRequiredParameter;
    assert_eq!(error.reason(), Some(&reason));
    let message = "Either the description or the routing configuration must be specified";
    assert_eq!(error.message(), Some(message));
}

#[tokio::test]
async fn a_routing_is_checked() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let one = publish(&server, &arn).await;
    let live = alias(&server, "live", &[(&one, 100)]).await;
    let other = server.create("other", PASS).await;
    let other = publish(&server, &other).await;
    let update = |routes: &[(&str, i32)]| {
        let routes = routes
            .iter()
            .map(|(version, weight)| route(version, *weight));
        let update = update(&server, &live);
        update
            .set_routing_configuration(Some(routes.collect()))
            .send()
    };
    for (routes, message) in [
        (
            &[][..],
            "1 validation error detected: Value '[]' at 'routingConfiguration' failed to satisfy constraint: Member must have length greater than or equal to 1".to_owned(),
        ),
        (
            &[(one.as_str(), 99)],
            "Sum of routing configuration weights must equal 100. Received: [99]".to_owned(),
        ),
        (
            &[(&arn, 100)],
            format!("Routing configuration must contain state machine version ARNs. Received: [{arn}]"),
        ),
        (
            &[(&other, 100)],
            format!("Routing configuration must contain versions of the state machine of the alias. Received: [{other}]"),
        ),
    ] {
        refused(update(routes).await, "ValidationException", &message);
    }
    let missing = format!("{arn}:2");
    refused(
        update(&[(&missing, 100)]).await,
        "ResourceNotFound",
        NOT_FOUND,
    );
    refused(
        update(&[("orders", 100)]).await,
        "InvalidArn",
        "Invalid Arn: 'Invalid ARN prefix: orders'",
    );
}

#[tokio::test]
async fn the_alias_has_to_be_there() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    for alias in [format!("{arn}:live"), format!("{ABSENT_MACHINE}:live")] {
        let result = update(&server, &alias).description("x").send().await;
        refused(result, "ResourceNotFound", NOT_FOUND);
    }
    let not_an_alias = "Invalid Arn: 'Resource type not valid in this context: stateMachine'";
    let version = format!("{arn}:1");
    let parts = [(arn.as_str(), not_an_alias), (&version, not_an_alias)];
    for (arn, message) in NOT_MACHINES.into_iter().chain(parts) {
        let result = update(&server, arn).description("x").send().await;
        refused(result, "InvalidArn", message);
    }
}
