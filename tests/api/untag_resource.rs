//! `UntagResource`.

use aws_sdk_sfn::types::Tag;
use stepwell_tests::client::{refused, refused_in_common};
use stepwell_tests::server::{ROLE, Server};

use crate::definitions::{ABSENT_EXECUTION, ABSENT_MACHINE, PASS};
use crate::versions::{NOT_FOUND, publish};

#[tokio::test]
async fn tags_are_taken_away_whether_they_are_there_or_not() {
    let server = Server::start().await;
    let tag = |key: &str| Tag::builder().key(key).value("x").build();
    let create = server.client.create_state_machine().name("orders");
    let create = create.definition(PASS).role_arn(ROLE);
    let created = create.tags(tag("a")).tags(tag("b")).tags(tag("c")).send();
    let arn = created.await.unwrap().state_machine_arn;
    let steps: [(&[&str], &[&str]); 4] = [
        (&[], &["a", "b", "c"]),
        (&["b", "d", "b"], &["a", "c"]),
        (&["A"], &["a", "c"]),
        (&["c", "a"], &[]),
    ];
    for (keys, expected) in steps {
        let untag = server.client.untag_resource().resource_arn(&arn);
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        untag.set_tag_keys(Some(keys)).send().await.unwrap();
        let list = server.client.list_tags_for_resource().resource_arn(&arn);
        let found = list.send().await.unwrap();
        let found: Vec<&str> = found.tags().iter().filter_map(Tag::key).collect();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn the_resource_has_to_be_there() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let version = publish(&server, &arn).await;
    let untag = |arn: &str| {
        server
            .client
            .untag_resource()
            .resource_arn(arn)
            .tag_keys("a")
    };
    for arn in [&version, ABSENT_MACHINE] {
        refused(untag(arn).send().await, "ResourceNotFound", NOT_FOUND);
    }
    for (arn, message) in [
        ("orders", "Invalid Arn: 'Invalid ARN prefix: orders'"),
        (
            ABSENT_EXECUTION,
            "Invalid Arn: 'Resource type not valid in this context: execution'",
        ),
    ] {
        refused(untag(arn).send().await, "InvalidArn", message);
    }
    refused_in_common(
        untag(&arn).tag_keys("").send().await,
        "ValidationException",
        "1 validation error detected: Value '' at 'tagKeys.2.member' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
}
