//! Redrive: what goes on, what is kept, and what the history shows of it.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use stepwell_interpreter::event::EventKind;
use stepwell_interpreter::execution::{Limits, Redrives, Status};
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Chance, Timestamp};

use crate::replays::{answer, everything};
use crate::world::{Answer, World};
use crate::{only, task};

fn passed(value: Value) -> Answer {
    Answer::Return(value)
}

const NO: Answer = Answer::Throw("No");

/// Everything from `ExecutionRedriven` on, without numbers.
fn since_redrive(world: &World) -> Vec<String> {
    let history = world.history();
    let types = history.iter().map(|line| {
        let (_, event_type) = line.split_once(' ').expect("a line has an id and a type");
        event_type.to_owned()
    });
    types
        .skip_while(|event_type| event_type != "ExecutionRedriven")
        .skip(1)
        .collect()
}

/// Seconds from the last redrive to the end.
fn seconds_since_redrive(world: &World) -> u64 {
    let redrives = world.execution.redrives().expect("it was redriven");
    world.now.since(redrives.at).as_secs()
}

#[test]
fn a_task_is_scheduled_again_without_entering_its_state() {
    let world = World::start(&only(task(json!({"End": true}))), json!({}), &[NO]).run();
    assert_eq!(world.outcome(), Err("No: because".to_owned()));
    let world = world.redrive(&[passed(json!(5))]);
    assert_eq!(world.outcome(), Ok(json!(5)));
    assert_eq!(
        world.history()[5..],
        [
            "6<-5 ExecutionFailed",
            "7<-6 ExecutionRedriven",
            "8<-7 LambdaFunctionScheduled",
            "9<-8 LambdaFunctionStarted",
            "10<-9 LambdaFunctionSucceeded",
            "11<-10 TaskStateExited",
            "12<-11 ExecutionSucceeded",
        ]
    );
}

#[test]
fn states_before_the_failed_one_do_not_run_again() {
    let definition = json!({"StartAt": "A", "States": {
        "A": task(json!({"Assign": {"a.$": "$"}, "Next": "B"})),
        "B": task(json!({"Parameters": {"a.$": "$a"}, "ResultPath": "$.b", "Next": "C"})),
        "C": {"Type": "Pass", "Parameters": {"a.$": "$a", "b.$": "$.b"}, "End": true},
    }});
    let world = World::start(&definition, json!({}), &[passed(json!({"n": 1})), NO]).run();
    let world = world.redrive(&[NO]).redrive(&[passed(json!(2))]);
    assert_eq!(world.outcome(), Ok(json!({"a": {"n": 1}, "b": 2})));
    assert_eq!(
        world.execution.redrives().map(|redrives| redrives.count),
        Some(2)
    );
}

#[test]
fn retries_are_counted_anew() {
    let retry = json!({"Retry": [{"ErrorEquals": ["No"], "MaxAttempts": 2}], "End": true});
    let world = World::start(&only(task(retry)), json!({}), &[NO, NO, NO]).run();
    assert_eq!(world.outcome(), Err("No: because".to_owned()));
    let world = world.redrive(&[NO, NO, passed(json!(1))]);
    assert_eq!(world.outcome(), Ok(json!(1)));
}

#[test]
fn a_task_and_the_machine_have_their_whole_time_again() {
    let mut definition = only(task(json!({"TimeoutSeconds": 30, "End": true})));
    let world = World::start(&definition, json!({}), &[]).run();
    assert_eq!(world.outcome(), Err("States.Timeout: -".to_owned()));
    let world = world.redrive(&[]);
    assert_eq!(seconds_since_redrive(&world), 30);

    definition["TimeoutSeconds"] = json!(10);
    let world = World::start(&definition, json!({}), &[]).run();
    assert!(matches!(world.execution.status(), Status::TimedOut { .. }));
    let world = world.redrive(&[]);
    assert!(matches!(world.execution.status(), Status::TimedOut { .. }));
    assert_eq!(seconds_since_redrive(&world), 10);
    let redrives = world.execution.redrives().unwrap();
    assert_eq!(redrives.open_before, Duration::from_secs(10));
}

