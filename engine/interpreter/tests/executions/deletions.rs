//! Executions whose state machine is being deleted: they fail at their next transition.

use std::time::Duration;

use serde_json::{Value, json};
use stepwell_interpreter::effect::Effect;
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::Input;

use crate::world::World;
use crate::{only, task};

fn wait(more: Value) -> Value {
    let mut state = json!({"Type": "Wait", "Seconds": 10});
    for (name, value) in more.as_object().into_iter().flatten() {
        state[name] = value.clone();
    }
    state
}

/// Starts an execution, deletes its state machine, and lets the wait end that it is in.
fn delete_in_a_wait(definition: &Value) -> World {
    let mut world = World::start(definition, json!({}), &[]);
    world.execution.set_machine_deleted();
    world.handle(Input::Continue);
    assert!(world.execution.is_running(), "it is in no transition");
    world.now = world.now.after(Duration::from_secs(10));
    world.handle(Input::TimerFired);
    world
}

/// Asserts that it failed because its state machine was deleted, also for whoever replays it.
#[track_caller]
fn check_deleted(world: &World) {
    let expected = "States.Runtime: State machine m has been deleted.";
    assert_eq!(world.outcome(), Err(expected.to_owned()), "{world:?}");
    let replayed = world.resume(world.journal.len());
    assert_eq!(replayed.status(), world.execution.status());
}

#[test]
fn the_next_state_is_not_entered() {
    let definition = json!({"StartAt": "A", "States": {
        "A": wait(json!({"Next": "B"})), "B": {"Type": "Pass", "End": true}}});
    let world = delete_in_a_wait(&definition);
    check_deleted(&world);
    assert_eq!(
        world.history(),
        [
            "1<-0 ExecutionStarted",
            "2<-0 WaitStateEntered",
            "3<-2 WaitStateExited",
            "4<-3 ExecutionFailed",
        ]
    );
}

#[test]
fn a_last_state_still_ends_well() {
    let world = delete_in_a_wait(&only(wait(json!({"End": true}))));
    assert_eq!(world.outcome(), Ok(json!({})), "{world:?}");
}

#[test]
fn nothing_catches_it_in_a_branch_and_the_others_end_with_it() {
    let catch = json!([{"ErrorEquals": ["States.ALL"], "Next": "C"}]);
    let branch = |states: Value| json!({"StartAt": "X", "States": states});
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Parallel", "Catch": catch, "Next": "C", "Branches": [
            branch(json!({"X": wait(json!({"Next": "Y"})), "Y": {"Type": "Pass", "End": true}})),
            json!({"StartAt": "Z", "States": {"Z": wait(json!({"Seconds": 99, "End": true}))}}),
        ]},
        "C": {"Type": "Pass", "End": true}}});
    let world = delete_in_a_wait(&definition);
    check_deleted(&world);
    let history = world.history();
    assert_eq!(
        history[history.len() - 2..],
        ["6<-4 WaitStateExited", "7<-6 ExecutionFailed"],
        "{world:?}"
    );
}

#[test]
fn a_task_is_not_tried_again() {
    let retry = json!([{"ErrorEquals": ["Broken"], "IntervalSeconds": 10}]);
    let state = task(json!({"Retry": retry, "End": true}));
    let mut world = World::start(&only(state), json!({}), &[]);
    let effects = world.execution.take_effects();
    let [Effect::RunTask(task)] = &effects[..] else {
        panic!("{effects:?}");
    };
    world.handle(Input::TaskFailed {
        task: task.id,
        failure: Failure::new("Broken", "because"),
    });
    world.execution.set_machine_deleted();
    world.now = world.now.after(Duration::from_secs(10));
    world.handle(Input::TimerFired);
    check_deleted(&world);
}
