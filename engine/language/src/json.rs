//! Strict JSON, read in one of two ways.
//!
//! [`read`] keeps what a linter needs: spans, key spans, duplicate keys. [`read_value`] builds a
//! [`Value`] directly, which is what execution inputs need. One reader drives both, so they accept
//! exactly the same texts.
//!
//! AWS reads JSON with the Java library Jackson and shows its messages to users, so a
//! [`JsonError`] is worded, and located, as Jackson would.

mod node;
mod value;
mod error;
mod reader;
mod number;
mod string;
mod build;

pub use error::{JsonError, JsonErrorKind};
pub use node::{Duplicate, Entry, Node, NodeValue, Object};
pub use value::{Excess, Iter, Members, Value};

/// How many arrays and objects may stand inside each other. Jackson's own limit.
pub const DEPTH_MAX: usize = 1_000;

/// Reads `text` with the spans of all its values and keys.
///
/// ```
/// use stepwell_language::json;
///
/// let node = json::read(r#"{"StartAt": "A", "StartAt": "B"}"#)?;
/// let object = node.as_object().expect("the text is an object");
/// assert_eq!(object.get("StartAt").and_then(json::Node::as_str), Some("B"));
/// assert_eq!(object.duplicates().len(), 1);
/// # Ok::<(), json::JsonError>(())
/// ```
///
/// # Errors
///
/// [`JsonError`] when `text` is not exactly one JSON value, nests deeper than [`DEPTH_MAX`], or
/// holds a number that no `f64` comes near.
pub fn read(text: &str) -> Result<Node, JsonError> {
    reader::read::<build::Nodes>(text)
}

/// Reads `text` as a plain value. Of duplicate keys the last one wins.
///
/// # Errors
///
/// [`JsonError`] for exactly the texts that [`read`] refuses.
pub fn read_value(text: &str) -> Result<Value, JsonError> {
    reader::read::<build::Values>(text)
}

#[cfg(test)]
mod tests;
