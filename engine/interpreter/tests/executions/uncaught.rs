//! Failures that nothing catches: wherever they come about, the execution ends with them.

use serde_json::{Value, json};
use stepwell_interpreter::effect::Effect;
use stepwell_interpreter::input::Input;

use crate::world::{Answer, World};
use crate::{only, task};

/// A branch, or a processor, of one state.
fn one(name: &str, state: Value) -> Value {
    json!({"StartAt": name, "States": {name: state}})
}

fn parallel(branches: Vec<Value>) -> Value {
    json!({"Type": "Parallel", "Branches": branches, "End": true,
        "Retry": [{"ErrorEquals": ["States.ALL"]}]})
}

fn map(concurrency: u64, processor: Value) -> Value {
    json!({"Type": "Map", "MaxConcurrency": concurrency, "ItemProcessor": processor, "End": true,
        "Retry": [{"ErrorEquals": ["States.ALL"]}]})
}

/// A Pass state that fails, as long as the execution was not redriven.
fn broken() -> Value {
    json!({"Type": "Pass", "Parameters": {"at.$": "$$.Execution.RedriveTime"}, "End": true})
}

/// Events whose type has this in it.
fn count(world: &World, part: &str) -> usize {
    let history = world.history();
    history.iter().filter(|line| line.contains(part)).count()
}

/// Asserts how a world ends: with the failure of `state`, and with these last events.
#[track_caller]
fn check_end(world: &World, state: &str, entered: u64, last: &[&str]) {
    let expected = format!(
        "States.Runtime: An error occurred while executing the state '{state}' (entered at the event id #{entered}). "
    );
    let outcome = world.outcome().expect_err("it fails");
    assert!(outcome.starts_with(&expected), "{outcome}");
    let history = world.history();
    assert_eq!(history[history.len() - last.len()..], *last, "{world:#?}");
    let replayed = world.resume(world.journal.len());
    assert_eq!(replayed.status(), world.execution.status());
    assert_eq!(world.execution.pending_effects().count(), 0);
}

#[test]
fn one_in_a_branch_ends_the_execution() {
    let world = World::start(
        &only(parallel(vec![one("B", broken())])),
        json!({"x": "a"}),
        &[],
    );
    let last = [
        "3<-2 ParallelStateStarted",
        "4<-3 PassStateEntered",
        "5<-4 ExecutionFailed",
    ];
    check_end(&world, "B", 4, &last);

    let unresolved = task(json!({"Parameters": {"url.$": "$.nope"}, "End": true}));
    let world = World::start(&only(parallel(vec![one("B", unresolved)])), json!({}), &[]);
    check_end(
        &world,
        "B",
        4,
        &["4<-3 TaskStateEntered", "5<-4 ExecutionFailed"],
    );
}

#[test]
fn one_in_an_iteration_ends_the_execution() {
    let choice = json!({"Type": "Choice", "Choices": [
        {"Variable": "$", "NumericEquals": 7, "Next": "C"}]});
    let processor = json!({"StartAt": "B", "States": {"B": choice, "C": {"Type": "Succeed"}}});
    let world = World::start(&only(map(1, processor.clone())), json!([7, 8]), &[]);
    let last = [
        "9<-8 MapIterationSucceeded[0]",
        "10<-8 MapIterationStarted[1]",
        "11<-10 ChoiceStateEntered",
        "12<-11 ExecutionFailed",
    ];
    check_end(&world, "B", 11, &last);

    // However deep it is.
    let inner = parallel(vec![one("A2", map(1, processor))]);
    let world = World::start(&only(map(1, one("In", inner))), json!([[8]]), &[]);
    let last = ["10<-9 ChoiceStateEntered", "11<-10 ExecutionFailed"];
    check_end(&world, "B", 10, &last);
}

