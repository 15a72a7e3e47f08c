//! Tasks of activities, which wait for a worker.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use stepwell_interpreter::Payload;
use stepwell_interpreter::effect::TaskId;
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::{Input, TokenAnswer};

use crate::only;
use crate::world::World;

const ACTIVITY: &str = "arn:aws:states:us-east-1:123456789012:activity:a";

/// A Task state of an activity, with more fields.
fn activity(more: Value) -> Value {
    let mut state = json!({"Type": "Task", "Resource": ACTIVITY, "End": true});
    for (name, value) in more.as_object().into_iter().flatten() {
        state[name] = value.clone();
    }
    state
}

fn start(more: Value) -> World {
    World::start(&only(activity(more)), json!({"n": 1}), &[])
}

/// The task that waits, of which there is one.
#[track_caller]
fn waiting(world: &World) -> TaskId {
    let mut waiting = world.execution.waiting_tasks();
    let found = waiting.next().expect("a task waits");
    assert_eq!(&**found.activity, ACTIVITY);
    assert!(waiting.next().is_none(), "another task waits");
    found.task
}

fn take_up(world: &mut World, task: TaskId) {
    let worker = Some("w".into());
    world.handle(Input::TaskStarted { task, worker });
}

fn answer(world: &mut World, task: TaskId, answer: TokenAnswer) {
    let token = world.execution.task_token(task).expect("it is open");
    let token = token.clone();
    world.handle(Input::TaskAnswered {
        task,
        token,
        answer,
    });
}

fn pass(world: &mut World, seconds: u64) {
    world.now = world.now.after(Duration::from_secs(seconds));
    world.handle(Input::TimerFired);
}

#[test]
fn a_task_waits_until_a_worker_takes_it_up() {
    let mut world = start(json!({}));
    let task = waiting(&world);
    let parameters = world.execution.task_parameters(task).unwrap();
    assert_eq!(parameters.text(), r#"{"n":1}"#);
    take_up(&mut world, task);
    assert_eq!(world.execution.waiting_tasks().count(), 0);
    let before = world.journal.len();
    take_up(&mut world, task);
    assert_eq!(world.journal.len(), before, "a second worker gets nothing");
    answer(
        &mut world,
        task,
        TokenAnswer::Succeeded(Payload::from_value(json!([2]))),
    );
    assert_eq!(
        world.history(),
        [
            "1<-0 ExecutionStarted",
            "2<-0 TaskStateEntered",
            "3<-2 ActivityScheduled",
            "4<-3 ActivityStarted",
            "5<-4 ActivitySucceeded",
            "6<-5 TaskStateExited",
            "7<-6 ExecutionSucceeded",
        ]
    );
    assert_eq!(world.outcome(), Ok(json!([2])));
}

#[test]
fn what_waits_is_the_same_after_a_replay() {
    let mut world = start(json!({}));
    let task = waiting(&world);
    let resumed = world.resume(world.journal.len());
    assert!(resumed.waiting_tasks().eq(world.execution.waiting_tasks()));
    assert_eq!(
        resumed.task_token(task),
        world.execution.task_token(task),
        "and has the same token"
    );
    take_up(&mut world, task);
    let resumed = world.resume(world.journal.len());
    assert_eq!(resumed.waiting_tasks().count(), 0);
    assert_eq!(
        resumed.pending_effects().count(),
        0,
        "a worker has it, wherever the host is"
    );
}

#[test]
fn the_time_out_counts_from_the_worker_on() {
    let mut world = start(json!({"TimeoutSeconds": 5, "HeartbeatSeconds": 3}));
    let task = waiting(&world);
    assert_eq!(world.execution.wake_at(), None);
    pass(&mut world, 3600);
    take_up(&mut world, task);
    pass(&mut world, 2);
    answer(&mut world, task, TokenAnswer::Heartbeat);
    pass(&mut world, 2);
    answer(&mut world, task, TokenAnswer::Heartbeat);
    assert!(world.execution.is_open(task));
    pass(&mut world, 1);
    assert_eq!(world.outcome(), Err("States.Timeout: -".to_owned()));
    assert_eq!(
        world.history()[3..],
        [
            "4<-3 ActivityStarted",
            "5<-4 ActivityTimedOut",
            "6<-5 ExecutionFailed",
        ]
    );
}

#[test]
fn a_worker_that_dies_is_noticed_and_another_gets_the_task() {
    let retry = json!([{"ErrorEquals": ["States.HeartbeatTimeout"], "IntervalSeconds": 1}]);
    let mut world = start(json!({"HeartbeatSeconds": 3, "Retry": retry}));
    let first = waiting(&world);
    let token = world.execution.task_token(first).cloned();
    take_up(&mut world, first);
    pass(&mut world, 3);
    pass(&mut world, 1);
    let second = waiting(&world);
    assert_ne!(second, first);
    assert_ne!(world.execution.task_token(second), token.as_ref());
    take_up(&mut world, second);
    let late = Input::TaskAnswered {
        task: first,
        token: token.unwrap(),
        answer: TokenAnswer::Succeeded(Payload::from_value(json!("late"))),
    };
    let before = world.journal.len();
    world.handle(late);
    assert_eq!(world.journal.len(), before, "the first comes too late");
    let result = TokenAnswer::Succeeded(Payload::from_value(json!("in time")));
    answer(&mut world, second, result);
    assert_eq!(world.outcome(), Ok(json!("in time")));
}

#[test]
fn a_worker_may_fail_without_a_word() {
    let mut definition = only(activity(json!({
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}],
    })));
    definition["States"]["B"] = json!({"Type": "Succeed"});
    let mut world = World::start(&definition, json!({}), &[]);
    let task = waiting(&world);
    take_up(&mut world, task);
    answer(&mut world, task, TokenAnswer::Failed(Failure::default()));
    assert_eq!(world.outcome(), Ok(json!({"Error": null, "Cause": null})));
}

