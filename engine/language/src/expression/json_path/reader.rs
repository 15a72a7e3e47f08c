//! Reads a path from left to right.

use std::sync::Arc;

use super::super::cursor::Cursor;
use super::super::{ExpressionError, Root};
use super::{Segment, Slice, filter};

/// What was read: the segments with the offsets where they start.
pub(in super::super) struct Read {
    pub(in super::super) root: Root,
    pub(in super::super) segments: Vec<(usize, Segment)>,
}

/// Where a path stands, which decides where it ends.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// By itself, or as an argument of a call.
    Alone,
    /// In a filter, where an operator may follow; so many filters and parentheses deep.
    Filter { depth: usize },
}

/// Reads a path that starts here; it ends before what cannot belong to it.
pub(in super::super) fn read(cursor: &mut Cursor<'_>) -> Result<Read, ExpressionError> {
    let root = read_root(cursor)?;
    let segments = read_segments(cursor, Place::Alone)?;
    Ok(Read { root, segments })
}

pub(super) fn read_root(cursor: &mut Cursor<'_>) -> Result<Root, ExpressionError> {
    cursor.expect("$")?;
    if cursor.eat("$") {
        return Ok(Root::Context);
    }
    let name = cursor.eat_while(|character| character.is_alphanumeric() || character == '_');
    if name.is_empty() {
        return Ok(Root::Input);
    }
    if name.starts_with(char::is_numeric) {
        let at = cursor.at() - name.len();
        return Err(cursor.fail_at(at, "a variable's name does not start with a digit"));
    }
    Ok(Root::Variable(name.into()))
}

pub(super) fn read_segments(
    cursor: &mut Cursor<'_>,
    place: Place,
) -> Result<Vec<(usize, Segment)>, ExpressionError> {
    let mut segments = Vec::new();
    loop {
        let at = cursor.at();
        let segment = if cursor.eat("..") {
            Segment::Descendants(Box::new(read_after_dot(cursor, place)?))
        } else if cursor.eat(".") {
            read_after_dot(cursor, place)?
        } else if cursor.peek() == Some('[') {
            read_brackets(cursor, place)?
        } else {
            return Ok(segments);
        };
        segments.push((at, segment));
    }
}

fn read_after_dot(cursor: &mut Cursor<'_>, place: Place) -> Result<Segment, ExpressionError> {
    match cursor.peek() {
        None => Err(cursor.fail("the path ends with a dot")),
        Some('[') => read_brackets(cursor, place),
        Some('*') => {
            cursor.next();
            Ok(Segment::Wildcard)
        }
        Some(_) => read_dotted_name(cursor, place).map(Segment::Name),
    }
}

fn read_dotted_name(cursor: &mut Cursor<'_>, place: Place) -> Result<Arc<str>, ExpressionError> {
    let at = cursor.at();
    let mut name = String::new();
    loop {
        name.push_str(cursor.eat_while(|character| belongs_to_name(character, place)));
        if cursor.peek() != Some('\\') {
            break;
        }
        name.push(read_escape(cursor)?);
    }
    if name.is_empty() {
        return Err(cursor.expected("a name"));
    }
    if cursor.peek() == Some('(') {
        return Err(cursor.fail_at(
            at,
            format!("functions such as `{name}()` are not supported"),
        ));
    }
    Ok(name.into())
}

fn belongs_to_name(character: char, place: Place) -> bool {
    let ends = match character {
        '.' | '[' | ']' | '(' | ')' | ',' | '\'' | '"' | '`' | '*' | '?' | '\\' => true,
        '=' | '!' | '<' | '>' | '&' | '|' => match place {
            Place::Alone => false,
            Place::Filter { .. } => true,
        },
        _ => character.is_whitespace() || character.is_control(),
    };
    !ends
}

/// `\.` is a dot within a name, `\u00e4` a character by its number (two of them above U+FFFF).
fn read_escape(cursor: &mut Cursor<'_>) -> Result<char, ExpressionError> {
    let at = cursor.at();
    cursor.expect("\\")?;
    match cursor.next() {
        None => Err(cursor.fail("a name ends with a backslash")),
        Some('u') => {
            let units = [read_code_unit(cursor), read_second_surrogate(cursor)];
            let mut characters = char::decode_utf16(units.into_iter().flatten());
            match (characters.next(), characters.next()) {
                (Some(Ok(character)), None) => Ok(character),
                _ => Err(cursor.fail_at(
                    at,
                    "`\\u` needs four hexadecimal digits that make a character",
                )),
            }
        }
        Some(character) => Ok(character),
    }
}

