//! `GetActivityTask`.

use std::pin::pin;

use aws_sdk_sfn::types::HistoryEventType;
use serde_json::json;
use stepwell_tests::client::{ended, refused, refused_in_common, until};
use stepwell_tests::server::Server;

use crate::activities::{
    ABSENT_ACTIVITY, NOT_ACTIVITIES, activity, definition, events, only, take,
};

#[tokio::test]
async fn a_worker_gets_the_input_and_is_named_in_the_history() {
    let server = Server::start().await;
    let arn = activity(&server, "work").await;
    let machine = server.create("orders", &definition(&arn, &json!({}))).await;
    let execution = server.begin(&machine, "one", r#"{"n": 1}"#).await;
    let get = server.client.get_activity_task().activity_arn(&arn);
    let task = get.worker_name("worker-7").send().await.unwrap();
    assert_eq!(task.input(), Some(r#"{"n": 1}"#));
    let found = events(&server, &execution).await;
    let scheduled = only(&found, &HistoryEventType::ActivityScheduled);
    let details = scheduled.activity_scheduled_event_details().unwrap();
    assert_eq!(details.resource(), arn);
    let started = only(&found, &HistoryEventType::ActivityStarted);
    let details = started.activity_started_event_details().unwrap();
    assert_eq!(details.worker_name(), Some("worker-7"));
}

#[tokio::test]
async fn a_worker_need_not_have_a_name() {
    let server = Server::start().await;
    let arn = activity(&server, "work").await;
    let machine = server.create("orders", &definition(&arn, &json!({}))).await;
    let execution = server.begin(&machine, "one", "{}").await;
    let get = server.client.get_activity_task().activity_arn(&arn);
    get.send().await.unwrap();
    let found = events(&server, &execution).await;
    let started = only(&found, &HistoryEventType::ActivityStarted);
    let details = started.activity_started_event_details().unwrap();
    assert_eq!(details.worker_name(), None);
}

#[tokio::test]
async fn the_task_that_waits_longest_comes_first() {
    let server = Server::start().await;
    let arn = activity(&server, "work").await;
    let machine = server.create("orders", &definition(&arn, &json!({}))).await;
    for name in ["1", "2", "3"] {
        server.begin(&machine, name, name).await;
    }
    for name in ["1", "2", "3"] {
        assert_eq!(take(&server, &arn).await.input(), Some(name));
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_takes_nothing_along() {
    let server = Server::start().await;
    let arn = activity(&server, "work").await;
    let machine = server.create("orders", &definition(&arn, &json!({}))).await;
    for round in 0..20_u32 {
        {
            let get = server.client.get_activity_task().activity_arn(&arn);
            let mut polling = pin!(get.send());
            // Some have asked when they go, others hardly begun to.
            for _ in 0..round {
                let polled = std::future::poll_fn(|context| {
                    std::task::Poll::Ready(polling.as_mut().poll(context).is_ready())
                });
                assert!(!polled.await, "there is no work");
                tokio::task::yield_now().await;
            }
        }
        let name = round.to_string();
        let execution = server.begin(&machine, &name, &name).await;
        let task = until("a task that nobody took along", || async {
            let get = server.client.get_activity_task().activity_arn(&arn);
            let task = get.send().await.unwrap();
            task.task_token.map(|token| (token, task.input))
        });
        let (token, input) = task.await;
        assert_eq!(input, Some(name));
        let send = server.client.send_task_success().task_token(token);
        send.output("1").send().await.unwrap();
        ended(&server.client, &execution).await;
        only(
            &events(&server, &execution).await,
            &HistoryEventType::ActivityStarted,
        );
    }
}

#[tokio::test]
async fn the_activity_has_to_be_there() {
    let server = Server::start().await;
    let arn = activity(&server, "work").await;
    let get = |arn: &str| server.client.get_activity_task().activity_arn(arn).send();
    let elsewhere = arn.replace("us-east-1", "eu-west-1");
    for arn in [ABSENT_ACTIVITY, &elsewhere] {
        let message = format!("Activity Does Not Exist: '{arn}'");
        refused(get(arn).await, "ActivityDoesNotExist", &message);
    }
    for (arn, message) in NOT_ACTIVITIES {
        refused(get(arn).await, "InvalidArn", message);
    }
    for (name, rule) in [
        (String::new(), "have length greater than or equal to 1"),
        ("n".repeat(81), "have length less than or equal to 80"),
    ] {
        let get = server.client.get_activity_task().activity_arn(&arn);
        refused_in_common(
            get.worker_name(&name).send().await,
            "ValidationException",
            &format!(
                "1 validation error detected: Value '{name}' at 'workerName' failed to satisfy constraint: Member must {rule}"
            ),
        );
    }
}
