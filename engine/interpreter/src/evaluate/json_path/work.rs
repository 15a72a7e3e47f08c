//! Work, counted so that it ends.
//!
//! Paths and functions come from definitions that anyone may write, and a few bytes of `$..*..*`
//! ask for more than a machine can do.

use std::sync::Arc;

use stepwell_language::json::Value;

/// What may still be done.
pub(in super::super) struct Work {
    steps_left: usize,
    bytes_left: usize,
}

/// There is more to do than is allowed.
#[derive(Debug)]
pub(in super::super) struct TooMuchWork;

impl Work {
    /// Values looked at or compared in one evaluation: a fraction of a second.
    const STEPS_MAX: usize = 5_000_000;

    /// Bytes of memory that the results of one evaluation would take if they shared nothing, many
    /// times what a state may give out.
    const BYTES_MAX: usize = 16 << 20;

    pub(in super::super) fn new() -> Self {
        Self {
            steps_left: Self::STEPS_MAX,
            bytes_left: Self::BYTES_MAX,
        }
    }

    /// Counts values looked at.
    pub(in super::super) fn look(&mut self, count: usize) -> Result<(), TooMuchWork> {
        self.steps_left = self.steps_left.checked_sub(count).ok_or(TooMuchWork)?;
        Ok(())
    }

    /// Counts bytes of results.
    pub(in super::super) fn allocate(&mut self, bytes: usize) -> Result<(), TooMuchWork> {
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(TooMuchWork)?;
        Ok(())
    }

    /// Another `value`, counted as if it were copied: where it is written, it is.
    pub(in super::super) fn copy(&mut self, value: &Value) -> Result<Value, TooMuchWork> {
        self.count(value)?;
        Ok(value.clone())
    }

    /// Counts what a value takes.
    pub(in super::super) fn count(&mut self, value: &Value) -> Result<(), TooMuchWork> {
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            self.allocate(size_of::<Value>())?;
            match value {
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
                Value::String(text) => self.allocate(text.len())?,
                Value::Array(array) => open.extend(array.iter()),
                Value::Object(object) => {
                    for (name, value) in object.iter() {
                        self.allocate(name.len() + size_of::<Arc<str>>())?;
                        open.push(value);
                    }
                }
            }
        }
        Ok(())
    }
}