#[test]
fn a_choice_is_made_again_with_what_the_context_says_now() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Choice", "Choices": [{
            "Variable": "$$.Execution.RedriveCount", "NumericGreaterThan": 1, "Next": "B"}]},
        "B": {"Type": "Pass", "Parameters": {"at.$": "$$.Execution.RedriveTime"}, "End": true},
    }});
    let world = World::start(&definition, json!({}), &[]).run().redrive(&[]);
    assert!(world.outcome().unwrap_err().starts_with("States.Runtime"));
    let world = world.redrive(&[]);
    assert_eq!(
        world.outcome(),
        Ok(json!({"at": "1970-01-01T00:00:00.000Z"}))
    );
    assert_eq!(
        since_redrive(&world)[2..],
        [
            "ChoiceStateExited",
            "PassStateEntered",
            "PassStateExited",
            "ExecutionSucceeded"
        ]
    );
}

#[test]
fn a_pass_takes_its_result_and_exits() {
    let pass = json!({"Type": "Pass", "Parameters": {"at.$": "$$.Execution.RedriveTime"},
        "End": true});
    let world = World::start(&only(pass), json!({}), &[]).run();
    assert!(world.outcome().unwrap_err().starts_with("States.Runtime"));
    let world = world.redrive(&[]);
    assert_eq!(
        since_redrive(&world),
        ["PassStateExited", "ExecutionSucceeded"]
    );
}

#[test]
fn a_fail_fails_again() {
    let fail = json!({"Type": "Fail", "Error": "E", "Cause": "c"});
    let world = World::start(&only(fail), json!({}), &[]).run().redrive(&[]);
    assert_eq!(world.outcome(), Err("E: c".to_owned()));
    assert_eq!(since_redrive(&world), ["ExecutionFailed"]);
}

/// A Wait state that is stopped after four seconds, and redriven ten seconds later.
fn redriven_wait(wait: Value) -> World {
    let mut world = World::start(&only(wait), json!({}), &[]);
    world.now = Timestamp::from_milliseconds(4_000);
    let mut world = world.stop();
    world.now = Timestamp::from_milliseconds(14_000);
    world.redrive(&[])
}

#[test]
fn a_wait_goes_on() {
    let seconds = redriven_wait(json!({"Type": "Wait", "Seconds": 60, "End": true}));
    assert_eq!(seconds.outcome(), Ok(json!({})));
    assert_eq!(seconds_since_redrive(&seconds), 60);
    assert_eq!(
        since_redrive(&seconds),
        ["WaitStateExited", "ExecutionSucceeded"]
    );
    let jsonata = json!({"Type": "Wait", "QueryLanguage": "JSONata", "Seconds": "{% 50 + 10 %}",
        "End": true});
    assert_eq!(seconds_since_redrive(&redriven_wait(jsonata)), 60);
    let until = |timestamp: &str| {
        redriven_wait(json!({"Type": "Wait", "Timestamp": timestamp, "End": true}))
    };
    assert_eq!(seconds_since_redrive(&until("1970-01-01T00:00:10Z")), 0);
    assert_eq!(seconds_since_redrive(&until("1970-01-01T00:00:20Z")), 6);
}

#[test]
fn a_wait_that_is_entered_after_the_redrive_counts_from_its_own_beginning() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Wait", "Seconds": 60, "Next": "B"},
        "B": {"Type": "Wait", "Seconds": 60, "End": true},
    }});
    let world = World::start(&definition, json!({}), &[])
        .stop()
        .redrive(&[]);
    assert_eq!(seconds_since_redrive(&world), 120);
}

