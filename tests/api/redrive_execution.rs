//! `RedriveExecution`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sfn::error::SdkError;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::operation::redrive_execution::{RedriveExecutionError, RedriveExecutionOutput};
use aws_sdk_sfn::types::{
    ExecutionRedriveFilter, ExecutionRedriveStatus, ExecutionStatus, HistoryEventType,
};
use serde_json::{Value, json};
use stepwell::interpreter::Timestamp;
use stepwell::interpreter::execution::Limits;
use stepwell::{Engine, EngineBuilder, TaskError};
use stepwell_tests::client::{ended, refused, refused_in_common, until};
use stepwell_tests::clock::ManualClock;
use stepwell_tests::server::Server;

use crate::definitions::{ABSENT_EXECUTION, FAIL, NOT_EXECUTIONS, PASS, TIMED_OUT, WAIT};
use crate::map_runs::{self, distributed};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:later";

/// A function that fails before a number of redrives.
fn later() -> EngineBuilder {
    Engine::builder().task(FUNCTION, |input: Value| async move {
        if input["redrives"].as_u64() < input["after"].as_u64() {
            return Err(TaskError::new("NotYet", "later"));
        }
        Ok(input["gives"].clone())
    })
}

/// A task that succeeds after so many redrives.
fn task(after: u64, gives: &str) -> Value {
    json!({"Type": "Task", "Resource": FUNCTION, "End": true, "Parameters": {
        "redrives.$": "$$.Execution.RedriveCount", "after": after, "gives": gives}})
}

fn only(state: Value) -> String {
    json!({"StartAt": "A", "States": {"A": state}}).to_string()
}

async fn redrive(
    server: &Server,
    execution: &str,
    token: Option<&str>,
) -> Result<RedriveExecutionOutput, SdkError<RedriveExecutionError>> {
    let redrive = server.client.redrive_execution().execution_arn(execution);
    let token = token.map(str::to_owned);
    redrive.set_client_token(token).send().await
}

async fn describe(server: &Server, execution: &str) -> DescribeExecutionOutput {
    let describe = server.client.describe_execution().execution_arn(execution);
    describe.send().await.unwrap()
}

