//! States whose expressions are JSONata.

use serde_json::{Value, json};

use crate::task;
use crate::world::{Answer, World};

/// A machine whose language is JSONata.
fn machine(states: Value) -> Value {
    let mut names = states
        .as_object()
        .into_iter()
        .flat_map(|states| states.keys());
    let start = names.next().expect("a machine has states");
    json!({"QueryLanguage": "JSONata", "StartAt": start, "States": states})
}

#[track_caller]
fn check(states: Value, input: Value, answers: &[Answer], expected: Value) {
    let world = World::start(&machine(states), input, answers).run();
    assert_eq!(world.outcome(), Ok(expected), "{world:?}");
}

/// The execution fails with `error: cause`, the cause without the place before it, and a history
/// that ends in these events.
#[track_caller]
fn check_fails(states: Value, input: Value, answers: &[Answer], cause: &str, ending: &[&str]) {
    let world = World::start(&machine(states), input, answers).run();
    let outcome = world.outcome().expect_err("it fails");
    let place = "An error occurred while executing the state 'A' (entered at the event id #2). ";
    assert_eq!(outcome.replace(place, ""), cause, "{world:?}");
    let history = world.history();
    assert!(history.len() >= ending.len(), "{world:?}");
    assert_eq!(&history[history.len() - ending.len()..], ending);
}

fn undefined(source: &str, field: &str) -> String {
    format!(
        "States.QueryEvaluationError: The JSONata expression '{source}' specified for the field '{field}' returned nothing (undefined)."
    )
}

#[test]
fn data_flows_from_input_through_arguments_to_result_and_output() {
    check(
        json!({
            "A": task(json!({
                "Arguments": {"n": "{% $states.input.n + 1 %}"},
                "Assign": {"seen": "{% $states.result.n * 10 %}", "name": "{% $states.context.State.Name %}"},
                "Output": {"from": "{% $states.input.n %}", "to": "{% $states.result %}"},
                "Next": "B",
            })),
            "B": {"Type": "Succeed", "Output": "{% [$states.input.from, $states.input.to.n, $seen, $name] %}"},
        }),
        json!({"n": 1}),
        &[Answer::Return(json!({"n": 5}))],
        json!([1, 5, 50, "A"]),
    );
}

#[test]
fn what_is_not_written_is_passed_on() {
    check(
        json!({
            "A": {"Type": "Pass", "Next": "B"},
            "B": task(json!({"Next": "C"})),
            "C": {"Type": "Choice", "Choices": [{"Condition": false, "Next": "E"}], "Default": "D"},
            "D": {"Type": "Wait", "Seconds": "{% $states.input.pause %}", "Next": "E"},
            "E": {"Type": "Succeed"},
        }),
        json!({"n": 1}),
        &[Answer::Return(json!({"pause": 3}))],
        json!({"pause": 3}),
    );
}

#[test]
fn output_does_not_see_what_assign_gives() {
    check(
        json!({
            "A": {"Type": "Pass", "Assign": {"n": 1}, "Next": "B"},
            "B": {"Type": "Pass", "Assign": {"n": "{% $n + 1 %}", "m": "{% $n %}"}, "Output": "{% $n %}", "Next": "C"},
            "C": {"Type": "Pass", "Output": "{% [$states.input, $n, $m] %}", "End": true},
        }),
        json!({}),
        &[],
        json!([1, 2, 1]),
    );
}

#[test]
fn a_rule_has_its_own_output_and_variables() {
    let choose = |n: u64, expected: Value| {
        check(
            json!({
                "A": {
                    "Type": "Choice",
                    "Choices": [
                        {"Condition": "{% $states.input.n > 10 %}", "Next": "B"},
                        {
                            "Condition": "{% $states.input.n > 5 %}",
                            "Assign": {"size": "medium"},
                            "Output": {"n": "{% -$states.input.n %}"},
                            "Next": "B",
                        },
                    ],
                    "Assign": {"size": "small"},
                    "Output": "none",
                    "Default": "B",
                },
                "B": {"Type": "Pass", "Output": "{% [$states.input, $exists($size) ? $size : 'large'] %}", "End": true},
            }),
            json!({"n": n}),
            &[],
            expected,
        );
    };
    choose(11, json!([{"n": 11}, "large"]));
    choose(6, json!([{"n": -6}, "medium"]));
    choose(1, json!(["none", "small"]));
}

