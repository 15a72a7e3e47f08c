//! A journal is all there is: whatever is brought back from it goes on as if nothing had happened.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use stepwell_interpreter::effect::{Effect, TaskId};
use stepwell_interpreter::event::EventKind;
use stepwell_interpreter::history::HistoryView;
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Chance, journal};

use crate::world::{Answer, World};
use crate::{only, task};

/// A machine that has a bit of everything.
pub(crate) fn everything() -> Value {
    json!({"StartAt": "Begin", "States": {
        "Begin": {"Type": "Pass", "Assign": {"n.$": "$.n"}, "Next": "Each"},
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 2,
            "ItemSelector": {"item.$": "$$.Map.Item.Value", "n.$": "$n"},
            "ItemProcessor": {"StartAt": "Work", "States": {
                "Work": task(json!({
                    "TimeoutSeconds": 30,
                    "Retry": [{"ErrorEquals": ["Again"], "MaxAttempts": 3}],
                    "Catch": [{"ErrorEquals": ["Caught"], "ResultPath": "$.why", "Next": "Rest"}],
                    "Next": "Rest",
                })),
                "Rest": {
                    "Type": "Wait",
                    "QueryLanguage": "JSONata",
                    "Seconds": "{% $random() < 0.5 ? 1 : 2 %}",
                    "Assign": {"id": "{% $uuid() %}"},
                    "Output": "{% {'at': $millis(), 'was': $states.input} %}",
                    "End": true,
                },
            }},
            "ResultPath": "$.done",
            "Retry": [{"ErrorEquals": ["Whole"], "MaxAttempts": 1}],
            "Next": "Both",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "Left", "States": {"Left": task(json!({"End": true}))}},
                {"StartAt": "Right", "States": {
                    "Right": {"Type": "Choice", "Choices": [
                        {"Variable": "$n", "NumericGreaterThan": 1, "Next": "More"},
                        {"Variable": "$n", "NumericEquals": 1, "Next": "Less"},
                        {"Variable": "$$.Execution.RedriveCount", "NumericGreaterThan": 0,
                            "Next": "Less"}]},
                    "More": {"Type": "Pass", "Result": "more", "End": true},
                    "Less": {"Type": "Wait", "Seconds": 2, "End": true},
                }},
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Finish"}],
            "Next": "Finish",
        },
        "Finish": {
            "Type": "Succeed",
            "QueryLanguage": "JSONata",
            "Output": "{% $exists($states.input.Error) ? $error('no') : $shuffle($states.input) %}",
        },
    }})
}

pub(crate) fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        4 => (0..100).prop_map(|number| Answer::Return(json!({"number": number}))),
        2 => Just(Answer::Throw("Again")),
        1 => Just(Answer::Throw("Caught")),
        1 => Just(Answer::Throw("Whole")),
        1 => Just(Answer::Throw("Other")),
        1 => Just(Answer::Silence),
    ]
}

