//! Texts that stand in the file, or in an environment variable that the file names.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use toml::Spanned;

use super::{ConfigurationError, Reader, Secret};

/// `"text"` or `{ env = "NAME" }`.
pub(super) enum TextField {
    Literal(String),
    Variable(Spanned<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariableTable {
    env: Spanned<String>,
}

// By hand rather than `untagged`, whose errors say neither what was expected nor where.
impl<'de> Deserialize<'de> for TextField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = TextField;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string or `{ env = \"NAME\" }`")
    }

    fn visit_str<E>(self, text: &str) -> Result<TextField, E> {
        Ok(TextField::Literal(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TextField, A::Error> {
        let table = VariableTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(TextField::Variable(table.env))
    }
}

impl Reader<'_> {
    /// What the environment variable `name` holds.
    pub(super) fn variable(&self, name: &Spanned<String>) -> Result<Secret, ConfigurationError> {
        (self.variable)(name.get_ref())
            .map(Secret::new)
            .ok_or_else(|| {
                self.error(
                    name,
                    format!("the environment variable `{}` is not set", name.get_ref()),
                )
            })
    }

    /// The texts of a table.
    pub(super) fn texts(
        &self,
        fields: BTreeMap<String, TextField>,
    ) -> Result<BTreeMap<String, Secret>, ConfigurationError> {
        let text = |field| match field {
            TextField::Literal(text) => Ok(Secret::new(text)),
            TextField::Variable(name) => self.variable(&name),
        };
        fields
            .into_iter()
            .map(|(name, field)| Ok((name, text(field)?)))
            .collect()
    }
}
