//! `TagResource`.

use aws_sdk_sfn::operation::tag_resource::TagResourceError;
use aws_sdk_sfn::operation::tag_resource::builders::TagResourceFluentBuilder;
use aws_sdk_sfn::types::Tag;
use stepwell_tests::client::{refusal, refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_EXECUTION, ABSENT_MACHINE, PASS};
use crate::versions::{NOT_FOUND, alias, publish};

fn tag(server: &Server, arn: &str, tags: &[(&str, &str)]) -> TagResourceFluentBuilder {
    let tags = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(*key).value(*value).build());
    let tag = server.client.tag_resource().resource_arn(arn);
    tag.set_tags(Some(tags.collect()))
}

async fn tags(server: &Server, arn: &str) -> Vec<(String, String)> {
    let list = server.client.list_tags_for_resource().resource_arn(arn);
    let tags = list.send().await.unwrap().tags.unwrap();
    tags.into_iter()
        .map(|tag| (tag.key.unwrap(), tag.value.unwrap()))
        .collect()
}

fn owned(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    let tags = tags.iter();
    tags.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn new_tags_are_added_and_replace_those_of_the_same_key() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    type Tags<'a> = &'a [(&'a str, &'a str)];
    let steps: [(Tags, Tags); 5] = [
        (&[], &[]),
        (&[("b", "1"), ("a", "")], &[("b", "1"), ("a", "")]),
        (
            &[("c", "1"), ("b", "2")],
            &[("b", "2"), ("a", ""), ("c", "1")],
        ),
        (
            &[("B", "1")],
            &[("b", "2"), ("a", ""), ("c", "1"), ("B", "1")],
        ),
        (
            &[("a", "1"), ("a", "2")],
            &[("b", "2"), ("a", "2"), ("c", "1"), ("B", "1")],
        ),
    ];
    for (added, expected) in steps {
        tag(&server, &arn, added).send().await.unwrap();
        assert_eq!(tags(&server, &arn).await, owned(expected));
    }
    let describe = server.client.describe_state_machine();
    let described = describe.state_machine_arn(&arn).send().await.unwrap();
    assert_eq!(described.revision_id(), None, "tags belong to no revision");
}

#[tokio::test]
async fn tags_put_on_at_the_same_time_are_all_there() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let keys: Vec<String> = (0..40).map(|n| format!("key{n:02}")).collect();
    let calls = keys
        .iter()
        .map(|key| tokio::spawn(tag(&server, &arn, &[(key, "x")]).send()));
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    let mut found: Vec<String> = tags(&server, &arn)
        .await
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    found.sort();
    assert_eq!(found, keys);
}

#[tokio::test]
async fn a_resource_has_at_most_fifty_tags() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let keys: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let fifty: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "x")).collect();
    tag(&server, &arn, &fifty).send().await.unwrap();
    tag(&server, &arn, &[("7", "y")]).send().await.unwrap();
    let error = refusal(tag(&server, &arn, &[("one more", "")]).send().await);
    let TagResourceError::TooManyTags(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.resource_name(), Some(arn.as_str()));
    assert_eq!(error.message(), Some("A resource can have at most 50 tags"));
    assert_eq!(tags(&server, &arn).await.len(), 50);
}

#[tokio::test]
async fn tags_follow_the_rules() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let (key, value) = ("k".repeat(128), "v".repeat(256));
    tag(&server, &arn, &[(&key, &value), ("a b_.:/=+-@", "ä")])
        .send()
        .await
        .unwrap();
    let (key, value) = ("k".repeat(129), "v".repeat(257));
    refused_in_common(
        tag(&server, &arn, &[("a", ""), (&key, &value)])
            .send()
            .await,
        "ValidationException",
        &format!(
            "2 validation errors detected: Value '{key}' at 'tags.2.member.key' failed to satisfy constraint: Member must have length less than or equal to 128; Value '{value}' at 'tags.2.member.value' failed to satisfy constraint: Member must have length less than or equal to 256"
        ),
    );
    refused_in_common(
        tag(&server, &arn, &[("", "x")]).send().await,
        "ValidationException",
        "1 validation error detected: Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
    refused_in_common(
        tag(&server, &arn, &[("a", "b;c")]).send().await,
        "ValidationException",
        "Tag keys and values may only contain letters, digits, white space and _ . : / = + - @. Received: b;c",
    );
    refused_in_common(
        tag(&server, &arn, &[("aws:a", "b")]).send().await,
        "ValidationException",
        "Tag keys may not begin with aws:. Received: aws:a",
    );
    assert_eq!(tags(&server, &arn).await.len(), 2);
}

#[tokio::test]
async fn versions_aliases_and_what_is_not_there_have_no_tags() {
    let server = Server::start().await;
    let arn = server.create("orders", PASS).await;
    let version = publish(&server, &arn).await;
    let live = alias(&server, "live", &[(&version, 100)]).await;
    let activity = "arn:aws:states:us-east-1:123456789012:activity:absent";
    for arn in [&version, &live, ABSENT_MACHINE, activity] {
        let error = refusal(tag(&server, arn, &[("a", "b")]).send().await);
        let TagResourceError::ResourceNotFound(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.message(), Some(NOT_FOUND));
        assert_eq!(error.resource_name(), Some(arn));
    }
    for (arn, message) in [
        ("orders", "Invalid Arn: 'Invalid ARN prefix: orders'"),
        (
            ABSENT_EXECUTION,
            "Invalid Arn: 'Resource type not valid in this context: execution'",
        ),
    ] {
        refused(tag(&server, arn, &[]).send().await, "InvalidArn", message);
    }
}
