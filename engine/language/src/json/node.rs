//! JSON values that know where they stand in their text.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Number;

use super::value::{Members, Value};
use crate::source::Span;

/// A value with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The whole value, brackets and quotes included.
    pub span: Span,
    /// The value.
    pub value: NodeValue,
}

/// What a [`Node`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; an integer where it fits into 64 bits.
    Number(Number),
    /// A string, unescaped.
    String(Arc<str>),
    /// An array.
    Array(Vec<Node>),
    /// An object.
    Object(Object),
}

impl Node {
    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::String(text) => Some(text),
            NodeValue::Null
            | NodeValue::Bool(_)
            | NodeValue::Number(_)
            | NodeValue::Array(_)
            | NodeValue::Object(_) => None,
        }
    }

    /// The object, if this is one.
    pub fn as_object(&self) -> Option<&Object> {
        match &self.value {
            NodeValue::Object(object) => Some(object),
            NodeValue::Null
            | NodeValue::Bool(_)
            | NodeValue::Number(_)
            | NodeValue::String(_)
            | NodeValue::Array(_) => None,
        }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Node]> {
        match &self.value {
            NodeValue::Array(items) => Some(items),
            NodeValue::Null
            | NodeValue::Bool(_)
            | NodeValue::Number(_)
            | NodeValue::String(_)
            | NodeValue::Object(_) => None,
        }
    }

    /// The value without its spans.
    pub fn to_value(&self) -> Value {
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(value) => Value::Bool(*value),
            NodeValue::Number(number) => Value::Number(number.clone()),
            NodeValue::String(text) => Value::String(Arc::clone(text)),
            NodeValue::Array(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            NodeValue::Object(object) => {
                let entries = object.entries();
                let members = entries.map(|(key, entry)| (key.clone(), entry.value.to_value()));
                members.collect::<Members>().into()
            }
        }
    }
}

/// An object in document order. Of entries with the same key the last one wins, as in Jackson, at
/// the place of the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    entries: IndexMap<Arc<str>, Entry>,
    duplicates: Vec<Duplicate>,
}

/// One entry of an [`Object`].
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key with its quotes.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// A key that an [`Object`] repeats.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Duplicate {
    /// The key, unescaped.
    pub key: Arc<str>,
    /// The key of the entry that is lost.
    pub lost: Span,
    /// The key of the entry that replaces it.
    pub again: Span,
}

impl Object {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of `key` with the span of the key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The entries in document order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Entry)> {
        self.entries.iter()
    }

    /// The keys that stand here more than once, one element for each repetition.
    pub fn duplicates(&self) -> &[Duplicate] {
        &self.duplicates
    }

    /// How many different keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether this is `{}`.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn insert(&mut self, key: Arc<str>, entry: Entry) {
        let again = entry.key_span;
        if let Some(lost) = self.entries.insert(key.clone(), entry) {
            let lost = lost.key_span;
            self.duplicates.push(Duplicate { key, lost, again });
        }
    }
}
