//! Distributed Maps: a run of children outside, from which one result comes back.

use serde_json::{Value, json};
use stepwell_interpreter::effect::{Effect, StartMapRun};
use stepwell_interpreter::event::{Event, EventKind};
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::history::HistoryView;
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Chance, Payload, Timestamp};

use crate::only;
use crate::world::World;

/// A distributed Map over its input, with more fields.
fn distributed(more: Value) -> Value {
    let mut state = json!({
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Inner",
            "States": {"Inner": {"Type": "Pass", "End": true}},
        },
        "End": true,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        state[name] = value.clone();
    }
    state
}

/// The runs that were asked for last.
fn runs(world: &mut World) -> Vec<StartMapRun> {
    let effects = world.execution.take_effects().into_iter();
    let runs = effects.filter_map(|effect| match effect {
        Effect::StartMapRun(run) => Some(*run),
        Effect::RunTask(_) | Effect::CancelTask(_) | Effect::CancelMapRun(_) => None,
    });
    runs.collect()
}

/// The run that was asked for last.
fn run(world: &mut World) -> StartMapRun {
    let mut runs = runs(world).into_iter();
    runs.next().expect("a run was asked for")
}

fn cancelled(world: &mut World) -> Vec<std::sync::Arc<str>> {
    let effects = world.execution.take_effects();
    effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::CancelMapRun(map_run) => Some(map_run),
            Effect::RunTask(_) | Effect::CancelTask(_) | Effect::StartMapRun(_) => None,
        })
        .collect()
}

fn succeed(world: &mut World, run: &StartMapRun, output: Value) {
    let output = Payload::from_value(output);
    let map_run = run.id;
    world.handle(Input::MapRunSucceeded { map_run, output });
}

fn fail(world: &mut World, run: &StartMapRun) {
    let failure = Failure::new("States.ExceedToleratedFailureThreshold", "because");
    let map_run = run.id;
    world.handle(Input::MapRunFailed { map_run, failure });
}

/// The inputs of all children.
fn inputs(run: &StartMapRun) -> Result<Vec<Value>, Failure> {
    let mut chance = Chance::from_number(1);
    let (mut first, mut inputs) = (0, Vec::new());
    while let Some(child) = run.items.child(first, Timestamp::EPOCH, &mut chance)? {
        first += child.items;
        inputs.push(child.input.value().into());
    }
    Ok(inputs)
}

#[test]
fn a_run_that_succeeds_is_left_from_where_it_started() {
    let mut world = World::start(&only(distributed(json!({}))), json!([1, 2]), &[]);
    let run = run(&mut world);
    assert!(
        run.started
            .map_run
            .starts_with("arn:aws:states:us-east-1:123456789012:mapRun:m/")
    );
    succeed(&mut world, &run, json!(["a", "b"]));
    let expected = [
        "1<-0 ExecutionStarted",
        "2<-0 MapStateEntered",
        "3<-2 MapStateStarted",
        "4<-3 MapRunStarted",
        "5<-4 MapRunSucceeded",
        "6<-5 MapStateSucceeded",
        "7<-4 MapStateExited",
        "8<-7 ExecutionSucceeded",
    ];
    assert_eq!(world.history(), expected);
    assert_eq!(world.outcome(), Ok(json!(["a", "b"])));
}

#[test]
fn a_run_that_fails_fails_its_state() {
    let mut world = World::start(&only(distributed(json!({}))), json!([1]), &[]);
    let run = run(&mut world);
    fail(&mut world, &run);
    let expected = [
        "5<-4 MapRunFailed",
        "6<-5 MapStateFailed",
        "7<-6 ExecutionFailed",
    ];
    assert_eq!(world.history()[4..], expected);
    // What comes later finds nobody.
    succeed(&mut world, &run, json!([]));
    assert_eq!(world.history().len(), 7);
}

#[test]
fn a_retry_starts_a_new_run_and_a_catcher_takes_over() {
    let state = distributed(json!({
        "Label": "each",
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}],
        "Catch": [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "B"}],
    }));
    let definition = json!({"StartAt": "A", "States": {
        "A": state, "B": {"Type": "Succeed"},
    }});
    let mut world = World::start(&definition, json!([1]), &[]);
    let first = run(&mut world);
    assert!(first.started.map_run.contains(":mapRun:m/each:"));
    fail(&mut world, &first);
    world.now = world.execution.wake_at().unwrap();
    world.handle(Input::TimerFired);
    let second = run(&mut world);
    assert_ne!(first.started.map_run, second.started.map_run);
    fail(&mut world, &second);
    let expected = [
        "5<-4 MapRunFailed",
        "6<-5 MapStateStarted",
        "7<-6 MapRunStarted",
        "8<-7 MapRunFailed",
        "9<-8 MapStateFailed",
        "10<-9 MapStateExited",
    ];
    assert_eq!(world.history()[4..10], expected);
    assert!(world.outcome().is_ok());
}

