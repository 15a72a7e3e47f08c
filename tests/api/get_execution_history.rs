//! `GetExecutionHistory`.

use aws_sdk_sfn::operation::get_execution_history::builders::GetExecutionHistoryFluentBuilder;
use aws_sdk_sfn::types::HistoryEventType;
use stepwell_tests::client::{ended, refused, refused_in_common};
use stepwell_tests::server::{ROLE, Server};

use crate::definitions::{ABSENT_EXECUTION, INVALID_TOKEN, NOT_EXECUTIONS, NOT_SIZES};
use crate::map_runs::{self, NOT_FOR_EXPRESS, children, distributed, express, start};

/// Six events.
const TWO_STATES: &str = r#"{"StartAt": "A", "States": {
    "A": {"Type": "Pass", "Result": {"a": 1}, "Next": "B"},
    "B": {"Type": "Succeed"}}}"#;

fn history(server: &Server, execution: &str) -> GetExecutionHistoryFluentBuilder {
    let history = server.client.get_execution_history();
    history.execution_arn(execution)
}

/// The ids on every page.
async fn pages(history: impl Fn() -> GetExecutionHistoryFluentBuilder) -> Vec<Vec<i64>> {
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let page = history().set_next_token(token).send().await.unwrap();
        let ids = page.events().iter();
        pages.push(ids.map(|event| event.id()).collect());
        token = page.next_token;
        if token.is_none() {
            return pages;
        }
    }
}

