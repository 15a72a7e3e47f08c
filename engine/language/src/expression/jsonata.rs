//! JSONata: the text between `{%` and `%}`, read once when the definition is.
//!
//! Step Functions evaluates without a document: data comes from `$states` and from variables. An
//! expression therefore knows what it [`Reads`], and the interpreter binds nothing else.
//!
//! Source: Amazon States Language, "JSONata"; developer guide, "Transforming data with JSONata".

use std::fmt;
use std::sync::Arc;

use jsonata_core::ast::AstNode;
use jsonata_core::parser::{self, ParserError};

mod analysis;
mod plain;
mod wording;

pub use analysis::{Part, Reads};
pub use plain::{Plain, PlainRoot, Step};

/// An expression, ready to be evaluated by any thread. Cloning one costs a counter.
#[derive(Clone)]
pub struct JsonataExpression(Arc<Program>);

struct Program {
    source: Box<str>,
    tree: AstNode,
    plain: Option<Plain>,
    reads: Reads,
}

/// Why a text is no expression of Step Functions.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JsonataError {
    /// It is not JSONata. The message is that of the language, without its code.
    #[error("{0}")]
    Invalid(String),
    /// It reads these fields of a document, which Step Functions does not have.
    #[error("Reference to '{}' at the top level is not supported.", .0.join("', '"))]
    Unsupported(Vec<String>),
}

impl JsonataExpression {
    /// Reads an expression, without its delimiters; blanks around it do not count.
    ///
    /// # Errors
    ///
    /// When the text is not JSONata, or reads a field of a document that is not there.
    pub fn parse(text: &str) -> Result<Self, JsonataError> {
        let source = text.trim();
        let mut tree =
            parser::parse(source).map_err(|error| JsonataError::Invalid(explain(&error)))?;
        let reads = analysis::analyse(&mut tree);
        if !reads.document.is_empty() {
            return Err(JsonataError::Unsupported(
                reads.document.into_iter().collect(),
            ));
        }
        Ok(Self(Arc::new(Program {
            source: source.into(),
            plain: Plain::of(&tree),
            tree,
            reads,
        })))
    }

    /// The text of the expression, as messages quote it.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The expression as the JSONata library reads it.
    pub fn tree(&self) -> &AstNode {
        &self.0.tree
    }

    /// The expression as something simpler than JSONata, when it is.
    pub fn plain(&self) -> Option<&Plain> {
        self.0.plain.as_ref()
    }

    /// What it reads.
    pub fn reads(&self) -> &Reads {
        &self.0.reads
    }
}

impl PartialEq for JsonataExpression {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl fmt::Debug for JsonataExpression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{{% {} %}}", self.source())
    }
}

/// The message of the language for an error of the library.
fn explain(error: &ParserError) -> String {
    match error {
        ParserError::UnexpectedToken(token) => match wording::symbol(token) {
            Some(symbol) => format!("The symbol \"{symbol}\" cannot be used as a unary operator"),
            None => "Unexpected end of expression".to_owned(),
        },
        ParserError::UnexpectedEnd => "Unexpected end of expression".to_owned(),
        ParserError::Expected { expected, found } => {
            let expected = wording::symbol(expected).unwrap_or(expected);
            match wording::symbol(found) {
                Some(found) => format!("Expected \"{expected}\", got \"{found}\""),
                None => format!("Expected \"{expected}\" before end of expression"),
            }
        }
        ParserError::Coded { message, .. } => message.clone(),
        ParserError::InvalidSyntax(message) | ParserError::InvalidNumber(message) => {
            wording::syntax(without_code(message))
        }
        ParserError::UnclosedString
        | ParserError::InvalidEscape(_)
        | ParserError::UnclosedComment
        | ParserError::UnclosedBacktick => without_code(&error.to_string()).to_owned(),
    }
}

/// `S0201: Syntax error` without its code.
fn without_code(message: &str) -> &str {
    match message.split_once(": ") {
        Some((code, rest)) if code.len() == 5 && code.starts_with(['S', 'T', 'D', 'U']) => rest,
        _ => message,
    }
}

#[cfg(test)]
mod tests;
