//! The crate that implements JSONata, with what Step Functions adds to it and takes from it.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use indexmap::IndexMap;
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorOptions};
use jsonata_core::value::JValue;
use serde_json::Value;
use stepwell_language::expression::JsonataExpression;
use stepwell_language::expression::jsonata::ContextRead;

use super::convert::{Unconvertible, from_library, to_library};
use super::functions::Functions;
use super::{Answer, JsonataError, Library, States, wording};
use crate::Chance;

/// Milliseconds that an expression may take.
const TIME_MAX: u64 = 5_000;

/// Levels that an evaluation may nest: 100 calls of a function by itself, as measured on AWS.
const DEPTH_MAX: usize = 302;

/// Elements of a sequence, as measured on AWS.
const SEQUENCE_LENGTH_MAX: usize = 873_782;

/// What was handed to the library so far, for one state.
#[derive(Default)]
pub(super) struct JsonataCore {
    input: Option<JValue>,
    result: Option<JValue>,
    error_output: Option<JValue>,
    context: IndexMap<String, JValue>,
}

impl<'a> Library<'a> for JsonataCore {
    fn evaluate(
        &mut self,
        expression: &JsonataExpression,
        states: &States<'a>,
        chance: &mut Chance,
    ) -> Result<Answer<'a>, JsonataError> {
        let reads = expression.reads();
        let mut context = Context::new();
        let members = self.members(expression, states);
        if reads.states || !members.is_empty() {
            context.bind("states".to_owned(), JValue::object(members));
        }
        let mut functions = Functions::new(states.now, chance);
        for name in &reads.variables {
            if let Some(value) = states.bindings.variable(name) {
                context.bind(name.to_string(), to_library(value));
            } else if let Some(function) = functions.as_value(name) {
                context.bind(name.to_string(), function);
            }
        }
        let options = EvaluatorOptions {
            timeout_ms: Some(TIME_MAX),
            cancel: None,
            max_stack_depth: Some(DEPTH_MAX),
            max_sequence_length: Some(SEQUENCE_LENGTH_MAX),
        };
        let mut evaluator = Evaluator::with_options(context, options);
        for name in &reads.functions {
            functions.register(name, &mut evaluator);
        }
        functions.register_values(&mut evaluator);
        // The library is known to panic on odd input. Nothing of it outlives the panic: the
        // values that are kept were never lent out to be changed.
        let evaluated = catch_unwind(AssertUnwindSafe(|| {
            evaluator.evaluate(expression.tree(), &JValue::Undefined)
        }));
        match evaluated {
            Err(_panic) => Err(JsonataError::Internal),
            Ok(Err(error)) => Err(wording::error(error.message(), expression)),
            Ok(Ok(JValue::Undefined)) => Ok(Answer::Undefined),
            Ok(Ok(value)) => match from_library(&value) {
                Ok(value) => Ok(Answer::Value(Cow::Owned(value))),
                Err(Unconvertible::Unsupported) => Ok(Answer::Unsupported),
                Err(Unconvertible::TooLarge) => Err(wording::TOO_LARGE),
            },
        }
    }
}

impl JsonataCore {
    /// The members of `$states` that an expression reads.
    fn members(
        &mut self,
        expression: &JsonataExpression,
        states: &States<'_>,
    ) -> IndexMap<String, JValue> {
        let reads = expression.reads();
        let mut members = IndexMap::new();
        let mut add = |name: &str, value: Option<JValue>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        if reads.input || reads.states {
            add(
                "input",
                once(&mut self.input, Some(states.bindings.input())),
            );
        }
        if reads.result || reads.states {
            add("result", once(&mut self.result, states.result));
        }
        if reads.error_output || reads.states {
            add(
                "errorOutput",
                once(&mut self.error_output, states.error_output),
            );
        }
        match &reads.context {
            _ if reads.states => add("context", Some(to_library(states.bindings.context()))),
            ContextRead::Whole => add("context", Some(to_library(states.bindings.context()))),
            ContextRead::Nothing => {}
            ContextRead::Members(names) => {
                let mut context = IndexMap::new();
                for name in names {
                    if !self.context.contains_key(&**name)
                        && let Some(value) = states.bindings.context_member(name)
                    {
                        self.context.insert(name.to_string(), to_library(value));
                    }
                    if let Some(value) = self.context.get(&**name) {
                        context.insert(name.to_string(), value.clone());
                    }
                }
                add("context", Some(JValue::object(context)));
            }
        }
        members
    }
}

/// The value as the library holds it, handed over when it is first asked for.
fn once(kept: &mut Option<JValue>, value: Option<&Value>) -> Option<JValue> {
    if kept.is_none() {
        *kept = value.map(to_library);
    }
    kept.clone()
}