/// The types of all events from the last redrive on.
async fn since_redrive(server: &Server, execution: &str) -> Vec<String> {
    let history = server.client.get_execution_history();
    let history = history.execution_arn(execution).send().await.unwrap();
    let types = history
        .events()
        .iter()
        .map(|event| event.r#type().as_str().to_owned());
    let types: Vec<String> = types.collect();
    let redriven = types.iter().rposition(|name| name == "ExecutionRedriven");
    types[redriven.expect("it was redriven") + 1..].to_vec()
}

/// Runs `definition`, redrives it once it has failed, and compares what becomes of it.
async fn check(definition: &str, output: Option<&str>, events: &[&str]) {
    let server = Server::with(later()).await;
    let arn = server.create("orders", definition).await;
    let execution = server.begin(&arn, "one", "[1, 2]").await;
    let failed = ended(&server.client, &execution).await;
    assert_eq!(failed.status(), &ExecutionStatus::Failed, "{definition}");
    assert_eq!(
        failed.redrive_status(),
        Some(&ExecutionRedriveStatus::Redrivable)
    );
    let redriven = redrive(&server, &execution, None).await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!(
        found.output(),
        output,
        "{:?} {:?}",
        found.error(),
        found.cause()
    );
    assert_eq!(found.redrive_count(), Some(1));
    assert_eq!(found.redrive_date(), Some(redriven.redrive_date()));
    assert_eq!(
        since_redrive(&server, &execution).await,
        events,
        "{definition}"
    );
}

const LATE_TASK: [&str; 4] = [
    "LambdaFunctionScheduled",
    "LambdaFunctionStarted",
    "LambdaFunctionSucceeded",
    "TaskStateExited",
];

#[tokio::test]
async fn a_task_a_choice_a_pass_and_a_fail_go_on() {
    let end = ["ExecutionSucceeded"];
    check(
        &only(task(1, "done")),
        Some("\"done\""),
        &[&LATE_TASK[..], &end].concat(),
    )
    .await;
    let choice = json!({"StartAt": "A", "States": {
        "A": {"Type": "Choice", "Choices": [
            {"Variable": "$$.Execution.RedriveTime", "IsPresent": true, "Next": "B"}]},
        "B": {"Type": "Succeed"},
    }});
    let events = [
        "ChoiceStateExited",
        "SucceedStateEntered",
        "SucceedStateExited",
    ];
    check(
        &choice.to_string(),
        Some("[1, 2]"),
        &[&events[..], &end].concat(),
    )
    .await;
    let pass = json!({"Type": "Pass", "InputPath": "$$.Execution.RedriveTime", "Result": 5,
        "End": true});
    check(
        &only(pass),
        Some("5"),
        &["PassStateExited", "ExecutionSucceeded"],
    )
    .await;
    check(FAIL, None, &["ExecutionFailed"]).await;
}

#[tokio::test]
async fn branches_and_iterations_that_had_failed_go_on() {
    let branches =
        [task(0, "a"), task(1, "b")].map(|task| json!({"StartAt": "T", "States": {"T": task}}));
    let [mut first, second] = branches;
    first = serde_json::from_str(&first.to_string().replace("\"T\"", "\"S\"")).unwrap();
    let parallel = json!({"Type": "Parallel", "Branches": [first, second], "End": true});
    let exits = [
        "ParallelStateSucceeded",
        "ParallelStateExited",
        "ExecutionSucceeded",
    ];
    let events = [&LATE_TASK[..], &exits].concat();
    check_both_orders(&only(parallel), "[\"a\",\"b\"]", &events).await;

    let mut item = task(0, "");
    item["Parameters"] = json!({"redrives.$": "$$.Execution.RedriveCount", "after.$":
        "States.MathAdd($, -1)", "gives.$": "$"});
    let map = json!({"Type": "Map", "MaxConcurrency": 1, "End": true, "ItemProcessor": {
        "StartAt": "T", "States": {"T": item}}});
    let exits = [
        "MapIterationSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
    ];
    let events = [&LATE_TASK[..], &exits, &["ExecutionSucceeded"]].concat();
    check(&only(map), Some("[1,2]"), &events).await;
}

/// Which of two branches gets on first is not told; the one that would succeed may be given up
/// with the other, and goes on with it.
async fn check_both_orders(definition: &str, output: &str, events: &[&str]) {
    let server = Server::with(later()).await;
    let arn = server.create("orders", definition).await;
    let execution = server.begin(&arn, "one", "{}").await;
    ended(&server.client, &execution).await;
    redrive(&server, &execution, None).await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.output(), Some(output));
    let found = since_redrive(&server, &execution).await;
    let missing = events
        .iter()
        .find(|event| !found.contains(&(**event).to_owned()));
    assert_eq!(missing, None, "{found:?}");
    assert!(
        !found.contains(&"ParallelStateStarted".to_owned()),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_stopped_wait_goes_on_and_is_running_meanwhile() {
    let clock = Arc::new(ManualClock::starting_at(Timestamp::from_milliseconds(
        1_700_000_000_000,
    )));
    let server = Server::with(Engine::builder().clock(clock.clone())).await;
    let arn = server.create("orders", WAIT).await;
    let execution = server.begin(&arn, "one", "{}").await;
    let stop = server.client.stop_execution().execution_arn(&execution);
    stop.send().await.unwrap();
    clock.advance(Duration::from_hours(20));
    redrive(&server, &execution, None).await.unwrap();

    let found = describe(&server, &execution).await;
    assert_eq!(found.status(), &ExecutionStatus::Running);
    assert_eq!((found.stop_date(), found.error()), (None, None));
    assert_eq!(
        found.redrive_status(),
        Some(&ExecutionRedriveStatus::NotRedrivable)
    );
    let reason = "Execution is RUNNING and cannot be redriven";
    assert_eq!(found.redrive_status_reason(), Some(reason));
    let list = server.client.list_executions().state_machine_arn(&arn);
    let list = list
        .status_filter(ExecutionStatus::Running)
        .send()
        .await
        .unwrap();
    assert_eq!(list.executions().len(), 1);
    assert_eq!(list.executions()[0].stop_date(), None);
    assert_eq!(list.executions()[0].redrive_count(), Some(1));
    assert_eq!(list.executions()[0].redrive_date(), found.redrive_date());

    // 24 hours from the redrive on.
    clock.advance(Duration::from_hours(23));
    assert_eq!(
        describe(&server, &execution).await.status(),
        &ExecutionStatus::Running
    );
    clock.advance(Duration::from_hours(1));
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.status(), &ExecutionStatus::Succeeded);
    assert_eq!(
        since_redrive(&server, &execution).await,
        ["WaitStateExited", "ExecutionSucceeded"]
    );
}

#[tokio::test]
async fn the_time_of_a_state_machine_begins_again() {
    let clock = Arc::new(ManualClock::starting_at(Timestamp::from_milliseconds(
        1_700_000_000_000,
    )));
    let server = Server::with(Engine::builder().clock(clock.clone())).await;
    let arn = server.create("orders", TIMED_OUT).await;
    let execution = server.begin(&arn, "one", "{}").await;
    for redrives in 0..3 {
        clock.advance(Duration::from_millis(999));
        let found = describe(&server, &execution).await;
        assert_eq!(found.status(), &ExecutionStatus::Running);
        clock.advance(Duration::from_millis(1));
        let found = ended(&server.client, &execution).await;
        assert_eq!(found.status(), &ExecutionStatus::TimedOut);
        assert_eq!(found.redrive_count(), Some(redrives));
        redrive(&server, &execution, None).await.unwrap();
    }
}

#[tokio::test]
async fn it_can_be_redriven_again_and_the_history_tells() {
    let server = Server::with(later()).await;
    let arn = server.create("orders", &only(task(2, "done"))).await;
    let execution = server.begin(&arn, "one", "{}").await;
    ended(&server.client, &execution).await;
    let first = redrive(&server, &execution, None).await.unwrap();
    let failed = ended(&server.client, &execution).await;
    assert_eq!(failed.error(), Some("NotYet"));
    let second = redrive(&server, &execution, None).await.unwrap();
    assert!(second.redrive_date() >= first.redrive_date());
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.status(), &ExecutionStatus::Succeeded);
    assert_eq!(found.redrive_count(), Some(2));
    assert_eq!(found.error(), None);

    let history = server.client.get_execution_history();
    let history = history.execution_arn(&execution).send().await.unwrap();
    let redriven: Vec<_> = history
        .events()
        .iter()
        .filter(|event| event.r#type() == &HistoryEventType::ExecutionRedriven)
        .map(|event| {
            let details = event.execution_redriven_event_details().unwrap();
            (
                event.id(),
                event.previous_event_id(),
                details.redrive_count(),
            )
        })
        .collect();
    assert_eq!(redriven, [(7, 6, Some(1)), (12, 11, Some(2))]);
    let scheduled = &history.events()[7];
    assert_eq!(
        scheduled.r#type(),
        &HistoryEventType::LambdaFunctionScheduled
    );
    assert_eq!(scheduled.previous_event_id(), 7);
}

#[tokio::test]
async fn the_same_token_redrives_once() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let execution = server.begin(&arn, "one", "{}").await;
    let stop = || {
        server
            .client
            .stop_execution()
            .execution_arn(&execution)
            .send()
    };
    stop().await.unwrap();
    let first = redrive(&server, &execution, Some("a")).await.unwrap();
    let running = redrive(&server, &execution, Some("a")).await.unwrap();
    assert_eq!(running.redrive_date(), first.redrive_date());
    stop().await.unwrap();
    let stopped = redrive(&server, &execution, Some("a")).await.unwrap();
    assert_eq!(stopped.redrive_date(), first.redrive_date());
    let found = describe(&server, &execution).await;
    assert_eq!(found.status(), &ExecutionStatus::Aborted);
    assert_eq!(found.redrive_count(), Some(1));
    redrive(&server, &execution, Some("b")).await.unwrap();
    assert_eq!(describe(&server, &execution).await.redrive_count(), Some(2));
}

