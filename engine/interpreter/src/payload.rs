//! JSON data on its way through an execution.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use stepwell_language::json::{DEPTH_MAX, Excess, Value};

/// A JSON value that is shared, never changed, and known as text, as a tree, or as both.
///
/// Cloning one costs a counter. The text is written at most once and the tree read at most once,
/// whichever is asked for; data that only passes through a state is neither read nor written.
/// A text from outside keeps its blanks, as AWS shows it.
#[derive(Clone)]
pub struct Payload(Arc<Inner>);

struct Inner {
    text: OnceLock<Box<str>>,
    value: OnceLock<Value>,
}

impl Payload {
    /// Bytes of JSON text that a state may take in or give out.
    pub const SIZE_MAX: usize = 262_144;

    /// A payload from a tree.
    pub fn from_value(value: impl Into<Value>) -> Self {
        Self(Arc::new(Inner {
            text: OnceLock::new(),
            value: OnceLock::from(value.into()),
        }))
    }

    /// A payload from text that is known to be JSON: it was read once, or we wrote it ourselves.
    pub fn from_trusted_text(text: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Inner {
            text: OnceLock::from(text.into()),
            value: OnceLock::new(),
        }))
    }

    /// A payload whose text and tree are both at hand.
    pub fn from_parts(text: impl Into<Box<str>>, value: impl Into<Value>) -> Self {
        Self(Arc::new(Inner {
            text: OnceLock::from(text.into()),
            value: OnceLock::from(value.into()),
        }))
    }

    /// The payload as JSON text.
    pub fn text(&self) -> &str {
        self.0.text.get_or_init(|| {
            let value = self
                .0
                .value
                .get()
                .expect("a payload is made from text or from a tree");
            value.to_string().into()
        })
    }

    /// The payload as a tree.
    pub fn value(&self) -> &Value {
        self.0.value.get_or_init(|| {
            let text = self
                .0
                .text
                .get()
                .expect("a payload is made from text or from a tree");
            let mut reader = serde_json::Deserializer::from_str(text);
            reader.disable_recursion_limit();
            Value::deserialize(&mut reader).expect("trusted text is JSON")
        })
    }

    /// The payload as a tree of `serde_json`, for programs that compute with it.
    pub fn to_json(&self) -> serde_json::Value {
        self.value().into()
    }

    /// Its size as AWS counts it: bytes of JSON text.
    pub fn size(&self) -> usize {
        self.text().len()
    }

    /// Whether it is within the limits of what goes from state to state: at most `size_max` bytes,
    /// and not nested deeper than can be read again.
    ///
    /// # Errors
    ///
    /// The limit that it exceeds.
    pub fn check(&self, size_max: usize) -> Result<(), Excess> {
        if let Some(text) = self.0.text.get() {
            // What was read as text, or written once, nests as it may.
            return if text.len() <= size_max {
                Ok(())
            } else {
                Err(Excess::Size)
            };
        }
        let text = self.value().to_text(size_max, DEPTH_MAX)?;
        self.0.text.get_or_init(|| text.into());
        Ok(())
    }

    /// Whether both are the very same payload, not just equal ones.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A number that two payloads share exactly while they are the same.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::from_value(value)
    }
}

impl From<serde_json::Value> for Payload {
    fn from(value: serde_json::Value) -> Self {
        Self::from_value(value)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.value() == other.value()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_from_outside_keeps_its_blanks() {
        let payload = Payload::from_trusted_text("{ \"a\" : 1 }");
        assert_eq!(payload.text(), "{ \"a\" : 1 }");
        assert_eq!(*payload.value(), json!({"a": 1}));
    }

    #[test]
    fn deep_text_is_read() {
        let text = "[".repeat(900) + &"]".repeat(900);
        assert!(Payload::from_trusted_text(text).value().is_array());
    }

    #[test]
    fn limits_hold_whatever_is_known_of_it() {
        let payload = Payload::from_value(json!({"a": [1, null]}));
        assert_eq!(payload.check(13), Err(Excess::Size));
        assert_eq!(payload.check(14), Ok(()));
        assert_eq!(payload.text(), r#"{"a":[1,null]}"#);
        assert_eq!(payload.check(13), Err(Excess::Size));
        let nested = |depth| (1..depth).fold(json!([]), |value, _| json!([value]));
        let deepest = Payload::from_value(nested(DEPTH_MAX));
        assert_eq!(deepest.check(Payload::SIZE_MAX), Ok(()));
        let deeper = Payload::from_value(nested(DEPTH_MAX + 1));
        assert_eq!(deeper.check(Payload::SIZE_MAX), Err(Excess::Depth));
    }

    #[test]
    fn a_tree_is_written_compactly_in_its_own_order() {
        assert_eq!(
            Payload::from_value(json!({"b": 1, "a": [1.5]})).text(),
            r#"{"b":1,"a":[1.5]}"#
        );
    }
}