#[test]
fn what_runs_beside_it_is_cancelled_without_a_word() {
    let late = json!({"StartAt": "Late", "States": {
        "Late": {"Type": "Wait", "Seconds": 3, "Next": "B"}, "B": broken()}});
    let distributed = json!({"Type": "Map", "ItemsPath": "$.items", "End": true,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": true}}}});
    let definition = only(parallel(vec![
        one("Task", task(json!({"End": true}))),
        late,
        one("Each", distributed),
        one("Wait", json!({"Type": "Wait", "Seconds": 99, "End": true})),
    ]));
    let mut world = World::start(&definition, json!({"items": [1]}), &[]);
    world.execution.take_effects();
    world.now = world.execution.wake_at().expect("the second branch waits");
    world.handle(Input::TimerFired);
    let history = world.history();
    let [.., exited, entered, failed] = &history[..] else {
        panic!("{world:?}");
    };
    assert!(exited.ends_with("WaitStateExited"), "{world:?}");
    assert!(entered.ends_with("PassStateEntered"), "{world:?}");
    assert!(failed.ends_with("ExecutionFailed"), "{world:?}");
    assert_eq!(count(&world, "Aborted"), 0, "{world:?}");
    assert_eq!(world.execution.wake_at(), None);
    let effects = world.execution.take_effects();
    let cancelled =
        |is_wanted: fn(&Effect) -> bool| effects.iter().filter(|it| is_wanted(it)).count();
    assert_eq!(cancelled(|it| matches!(it, Effect::CancelTask(_))), 1);
    assert_eq!(cancelled(|it| matches!(it, Effect::CancelMapRun(_))), 1);

    // All of it goes on when the execution is redriven.
    world.handle(Input::Redrive { client_token: None });
    let effects = world.execution.take_effects();
    assert!(
        matches!(
            &effects[..],
            [Effect::StartMapRun(_), Effect::RunTask(_)]
                | [Effect::RunTask(_), Effect::StartMapRun(_)]
        ),
        "{effects:?}"
    );
    assert_eq!(count(&world, "MapRunRedriven"), 1, "{world:?}");
    assert_eq!(count(&world, "PassStateExited"), 1, "{world:?}");
}

#[test]
fn what_had_ended_beside_it_is_kept_for_a_redrive() {
    let pass = json!({"Type": "Pass", "Result": "kept", "End": true});
    let late = json!({"StartAt": "Late", "States": {
        "Late": {"Type": "Wait", "Seconds": 3, "Next": "B"}, "B": broken()}});
    let definition = only(parallel(vec![one("Kept", pass), late]));
    let world = World::start(&definition, json!({}), &[]).run();
    check_end(
        &world,
        "B",
        8,
        &[
            "7<-6 WaitStateExited",
            "8<-7 PassStateEntered",
            "9<-8 ExecutionFailed",
        ],
    );
    let world = world.redrive(&[]);
    let expected = json!(["kept", {"at": "1970-01-01T00:00:03.000Z"}]);
    assert_eq!(world.outcome(), Ok(expected));
    assert_eq!(
        world.history()[9..],
        [
            "10<-9 ExecutionRedriven",
            "11<-10 PassStateExited",
            "12<-11 ParallelStateSucceeded",
            "13<-11 ParallelStateExited",
            "14<-13 ExecutionSucceeded",
        ]
    );
    let replayed = world.resume(world.journal.len());
    assert_eq!(replayed.status(), world.execution.status());

    let processor = json!({"StartAt": "B", "States": {"B": broken()}});
    let world = World::start(&only(map(1, processor)), json!([1, 2]), &[]).redrive(&[]);
    assert_eq!(
        world.history()[5..],
        [
            "6<-5 ExecutionFailed",
            "7<-6 ExecutionRedriven",
            "8<-7 PassStateExited",
            "9<-8 MapIterationSucceeded[0]",
            "10<-8 MapIterationStarted[1]",
            "11<-10 PassStateEntered",
            "12<-11 PassStateExited",
            "13<-12 MapIterationSucceeded[1]",
            "14<-13 MapStateSucceeded",
            "15<-13 MapStateExited",
            "16<-15 ExecutionSucceeded",
        ]
    );
}

#[test]
fn an_output_that_is_too_large_is_one() {
    let large = json!({"Type": "Pass", "Parameters": {"twice.$": "States.Array($, $)"},
        "End": true});
    let definition = only(parallel(vec![
        one("B", large),
        one("C", task(json!({"End": true}))),
    ]));
    let world = World::start(&definition, json!("x".repeat(150_000)), &[]);
    let expected = "States.DataLimitExceeded: The state/task 'B' returned a result with a size exceeding the maximum number of bytes service limit.";
    assert_eq!(world.outcome(), Err(expected.to_owned()));
    assert_eq!(
        world.history()[2..],
        [
            "3<-2 ParallelStateStarted",
            "4<-3 PassStateEntered",
            "5<-4 ExecutionFailed"
        ]
    );
    // Then all branches run again.
    let world = world.redrive(&[]);
    assert_eq!(
        world.history()[5..],
        [
            "6<-5 ExecutionRedriven",
            "7<-6 ParallelStateStarted",
            "8<-7 PassStateEntered",
            "9<-8 ExecutionFailed"
        ]
    );
}

/// Its tasks were cancelled when it ended, and are not again.
#[test]
fn a_redrive_that_begins_anew_cancels_nothing() {
    let large = json!({"Type": "Pass", "Parameters": {"twice.$": "States.Array($, $)"},
        "End": true});
    let late = json!({"StartAt": "Late", "States": {
        "Late": {"Type": "Wait", "Seconds": 3, "Next": "B"}, "B": large}});
    let definition = only(parallel(vec![one("C", task(json!({"End": true}))), late]));
    let mut world = World::start(&definition, json!("x".repeat(150_000)), &[]);
    world.execution.take_effects();
    world.now = world.execution.wake_at().expect("the second branch waits");
    world.handle(Input::TimerFired);
    let effects = world.execution.take_effects();
    assert!(
        matches!(&effects[..], [Effect::CancelTask(_)]),
        "{effects:?}"
    );
    world.handle(Input::Redrive { client_token: None });
    let effects = world.execution.take_effects();
    assert!(matches!(&effects[..], [Effect::RunTask(_)]), "{effects:?}");
}

#[test]
fn an_item_that_cannot_be_selected_is_one() {
    let mut state = map(0, one("B", task(json!({"End": true}))));
    state["ItemSelector"] = json!({"n.$": "$$.Map.Item.Value.n"});
    let world = World::start(&only(state), json!([{"n": 1}, {}]), &[]);
    let last = ["4<-3 MapIterationStarted[0]", "5<-3 ExecutionFailed"];
    check_end(&world, "A", 2, &last);
    let world = world.redrive(&[Answer::Return(json!(1))]);
    let history = world.history();
    assert_eq!(history[5], "6<-5 ExecutionRedriven", "{world:#?}");
    assert!(
        world
            .outcome()
            .unwrap_err()
            .starts_with("States.Runtime: An error occurred while executing the state 'A'")
    );
}

/// What can be caught fails the state around it, caught or not.
#[test]
fn other_failures_take_their_surroundings_with_them() {
    let failing = json!({"Type": "Pass", "Parameters": {"x.$": "States.Base64Decode($)"},
        "End": true});
    let mut state = parallel(vec![one("B", failing)]);
    state.as_object_mut().unwrap().remove("Retry");
    let world = World::start(&only(state), json!("%"), &[]);
    assert_eq!(
        world.history()[3..],
        [
            "4<-3 PassStateEntered",
            "5<-4 ParallelStateFailed",
            "6<-5 ExecutionFailed"
        ]
    );
}
