//! The arguments of a call, by position and kind.

use std::borrow::Cow;

use stepwell_language::json::{Members, Value};

use super::Failure;

/// Characters that the functions on texts take, where they have a limit.
pub(super) const TEXT_LENGTH_MAX: usize = 10_000;

/// As many values as the function takes: reading a call has checked that.
pub(super) struct Arguments<'a>(&'a [Cow<'a, Value>]);

impl<'a> Arguments<'a> {
    pub(super) fn new(values: &'a [Cow<'a, Value>]) -> Self {
        Self(values)
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'a Value> {
        self.0.iter().map(AsRef::as_ref)
    }

    pub(super) fn value(&self, position: usize) -> &'a Value {
        &self.0[position]
    }

    pub(super) fn text(&self, position: usize) -> Result<&'a str, Failure> {
        self.value(position)
            .as_str()
            .ok_or_else(|| self.unfit(position, "a string"))
    }

    pub(super) fn short_text(&self, position: usize) -> Result<&'a str, Failure> {
        let text = self.text(position)?;
        check_length(text)?;
        Ok(text)
    }

    pub(super) fn array(&self, position: usize) -> Result<&'a [Value], Failure> {
        match self.value(position) {
            Value::Array(array) => Ok(array),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => Err(self.unfit(position, "an array")),
        }
    }

    pub(super) fn object(&self, position: usize) -> Result<&'a Members, Failure> {
        self.value(position)
            .as_object()
            .ok_or_else(|| self.unfit(position, "an object"))
    }

    pub(super) fn boolean(&self, position: usize) -> Result<bool, Failure> {
        self.value(position)
            .as_bool()
            .ok_or_else(|| self.unfit(position, "a boolean"))
    }

    /// A number, rounded to the nearest integer; halves go up, so that -1.5 becomes -1.
    pub(super) fn integer(&self, position: usize) -> Result<i64, Failure> {
        self.rounded(position, |number| {
            let below = number.floor();
            if number - below < 0.5 {
                below
            } else {
                below + 1.0
            }
        })
    }

    /// A number, rounded down.
    pub(super) fn integer_below(&self, position: usize) -> Result<i64, Failure> {
        self.rounded(position, f64::floor)
    }

    fn rounded(&self, position: usize, round: impl Fn(f64) -> f64) -> Result<i64, Failure> {
        /// 2^63, the first double above all integers of 64 bits.
        const END: f64 = 9_223_372_036_854_775_808.0;
        let Value::Number(number) = self.value(position) else {
            return Err(self.unfit(position, "a number"));
        };
        if let Some(integer) = number.as_i64() {
            return Ok(integer);
        }
        let rounded = number
            .as_f64()
            .map(round)
            .filter(|number| (-END..END).contains(number));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole and within 64 bits"
        )]
        let integer = rounded.map(|number| number as i64);
        integer.ok_or_else(|| self.unfit(position, "an integer of 64 bits"))
    }

    fn unfit(&self, position: usize, expected: &str) -> Failure {
        let found = match self.value(position) {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        let found = if found == "a number" && expected.contains("integer") {
            "larger"
        } else {
            found
        };
        Failure::new(format!(
            "Argument {} must be {expected}, but is {found}",
            position + 1
        ))
    }
}

pub(super) fn check_length(text: &str) -> Result<(), Failure> {
    if text.len() > TEXT_LENGTH_MAX && text.chars().count() > TEXT_LENGTH_MAX {
        return Err(Failure::new(format!(
            "The text is longer than {TEXT_LENGTH_MAX} characters"
        )));
    }
    Ok(())
}