/// Three branches: a task, a task, a wait.
fn branches(more: Value) -> Value {
    let one = |name: &str, state: Value| {
        let mut states = serde_json::Map::new();
        states.insert(name.to_owned(), state);
        json!({"StartAt": name, "States": states})
    };
    let mut parallel = json!({"Type": "Parallel", "Branches": [
        one("One", task(json!({"Parameters": {"was": "one"}, "End": true}))),
        one("Two", task(json!({"End": true}))),
        one("Three", json!({"Type": "Wait", "Seconds": 5, "End": true})),
    ], "End": true});
    for (name, value) in more.as_object().into_iter().flatten() {
        parallel[name] = value.clone();
    }
    parallel
}

#[test]
fn only_branches_that_had_not_ended_go_on() {
    let definition = only(branches(json!({})));
    let world = World::start(&definition, json!({"in": 1}), &[passed(json!(1)), NO]).run();
    assert_eq!(world.outcome(), Err("No: because".to_owned()));
    let world = world.redrive(&[passed(json!(2))]);
    assert_eq!(world.outcome(), Ok(json!([1, 2, {"in": 1}])));
    assert_eq!(
        since_redrive(&world),
        [
            "LambdaFunctionScheduled",
            "LambdaFunctionStarted",
            "LambdaFunctionSucceeded",
            "TaskStateExited",
            "WaitStateExited",
            "ParallelStateSucceeded",
            "ParallelStateExited",
            "ExecutionSucceeded",
        ]
    );
}

#[test]
fn branches_that_were_stopped_go_on() {
    let definition = only(branches(json!({})));
    let world = World::start(&definition, json!({}), &[passed(json!(1)), Answer::Silence]).stop();
    assert_eq!(world.outcome(), Err("Stopped: by hand".to_owned()));
    let world = world.redrive(&[passed(json!(2))]);
    assert_eq!(world.outcome(), Ok(json!([1, 2, {}])));
}

#[test]
fn a_failure_that_is_caught_leaves_nothing_to_go_on_with() {
    let more = json!({"Catch": [{"ErrorEquals": ["No"], "Next": "B"}], "End": null, "Next": "B"});
    let mut parallel = branches(more);
    parallel.as_object_mut().unwrap().remove("End");
    let mut definition = only(parallel);
    definition["States"]["B"] = task(json!({"End": true}));
    let world = World::start(&definition, json!({}), &[passed(json!(1)), NO, NO]).run();
    let world = world.redrive(&[passed(json!("b"))]);
    assert_eq!(world.outcome(), Ok(json!("b")));
}

#[test]
fn a_result_that_is_too_large_makes_all_branches_run_again() {
    let large = passed(json!("x".repeat(150_000)));
    let definition = only(json!({"Type": "Parallel", "Branches": [
        {"StartAt": "One", "States": {"One": task(json!({"End": true}))}},
        {"StartAt": "Two", "States": {"Two": task(json!({"End": true}))}},
    ], "End": true}));
    let world = World::start(&definition, json!({}), &[large.clone(), large.clone()]).run();
    assert!(
        world
            .outcome()
            .unwrap_err()
            .starts_with("States.DataLimitExceeded")
    );
    let world = world.redrive(&[passed(json!(1)), passed(json!(2))]);
    assert_eq!(world.outcome(), Ok(json!([1, 2])));
    assert_eq!(since_redrive(&world)[0], "ParallelStateStarted");

    // As the failure of a Parallel that stands inside another one, it begins the outer one anew.
    let outer = only(json!({"Type": "Parallel", "Branches": [{
        "StartAt": "In", "States": {"In": definition["States"]["A"].clone()}}], "End": true}));
    let world = World::start(&outer, json!({}), &[large.clone(), large]).run();
    assert!(
        world
            .outcome()
            .unwrap_err()
            .starts_with("States.DataLimitExceeded")
    );
    let world = world.redrive(&[passed(json!(1)), passed(json!(2))]);
    assert_eq!(world.outcome(), Ok(json!([[1, 2]])));
    assert_eq!(since_redrive(&world)[0], "ParallelStateStarted");
}

