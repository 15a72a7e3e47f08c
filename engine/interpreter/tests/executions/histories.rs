//! The order of events, and which follows from which.

use serde_json::{Value, json};
use stepwell_interpreter::history::HistoryView;

use crate::world::{Answer, World};
use crate::{only, task};

#[track_caller]
fn check(definition: &Value, input: Value, answers: &[Answer], expected: &[&str]) {
    let world = World::start(definition, input, answers).run();
    assert_eq!(world.history(), expected);
}

fn branch(name: &str, state: Value) -> Value {
    json!({"StartAt": name, "States": {name: state}})
}

#[test]
fn the_first_state_follows_from_nothing() {
    check(
        &only(json!({"Type": "Pass", "End": true})),
        json!({}),
        &[],
        &[
            "1<-0 ExecutionStarted",
            "2<-0 PassStateEntered",
            "3<-2 PassStateExited",
            "4<-3 ExecutionSucceeded",
        ],
    );
}

#[test]
fn the_exit_of_a_parallel_follows_from_the_branch_that_ended_last() {
    let definition = only(json!({
        "Type": "Parallel",
        "Branches": [
            branch("B", json!({"Type": "Pass", "End": true})),
            branch("C", json!({"Type": "Pass", "End": true})),
        ],
        "End": true,
    }));
    check(
        &definition,
        json!(1),
        &[],
        &[
            "1<-0 ExecutionStarted",
            "2<-0 ParallelStateEntered",
            "3<-2 ParallelStateStarted",
            "4<-3 PassStateEntered",
            "5<-4 PassStateExited",
            "6<-3 PassStateEntered",
            "7<-6 PassStateExited",
            "8<-7 ParallelStateSucceeded",
            "9<-7 ParallelStateExited",
            "10<-9 ExecutionSucceeded",
        ],
    );
}

#[test]
fn a_serial_iteration_follows_from_the_body_before_it() {
    let definition = only(json!({
        "Type": "Map",
        "MaxConcurrency": 1,
        "ItemProcessor": branch("B", json!({"Type": "Pass", "End": true})),
        "End": true,
    }));
    check(
        &definition,
        json!([1, 2]),
        &[],
        &[
            "1<-0 ExecutionStarted",
            "2<-0 MapStateEntered",
            "3<-2 MapStateStarted",
            "4<-3 MapIterationStarted[0]",
            "5<-4 PassStateEntered",
            "6<-5 PassStateExited",
            "7<-6 MapIterationSucceeded[0]",
            "8<-6 MapIterationStarted[1]",
            "9<-8 PassStateEntered",
            "10<-9 PassStateExited",
            "11<-10 MapIterationSucceeded[1]",
            "12<-11 MapStateSucceeded",
            "13<-11 MapStateExited",
            "14<-13 ExecutionSucceeded",
        ],
    );
}

#[test]
fn an_empty_map_succeeds_at_once() {
    let definition = only(json!({
        "Type": "Map",
        "ItemProcessor": branch("B", json!({"Type": "Pass", "End": true})),
        "End": true,
    }));
    check(
        &definition,
        json!([]),
        &[],
        &[
            "1<-0 ExecutionStarted",
            "2<-0 MapStateEntered",
            "3<-2 MapStateStarted",
            "4<-3 MapStateSucceeded",
            "5<-3 MapStateExited",
            "6<-5 ExecutionSucceeded",
        ],
    );
}

/// Recorded: four iterations that wait for a token, and all time out.
#[test]
fn concurrent_iterations_are_scheduled_before_the_first_starts_and_fall_together() {
    let definition = only(json!({
        "Type": "Map",
        "ItemProcessor": branch("B", task(json!({"TimeoutSeconds": 5, "End": true}))),
        "End": true,
    }));
    check(
        &definition,
        json!([1, 2]),
        &[],
        &[
            "1<-0 ExecutionStarted",
            "2<-0 MapStateEntered",
            "3<-2 MapStateStarted",
            "4<-3 MapIterationStarted[0]",
            "5<-3 MapIterationStarted[1]",
            "6<-4 TaskStateEntered",
            "7<-6 LambdaFunctionScheduled",
            "8<-5 TaskStateEntered",
            "9<-8 LambdaFunctionScheduled",
            "10<-7 LambdaFunctionStarted",
            "11<-9 LambdaFunctionStarted",
            "12<-10 LambdaFunctionTimedOut",
            "13<-11 LambdaFunctionTimedOut",
            "14<-12 MapIterationFailed[0]",
            "15<-12 TaskStateAborted",
            "16<-12 MapIterationAborted[1]",
            "17<-12 TaskStateAborted",
            "18<-12 MapStateFailed",
            "19<-18 ExecutionFailed",
        ],
    );
}

