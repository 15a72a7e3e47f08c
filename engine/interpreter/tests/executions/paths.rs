//! Paths that lead nowhere: which error that is in which field, and in whose words.

use serde_json::{Value, json};

use crate::world::{Answer, World};
use crate::{only, task};

/// Asserts that the execution of a single state, which is entered with the second event, fails so.
#[track_caller]
fn check(state: &Value, input: Value, expected: &str) {
    let world = World::start(&only(state.clone()), input, &[]).run();
    assert_eq!(world.outcome(), Err(expected.to_owned()), "{world:#?}");
}

/// A Map over items at `path`.
fn map(path: &str) -> Value {
    let processor = json!({"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}});
    json!({"Type": "Map", "ItemsPath": path, "ItemProcessor": processor, "End": true})
}

#[test]
fn items_that_are_not_there_name_the_step_and_the_input() {
    let check_step = |path: &str, input: &Value, step: &str| {
        let expected = format!(
            "States.ReferencePathConflict: Unable to apply step \"{step}\" to input {input}"
        );
        check(&map(path), input.clone(), &expected);
    };
    let input = json!({"discovery": {"statusCode": 500}});
    check_step("$.discovery.objects", &input, "objects");
    check_step("$.nothing.objects", &input, "nothing");
    check_step("$.discovery.statusCode.x", &input, "x");
    check_step("$.a[1]", &json!({"a": [0]}), "[1]");
    check_step("$.a", &json!(null), "a");
}

/// The input is what the path is applied to: the effective one, or what it begins with.
#[test]
fn items_are_looked_for_in_the_effective_input_or_in_a_variable() {
    let mut state = map("$.items");
    state["InputPath"] = json!("$.in");
    check(
        &state,
        json!({"in": {"x": 1}}),
        "States.ReferencePathConflict: Unable to apply step \"items\" to input {\"x\":1}",
    );
    let definition = json!({"StartAt": "V", "States": {
        "V": {"Type": "Pass", "Assign": {"v": {"x": 1}}, "Next": "A"}, "A": map("$v.items")}});
    let world = World::start(&definition, json!({}), &[]);
    let expected =
        "States.ReferencePathConflict: Unable to apply step \"items\" to input {\"x\":1}";
    assert_eq!(world.outcome(), Err(expected.to_owned()));
}

#[test]
fn items_that_are_not_there_can_be_caught_and_have_no_event_of_their_own() {
    let world = World::start(&only(map("$.items")), json!({}), &[]);
    assert_eq!(
        world.history()[1..],
        ["2<-0 MapStateEntered", "3<-2 ExecutionFailed"]
    );
    let mut state = map("$.items");
    state["Catch"] = json!([{"ErrorEquals": ["States.ReferencePathConflict"], "Next": "Z"}]);
    let mut definition = only(state);
    definition["States"]["Z"] = json!({"Type": "Succeed"});
    let world = World::start(&definition, json!({}), &[]);
    let cause = "Unable to apply step \"items\" to input {}";
    let expected = json!({"Error": "States.ReferencePathConflict", "Cause": cause});
    assert_eq!(world.outcome(), Ok(expected));
}

const NULL: &str = "States.Runtime: An error occurred while executing the state 'A' (entered at the event id #2). Unable to apply Path transformation to null or empty input.";

#[test]
fn no_path_is_applied_to_an_input_that_is_null() {
    let choice = |rule: Value| json!({"Type": "Choice", "Choices": [rule], "Default": "Z"});
    let with_end = |state: Value| {
        let mut definition = only(state);
        definition["States"]["Z"] = json!({"Type": "Pass", "Result": "default", "End": true});
        World::start(&definition, json!(null), &[]).outcome()
    };
    for rule in [
        json!({"Variable": "$", "IsNull": true, "Next": "Z"}),
        json!({"Variable": "$", "IsString": true, "Next": "Z"}),
        json!({"Variable": "$.a", "NumericEquals": 1, "Next": "Z"}),
        json!({"Variable": "$$.State.Name", "StringEqualsPath": "$.a", "Next": "Z"}),
    ] {
        assert_eq!(
            with_end(choice(rule.clone())),
            Err(NULL.to_owned()),
            "{rule}"
        );
    }
    for fields in [
        json!({"Parameters": {"x.$": "$"}}),
        json!({"Parameters": {"x.$": "$.a"}}),
        json!({"Assign": {"x.$": "$"}}),
        json!({"InputPath": "$.a"}),
        json!({"InputPath": "$[*]"}),
        json!({"OutputPath": "$.a"}),
    ] {
        let mut state = json!({"Type": "Pass", "End": true});
        for (name, value) in fields.as_object().unwrap() {
            state[name] = value.clone();
        }
        check(&state, json!(null), NULL);
    }
    // What a task gave is looked at in the same way.
    let state = task(json!({"ResultSelector": {"x.$": "$"}, "End": true}));
    let world = World::start(&only(state), json!({}), &[Answer::Return(json!(null))]).run();
    assert_eq!(world.outcome(), Err(NULL.to_owned()));
}

#[test]
fn null_is_passed_on_where_no_path_is_applied() {
    let state = json!({"Type": "Pass", "InputPath": "$", "OutputPath": "$",
        "Assign": {"name.$": "$$.State.Name"}, "End": true});
    let world = World::start(&only(state), json!(null), &[]);
    assert_eq!(world.outcome(), Ok(json!(null)));
    // A null inside the input is a value as any other.
    let state = json!({"Type": "Pass", "InputPath": "$.a", "End": true});
    let world = World::start(&only(state), json!({"a": null}), &[]);
    assert_eq!(world.outcome(), Ok(json!(null)));
}

#[test]
fn nothing_is_present_in_null() {
    for variable in ["$", "$.a"] {
        let rule = json!({"Variable": variable, "IsPresent": true, "Next": "B"});
        let definition = json!({"StartAt": "A", "States": {
            "A": {"Type": "Choice", "Choices": [rule], "Default": "Z"},
            "B": {"Type": "Fail"},
            "Z": {"Type": "Pass", "End": true},
        }});
        let world = World::start(&definition, json!(null), &[]);
        assert_eq!(world.outcome(), Ok(json!(null)), "{variable}");
    }
}

#[test]
fn a_wait_says_which_of_its_paths_leads_nowhere() {
    for field in ["SecondsPath", "TimestampPath"] {
        let mut state = json!({"Type": "Wait", "End": true});
        state[field] = json!("$.p");
        let expected = format!(
            "States.Runtime: An error occurred while executing the state 'A' (entered at the event id #2). The {field} parameter does not reference an input value: $.p"
        );
        check(&state, json!({}), &expected);
    }
}

#[test]
fn a_wait_says_what_its_path_leads_to_when_that_is_of_no_use() {
    let check_wait = |field: &str, value: Value, problem: &str| {
        let mut state = json!({"Type": "Wait", "End": true});
        state[field] = json!("$.p");
        let expected = format!(
            "States.Runtime: An error occurred while executing the state 'A' (entered at the event id #2). {problem}"
        );
        check(&state, json!({"p": value}), &expected);
    };
    let long = "The SecondsPath parameter cannot be parsed as a long value: $.p == ";
    check_wait("SecondsPath", json!(1.5), &format!("{long}1.5"));
    check_wait(
        "SecondsPath",
        json!(9_223_372_036_854_775_808_u64),
        &format!("{long}9223372036854775808"),
    );
    check_wait(
        "SecondsPath",
        json!(9_223_372_036_854_775_807_u64),
        "Wait state delay is too long.",
    );
    check_wait(
        "SecondsPath",
        json!(-1),
        "The SecondsPath parameter references a negative value: $.p == -1",
    );
    let leap_second = "2016-12-31T23:59:60Z";
    let format = "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: $.p == ";
    check_wait(
        "TimestampPath",
        json!(leap_second),
        &format!("{format}{leap_second}"),
    );
}