#[test]
fn a_result_that_cannot_be_placed_is_placed_again() {
    let more = json!({"ResultSelector": {"at.$": "$$.Execution.RedriveTime", "one.$": "$[0]"}});
    let answers = [passed(json!(1)), passed(json!(2))];
    let world = World::start(&only(branches(more)), json!({}), &answers).run();
    assert!(world.outcome().unwrap_err().starts_with("States.Runtime"));
    let world = world.redrive(&[]);
    assert_eq!(
        since_redrive(&world),
        ["ParallelStateExited", "ExecutionSucceeded"]
    );

    let more = json!({"QueryLanguage": "JSONata",
        "Output": "{% $states.context.Execution.RedriveCount = 0 ? $error('no') : $states.result %}"});
    let mut jsonata = branches(more);
    for branch in jsonata["Branches"].as_array_mut().unwrap() {
        for (_, state) in branch["States"].as_object_mut().unwrap() {
            state.as_object_mut().unwrap().remove("Parameters");
            state["QueryLanguage"] = json!("JSONata");
        }
    }
    let world = World::start(&only(jsonata), json!({}), &answers).run();
    assert!(
        world
            .outcome()
            .unwrap_err()
            .starts_with("States.QueryEvaluationError")
    );
    let world = world.redrive(&[]);
    assert_eq!(world.outcome(), Ok(json!([1, 2, {}])));
}

fn map(more: Value) -> Value {
    let mut map = json!({"Type": "Map", "MaxConcurrency": 2, "ItemProcessor": {
        "StartAt": "Work", "States": {"Work": task(json!({"End": true}))}}, "End": true});
    for (name, value) in more.as_object().into_iter().flatten() {
        map[name] = value.clone();
    }
    map
}

#[test]
fn only_iterations_that_had_not_ended_go_on_and_the_others_are_started() {
    let answers = [passed(json!("a")), NO];
    let world = World::start(&only(map(json!({}))), json!([1, 2, 3, 4]), &answers).run();
    assert_eq!(world.outcome(), Err("No: because".to_owned()));
    let answers = ["b", "c", "d"].map(|text| passed(json!(text)));
    let world = world.redrive(&answers);
    let mut given = world.outcome().unwrap();
    let given = given.as_array_mut().unwrap();
    assert_eq!(given[0], "a");
    given.sort_by_key(Value::to_string);
    assert_eq!(*given, ["a", "b", "c", "d"]);
    let redriven = since_redrive(&world);
    let count = |event_type: &str| {
        redriven
            .iter()
            .filter(|line| line.starts_with(event_type))
            .count()
    };
    assert_eq!(count("LambdaFunctionScheduled"), 3);
    assert_eq!(count("MapIterationSucceeded"), 3);
    assert_eq!(count("MapStateStarted"), 0);
    assert_eq!(
        count("MapIterationStarted[0]") + count("MapIterationStarted[1]"),
        0
    );
}

#[test]
fn a_map_inside_a_map_goes_on_in_the_middle() {
    let inner = map(json!({"ItemsPath": "$.of", "End": true}));
    let outer = map(json!({"ItemProcessor": {"StartAt": "In", "States": {
        "In": {"Type": "Pass", "Assign": {"of.$": "$"}, "Parameters": {"of.$": "$"}, "Next": "Each"},
        "Each": inner,
    }}}));
    let answers = [passed(json!(11)), passed(json!(21)), NO];
    let world = World::start(&only(outer), json!([[1, 2], [3, 4]]), &answers).run();
    assert_eq!(world.outcome(), Err("No: because".to_owned()));
    let tasks = |world: &World| {
        let mut tasks = world.journal.iter();
        let first =
            tasks.position(|event| matches!(event.kind, EventKind::ExecutionRedriven { .. }));
        first.expect("it was redriven");
        tasks
            .filter(|event| matches!(event.kind, EventKind::TaskSucceeded { .. }))
            .count()
    };
    let done = world.journal.iter();
    let done = done
        .filter(|event| matches!(event.kind, EventKind::TaskSucceeded { .. }))
        .count();
    let world = world.redrive(&[1, 2, 3, 4].map(|number| passed(json!(number))));
    assert!(world.outcome().is_ok(), "{world:?}");
    assert_eq!(done + tasks(&world), 4);
}

