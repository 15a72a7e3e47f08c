//! `SendTaskSuccess`.

use aws_sdk_sfn::types::HistoryEventType;
use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::integrations::{Task, TaskClosure};
use stepwell_tests::client::{ended, refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::activities::{
    NO_TOKEN, NOT_THERE, TIMED_OUT, events, not_tokens, only, too_long, unknown_tokens, working,
};

#[tokio::test]
async fn a_task_has_its_result_once() {
    let server = Server::start().await;
    let (execution, token) = working(&server, json!({})).await;
    let send = |output: &str| {
        let send = server.client.send_task_success().task_token(&token);
        send.output(output).send()
    };
    send(r#"{ "done": 7 }"#).await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!(
        found.output(),
        Some(r#"{ "done": 7 }"#),
        "letter for letter"
    );
    refused(send("1").await, "TaskTimedOut", TIMED_OUT);
    let heartbeat = server.client.send_task_heartbeat().task_token(&token);
    refused(heartbeat.send().await, "TaskTimedOut", TIMED_OUT);
    let failure = server.client.send_task_failure().task_token(&token);
    refused(failure.send().await, "TaskTimedOut", TIMED_OUT);
}

#[tokio::test]
async fn any_json_is_a_result_and_nothing_else() {
    let server = Server::start().await;
    let (execution, token) = working(&server, json!({})).await;
    let send = |output: &str| {
        let send = server.client.send_task_success().task_token(&token);
        send.output(output).send()
    };
    for (output, reason) in [
        (
            "done",
            "Unrecognized token 'done': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
        ),
        ("", "Invalid output."),
    ] {
        let message = format!("Invalid Output: '{reason}'");
        refused(send(output).await, "InvalidOutput", &message);
    }
    let large = format!("\"{}\"", "x".repeat(262_143));
    refused_in_common(
        send(&large).await,
        "ValidationException",
        "1 validation error detected: Value at 'output' failed to satisfy constraint: Member must have length less than or equal to 262144",
    );
    send("null").await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.output(), Some("null"));
}

#[tokio::test]
async fn only_a_task_s_own_token_counts() {
    let server = Server::start().await;
    let (execution, token) = working(&server, json!({})).await;
    let send = |token: &str| {
        let send = server.client.send_task_success().task_token(token);
        send.output("1").send()
    };
    for other in not_tokens(&token) {
        refused(send(&other).await, "InvalidToken", NO_TOKEN);
    }
    for other in unknown_tokens() {
        refused(send(&other).await, "TaskDoesNotExist", NOT_THERE);
    }
    let long = "x".repeat(2_049);
    refused_in_common(send(&long).await, "ValidationException", &too_long(&long));
    send(&token).await.unwrap();
    ended(&server.client, &execution).await;
}

#[tokio::test]
async fn a_service_hands_the_token_on() {
    const SEND: &str = "arn:aws:states:::sqs:sendMessage";
    let (sender, mut messages) = tokio::sync::mpsc::unbounded_channel();
    let queue = TaskClosure(move |task: Task| {
        let sender = sender.clone();
        async move {
            sender.send(task.parameters.to_json()).unwrap();
            Ok(json!({"MessageId": "m"}))
        }
    });
    let server = Server::with(Engine::builder().handler(SEND, queue)).await;
    let definition = json!({"StartAt": "Ask", "States": {"Ask": {
        "Type": "Task",
        "Resource": format!("{SEND}.waitForTaskToken"),
        "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}},
        "End": true,
    }}});
    let machine = server.create("orders", &definition.to_string()).await;
    let execution = server.begin(&machine, "one", "{}").await;
    let message: Value = messages.recv().await.unwrap();
    let token = message["MessageBody"]["token"].as_str().unwrap();
    let send = server.client.send_task_success().task_token(token);
    send.output(r#"{"yes":true}"#).send().await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.output(), Some(r#"{"yes":true}"#));
    let found = events(&server, &execution).await;
    let kinds: Vec<&str> = found.iter().map(|event| event.r#type().as_str()).collect();
    assert_eq!(
        kinds[2..6],
        [
            "TaskScheduled",
            "TaskStarted",
            "TaskSubmitted",
            "TaskSucceeded"
        ]
    );
    only(&found, &HistoryEventType::TaskSubmitted);
}
