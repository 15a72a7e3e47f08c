//! Strings and their escapes.

use std::borrow::Cow;

use super::build::Build;
use super::error::{JsonError, JsonErrorKind, Place};
use super::reader::Reader;
use crate::source::Span;

/// Where a string stands; Jackson names it when the string breaks.
#[derive(Clone, Copy)]
pub(super) enum Role {
    /// The key of an object's entry.
    Key,
    /// A value.
    Value,
}

impl<'text, B: Build> Reader<'text, B> {
    /// Reads the string whose opening quote is next. Borrows where nothing is escaped.
    pub(super) fn string(&mut self, role: Role) -> Result<Cow<'text, str>, JsonError> {
        let start = self.position + 1;
        let mut end = plain_end(self.bytes, start);
        if self.bytes.get(end) == Some(&b'"') {
            self.position = end + 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        let mut unescaped = String::new();
        let mut copied = start;
        loop {
            unescaped.push_str(&self.text[copied..end]);
            match self.bytes.get(end) {
                Some(b'"') => {
                    self.position = end + 1;
                    return Ok(Cow::Owned(unescaped));
                }
                Some(b'\\') => unescaped.push(self.escape(end)?),
                Some(&control) => return Err(unquoted_control(control, end, role)),
                None => return Err(self.unclosed(role)),
            }
            copied = self.position;
            end = plain_end(self.bytes, copied);
        }
    }

    /// Reads the escape whose backslash stands at `start`; the position is after it then.
    fn escape(&mut self, start: usize) -> Result<char, JsonError> {
        let Some(&letter) = self.bytes.get(start + 1) else {
            return Err(self.end_of_input(" in character escape sequence"));
        };
        self.position = start + 2;
        match letter {
            b'"' => Ok('"'),
            b'\\' => Ok('\\'),
            b'/' => Ok('/'),
            b'b' => Ok('\u{8}'),
            b'f' => Ok('\u{c}'),
            b'n' => Ok('\n'),
            b'r' => Ok('\r'),
            b't' => Ok('\t'),
            b'u' => self.unicode_escape(start),
            _ => Err(self.fault(
                |character| format!("Unrecognized character escape {character}"),
                start + 1,
            )),
        }
    }

    /// Reads `\uXXXX`, or two of them that make one character.
    fn unicode_escape(&mut self, start: usize) -> Result<char, JsonError> {
        let unit = self.hex_digits(start + 2)?;
        if let Some(character) = char::from_u32(unit) {
            return Ok(character);
        }
        let is_high = (0xD800..0xDC00).contains(&unit);
        if is_high && self.bytes[self.position..].starts_with(b"\\u") {
            let second = self.hex_digits(self.position + 2)?;
            if (0xDC00..0xE000).contains(&second) {
                let code = 0x1_0000 + ((unit - 0xD800) << 10) + (second - 0xDC00);
                if let Some(character) = char::from_u32(code) {
                    return Ok(character);
                }
            }
        }
        // Jackson keeps half a pair, since Java strings can; no other consumer could read it.
        Err(JsonError::new(
            JsonErrorKind::UnpairedSurrogate,
            format!("Unpaired surrogate escape '\\u{unit:04X}' in string value"),
            Span::new(start, start + 6),
            Place::After(start + 6),
        ))
    }

    /// Reads four hexadecimal digits at `start`; the position is after them then.
    fn hex_digits(&mut self, start: usize) -> Result<u32, JsonError> {
        let mut unit = 0;
        for at in start..start + 4 {
            let Some(&byte) = self.bytes.get(at) else {
                return Err(self.end_of_input(" in character escape sequence"));
            };
            let Some(digit) = char::from(byte).to_digit(16) else {
                let expectation = "expected a hex-digit for character escape sequence";
                return Err(self.fault(
                    |character| format!("Unexpected character ({character}): {expectation}"),
                    at,
                ));
            };
            unit = unit * 16 + digit;
        }
        self.position = start + 4;
        Ok(unit)
    }

    #[cold]
    fn unclosed(&self, role: Role) -> JsonError {
        self.end_of_input(match role {
            Role::Key => " in field name",
            Role::Value => ": was expecting closing quote for a string value",
        })
    }
}

#[cold]
fn unquoted_control(control: u8, at: usize, role: Role) -> JsonError {
    let place = match role {
        Role::Key => "name",
        Role::Value => "string value",
    };
    JsonError::new(
        JsonErrorKind::Syntax,
        format!(
            "Illegal unquoted character ((CTRL-CHAR, code {control})): has to be escaped \
             using backslash to be included in {place}"
        ),
        Span::new(at, at + 1),
        Place::After(at + 1),
    )
}

/// Offset of the first quote, backslash or control character from `at` on, or the end.
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    // Eight bytes at a time: subtracting sets the high bit of each byte that was below the
    // subtrahend. Borrows reach only bytes above a hit, and only the lowest hit is used.
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let hits = ((word.wrapping_sub(ONES * 0x20) & !word)
            | (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash))
            & HIGH_BITS;
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    bytes[at..]
        .iter()
        .position(is_special)
        .map_or(bytes.len(), |offset| at + offset)
}
