//! The reader: one loop over the text with a stack of its own, so that nesting costs no calls.
//!
//! Its errors follow Jackson's `ReaderBasedJsonParser`, 2.15.

use std::borrow::Cow;
use std::mem;

use super::DEPTH_MAX;
use super::build::Build;
use super::error::{JsonError, JsonErrorKind, Place, source_location};
use super::string::Role;
use crate::source::Span;

/// What Jackson lists where a value should stand.
const VALUES: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

/// Longest token that is quoted in full.
const TOKEN_LENGTH_MAX: usize = 256;

/// Reads the one value of `text`.
pub(super) fn read<B: Build>(text: &str) -> Result<B::Value, JsonError> {
    let mut reader = Reader::<B> {
        text,
        bytes: text.as_bytes(),
        position: 0,
        open: Vec::new(),
    };
    let value = reader.value()?;
    reader.finish()?;
    Ok(value)
}

/// A text and how far it has been read.
pub(super) struct Reader<'text, B: Build> {
    pub(super) text: &'text str,
    pub(super) bytes: &'text [u8],
    pub(super) position: usize,
    /// The arrays and objects that are not closed yet, outermost first.
    open: Vec<Open<'text, B>>,
}

/// An array or object that is not closed yet.
struct Open<'text, B: Build> {
    /// Offset of its bracket.
    start: usize,
    content: Content<'text, B>,
}

enum Content<'text, B: Build> {
    Array(B::Array),
    Object {
        members: B::Object,
        /// The key whose value is being read.
        key: Cow<'text, str>,
        key_span: Span,
    },
}

