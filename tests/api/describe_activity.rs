//! `DescribeActivity`.

use aws_sdk_sfn::types::EncryptionType;
use stepwell_tests::client::refused;
use stepwell_tests::server::Server;

use crate::activities::{ABSENT_ACTIVITY, NOT_ACTIVITIES, activity};

#[tokio::test]
async fn an_activity_is_described() {
    let server = Server::start().await;
    let created = server.client.create_activity().name("work").send().await;
    let created = created.unwrap();
    let describe = server.client.describe_activity();
    let found = describe.activity_arn(created.activity_arn()).send().await;
    let found = found.unwrap();
    assert_eq!(found.activity_arn(), created.activity_arn());
    assert_eq!(found.name(), "work");
    assert_eq!(found.creation_date(), created.creation_date());
    let encryption = found.encryption_configuration().unwrap();
    assert_eq!(encryption.r#type(), &EncryptionType::AwsOwnedKey);
}

#[tokio::test]
async fn the_activity_has_to_be_there() {
    let server = Server::start().await;
    let arn = activity(&server, "work").await;
    let describe = |arn: &str| server.client.describe_activity().activity_arn(arn).send();
    let elsewhere = arn.replace("us-east-1", "eu-west-1");
    for arn in [ABSENT_ACTIVITY, &elsewhere] {
        let message = format!("Activity Does Not Exist: '{arn}'");
        refused(describe(arn).await, "ActivityDoesNotExist", &message);
    }
    for (arn, message) in NOT_ACTIVITIES {
        refused(describe(arn).await, "InvalidArn", message);
    }
}
