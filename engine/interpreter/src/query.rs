//! The fields of a JSONata state, evaluated.
//!
//! Source: Amazon States Language, "Data flow using JSONata".

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use stepwell_language::expression::jsonata::{Plain, PlainRoot};
use stepwell_language::expression::{Expression, JsonataExpression};
use stepwell_language::json::{Members, Value};
use stepwell_language::model::{State, Template};

use crate::chance::Chance;
use crate::data_flow::{Scope, check_variables, within_limit};
use crate::evaluate::jsonata::{Answer, Evaluator, States};
use crate::fault::Fault;
use crate::payload::Payload;

/// Evaluates the fields of one state, for one look at it.
pub(crate) struct Query<'a> {
    state: &'a State,
    raw: &'a Scope<'a>,
    result: Option<&'a Payload>,
    evaluator: Evaluator<'a>,
    chance: &'a mut Chance,
}

impl<'a> Query<'a> {
    /// `raw` is a scope over the state's input.
    pub(crate) fn new(state: &'a State, raw: &'a Scope<'a>, chance: &'a mut Chance) -> Self {
        Self::with(state, raw, None, None, chance)
    }

    /// The same, where there is a `$states.result`.
    pub(crate) fn with_result(
        state: &'a State,
        raw: &'a Scope<'a>,
        result: &'a Payload,
        chance: &'a mut Chance,
    ) -> Self {
        Self::with(state, raw, Some(result), None, chance)
    }

    /// The same, where there is a `$states.errorOutput`.
    pub(crate) fn with_error_output(
        state: &'a State,
        raw: &'a Scope<'a>,
        error_output: &'a Payload,
        chance: &'a mut Chance,
    ) -> Self {
        Self::with(state, raw, None, Some(error_output), chance)
    }

    fn with(
        state: &'a State,
        raw: &'a Scope<'a>,
        result: Option<&'a Payload>,
        error_output: Option<&'a Payload>,
        chance: &'a mut Chance,
    ) -> Self {
        let evaluator = Evaluator::new(States {
            bindings: raw,
            result: result.map(Payload::value),
            error_output: error_output.map(Payload::value),
            now: raw.now(),
        });
        Self {
            state,
            raw,
            result,
            evaluator,
            chance,
        }
    }

    /// What an expression gives in the field that AWS calls `field`.
    pub(crate) fn evaluate(
        &mut self,
        expression: &JsonataExpression,
        field: &dyn fmt::Display,
    ) -> Result<Cow<'a, Value>, Fault> {
        let problem = match self.evaluator.evaluate(expression, self.chance) {
            Ok(Answer::Value(value)) => return Ok(value),
            Ok(Answer::Undefined) => "returned nothing (undefined).".to_owned(),
            Ok(Answer::Unsupported) => "returned an unsupported result type.".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(failed(expression, field, &problem))
    }

    /// A field that must be of a type.
    pub(crate) fn evaluate_as<T>(
        &mut self,
        expression: &JsonataExpression,
        field: &dyn fmt::Display,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, Fault> {
        let value = self.evaluate(expression, field)?;
        read(&value).ok_or_else(|| unexpected(expression, field, expected, &value))
    }

    /// A template, filled in.
    pub(crate) fn fill(&mut self, template: &Template, field: &str) -> Result<Payload, Fault> {
        if let Template::Expression(Expression::Jsonata(expression)) = template
            && let Some(Plain::Path(root, steps)) = expression.plain()
            && steps.is_empty()
            && let Some(shared) = self.shared(root)
        {
            return Ok(shared.clone());
        }
        let value = self.fill_value(template, &Field::Whole(field))?;
        Ok(Payload::from_value(value))
    }

    /// What an expression names that is no more than a name.
    fn shared(&self, root: &PlainRoot) -> Option<&'a Payload> {
        match root {
            PlainRoot::Input => Some(self.raw.input),
            PlainRoot::Result => self.result,
            PlainRoot::Variable(name) => self.raw.shared_variable(name),
            PlainRoot::ErrorOutput | PlainRoot::Context => None,
        }
    }

    fn fill_value(&mut self, template: &Template, field: &Field<'_>) -> Result<Value, Fault> {
        match template {
            Template::Literal(value) => Ok(value.clone()),
            Template::Expression(Expression::Jsonata(expression)) => {
                self.evaluate(expression, field).map(Cow::into_owned)
            }
            Template::Expression(Expression::Path(_) | Expression::Intrinsic(_)) => {
                unreachable!("a JSONata state has no JSONPath")
            }
            Template::Object(entries) => {
                let mut object = Members::with_capacity(entries.len());
                for (key, entry) in entries {
                    let value = self.fill_value(entry, &Field::Key(field, key))?;
                    object.insert(key.clone(), value);
                }
                Ok(object.into())
            }
            Template::Array(elements) => {
                let mut array = Vec::with_capacity(elements.len());
                for (index, element) in elements.iter().enumerate() {
                    array.push(self.fill_value(element, &Field::Index(field, index))?);
                }
                Ok(array.into())
            }
        }
    }

    /// `Output`, or what is passed on without one.
    pub(crate) fn output(
        &mut self,
        template: Option<&Template>,
        field: &str,
        otherwise: &Payload,
    ) -> Result<Payload, Fault> {
        let output = match template {
            Some(template) => self.fill(template, field)?,
            None => otherwise.clone(),
        };
        within_limit(self.state, output)
    }

    /// The variables that `Assign` gives a value, in document order.
    pub(crate) fn assign(
        &mut self,
        template: Option<&Template>,
        field: &str,
    ) -> Result<Vec<(Arc<str>, Payload)>, Fault> {
        let assigned: Vec<(Arc<str>, Payload)> = match template {
            None => Vec::new(),
            Some(Template::Object(entries)) => entries
                .iter()
                .map(|(name, entry)| {
                    Ok((name.clone(), self.fill(entry, &format!("{field}/{name}"))?))
                })
                .collect::<Result<_, Fault>>()?,
            Some(Template::Literal(value)) => value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), Payload::from_value(value.clone())))
                .collect(),
            Some(Template::Expression(_) | Template::Array(_)) => {
                unreachable!("parsing accepts nothing but an object for Assign")
            }
        };
        check_variables(self.state, self.raw, &assigned)?;
        Ok(assigned)
    }
}

/// Where an expression stands in its state, as AWS names it: `Output/values[0]/a`.
enum Field<'a> {
    Whole(&'a str),
    Key(&'a Field<'a>, &'a str),
    Index(&'a Field<'a>, usize),
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(field) => formatter.write_str(field),
            Self::Key(outer, key) => write!(formatter, "{outer}/{key}"),
            Self::Index(outer, index) => write!(formatter, "{outer}[{index}]"),
        }
    }
}

/// The fault of an expression, which is in the history with its field.
fn failed(expression: &JsonataExpression, field: &dyn fmt::Display, problem: &str) -> Fault {
    let field = field.to_string();
    let cause = format!(
        "The JSONata expression '{}' specified for the field '{field}' {problem}",
        expression.source()
    );
    Fault::evaluation(Some(&field), cause)
}

/// The fault of an expression that gives what its field does not take.
pub(crate) fn unexpected(
    expression: &JsonataExpression,
    field: &dyn fmt::Display,
    expected: &str,
    value: &Value,
) -> Fault {
    let problem = format!(
        "returned an unexpected result type. Expected '{expected}', but was '{}' for value: {value}",
        type_name(value)
    );
    failed(expression, field, &problem)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