fn world() -> impl Strategy<Value = World> {
    let answers = proptest::collection::vec(answer(), 0..24);
    (0..4_u64, proptest::collection::vec(0..9, 0..5), answers).prop_map(|(n, items, answers)| {
        World::start(&everything(), json!({"n": n, "items": items}), &answers).run()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_journal_replayed_is_the_execution_that_wrote_it(world in world()) {
        let replayed = world.resume(world.journal.len());
        prop_assert_eq!(replayed.status(), world.execution.status());
        prop_assert_eq!(replayed.next_sequence(), world.execution.next_sequence());
        prop_assert_eq!(replayed.last_history_id(), world.execution.last_history_id());
    }

    #[test]
    fn a_journal_survives_being_written_down(world in world()) {
        let read = journal::decode(&journal::encode(&world.journal)).unwrap();
        prop_assert_eq!(read, world.journal);
    }

    #[test]
    fn ids_have_no_gaps_and_predecessors_come_before(world in world()) {
        let places = world.journal.iter().filter_map(|event| event.history);
        for (expected, place) in (1..).zip(places) {
            prop_assert_eq!(place.id.0, expected);
            prop_assert!(place.previous.0 < place.id.0);
        }
        let ends = world.journal.iter().filter(|event| event.kind.is_terminal()).count();
        prop_assert_eq!(ends, usize::from(!world.execution.is_running()));
    }

    #[test]
    #[expect(clippy::wildcard_enum_match_arm, reason = "only what ends tasks matters here")]
    fn after_any_cut_the_tasks_owed_are_those_started_and_not_ended(world in world()) {
        let mut open = BTreeSet::new();
        for (index, event) in world.journal.iter().enumerate() {
            match &event.kind {
                EventKind::TaskScheduled(_) => {
                    open.insert((event.flow, TaskId(event.sequence)));
                }
                EventKind::TaskSucceeded { .. }
                | EventKind::TaskFailed { .. }
                | EventKind::TaskTimedOut { .. } => open.retain(|(flow, _)| *flow != event.flow),
                // Whatever ran inside is gone with the state around it.
                EventKind::RetryScheduled { .. }
                | EventKind::ParallelFailed(_)
                | EventKind::MapFailed(_) => {
                    let resumed = world.resume(index + 1);
                    open.retain(|(_, task)| resumed.is_open(*task));
                }
                kind if kind.is_terminal() => open.clear(),
                _ => {}
            }
            let resumed = world.resume(index + 1);
            for (_, task) in &open {
                prop_assert!(resumed.is_open(*task), "task {task} after event {}", index + 1);
            }
            for effect in resumed.pending_effects() {
                if let Effect::RunTask(task) = effect {
                    prop_assert!(open.iter().any(|(_, owed)| *owed == task.id));
                }
            }
        }
    }
}

/// A journal of a Pass state in which `damaged` stands in place of its exit.
#[track_caller]
fn check_damaged(damaged: EventKind) {
    let definition = only(json!({"Type": "Pass", "End": true}));
    let world = World::start(&definition, json!([1]), &[]);
    let mut execution = world.resume(2);
    let mut event = world.journal[2].clone();
    event.kind = damaged;
    let view = HistoryView {
        machine: execution.machine(),
        region: "us-east-1",
        include_execution_data: true,
    };
    view.entry(&event);
    if execution.apply(&event).is_ok() {
        let mut chance = Chance::from_number(0);
        let later = event.at.after(std::time::Duration::from_mins(1));
        execution.handle(Input::TimerFired, later, &mut chance);
        execution.handle(Input::Continue, later, &mut chance);
    }
}

#[test]
fn a_damaged_journal_is_refused_and_never_panics() {
    let until = stepwell_interpreter::Timestamp::EPOCH;
    check_damaged(EventKind::WaitScheduled { until });
    check_damaged(EventKind::TaskHeartbeat);
    check_damaged(EventKind::MapStarted {
        items: json!([1]).into(),
        length: 1,
        concurrency_max: None,
    });
    check_damaged(EventKind::MapSucceeded);
    check_damaged(EventKind::ParallelSucceeded);
    check_damaged(EventKind::MapIterationSucceeded { index: 0 });
    check_damaged(EventKind::TaskSucceeded {
        output: json!(1).into(),
    });
}

#[test]
fn an_iteration_ends_under_its_own_number() {
    let definition = only(json!({
        "Type": "Map",
        "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}},
        "End": true,
    }));
    let world = World::start(&definition, json!([1, 2]), &[]);
    let ends = world
        .journal
        .iter()
        .position(|event| matches!(event.kind, EventKind::MapIterationSucceeded { .. }))
        .unwrap();
    let mut event = world.journal[ends].clone();
    event.kind = EventKind::MapIterationSucceeded { index: 1 };
    assert!(world.resume(ends).apply(&event).is_err());
}