/// Sixteen redrives side by side.
async fn redrive_at_once(
    server: &Server,
    execution: &str,
    token: Option<&str>,
) -> Vec<Result<RedriveExecutionOutput, SdkError<RedriveExecutionError>>> {
    let calls: Vec<_> = (0..16)
        .map(|_| {
            let redrive = server.client.redrive_execution().execution_arn(execution);
            tokio::spawn(redrive.set_client_token(token.map(str::to_owned)).send())
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

#[tokio::test]
async fn many_redrives_at_once_are_one() {
    let server = Server::start().await;
    let arn = server.create("orders", WAIT).await;
    let execution = server.begin(&arn, "one", "{}").await;
    let stop = || {
        server
            .client
            .stop_execution()
            .execution_arn(&execution)
            .send()
    };
    stop().await.unwrap();
    let dates: Vec<_> = redrive_at_once(&server, &execution, Some("a"))
        .await
        .into_iter()
        .map(|answer| *answer.unwrap().redrive_date())
        .collect();
    assert!(dates.windows(2).all(|pair| pair[0] == pair[1]), "{dates:?}");
    assert_eq!(describe(&server, &execution).await.redrive_count(), Some(1));
    stop().await.unwrap();
    let answers = redrive_at_once(&server, &execution, None).await;
    let (done, rest): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1);
    for answer in rest {
        let message = "Execution is RUNNING and cannot be redriven";
        refused(answer, "ExecutionNotRedrivable", message);
    }
    assert_eq!(describe(&server, &execution).await.redrive_count(), Some(2));
}

async fn in_file(database: &Path) -> Server {
    Server::with(later().database(database)).await
}

#[tokio::test]
async fn a_restart_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("stepwell.db");
    let server = in_file(&database).await;
    let orders = server.create("orders", &only(task(2, "done"))).await;
    let execution = server.begin(&orders, "one", "{}").await;
    ended(&server.client, &execution).await;
    let waits = server.create("waits", WAIT).await;
    let waiting = server.begin(&waits, "one", "{}").await;
    let stop = server.client.stop_execution().execution_arn(&waiting);
    stop.send().await.unwrap();
    drop(server);

    let server = in_file(&database).await;
    let first = redrive(&server, &execution, Some("a")).await.unwrap();
    ended(&server.client, &execution).await;
    redrive(&server, &waiting, None).await.unwrap();
    drop(server);

    let server = in_file(&database).await;
    let again = redrive(&server, &execution, Some("a")).await.unwrap();
    assert_eq!(again.redrive_date(), first.redrive_date());
    redrive(&server, &execution, Some("b")).await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.output(), Some("\"done\""));
    assert_eq!(found.redrive_count(), Some(2));
    assert_eq!(
        describe(&server, &waiting).await.status(),
        &ExecutionStatus::Running
    );
    drop(server);
    let checked = until("the file to be free", || async {
        stepwell::maintenance::check(&database).ok()
    });
    assert_eq!(checked.await.findings, Vec::<String>::new());
}