#[test]
fn nothing_is_scheduled_for_an_activity_that_does_not_exist() {
    let retry = json!([{"ErrorEquals": ["Other"], "IntervalSeconds": 1}]);
    let mut world = start(json!({"Retry": retry}));
    let task = waiting(&world);
    let absent = BTreeSet::from([ACTIVITY.into()]);
    world.execution.set_absent_activities(absent);
    // A task that was scheduled before goes on.
    take_up(&mut world, task);
    answer(
        &mut world,
        task,
        TokenAnswer::Failed(Failure::new("Other", "again")),
    );
    pass(&mut world, 1);
    let cause = format!(
        "States.Runtime: An error occurred while executing the state 'A' (entered at the event id #2). The activity {ACTIVITY} does not exist."
    );
    assert_eq!(world.outcome(), Err(cause));
    assert_eq!(
        world.history()[4..],
        ["5<-4 ActivityFailed", "6<-5 ExecutionFailed"]
    );
}

#[test]
fn what_is_given_up_waits_no_longer() {
    let branch = |name: &str, state: Value| json!({"StartAt": name, "States": {name: state}});
    let definition = only(json!({
        "Type": "Parallel",
        "Branches": [
            branch("B", activity(json!({}))),
            branch("C", activity(json!({}))),
        ],
        "End": true,
    }));
    let mut world = World::start(&definition, json!({}), &[]);
    let tasks: Vec<TaskId> = world
        .execution
        .waiting_tasks()
        .map(|waiting| waiting.task)
        .collect();
    assert_eq!(tasks.len(), 2);
    take_up(&mut world, tasks[0]);
    answer(
        &mut world,
        tasks[0],
        TokenAnswer::Failed(Failure::new("E", "c")),
    );
    assert_eq!(world.execution.waiting_tasks().count(), 0);

    let mut world = start(json!({}));
    world.handle(Input::Stop(Failure::default()));
    assert_eq!(world.execution.waiting_tasks().count(), 0);
}

#[test]
fn the_state_does_not_see_the_token() {
    let definition = only(activity(json!({"Parameters": {"task.$": "$$.Task"}})));
    let world = World::start(&definition, json!({}), &[]);
    assert!(
        world
            .outcome()
            .is_err_and(|error| error.contains("$$.Task")),
        "{world:?}"
    );
}
