//! The words of refusals, in one place: AWS's where they are known, ours in its manner elsewhere.

use crate::expression::ExpressionError;

use super::{DEFINITION_BYTES_MAX, NESTING_MAX};

pub(super) const NOT_AN_OBJECT: &str = "Definition must be a valid JSON object";
pub(super) const EMPTY: &str = "Value cannot be empty";
pub(super) const NO_TIMESTAMP: &str = "String does not match RFC3339 timestamp";
pub(super) const NO_PATH: &str = "Value must be a valid JSONPath.";
pub(super) const NO_END: &str = "Workflow has no terminal state";
pub(super) const ALL_STANDS_ALONE: &str = "States.ALL must appear alone and at end of list";

pub(super) const NO_NAME: &str = "Invalid State name: a state name cannot be empty";
pub(super) const LANGUAGE_CONFLICT: &str =
    "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine";
pub(super) const HALF_AN_EXPRESSION: &str =
    "A JSONata expression starts with '{%' and ends with '%}'";
pub(super) const NO_OPERATOR: &str = "A comparison operator is required";
pub(super) const HEARTBEAT_TOO_LONG: &str = "HeartbeatSeconds must be smaller than TimeoutSeconds";
pub(super) const DELAY_TOO_SHORT: &str = "MaxDelaySeconds must be greater than IntervalSeconds";
pub(super) const NO_DOLLAR: &str =
    "The field name must end with '.$' if its value is a JSONPath or an intrinsic function call";
pub(super) const NO_PATH_FIELD: &str =
    "The field name must end with 'Path' if its value is a JSONPath";
pub(super) const STATIC_RESULT: &str = "The field 'Result' is literal: a JSONPath or an intrinsic function call in it is not evaluated";
pub(super) const EXPRESS_ACTIVITY: &str = "Express state machine does not support Activity ARN";
pub(super) const EXPRESS_SYNC: &str =
    "Express state machine does not support '.sync' service integration";
// The blank at its end is AWS's.
pub(super) const EXPRESS_TOKEN: &str =
    "Express state machine does not support '.waitForTaskToken' service integration ";
pub(super) const EXPRESS_DISTRIBUTED: &str =
    "Express state machine does not support DISTRIBUTED mode";

pub(super) fn too_long() -> String {
    format!("Definition must not be longer than {DEFINITION_BYTES_MAX} bytes")
}

pub(super) fn too_deep() -> String {
    format!("States nest deeper than {NESTING_MAX} levels")
}

pub(super) fn long_name(name: &str) -> String {
    format!(
        "Invalid State name: State '{name}' exceeds the 80-character limit allowed by the service"
    )
}

pub(super) fn duplicate_name(name: &str) -> String {
    format!("Duplicate State name: {name}")
}

pub(super) fn required(fields: &[&str]) -> String {
    format!("These fields are required: [{}]", fields.join(", "))
}

pub(super) fn required_field(field: &str) -> String {
    format!("The field '{field}' is required but was missing")
}

pub(super) fn unsupported(field: &str) -> String {
    format!("Field '{field}' is not supported")
}

pub(super) fn unsupported_parameter(field: &str) -> String {
    format!("The field \"{field}\" is not supported by Step Functions")
}

pub(super) fn invalid_value(field: &str) -> String {
    format!("The value for the '{field}' field is not valid")
}

pub(super) fn unsupported_values(field: &str, values: &[String]) -> String {
    format!(
        "The '{field}' field contains unsupported values: [{}]",
        values.join(", ")
    )
}

pub(super) fn expected(kind: &str) -> String {
    format!("Expected value of type {kind}")
}

pub(super) fn one_of(field: &str, values: &[&str]) -> String {
    format!(
        "The field '{field}' should have one of these values: [{}]",
        values.join(", ")
    )
}

pub(super) fn too_small(minimum: impl std::fmt::Display) -> String {
    format!("Minimum value is {minimum}")
}

pub(super) fn too_large(maximum: impl std::fmt::Display) -> String {
    format!("Maximum value is {maximum}")
}

pub(super) fn exactly_one(fields: &[&str]) -> String {
    format!("One of these fields is required: [{}]", fields.join(", "))
}

pub(super) fn at_most_one(fields: &[&str]) -> String {
    format!(
        "There should only be one of the following fields: [{}]",
        fields.join(", ")
    )
}

pub(super) fn no_reference_path(text: &str, error: &ExpressionError) -> String {
    // What stands before the place of the error, at it and after it.
    let near = text.as_bytes().get(error.at.saturating_sub(1)..);
    let reason = match near.unwrap_or_default() {
        _ if !text.starts_with('$') => "Reference path didn't start with '$'".to_owned(),
        // So AWS says it, although it means a digit.
        [b'[', ..] | [_, b'[', b'*' | b'?', ..] => "'[' must be followed by ' or '['".to_owned(),
        _ => error.to_string(),
    };
    format!("Value is not a Reference Path: {reason}")
}

pub(super) fn not_in_input() -> String {
    "Value is not a Reference Path: a result is written into the input only".to_owned()
}

pub(super) fn not_in_context() -> String {
    "Value is not a Reference Path: the context object cannot be referred to here".to_owned()
}

pub(super) fn other_language(field: &str, set: &str, needed: &str) -> String {
    format!(
        "The QueryLanguage is set to '{set}', but field '{field}' is only supported for the '{needed}' QueryLanguage"
    )
}

pub(super) fn no_expression(field: &str) -> String {
    format!(
        "The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call"
    )
}

/// Whatever field names the target, AWS calls it `Next`.
pub(super) fn missing_target(target: &str) -> String {
    format!("Missing 'Next' target: {target}")
}

pub(super) fn unreachable(state: &str) -> String {
    format!("State \"{state}\" is not reachable.")
}

pub(super) fn unknown_resource(arn: &str) -> String {
    format!(
        "The resource provided {arn} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region."
    )
}

pub(super) fn invalid_label(label: &str) -> String {
    format!("Invalid label: '{label}'")
}

pub(super) fn duplicate_label(label: &str) -> String {
    format!("Duplicate label: '{label}'")
}

pub(super) fn duplicate_field(field: &str) -> String {
    format!("Duplicate field name: {field}")
}

pub(super) fn no_variable(name: &str) -> String {
    format!("The variable name '{name}' is not a valid identifier")
}

pub(super) fn long_variable(name: &str, longest: usize) -> String {
    format!("The variable name '{name}' is longer than {longest} characters")
}

pub(super) fn reserved_variable(name: &str) -> String {
    format!("The variable name '{name}' is reserved")
}

pub(super) fn outer_variable(name: &str) -> String {
    format!("The variable name '{name}' is already used in an outer scope")
}

pub(super) fn not_at_the_top(name: &str) -> String {
    format!("Reference to '{name}' at the top level is not supported.")
}

pub(super) fn not_in_this_field(name: &str) -> String {
    format!("Reference to '{name}' is not supported in this field.")
}
