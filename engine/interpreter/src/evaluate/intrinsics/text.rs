//! Functions on texts.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Number;
use stepwell_language::expression::IntrinsicCall;
use stepwell_language::expression::intrinsic::Argument;
use stepwell_language::json::Value;

use super::Failure;
use super::arguments::Arguments;
use crate::evaluate::json_path::work::Work;

/// Reads what Java's decoder reads: the `=` at the end may be missing.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// `States.Format`: each `{}` of the template is replaced by the next value.
pub(super) fn format(
    call: &IntrinsicCall,
    arguments: &Arguments<'_>,
    work: &mut Work,
) -> Result<Value, Failure> {
    let unescaped;
    let (template, escaped_braces) = if let Some(Argument::Text(literal)) = call.arguments().first()
    {
        (&*literal.text, &literal.escaped_braces)
    } else {
        unescaped = unescape_braces(arguments.text(0)?);
        (&*unescaped.0, &unescaped.1)
    };
    let mut result = String::new();
    let mut values = arguments.all().skip(1);
    let mut copied = 0;
    for (at, marker) in template.match_indices("{}") {
        // Offsets are in order, but templates are short enough to search.
        if escaped_braces.contains(&at) || escaped_braces.contains(&(at + 1)) {
            continue;
        }
        let value = values.next().ok_or_else(|| unequal(call, template))?;
        let length_before = result.len();
        result.push_str(&template[copied..at]);
        print_outer(value, &mut result);
        work.allocate(result.len() - length_before)?;
        copied = at + marker.len();
    }
    if values.next().is_some() {
        return Err(unequal(call, template));
    }
    result.push_str(&template[copied..]);
    Ok(result.into())
}

fn unequal(call: &IntrinsicCall, template: &str) -> Failure {
    let given = call.arguments().len() - 1;
    let plural = if given == 1 { "" } else { "s" };
    Failure::new(format!(
        "The number of {{}} in the template '{template}' is not that of the {given} value{plural}"
    ))
}

/// A template from data: `\{` and `\}` are braces to be left alone, here too.
fn unescape_braces(text: &str) -> (String, Vec<usize>) {
    let mut unescaped = String::with_capacity(text.len());
    let mut escaped_braces = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(mut character) = characters.next() {
        if character == '\\'
            && let Some(brace) = characters.next_if(|next| matches!(next, '{' | '}'))
        {
            escaped_braces.push(unescaped.len());
            character = brace;
        }
        unescaped.push(character);
    }
    (unescaped, escaped_braces)
}

/// A value as `States.Format` shows it: texts as they are, the rest as Java prints maps and lists.
fn print_outer(value: &Value, result: &mut String) {
    match value {
        Value::Null => result.push_str("null"),
        Value::Bool(boolean) => result.push_str(if *boolean { "true" } else { "false" }),
        Value::Number(number) => print_number(number, result),
        Value::String(text) => result.push_str(text),
        Value::Array(array) => {
            result.push('[');
            for (position, element) in array.iter().enumerate() {
                result.push_str(if position == 0 { "" } else { ", " });
                print_outer(element, result);
            }
            result.push(']');
        }
        Value::Object(object) => {
            result.push('{');
            for (position, (name, member)) in object.iter().enumerate() {
                result.push_str(if position == 0 { "" } else { ", " });
                result.push_str(name);
                result.push('=');
                print_outer(member, result);
            }
            result.push('}');
        }
    }
}

/// Integers as they are, the rest as Java's `Double.toString` has it: `1.1`, `1.0E10`.
fn print_number(number: &Number, result: &mut String) {
    let double = if number.is_f64() {
        number.as_f64()
    } else {
        None
    };
    let start = result.len();
    let written = match double {
        None => write!(result, "{number}"),
        Some(double) if double == 0.0 || (1e-3..1e7).contains(&double.abs()) => {
            write!(result, "{double:?}")
        }
        Some(double) => write!(result, "{double:E}"),
    };
    written.expect("text can be added to a string");
    if double.is_some()
        && !result[start..].contains('.')
        && let Some(exponent) = result[start..].find('E')
    {
        result.insert_str(start + exponent, ".0");
    }
}

/// `States.StringSplit`: splits at any of the delimiters; empty pieces are left out.
pub(super) fn string_split(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    let (text, delimiters) = (arguments.text(0)?, arguments.text(1)?);
    let delimiters: BTreeSet<char> = delimiters.chars().collect();
    let pieces = text.split(|character| delimiters.contains(&character));
    Ok(pieces.filter(|piece| !piece.is_empty()).collect())
}

/// `States.Base64Encode`.
pub(super) fn base64_encode(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    Ok(STANDARD.encode(arguments.short_text(0)?).into())
}

/// `States.Base64Decode`: bytes that are not UTF-8 are replaced, as Java does.
pub(super) fn base64_decode(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    let bytes = LENIENT
        .decode(arguments.short_text(0)?)
        .map_err(|error| Failure::new(format!("The text is not Base64: {error}")))?;
    Ok(Value::from(&*String::from_utf8_lossy(&bytes)))
}
