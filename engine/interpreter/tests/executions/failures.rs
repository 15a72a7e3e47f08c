//! What goes wrong, who handles it, and which limits there are.

use serde_json::{Value, json};
use stepwell_interpreter::execution::Limits;
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Chance, Execution, Timestamp};

use crate::world::{Answer, World, machine};
use crate::{only, task};

#[track_caller]
fn check(definition: &Value, input: Value, answers: &[Answer], expected: Result<Value, &str>) {
    let world = World::start(definition, input, answers).run();
    assert_eq!(
        world.outcome(),
        expected.map_err(str::to_owned),
        "{:#?}",
        world.history()
    );
}

#[test]
fn retries_wait_longer_each_time_and_then_give_up() {
    let definition = only(task(json!({
        "Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 3, "MaxAttempts": 2}],
        "End": true,
    })));
    let throw = Answer::Throw("E");
    let world = World::start(
        &definition,
        json!({}),
        &[throw.clone(), throw.clone(), throw],
    )
    .run();
    assert_eq!(world.outcome(), Err("E: because".to_owned()));
    assert_eq!(world.now, Timestamp::from_milliseconds(3_000 + 6_000));
}

#[test]
fn a_catcher_gets_the_error_where_its_result_path_says() {
    let definition = json!({"StartAt": "A", "States": {
        "A": task(json!({
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.why", "Next": "Z"}],
            "End": true,
        })),
        "Z": {"Type": "Pass", "End": true},
    }});
    let expected = json!({"order": 7, "why": {"Error": "E", "Cause": "because"}});
    check(
        &definition,
        json!({"order": 7}),
        &[Answer::Throw("E")],
        Ok(expected),
    );
}

#[test]
fn a_time_out_has_an_empty_cause_for_its_catcher() {
    let definition = json!({"StartAt": "A", "States": {
        "A": task(json!({
            "TimeoutSeconds": 5,
            "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Z"}],
            "End": true,
        })),
        "Z": {"Type": "Pass", "End": true},
    }});
    let expected = json!({"Error": "States.Timeout", "Cause": ""});
    check(&definition, json!({}), &[], Ok(expected));
}

#[test]
fn a_missed_heartbeat_answers_to_its_own_name() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "HeartbeatSeconds": 5,
            "Catch": [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Z"}],
            "End": true,
        },
        "Z": {"Type": "Pass", "End": true},
    }});
    let expected = json!({"Error": "States.Timeout", "Cause": ""});
    check(&definition, json!({}), &[], Ok(expected));
}

#[test]
fn nothing_catches_a_runtime_failure() {
    let definition = json!({"StartAt": "A", "States": {
        "A": task(json!({
            "InputPath": "$.no.such",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}],
            "End": true,
        })),
        "Z": {"Type": "Pass", "End": true},
    }});
    let expected = "States.Runtime: An error occurred while executing the state 'A' (entered at the event id #2). Invalid path '$.no.such' : Missing property in path $['no']";
    check(&definition, json!({}), &[], Err(expected));
}

#[test]
fn a_result_that_cannot_be_placed_names_the_step_and_the_input() {
    let pass = |path: &str| only(json!({"Type": "Pass", "ResultPath": path, "End": true}));
    let check_step = |path: &str, input: Value, step: &str| {
        let expected = format!(
            "States.ReferencePathConflict: Unable to apply step \"{step}\" to input {input}"
        );
        check(&pass(path), input, &[], Err(&expected));
    };
    check_step("$.agg", json!([1, 2]), "agg");
    check_step("$.agg", json!("text"), "agg");
    check_step("$.agg", json!(null), "agg");
    check_step("$['a'].b.c", json!({"a": {"b": 1}}), "c");
    check_step("$.a[2]", json!({"a": [1, 2]}), "[2]");
    check_step("$.a[0].b", json!({"a": {"b": 1}}), "[0]");
    check_step("$.b.c[0].d", json!({"a": 1}), "[0]");
}

