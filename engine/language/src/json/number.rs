//! Numbers.

use serde_json::Number;

use super::build::Build;
use super::error::{JsonError, JsonErrorKind, Place};
use super::reader::Reader;
use crate::source::Span;

impl<B: Build> Reader<'_, B> {
    /// Reads the number whose sign or first digit is next.
    pub(super) fn number(&mut self) -> Result<Number, JsonError> {
        let start = self.position;
        let negative = self.bytes[start] == b'-';
        let (magnitude, mut at) = self.integer(start + usize::from(negative))?;
        let mut is_integer = true;
        if self.bytes.get(at) == Some(&b'.') {
            is_integer = false;
            at = self.fraction(at + 1)?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(at) {
            is_integer = false;
            at = self.exponent(at + 1)?;
        }
        self.position = at;
        if is_integer && let Some(magnitude) = magnitude {
            if !negative {
                return Ok(magnitude.into());
            }
            if let Some(integer) = 0_i64.checked_sub_unsigned(magnitude) {
                return Ok(integer.into());
            }
        }
        self.float(start)
    }

    /// Reads the digits before the point; `None` when they do not fit into 64 bits.
    fn integer(&self, start: usize) -> Result<(Option<u64>, usize), JsonError> {
        let mut magnitude = match self.bytes.get(start) {
            Some(digit @ b'0'..=b'9') => Some(u64::from(digit - b'0')),
            Some(_) => return Err(self.not_a_number(start)),
            None => return Err(self.end_of_input("No digit following minus sign")),
        };
        let mut at = start + 1;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(at) {
            if at == start + 1 && magnitude == Some(0) {
                return Err(JsonError::new(
                    JsonErrorKind::Syntax,
                    "Invalid numeric value: Leading zeroes not allowed",
                    Span::new(start, at + 1),
                    Place::After(at),
                ));
            }
            magnitude = magnitude
                .and_then(|magnitude| magnitude.checked_mul(10))
                .and_then(|magnitude| magnitude.checked_add(u64::from(digit - b'0')));
            at += 1;
        }
        Ok((magnitude, at))
    }

    fn fraction(&self, start: usize) -> Result<usize, JsonError> {
        let end = self.digits_end(start);
        if end == start {
            // At the end of the text Jackson still names the character it read last: the point.
            let at = if start == self.bytes.len() {
                start - 1
            } else {
                start
            };
            return Err(self.in_number(at, "Decimal point not followed by a digit"));
        }
        Ok(end)
    }

    fn exponent(&self, mut start: usize) -> Result<usize, JsonError> {
        if let Some(b'+' | b'-') = self.bytes.get(start) {
            start += 1;
        }
        let end = self.digits_end(start);
        if end > start {
            Ok(end)
        } else if start == self.bytes.len() {
            Err(self.end_of_input("expected a digit for number exponent"))
        } else {
            Err(self.in_number(start, "Exponent indicator not followed by a digit"))
        }
    }

    fn digits_end(&self, start: usize) -> usize {
        let digits = self.bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        start + digits.count()
    }

    /// The number from `start` to the position as the nearest `f64`.
    fn float(&self, start: usize) -> Result<Number, JsonError> {
        let text = &self.text[start..self.position];
        // An infinite result is no JSON number, and `from_f64` says so.
        text.parse()
            .ok()
            .and_then(Number::from_f64)
            .ok_or_else(|| self.out_of_range(start))
    }

    #[cold]
    fn out_of_range(&self, start: usize) -> JsonError {
        let text = &self.text[start..self.position];
        let shown = match text.len() {
            0..1_000 => text.to_owned(),
            length => format!("[number with {length} characters]"),
        };
        JsonError::new(
            JsonErrorKind::NumberOutOfRange,
            format!(
                "Numeric value ({shown}) out of range of `double` \
                 (-1.7976931348623157E308 - 1.7976931348623157E308)"
            ),
            Span::new(start, self.position),
            Place::After(self.position),
        )
    }

    /// A minus sign, and at `at` no digit.
    #[cold]
    fn not_a_number(&self, at: usize) -> JsonError {
        for token in ["INF", "Infinity"] {
            if self.text[at..].starts_with(token) {
                let span = Span::new(at - 1, at + token.len());
                return self.non_standard_token(span);
            }
        }
        self.in_number(
            at,
            "expected digit (0-9) to follow minus sign, for valid numeric value",
        )
    }

    #[cold]
    fn in_number(&self, at: usize, expectation: &str) -> JsonError {
        self.fault(
            |character| {
                format!("Unexpected character ({character}) in numeric value: {expectation}")
            },
            at,
        )
    }
}
