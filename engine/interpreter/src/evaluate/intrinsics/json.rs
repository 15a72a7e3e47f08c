//! Functions on JSON.

use std::sync::Arc;

use stepwell_language::json::Value;

use super::Failure;
use super::arguments::Arguments;

/// `States.StringToJson`: blanks alone are `null`, as recorded.
pub(super) fn string_to_json(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    let text = arguments.text(0)?;
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    let mut value = serde_json::from_str(text)
        .map_err(|error| Failure::new(format!("The text is not JSON: {error}")))?;
    drop_signs_of_zero(&mut value);
    Ok(value)
}

/// `-0` is the integer 0, as recorded; the reader makes a double of it.
fn drop_signs_of_zero(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if number.as_f64() == Some(0.0) && number.to_string() == "-0.0" {
                *number = 0.into();
            }
        }
        Value::Array(array) => Arc::make_mut(array).iter_mut().for_each(drop_signs_of_zero),
        Value::Object(object) => Arc::make_mut(object)
            .values_mut()
            .for_each(drop_signs_of_zero),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// `States.JsonToString`.
pub(super) fn json_to_string(arguments: &Arguments<'_>) -> Value {
    arguments.value(0).to_string().into()
}

/// `States.JsonMerge`: the members of both, those of the second winning.
pub(super) fn json_merge(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    let (first, second) = (arguments.object(0)?, arguments.object(1)?);
    if arguments.boolean(2)? {
        return Err(Failure::new(
            "Deep merging is not supported: the last argument must be false",
        ));
    }
    let mut merged = first.clone();
    merged.extend(
        second
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    Ok(merged.into())
}