#[test]
fn a_result_that_cannot_be_placed_is_caught() {
    let catch = |result_path: &str| {
        let catch =
            json!([{"ErrorEquals": ["States.ALL"], "ResultPath": result_path, "Next": "Z"}]);
        json!({"StartAt": "A", "States": {
            "A": task(json!({"ResultPath": "$.agg", "Catch": catch, "End": true})),
            "Z": {"Type": "Pass", "End": true},
        }})
    };
    let cause = "Unable to apply step \"agg\" to input [1]";
    let expected = json!({"Error": "States.ReferencePathConflict", "Cause": cause});
    let answers = [Answer::Return(json!(5))];
    check(&catch("$"), json!([1]), &answers, Ok(expected));
    // The catcher's own is not.
    let expected = "States.ReferencePathConflict: Unable to apply step \"why\" to input [1]";
    check(&catch("$.why"), json!([1]), &answers, Err(expected));
}

#[test]
fn a_choice_without_a_match_has_nowhere_to_go() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.x", "NumericEquals": 1, "Next": "Z"}],
        },
        "Z": {"Type": "Succeed"},
    }});
    let prefix = "States.Runtime: An error occurred while executing the state 'A' (entered at the event id #2).";
    let no_match = format!(
        "{prefix} Failed to transition out of the state. The state does not point to a next state."
    );
    check(&definition, json!({"x": 2}), &[], Err(&no_match));
    let no_value = format!(
        "{prefix} Invalid path '$.x': The choice state's condition path references an invalid value."
    );
    check(&definition, json!({}), &[], Err(&no_value));
}

#[test]
fn a_task_result_over_the_limit_can_be_caught_and_an_output_over_it_cannot() {
    let large = json!("x".repeat(262_143));
    let catch = json!([{"ErrorEquals": ["States.ALL"], "ResultPath": "$.why", "Next": "Z"}]);
    let definition = json!({"StartAt": "A", "States": {
        "A": task(json!({"Catch": catch, "ResultPath": "$.result", "End": true})),
        "Z": {"Type": "Pass", "OutputPath": "$.why.Error", "End": true},
    }});
    let answers = [Answer::Return(large)];
    check(
        &definition,
        json!({}),
        &answers,
        Ok(json!("States.DataLimitExceeded")),
    );

    let almost = [Answer::Return(json!("x".repeat(262_142)))];
    let expected = "States.DataLimitExceeded: The state/task 'A' returned a result with a size exceeding the maximum number of bytes service limit.";
    check(&definition, json!({}), &almost, Err(expected));
}

#[test]
fn the_last_event_of_a_full_history_is_a_failure() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [
            {"Variable": "$", "IsPresent": false, "Next": "Z"}], "Default": "A"},
        "Z": {"Type": "Succeed"},
    }});
    let world = World::start(&definition, json!({}), &[]).run();
    assert_eq!(
        world.outcome(),
        Err(
            "States.Runtime: The execution reached the maximum number of history events (25000)."
                .to_owned()
        )
    );
    assert_eq!(
        world.history().last().unwrap(),
        "25000<-24999 ExecutionFailed"
    );
}

#[test]
fn data_that_nests_without_end_is_refused() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Parameters": {"in.$": "$"}, "Next": "A2"},
        "A2": {"Type": "Choice", "Choices": [
            {"Variable": "$", "IsPresent": false, "Next": "Z"}], "Default": "A"},
        "Z": {"Type": "Succeed"},
    }});
    let world = World::start(&definition, json!({}), &[]).run();
    let outcome = world.outcome().unwrap_err();
    assert!(
        outcome.contains("The data nests deeper than the limit of 1000 levels."),
        "{outcome}"
    );
}

#[test]
fn a_whole_execution_times_out() {
    let mut definition = only(json!({"Type": "Wait", "Seconds": 60, "End": true}));
    definition["TimeoutSeconds"] = json!(5);
    let world = World::start(&definition, json!({}), &[]).run();
    assert_eq!(world.now, Timestamp::from_milliseconds(5_000));
    assert_eq!(world.history()[2], "3<-0 ExecutionTimedOut");
}

#[test]
fn a_stopped_execution_gives_up_what_runs_inside() {
    let definition = only(json!({
        "Type": "Parallel",
        "Branches": [{"StartAt": "B", "States": {"B": task(json!({"End": true}))}}],
        "End": true,
    }));
    let mut world = World::start(&definition, json!({}), &[]);
    world.handle(Input::Stop(Failure::new("Enough", "of this")));
    assert_eq!(world.outcome(), Err("Enough: of this".to_owned()));
    let history = world.history();
    assert_eq!(history[history.len() - 2], "7<-3 TaskStateAborted");
    assert_eq!(history[history.len() - 1], "8<-0 ExecutionAborted");
    assert!(world.execution.pending_effects().next().is_none());
}

