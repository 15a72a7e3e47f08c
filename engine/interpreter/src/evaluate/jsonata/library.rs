//! The crate that implements JSONata, with what Step Functions adds to it and takes from it.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use indexmap::IndexMap;
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorOptions};
use jsonata_core::value::JValue;
use stepwell_language::expression::JsonataExpression;
use stepwell_language::expression::jsonata::Part;
use stepwell_language::json::Value;

use super::convert::{Unconvertible, from_library, to_library};
use super::functions::Functions;
use super::{Answer, JsonataError, Library, States, wording};
use crate::Chance;
use crate::evaluate::Bindings;

/// Milliseconds that an expression may take.
const TIME_MAX: u64 = 5_000;

/// Levels that an evaluation may nest: 100 calls of a function by itself, as measured on AWS.
const DEPTH_MAX: usize = 302;

/// Elements of a sequence, as measured on AWS.
const SEQUENCE_LENGTH_MAX: usize = 873_782;

/// What was handed to the library so far, for one state.
#[derive(Default)]
pub(super) struct JsonataCore {
    input: HandedOver,
    result: HandedOver,
    error_output: HandedOver,
    context: HandedOver,
}

/// A member of `$states`, as far as it was handed over.
#[derive(Default)]
struct HandedOver {
    whole: Option<JValue>,
    members: IndexMap<String, JValue>,
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
    /// The members of `$states` that an expression reads, each as far as it does.
    fn members(
        &mut self,
        expression: &JsonataExpression,
        states: &States<'_>,
    ) -> IndexMap<String, JValue> {
        let reads = expression.reads();
        let input = Source::Value(Some(states.bindings.input()));
        let result = Source::Value(states.result);
        let error_output = Source::Value(states.error_output);
        let context = Source::Context(states.bindings);
        let members = [
            ("input", &reads.input, input, &mut self.input),
            ("result", &reads.result, result, &mut self.result),
            (
                "errorOutput",
                &reads.error_output,
                error_output,
                &mut self.error_output,
            ),
            ("context", &reads.context, context, &mut self.context),
        ];
        let mut found = IndexMap::new();
        for (name, read, source, handed_over) in members {
            let read = if reads.states { &Part::Whole } else { read };
            if let Some(value) = handed_over.hand_over(read, &source) {
                found.insert(name.to_owned(), value);
            }
        }
        found
    }
}

/// Where a member of `$states` comes from.
enum Source<'s> {
    Value(Option<&'s Value>),
    /// The context object, which is built no further than it is read.
    Context(&'s dyn Bindings),
}

impl Source<'_> {
    fn whole(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => *value,
            Self::Context(bindings) => Some(bindings.context()),
        }
    }

    fn has_members(&self) -> bool {
        match self {
            Self::Value(value) => value.is_some_and(Value::is_object),
            Self::Context(_) => true,
        }
    }

    fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Value(value) => value.and_then(|value| value.get(name)),
            Self::Context(bindings) => bindings.context_member(name),
        }
    }
}

impl HandedOver {
    /// As much of the source as is read, handed over when it is first asked for.
    fn hand_over(&mut self, read: &Part, source: &Source<'_>) -> Option<JValue> {
        match read {
            Part::Nothing => None,
            Part::Members(names) if self.whole.is_none() && source.has_members() => {
                let mut object = IndexMap::with_capacity(names.len());
                for name in names {
                    if !self.members.contains_key(&**name)
                        && let Some(value) = source.member(name)
                    {
                        self.members.insert(name.to_string(), to_library(value));
                    }
                    if let Some(value) = self.members.get(&**name) {
                        object.insert(name.to_string(), value.clone());
                    }
                }
                Some(JValue::object(object))
            }
            Part::Members(_) | Part::Whole => {
                if self.whole.is_none() {
                    self.whole = source.whole().map(to_library);
                }
                self.whole.clone()
            }
        }
    }
}
