//! `States.Hash`.

use std::borrow::Cow;
use std::fmt::Write as _;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use stepwell_language::json::Value;

use super::Failure;
use super::arguments::{Arguments, check_length};

/// `States.Hash`: of a text as it is, of anything else as compact JSON; in lower-case digits.
pub(super) fn hash(arguments: &Arguments<'_>) -> Result<Value, Failure> {
    let data: Cow<'_, str> = match arguments.value(0) {
        Value::String(text) => Cow::Borrowed(text),
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_)) => Cow::Owned(other.to_string()),
    };
    check_length(&data)?;
    let data = data.as_bytes();
    let digits = match arguments.text(1)? {
        "MD5" => spell(&Md5::digest(data)),
        "SHA-1" => spell(&Sha1::digest(data)),
        "SHA-256" => spell(&Sha256::digest(data)),
        "SHA-384" => spell(&Sha384::digest(data)),
        "SHA-512" => spell(&Sha512::digest(data)),
        other => {
            return Err(Failure::new(format!(
                "The algorithm '{other}' is none of MD5, SHA-1, SHA-256, SHA-384, SHA-512"
            )));
        }
    };
    Ok(digits.into())
}

fn spell(bytes: &[u8]) -> String {
    bytes.iter().fold(
        String::with_capacity(bytes.len() * 2),
        |mut digits, byte| {
            write!(digits, "{byte:02x}").expect("text can be added to a string");
            digits
        },
    )
}
