//! `SendTaskFailure`.

use aws_sdk_sfn::types::HistoryEventType;
use serde_json::json;
use stepwell_tests::client::{ended, refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::activities::{
    NO_TOKEN, NOT_THERE, TIMED_OUT, events, not_tokens, only, take, unknown_tokens, working,
};

#[tokio::test]
async fn a_task_fails_with_error_and_cause() {
    let server = Server::start().await;
    let (execution, token) = working(&server, json!({})).await;
    let send = || server.client.send_task_failure().task_token(&token);
    let send_all = send().error("Broken").cause("It is broken.");
    send_all.send().await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.error(), Some("Broken"));
    assert_eq!(found.cause(), Some("It is broken."));
    let found = events(&server, &execution).await;
    let failed = only(&found, &HistoryEventType::ActivityFailed);
    let details = failed.activity_failed_event_details().unwrap();
    assert_eq!(details.error(), Some("Broken"));
    assert_eq!(details.cause(), Some("It is broken."));
    refused(send().send().await, "TaskTimedOut", TIMED_OUT);
}

#[tokio::test]
async fn neither_is_needed() {
    let server = Server::start().await;
    let (execution, token) = working(&server, json!({})).await;
    let send = server.client.send_task_failure().task_token(&token);
    send.send().await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!((found.error(), found.cause()), (None, None));
}

#[tokio::test]
async fn a_retrier_schedules_the_task_again() {
    let server = Server::start().await;
    let retry = json!([{"ErrorEquals": ["Later"], "IntervalSeconds": 1}]);
    let (execution, first) = working(&server, json!({"Retry": retry})).await;
    let send = server.client.send_task_failure().task_token(&first);
    send.error("Later").send().await.unwrap();
    let arn = "arn:aws:states:us-east-1:123456789012:activity:work";
    let second = take(&server, arn).await.task_token.unwrap();
    assert_ne!(second, first);
    let send = server.client.send_task_success().task_token(&first);
    let late = send.output("1").send().await;
    refused(late, "TaskTimedOut", TIMED_OUT);
    let send = server.client.send_task_success().task_token(&second);
    send.output("2").send().await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.output(), Some("2"));
}

#[tokio::test]
async fn error_and_cause_are_bounded() {
    let server = Server::start().await;
    let (execution, token) = working(&server, json!({})).await;
    let send = || server.client.send_task_failure().task_token(&token);
    let rule = "failed to satisfy constraint: Member must have length less than or equal to";
    let send_all = send().error("e".repeat(257)).cause("c".repeat(32_769));
    refused_in_common(
        send_all.send().await,
        "ValidationException",
        &format!(
            "2 validation errors detected: Value at 'error' {rule} 256; Value at 'cause' {rule} 32768"
        ),
    );
    let send_all = send().error("e".repeat(256)).cause("c".repeat(32_768));
    send_all.send().await.unwrap();
    ended(&server.client, &execution).await;
}

#[tokio::test]
async fn only_a_task_s_own_token_counts() {
    let server = Server::start().await;
    let (_, token) = working(&server, json!({})).await;
    let send = |token: &str| server.client.send_task_failure().task_token(token).send();
    for other in not_tokens(&token) {
        refused(send(&other).await, "InvalidToken", NO_TOKEN);
    }
    for other in unknown_tokens() {
        refused(send(&other).await, "TaskDoesNotExist", NOT_THERE);
    }
    send(&token).await.unwrap();
}
