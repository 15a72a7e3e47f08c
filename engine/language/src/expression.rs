//! Expressions inside a definition: paths, intrinsic calls, JSONata; syntax only.
//!
//! Evaluation lives in the interpreter. Everything here is read once, when the definition is.

use std::sync::Arc;

pub mod json_path;
pub mod reference_path;
pub mod intrinsic;
pub mod jsonata;
mod cursor;

pub use intrinsic::IntrinsicCall;
pub use json_path::JsonPath;
pub use jsonata::JsonataExpression;
pub use reference_path::ReferencePath;

/// What a path starts from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Root {
    /// `$`: the data at hand.
    Input,
    /// `$$`: the context object.
    Context,
    /// `$name`: a variable.
    Variable(Arc<str>),
}

/// An expression of either query language, as a template holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// `$.a.b`, `$$.Execution.Id`, `$variable`.
    Path(JsonPath),
    /// `States.Format('{}', $.a)`.
    Intrinsic(IntrinsicCall),
    /// `{% $states.input.a %}`.
    Jsonata(JsonataExpression),
}

/// Why an expression could not be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message} at character {at}")]
pub struct ExpressionError {
    /// What is wrong, lower case, without a full stop.
    pub message: String,
    /// Byte offset in the text of the expression.
    pub at: usize,
}