#[test]
fn an_item_that_could_not_be_selected_is_tried_again() {
    let selector = json!({"ItemSelector": {"at.$": "$$.Execution.RedriveTime"}});
    let world = World::start(&only(map(selector)), json!([1]), &[]).run();
    assert!(world.outcome().unwrap_err().starts_with("States.Runtime"));
    let world = world.redrive(&[passed(json!("a"))]);
    assert_eq!(world.outcome(), Ok(json!(["a"])));
}

#[test]
fn iterations_beside_an_item_that_cannot_be_selected_are_given_up() {
    let mut definition = only(map(json!({
        "QueryLanguage": "JSONata",
        "ItemSelector": "{% $states.context.Map.Item.Value = 2 ? $error('no') : 1 %}",
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}],
        "Next": "B",
    })));
    definition["States"]["A"]
        .as_object_mut()
        .unwrap()
        .remove("End");
    definition["States"]["B"] = json!({"Type": "Wait", "Seconds": 1, "End": true});
    let mut world = World::start(&definition, json!([1, 2]), &[]);
    for task in 1..20 {
        let task =
            stepwell_interpreter::effect::TaskId(stepwell_interpreter::event::Sequence(task));
        assert!(!world.execution.is_open(task), "{world:?}");
        world.handle(Input::TaskSucceeded {
            task,
            output: json!(1).into(),
        });
    }
    assert!(world.run().outcome().is_ok());
}

#[test]
fn a_token_is_remembered_for_a_quarter_of_an_hour() {
    let mut world = World::start(&only(task(json!({"End": true}))), json!({}), &[NO]).run();
    let mut redrive = |token: &str, seconds: i64| {
        world.now = Timestamp::from_milliseconds(seconds * 1_000);
        let before = world.journal.len();
        world.handle(Input::Redrive {
            client_token: Some(token.into()),
        });
        let has_begun = world.journal.len() > before;
        if has_begun {
            world.handle(Input::Stop(
                stepwell_interpreter::failure::Failure::default(),
            ));
        }
        has_begun
    };
    assert!(redrive("a", 0));
    assert!(!redrive("a", 900));
    assert!(redrive("a", 901));
    assert!(!redrive("a", 902));
    for number in 0..Redrives::TOKENS_MAX {
        assert!(redrive(&number.to_string(), 903));
    }
    assert!(!redrive("0", 904));
    assert!(redrive("a", 904));
    assert!(redrive("0", 904));
    let replayed = world.resume(world.journal.len());
    let at = |token| replayed.redrives().unwrap().of_token(token, world.now);
    assert_eq!(at("5"), Some(Timestamp::from_milliseconds(903_000)));
    assert_eq!(at("x"), None);
}

#[track_caller]
fn check_refused(mut world: World) {
    let before = world.journal.len();
    world.handle(Input::Redrive { client_token: None });
    assert_eq!(world.journal.len(), before);
}

#[test]
fn what_runs_succeeded_or_is_full_is_not_redriven() {
    let definition = only(task(json!({"End": true})));
    check_refused(World::start(&definition, json!({}), &[]));
    check_refused(World::start(&definition, json!({}), &[passed(json!(1))]).run());
    let limited = |history_events_max| {
        let limits = Limits {
            history_events_max,
            ..Limits::default()
        };
        World::with_limits(&definition, json!({}), &[NO], limits).run()
    };
    check_refused(limited(6));
    check_refused(limited(7));
    let world = limited(8).redrive(&[]);
    assert_eq!(
        world.history()[6..],
        ["7<-6 ExecutionRedriven", "8<-7 ExecutionFailed"]
    );
}