#[test]
fn a_run_is_given_up_with_what_is_around_it() {
    let definition = only(json!({"Type": "Parallel", "End": true, "Branches": [
        {"StartAt": "Each", "States": {"Each": distributed(json!({"ItemsPath": "$.items"}))}},
        {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 1, "Next": "No"},
            "No": {"Type": "Fail"}}},
    ]}));
    let mut world = World::start(&definition, json!({"items": [1]}), &[]);
    let run = run(&mut world);
    world.now = world.execution.wake_at().unwrap();
    world.handle(Input::TimerFired);
    assert_eq!(
        cancelled(&mut world),
        std::slice::from_ref(&run.started.map_run)
    );
    let history = world.history().join(" ");
    assert!(history.contains("MapRunAborted"), "{history}");
    assert!(history.contains("MapStateAborted"), "{history}");
    let mut stopped = World::start(&only(distributed(json!({}))), json!([1]), &[]);
    let run = self::run(&mut stopped);
    stopped.handle(Input::Stop(Failure::default()));
    assert_eq!(
        cancelled(&mut stopped),
        std::slice::from_ref(&run.started.map_run)
    );
    let expected = [
        "5<-4 MapRunAborted",
        "6<-4 MapStateAborted",
        "7<-0 ExecutionAborted",
    ];
    assert_eq!(stopped.history()[4..], expected);
}

#[test]
fn limits_that_cannot_be_read_fail_the_state_after_it_started() {
    let check = |path: &str, value: Value, cause: &str| {
        let field = format!("{path}Path");
        let state = distributed(json!({"ItemsPath": "$.items", field: "$.limit"}));
        let input = json!({"items": [0], "limit": value});
        let world = World::start(&only(state), input, &[]);
        let outcome = world.outcome().unwrap_err();
        assert!(outcome.ends_with(cause), "{outcome}");
        let expected = ["3<-2 MapStateStarted", "4<-3 ExecutionFailed"];
        assert_eq!(world.history()[2..], expected);
    };
    check(
        "ToleratedFailurePercentage",
        json!("NoNumber"),
        "The ToleratedFailurePercentagePath field refers to value \"NoNumber\" which is not a valid float: $.limit",
    );
    check(
        "ToleratedFailurePercentage",
        json!(100.5),
        "ToleratedFailurePercentage must be between 0 and 100.",
    );
    check(
        "ToleratedFailureCount",
        json!(-1),
        "ToleratedFailureCount cannot be negative.",
    );
}

#[test]
fn jsonata_refuses_a_tolerance_in_the_same_words() {
    let check = |field: &str, value: &str, cause: &str| {
        let state = distributed(json!({"QueryLanguage": "JSONata", field: value}));
        let world = World::start(&only(state), json!([0]), &[]);
        let outcome = world.outcome().unwrap_err();
        assert!(
            outcome.starts_with("States.QueryEvaluationError: "),
            "{outcome}"
        );
        assert!(outcome.ends_with(cause), "{outcome}");
    };
    check(
        "ToleratedFailureCount",
        "{% -1 %}",
        "ToleratedFailureCount cannot be negative.",
    );
    check(
        "ToleratedFailureCount",
        "{% 1.5 %}",
        "The ToleratedFailureCount field must be a non-negative integer, but was: 1.5",
    );
    check(
        "ToleratedFailurePercentage",
        "{% 101 %}",
        "ToleratedFailurePercentage must be between 0 and 100.",
    );
}

#[test]
fn items_are_selected_with_what_the_state_sees() {
    let selector = json!({
        "item.$": "$$.Map.Item.Value", "at.$": "$$.Map.Item.Index",
        "from.$": "$$.Map.Item.Source", "n.$": "$n", "name.$": "$$.Execution.Name",
    });
    let definition = json!({"StartAt": "Set", "States": {
        "Set": {"Type": "Pass", "Assign": {"n": 7}, "Next": "Each"},
        "Each": distributed(json!({"ItemSelector": selector})),
    }});
    let mut world = World::start(&definition, json!(["a", "b"]), &[]);
    let run = run(&mut world);
    let expected = |item: &str, at: u64| json!({"item": item, "at": at, "from": "STATE_DATA", "n": 7, "name": "e"});
    assert_eq!(inputs(&run).unwrap(), [expected("a", 0), expected("b", 1)]);
}

