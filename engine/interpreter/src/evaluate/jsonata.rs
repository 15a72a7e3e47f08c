//! JSONata, evaluated.
//!
//! An [`Evaluator`] serves one state: what several of its expressions read is handed to the
//! library once. The library itself is behind [`Library`], and its values never leave this module.

use std::borrow::Cow;

use stepwell_language::expression::JsonataExpression;
use stepwell_language::json::Value;

use super::Bindings;
use crate::Chance;
use crate::timestamp::Timestamp;

mod convert;
mod functions;
mod library;
mod plain;
mod wording;

use library::JsonataCore;
use plain::Found;

/// What the expressions of a field may read.
#[derive(Clone, Copy)]
pub struct States<'a> {
    /// `$states.input`, `$states.context` and the variables.
    pub bindings: &'a dyn Bindings,
    /// `$states.result`, where there is one.
    pub result: Option<&'a Value>,
    /// `$states.errorOutput`, where there is one.
    pub error_output: Option<&'a Value>,
    /// What `$now()` tells.
    pub now: Timestamp,
}

/// What an expression gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer<'a> {
    /// JSON.
    Value(Cow<'a, Value>),
    /// Nothing.
    Undefined,
    /// A function or a regular expression, itself or inside of something.
    Unsupported,
}

/// Why an expression gave no answer; displayed in the words of AWS.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JsonataError {
    /// An error of the language: its code and message.
    #[error("threw an error during evaluation. {0}")]
    Language(String),
    /// It took too much time, depth or memory.
    #[error("threw an error during evaluation: {0}")]
    Limit(&'static str),
    /// The library itself failed.
    #[error("threw an internal error during evaluation.")]
    Internal,
}

/// An implementation of JSONata.
trait Library<'a> {
    /// Evaluates an expression over what it may read.
    fn evaluate(
        &mut self,
        expression: &JsonataExpression,
        states: &States<'a>,
        chance: &mut Chance,
    ) -> Result<Answer<'a>, JsonataError>;
}

/// Evaluates the expressions of one state.
pub struct Evaluator<'a> {
    states: States<'a>,
    library: JsonataCore,
}

impl<'a> Evaluator<'a> {
    /// An evaluator over what the state's expressions may read.
    pub fn new(states: States<'a>) -> Self {
        Self {
            states,
            library: JsonataCore::default(),
        }
    }

    /// The answer of an expression. Randomness comes from `chance`, time from [`States::now`].
    ///
    /// # Errors
    ///
    /// [`JsonataError`] when the language says so, when a limit is reached, or when the library
    /// fails.
    pub fn evaluate(
        &mut self,
        expression: &JsonataExpression,
        chance: &mut Chance,
    ) -> Result<Answer<'a>, JsonataError> {
        if let Some(plain) = expression.plain() {
            match plain::find(plain, &self.states) {
                Found::Value(value) => return Ok(Answer::Value(value)),
                Found::Undefined => return Ok(Answer::Undefined),
                Found::NotPlain => {}
            }
        }
        self.library.evaluate(expression, &self.states, chance)
    }
}

/// Members of `$states`, as a name finds them.
fn states_member<'a>(states: &States<'a>, name: &str) -> Option<&'a Value> {
    match name {
        "input" => Some(states.bindings.input()),
        "result" => states.result,
        "errorOutput" => states.error_output,
        _ => None,
    }
}

#[cfg(test)]
mod tests;