#[test]
fn a_failing_branch_takes_its_siblings_down_and_is_caught() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {
            "Type": "Parallel",
            "Branches": [
                branch("B", task(json!({"End": true}))),
                branch("C", json!({"Type": "Wait", "Seconds": 60, "End": true})),
            ],
            "Catch": [{"ErrorEquals": ["E"], "Next": "Z"}],
            "End": true,
        },
        "Z": {"Type": "Succeed"},
    }});
    check(
        &definition,
        json!({}),
        &[Answer::Throw("E")],
        &[
            "1<-0 ExecutionStarted",
            "2<-0 ParallelStateEntered",
            "3<-2 ParallelStateStarted",
            "4<-3 TaskStateEntered",
            "5<-4 LambdaFunctionScheduled",
            "6<-3 WaitStateEntered",
            "7<-5 LambdaFunctionStarted",
            "8<-7 LambdaFunctionFailed",
            "9<-8 TaskStateAborted",
            "10<-8 WaitStateAborted",
            "11<-8 ParallelStateFailed",
            "12<-11 ParallelStateExited",
            "13<-12 SucceedStateEntered",
            "14<-13 SucceedStateExited",
            "15<-14 ExecutionSucceeded",
        ],
    );
}

/// Recorded: a retried Map writes no failure of its own.
#[test]
fn a_retried_map_starts_again_from_the_failing_event() {
    let definition = only(json!({
        "Type": "Map",
        "ItemProcessor": branch("B", json!({"Type": "Fail", "Error": "E"})),
        "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}],
        "End": true,
    }));
    check(
        &definition,
        json!([1]),
        &[],
        &[
            "1<-0 ExecutionStarted",
            "2<-0 MapStateEntered",
            "3<-2 MapStateStarted",
            "4<-3 MapIterationStarted[0]",
            "5<-4 FailStateEntered",
            "6<-5 MapIterationFailed[0]",
            "7<-5 MapStateStarted",
            "8<-7 MapIterationStarted[0]",
            "9<-8 FailStateEntered",
            "10<-9 MapIterationFailed[0]",
            "11<-9 MapStateFailed",
            "12<-11 ExecutionFailed",
        ],
    );
}

#[test]
fn a_token_answer_before_the_service_answered_still_shows_every_step() {
    let definition = only(json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"MessageBody": {"Token.$": "$$.Task.Token"}, "QueueUrl": "q"},
        "End": true,
    }));
    check(
        &definition,
        json!({}),
        &[Answer::Return(json!(1))],
        &[
            "1<-0 ExecutionStarted",
            "2<-0 TaskStateEntered",
            "3<-2 TaskScheduled",
            "4<-3 TaskStarted",
            "5<-4 TaskSubmitted",
            "6<-5 TaskSucceeded",
            "7<-6 TaskStateExited",
            "8<-7 ExecutionSucceeded",
        ],
    );
}

/// The members of a task's scheduled event, by their names.
fn scheduled_members(resource: &str) -> Vec<String> {
    let state = json!({"Type": "Task", "Resource": resource, "TimeoutSeconds": 9,
        "HeartbeatSeconds": 5, "Parameters": {"QueueUrl": "q", "MessageBody": "b"},
        "Credentials": {"RoleArn": "arn:aws:iam::123456789012:role/r"}, "End": true});
    let world = World::start(&only(state), json!({}), &[]);
    let view = HistoryView {
        machine: world.execution.machine(),
        region: "us-east-1",
        include_execution_data: true,
    };
    let entry = view.entry(&world.journal[2]).expect("it is shown");
    assert!(entry.event_type.ends_with("Scheduled"), "{entry:?}");
    let (_, details) = entry.details.expect("it has details");
    let mut members: Vec<String> = details.into_iter().map(|(name, _)| name).collect();
    members.sort();
    members
}

/// Source: API, `LambdaFunctionScheduledEventDetails` and its like.
#[test]
fn a_scheduled_event_has_the_members_of_its_type() {
    assert_eq!(
        scheduled_members("arn:aws:lambda:us-east-1:123456789012:function:f"),
        [
            "input",
            "inputDetails",
            "resource",
            "taskCredentials",
            "timeoutInSeconds"
        ]
    );
    assert_eq!(
        scheduled_members("arn:aws:states:us-east-1:123456789012:activity:a"),
        [
            "heartbeatInSeconds",
            "input",
            "inputDetails",
            "resource",
            "timeoutInSeconds"
        ]
    );
    assert_eq!(
        scheduled_members("arn:aws:states:::sqs:sendMessage.waitForTaskToken"),
        [
            "heartbeatInSeconds",
            "parameters",
            "region",
            "resource",
            "resourceType",
            "taskCredentials",
            "timeoutInSeconds",
        ]
    );
}