#[test]
fn a_redrive_out_of_place_is_refused() {
    let world = World::start(&only(task(json!({"End": true}))), json!({}), &[NO]).run();
    let world = world.redrive(&[passed(json!(1))]);
    let redriven = world.journal[6].clone();
    assert!(matches!(redriven.kind, EventKind::ExecutionRedriven { .. }));
    for kept in [5, 7, world.journal.len()] {
        let mut execution = world.resume(kept);
        let mut event = redriven.clone();
        event.sequence = execution.next_sequence();
        assert!(execution.apply(&event).is_err(), "after {kept} events");
    }
}

/// A world that is redriven again and again, for as long as it fails.
fn world() -> impl Strategy<Value = World> {
    let answers = || proptest::collection::vec(answer(), 0..16);
    let more = proptest::collection::vec(answers(), 1..4);
    let items = proptest::collection::vec(0..9, 0..5);
    (0..4_u64, items, answers(), any::<bool>(), more).prop_map(
        |(n, items, answers, stops, more)| {
            let world = World::start(&everything(), json!({"n": n, "items": items}), &answers);
            let mut world = if stops { world.stop() } else { world.run() };
            for answers in more {
                world = world.redrive(&answers);
            }
            world
        },
    )
}

proptest! {
    // Each case replays its journal once for each of its events.
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_redriven_journal_replayed_is_the_execution_that_wrote_it(world in world()) {
        let replayed = world.resume(world.journal.len());
        prop_assert_eq!(replayed.status(), world.execution.status());
        prop_assert_eq!(replayed.next_sequence(), world.execution.next_sequence());
        prop_assert_eq!(replayed.last_history_id(), world.execution.last_history_id());
        prop_assert_eq!(replayed.redrives(), world.execution.redrives());
        prop_assert_eq!(replayed.wake_at(), world.execution.wake_at());
    }

    #[test]
    fn wherever_it_was_cut_a_redriven_journal_goes_on_to_an_end(world in world()) {
        for kept in 1..=world.journal.len() {
            let mut resumed = world.resume(kept);
            let mut chance = Chance::from_number(3);
            let now = world.now;
            resumed.handle(Input::Continue, now, &mut chance);
            resumed.handle(Input::Stop(stepwell_interpreter::failure::Failure::default()), now, &mut chance);
            prop_assert!(!resumed.is_running());
            prop_assert_eq!(resumed.pending_effects().count(), 0);
            prop_assert_eq!(resumed.wake_at(), None);
            resumed.handle(Input::Redrive { client_token: None }, now, &mut chance);
            let is_running = resumed.is_running();
            let can_go_on = resumed.wake_at().is_some() || resumed.pending_effects().next().is_some();
            prop_assert!(can_go_on || !is_running, "nothing goes on after {} events", kept);
        }
    }

    #[test]
    fn what_is_redriven_after_a_replay_is_what_would_have_been(world in world()) {
        for kept in 1..=world.journal.len() {
            let last = &world.journal[kept - 1].kind;
            if !last.is_terminal() || matches!(last, EventKind::ExecutionSucceeded { .. }) {
                continue;
            }
            let redrive = || Input::Redrive { client_token: None };
            let again = |chance: u64| {
                let mut chance = Chance::from_number(chance);
                world.resume(kept).handle(redrive(), world.now, &mut chance)
            };
            let events = again(1);
            prop_assert_eq!(&again(1), &events);
            let is_redriven = matches!(events[0].kind, EventKind::ExecutionRedriven { .. });
            prop_assert!(is_redriven);
            let places = events.iter().filter_map(|event| event.history);
            for place in places {
                prop_assert!(place.previous < place.id);
            }
        }
    }
}
