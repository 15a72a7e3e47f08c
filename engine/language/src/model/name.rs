//! State names.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A state's name: 1 to 80 characters, unique within its state machine.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "Arc<str>", into = "Arc<str>")]
pub struct StateName(Arc<str>);

impl StateName {
    /// Source: Amazon States Language, "States".
    pub const LENGTH_MAX: usize = 80;

    /// Reads a name.
    ///
    /// # Errors
    ///
    /// [`StateNameError`] when `text` is empty or longer than [`Self::LENGTH_MAX`].
    pub fn parse(text: &str) -> Result<Self, StateNameError> {
        Self::try_from(Arc::from(text))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Arc<str>> for StateName {
    type Error = StateNameError;

    fn try_from(text: Arc<str>) -> Result<Self, StateNameError> {
        match text.chars().count() {
            1..=Self::LENGTH_MAX => Ok(Self(text)),
            length => Err(StateNameError { length }),
        }
    }
}

impl From<StateName> for Arc<str> {
    fn from(name: StateName) -> Self {
        name.0
    }
}

impl Deref for StateName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for StateName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A state name of a length that is not allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a state name has 1 to 80 characters, this one has {length}")]
pub struct StateNameError {
    /// Its length in characters.
    pub length: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_80_characters() {
        assert_eq!(StateName::parse(""), Err(StateNameError { length: 0 }));
        assert!(StateName::parse(&"ä".repeat(80)).is_ok());
        assert_eq!(
            StateName::parse(&"a".repeat(81)),
            Err(StateNameError { length: 81 })
        );
    }
}
