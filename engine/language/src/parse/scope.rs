//! `States` maps: all of them are found first, so that transitions can be resolved as states are
//! read.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::Code;
use crate::json::{Node, Object};
use crate::model::{QueryLanguage, Scope, ScopeId, StateId, StateMachine, StateName, Transition};
use crate::source::Span;

use super::fields::Fields;
use super::{NESTING_MAX, Parser, wording};

/// A `States` map that was found.
pub(super) struct PendingScope<'a> {
    pub(super) span: Span,
    pub(super) start: Option<&'a Node>,
    pub(super) start_at: Option<StateId>,
    pub(super) owner: Option<StateId>,
    pub(super) location: String,
    pub(super) states: Vec<StateId>,
    /// Its states by name.
    pub(super) names: BTreeMap<Arc<str>, StateId>,
}

/// A state that was found.
pub(super) struct PendingState<'a> {
    pub(super) name: StateName,
    pub(super) name_span: Span,
    pub(super) node: &'a Node,
    pub(super) location: String,
    pub(super) scope: ScopeId,
    /// The scopes inside it: a Parallel's branches, a Map's processor.
    pub(super) inner: Vec<ScopeId>,
    /// What it inherits from the scope around it.
    pub(super) query_language: QueryLanguage,
}

impl<'a> Parser<'a> {
    /// Finds the states of a scope, and of all scopes inside.
    pub(super) fn collect(
        &mut self,
        node: &'a Node,
        object: &'a Object,
        location: &str,
        owner: Option<StateId>,
        depth: usize,
    ) -> Option<ScopeId> {
        let mut fields = Fields::new(node.span, object, location);
        fields.require_scope(self);
        if depth > NESTING_MAX {
            let message = format!("States nest deeper than {NESTING_MAX} levels");
            self.report(
                Code::TooDeeplyNested,
                message,
                Some(location.to_owned()),
                node.span,
            );
            return None;
        }
        let id = ScopeId(u32::try_from(self.scopes.len()).ok()?);
        let language = match owner {
            Some(owner) => self.inherited(owner, object),
            None => self.query_language,
        };
        self.scopes.push(PendingScope {
            span: node.span,
            start: fields.node("StartAt"),
            start_at: None,
            owner,
            location: location.to_owned(),
            states: Vec::new(),
            names: BTreeMap::new(),
        });
        let states_location = fields.at("States");
        let states = fields.node("States")?;
        let Some(entries) = states.as_object() else {
            self.schema(wording::expected("Object"), &states_location, states.span);
            return Some(id);
        };
        if entries.is_empty() {
            self.schema(wording::EMPTY, &states_location, states.span);
        }
        for (name, entry) in entries.entries() {
            let location = format!("{states_location}/{name}");
            self.collect_state(
                name,
                entry.key_span,
                &entry.value,
                location,
                id,
                language,
                depth,
            );
        }
        self.resolve_start(id);
        Some(id)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is one fact about the state at hand"
    )]
    fn collect_state(
        &mut self,
        name: &Arc<str>,
        name_span: Span,
        node: &'a Node,
        location: String,
        scope: ScopeId,
        query_language: QueryLanguage,
        depth: usize,
    ) {
        let state_name = match StateName::try_from(name.clone()) {
            Ok(name) => name,
            Err(error) => {
                let message = match error.length {
                    0 => "Invalid State name: a state name cannot be empty".to_owned(),
                    _ => format!(
                        "Invalid State name: State '{name}' exceeds the 80-character limit allowed by the service"
                    ),
                };
                self.report(Code::InvalidStateName, message, Some(location), name_span);
                return;
            }
        };
        let Ok(number) = u32::try_from(self.states.len()) else {
            return;
        };
        let id = StateId(number);
        if self.names.contains_key(name) {
            let message = format!("Duplicate State name: {name}");
            self.report(Code::DuplicateStateName, message, Some(location), name_span);
            return;
        }
        self.names.insert(name.clone(), id);
        let pending = &mut self.scopes[scope.0 as usize];
        pending.states.push(id);
        pending.names.insert(name.clone(), id);
        self.states.push(PendingState {
            name: state_name,
            name_span,
            node,
            location: location.clone(),
            scope,
            inner: Vec::new(),
            query_language,
        });
        let Some(object) = node.as_object() else {
            return;
        };
        let mut inner = Vec::new();
        match object.get("Type").and_then(Node::as_str) {
            Some("Parallel") => {
                let branches = object.get("Branches").and_then(Node::as_array);
                for (index, branch) in branches.into_iter().flatten().enumerate() {
                    let location = format!("{location}/Branches[{index}]");
                    inner.extend(self.collect_inner(branch, &location, id, depth));
                }
            }
            Some("Map") => {
                let field = if object.get("ItemProcessor").is_some() {
                    "ItemProcessor"
                } else {
                    "Iterator"
                };
                if let Some(processor) = object.get(field) {
                    let location = format!("{location}/{field}");
                    inner.extend(self.collect_inner(processor, &location, id, depth));
                }
            }
            Some(_) | None => {}
        }
        self.states[id.0 as usize].inner = inner;
    }

    fn collect_inner(
        &mut self,
        node: &'a Node,
        location: &str,
        owner: StateId,
        depth: usize,
    ) -> Option<ScopeId> {
        let fields = Fields::of(self, node, location)?;
        self.collect(node, fields.object, location, Some(owner), depth + 1)
    }

    /// The query language of the states in a branch or processor that do not name their own.
    fn inherited(&self, owner: StateId, object: &Object) -> QueryLanguage {
        match object.get("QueryLanguage").and_then(Node::as_str) {
            Some("JSONata") => QueryLanguage::Jsonata,
            Some(_) => QueryLanguage::JsonPath,
            None => self.states[owner.0 as usize].query_language,
        }
    }

    fn resolve_start(&mut self, id: ScopeId) {
        let scope = self.pending_scope(id);
        let Some(start) = scope.start else { return };
        let location = format!("{}/StartAt", scope.location);
        let Some(name) = start.as_str() else {
            self.schema(wording::expected("String"), &location, start.span);
            return;
        };
        let found = scope.names.get(name).copied();
        if found.is_none() {
            let message = wording::missing_target(name);
            self.missing_target(message, &location, start.span, id, name);
        }
        self.scopes[id.0 as usize].start_at = found;
    }

    /// The state that a transition of `scope` names.
    pub(super) fn target(
        &mut self,
        scope: ScopeId,
        node: &Node,
        location: &str,
    ) -> Option<StateId> {
        let Some(name) = node.as_str() else {
            self.schema(wording::expected("String"), location, node.span);
            return None;
        };
        let found = self.pending_scope(scope).names.get(name).copied();
        if found.is_none() {
            let message = wording::missing_target(name);
            self.missing_target(message, location, node.span, scope, name);
        }
        found
    }

    fn missing_target(
        &mut self,
        message: String,
        location: &str,
        span: Span,
        scope: ScopeId,
        name: &str,
    ) {
        let help = if self.names.contains_key(name) {
            Some(format!(
                "`{name}` stands in another `States` map; transitions stay inside their own"
            ))
        } else {
            let lower = name.to_lowercase();
            self.pending_scope(scope)
                .names
                .keys()
                .find(|other| other.to_lowercase() == lower)
                .map(|other| format!("Did you mean `{other}`?"))
        };
        self.helpful(Code::MissingTransitionTarget, message, location, span, help);
    }

    /// `Next` or `End` of a state; exactly one is required.
    pub(super) fn transition(&mut self, fields: &mut Fields<'_>, scope: ScopeId) -> Transition {
        let end = fields.boolean(self, "End");
        let Some(next) = fields.node("Next") else {
            if end != Some(true) {
                let message = wording::exactly_one(&["Next", "End"]);
                self.schema(message, &fields.location, fields.span);
            }
            return Transition::End;
        };
        if end == Some(true) {
            self.schema(
                wording::at_most_one(&["Next", "End"]),
                &fields.location,
                fields.span,
            );
        }
        let location = fields.at("Next");
        match self.target(scope, next, &location) {
            Some(target) => Transition::Next(target),
            None => Transition::End,
        }
    }

    /// Reads every state that was found, and puts scopes and states into the machine.
    pub(super) fn read_scopes(&mut self, machine: &mut StateMachine) {
        for number in 0..self.states.len() {
            let id = StateId(u32::try_from(number).expect("states are numbered in 32 bits"));
            let state = self.read_state(id);
            machine.states.insert(state.name.clone(), state);
        }
        machine.scopes = self
            .scopes
            .iter()
            .map(|scope| Scope {
                // A scope without a start is only ever drawn, never run.
                start_at: scope
                    .start_at
                    .or(scope.states.first().copied())
                    .unwrap_or(StateId(0)),
                owner: scope.owner,
                states: scope.states.clone(),
                location: scope.location.clone(),
            })
            .collect();
    }
}

impl Fields<'_> {
    fn require_scope(&self, parser: &mut Parser<'_>) {
        self.require(parser, &["States", "StartAt"]);
    }
}
