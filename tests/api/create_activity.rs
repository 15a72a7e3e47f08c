//! `CreateActivity`.

use aws_sdk_sfn::operation::create_activity::CreateActivityError;
use aws_sdk_sfn::types::{EncryptionConfiguration, EncryptionType, Tag};
use stepwell_tests::client::{refusal, refused, refused_in_common};
use stepwell_tests::server::Server;

#[tokio::test]
async fn an_activity_is_created_once() {
    let server = Server::start().await;
    let create = || server.client.create_activity().name("work.v1-a_b");
    let first = create().send().await.unwrap();
    let arn = "arn:aws:states:us-east-1:123456789012:activity:work.v1-a_b";
    assert_eq!(first.activity_arn(), arn);
    let tag = Tag::builder().key("a").value("b").build();
    let again = create().tags(tag).send().await.unwrap();
    assert_eq!(again.activity_arn(), arn);
    assert_eq!(again.creation_date(), first.creation_date());
    let tags = server.client.list_tags_for_resource().resource_arn(arn);
    assert!(tags.send().await.unwrap().tags().is_empty(), "ignored");
}

#[tokio::test]
async fn an_activity_has_tags() {
    let server = Server::start().await;
    let tag = |key: &str| Tag::builder().key(key).value("x").build();
    let create = server.client.create_activity().name("work");
    let created = create.tags(tag("a")).tags(tag("b")).send().await.unwrap();
    let arn = created.activity_arn();
    let keys = async || {
        let list = server.client.list_tags_for_resource().resource_arn(arn);
        let tags = list.send().await.unwrap().tags.unwrap();
        let keys: Vec<String> = tags.into_iter().map(|tag| tag.key.unwrap()).collect();
        keys.concat()
    };
    assert_eq!(keys().await, "ab");
    let add = server.client.tag_resource().resource_arn(arn);
    add.tags(tag("c")).send().await.unwrap();
    let take = server.client.untag_resource().resource_arn(arn);
    take.tag_keys("a").send().await.unwrap();
    assert_eq!(keys().await, "bc");
}

#[tokio::test]
async fn a_resource_has_at_most_fifty_tags() {
    let server = Server::start().await;
    let tags = (0..51).map(|n| Tag::builder().key(n.to_string()).value("").build());
    let create = server.client.create_activity().name("work");
    let error = refusal(create.set_tags(Some(tags.collect())).send().await);
    let CreateActivityError::TooManyTags(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.message(), Some("A resource can have at most 50 tags"));
}

#[tokio::test]
async fn names_follow_the_rules() {
    let server = Server::start().await;
    for name in ["a b", "a/b", "a:b", "{x}", "a\tb"] {
        let create = server.client.create_activity().name(name);
        let message = format!("Invalid Name: '{name}'");
        refused(create.send().await, "InvalidName", &message);
    }
    let long = "a".repeat(81);
    let create = server.client.create_activity().name(&long);
    refused_in_common(
        create.send().await,
        "ValidationException",
        &format!(
            "1 validation error detected: Value '{long}' at 'name' failed to satisfy constraint: Member must have length less than or equal to 80"
        ),
    );
}

#[tokio::test]
async fn encryption_with_a_key_is_refused_by_name() {
    let server = Server::start().await;
    let encryption = |kind| {
        EncryptionConfiguration::builder()
            .r#type(kind)
            .build()
            .unwrap()
    };
    let create = |kind| {
        let create = server.client.create_activity().name("work");
        create.encryption_configuration(encryption(kind)).send()
    };
    refused(
        create(EncryptionType::CustomerManagedKmsKey).await,
        "InvalidEncryptionConfiguration",
        "Stepwell does not encrypt with a customer managed key yet",
    );
    create(EncryptionType::AwsOwnedKey).await.unwrap();
}
