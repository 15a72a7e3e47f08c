//! Functions on numbers.

use stepwell_language::json::Value;

use super::Failure;
use super::arguments::Arguments;
use crate::Chance;

/// `States.MathAdd`: rounds each number first, and keeps to 32 bits.
pub(super) fn add(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    let (first, second) = (small_integer(arguments, 0)?, small_integer(arguments, 1)?);
    let sum = first
        .checked_add(second)
        .ok_or_else(|| Failure::new("The sum is out of range"))?;
    Ok(Value::from(sum))
}

fn small_integer(arguments: &Arguments<'_>, position: usize) -> Result<i32, Failure> {
    let number = arguments.integer(position)?;
    i32::try_from(number).map_err(|_| {
        Failure::new(format!(
            "Argument {} must be an integer of 32 bits, but is {number}",
            position + 1
        ))
    })
}

/// `States.MathRandom`: the start may come, the end does not; the same seed gives the same number.
pub(super) fn random(arguments: &Arguments<'_>, chance: &mut Chance) -> Result<Value, Failure> {
    let (start, end) = (arguments.integer(0)?, arguments.integer(1)?);
    if start >= end {
        let message = format!("The start {start} must be less than the end {end}");
        return Err(Failure::new(message));
    }
    if end.checked_sub(start).is_none() {
        return Err(Failure::new("The range is wider than 64 bits"));
    }
    let number = if arguments.count() > 2 {
        let seed = arguments.integer(2)?.cast_unsigned();
        Chance::from_number(seed).integer(start, end)
    } else {
        chance.integer(start, end)
    };
    Ok(Value::from(number))
}
