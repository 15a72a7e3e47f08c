//! Page sizes and page tokens. A token is bound to the arguments that it was given for.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::OperationError;

/// Entries of a page when nothing else is asked for.
const DEFAULT: usize = 100;

/// Entries of a page at most.
const MAXIMUM: i64 = 1_000;

/// The size of a page that `maxResults` asks for.
pub(super) fn size(max_results: Option<i64>) -> Result<usize, OperationError> {
    let rule = match max_results {
        None | Some(0) => return Ok(DEFAULT),
        Some(size @ 1..=MAXIMUM) => return Ok(usize::try_from(size).unwrap_or(DEFAULT)),
        Some(size) if size < 0 => "greater than or equal to 0",
        Some(_) => "less than or equal to 1000",
    };
    Err(OperationError::Validation(format!(
        "1 validation error detected: Value '{}' at 'maxResults' failed to satisfy constraint: Member must have value {rule}",
        max_results.unwrap_or_default()
    )))
}

/// A token for the page after `place`, good for the same `arguments` only.
pub(super) fn token(arguments: impl Hash, place: &impl Serialize) -> String {
    let text = serde_json::to_string(&(fingerprint(arguments), place))
        .expect("a place in a list can be written");
    URL_SAFE_NO_PAD.encode(text)
}

/// Reads a token back.
///
/// # Errors
///
/// [`OperationError::InvalidToken`] for any text that is none, or was given for other arguments.
pub(super) fn place<P: DeserializeOwned>(
    arguments: impl Hash,
    token: &str,
) -> Result<P, OperationError> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (given_for, place): (u64, P) = serde_json::from_slice(&bytes).ok()?;
        (given_for == fingerprint(arguments)).then_some(place)
    };
    read().ok_or(OperationError::InvalidToken)
}

fn fingerprint(arguments: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    arguments.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_own_arguments_only() {
        let text = token(("a", 1), &7_u64);
        assert_eq!(place::<u64>(("a", 1), &text).unwrap(), 7);
        assert!(place::<u64>(("b", 1), &text).is_err());
        assert!(place::<u64>(("a", 1), "x").is_err());
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(size(None).unwrap(), 100);
        assert_eq!(size(Some(0)).unwrap(), 100);
        assert_eq!(size(Some(1000)).unwrap(), 1000);
        assert!(
            size(Some(1001))
                .unwrap_err()
                .to_string()
                .contains("'1001' at 'maxResults'")
        );
        assert!(size(Some(-1)).is_err());
    }
}
