//! Values written as JSON text, and read from text that is known to be JSON.
//!
//! The text is the one that `serde_json` writes for its own trees. Text of others is read with
//! [`read_value`](crate::json::read_value), which is strict and says what is wrong.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Number;

use super::{Members, Value};

/// Which limit a value exceeds that is to be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Excess {
    /// Its text has too many bytes.
    Size,
    /// It nests too deep.
    Depth,
}

impl Value {
    /// Compact JSON of at most `size_max` bytes, whose arrays and objects nest at most `depth_max`
    /// deep. What exceeds a limit is written no further: a tree that names another one many times
    /// over is small, and its text is not.
    ///
    /// # Errors
    ///
    /// The limit that was met first.
    pub fn to_text(&self, size_max: usize, depth_max: usize) -> Result<String, Excess> {
        let mut writer = Writer {
            bytes: Vec::with_capacity(128.min(size_max)),
            size_max,
        };
        writer.write(self, depth_max)?;
        if writer.bytes.len() > size_max {
            return Err(Excess::Size);
        }
        Ok(String::from_utf8(writer.bytes).expect("JSON text is UTF-8"))
    }
}

/// Compact JSON.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_text(usize::MAX, usize::MAX);
        formatter.write_str(&text.map_err(|_| fmt::Error)?)
    }
}

/// Writes text by hand: most of what a state costs that gives out new data is this.
struct Writer {
    bytes: Vec<u8>,
    size_max: usize,
}

impl Writer {
    fn write(&mut self, value: &Value, depth_max: usize) -> Result<(), Excess> {
        match value {
            Value::Null => self.bytes.extend_from_slice(b"null"),
            Value::Bool(true) => self.bytes.extend_from_slice(b"true"),
            Value::Bool(false) => self.bytes.extend_from_slice(b"false"),
            Value::Number(number) => {
                serde_json::to_writer(&mut self.bytes, number).expect("a number can be written");
            }
            Value::String(text) => self.write_string(text)?,
            Value::Array(elements) => {
                let depth_max = depth_max.checked_sub(1).ok_or(Excess::Depth)?;
                self.bytes.push(b'[');
                for (position, element) in elements.iter().enumerate() {
                    self.separate(position)?;
                    self.write(element, depth_max)?;
                }
                self.bytes.push(b']');
            }
            Value::Object(members) => {
                let depth_max = depth_max.checked_sub(1).ok_or(Excess::Depth)?;
                self.bytes.push(b'{');
                for (position, (name, value)) in members.iter().enumerate() {
                    self.separate(position)?;
                    self.write_string(name)?;
                    self.bytes.push(b':');
                    self.write(value, depth_max)?;
                }
                self.bytes.push(b'}');
            }
        }
        Ok(())
    }

    fn separate(&mut self, position: usize) -> Result<(), Excess> {
        if position > 0 {
            self.bytes.push(b',');
        }
        if self.bytes.len() > self.size_max {
            return Err(Excess::Size);
        }
        Ok(())
    }

    fn write_string(&mut self, text: &str) -> Result<(), Excess> {
        if text.len() > self.size_max {
            return Err(Excess::Size);
        }
        self.bytes.reserve(text.len() + 2);
        self.bytes.push(b'"');
        let text = text.as_bytes();
        if is_plain(text) {
            self.bytes.extend_from_slice(text);
        } else {
            self.write_escaped(text);
        }
        self.bytes.push(b'"');
        Ok(())
    }

    fn write_escaped(&mut self, text: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut rest = text;
        while let Some(at) = rest.iter().position(|byte| is_escaped(*byte)) {
            let byte = rest[at];
            self.bytes.extend_from_slice(&rest[..at]);
            self.bytes.push(b'\\');
            match byte {
                b'"' | b'\\' => self.bytes.push(byte),
                8 => self.bytes.push(b'b'),
                b'\t' => self.bytes.push(b't'),
                b'\n' => self.bytes.push(b'n'),
                12 => self.bytes.push(b'f'),
                b'\r' => self.bytes.push(b'r'),
                control => {
                    let (high, low) = (usize::from(control >> 4), usize::from(control & 15));
                    let digits = [b'u', b'0', b'0', DIGITS[high], DIGITS[low]];
                    self.bytes.extend_from_slice(&digits);
                }
            }
            rest = &rest[at + 1..];
        }
        self.bytes.extend_from_slice(rest);
    }
}

/// Whether a string spells all of this as it is. Most names and many texts are short; of a long one
/// many bytes are looked at in one go, where no byte ends the loop.
fn is_plain(text: &[u8]) -> bool {
    const SHORT: usize = 32;
    if text.len() < SHORT {
        return !text.iter().any(|byte| is_escaped(*byte));
    }
    text.iter()
        .fold(true, |is_plain, byte| is_plain & !is_escaped(*byte))
}

/// Whether a string spells this byte in another way. Source: RFC 8259, section 7.
fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(elements) => serializer.collect_seq(elements.iter()),
            Self::Object(members) => members.serialize(serializer),
        }
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(name, value)| (&**name, value)))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Value, E> {
        Ok(integer.into())
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Value, E> {
        Ok(integer.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Value::Array(elements.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Members::new();
        while let Some(name) = access.next_key_seed(Name)? {
            members.insert(name, access.next_value::<Value>()?);
        }
        Ok(members.into())
    }
}

/// Reads a name into its place: as a string it would be copied once more.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Arc<str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Arc<str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Arc<str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Arc<str>, E> {
        Ok(name.into())
    }
}
