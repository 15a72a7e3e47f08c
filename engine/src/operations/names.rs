//! The naming rules of state machines and executions. Source: API, "Names".

use crate::error::OperationError;

/// Characters of a name.
const LENGTH_MAX: usize = 80;

/// Characters that no name has, besides white space and control characters.
const REFUSED: &str = "<>{}[]?*\"#%\\^|~`$&,;:/";

/// Checks a name.
///
/// # Errors
///
/// [`OperationError::InvalidName`], or the constraint that AWS checks before.
pub(super) fn check(name: &str) -> Result<(), OperationError> {
    let length = name.chars().count();
    if length == 0 {
        return Err(constraint(name, "length greater than or equal to 1"));
    }
    if length > LENGTH_MAX {
        return Err(constraint(name, "length less than or equal to 80"));
    }
    let is_refused = |character: char| {
        character.is_whitespace()
            || character.is_control()
            || REFUSED.contains(character)
            || matches!(character, '\u{FFFE}' | '\u{FFFF}' | '\u{10FFFF}')
    };
    if name.contains(is_refused) {
        return Err(OperationError::InvalidName(name.to_owned()));
    }
    Ok(())
}

fn constraint(name: &str, rule: &str) -> OperationError {
    OperationError::Validation(format!(
        "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must have {rule}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules() {
        for name in ["a", "orders.v2", "Größe-1_x", &"a".repeat(80)] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in ["a b", "a/b", "a:b", "a\u{7f}", "a\tb", "{x}"] {
            let error = check(name).unwrap_err();
            assert_eq!(error.to_string(), format!("Invalid Name: '{name}'"));
        }
        assert_eq!(check("").unwrap_err().code(), "ValidationException");
        assert_eq!(
            check(&"a".repeat(81)).unwrap_err().code(),
            "ValidationException"
        );
    }
}