#[test]
fn batches_are_bounded_by_items_and_by_bytes() {
    let check = |batcher: Value, expected: Value| {
        let state = distributed(json!({"ItemBatcher": batcher}));
        let mut world = World::start(&only(state), json!([1, 2, 3]), &[]);
        let run = run(&mut world);
        assert_eq!(Value::from(inputs(&run).unwrap()), expected);
    };
    check(
        json!({"MaxItemsPerBatch": 2, "BatchInput": {"k.$": "$[0]"}}),
        json!([
            {"BatchInput": {"k": 1}, "Items": [1, 2]},
            {"BatchInput": {"k": 1}, "Items": [3]},
        ]),
    );
    let bytes = r#"{"Items":[1,2]}"#.len();
    check(
        json!({"MaxInputBytesPerBatch": bytes}),
        json!([{"Items": [1, 2]}, {"Items": [3]}]),
    );
    check(
        json!({"MaxInputBytesPerBatch": 1}),
        json!([{"Items": [1]}, {"Items": [2]}, {"Items": [3]}]),
    );
}

#[test]
fn an_input_that_cannot_be_computed_is_the_failure_of_the_state() {
    let state = distributed(json!({"ItemSelector": {"a.$": "$.nothing"}}));
    let mut world = World::start(&only(state), json!([1]), &[]);
    let failure = inputs(&run(&mut world)).unwrap_err();
    assert_eq!(failure.error.as_deref(), Some("States.Runtime"));
    let cause = failure.cause.unwrap();
    assert!(
        cause.starts_with(
            "An error occurred while executing the state 'A' (entered at the event id #2)."
        ),
        "{cause}"
    );
}

#[test]
fn a_replayed_run_is_owed_until_it_has_ended() {
    let mut world = World::start(&only(distributed(json!({}))), json!([1, 2]), &[]);
    let run = run(&mut world);
    let owed: Vec<Effect> = world
        .resume(world.journal.len())
        .pending_effects()
        .collect();
    assert_eq!(owed, [Effect::StartMapRun(Box::new(run.clone()))]);
    assert!(world.execution.is_map_run_open(run.id));
    succeed(&mut world, &run, json!([]));
    for kept in 1..=world.journal.len() {
        let resumed = world.resume(kept);
        let is_owed = resumed.pending_effects().next().is_some();
        assert_eq!(is_owed, kept == 4, "after {kept} events");
    }
    assert!(!world.execution.is_map_run_open(run.id));
}

#[test]
fn a_redrive_goes_on_with_the_run() {
    let redriven = |mut world: World, first: &StartMapRun| {
        assert_eq!(world.execution.pending_effects().next(), None);
        let before = world.history().len();
        world.execution.take_effects();
        world.handle(Input::Redrive { client_token: None });
        let second = run(&mut world);
        assert_eq!(first.started, second.started);
        assert_eq!(
            (first.items.count(), first.redrive),
            (second.items.count(), None)
        );
        let redrive = second.redrive.unwrap();
        assert_eq!((redrive.count, redrive.at), (1, world.now));
        assert!(!world.execution.is_map_run_open(first.id));
        // What became of it before is of no interest any more.
        succeed(&mut world, first, json!(["old"]));
        succeed(&mut world, &second, json!(["new"]));
        assert_eq!(world.outcome(), Ok(json!(["new"])));
        let types = world.history().split_off(before);
        let types = types.iter().filter_map(|line| line.split_once(' '));
        let types: Vec<_> = types.map(|(_, kind)| kind.to_owned()).collect();
        let expected = [
            "ExecutionRedriven",
            "MapRunRedriven",
            "MapRunSucceeded",
            "MapStateSucceeded",
            "MapStateExited",
            "ExecutionSucceeded",
        ];
        assert_eq!(types, expected);
        for kept in 1..=world.journal.len() {
            world.resume(kept);
        }
    };
    let definition = only(distributed(json!({})));
    let mut failed = World::start(&definition, json!([1]), &[]);
    let first = run(&mut failed);
    fail(&mut failed, &first);
    redriven(failed, &first);
    let mut stopped = World::start(&definition, json!([1]), &[]);
    let first = run(&mut stopped);
    stopped.handle(Input::Stop(Failure::default()));
    redriven(stopped, &first);
}

