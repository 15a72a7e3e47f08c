//! `ListTagsForResource`.

use aws_sdk_sfn::types::Tag;
use stepwell_tests::client::{refused, refused_in_common};
use stepwell_tests::server::{ROLE, Server};

use crate::definitions::{ABSENT_EXECUTION, ABSENT_MACHINE, PASS};
use crate::versions::{NOT_FOUND, publish};

#[tokio::test]
async fn tags_given_at_creation_are_listed() {
    let server = Server::start().await;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let create = server.client.create_state_machine().name("orders");
    let create = create.definition(PASS).role_arn(ROLE);
    let create = create.tags(tag("team", "shop")).tags(tag("stage", ""));
    let arn = create.send().await.unwrap().state_machine_arn;
    let list = server.client.list_tags_for_resource().resource_arn(&arn);
    let found = list.send().await.unwrap();
    assert_eq!(found.tags(), [tag("team", "shop"), tag("stage", "")]);

    let bare = server.create("bare", PASS).await;
    let list = server.client.list_tags_for_resource().resource_arn(&bare);
    assert_eq!(list.send().await.unwrap().tags, Some(Vec::new()));
}

#[tokio::test]
async fn the_resource_has_to_be_there() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let version = publish(&server, &arn).await;
    let list = |arn: &str| {
        server
            .client
            .list_tags_for_resource()
            .resource_arn(arn)
            .send()
    };
    for arn in [&version, ABSENT_MACHINE] {
        refused(list(arn).await, "ResourceNotFound", NOT_FOUND);
    }
    for (arn, message) in [
        ("orders", "Invalid Arn: 'Invalid ARN prefix: orders'"),
        (
            ABSENT_EXECUTION,
            "Invalid Arn: 'Resource type not valid in this context: execution'",
        ),
    ] {
        refused(list(arn).await, "InvalidArn", message);
    }
    refused_in_common(
        list("").await,
        "ValidationException",
        "1 validation error detected: Value '' at 'resourceArn' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
}