#[tokio::test]
async fn redrives_filter_the_list() {
    let server = Server::with(later()).await;
    let arn = server.create("orders", &only(task(1, "done"))).await;
    for name in ["a", "b", "c"] {
        let execution = server.begin(&arn, name, "{}").await;
        ended(&server.client, &execution).await;
        if name != "b" {
            redrive(&server, &execution, None).await.unwrap();
            ended(&server.client, &execution).await;
        }
    }
    let list = async |filter: ExecutionRedriveFilter| {
        let list = server.client.list_executions().state_machine_arn(&arn);
        let page = list.redrive_filter(filter).send().await.unwrap();
        let names = page
            .executions()
            .iter()
            .map(|entry| entry.name().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(list(ExecutionRedriveFilter::Redriven).await, ["c", "a"]);
    assert_eq!(list(ExecutionRedriveFilter::NotRedriven).await, ["b"]);
    let list = server.client.list_executions().state_machine_arn(&arn);
    let list = list
        .redrive_filter(ExecutionRedriveFilter::from("ALL"))
        .send();
    refused_in_common(
        list.await,
        "ValidationException",
        "1 validation error detected: Value 'ALL' at 'redriveFilter' failed to satisfy constraint: Member must satisfy enum value set: [REDRIVEN, NOT_REDRIVEN]",
    );
}

#[track_caller]
fn not_redrivable<T: std::fmt::Debug>(
    answer: Result<T, SdkError<RedriveExecutionError>>,
    found: &DescribeExecutionOutput,
    reason: &str,
) {
    refused(answer, "ExecutionNotRedrivable", reason);
    assert_eq!(
        found.redrive_status(),
        Some(&ExecutionRedriveStatus::NotRedrivable)
    );
    assert_eq!(found.redrive_status_reason(), Some(reason));
}

async fn check_not_redrivable(server: &Server, execution: &str, reason: &str) {
    let answer = redrive(server, execution, None).await;
    not_redrivable(answer, &describe(server, execution).await, reason);
}

#[tokio::test]
async fn what_runs_or_succeeded_or_lost_its_machine_stays() {
    let server = Server::start().await;
    let wait = server.create("wait", WAIT).await;
    let running = server.begin(&wait, "one", "{}").await;
    let reason = "Execution is RUNNING and cannot be redriven";
    check_not_redrivable(&server, &running, reason).await;
    let pass = server.create("pass", PASS).await;
    let succeeded = server.begin(&pass, "one", "{}").await;
    ended(&server.client, &succeeded).await;
    let reason = "Execution is SUCCEEDED and cannot be redriven";
    check_not_redrivable(&server, &succeeded, reason).await;
    let fail = server.create("fail", FAIL).await;
    let failed = server.begin(&fail, "one", "{}").await;
    ended(&server.client, &failed).await;
    let delete = server.client.delete_state_machine();
    delete.state_machine_arn(&fail).send().await.unwrap();
    let reason = "State machine is in DELETING status";
    check_not_redrivable(&server, &failed, reason).await;
}

#[tokio::test]
async fn there_is_a_time_for_it() {
    const DAY: Duration = Duration::from_hours(24);
    let clock = Arc::new(ManualClock::starting_at(Timestamp::from_milliseconds(
        1_700_000_000_000,
    )));
    let server = Server::with(Engine::builder().clock(clock.clone())).await;
    let fail = server.create("fail", FAIL).await;
    let failed = server.begin(&fail, "one", "{}").await;
    ended(&server.client, &failed).await;
    clock.advance(14 * DAY);
    redrive(&server, &failed, None).await.unwrap();
    ended(&server.client, &failed).await;
    clock.advance(14 * DAY + Duration::from_millis(1));
    let reason = "Execution redrivable period exceeded";
    check_not_redrivable(&server, &failed, reason).await;

    let year = json!({"Type": "Wait", "Seconds": 99_999_999, "End": true});
    let wait = server.create("wait", &only(year)).await;
    let waiting = server.begin(&wait, "one", "{}").await;
    let stop = || {
        server
            .client
            .stop_execution()
            .execution_arn(&waiting)
            .send()
    };
    clock.advance(200 * DAY);
    stop().await.unwrap();
    clock.advance(10 * DAY);
    redrive(&server, &waiting, None).await.unwrap();
    clock.advance(165 * DAY);
    stop().await.unwrap();
    let reason = "Execution has exceeded the max execution time";
    check_not_redrivable(&server, &waiting, reason).await;
}

#[tokio::test]
async fn there_has_to_be_room_in_the_history() {
    let limits = Limits {
        history_events_max: 8,
        ..Limits::default()
    };
    let server = Server::with(later().limits(limits)).await;
    let arn = server.create("orders", &only(task(9, "done"))).await;
    let execution = server.begin(&arn, "one", "{}").await;
    ended(&server.client, &execution).await;
    redrive(&server, &execution, None).await.unwrap();
    let found = ended(&server.client, &execution).await;
    assert_eq!(found.error(), Some("States.Runtime"));
    let reason = "Execution history event limit exceeded";
    check_not_redrivable(&server, &execution, reason).await;
}

#[tokio::test]
async fn a_token_has_a_form() {
    let server = Server::start().await;
    let message = |token: &str, rules: &[&str]| {
        let rules: Vec<String> = rules
            .iter()
            .map(|rule| format!("Value '{token}' at 'clientToken' failed to satisfy constraint: Member must {rule}"))
            .collect();
        let plural = if rules.len() == 1 { "" } else { "s" };
        format!(
            "{} validation error{plural} detected: {}",
            rules.len(),
            rules.join("; ")
        )
    };
    let pattern = "satisfy regular expression pattern: [!-~]+";
    for (token, rules) in [
        ("", &["have length greater than or equal to 1", pattern][..]),
        ("a b", &[pattern]),
        ("é", &[pattern]),
        (&"a".repeat(65), &["have length less than or equal to 64"]),
    ] {
        let answer = redrive(&server, ABSENT_EXECUTION, Some(token)).await;
        refused(answer, "ValidationException", &message(token, rules));
    }
}

#[tokio::test]
async fn a_child_is_redriven_by_its_map_run_alone() {
    let fail = r#"{"Type": "Fail", "Error": "No"}"#;
    let server = Server::start().await;
    let (execution, run) = map_runs::start(&server, &distributed(fail, ""), "[7]").await;
    ended(&server.client, &execution).await;
    let child = map_runs::children(&server, &run, 1).await.remove(0);
    let redrive = |arn: &str| server.client.redrive_execution().execution_arn(arn).send();
    let message = "Execution is a child of a Map Run and cannot be redriven";
    let refusal = redrive(child.execution_arn()).await;
    refused(refusal, "ExecutionNotRedrivable", message);
    redrive(&execution).await.unwrap();
    ended(&server.client, &execution).await;
    let found = ended(&server.client, child.execution_arn()).await;
    assert_eq!(found.redrive_count(), Some(1));
    for (filter, count) in [
        (ExecutionRedriveFilter::Redriven, 1),
        (ExecutionRedriveFilter::NotRedriven, 0),
    ] {
        let list = server.client.list_executions().redrive_filter(filter);
        let listed = list.map_run_arn(run.map_run_arn()).send().await;
        assert_eq!(listed.unwrap().executions().len(), count);
    }
}

#[tokio::test]
async fn the_execution_has_to_be_there() {
    let server = Server::start().await;
    let message = format!("Execution Does Not Exist: '{ABSENT_EXECUTION}'");
    let answer = redrive(&server, ABSENT_EXECUTION, Some(&"a".repeat(64))).await;
    refused(answer, "ExecutionDoesNotExist", &message);
    for (arn, message) in NOT_EXECUTIONS {
        refused(redrive(&server, arn, None).await, "InvalidArn", message);
    }
    let express = "arn:aws:states:us-east-1:123456789012:express:orders:one:two";
    let message = "Invalid Arn: 'Resource type not valid in this context: express'";
    refused(redrive(&server, express, None).await, "InvalidArn", message);
    refused(
        redrive(&server, "", None).await,
        "ValidationException",
        "1 validation error detected: Value '' at 'executionArn' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
}
