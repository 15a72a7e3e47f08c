//! `Assign`: which names variables may have.
//!
//! Documentation says that a scope cannot assign what a scope around it assigns; AWS has been seen
//! to create such a machine, so it is not refused here.

use crate::model::{QueryLanguage, Template};

use super::fields::Fields;
use super::state::Setting;
use super::{Parser, Place, wording};

/// Characters of a variable's name.
const LENGTH_MAX: usize = 80;

/// Names that nobody may assign.
const RESERVED: [&str; 1] = ["states"];

impl Parser<'_> {
    /// `Assign`: an object of variables.
    pub(super) fn assign(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Option<Template> {
        let location = fields.at("Assign");
        let node = fields.node("Assign")?;
        let Some(object) = node.as_object() else {
            self.schema(wording::expected("Object"), &location, node.span);
            return None;
        };
        for (key, entry) in object.entries() {
            let name = variable_name(key, setting.language);
            if let Some(problem) = problem(name) {
                self.schema(problem, &location, entry.key_span);
            }
        }
        Some(self.read_template(node, &Place::Field(&location), setting.language))
    }
}

fn variable_name(key: &str, language: QueryLanguage) -> &str {
    match language {
        QueryLanguage::JsonPath => key.strip_suffix(".$").unwrap_or(key),
        QueryLanguage::Jsonata => key,
    }
}

/// What is wrong with a variable's name. Source: Amazon States Language, "Variables".
fn problem(name: &str) -> Option<String> {
    let mut characters = name.chars();
    let starts_well = characters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_');
    let goes_on_well = characters.all(|character| character.is_alphanumeric() || character == '_');
    if RESERVED.contains(&name) {
        Some(wording::reserved_variable(name))
    } else if !starts_well || !goes_on_well {
        Some(wording::no_variable(name))
    } else if name.chars().count() > LENGTH_MAX {
        Some(wording::long_variable(name, LENGTH_MAX))
    } else {
        None
    }
}
