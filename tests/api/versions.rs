//! Versions and aliases for tests.

use aws_sdk_sfn::types::RoutingConfigurationListItem;
use stepwell_tests::server::Server;

/// Gives a state machine's revision a version; answers its ARN.
pub(crate) async fn publish(server: &Server, machine: &str) -> String {
    let publish = server.client.publish_state_machine_version();
    let published = publish.state_machine_arn(machine).send().await;
    published.unwrap().state_machine_version_arn
}

/// Gives a state machine a new definition, and that a version; answers its ARN.
pub(crate) async fn publish_next(server: &Server, machine: &str, definition: &str) -> String {
    let update = server.client.update_state_machine();
    let update = update.state_machine_arn(machine).definition(definition);
    let updated = update.publish(true).send().await.unwrap();
    updated.state_machine_version_arn.unwrap()
}

/// A version that an alias stands for.
pub(crate) fn route(version: &str, weight: i32) -> RoutingConfigurationListItem {
    let route = RoutingConfigurationListItem::builder();
    let route = route.state_machine_version_arn(version).weight(weight);
    route.build().unwrap()
}

/// Creates an alias; answers its ARN.
pub(crate) async fn alias(server: &Server, name: &str, routes: &[(&str, i32)]) -> String {
    let routes = routes
        .iter()
        .map(|(version, weight)| route(version, *weight));
    let create = server.client.create_state_machine_alias().name(name);
    let create = create.set_routing_configuration(Some(routes.collect()));
    create.send().await.unwrap().state_machine_alias_arn
}

/// What is said about something that is not there.
pub(crate) const NOT_FOUND: &str = "Request references a resource that does not exist.";
