//! `Assign`: which names variables may have.
//!
//! A branch, or an iteration of an inline Map, sees the variables of the scopes around it, and may
//! not assign a name that these use. AWS has been seen to create a machine in which a catcher of
//! the Parallel itself assigns the name: whatever a Parallel or Map assigns gets its value when
//! nothing runs inside any more, and takes no name away.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::json::{Node, Object};
use crate::model::{QueryLanguage, ScopeId, StateId, Template};

use super::fields::Fields;
use super::state::Setting;
use super::{Parser, Place, wording};

/// Characters of a variable's name.
const LENGTH_MAX: usize = 80;

/// Names that nobody may assign.
const RESERVED: [&str; 1] = ["states"];

/// The variables that a scope assigns, by their names.
#[derive(Default)]
pub(super) struct Variables(BTreeMap<Arc<str>, Assigner>);

/// Who assigns a variable in its scope.
enum Assigner {
    /// This state alone.
    One(StateId),
    /// Several states.
    Several,
}

impl Variables {
    fn add(&mut self, name: &str, state: StateId) {
        match self.0.get_mut(name) {
            None => {
                self.0.insert(name.into(), Assigner::One(state));
            }
            Some(Assigner::One(known)) if *known == state => {}
            Some(assigner) => *assigner = Assigner::Several,
        }
    }

    /// Whether any state but this one assigns it.
    fn are_assigned_beside(&self, state: StateId, name: &str) -> bool {
        match self.0.get(name) {
            None => false,
            Some(Assigner::One(assigner)) => *assigner != state,
            Some(Assigner::Several) => true,
        }
    }
}

impl Parser<'_> {
    /// Finds the variables of every scope, before any state is read.
    pub(super) fn find_variables(&mut self) {
        for (id, state) in (0..).map(StateId).zip(&self.states) {
            let Some(object) = state.node.as_object() else {
                continue;
            };
            let scope = &mut self.scopes[state.scope.0 as usize];
            let language = match object.get("QueryLanguage").and_then(Node::as_str) {
                Some("JSONPath") => QueryLanguage::JsonPath,
                Some(_) => QueryLanguage::Jsonata,
                None => scope.query_language,
            };
            for assign in assigns(object) {
                for (key, _) in assign.entries() {
                    scope.variables.add(variable_name(key, language), id);
                }
            }
        }
    }

    /// Whether a scope around this one, as far as variables can be seen, uses the name.
    fn is_used_around(&self, scope: ScopeId, name: &str) -> bool {
        let mut scope = self.pending_scope(scope);
        // The children of a distributed Map are executions of their own.
        while let (Some(owner), None) = (scope.owner, scope.child_type) {
            scope = self.pending_scope(self.pending_state(owner).scope);
            if scope.variables.are_assigned_beside(owner, name) {
                return true;
            }
        }
        false
    }

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
            } else if self.is_used_around(setting.scope, name) {
                let message = wording::outer_variable(name);
                self.schema(message, &location, entry.key_span);
            }
        }
        Some(self.read_template(node, &Place::Field(&location), setting.language))
    }
}

/// Every `Assign` of a state: its own, and those of its rules and catchers.
fn assigns(state: &Object) -> impl Iterator<Item = &Object> {
    let lists = ["Choices", "Catch"].into_iter();
    let inner = lists
        .filter_map(|list| state.get(list)?.as_array())
        .flatten()
        .filter_map(Node::as_object);
    let holders = std::iter::once(state).chain(inner);
    holders.filter_map(|holder| holder.get("Assign")?.as_object())
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
