//! `States` maps: all of them are found first, so that transitions can be resolved as states are
//! read.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::Code;
use crate::json::{Node, Object};
use crate::model::{
    ExecutionType, QueryLanguage, Scope, ScopeId, StateId, StateMachine, StateName, Transition,
};
use crate::source::Span;

use super::fields::Fields;
use super::state::Setting;
use super::variables::Variables;
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
    /// The variables that its states assign.
    pub(super) variables: Variables,
    /// Of which type its executions are, when it has executions of its own: the processor of a
    /// distributed Map.
    pub(super) child_type: Option<ExecutionType>,
    /// The language of states that do not name their own: what the scope says, or else what holds
    /// around it. The Map or Parallel state's own language does not reach its states: so AWS.
    pub(super) query_language: QueryLanguage,
}

/// A state that was found.
pub(super) struct PendingState<'a> {
    pub(super) name: Arc<str>,
    pub(super) has_valid_name: bool,
    pub(super) name_span: Span,
    pub(super) node: &'a Node,
    pub(super) scope: ScopeId,
    /// The scopes inside it: a Parallel's branches, a Map's processor.
    pub(super) inner: Vec<ScopeId>,
    /// Where it can go, and whether it can end its scope: known once it has been read.
    pub(super) successors: Vec<StateId>,
    pub(super) is_terminal: bool,
    /// Whether it is of no known type, so that nobody knows where it goes.
    pub(super) is_unclear: bool,
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
            let message = wording::too_deep();
            self.report(Code::TooDeeplyNested, message, Some(location), node.span);
            return None;
        }
        let id = ScopeId(u32::try_from(self.scopes.len()).ok()?);
        let around = owner.map_or(self.query_language, |owner| {
            let scope = self.pending_state(owner).scope;
            self.pending_scope(scope).query_language
        });
        self.scopes.push(PendingScope {
            span: node.span,
            start: fields.node("StartAt"),
            start_at: None,
            owner,
            location: location.to_owned(),
            states: Vec::new(),
            names: BTreeMap::new(),
            variables: Variables::default(),
            child_type: child_type(object),
            query_language: match object.get("QueryLanguage").and_then(Node::as_str) {
                Some("JSONata") => QueryLanguage::Jsonata,
                Some("JSONPath") => QueryLanguage::JsonPath,
                Some(_) | None => around,
            },
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
            self.check_name(name, &location, entry.key_span);
            let state = PendingState {
                name: name.clone(),
                has_valid_name: StateName::parse(name).is_ok(),
                name_span: entry.key_span,
                node: &entry.value,
                scope: id,
                inner: Vec::new(),
                successors: Vec::new(),
                is_terminal: false,
                is_unclear: false,
            };
            self.collect_state(state, &location, depth);
        }
        self.resolve_start(id);
        Some(id)
    }

    fn check_name(&mut self, name: &Arc<str>, location: &str, span: Span) {
        if let Err(error) = StateName::try_from(name.clone()) {
            let message = match error.length {
                0 => wording::NO_NAME.to_owned(),
                _ => wording::long_name(name),
            };
            self.report(Code::InvalidStateName, message, Some(location), span);
        } else if self.names.contains_key(name) {
            let message = wording::duplicate_name(name);
            self.report(Code::DuplicateStateName, message, Some(location), span);
        }
    }

    pub(super) fn collect_state(&mut self, state: PendingState<'a>, location: &str, depth: usize) {
        let Ok(number) = u32::try_from(self.states.len()) else {
            return;
        };
        let id = StateId(number);
        let (name, node) = (state.name.clone(), state.node);
        let scope = &mut self.scopes[state.scope.0 as usize];
        scope.states.push(id);
        scope.names.insert(name.clone(), id);
        self.names.entry(name).or_insert(id);
        self.states.push(state);
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
                let field = match object.get("ItemProcessor") {
                    Some(_) => "ItemProcessor",
                    None => "Iterator",
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

    fn resolve_start(&mut self, id: ScopeId) {
        let scope = self.pending_scope(id);
        let Some(start) = scope.start else { return };
        let location = format!("{}/StartAt", scope.location);
        // Where there is no state at all, that has been said.
        if !scope.states.is_empty() {
            let found = self.find(id, start, &location);
            self.scopes[id.0 as usize].start_at = found;
        }
    }

    /// The state that a transition names; from now on it counts as reached from this one.
    pub(super) fn target(
        &mut self,
        setting: Setting,
        node: &Node,
        location: &str,
    ) -> Option<StateId> {
        let found = self.find(setting.scope, node, location)?;
        self.states[setting.id.0 as usize].successors.push(found);
        Some(found)
    }

    fn find(&mut self, scope: ScopeId, node: &Node, location: &str) -> Option<StateId> {
        let Some(name) = node.as_str() else {
            self.schema(wording::expected("String"), location, node.span);
            return None;
        };
        let found = self.pending_scope(scope).names.get(name).copied();
        if found.is_none() && !self.has_said_enough() {
            let message = wording::missing_target(name);
            let help = self.near_target(scope, name);
            self.helpful(
                Code::MissingTransitionTarget,
                message,
                location,
                node.span,
                help,
            );
        }
        found
    }

    fn near_target(&self, scope: ScopeId, name: &str) -> Option<String> {
        if self.names.contains_key(name) {
            return Some(format!(
                "`{name}` stands in another `States` map; transitions stay inside their own"
            ));
        }
        self.pending_scope(scope)
            .names
            .keys()
            .find(|other| other.eq_ignore_ascii_case(name))
            .map(|other| format!("Did you mean `{other}`?"))
    }

    /// `Next` or `End` of a state; exactly one is required.
    pub(super) fn transition(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Transition {
        let end = fields.boolean(self, "End");
        let Some(next) = fields.node("Next") else {
            if end != Some(true) {
                let message = wording::exactly_one(&["Next", "End"]);
                self.schema(message, &fields.location, fields.span);
            }
            self.states[setting.id.0 as usize].is_terminal = true;
            return Transition::End;
        };
        if end == Some(true) {
            fields.at_most_one(self, &["Next", "End"]);
        }
        match self.target(setting, next, &fields.at("Next")) {
            Some(target) => Transition::Next(target),
            None => Transition::End,
        }
    }

    /// Reads every state that was found, and puts scopes and states into the machine.
    pub(super) fn read_scopes(&mut self, machine: &mut StateMachine) {
        self.find_variables();
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

/// The type of a distributed Map's children, as far as it is told.
fn child_type(processor: &Object) -> Option<ExecutionType> {
    let config = processor.get("ProcessorConfig")?.as_object()?;
    let text = |field| config.get(field).and_then(Node::as_str);
    match (text("Mode"), text("ExecutionType")) {
        (Some("DISTRIBUTED"), Some("EXPRESS")) => Some(ExecutionType::Express),
        (Some("DISTRIBUTED"), _) => Some(ExecutionType::Standard),
        (_, _) => None,
    }
}

impl Fields<'_> {
    fn require_scope(&self, parser: &mut Parser<'_>) {
        self.require(parser, &["States", "StartAt"]);
    }
}
