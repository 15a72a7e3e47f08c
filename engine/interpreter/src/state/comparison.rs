//! The comparison operators of Choice rules. A value of another type makes a comparison false.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Number;
use stepwell_language::expression::JsonPath;
use stepwell_language::json::Value;
use stepwell_language::model::{Comparison, Operand, Order};
use stepwell_language::timestamp;

use crate::data_flow::{self, Scope};
use crate::evaluate::json_path;
use crate::fault::Fault;

/// A path that was looked up.
pub(super) struct Looked<'a> {
    path: &'a JsonPath,
    /// What it leads to, or why it leads nowhere.
    value: Result<Cow<'a, Value>, Fault>,
}

impl<'a> Looked<'a> {
    pub(super) fn new(path: &'a JsonPath, scope: &'a Scope<'_>) -> Self {
        let value = look_up(path, scope);
        Self { path, value }
    }

    /// Whether this is what a path would find.
    pub(super) fn is_of(&self, path: &JsonPath) -> bool {
        self.path.text() == path.text()
    }
}

/// Whether the value of a variable compares as asked.
pub(super) fn holds(
    variable: &Looked<'_>,
    comparison: &Comparison,
    scope: &Scope<'_>,
) -> Result<bool, Fault> {
    if let Comparison::IsPresent(expected) = comparison {
        return Ok(variable.value.is_ok() == *expected);
    }
    let value = variable.value.as_deref().map_err(Fault::clone)?;
    Ok(match comparison {
        Comparison::String(order, operand) => match operand {
            Operand::Literal(literal) => compare_strings(value, literal, *order),
            Operand::Path(path) => with_operand(path, scope, |other| {
                other
                    .as_str()
                    .is_some_and(|other| compare_strings(value, other, *order))
            })?,
        },
        Comparison::Numeric(order, operand) => match operand {
            Operand::Literal(literal) => compare_numbers(value, literal, *order),
            Operand::Path(path) => with_operand(path, scope, |other| match other {
                Value::Number(other) => compare_numbers(value, other, *order),
                Value::Null
                | Value::Bool(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Object(_) => false,
            })?,
        },
        Comparison::Timestamp(order, operand) => match operand {
            Operand::Literal(literal) => compare_timestamps(value, literal, *order),
            Operand::Path(path) => with_operand(path, scope, |other| {
                other
                    .as_str()
                    .is_some_and(|other| compare_timestamps(value, other, *order))
            })?,
        },
        Comparison::Boolean(operand) => match operand {
            Operand::Literal(literal) => value.as_bool() == Some(*literal),
            Operand::Path(path) => with_operand(path, scope, |other| {
                value.is_boolean() && value.as_bool() == other.as_bool()
            })?,
        },
        Comparison::StringMatches(pattern) => {
            value.as_str().is_some_and(|text| matches(pattern, text))
        }
        Comparison::IsNull(expected) => value.is_null() == *expected,
        Comparison::IsNumeric(expected) => value.is_number() == *expected,
        Comparison::IsString(expected) => value.is_string() == *expected,
        Comparison::IsBoolean(expected) => value.is_boolean() == *expected,
        Comparison::IsTimestamp(expected) => value.as_str().is_some_and(is_timestamp) == *expected,
        Comparison::IsPresent(_) => unreachable!("decided above"),
    })
}

fn with_operand(
    path: &JsonPath,
    scope: &Scope<'_>,
    compare: impl FnOnce(&Value) -> bool,
) -> Result<bool, Fault> {
    Ok(compare(look_up(path, scope)?.as_ref()))
}

fn look_up<'a>(path: &JsonPath, scope: &'a Scope<'_>) -> Result<Cow<'a, Value>, Fault> {
    data_flow::check_input(path, scope)?;
    json_path::evaluate(path, scope).map_err(|_| invalid(path))
}

fn invalid(path: &JsonPath) -> Fault {
    Fault::runtime(format!(
        "Invalid path '{}': The choice state's condition path references an invalid value.",
        path.text()
    ))
}

fn satisfies(ordering: Ordering, order: Order) -> bool {
    match order {
        Order::Equals => ordering.is_eq(),
        Order::LessThan => ordering.is_lt(),
        Order::GreaterThan => ordering.is_gt(),
        Order::LessThanEquals => ordering.is_le(),
        Order::GreaterThanEquals => ordering.is_ge(),
    }
}

/// Strings compare by UTF-16 code units, as Java's do.
fn compare_strings(value: &Value, other: &str, order: Order) -> bool {
    value
        .as_str()
        .is_some_and(|text| satisfies(text.encode_utf16().cmp(other.encode_utf16()), order))
}

fn compare_numbers(value: &Value, other: &Number, order: Order) -> bool {
    let Value::Number(number) = value else {
        return false;
    };
    let ordering = match (number.as_i64(), other.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ if !number.is_f64() && !other.is_f64() => Some(number.as_i128().cmp(&other.as_i128())),
        _ => number
            .as_f64()
            .zip(other.as_f64())
            .and_then(|(left, right)| left.partial_cmp(&right)),
    };
    ordering.is_some_and(|ordering| satisfies(ordering, order))
}

/// Timestamps compare as instants, to the nanosecond.
fn compare_timestamps(value: &Value, other: &str, order: Order) -> bool {
    value
        .as_str()
        .and_then(instant)
        .zip(instant(other))
        .is_some_and(|(left, right)| satisfies(left.cmp(&right), order))
}

fn is_timestamp(text: &str) -> bool {
    instant(text).is_some()
}

/// Seconds and nanoseconds of a timestamp.
fn instant(text: &str) -> Option<(i64, u32)> {
    let instant = timestamp::parse(text)?;
    Some((instant.timestamp(), instant.timestamp_subsec_nanos()))
}

/// Whether `text` has the form of `pattern`: `*` stands for any text, a backslash makes the next
/// character stand for itself. Takes time in proportion to both lengths' product at worst.
fn matches(pattern: &str, text: &str) -> bool {
    let mut wanted = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        wanted.push(match character {
            '*' => None,
            '\\' => Some(characters.next().unwrap_or('\\')),
            other => Some(other),
        });
    }
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut in_text) = (0, 0);
    let mut star = None;
    while in_text < text.len() {
        match wanted.get(at) {
            Some(Some(character)) if *character == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            Some(None) => {
                star = Some((at, in_text));
                at += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else {
                    return false;
                };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                in_text = taken + 1;
            }
        }
    }
    wanted[at..].iter().all(Option::is_none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_match(pattern: &str, text: &str, expected: bool) {
        assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
    }

    #[test]
    fn stars_match_any_text_and_backslashes_quote() {
        check_match("log-*.txt", "log-.txt", true);
        check_match("log-*.txt", "log-a.b.txt", true);
        check_match("log-*.txt", "log-a.txt.bak", false);
        check_match("*a*a*", "banana", true);
        check_match("*a*a*a*a*", "banana", false);
        check_match(r"a\*b", "a*b", true);
        check_match(r"a\*b", "axb", false);
        check_match(r"a\\b", r"a\b", true);
        check_match("", "", true);
        check_match("*", "", true);
        check_match("", "a", false);
    }

    #[test]
    fn numbers_compare_across_kinds_without_losing_digits() {
        let number = |text: &str| text.parse::<Number>().unwrap();
        assert!(compare_numbers(&1.into(), &number("1.0"), Order::Equals));
        assert!(compare_numbers(
            &9_007_199_254_740_993_u64.into(),
            &number("9007199254740992"),
            Order::GreaterThan
        ));
        assert!(!compare_numbers(&"1".into(), &number("1"), Order::Equals));
    }

    #[test]
    fn strings_compare_by_code_units() {
        assert!(compare_strings(
            &"\u{1F600}".into(),
            "\u{FF5E}",
            Order::LessThan
        ));
    }
}
