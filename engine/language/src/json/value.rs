//! JSON data as trees that share their parts.
//!
//! A [`Value`] is what flows through an execution: the same data stands in a state's input, in
//! what paths select from it, in variables, and in the output that `ResultPath` makes of it. So
//! arrays, objects, strings and keys are counted: a copy of a tree costs a counter, and a change
//! copies only the lists of members on the way to it, not what hangs below. Its names are those
//! of [`serde_json::Value`], which stays the type at the edges and in tests.

use std::fmt;
use std::ops;
use std::sync::Arc;

use serde_json::Number;

mod members;
mod convert;
mod text;

pub use members::{Iter, Members};
pub use text::Excess;

/// A JSON value. Cloning one costs at most a counter.
///
/// Two are equal as [`serde_json::Value`]s are: objects regardless of the order of their members,
/// and an integer is never equal to a number with a fraction or an exponent.
///
/// ```
/// use std::sync::Arc;
/// use stepwell_language::json::{self, Value};
///
/// let order = json::read_value(r#"{"id": 7, "items": [{"sku": "a"}]}"#)?;
/// let mut changed = order.clone();
/// if let Value::Object(members) = &mut changed {
///     Arc::make_mut(members).insert("id", 8);
/// }
/// assert_eq!(changed.to_string(), r#"{"id":8,"items":[{"sku":"a"}]}"#);
/// assert_eq!(order["id"], Value::from(7));
/// # Ok::<(), json::JsonError>(())
/// ```
#[derive(Clone, Default)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; an integer where it fits into 64 bits.
    Number(Number),
    /// A string.
    String(Arc<str>),
    /// An array.
    Array(Arc<[Value]>),
    /// An object, in the order in which its members came.
    Object(Arc<Members>),
}

/// What an index that leads nowhere gives.
static NULL: Value = Value::Null;

impl Value {
    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this is `true` or `false`.
    pub fn is_boolean(&self) -> bool {
        matches!(self, Self::Bool(_))
    }

    /// Whether this is an integer that fits into 64 bits with a sign.
    pub fn is_i64(&self) -> bool {
        self.as_i64().is_some()
    }

    /// Whether this is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// Whether this is a string.
    pub fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    /// Whether this is an array.
    pub fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    /// Whether this is an object.
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// The value, if this is `true` or `false`.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Null | Self::Number(_) | Self::String(_) | Self::Array(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            Self::Null | Self::Bool(_) | Self::String(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The integer, if this is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::as_i64)
    }

    /// The integer, if this is one that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number().and_then(Number::as_u64)
    }

    /// The nearest double, if this is a number.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number().and_then(Number::as_f64)
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(elements) => Some(elements),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&Members> {
        match self {
            Self::Object(members) => Some(members),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }

    /// The member of this name, if this is an object that has one.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// The element at `position`, counted from 0, if this is an array that has one.
    pub fn element(&self, position: usize) -> Option<&Self> {
        self.as_array()?.get(position)
    }

    /// What a JSON Pointer leads to. Source: RFC 6901.
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut steps = pointer.strip_prefix('/')?.split('/');
        steps.try_fold(self, |value, step| {
            let step = step.replace("~1", "/").replace("~0", "~");
            match value {
                Self::Object(members) => members.get(&step),
                Self::Array(elements) => elements.get(array_position(&step)?),
                Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => None,
            }
        })
    }
}

/// An index as a pointer spells it: no sign, and no zero before other digits.
fn array_position(step: &str) -> Option<usize> {
    if step.starts_with('+') || (step.starts_with('0') && step.len() != 1) {
        return None;
    }
    step.parse().ok()
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Number(left), Self::Number(right)) => left == right,
            (Self::String(left), Self::String(right)) => left == right,
            // What is the same is equal: there is no NaN among the numbers.
            (Self::Array(left), Self::Array(right)) => Arc::ptr_eq(left, right) || left == right,
            (Self::Object(left), Self::Object(right)) => Arc::ptr_eq(left, right) || left == right,
            (
                Self::Null
                | Self::Bool(_)
                | Self::Number(_)
                | Self::String(_)
                | Self::Array(_)
                | Self::Object(_),
                _,
            ) => false,
        }
    }
}

/// The member of a name; `null` where there is none.
impl ops::Index<&str> for Value {
    type Output = Self;

    fn index(&self, name: &str) -> &Self {
        self.get(name).unwrap_or(&NULL)
    }
}

/// The element at a position; `null` where there is none.
impl ops::Index<usize> for Value {
    type Output = Self;

    fn index(&self, position: usize) -> &Self {
        self.element(position).unwrap_or(&NULL)
    }
}

/// As compact JSON.
impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests;