#[test]
fn a_catcher_shapes_the_error() {
    check(
        json!({
            "A": task(json!({
                "Catch": [
                    {"ErrorEquals": ["Other"], "Next": "B"},
                    {
                        "ErrorEquals": ["States.ALL"],
                        "Assign": {"why": "{% $states.errorOutput.Cause %}"},
                        "Output": "{% {'n': $states.input.n, 'error': $states.errorOutput.Error} %}",
                        "Next": "B",
                    },
                ],
                "End": true,
            })),
            "B": {"Type": "Pass", "Output": "{% [$states.input, $why] %}", "End": true},
        }),
        json!({"n": 7}),
        &[Answer::Throw("E")],
        json!([{"n": 7, "error": "E"}, "because"]),
    );
    check(
        json!({
            "A": task(json!({"Catch": [{"ErrorEquals": ["E"], "Next": "B"}], "End": true})),
            "B": {"Type": "Succeed"},
        }),
        json!({}),
        &[Answer::Throw("E")],
        json!({"Error": "E", "Cause": "because"}),
    );
}

#[test]
fn a_failed_evaluation_may_be_caught() {
    check(
        json!({
            "A": task(json!({
                "Arguments": "{% $states.input.missing %}",
                "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Output": "caught", "Next": "B"}],
                "End": true,
            })),
            "B": {"Type": "Succeed"},
        }),
        json!({}),
        &[],
        json!("caught"),
    );
}

#[test]
fn branches_and_iterations_get_what_arguments_and_selector_give() {
    let inner = |name: &str, output: &str| json!({"StartAt": name, "States": {name: {"Type": "Pass", "Output": output, "End": true}}});
    check(
        json!({
            "Begin": {"Type": "Pass", "Assign": {"outer": "x"}, "Next": "A"},
            "A": {
                "Type": "Parallel",
                "Arguments": {"n": "{% $states.input.n * 2 %}"},
                "Branches": [inner("B", "{% $states.input.n + 1 %}"), inner("C", "{% $outer %}")],
                "Assign": {"first": "{% $states.result[0] %}"},
                "Output": "{% $states.result %}",
                "Next": "D",
            },
            "D": {
                "Type": "Map",
                "Items": "{% $append($states.input, $first) %}",
                "ItemSelector": {
                    "item": "{% $states.context.Map.Item.Value %}",
                    "index": "{% $states.context.Map.Item.Index %}",
                    "of": "{% $count($states.input) %}",
                },
                "ItemProcessor": inner("E", "{% $join([$string($states.input.item), $string($states.input.index), $string($states.input.of)], '/') %}"),
                "End": true,
            },
        }),
        json!({"n": 2}),
        &[],
        json!(["5/0/2", "x/1/2", "5/2/2"]),
    );
}

#[test]
fn variables_are_shared_with_jsonpath_states() {
    let states = json!({
        "A": {"Type": "Pass", "Assign": {"n.$": "States.MathAdd($.a, 1)"}, "Next": "B"},
        "B": {
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Assign": {"n": "{% $n * 2 %}"},
            "Output": "{% $n %}",
            "Next": "C",
        },
        "C": {"Type": "Pass", "Parameters": {"now.$": "$n", "was.$": "$"}, "End": true},
    });
    let definition = json!({"StartAt": "A", "States": states});
    let world = World::start(&definition, json!({"a": 2}), &[]).run();
    assert_eq!(world.outcome(), Ok(json!({"now": 6, "was": 3})));
}

