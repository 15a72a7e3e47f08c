//! Fail: ends its scope with an error.

use std::sync::Arc;

use stepwell_language::json::Value;
use stepwell_language::model::{Fail, TextField};

use crate::chance::Chance;
use crate::data_flow::{self, Scope, Stage};
use crate::failure::Failure;
use crate::fault::Fault;

/// The failure that the state stands for; an error when it cannot be told.
pub(super) fn decide(fail: &Fail, raw: &Scope<'_>, chance: &mut Chance) -> Result<Fault, Fault> {
    raw.see(Stage::InputPath, raw.input);
    let error = text(fail.error.as_ref(), "ErrorPath", raw, chance)?;
    let cause = text(fail.cause.as_ref(), "CausePath", raw, chance)?;
    Ok(Fault::plain(Failure { error, cause }))
}

fn text(
    field: Option<&TextField>,
    name: &str,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Option<Arc<str>>, Fault> {
    match field {
        None => Ok(None),
        Some(TextField::Literal(text)) => Ok(Some(text.as_str().into())),
        Some(TextField::Path(expression)) => {
            match data_flow::evaluate_field(expression, &name, raw, chance)? {
                Value::String(text) => Ok(Some(text)),
                other @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_)) => Err(Fault::runtime(format!(
                    "The {name} field must refer to a string, but its value was: {other}"
                ))),
            }
        }
        Some(TextField::Expression(_)) => {
            unreachable!("a JSONPath state has no JSONata")
        }
    }
}
