//! A place in the text of an expression, for the readers of paths and calls.

use super::ExpressionError;

/// Bytes of text in one path or call.
pub(super) const LENGTH_MAX: usize = 10_000;

/// Reads a text from left to right.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `text`, which must not be overly long.
    pub(super) fn new(text: &'a str) -> Result<Self, ExpressionError> {
        if text.len() > LENGTH_MAX {
            let message = format!("the expression is longer than {LENGTH_MAX} bytes");
            return Err(ExpressionError {
                message,
                at: LENGTH_MAX,
            });
        }
        Ok(Self { text, at: 0 })
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    pub(super) fn expect(&mut self, expected: &str) -> Result<(), ExpressionError> {
        if self.eat(expected) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{expected}`")))
        }
    }

    pub(super) fn eat_while(&mut self, accepts: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest
            .find(|character| !accepts(character))
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    pub(super) fn skip_blanks(&mut self) {
        self.eat_while(char::is_whitespace);
    }

    /// An error here.
    pub(super) fn fail(&self, message: impl Into<String>) -> ExpressionError {
        self.fail_at(self.at, message)
    }

    /// An error at a place passed before.
    #[expect(clippy::unused_self, reason = "it reads beside `fail`")]
    pub(super) fn fail_at(&self, at: usize, message: impl Into<String>) -> ExpressionError {
        ExpressionError {
            message: message.into(),
            at,
        }
    }

    /// The error that something else stands here.
    pub(super) fn expected(&self, what: &str) -> ExpressionError {
        match self.peek() {
            Some(character) => self.fail(format!("expected {what}, found `{character}`")),
            None => self.fail(format!("expected {what}, found the end")),
        }
    }

    /// The error of a text that goes on after it should have ended.
    pub(super) fn ended(&self) -> Result<(), ExpressionError> {
        match self.peek() {
            None => Ok(()),
            Some(character) => Err(self.fail(format!("unexpected `{character}`"))),
        }
    }
}
