//! The Choice state.

use std::sync::Arc;

use crate::expression::{JsonPath, JsonataExpression};

use super::{StateId, Template};

/// A Choice state.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Its rules, tried in order; never empty.
    pub rules: Vec<Rule>,
    /// Where it goes when no rule fires.
    pub default: Option<StateId>,
}

/// One element of `Choices`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// When it fires.
    pub condition: Condition,
    /// Where it goes.
    pub next: StateId,
    /// `Assign` of the rule.
    pub assign: Option<Template>,
    /// `Output` of the rule (JSONata).
    pub output: Option<Template>,
    /// Its `Comment`.
    pub comment: Option<String>,
}

/// A condition of either query language.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// True when all are; never empty.
    And(Vec<Condition>),
    /// True when one is; never empty.
    Or(Vec<Condition>),
    /// True when the other is not.
    Not(Box<Condition>),
    /// `Variable` with one operator.
    Compare {
        /// What is compared.
        variable: JsonPath,
        /// How, and with what.
        comparison: Comparison,
    },
    /// `Condition: true` or `false`.
    Constant(bool),
    /// `Condition: "{% … %}"`.
    Jsonata(JsonataExpression),
}

/// An operator with its operand. A value of another type makes it false, never an error.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// `String…`: by UTF-16 code units.
    String(Order, Operand<Arc<str>>),
    /// `Numeric…`.
    Numeric(Order, Operand<serde_json::Number>),
    /// `Timestamp…`: as instants; the literal is in RFC 3339.
    Timestamp(Order, Operand<Arc<str>>),
    /// `BooleanEquals`.
    Boolean(Operand<bool>),
    /// `StringMatches`: `*` matches any text, `\\*` a star, `\\\\` a backslash.
    StringMatches(Arc<str>),
    /// `IsNull`.
    IsNull(bool),
    /// `IsPresent`.
    IsPresent(bool),
    /// `IsNumeric`.
    IsNumeric(bool),
    /// `IsString`.
    IsString(bool),
    /// `IsBoolean`.
    IsBoolean(bool),
    /// `IsTimestamp`.
    IsTimestamp(bool),
}

/// The relation that a comparison asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// `…Equals`.
    Equals,
    /// `…LessThan`.
    LessThan,
    /// `…GreaterThan`.
    GreaterThan,
    /// `…LessThanEquals`.
    LessThanEquals,
    /// `…GreaterThanEquals`.
    GreaterThanEquals,
}

/// What a variable is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand<T> {
    /// The value itself.
    Literal(T),
    /// `…Path`: a path to the value.
    Path(JsonPath),
}