#[test]
fn results_that_come_too_late_change_nothing() {
    let definition = only(task(json!({"TimeoutSeconds": 5, "End": true})));
    let mut world = World::start(&definition, json!({}), &[]).run();
    let before = world.journal.len();
    let task = stepwell_interpreter::effect::TaskId(stepwell_interpreter::event::Sequence(3));
    world.handle(Input::TaskSucceeded {
        task,
        output: json!(1).into(),
    });
    world.handle(Input::Stop(Failure::default()));
    assert_eq!(world.journal.len(), before);
}

#[test]
fn a_chain_is_cut_at_its_bound_and_goes_on() {
    let limits = Limits {
        chain_events_max: 3,
        ..Limits::default()
    };
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Pass", "Next": "C"},
        "C": {"Type": "Pass", "End": true},
    }});
    let world = World::with_limits(&definition, json!(1), &[], limits).run();
    assert_eq!(world.outcome(), Ok(json!(1)));
    assert_eq!(world.history().len(), 8);
}

#[test]
fn an_item_that_cannot_be_selected_gives_up_the_iterations_that_run() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {
            "Type": "Map",
            "ItemSelector": {"text.$": "States.Base64Decode($$.Map.Item.Value)"},
            "ItemProcessor": {"StartAt": "B", "States": {"B": task(json!({"End": true}))}},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}],
            "End": true,
        },
        "Z": {"Type": "Wait", "Seconds": 5, "End": true},
    }});
    let mut world = World::start(&definition, json!(["QQ==", "%"]), &[]);
    let owed = world.execution.pending_effects().count();
    assert_eq!(owed, 0, "nobody wants the result of the first iteration");
    let task = stepwell_interpreter::effect::TaskId(stepwell_interpreter::event::Sequence(6));
    world.handle(Input::TaskSucceeded {
        task,
        output: json!(1).into(),
    });
    let world = world.run();
    let outcome = world.outcome().unwrap();
    assert_eq!(outcome["Error"], json!("States.IntrinsicFailure"));
    assert_eq!(
        world.history()[3..7],
        [
            "4<-3 MapIterationStarted[0]",
            "5<-3 MapIterationAborted[0]",
            "6<-3 MapStateFailed",
            "7<-6 MapStateExited",
        ],
        "{world:#?}"
    );
}

/// A loop of a state `A` that `more` describes, until the history is full.
fn endless(more: Value) -> Value {
    let mut definition = json!({"StartAt": "A", "States": {
        "A": {"Next": "B"},
        "B": {"Type": "Choice", "Choices": [
            {"Variable": "$", "IsPresent": false, "Next": "Z"}], "Default": "A"},
        "Z": {"Type": "Succeed"},
    }});
    for (name, value) in more.as_object().into_iter().flatten() {
        definition["States"]["A"][name] = value.clone();
    }
    definition
}

#[track_caller]
fn check_end(definition: &Value, input: Value, expected: &str) {
    let world = World::start(definition, input, &[]).run();
    let outcome = world.outcome().expect_err("the execution fails");
    assert!(outcome.contains(expected), "{outcome:.300}");
}

#[test]
fn variables_and_results_that_nest_without_end_are_refused() {
    let expected = "The data nests deeper than the limit of 1000 levels.";
    let mut variable = endless(json!({
        "Type": "Pass",
        "Assign": {"deep.$": "States.Array($deep)"},
    }));
    variable["States"]["Begin"] = json!({"Type": "Pass", "Assign": {"deep": []}, "Next": "A"});
    variable["StartAt"] = json!("Begin");
    check_end(&variable, json!({}), expected);
    let branch = json!({"StartAt": "C", "States": {"C": {"Type": "Pass", "End": true}}});
    let result = endless(json!({"Type": "Parallel", "Branches": [branch]}));
    check_end(&result, json!({}), expected);
}

