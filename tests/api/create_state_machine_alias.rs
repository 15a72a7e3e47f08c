//! `CreateStateMachineAlias`.

use aws_sdk_sfn::operation::create_state_machine_alias::CreateStateMachineAliasError;
use aws_sdk_sfn::operation::create_state_machine_alias::builders::CreateStateMachineAliasFluentBuilder;
use aws_sdk_sfn::types::ValidationExceptionReason;
use stepwell_tests::client::{refusal, refused};
use stepwell_tests::server::Server;

use crate::definitions::{NOT_MACHINES, PASS, WAIT};
use crate::versions::{NOT_FOUND, alias, publish, publish_next, route};

fn create(
    server: &Server,
    name: &str,
    routes: &[(&str, i32)],
) -> CreateStateMachineAliasFluentBuilder {
    let routes = routes
        .iter()
        .map(|(version, weight)| route(version, *weight));
    let create = server.client.create_state_machine_alias().name(name);
    create.set_routing_configuration(Some(routes.collect()))
}

/// A state machine with two versions.
async fn two_versions(server: &Server) -> (String, String, String) {
    let arn = server.create("orders", PASS).await;
    let one = publish(server, &arn).await;
    let two = publish_next(server, &arn, WAIT).await;
    (arn, one, two)
}

#[tokio::test]
async fn the_same_request_again_finds_the_first() {
    let server = Server::start().await;
    let (arn, one, two) = two_versions(&server).await;
    let first = create(&server, "live", &[(&one, 30), (&two, 70)]).description("for all");
    let first = first.send().await.unwrap();
    assert_eq!(first.state_machine_alias_arn(), format!("{arn}:live"));
    for routes in [[(&one, 30), (&two, 70)], [(&two, 70), (&one, 30)]] {
        let routes = routes.map(|(version, weight)| (version.as_str(), weight));
        let again = create(&server, "live", &routes).description("for all");
        let again = again.send().await.unwrap();
        assert_eq!(
            again.state_machine_alias_arn(),
            first.state_machine_alias_arn()
        );
        assert_eq!(again.creation_date(), first.creation_date());
    }
    for other in [
        create(&server, "live", &[(&one, 30), (&two, 70)]),
        create(&server, "live", &[(&one, 70), (&two, 30)]).description("for all"),
        create(&server, "live", &[(&one, 100)]).description("for all"),
    ] {
        refused(
            other.send().await,
            "ConflictException",
            "Failed to create alias because an alias with the same name and a different routing configuration already exists.",
        );
    }
}

#[tokio::test]
async fn names_follow_the_rules() {
    let server = Server::start().await;
    let (_, one, _) = two_versions(&server).await;
    for name in ["live", "7a", "-", "_.", &"a".repeat(80)] {
        alias(&server, name, &[(&one, 100)]).await;
    }
    let pattern = r"satisfy regular expression pattern: ^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$";
    for name in ["7", "a b", "Größe", "a/b", "a:b"] {
        let message = format!(
            "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must {pattern}"
        );
        let result = create(&server, name, &[(&one, 100)]).send().await;
        refused(result, "ValidationException", &message);
    }
    let long = "a".repeat(81);
    refused(
        create(&server, &long, &[(&one, 100)]).send().await,
        "ValidationException",
        &format!(
            "1 validation error detected: Value '{long}' at 'name' failed to satisfy constraint: Member must have length less than or equal to 80"
        ),
    );
    refused(
        create(&server, "", &[(&one, 100)]).send().await,
        "ValidationException",
        &format!(
            "2 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must {pattern}; Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1"
        ),
    );
}

