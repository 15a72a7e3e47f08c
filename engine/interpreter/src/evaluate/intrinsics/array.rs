//! Functions on arrays.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use stepwell_language::json::Value;

use super::Failure;
use super::arguments::Arguments;
use crate::evaluate::json_path::compare;
use crate::evaluate::json_path::work::Work;

/// Elements that `States.ArrayRange` makes.
const RANGE_LENGTH_MAX: u64 = 1_000;

/// `States.Array`: its arguments.
pub(super) fn array(arguments: &Arguments<'_>, work: &mut Work) -> Result<Value, Failure> {
    let mut values = Vec::with_capacity(arguments.count());
    for value in arguments.all() {
        values.push(work.copy(value)?);
    }
    Ok(values.into())
}

/// `States.ArrayPartition`: pieces of the given size, the last one perhaps shorter.
pub(super) fn partition(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    let (array, size) = (arguments.array(0)?, arguments.integer_below(1)?);
    if size < 1 {
        return Err(Failure::new(
            "The size of the pieces must be greater than 0",
        ));
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    Ok(array.chunks(size).map(<[Value]>::to_vec).collect())
}

/// `States.ArrayContains`.
pub(super) fn contains(arguments: &Arguments<'_>, work: &mut Work) -> Result<Value, Failure> {
    let value = arguments.value(1);
    for element in arguments.array(0)? {
        if compare::same(element, value, work)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// `States.ArrayRange`: from the first to the last number, both included.
pub(super) fn range(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    let (first, last) = (arguments.integer(0)?, arguments.integer(1)?);
    let step = arguments.integer(2)?;
    if step == 0 {
        return Err(Failure::new("The step of a range must not be 0"));
    }
    let is_empty = if step > 0 { first > last } else { first < last };
    if is_empty {
        return Ok(Vec::new().into());
    }
    if first.abs_diff(last) / step.unsigned_abs() >= RANGE_LENGTH_MAX {
        let message = format!("The range has more than {RANGE_LENGTH_MAX} elements");
        return Err(Failure::new(message));
    }
    let numbers = std::iter::successors(Some(first), |number| number.checked_add(step));
    let within = |number: &i64| {
        if step > 0 {
            *number <= last
        } else {
            *number >= last
        }
    };
    Ok(numbers.take_while(within).collect())
}

/// `States.ArrayGetItem`: counted from 0.
pub(super) fn get_item(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    let (array, index) = (arguments.array(0)?, arguments.integer(1)?);
    let item = usize::try_from(index)
        .ok()
        .and_then(|index| array.get(index));
    item.cloned().ok_or_else(|| {
        Failure::new(format!(
            "Index {index} is out of range for an array of length {}",
            array.len()
        ))
    })
}

/// `States.ArrayLength`.
pub(super) fn length(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    Ok(Value::from(arguments.array(0)?.len()))
}

/// `States.ArrayUnique`: the first of each, in order.
pub(super) fn unique(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    let mut seen = BTreeSet::new();
    let is_new = |value: &&Value| {
        let mut spelling = String::new();
        spell(value, &mut spelling);
        seen.insert(spelling)
    };
    Ok(arguments.array(0)?.iter().filter(is_new).cloned().collect())
}

/// Writes the same text for the same value: names in order, 1.0 like 1.
fn spell(value: &Value, spelling: &mut String) {
    /// Up to here doubles are the integers that they look like.
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    let written = match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(double) if double.fract() == 0.0 && double.abs() <= WHOLE_MAX => {
                write!(spelling, "{}", double + 0.0)
            }
            _ => write!(spelling, "{number}"),
        },
        Value::Array(array) => {
            spelling.push('[');
            for element in array.iter() {
                spell(element, spelling);
                spelling.push(',');
            }
            spelling.push(']');
            Ok(())
        }
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            spelling.push('{');
            for (name, member) in members {
                // `{:?}` ends a name where it ends, whatever it contains.
                write!(spelling, "{name:?}:").expect("text can be added to a string");
                spell(member, spelling);
                spelling.push(',');
            }
            spelling.push('}');
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::String(_) => write!(spelling, "{value}"),
    };
    written.expect("text can be added to a string");
}
