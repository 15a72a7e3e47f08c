//! `DeleteActivity`.

use stepwell_tests::client::{ended, refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::activities::{ABSENT_ACTIVITY, NOT_ACTIVITIES, activity, definition, take, working};

#[tokio::test]
async fn what_is_not_there_is_deleted_too() {
    let server = Server::start().await;
    let arn = activity(&server, "work").await;
    let delete = |arn: &str| server.client.delete_activity().activity_arn(arn).send();
    for arn in [&arn, &arn, ABSENT_ACTIVITY] {
        delete(arn).await.unwrap();
    }
    for (arn, message) in NOT_ACTIVITIES {
        refused(delete(arn).await, "InvalidArn", message);
    }
    refused_in_common(
        delete("").await,
        "ValidationException",
        "1 validation error detected: Value '' at 'activityArn' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
}

#[tokio::test]
async fn another_account_s_activity_is_not_ours() {
    let server = Server::start().await;
    let arn = activity(&server, "work").await;
    let other = arn.replace("123456789012", "000000000000");
    let delete = server.client.delete_activity().activity_arn(other);
    delete.send().await.unwrap();
    let describe = server.client.describe_activity().activity_arn(arn);
    describe.send().await.unwrap();
}

#[tokio::test]
async fn nothing_more_is_scheduled_for_it() {
    let server = Server::start().await;
    let arn = activity(&server, "work").await;
    let machine = server
        .create("orders", &definition(&arn, &serde_json::json!({})))
        .await;
    let delete = server.client.delete_activity().activity_arn(&arn);
    delete.send().await.unwrap();
    let execution = server.begin(&machine, "one", "{}").await;
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.error(), Some("States.Runtime"));
    let cause = format!(
        "An error occurred while executing the state 'Work' (entered at the event id #2). The activity {arn} does not exist."
    );
    assert_eq!(found.cause(), Some(cause.as_str()));
    activity(&server, "work").await;
    server.begin(&machine, "two", "{}").await;
    take(&server, &arn).await;
}

#[tokio::test]
async fn a_worker_that_has_a_task_may_still_answer() {
    let server = Server::start().await;
    let (execution, token) = working(&server, serde_json::json!({})).await;
    let arn = "arn:aws:states:us-east-1:123456789012:activity:work";
    let delete = server.client.delete_activity().activity_arn(arn);
    delete.send().await.unwrap();
    let send = server.client.send_task_success().task_token(token);
    send.output("1").send().await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.output(), Some("1"));
}
