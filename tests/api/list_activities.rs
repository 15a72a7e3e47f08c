//! `ListActivities`.

use stepwell_tests::client::{refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::activities::activity;
use crate::definitions::{INVALID_TOKEN, NOT_SIZES};

#[tokio::test]
async fn activities_are_listed_page_by_page() {
    let server = Server::start().await;
    let list = |size: i32, token: Option<String>| {
        let list = server.client.list_activities().max_results(size);
        list.set_next_token(token).send()
    };
    assert!(list(0, None).await.unwrap().activities().is_empty());
    for name in ["c", "a", "b"] {
        activity(&server, name).await;
    }
    let first = list(2, None).await.unwrap();
    let names = |page: &[aws_sdk_sfn::types::ActivityListItem]| -> String {
        page.iter().map(|activity| activity.name()).collect()
    };
    assert_eq!(names(first.activities()), "ab");
    let arn = "arn:aws:states:us-east-1:123456789012:activity:a";
    assert_eq!(first.activities()[0].activity_arn(), arn);
    let second = list(2, first.next_token).await.unwrap();
    assert_eq!(names(second.activities()), "c");
    assert_eq!(second.next_token(), None);
    let all = list(3, None).await.unwrap();
    assert_eq!(all.next_token(), None, "a full last page has no token");
}

#[tokio::test]
async fn sizes_and_tokens_are_checked() {
    let server = Server::start().await;
    let list = || server.client.list_activities();
    for (size, message) in NOT_SIZES {
        let result = list().max_results(size).send().await;
        refused_in_common(result, "ValidationException", message);
    }
    let result = list().next_token("x").send().await;
    refused(result, "InvalidToken", INVALID_TOKEN);
}