fn read_second_surrogate(cursor: &mut Cursor<'_>) -> Option<u16> {
    let digits = cursor.rest().strip_prefix("\\u")?.get(..4)?;
    let unit = u16::from_str_radix(digits, 16).ok()?;
    if !(0xDC00..=0xDFFF).contains(&unit) {
        return None;
    }
    cursor.eat("\\u");
    read_code_unit(cursor)
}

fn read_code_unit(cursor: &mut Cursor<'_>) -> Option<u16> {
    let digits = cursor.rest().get(..4)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    cursor.eat(digits);
    u16::from_str_radix(digits, 16).ok()
}

fn read_brackets(cursor: &mut Cursor<'_>, place: Place) -> Result<Segment, ExpressionError> {
    cursor.expect("[")?;
    cursor.skip_blanks();
    let segment = match cursor.peek() {
        Some('\'' | '"') => read_names(cursor)?,
        Some('*') => {
            cursor.next();
            Segment::Wildcard
        }
        Some('?') => Segment::Filter(filter::read(cursor, place)?),
        Some('-' | ':' | '0'..='9') => read_positions(cursor)?,
        _ => return Err(cursor.expected("a name in quotes, an index, `*` or `?(`")),
    };
    cursor.skip_blanks();
    cursor.expect("]")?;
    Ok(segment)
}

fn read_names(cursor: &mut Cursor<'_>) -> Result<Segment, ExpressionError> {
    let first = read_quoted(cursor)?;
    let mut names: Vec<Arc<str>> = vec![first.into()];
    loop {
        cursor.skip_blanks();
        if !cursor.eat(",") {
            break;
        }
        cursor.skip_blanks();
        names.push(read_quoted(cursor)?.into());
    }
    if names.len() == 1 {
        return Ok(Segment::Name(names.remove(0)));
    }
    Ok(Segment::Names(names))
}

/// Reads text in single or double quotes.
///
/// A backslash escapes the quotation mark and itself; before another character it stays, as the
/// live service was seen to do.
pub(super) fn read_quoted(cursor: &mut Cursor<'_>) -> Result<String, ExpressionError> {
    let at = cursor.at();
    let Some(mark @ ('\'' | '"')) = cursor.next() else {
        return Err(cursor.fail_at(at, "expected a name in quotes"));
    };
    let mut text = String::new();
    loop {
        text.push_str(cursor.eat_while(|character| character != mark && character != '\\'));
        match cursor.next() {
            None => return Err(cursor.fail_at(at, "a quotation mark is missing")),
            Some('\\') => match cursor.next() {
                None => return Err(cursor.fail_at(at, "a quotation mark is missing")),
                Some(character) => {
                    if character != mark && character != '\\' {
                        text.push('\\');
                    }
                    text.push(character);
                }
            },
            Some(_) => return Ok(text),
        }
    }
}

fn read_positions(cursor: &mut Cursor<'_>) -> Result<Segment, ExpressionError> {
    let first = read_integer(cursor)?;
    cursor.skip_blanks();
    if cursor.peek() == Some(':') {
        return read_slice(cursor, first).map(Segment::Slice);
    }
    let Some(first) = first else {
        return Err(cursor.expected("an index"));
    };
    let mut indexes = vec![first];
    while cursor.eat(",") {
        cursor.skip_blanks();
        indexes.push(read_integer(cursor)?.ok_or_else(|| cursor.expected("an index"))?);
        cursor.skip_blanks();
    }
    if indexes.len() == 1 {
        return Ok(Segment::Index(first));
    }
    Ok(Segment::Indexes(indexes))
}

fn read_slice(cursor: &mut Cursor<'_>, start: Option<i64>) -> Result<Slice, ExpressionError> {
    cursor.expect(":")?;
    cursor.skip_blanks();
    let end = read_integer(cursor)?;
    cursor.skip_blanks();
    let mut step = 1;
    if cursor.eat(":") {
        cursor.skip_blanks();
        let at = cursor.at();
        step = read_integer(cursor)?.unwrap_or(1);
        if step == 0 {
            return Err(cursor.fail_at(at, "the step of a slice must not be 0"));
        }
    }
    Ok(Slice { start, end, step })
}

fn read_integer(cursor: &mut Cursor<'_>) -> Result<Option<i64>, ExpressionError> {
    let at = cursor.at();
    let is_negative = cursor.eat("-");
    let digits = cursor.eat_while(|character| character.is_ascii_digit());
    if digits.is_empty() {
        return if is_negative {
            Err(cursor.expected("a digit"))
        } else {
            Ok(None)
        };
    }
    let text = cursor.since(at);
    let number = text
        .parse()
        .map_err(|_| cursor.fail_at(at, format!("`{text}` is too large")))?;
    Ok(Some(number))
}
