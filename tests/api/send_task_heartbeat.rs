//! `SendTaskHeartbeat`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stepwell::Engine;
use stepwell_tests::client::{ended, refused};
use stepwell_tests::clock::ManualClock;
use stepwell_tests::server::Server;

use crate::activities::{
    NO_TOKEN, NOT_THERE, TIMED_OUT, events, not_tokens, unknown_tokens, working,
};

#[tokio::test]
async fn a_task_lives_for_as_long_as_its_worker_says_so() {
    let clock = Arc::new(ManualClock::default());
    let server = Server::with(Engine::builder().clock(clock.clone())).await;
    let (execution, token) = working(&server, json!({"HeartbeatSeconds": 10})).await;
    let send = || {
        server
            .client
            .send_task_heartbeat()
            .task_token(&token)
            .send()
    };
    let before = events(&server, &execution).await.len();
    for _ in 0..3 {
        clock.advance(Duration::from_secs(9));
        send().await.unwrap();
    }
    assert_eq!(events(&server, &execution).await.len(), before, "not shown");
    clock.advance(Duration::from_secs(10));
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.error(), Some("States.Timeout"));
    assert_eq!(found.cause(), None);
    refused(send().await, "TaskTimedOut", TIMED_OUT);
}

#[tokio::test]
async fn where_nobody_counts_them_they_are_taken_all_the_same() {
    let server = Server::start().await;
    let (_, token) = working(&server, json!({})).await;
    let send = || {
        server
            .client
            .send_task_heartbeat()
            .task_token(&token)
            .send()
    };
    send().await.unwrap();
    send().await.unwrap();
}

#[tokio::test]
async fn only_a_task_s_own_token_counts() {
    let server = Server::start().await;
    let (_, token) = working(&server, json!({})).await;
    let send = |token: &str| server.client.send_task_heartbeat().task_token(token).send();
    for other in not_tokens(&token) {
        refused(send(&other).await, "InvalidToken", NO_TOKEN);
    }
    for other in unknown_tokens() {
        refused(send(&other).await, "TaskDoesNotExist", NOT_THERE);
    }
    send(&token).await.unwrap();
}
