//! What a fixture holds: executions of every kind, ended and open.
//!
//! New features get new entries; the fixtures of earlier releases keep what they have.

use serde_json::{Value, json};

/// An execution, and how far it is to be taken.
pub(crate) struct Sample {
    pub(crate) machine: &'static str,
    pub(crate) name: &'static str,
    pub(crate) input: Value,
    pub(crate) taken: Taken,
}

/// How far an execution is taken before the database is put away.
pub(crate) enum Taken {
    /// To its end.
    ToItsEnd,
    /// Until it is stopped, once it shows this event.
    Stopped { after: &'static str },
    /// Until it shows this event so many times. Reopened, it ends with this status and output.
    Open {
        after: &'static str,
        times: usize,
        status: &'static str,
        output: Value,
    },
}

/// The state machines, with their definitions.
pub(crate) fn machines() -> Vec<(&'static str, Value)> {
    let function = |name: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:{name}");
    vec![
        (
            "states",
            json!({"StartAt": "Shape", "States": {
            "Shape": {"Type": "Pass", "Parameters": {"n.$": "$.n", "sum.$": "States.MathAdd($.n, 1)",
                "id.$": "States.UUID()", "name.$": "$$.Execution.Name"},
                "ResultPath": "$.shaped", "Assign": {"kept.$": "$.n"}, "Next": "Pause"},
            "Pause": {"Type": "Wait", "Seconds": 0, "Next": "Which?"},
            "Which?": {"Type": "Choice", "Default": "Done", "Choices": [
                {"Variable": "$.n", "NumericGreaterThan": 10, "Next": "Too much"}]},
            "Too much": {"Type": "Fail", "ErrorPath": "States.Format('E{}', $kept)", "Cause": "n"},
            "Done": {"Type": "Succeed"}}}),
        ),
        (
            "tasks",
            json!({"StartAt": "Try", "States": {
            "Try": {"Type": "Task", "Resource": function("broken"), "End": true,
                "Retry": [{"ErrorEquals": ["Broken"], "MaxAttempts": 2, "IntervalSeconds": 1,
                    "MaxDelaySeconds": 2, "JitterStrategy": "FULL"}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.caught", "Next": "Impatient"}]},
            "Impatient": {"Type": "Task", "Resource": function("slow"), "TimeoutSeconds": 1, "End": true,
                "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.late", "Next": "Invoke"}]},
            "Invoke": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "echo", "Payload.$": "$"},
                "ResultSelector": {"all.$": "$.Payload"}, "ResultPath": "$.invoked", "End": true}}}),
        ),
        (
            "lines",
            json!({"StartAt": "Both", "States": {
            "Both": {"Type": "Parallel", "Next": "Each", "ResultPath": "$.both", "Branches": [
                {"StartAt": "L", "States": {"L": {"Type": "Task", "Resource": function("echo"), "End": true}}},
                {"StartAt": "R", "States": {"R": {"Type": "Pass", "Result": [1, 2], "End": true}}}]},
            "Each": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "ResultPath": "$.each",
                "ItemSelector": {"item.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index"},
                "ItemProcessor": {"StartAt": "I", "States": {
                    "I": {"Type": "Task", "Resource": function("echo"), "End": true}}},
                "Next": "Some fail"},
            "Some fail": {"Type": "Map", "ItemsPath": "$.items", "End": true,
                "Catch": [{"ErrorEquals": ["Broken"], "Next": "One breaks"}],
                "ItemProcessor": {"StartAt": "F", "States": {
                    "F": {"Type": "Task", "Resource": function("broken"), "End": true}}}},
            "One breaks": {"Type": "Parallel", "Branches": [
                {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": true}}},
                {"StartAt": "B", "States": {"B": {"Type": "Fail", "Error": "One"}}}], "End": true}}}),
        ),
        (
            "jsonata",
            json!({"QueryLanguage": "JSONata", "StartAt": "A", "States": {
            "A": {"Type": "Pass", "Assign": {"total": "{% $sum($states.input.items) %}", "at": "{% $states.context.State.Name %}"},
                "Output": {"doubled": "{% $states.input.items.($ * 2) %}"}, "Next": "T"},
            "T": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": "echo", "Payload": {"total": "{% $total %}"}},
                "Output": "{% $states.result.Payload %}", "Next": "M"},
            "M": {"Type": "Map", "Items": "{% [1..$total] %}", "End": true,
                "Output": {"all": "{% $states.result %}", "at": "{% $at %}"},
                "ItemProcessor": {"StartAt": "P", "States": {
                    "P": {"Type": "Pass", "Output": "{% $states.input + $total %}", "End": true}}}}}}),
        ),
        (
            "impatient",
            json!({"TimeoutSeconds": 1, "StartAt": "W", "States": {
            "W": {"Type": "Wait", "Seconds": 86400, "End": true}}}),
        ),
        (
            "parked",
            json!({"StartAt": "W", "States": {
            "W": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "T"},
            "T": {"Type": "Task", "Resource": function("echo"), "End": true}}}),
        ),
        (
            "open",
            json!({"StartAt": "A", "States": {
            "A": {"Type": "Pass", "Assign": {"kept.$": "$"}, "Next": "Both"},
            "Both": {"Type": "Parallel", "End": true, "Branches": [
                {"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": function("slow"),
                    "TimeoutSeconds": 99_999_999, "End": true}}},
                {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 1,
                    "ItemProcessor": {"StartAt": "I", "States": {
                        "I": {"Type": "Task", "Resource": function("slow"), "Next": "K"},
                        "K": {"Type": "Pass", "Parameters": {"kept.$": "$kept.items", "item.$": "$"}, "End": true}}},
                    "End": true}}}]}}}),
        ),
        (
            "again",
            json!({"StartAt": "T", "States": {
            "T": {"Type": "Task", "Resource": function("later"), "End": true,
                "Retry": [{"ErrorEquals": ["NotYet"], "IntervalSeconds": 86400, "MaxAttempts": 3}]}}}),
        ),
    ]
}

/// The executions.
pub(crate) fn samples() -> Vec<Sample> {
    let sample = |machine, name, input, taken| Sample {
        machine,
        name,
        input,
        taken,
    };
    let open = |after, times, output| Taken::Open {
        after,
        times,
        status: "SUCCEEDED",
        output,
    };
    let items = json!({"items": [1, 2, 3]});
    vec![
        sample("states", "succeeds", json!({"n": 1}), Taken::ToItsEnd),
        sample("states", "fails", json!({"n": 11}), Taken::ToItsEnd),
        sample(
            "tasks",
            "retries",
            json!({"é": "\u{1f980}"}),
            Taken::ToItsEnd,
        ),
        sample("lines", "branches", items.clone(), Taken::ToItsEnd),
        sample("jsonata", "evaluates", items, Taken::ToItsEnd),
        sample("impatient", "times-out", json!({}), Taken::ToItsEnd),
        sample(
            "parked",
            "stopped",
            json!({"seconds": 9}),
            Taken::Stopped {
                after: "WaitStateEntered",
            },
        ),
        sample(
            "parked",
            "waits",
            json!({"seconds": 864_000}),
            open("WaitStateEntered", 1, json!({"seconds": 864_000})),
        ),
        sample(
            "open",
            "works",
            json!({"items": [7, 8]}),
            open(
                "LambdaFunctionStarted",
                2,
                json!([{"items": [7, 8]}, [{"kept": [7, 8], "item": 7}, {"kept": [7, 8], "item": 8}]]),
            ),
        ),
        sample(
            "again",
            "tries-again",
            json!([]),
            open("LambdaFunctionFailed", 1, json!([])),
        ),
    ]
}