async fn finished(server: &Server) -> String {
    let arn = server.create("orders", TWO_STATES).await;
    let execution = server.begin(&arn, "one", r#"{"b":2}"#).await;
    ended(&server.client, &execution).await;
    execution
}

#[tokio::test]
async fn every_event_is_told_with_its_details() {
    let server = Server::start().await;
    let execution = finished(&server).await;
    let page = history(&server, &execution).send().await.unwrap();
    let told = page.events().iter();
    let told: Vec<_> = told
        .map(|event| (event.r#type().as_str(), event.previous_event_id()))
        .collect();
    assert_eq!(
        told,
        [
            ("ExecutionStarted", 0),
            ("PassStateEntered", 0),
            ("PassStateExited", 2),
            ("SucceedStateEntered", 3),
            ("SucceedStateExited", 4),
            ("ExecutionSucceeded", 5),
        ]
    );
    let started = page.events()[0].execution_started_event_details().unwrap();
    assert_eq!(started.input(), Some(r#"{"b":2}"#));
    assert_eq!(started.role_arn(), Some(ROLE));
    assert!(!started.input_details().unwrap().truncated());
    let entered = page.events()[1].state_entered_event_details().unwrap();
    assert_eq!((entered.name(), entered.input()), ("A", Some(r#"{"b":2}"#)));
    let exited = page.events()[2].state_exited_event_details().unwrap();
    assert_eq!((exited.name(), exited.output()), ("A", Some(r#"{"a":1}"#)));
    let last = page.events()[5].execution_succeeded_event_details();
    assert_eq!(last.unwrap().output(), Some(r#"{"a":1}"#));
}

#[tokio::test]
async fn data_may_be_left_out() {
    let server = Server::start().await;
    let execution = finished(&server).await;
    let bare = history(&server, &execution).include_execution_data(false);
    let page = bare.send().await.unwrap();
    assert_eq!(page.events().len(), 6);
    let started = page.events()[0].execution_started_event_details().unwrap();
    assert_eq!((started.input(), started.input_details()), (None, None));
    assert_eq!(started.role_arn(), Some(ROLE), "the role is no data");
    let entered = page.events()[1].state_entered_event_details().unwrap();
    assert_eq!(entered.name(), "A", "a name is no data");
    assert_eq!((entered.input(), entered.input_details()), (None, None));
    let exited = page.events()[2].state_exited_event_details().unwrap();
    assert_eq!((exited.output(), exited.output_details()), (None, None));
    let last = page.events()[5].execution_succeeded_event_details();
    assert_eq!(last.unwrap().output(), None);
}

#[tokio::test]
async fn events_come_page_by_page_in_both_directions() {
    let server = Server::start().await;
    let execution = finished(&server).await;
    let sized = |size: i32, reverse: bool| {
        let (server, execution) = (&server, &execution);
        pages(move || {
            let history = history(server, execution).max_results(size);
            history.reverse_order(reverse)
        })
    };
    assert_eq!(sized(4, false).await, [vec![1, 2, 3, 4], vec![5, 6]]);
    assert_eq!(sized(4, true).await, [vec![6, 5, 4, 3], vec![2, 1]]);
    assert_eq!(sized(3, false).await, [[1, 2, 3], [4, 5, 6]]);
    assert_eq!(sized(1, true).await, [[6], [5], [4], [3], [2], [1]]);
    assert_eq!(sized(6, true).await, [[6, 5, 4, 3, 2, 1]]);
    assert_eq!(sized(0, false).await, [[1, 2, 3, 4, 5, 6]]);
}

#[tokio::test]
async fn a_long_history_is_told_in_full() {
    let server = Server::start().await;
    let definition = r#"{"StartAt": "More?", "States": {
        "More?": {"Type": "Choice", "Default": "Count", "Choices": [
            {"Variable": "$.n", "NumericGreaterThanEquals": 300, "Next": "Done"}]},
        "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "More?"},
        "Done": {"Type": "Succeed"}}}"#;
    let arn = server.create("count", definition).await;
    let execution = server.begin(&arn, "one", r#"{"n": 0}"#).await;
    ended(&server.client, &execution).await;
    // A start, 301 choices and 300 counts of two events each, and three for the end.
    let all: Vec<i64> = (1..=1 + 601 * 2 + 3).collect();
    let told = pages(|| history(&server, &execution)).await;
    assert!(told.iter().all(|page| page.len() <= 100), "a page has 100");
    assert_eq!(told.concat(), all);
    let told = pages(|| {
        history(&server, &execution)
            .max_results(1000)
            .reverse_order(true)
    })
    .await;
    let reversed: Vec<i64> = all.into_iter().rev().collect();
    assert_eq!(told.concat(), reversed);
}

#[tokio::test]
async fn a_running_execution_tells_what_has_happened() {
    let server = Server::start().await;
    let arn = server.create("orders", crate::definitions::WAIT).await;
    let execution = server.begin(&arn, "one", "{}").await;
    let page = history(&server, &execution).send().await.unwrap();
    let last = page.events().last().unwrap();
    assert_eq!(last.r#type(), &HistoryEventType::WaitStateEntered);
    assert_eq!(page.next_token(), None);
}

#[tokio::test]
async fn a_token_is_bound_to_its_arguments() {
    let server = Server::start().await;
    let execution = finished(&server).await;
    let arn = "arn:aws:states:us-east-1:123456789012:stateMachine:orders";
    let other = server.begin(arn, "two", "{}").await;
    let page = history(&server, &execution).max_results(1).send().await;
    let page = page.unwrap();
    let token = page.next_token().unwrap();
    let others = [
        history(&server, &execution).next_token("x"),
        history(&server, &other).next_token(token),
        history(&server, &execution)
            .reverse_order(true)
            .next_token(token),
    ];
    for other in others {
        refused(other.send().await, "InvalidToken", INVALID_TOKEN);
    }
}

#[tokio::test]
async fn sizes_and_tokens_are_bounded() {
    let server = Server::start().await;
    let execution = finished(&server).await;
    for (size, message) in NOT_SIZES {
        let result = history(&server, &execution).max_results(size).send().await;
        refused_in_common(result, "ValidationException", message);
    }
    let token = "x".repeat(1025);
    let message = format!(
        "1 validation error detected: Value '{token}' at 'nextToken' failed to satisfy constraint: Member must have length less than or equal to 1024"
    );
    let result = history(&server, &execution).next_token(token).send().await;
    refused_in_common(result, "ValidationException", &message);
}

#[tokio::test]
async fn a_standard_child_has_a_history_and_an_express_one_has_none() {
    let server = Server::start().await;
    let (_, run) = start(&server, &distributed(map_runs::PASS, ""), "[7]").await;
    let child = children(&server, &run, 1).await.remove(0);
    ended(&server.client, child.execution_arn()).await;
    let found = history(&server, child.execution_arn()).send().await;
    let found = found.unwrap();
    let types: Vec<_> = found.events().iter().map(|event| event.r#type()).collect();
    let expected = [
        &HistoryEventType::ExecutionStarted,
        &HistoryEventType::PassStateEntered,
        &HistoryEventType::PassStateExited,
        &HistoryEventType::ExecutionSucceeded,
    ];
    assert_eq!(types, expected);
    let server = Server::start().await;
    let (_, run) = start(&server, &express(map_runs::PASS, ""), "[7]").await;
    let child = children(&server, &run, 1).await.remove(0);
    let refusal = history(&server, child.execution_arn()).send().await;
    refused(refusal, "InvalidArn", NOT_FOR_EXPRESS);
}

#[tokio::test]
async fn the_execution_has_to_be_there() {
    let server = Server::start().await;
    let message = format!("Execution Does Not Exist: '{ABSENT_EXECUTION}'");
    refused(
        history(&server, ABSENT_EXECUTION).send().await,
        "ExecutionDoesNotExist",
        &message,
    );
    for (arn, message) in NOT_EXECUTIONS {
        refused(history(&server, arn).send().await, "InvalidArn", message);
    }
}