impl<B: Build> Reader<'_, B> {
    fn value(&mut self) -> Result<B::Value, JsonError> {
        loop {
            let value = match self.next() {
                Some(bracket @ (b'[' | b'{')) => match self.open(bracket)? {
                    Some(empty) => empty,
                    None => continue,
                },
                Some(byte) => self.scalar(byte)?,
                None => return Err(self.no_value()),
            };
            if let Some(value) = self.hand_over(value)? {
                return Ok(value);
            }
        }
    }

    /// Gives a finished value to what encloses it, closing what ends there. `None` when another
    /// value has to follow; the value when nothing encloses it.
    fn hand_over(&mut self, mut value: B::Value) -> Result<Option<B::Value>, JsonError> {
        loop {
            let Some(open) = self.open.last_mut() else {
                return Ok(Some(value));
            };
            let is_object = match &mut open.content {
                Content::Array(items) => {
                    B::push(items, value);
                    false
                }
                Content::Object {
                    members,
                    key,
                    key_span,
                } => {
                    B::insert(members, mem::take(key), *key_span, value);
                    true
                }
            };
            let next = self.next();
            if let Some(closed) = self.close_if(next, if is_object { b'}' } else { b']' }) {
                value = closed;
                continue;
            }
            self.comma(next)?;
            if is_object {
                self.key()?;
            }
            return Ok(None);
        }
    }

    /// Opens an array, or an object up to its first value; returns it when it is empty.
    fn open(&mut self, bracket: u8) -> Result<Option<B::Value>, JsonError> {
        let is_object = bracket == b'{';
        let start = self.position;
        self.push(start, is_object)?;
        let next = self.next();
        if let Some(empty) = self.close_if(next, if is_object { b'}' } else { b']' }) {
            return Ok(Some(empty));
        }
        match next {
            Some(other @ (b']' | b'}')) => Err(self.wrong_close(other)),
            Some(_) if is_object => self.key().map(|()| None),
            Some(_) => Ok(None),
            None => Err(self.not_closed()),
        }
    }

    /// Closes the innermost array or object when `found` is the bracket that does.
    fn close_if(&mut self, found: Option<u8>, bracket: u8) -> Option<B::Value> {
        if found != Some(bracket) {
            return None;
        }
        let open = self.open.pop()?;
        self.position += 1;
        let span = Span::new(open.start, self.position);
        Some(match open.content {
            Content::Array(items) => B::close_array(items, span),
            Content::Object { members, .. } => B::close_object(members, span),
        })
    }

    fn push(&mut self, start: usize, is_object: bool) -> Result<(), JsonError> {
        self.position = start + 1;
        if self.open.len() == DEPTH_MAX {
            return Err(JsonError::new(
                JsonErrorKind::TooDeep,
                format!(
                    "Depth ({}) exceeds the maximum allowed nesting depth ({DEPTH_MAX})",
                    DEPTH_MAX + 1
                ),
                Span::new(start, start + 1),
                Place::After(start + 1),
            ));
        }
        let content = if is_object {
            let (members, key, key_span) = (B::object(), Cow::default(), Span::default());
            Content::Object {
                members,
                key,
                key_span,
            }
        } else {
            Content::Array(B::array())
        };
        self.open.push(Open { start, content });
        Ok(())
    }

    /// Takes the comma after a value, when `found` is one.
    fn comma(&mut self, found: Option<u8>) -> Result<(), JsonError> {
        match found {
            Some(b',') => {
                self.position += 1;
                Ok(())
            }
            Some(bracket @ (b']' | b'}')) => Err(self.wrong_close(bracket)),
            Some(_) => Err(self.unexpected(
                self.position,
                &format!("was expecting comma to separate {} entries", self.scope()),
            )),
            None => Err(self.not_closed()),
        }
    }

    /// Reads a key with its colon into the innermost object.
    fn key(&mut self) -> Result<(), JsonError> {
        let start = match self.next() {
            Some(b'"') => self.position,
            Some(_) => {
                let expectation = "was expecting double-quote to start field name";
                return Err(self.unexpected(self.position, expectation));
            }
            None => return Err(self.end_between_entries()),
        };
        let name = self.string(Role::Key)?;
        let span = Span::new(start, self.position);
        match self.next() {
            Some(b':') => self.position += 1,
            Some(_) => {
                let expectation = "was expecting a colon to separate field name and value";
                return Err(self.unexpected(self.position, expectation));
            }
            None => return Err(self.end_between_entries()),
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            Some(Content::Object { key, key_span, .. }) => (*key, *key_span) = (name, span),
            Some(Content::Array(_)) | None => unreachable!("keys are read inside objects only"),
        }
        Ok(())
    }

    fn scalar(&mut self, first: u8) -> Result<B::Value, JsonError> {
        let start = self.position;
        Ok(match first {
            b'"' => {
                let text = self.string(Role::Value)?;
                B::string(text, Span::new(start, self.position))
            }
            b'-' | b'0'..=b'9' => {
                let number = self.number()?;
                B::number(number, Span::new(start, self.position))
            }
            b't' => B::bool(true, self.literal("true")?),
            b'f' => B::bool(false, self.literal("false")?),
            b'n' => B::null(self.literal("null")?),
            _ => return Err(self.odd_value(first)),
        })
    }

    fn literal(&mut self, word: &str) -> Result<Span, JsonError> {
        let start = self.position;
        let rest = &self.text[start..];
        let matches = rest.strip_prefix(word).is_some_and(|rest| {
            // Jackson looks no closer at what sorts before the digits.
            rest.bytes().next().is_none_or(|byte| byte < b'0')
                || !rest.chars().next().is_some_and(is_identifier_part)
        });
        if !matches {
            return Err(self.unknown_token());
        }
        self.position = start + word.len();
        Ok(Span::new(start, self.position))
    }

    /// Makes sure that nothing follows the value.
    fn finish(&mut self) -> Result<(), JsonError> {
        let after_number = self.position > 0 && self.bytes[self.position - 1].is_ascii_digit();
        let end = self.position;
        let Some(byte) = self.next() else {
            return Ok(());
        };
        if after_number && self.position == end {
            return Err(self.unexpected(end, "Expected space separating root-level values"));
        }
        let start = self.position;
        let token = match byte {
            b'[' => "START_ARRAY",
            b'{' => "START_OBJECT",
            b']' | b'}' => return Err(self.wrong_close(byte)),
            b'"' => "VALUE_STRING",
            b't' => self.literal("true").map(|_| "VALUE_TRUE")?,
            b'f' => self.literal("false").map(|_| "VALUE_FALSE")?,
            b'n' => self.literal("null").map(|_| "VALUE_NULL")?,
            b'-' | b'0'..=b'9' => {
                self.number()?;
                let text = &self.text[start..self.position];
                if text.contains(['.', 'e', 'E']) {
                    "VALUE_NUMBER_FLOAT"
                } else {
                    "VALUE_NUMBER_INT"
                }
            }
            other => return Err(self.odd_value(other)),
        };
        Err(JsonError::new(
            JsonErrorKind::Trailing,
            format!(
                "Trailing token (of type {token}) found after value (bound as \
                 `com.fasterxml.jackson.databind.JsonNode`): not allowed as per \
                 `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`"
            ),
            Span::new(start, self.text.len()),
            Place::After(start),
        ))
    }

    /// Skips white space; the byte that follows, not taken.
    fn next(&mut self) -> Option<u8> {
        while let Some(&byte) = self.bytes.get(self.position) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.position += 1,
                _ => return Some(byte),
            }
        }
        None
    }

    /// `Array`, `Object` or `root`, as Jackson calls what is being read.
    fn scope(&self) -> &'static str {
        match self.open.last().map(|open| &open.content) {
            Some(Content::Array(_)) => "Array",
            Some(Content::Object { .. }) => "Object",
            None => "root",
        }
    }

    /// Jackson's location of the bracket that opened what is being read.
    fn scope_location(&self) -> String {
        let place = self
            .open
            .last()
            .map_or(Place::Start, |open| Place::After(open.start));
        source_location(self.text, place)
    }

    /// The text ends where a value should stand.
    #[cold]
    fn no_value(&self) -> JsonError {
        if self.open.is_empty() {
            let end = self.text.len();
            let message = "No content to map due to end-of-input";
            return JsonError::new(
                JsonErrorKind::Empty,
                message,
                Span::new(end, end),
                Place::Start,
            );
        }
        self.end_between_entries()
    }

    #[cold]
    fn not_closed(&self) -> JsonError {
        self.end_of_input(&format!(
            ": expected close marker for {} (start marker at {})",
            self.scope(),
            self.scope_location()
        ))
    }

    #[cold]
    fn end_between_entries(&self) -> JsonError {
        self.end_of_input(&format!(" within/between {} entries", self.scope()))
    }

    #[cold]
    pub(super) fn end_of_input(&self, detail: &str) -> JsonError {
        let end = self.text.len();
        let message = format!("Unexpected end-of-input{detail}");
        JsonError::new(
            JsonErrorKind::EndOfInput,
            message,
            Span::new(end, end),
            Place::After(end),
        )
    }

    /// A closing bracket that does not close what is open.
    #[cold]
    fn wrong_close(&self, found: u8) -> JsonError {
        let expected = if found == b']' { '}' } else { ']' };
        let message = format!(
            "Unexpected close marker '{}': expected '{expected}' (for {} starting at {})",
            char::from(found),
            self.scope(),
            self.scope_location()
        );
        let span = Span::new(self.position, self.position + 1);
        JsonError::new(JsonErrorKind::Syntax, message, span, Place::After(span.end))
    }

    /// Something that no value starts with, where one should stand.
    #[cold]
    fn odd_value(&self, first: u8) -> JsonError {
        let start = self.position;
        match first {
            b']' | b'}' if self.open.is_empty() => return self.wrong_close(first),
            b'}' => return self.unexpected(start, "expected a value"),
            b'+' => {
                let expectation = "JSON spec does not allow numbers to have plus signs: enable \
                    `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow";
                return self.fault(
                    |character| {
                        format!(
                            "Unexpected character ({character}) in numeric value: {expectation}"
                        )
                    },
                    start,
                );
            }
            _ => {}
        }
        if self.text[start..]
            .chars()
            .next()
            .is_some_and(is_identifier_start)
        {
            return self.unknown_token();
        }
        self.unexpected(start, &format!("expected a valid value {VALUES}"))
    }

    /// A word that JSON does not know.
    #[cold]
    fn unknown_token(&self) -> JsonError {
        let start = self.position;
        let token: String = self.text[start..]
            .chars()
            .take_while(|character| is_identifier_part(*character))
            .take(TOKEN_LENGTH_MAX)
            .collect();
        let span = Span::new(start, start + token.len());
        if token == "NaN" || token == "Infinity" {
            return self.non_standard_token(span);
        }
        let more = if token.chars().count() == TOKEN_LENGTH_MAX {
            "..."
        } else {
            ""
        };
        let message = format!("Unrecognized token '{token}{more}': was expecting {VALUES}");
        JsonError::new(JsonErrorKind::Syntax, message, span, Place::After(span.end))
    }

    #[cold]
    pub(super) fn non_standard_token(&self, span: Span) -> JsonError {
        let message = format!(
            "Non-standard token '{}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow",
            &self.text[span.range()]
        );
        JsonError::new(JsonErrorKind::Syntax, message, span, Place::After(span.end))
    }

    /// A character between tokens that does not belong there.
    #[cold]
    pub(super) fn unexpected(&self, at: usize, expectation: &str) -> JsonError {
        let between_tokens = at == self.position;
        self.fault(
            |character| match self.bytes[at] {
                0..0x20 if between_tokens => format!(
                    "Illegal character ({character}): only regular white space (\\r, \\n, \\t) \
                     is allowed between tokens"
                ),
                b'/' if between_tokens => format!(
                    "Unexpected character ({character}): maybe a (non-standard) comment? (not \
                     recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)"
                ),
                _ => format!("Unexpected character ({character}): {expectation}"),
            },
            at,
        )
    }

    /// A mistake in the character at `at`, which `message` gets described as Jackson does.
    #[cold]
    pub(super) fn fault(&self, message: impl Fn(&str) -> String, at: usize) -> JsonError {
        let character = self.text[at..].chars().next().unwrap_or_default();
        let span = Span::new(at, at + character.len_utf8());
        let message = message(&describe(character));
        JsonError::new(JsonErrorKind::Syntax, message, span, Place::After(span.end))
    }
}

