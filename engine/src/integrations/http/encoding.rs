//! JSON as `application/x-www-form-urlencoded`, with the array formats of HTTP tasks.

use std::fmt::Write as _;
use std::sync::Arc;

use stepwell_language::json::Value;

/// `ArrayFormat`: how the items of an array are told apart.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum ArrayFormat {
    /// `a[0]=x&a[1]=y`.
    #[default]
    Indices,
    /// `a=x&a=y`.
    Repeat,
    /// `a=x,y`.
    Commas,
    /// `a[]=x&a[]=y`.
    Brackets,
}

impl ArrayFormat {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "INDICES" => Some(Self::Indices),
            "REPEAT" => Some(Self::Repeat),
            "COMMAS" => Some(Self::Commas),
            "BRACKETS" => Some(Self::Brackets),
            _ => None,
        }
    }
}

/// How deep a value may be: every level repeats the names of those above it.
const DEPTH_MAX: usize = 32;

/// A value that is deeper than [`DEPTH_MAX`].
#[derive(Debug, Eq, PartialEq)]
pub(super) struct TooDeep;

/// Encodes pairs of names and values; objects inside become `a[b]=x`.
pub(super) fn encode<'a>(
    pairs: impl IntoIterator<Item = (&'a Arc<str>, &'a Value)>,
    format: ArrayFormat,
) -> Result<String, TooDeep> {
    let mut encoder = Encoder {
        text: String::new(),
        format,
    };
    for (name, value) in pairs {
        encoder.value(&escape(name), value, DEPTH_MAX)?;
    }
    Ok(encoder.text)
}

/// Encodes pairs whose values are texts.
pub(super) fn encode_texts<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut encoder = Encoder {
        text: String::new(),
        format: ArrayFormat::default(),
    };
    for (name, value) in pairs {
        encoder.pair(&escape(name), &escape(value));
    }
    encoder.text
}

struct Encoder {
    text: String,
    format: ArrayFormat,
}

impl Encoder {
    /// Writes a value under a name that is escaped already.
    fn value(&mut self, name: &str, value: &Value, depth_left: usize) -> Result<(), TooDeep> {
        let depth_left = depth_left.checked_sub(1).ok_or(TooDeep)?;
        match value {
            Value::Object(members) => {
                for (key, member) in members.iter() {
                    self.value(&format!("{name}%5B{}%5D", escape(key)), member, depth_left)?;
                }
            }
            Value::Array(items) => self.array(name, items, depth_left)?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.pair(name, &escape(&plain(value)));
            }
        }
        Ok(())
    }

    fn array(&mut self, name: &str, items: &[Value], depth_left: usize) -> Result<(), TooDeep> {
        if self.format == ArrayFormat::Commas {
            let items: Vec<String> = items.iter().map(|item| escape(&plain(item))).collect();
            self.pair(name, &items.join(","));
            return Ok(());
        }
        for (index, item) in items.iter().enumerate() {
            let name = match self.format {
                ArrayFormat::Indices => format!("{name}%5B{index}%5D"),
                ArrayFormat::Brackets => format!("{name}%5B%5D"),
                ArrayFormat::Repeat | ArrayFormat::Commas => name.to_owned(),
            };
            self.value(&name, item, depth_left)?;
        }
        Ok(())
    }

    fn pair(&mut self, name: &str, value: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        self.text.push_str(name);
        self.text.push('=');
        self.text.push_str(value);
    }
}

/// A value as text without quotes; `null` is empty.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.to_string(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => write!(escaped, "%{byte:02X}").expect("a String takes every text"),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: &serde_json::Value, format: ArrayFormat, expected: &str) {
        let value = Value::from(value);
        let found = encode(value.as_object().unwrap(), format).unwrap();
        let readable = found.replace("%5B", "[").replace("%5D", "]");
        assert_eq!(readable, expected, "{value}");
    }

    #[test]
    fn arrays_are_written_in_each_format() {
        let value = json!({"a": ["x", "y"], "b": 1});
        check(&value, ArrayFormat::Indices, "a[0]=x&a[1]=y&b=1");
        check(&value, ArrayFormat::Repeat, "a=x&a=y&b=1");
        check(&value, ArrayFormat::Commas, "a=x,y&b=1");
        check(&value, ArrayFormat::Brackets, "a[]=x&a[]=y&b=1");
    }

    #[test]
    fn objects_nest_and_everything_is_escaped() {
        let value = json!({"a b": {"c": [{"d": true}]}, "e": null, "f": "ä&=,/"});
        check(
            &value,
            ArrayFormat::Indices,
            "a%20b[c][0][d]=true&e=&f=%C3%A4%26%3D%2C%2F",
        );
    }

    #[test]
    fn a_comma_inside_an_item_is_not_one_between_items() {
        check(&json!({"a": ["x,y", 2]}), ArrayFormat::Commas, "a=x%2Cy,2");
    }

    #[test]
    fn a_value_that_is_too_deep_is_refused() {
        let deep = (0..1_000).fold(Value::from(1), |inner, _| json!({"a": inner}).into());
        assert_eq!(
            encode(deep.as_object().unwrap(), ArrayFormat::Indices),
            Err(TooDeep)
        );
    }
}