#[tokio::test]
async fn an_alias_stands_for_one_or_two_versions() {
    let server = Server::start().await;
    let (_, one, two) = two_versions(&server).await;
    refused(
        create(&server, "live", &[]).send().await,
        "ValidationException",
        "1 validation error detected: Value '[]' at 'routingConfiguration' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
    let item = |version: &str, weight: i32| {
        format!("RoutingConfigurationListItem(stateMachineVersionArn={version}, weight={weight})")
    };
    let message = format!(
        "1 validation error detected: Value '[{}, {}, {}]' at 'routingConfiguration' failed to satisfy constraint: Member must have length less than or equal to 2",
        item(&one, 50),
        item(&two, 50),
        item(&one, 0)
    );
    let three = create(&server, "live", &[(&one, 50), (&two, 50), (&one, 0)]);
    refused(three.send().await, "ValidationException", &message);
    refused(
        create(&server, "live", &[(&one, -1), (&two, 101)])
            .send()
            .await,
        "ValidationException",
        "2 validation errors detected: Value '-1' at 'routingConfiguration.1.member.weight' failed to satisfy constraint: Member must have value greater than or equal to 0; Value '101' at 'routingConfiguration.2.member.weight' failed to satisfy constraint: Member must have value less than or equal to 100",
    );
    let long = create(&server, "live", &[(&one, 100)]).description("x".repeat(257));
    refused(
        long.send().await,
        "ValidationException",
        "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 256",
    );
}

#[tokio::test]
async fn a_routing_fits_together() {
    let server = Server::start().await;
    let (arn, one, two) = two_versions(&server).await;
    let other = server.create("other", PASS).await;
    let other = publish(&server, &other).await;
    let live = alias(&server, "live", &[(&one, 100)]).await;
    let check = async |routes: &[(&str, i32)], message: String| {
        let result = create(&server, "new", routes).send().await;
        let error = refusal(result);
        let CreateStateMachineAliasError::ValidationException(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.message(), Some(message.as_str()));
        let reason = ValidationExceptionReason::InvalidRoutingConfiguration;
        assert_eq!(error.reason(), Some(&reason));
    };
    let versions = "Routing configuration must contain state machine version ARNs. Received: ";
    check(&[(&arn, 100)], format!("{versions}[{arn}]")).await;
    check(&[(&live, 100)], format!("{versions}[{live}]")).await;
    check(&[(&one, 1), (&arn, 1)], format!("{versions}[{one}, {arn}]")).await;
    let distinct =
        "Routing configuration must contain distinct state machine version ARNs. Received: ";
    check(
        &[(&one, 50), (&one, 50)],
        format!("{distinct}[{one}, {one}]"),
    )
    .await;
    let machines = "Routing configuration must contain versions of one state machine. Received: ";
    check(
        &[(&one, 50), (&other, 50)],
        format!("{machines}[{one}, {other}]"),
    )
    .await;
    let sum = "Sum of routing configuration weights must equal 100. Received: ";
    check(&[(&one, 99)], format!("{sum}[99]")).await;
    check(&[(&one, 70), (&two, 29)], format!("{sum}[70, 29]")).await;
    check(&[(&one, 100), (&two, 100)], format!("{sum}[100, 100]")).await;
    create(&server, "new", &[(&one, 0), (&two, 100)])
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn the_versions_have_to_be_there() {
    let server = Server::start().await;
    let (arn, one, _) = two_versions(&server).await;
    let missing = format!("{arn}:3");
    let absent = one.replace("orders", "absent");
    let far = one.replace("us-east-1", "eu-west-1");
    for routes in [
        &[(missing.as_str(), 100)][..],
        &[(&one, 50), (&missing, 50)],
        &[(&absent, 100)],
        &[(&far, 100)],
        &[(&one, 50), (&far, 50)],
    ] {
        let error = refusal(create(&server, "live", routes).send().await);
        let CreateStateMachineAliasError::ResourceNotFound(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.message(), Some(NOT_FOUND));
        let name = error.resource_name().unwrap();
        assert!(routes.iter().any(|(version, _)| *version == name), "{name}");
    }
    for (arn, message) in NOT_MACHINES {
        let result = create(&server, "live", &[(arn, 100)]).send().await;
        refused(result, "InvalidArn", message);
    }
}

#[tokio::test]
async fn a_hundred_aliases_are_enough() {
    let server = Server::start().await;
    let (arn, one, _) = two_versions(&server).await;
    for number in 0..100 {
        alias(&server, &format!("a{number}"), &[(&one, 100)]).await;
    }
    let result = create(&server, "one-more", &[(&one, 100)]).send().await;
    let message = format!("A state machine can have at most 100 aliases: '{arn}'");
    refused(result, "ServiceQuotaExceededException", &message);
    alias(&server, "a7", &[(&one, 100)]).await;
}
