//! Answers that come with a task token, before or after the service's own.

use serde_json::{Value, json};
use stepwell_interpreter::Payload;
use stepwell_interpreter::effect::{Effect, TaskId};
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::{Input, TokenAnswer};

use crate::only;
use crate::world::World;

/// An execution that has given its token to a service.
fn start() -> (World, TaskId) {
    let mut world = World::start(
        &only(json!({
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}},
            "HeartbeatSeconds": 3,
            "End": true,
        })),
        json!({}),
        &[],
    );
    let effects = world.execution.take_effects();
    let task = effects.into_iter().find_map(|effect| match effect {
        Effect::RunTask(task) => Some(task.id),
        Effect::CancelTask(_) | Effect::StartMapRun(_) | Effect::CancelMapRun(_) => None,
    });
    (world, task.expect("the service is called"))
}

fn succeeded(output: Value) -> TokenAnswer {
    TokenAnswer::Succeeded(Payload::from_value(output))
}

fn answer(world: &World, task: TaskId, answer: TokenAnswer) -> Input {
    let token = world.execution.task_token(task).expect("it is open");
    Input::TaskAnswered {
        task,
        token: token.clone(),
        answer,
    }
}

fn submitted(task: TaskId) -> Input {
    Input::TaskSubmitted {
        task,
        output: Payload::from_value(json!({"MessageId": "m"})),
    }
}

const SUBMITTED: [&str; 5] = [
    "1<-0 ExecutionStarted",
    "2<-0 TaskStateEntered",
    "3<-2 TaskScheduled",
    "4<-3 TaskStarted",
    "5<-4 TaskSubmitted",
];

#[test]
fn an_answer_counts_with_the_right_token_only_and_once() {
    let (mut world, task) = start();
    world.handle(submitted(task));
    let right = answer(&world, task, succeeded(json!(1)));
    for wrong in ["", "wrong"] {
        let before = world.journal.len();
        world.handle(Input::TaskAnswered {
            task,
            token: wrong.into(),
            answer: succeeded(json!(2)),
        });
        assert_eq!(world.journal.len(), before);
    }
    world.handle(right.clone());
    let before = world.journal.len();
    world.handle(right);
    assert_eq!(world.journal.len(), before);
    assert_eq!(world.outcome(), Ok(json!(1)));
    assert_eq!(world.history()[..5], SUBMITTED);
}

#[test]
fn a_token_survives_a_replay() {
    let (world, task) = start();
    let resumed = world.resume(world.journal.len());
    assert_eq!(resumed.task_token(task), world.execution.task_token(task));
}

#[test]
fn a_result_may_come_before_the_service_has_answered() {
    let (mut world, task) = start();
    let early = answer(&world, task, succeeded(json!(1)));
    world.handle(early);
    world.handle(submitted(task));
    assert_eq!(
        world.history(),
        [
            &SUBMITTED[..],
            &[
                "6<-5 TaskSucceeded",
                "7<-6 TaskStateExited",
                "8<-7 ExecutionSucceeded"
            ]
        ]
        .concat()
    );
    assert_eq!(world.outcome(), Ok(json!(1)));
}

#[test]
fn a_failure_may_come_before_the_service_has_answered() {
    let (mut world, task) = start();
    let failed = TokenAnswer::Failed(Failure::new("E", "c"));
    let early = answer(&world, task, failed);
    world.handle(early);
    assert_eq!(
        world.history(),
        [&SUBMITTED[..], &["6<-5 TaskFailed", "7<-6 ExecutionFailed"]].concat()
    );
    assert_eq!(world.outcome(), Err("E: c".to_owned()));
}

#[test]
fn a_refusal_of_the_service_comes_without_a_submission() {
    let (mut world, task) = start();
    world.handle(Input::TaskFailed {
        task,
        failure: Failure::new("SQS.X", "no"),
    });
    assert_eq!(
        world.history(),
        [
            &SUBMITTED[..4],
            &["5<-4 TaskFailed", "6<-5 ExecutionFailed"]
        ]
        .concat()
    );
}

#[test]
fn heartbeats_put_the_end_off_and_are_not_shown() {
    let (mut world, task) = start();
    world.handle(submitted(task));
    let first = world.execution.wake_at();
    world.now = first.unwrap().after(std::time::Duration::from_millis(1));
    let before = world.history().len();
    let heartbeat = answer(&world, task, TokenAnswer::Heartbeat);
    world.handle(heartbeat);
    assert!(world.execution.wake_at() > first);
    assert_eq!(world.history().len(), before);
}
