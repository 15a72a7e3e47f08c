//! What a test is given in place of work that a state would have done: checked, and made ready.

use stepwell_interpreter::Payload;
use stepwell_interpreter::failure::Failure;
use stepwell_language::json::{self, Value};
use stepwell_language::model::{Map, MapMode, Resource, State, StateKind};

use super::apis::Answer;
use super::shapes::{self, Strictness};
use super::{FieldValidationMode, MockInput};

/// A mock that may stand in for a state's work.
#[derive(Debug)]
pub(super) enum Mock {
    /// The work has this result.
    Result(Payload),
    /// The work failed.
    Failed(Failure),
}

/// Checks a mock for a state.
///
/// # Errors
///
/// What is wrong with it, in AWS's words where they are known.
pub(super) fn read(state: &State, mock: &MockInput, reveal_secrets: bool) -> Result<Mock, String> {
    let kind = match &state.kind {
        StateKind::Task(task) => Mocked::Task(&task.resource),
        StateKind::Map(map) => Mocked::Map(map),
        StateKind::Parallel(parallel) => Mocked::Parallel(parallel.branches.len()),
        StateKind::Pass(_)
        | StateKind::Wait(_)
        | StateKind::Choice(_)
        | StateKind::Succeed
        | StateKind::Fail(_) => {
            return Err(format!(
                "State type '{}' is not supported when a mock is specified",
                state.kind.type_name()
            ));
        }
    };
    if reveal_secrets {
        let message = "TestState does not support RevealSecrets when a mock is specified.";
        return Err(message.to_owned());
    }
    match (&mock.result, &mock.error_output) {
        (Some(_), Some(_)) | (None, None) => Err(
            "A test mock should have only one of the following fields: [result, errorOutput]."
                .to_owned(),
        ),
        (None, Some(output)) => Ok(Mock::Failed(Failure {
            error: output.error.as_deref().map(Into::into),
            cause: output.cause.as_deref().map(Into::into),
        })),
        (Some(text), None) => {
            let value = json::read_value(text)
                .map_err(|_| "Mocked result must be valid JSON".to_owned())?;
            check(&kind, &value, mock.field_validation_mode)?;
            Ok(Mock::Result(Payload::from_parts(text.trim(), value)))
        }
    }
}

enum Mocked<'a> {
    Task(&'a Resource),
    Map(&'a Map),
    Parallel(usize),
}

fn check(kind: &Mocked<'_>, result: &Value, mode: FieldValidationMode) -> Result<(), String> {
    let must_be = |what: &str| Err(format!("Mocked result must be {what}"));
    match kind {
        Mocked::Task(resource) => {
            let strictness = match mode {
                FieldValidationMode::Strict => Strictness::Complete,
                FieldValidationMode::Present => Strictness::Present,
                FieldValidationMode::None => return Ok(()),
            };
            match Answer::of(resource) {
                Some(answer) => shapes::check(&answer, result, strictness),
                None => Ok(()),
            }
        }
        Mocked::Map(map) if writes_results(map) => match result {
            Value::Object(_) => Ok(()),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => must_be("a JSON object."),
        },
        Mocked::Map(_) if result.is_array() => Ok(()),
        Mocked::Map(_) => must_be("an array."),
        Mocked::Parallel(branches) => match result.as_array() {
            Some(results) if results.len() == *branches => Ok(()),
            Some(_) => Err(
                "Mocked result must contain the same number of items as number of Parallel branches."
                    .to_owned(),
            ),
            None => must_be("an array."),
        },
    }
}

fn writes_results(map: &Map) -> bool {
    match &map.mode {
        MapMode::Inline => false,
        MapMode::Distributed(distributed) => distributed.result_writer.is_some(),
    }
}
