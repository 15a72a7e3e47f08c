//! `StopExecution`.

use aws_sdk_sfn::types::{ExecutionStatus, HistoryEventType};
use stepwell_tests::client::{ended, refused, refused_in_common};
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_EXECUTION, NOT_EXECUTIONS, PASS, WAIT};
use crate::map_runs::{self, NOT_FOR_EXPRESS, children, distributed, express, running, start};

#[tokio::test]
async fn error_and_cause_are_shown() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let execution = server.begin(&arn, "one", "{}").await;
    let stop = server.client.stop_execution().execution_arn(&execution);
    let stopped = stop.error("Enough").cause("Nobody wants it.").send().await;
    let describe = server.client.describe_execution();
    let found = describe.execution_arn(&execution).send().await.unwrap();
    assert_eq!(found.status(), &ExecutionStatus::Aborted, "at once");
    assert_eq!(found.error(), Some("Enough"));
    assert_eq!(found.cause(), Some("Nobody wants it."));
    assert_eq!(found.stop_date(), Some(stopped.unwrap().stop_date()));

    let history = server.client.get_execution_history();
    let history = history.execution_arn(&execution).send().await.unwrap();
    let last = history.events().last().unwrap();
    assert_eq!(last.r#type(), &HistoryEventType::ExecutionAborted);
    assert_eq!(last.previous_event_id(), 0);
    let details = last.execution_aborted_event_details().unwrap();
    assert_eq!(details.error(), Some("Enough"));
    assert_eq!(details.cause(), Some("Nobody wants it."));
}

#[tokio::test]
async fn neither_is_needed() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let execution = server.begin(&arn, "one", "{}").await;
    let stop = server.client.stop_execution().execution_arn(&execution);
    stop.send().await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.status(), &ExecutionStatus::Aborted);
    assert_eq!((found.error(), found.cause()), (None, None));
}

#[tokio::test]
async fn what_has_ended_stays_as_it_is() {
    let server = Server::start().await;
    let wait = server.create("wait", WAIT).await;
    let pass = server.create("pass", PASS).await;
    let stopped = server.begin(&wait, "one", "{}").await;
    let stop = |execution: &str| server.client.stop_execution().execution_arn(execution);
    let first = stop(&stopped).error("First").send().await.unwrap();
    let second = stop(&stopped).error("Second").send().await.unwrap();
    assert_eq!(second.stop_date(), first.stop_date());
    let found = ended(&server.client, &stopped).await;
    assert_eq!(found.error(), Some("First"));

    let succeeded = server.begin(&pass, "one", "{}").await;
    let before = ended(&server.client, &succeeded).await;
    let answer = stop(&succeeded).send().await.unwrap();
    assert_eq!(Some(answer.stop_date()), before.stop_date());
    let after = ended(&server.client, &succeeded).await;
    assert_eq!(after.status(), &ExecutionStatus::Succeeded);
}

#[tokio::test]
async fn error_and_cause_are_bounded() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let execution = server.begin(&arn, "one", "{}").await;
    let stop = || server.client.stop_execution().execution_arn(&execution);
    let message = |member: &str, length: usize| {
        format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length less than or equal to {length}"
        )
    };
    refused(
        stop().error("e".repeat(257)).send().await,
        "ValidationException",
        &message("error", 256),
    );
    refused(
        stop().cause("c".repeat(32_769)).send().await,
        "ValidationException",
        &message("cause", 32_768),
    );
    let stop = stop().error("e".repeat(256)).cause("c".repeat(32_768));
    stop.send().await.unwrap();
}

#[tokio::test]
async fn a_child_is_stopped_by_itself() {
    let server = Server::start().await;
    let definition = distributed(map_runs::WAIT, "");
    let (execution, run) = start(&server, &definition, "[1, 2]").await;
    running(&server, &run, 2).await;
    let child = children(&server, &run, 2).await.remove(0);
    let stop = server.client.stop_execution();
    let stop = stop.execution_arn(child.execution_arn()).error("Enough");
    stop.send().await.unwrap();
    let found = ended(&server.client, child.execution_arn()).await;
    assert_eq!(*found.status(), ExecutionStatus::Aborted);
    assert_eq!(found.error(), Some("Enough"));
    let counted = running(&server, &run, 1).await;
    assert_eq!(counted.item_counts().unwrap().aborted(), 1);
    let describe = server.client.describe_execution().execution_arn(execution);
    let parent = describe.send().await.unwrap();
    assert_eq!(*parent.status(), ExecutionStatus::Running);
}

#[tokio::test]
async fn an_express_child_cannot_be_stopped_by_itself() {
    let server = Server::start().await;
    let definition = express(map_runs::WAIT, "");
    let (execution, run) = start(&server, &definition, "[1]").await;
    running(&server, &run, 1).await;
    let child = children(&server, &run, 1).await.remove(0);
    let stop = |arn: &str| server.client.stop_execution().execution_arn(arn).send();
    let refusal = stop(child.execution_arn()).await;
    refused(refusal, "InvalidArn", NOT_FOR_EXPRESS);
    stop(&execution).await.unwrap();
    let found = ended(&server.client, child.execution_arn()).await;
    assert_eq!(*found.status(), ExecutionStatus::Aborted);
}

#[tokio::test]
async fn the_execution_has_to_be_there() {
    let server = Server::start().await;
    let stop = |arn: &str| server.client.stop_execution().execution_arn(arn).send();
    let message = format!("Execution Does Not Exist: '{ABSENT_EXECUTION}'");
    refused(
        stop(ABSENT_EXECUTION).await,
        "ExecutionDoesNotExist",
        &message,
    );
    for (arn, message) in NOT_EXECUTIONS {
        refused(stop(arn).await, "InvalidArn", message);
    }
    refused_in_common(
        stop("").await,
        "ValidationException",
        "1 validation error detected: Value '' at 'executionArn' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
}
