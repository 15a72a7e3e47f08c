//! Why a text is not JSON, in Jackson's words.

use std::fmt::Write;

use crate::source::Span;

/// How much of the text a location quotes, in UTF-16 code units.
const QUOTE_LENGTH_MAX: usize = 500;

/// Why a text is not JSON.
///
/// Displays as Jackson's message without its location; see [`Self::location`] and
/// [`Self::message_with_location`] for the rest.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct JsonError {
    /// What kind of mistake.
    pub kind: JsonErrorKind,
    /// Jackson's message.
    pub message: String,
    /// The characters at fault; empty, at the end of the text, where something is missing.
    pub span: Span,
    /// Where Jackson had got to.
    at: Place,
}

/// The kinds of mistakes a caller may want to tell apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum JsonErrorKind {
    /// There is no value at all, only white space or nothing.
    Empty,
    /// The text ends inside a value.
    EndOfInput,
    /// A character or a word that JSON does not have there.
    Syntax,
    /// Something follows the value.
    Trailing,
    /// More than [`DEPTH_MAX`](super::DEPTH_MAX) arrays and objects inside each other.
    TooDeep,
    /// A number too large for an `f64`.
    NumberOutOfRange,
    /// A `\u` escape of one half of a surrogate pair.
    UnpairedSurrogate,
}

/// Where Jackson had got to when it gave up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Before the first character: line 1, column 0.
    Start,
    /// After this many bytes.
    After(usize),
}

impl JsonError {
    pub(super) fn new(
        kind: JsonErrorKind,
        message: impl Into<String>,
        span: Span,
        at: Place,
    ) -> Self {
        Self {
            kind,
            message: message.into(),
            span,
            at,
        }
    }

    /// Where Jackson saw the mistake, in its form: `[Source: (String)"…"; line: 1, column: 4]`.
    /// `text` is the text that was read.
    pub fn location(&self, text: &str) -> String {
        source_location(text, self.at)
    }

    /// Message and location on two lines, as Jackson prints both.
    pub fn message_with_location(&self, text: &str) -> String {
        format!("{}\n at {}", self.message, self.location(text))
    }
}

/// Jackson's `JsonLocation`. Its columns count UTF-16 code units, and the last one read.
pub(super) fn source_location(text: &str, place: Place) -> String {
    let (line, column) = match place {
        Place::Start => (1, 0),
        Place::After(offset) => line_and_column(text, offset),
    };
    let mut location = String::from("[Source: (String)\"");
    let mut rest = 0;
    let mut quoted = 0;
    for character in text.chars() {
        if rest > 0 || quoted + character.len_utf16() > QUOTE_LENGTH_MAX {
            rest += character.len_utf16();
        } else {
            quoted += character.len_utf16();
            match character {
                '\r' | '\n' => location.push(character),
                control if control.is_control() => {
                    let _ = write!(location, "\\u{:04X}", u32::from(control));
                }
                plain => location.push(plain),
            }
        }
    }
    location.push('"');
    if rest > 0 {
        let _ = write!(location, "[truncated {rest} chars]");
    }
    let _ = write!(location, "; line: {line}, column: {column}]");
    location
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let bytes = before.as_bytes();
    let mut line = 1;
    let mut line_start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        // A carriage return ends a line, with or without a newline after it.
        if *byte == b'\n' || (*byte == b'\r' && text.as_bytes().get(at + 1) != Some(&b'\n')) {
            line += 1;
            line_start = at + 1;
        }
    }
    let column = before[line_start..]
        .chars()
        .map(char::len_utf16)
        .sum::<usize>()
        + 1;
    (line, column)
}
