//! The words of refusals, in one place: AWS's where they are known, ours in its manner elsewhere.

use super::DEFINITION_BYTES_MAX;

pub(super) const NOT_AN_OBJECT: &str = "Definition must be a valid JSON object";
pub(super) const EMPTY: &str = "Value cannot be empty";
pub(super) const NO_TIMESTAMP: &str = "String does not match RFC3339 timestamp";
pub(super) const NO_PATH: &str = "Value must be a valid JSONPath.";
pub(super) const NO_END: &str = "Workflow has no terminal state";
pub(super) const ALL_STANDS_ALONE: &str = "States.ALL must appear alone and at end of list";

pub(super) fn too_long() -> String {
    format!("Definition must not be longer than {DEFINITION_BYTES_MAX} bytes")
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

pub(super) fn no_reference_path(reason: impl std::fmt::Display) -> String {
    format!("Value is not a Reference Path: {reason}")
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
