//! What the reader builds: nodes with spans, or plain values.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Number;

use super::node::{Entry, Node, NodeValue, Object};
use super::value::{Members, Value};
use crate::source::Span;

/// How values are made from what the reader finds.
pub(super) trait Build {
    /// A finished value.
    type Value;
    /// An array that still grows.
    type Array;
    /// An object that still grows.
    type Object;

    fn null(span: Span) -> Self::Value;
    fn bool(value: bool, span: Span) -> Self::Value;
    fn number(number: Number, span: Span) -> Self::Value;
    fn string(text: Cow<'_, str>, span: Span) -> Self::Value;
    fn array() -> Self::Array;
    fn push(array: &mut Self::Array, item: Self::Value);
    fn close_array(array: Self::Array, span: Span) -> Self::Value;
    fn object() -> Self::Object;
    fn insert(object: &mut Self::Object, key: Cow<'_, str>, key_span: Span, value: Self::Value);
    fn close_object(object: Self::Object, span: Span) -> Self::Value;
}

/// Builds [`Node`]s.
pub(super) enum Nodes {}

impl Build for Nodes {
    type Value = Node;
    type Array = Vec<Node>;
    type Object = Object;

    fn null(span: Span) -> Node {
        Node {
            span,
            value: NodeValue::Null,
        }
    }

    fn bool(value: bool, span: Span) -> Node {
        Node {
            span,
            value: NodeValue::Bool(value),
        }
    }

    fn number(number: Number, span: Span) -> Node {
        Node {
            span,
            value: NodeValue::Number(number),
        }
    }

    fn string(text: Cow<'_, str>, span: Span) -> Node {
        Node {
            span,
            value: NodeValue::String(Arc::from(text)),
        }
    }

    fn array() -> Vec<Node> {
        Vec::new()
    }

    fn push(array: &mut Vec<Node>, item: Node) {
        array.push(item);
    }

    fn close_array(array: Vec<Node>, span: Span) -> Node {
        Node {
            span,
            value: NodeValue::Array(array),
        }
    }

    fn object() -> Object {
        Object::default()
    }

    fn insert(object: &mut Object, key: Cow<'_, str>, key_span: Span, value: Node) {
        object.insert(Arc::from(key), Entry { key_span, value });
    }

    fn close_object(object: Object, span: Span) -> Node {
        Node {
            span,
            value: NodeValue::Object(object),
        }
    }
}

/// Builds [`Value`]s.
pub(super) enum Values {}

impl Build for Values {
    type Value = Value;
    type Array = Vec<Value>;
    type Object = Members;

    fn null(_span: Span) -> Value {
        Value::Null
    }

    fn bool(value: bool, _span: Span) -> Value {
        Value::Bool(value)
    }

    fn number(number: Number, _span: Span) -> Value {
        Value::Number(number)
    }

    fn string(text: Cow<'_, str>, _span: Span) -> Value {
        Value::String(Arc::from(text))
    }

    fn array() -> Vec<Value> {
        Vec::new()
    }

    fn push(array: &mut Vec<Value>, item: Value) {
        array.push(item);
    }

    fn close_array(array: Vec<Value>, _span: Span) -> Value {
        Value::Array(array.into())
    }

    fn object() -> Members {
        Members::new()
    }

    fn insert(object: &mut Members, key: Cow<'_, str>, _key_span: Span, value: Value) {
        object.insert(key, value);
    }

    fn close_object(object: Members, _span: Span) -> Value {
        Value::from(object)
    }
}