#[test]
fn a_redrive_goes_on_with_runs_inside_a_parallel_that_failed() {
    let each = |path: &str| {
        let mut state = distributed(json!({"ItemsPath": path}));
        let inner = format!("Inner {path}");
        state["ItemProcessor"]["StartAt"] = json!(inner);
        state["ItemProcessor"]["States"] = json!({inner: {"Type": "Pass", "End": true}});
        state
    };
    let definition = only(json!({"Type": "Parallel", "End": true, "Branches": [
        {"StartAt": "One", "States": {"One": each("$.one")}},
        {"StartAt": "Two", "States": {"Two": each("$.two")}},
        {"StartAt": "Three", "States": {"Three": each("$.three")}},
    ]}));
    let input = json!({"one": [1], "two": [2], "three": [3]});
    let mut world = World::start(&definition, input, &[]);
    let mut first = runs(&mut world);
    assert_eq!(first.len(), 3);
    succeed(&mut world, &first.remove(0), json!(["one"]));
    let failed = first[0].started.map_run.clone();
    fail(&mut world, &first.remove(0));
    assert_eq!(cancelled(&mut world), [first[0].started.map_run.clone()]);
    assert!(world.outcome().is_err());
    world.handle(Input::Redrive { client_token: None });
    let second = runs(&mut world);
    let map_runs = |runs: &[StartMapRun]| -> Vec<_> {
        let runs = runs.iter();
        runs.map(|run| run.started.map_run.clone()).collect()
    };
    // What has ended keeps its output.
    assert_eq!(
        map_runs(&second),
        [failed, first[0].started.map_run.clone()]
    );
    for (run, output) in second.iter().zip(["two", "three"]) {
        succeed(&mut world, run, json!([output]));
    }
    assert_eq!(world.outcome(), Ok(json!([["one"], ["two"], ["three"]])));
}

#[test]
fn a_redrive_is_counted_and_has_an_event_that_names_the_run() {
    let mut world = World::start(&only(distributed(json!({}))), json!([1]), &[]);
    let mut last = run(&mut world);
    for count in 1..=3 {
        fail(&mut world, &last);
        world.execution.take_effects();
        world.handle(Input::Redrive { client_token: None });
        last = run(&mut world);
        assert_eq!(last.redrive.map(|redrive| redrive.count), Some(count));
        let owed: Vec<_> = world.execution.pending_effects().collect();
        assert_eq!(owed, [Effect::StartMapRun(Box::new(last.clone()))]);
        let resumed = world.resume(world.journal.len());
        assert_eq!(resumed.pending_effects().collect::<Vec<_>>(), owed);
    }
    let redriven = |event: &&Event| matches!(event.kind, EventKind::MapRunRedriven { .. });
    let event = world.journal.iter().rfind(redriven).unwrap();
    let view = HistoryView {
        machine: world.execution.machine(),
        region: "us-east-1",
        include_execution_data: true,
    };
    let entry = view.entry(event);
    let (_, details) = entry.unwrap().details.unwrap();
    assert_eq!(details["mapRunArn"], *last.started.map_run);
    assert_eq!(details["redriveCount"], 3);
}

#[test]
fn what_would_fail_again_begins_with_a_new_run() {
    for (error, is_new) in [
        ("States.DataLimitExceeded", true),
        ("States.Runtime", true),
        ("States.ExceedToleratedFailureThreshold", false),
    ] {
        let mut world = World::start(&only(distributed(json!({}))), json!([1]), &[]);
        let first = run(&mut world);
        let failure = Failure::new(error, "because");
        let map_run = first.id;
        world.handle(Input::MapRunFailed { map_run, failure });
        world.execution.take_effects();
        world.handle(Input::Redrive { client_token: None });
        let second = run(&mut world);
        assert_eq!(second.redrive.is_none(), is_new, "{error}");
        assert_eq!(first.started.map_run != second.started.map_run, is_new);
    }
}

#[test]
fn a_run_is_redriven_a_thousand_times() {
    let mut world = World::start(&only(distributed(json!({}))), json!([1]), &[]);
    for _ in 0..1_000 {
        world.handle(Input::Stop(Failure::default()));
        world.execution.take_effects();
        world.handle(Input::Redrive { client_token: None });
        run(&mut world);
    }
    world.handle(Input::Stop(Failure::default()));
    world.execution.take_effects();
    world.handle(Input::Redrive { client_token: None });
    let outcome = world.outcome().unwrap_err();
    assert!(outcome.starts_with("States.Runtime: "), "{outcome}");
}
