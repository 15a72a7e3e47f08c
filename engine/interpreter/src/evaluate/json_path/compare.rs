//! How JSON values compare.

use std::cmp::Ordering;

use serde_json::Number;
use stepwell_language::expression::json_path::filter::Comparison;
use stepwell_language::json::Value;

use super::work::{TooMuchWork, Work};

/// Whether a comparison in a filter holds; `None` is a value that is not there.
pub(super) fn holds(
    left: Option<&Value>,
    comparison: Comparison,
    right: Option<&Value>,
    work: &mut Work,
) -> Result<bool, TooMuchWork> {
    let (Some(left), Some(right)) = (left, right) else {
        return Ok(match comparison {
            Comparison::NotEqual | Comparison::NotIn | Comparison::NoneOf => true,
            Comparison::Equal
            | Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Greater
            | Comparison::GreaterOrEqual
            | Comparison::In
            | Comparison::SubsetOf
            | Comparison::AnyOf
            | Comparison::Contains
            | Comparison::Size
            | Comparison::Empty => false,
        });
    };
    Ok(match comparison {
        Comparison::Equal => same(left, right, work)?,
        Comparison::NotEqual => !same(left, right, work)?,
        Comparison::Less => order(left, right).is_some_and(Ordering::is_lt),
        Comparison::LessOrEqual => order(left, right).is_some_and(Ordering::is_le),
        Comparison::Greater => order(left, right).is_some_and(Ordering::is_gt),
        Comparison::GreaterOrEqual => order(left, right).is_some_and(Ordering::is_ge),
        Comparison::In => is_element(left, right, work)?,
        Comparison::NotIn => !is_element(left, right, work)?,
        Comparison::SubsetOf => {
            count_shared(left, right, work)?.is_some_and(|(some, all)| some == all)
        }
        Comparison::AnyOf => count_shared(left, right, work)?.is_some_and(|(some, _)| some > 0),
        Comparison::NoneOf => count_shared(left, right, work)?.is_none_or(|(some, _)| some == 0),
        Comparison::Contains => match (left, right) {
            (Value::String(text), Value::String(part)) => text.contains(&**part),
            _ => is_element(right, left, work)?,
        },
        Comparison::Size => length(left).is_some_and(|length| right.as_u64() == Some(length)),
        Comparison::Empty => {
            is_empty(left).is_some_and(|is_empty| right.as_bool() == Some(is_empty))
        }
    })
}

/// Whether two values are equal: numbers by value, objects without order.
pub(in super::super) fn same(
    left: &Value,
    right: &Value,
    work: &mut Work,
) -> Result<bool, TooMuchWork> {
    let mut open = vec![(left, right)];
    while let Some(pair) = open.pop() {
        work.look(1)?;
        let is_same = match pair {
            (Value::Null, Value::Null) => true,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            (Value::Number(left), Value::Number(right)) => {
                order_numbers(left, right) == Some(Ordering::Equal)
            }
            (Value::String(left), Value::String(right)) => left == right,
            (Value::Array(left), Value::Array(right)) => {
                open.extend(left.iter().zip(right.iter()));
                left.len() == right.len()
            }
            (Value::Object(left), Value::Object(right)) => {
                let pairs_before = open.len();
                open.extend(
                    left.iter()
                        .filter_map(|(name, left)| Some((left, right.get(name)?))),
                );
                left.len() == right.len() && open.len() - pairs_before == left.len()
            }
            _ => false,
        };
        if !is_same {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_element(value: &Value, array: &Value, work: &mut Work) -> Result<bool, TooMuchWork> {
    for element in array.as_array().into_iter().flatten() {
        if same(value, element, work)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many elements on the left are also on the right, and how many there are on the left.
fn count_shared(
    left: &Value,
    right: &Value,
    work: &mut Work,
) -> Result<Option<(usize, usize)>, TooMuchWork> {
    let (Value::Array(elements), Value::Array(_)) = (left, right) else {
        return Ok(None);
    };
    let mut count = 0;
    for element in elements.iter() {
        if is_element(element, right, work)? {
            count += 1;
        }
    }
    Ok(Some((count, elements.len())))
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => order_numbers(left, right),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Integers compare exactly, which doubles cannot above 2^53.
fn order_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn length(value: &Value) -> Option<u64> {
    let length = match value {
        Value::Array(array) => array.len(),
        Value::String(text) => text.chars().count(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    u64::try_from(length).ok()
}

fn is_empty(value: &Value) -> Option<bool> {
    match value {
        Value::Array(array) => Some(array.is_empty()),
        Value::Object(object) => Some(object.is_empty()),
        Value::String(text) => Some(text.is_empty()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