/// `'x' (code 120)`. Java sees UTF-16: of a character beyond it, the first half.
fn describe(character: char) -> String {
    let code = u32::from(character);
    if character.is_control() {
        format!("(CTRL-CHAR, code {code})")
    } else if code > 0xFFFF {
        let unit = character.encode_utf16(&mut [0; 2])[0];
        format!("'?' (code {unit} / 0x{unit:x})")
    } else if code > 0xFF {
        format!("'{character}' (code {code} / 0x{code:x})")
    } else {
        format!("'{character}' (code {code})")
    }
}

/// Nearly `Character.isJavaIdentifierStart`; characters beyond UTF-16 are two units to Java, and
/// neither is a letter.
fn is_identifier_start(character: char) -> bool {
    let is_currency = matches!(character, '$' | '¢'..='¥' | '\u{20A0}'..='\u{20CF}');
    u32::from(character) <= 0xFFFF && (character.is_alphabetic() || character == '_' || is_currency)
}

/// Nearly `Character.isJavaIdentifierPart`.
fn is_identifier_part(character: char) -> bool {
    let is_ignorable = matches!(
        character,
        '\0'..='\u{8}' | '\u{E}'..='\u{1B}' | '\u{7F}'..='\u{9F}' | '\u{AD}' | '\u{FEFF}'
            | '\u{200B}'..='\u{200F}'
    );
    is_identifier_start(character)
        || is_ignorable
        || (character.is_numeric() && u32::from(character) <= 0xFFFF)
}