#[test]
fn a_failed_evaluation_is_an_event_that_follows_from_before_the_state() {
    check_fails(
        json!({"A": {"Type": "Pass", "Output": {"a": {"b": [1, "{% $states.input.x %}"]}}, "End": true}}),
        json!({}),
        &[],
        &undefined("$states.input.x", "Output/a/b[1]"),
        &[
            "2<-0 PassStateEntered",
            "3<-0 EvaluationFailed",
            "4<-3 ExecutionFailed",
        ],
    );
    check_fails(
        json!({
            "A": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input.x %}", "Next": "B"}],
            },
            "B": {"Type": "Succeed"},
        }),
        json!({"x": "yes"}),
        &[],
        "States.QueryEvaluationError: The JSONata expression '$states.input.x' specified for the field 'Choices[0]/Condition' returned an unexpected result type. Expected 'boolean', but was 'string' for value: \"yes\"",
        &["3<-0 EvaluationFailed", "4<-3 ExecutionFailed"],
    );
}

#[test]
fn every_attempt_that_cannot_be_evaluated_is_an_event() {
    check_fails(
        json!({
            "A": task(json!({
                "Arguments": "{% $nothing %}",
                "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}],
                "End": true,
            })),
        }),
        json!({}),
        &[],
        &undefined("$nothing", "Arguments"),
        &[
            "2<-0 TaskStateEntered",
            "3<-0 EvaluationFailed",
            "4<-0 EvaluationFailed",
            "5<-0 EvaluationFailed",
            "6<-5 ExecutionFailed",
        ],
    );
}

#[test]
fn a_map_without_an_array_fails_as_a_map_does() {
    let map = |items: Value| {
        let mut map = json!({
            "Type": "Map",
            "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}},
            "End": true,
        });
        if !items.is_null() {
            map["Items"] = items;
        }
        json!({ "A": map })
    };
    let ending = [
        "2<-0 MapStateEntered",
        "3<-0 EvaluationFailed",
        "4<-3 MapStateFailed",
        "5<-4 ExecutionFailed",
    ];
    check_fails(
        map(Value::Null),
        json!({"a": 1}),
        &[],
        "States.QueryEvaluationError: Map state input must be an array but was: {\"a\":1}",
        &ending,
    );
    check_fails(
        map(json!("{% $states.input.a %}")),
        json!({"a": 1}),
        &[],
        "States.QueryEvaluationError: The JSONata expression '$states.input.a' specified for the field 'Items' returned an unexpected result type. Expected 'array', but was 'number' for value: 1",
        &ending,
    );
    check_fails(
        map(json!("{% function($x) { $x } %}")),
        json!({}),
        &[],
        "States.QueryEvaluationError: The JSONata expression 'function($x) { $x }' specified for the field 'Items' returned an unsupported result type.",
        &ending,
    );
}

#[test]
fn a_time_that_is_none_follows_from_the_wait() {
    check_fails(
        json!({"A": {"Type": "Wait", "Timestamp": "{% $states.input.at %}", "End": true}}),
        json!({"at": "soon"}),
        &[],
        "States.QueryEvaluationError: The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: soon",
        &[
            "2<-0 WaitStateEntered",
            "3<-2 EvaluationFailed",
            "4<-3 ExecutionFailed",
        ],
    );
}

#[test]
fn a_failure_may_be_computed() {
    check_fails(
        json!({"A": {"Type": "Fail", "Error": "{% $states.input.name %}", "Cause": "{% 'at ' & $states.context.State.Name %}"}}),
        json!({"name": "Late"}),
        &[],
        "Late: at A",
        &["2<-0 FailStateEntered", "3<-2 ExecutionFailed"],
    );
    check_fails(
        json!({"A": {"Type": "Fail", "Error": "{% 1 %}"}}),
        json!({}),
        &[],
        "States.QueryEvaluationError: The JSONata expression '1' specified for the field 'Error' returned an unexpected result type. Expected 'string', but was 'number' for value: 1",
        &["3<-0 EvaluationFailed", "4<-3 ExecutionFailed"],
    );
}

#[test]
fn no_variable_changes_when_a_state_fails() {
    check(
        json!({
            "Begin": {"Type": "Pass", "Assign": {"n": 1}, "Next": "A"},
            "A": task(json!({
                "Assign": {"n": 2, "m": "{% $states.result.missing %}"},
                "Catch": [{"ErrorEquals": ["States.ALL"], "Output": "{% $n %}", "Next": "Z"}],
                "End": true,
            })),
            "Z": {"Type": "Succeed"},
        }),
        json!({}),
        &[Answer::Return(json!({}))],
        json!(1),
    );
}
