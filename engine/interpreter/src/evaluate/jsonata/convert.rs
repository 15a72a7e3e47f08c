//! JSON to the library's values and back.

use jsonata_core::value::JValue;
use serde_json::Number;
use stepwell_language::json::{Members, Value};

/// Levels that an answer may nest.
const DEPTH_MAX: usize = 1_000;

/// Bytes of an answer. What a state may give out is far less; this keeps an answer that refers to
/// its own parts many times over from being written out in full.
const SIZE_MAX: usize = 8 * 1024 * 1024;

/// Why an answer is not JSON.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Unconvertible {
    /// There is a function or a regular expression in it.
    Unsupported,
    /// It is too large, or nests too deep.
    TooLarge,
}

/// JSON as the library holds it.
pub(super) fn to_library(value: &Value) -> JValue {
    match value {
        Value::Null => JValue::Null,
        Value::Bool(value) => JValue::Bool(*value),
        Value::Number(number) => JValue::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => JValue::string(&**text),
        Value::Array(elements) => JValue::array(elements.iter().map(to_library).collect()),
        Value::Object(entries) => JValue::object(
            entries
                .iter()
                .map(|(key, entry)| (key.to_string(), to_library(entry)))
                .collect(),
        ),
    }
}

/// An answer of the library as JSON.
pub(super) fn from_library(value: &JValue) -> Result<Value, Unconvertible> {
    convert(value, DEPTH_MAX, &mut SIZE_MAX.clone())
}

fn convert(value: &JValue, levels: usize, room: &mut usize) -> Result<Value, Unconvertible> {
    let size = 2 + value.as_str().map_or(0, str::len);
    *room = room.checked_sub(size).ok_or(Unconvertible::TooLarge)?;
    Ok(match value {
        // An element or a member that is not there is `null` wherever it got to.
        JValue::Null | JValue::Undefined => Value::Null,
        JValue::Bool(value) => Value::Bool(*value),
        JValue::Number(number) => number_value(*number),
        JValue::String(text) => Value::from(&**text),
        JValue::Array(elements) => {
            let levels = levels.checked_sub(1).ok_or(Unconvertible::TooLarge)?;
            let elements = elements.iter();
            let converted = elements.map(|element| convert(element, levels, room));
            Value::Array(converted.collect::<Result<_, _>>()?)
        }
        JValue::Object(entries) => {
            let levels = levels.checked_sub(1).ok_or(Unconvertible::TooLarge)?;
            let mut object = Members::with_capacity(entries.len());
            for (key, entry) in entries.iter() {
                *room = room.checked_sub(key.len()).ok_or(Unconvertible::TooLarge)?;
                object.insert(key.as_str(), convert(entry, levels, room)?);
            }
            object.into()
        }
        JValue::Lambda(_) | JValue::Builtin { .. } | JValue::Regex { .. } => {
            return Err(Unconvertible::Unsupported);
        }
    })
}

/// A number of JSONata: whole ones are integers. Those that JSON cannot spell are texts, as the
/// service's JSON library writes them.
fn number_value(number: f64) -> Value {
    /// 2^63, the first double above all integers of 64 bits.
    const END: f64 = 9_223_372_036_854_775_808.0;
    if number.fract() == 0.0 && (-END..END).contains(&number) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole and within 64 bits"
        )]
        let integer = number as i64;
        return integer.into();
    }
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => "NaN".into(),
        None if number > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}