#[test]
fn variables_have_limits_of_size() {
    let expected = "States.DataLimitExceeded: The state/task 'A' returned a result with a size exceeding the maximum number of bytes service limit.";
    let assign = |assign: Value| only(json!({"Type": "Pass", "Assign": assign, "End": true}));
    let catch_all = |state: Value| {
        json!({"StartAt": "A", "States": {
            "A": state,
            "Z": {"Type": "Pass", "End": true},
        }})
    };
    let text = json!("x".repeat(200_000));
    check(
        &assign(json!({"a.$": "$"})),
        text.clone(),
        &[],
        Ok(text.clone()),
    );
    check_end(
        &assign(json!({"a.$": "States.Array($, $)"})),
        text.clone(),
        expected,
    );
    check_end(
        &assign(json!({"a.$": "$", "b.$": "$"})),
        text.clone(),
        expected,
    );
    let caught = catch_all(task(json!({
        "Assign": {"a.$": "$", "b.$": "$"},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}],
        "End": true,
    })));
    check(&caught, json!({}), &[Answer::Return(text)], Err(expected));
}

#[test]
fn a_cause_is_cut_to_what_the_api_shows() {
    let text = "x".repeat(100_000);
    let fail = only(json!({"Type": "Fail", "ErrorPath": "$.a", "CausePath": "$.a"}));
    let missing = only(json!({"Type": "Pass", "Parameters": {"b.$": "$.b"}, "End": true}));
    for definition in [fail, missing] {
        let world = World::start(&definition, json!({"a": text}), &[]).run();
        let stepwell_interpreter::execution::Status::Failed { failure, .. } =
            world.execution.status()
        else {
            panic!("it failed");
        };
        assert!(failure.error.as_deref().unwrap().len() <= Failure::ERROR_LENGTH_MAX);
        assert_eq!(
            failure.cause.as_deref().unwrap().len(),
            Failure::CAUSE_LENGTH_MAX
        );
    }
}

#[test]
fn variables_and_branch_inputs_count_towards_the_bytes_of_a_chain() {
    let limits = Limits {
        chain_bytes_max: 1_000,
        ..Limits::default()
    };
    let branch = json!({"StartAt": "C", "States": {"C": {"Type": "Pass", "End": true}}});
    let large = json!("x".repeat(1_000));
    let assign = json!({"Type": "Pass", "Assign": {"a": large}, "End": true});
    let parallel = json!({
        "Type": "Parallel", "Parameters": {"a": large}, "Branches": [branch], "End": true});
    for state in [assign, parallel] {
        let mut execution = Execution::new(machine(&only(state)), limits);
        let started = World::start(&only(json!({"Type": "Succeed"})), json!({}), &[]).journal;
        execution.apply(&started[0]).unwrap();
        execution.handle(
            Input::Continue,
            Timestamp::EPOCH,
            &mut Chance::from_number(0),
        );
        assert!(execution.is_cut());
    }
}

#[test]
fn all_variables_together_have_a_limit() {
    // A variable of the whole, and one of each iteration.
    let map = json!({
        "Type": "Map",
        "ItemProcessor": {"StartAt": "B", "States": {
            "B": {"Type": "Pass", "Assign": {"kept.$": "$"}, "Next": "C"},
            "C": task(json!({"Parameters": {}, "ResultPath": null, "OutputPath": null, "End": true})),
        }},
        "ItemSelector": {"text.$": "$.text"},
        "ItemsPath": "$.items",
        "End": true,
    });
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Assign": {"outer.$": "$.text"}, "Next": "M"},
        "M": map,
    }});
    let outcome = |rounds: usize, bytes: usize| {
        let input = json!({"items": vec![0; rounds], "text": "x".repeat(bytes)});
        let answers = vec![Answer::Return(json!(1)); rounds];
        World::start(&definition, input, &answers).run().outcome()
    };
    // Forty iterations run side by side: nine megabytes fit, eleven do not.
    assert!(outcome(40, 225_000).is_ok());
    let refused = outcome(45, 261_000).unwrap_err();
    assert!(
        refused.ends_with("The variables of the execution exceed the limit of 10 MiB."),
        "{refused}"
    );
    // What an ended iteration kept is gone with it.
    assert!(outcome(120, 225_000).is_ok());
}
