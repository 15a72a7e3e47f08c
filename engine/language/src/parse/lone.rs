//! A state by itself, without the machine that it belongs to: what `TestState` takes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::Code;
use crate::json::{self, Node, Object};
use crate::model::{
    DataFlow, ExecutionType, QueryLanguage, ScopeId, State, StateId, StateKind, StateMachine,
    StateName,
};
use crate::source::Span;

use super::place::Place;
use super::scope::{PendingScope, PendingState};
use super::variables::Variables;
use super::{NOWHERE, Parsed, Parser, wording};

/// Reads the definition of one state, which is given this name. The states that it leads to are
/// taken for granted.
///
/// ```
/// use stepwell_language::{model::ExecutionType, parse::parse_state};
///
/// let text = r#"{"Type": "Pass", "Next": "Wherever"}"#;
/// let machine = parse_state(text, "A", ExecutionType::Standard).into_result().expect("it is valid");
/// assert_eq!(machine.root().states.len(), 1);
/// ```
pub fn parse_state(text: &str, name: &str, execution_type: ExecutionType) -> Parsed {
    let read;
    let mut parser = Parser::new(execution_type);
    let mut machine = None;
    if let Some(root) = parser.read(text) {
        read = root;
        machine = parser.lone_state(&read, name);
    }
    Parsed {
        machine,
        diagnostics: parser.diagnostics,
    }
}

impl<'a> Parser<'a> {
    fn lone_state(&mut self, root: &'a Node, name: &str) -> Option<StateMachine> {
        let Some(object) = root.as_object() else {
            self.schema_nowhere(wording::NOT_AN_OBJECT, root.span);
            return None;
        };
        let scope = ScopeId::ROOT;
        self.scopes.push(PendingScope {
            span: root.span,
            start: None,
            start_at: Some(StateId(0)),
            owner: None,
            location: String::new(),
            states: Vec::new(),
            names: BTreeMap::new(),
            variables: Variables::default(),
            child_type: None,
            query_language: QueryLanguage::JsonPath,
        });
        let state = PendingState {
            name: name.into(),
            has_valid_name: StateName::parse(name).is_ok(),
            name_span: root.span,
            node: root,
            scope,
            inner: Vec::new(),
            successors: Vec::new(),
            is_terminal: false,
            is_unclear: false,
        };
        self.find_duplicate_keys(root, &Place::Field(""));
        self.collect_state(state, &format!("/States/{name}"), 0);
        let elsewhere = self.take_for_granted(object);
        let mut machine = StateMachine {
            comment: None,
            query_language: QueryLanguage::JsonPath,
            timeout_seconds: None,
            scopes: Vec::new(),
            states: indexmap::IndexMap::new(),
        };
        self.read_scopes(&mut machine);
        self.check_inner_structure();
        for (name, id) in elsewhere {
            machine.states.insert(name.clone(), placeholder(id, name));
        }
        let is_whole = self.states.iter().all(|state| state.has_valid_name);
        is_whole.then_some(machine)
    }

    /// Gives a number to every state that the lone one leads to and that is not there.
    fn take_for_granted(&mut self, state: &Object) -> Vec<(StateName, StateId)> {
        let mut targets = BTreeSet::new();
        let mut find = |object: &Object, field| {
            if let Some(target) = object.get(field).and_then(Node::as_str) {
                targets.insert(Arc::<str>::from(target));
            }
        };
        find(state, "Next");
        find(state, "Default");
        for list in ["Choices", "Catch"] {
            let entries = state.get(list).and_then(Node::as_array);
            for entry in entries.into_iter().flatten() {
                if let Some(entry) = entry.as_object() {
                    find(entry, "Next");
                }
            }
        }
        let mut granted = Vec::new();
        for target in targets {
            let (Ok(name), Ok(number)) = (
                StateName::try_from(target.clone()),
                u32::try_from(self.states.len() + granted.len()),
            ) else {
                continue;
            };
            // Only the name of a target is of interest, so a state inside may stand in for it.
            let known = self.names.get(&target).copied();
            let id = known.unwrap_or(StateId(number));
            self.scopes[0].names.entry(target).or_insert(id);
            if known.is_none() {
                granted.push((name, id));
            }
        }
        granted
    }

    fn schema_nowhere(&mut self, message: &str, span: Span) {
        self.report(Code::SchemaValidationFailed, message, NOWHERE, span);
    }

    /// The document of a text; what keeps it from being one is reported.
    pub(super) fn read(&mut self, text: &str) -> Option<Node> {
        let whole = Span::new(0, text.len());
        if text.len() > super::DEFINITION_BYTES_MAX {
            self.schema_nowhere(&wording::too_long(), whole);
            return None;
        }
        if text.trim().is_empty() {
            self.schema_nowhere(wording::NOT_AN_OBJECT, whole);
            return None;
        }
        match json::read(text) {
            Ok(root) => Some(root),
            Err(error) => {
                self.report(
                    Code::InvalidJsonDescription,
                    error.message_with_location(text),
                    Some(error.location(text)),
                    error.span,
                );
                None
            }
        }
    }
}

/// Stands where a state would that nobody has seen.
fn placeholder(id: StateId, name: StateName) -> State {
    State {
        id,
        name,
        scope: ScopeId::ROOT,
        comment: None,
        query_language: QueryLanguage::JsonPath,
        data_flow: DataFlow::default(),
        kind: StateKind::Succeed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let parsed = parse_state(text, "A", ExecutionType::Standard);
        let found: Vec<String> = parsed.diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn where_a_state_leads_is_taken_for_granted() {
        check(r#"{"Type": "Succeed"}"#, &[]);
        check(r#"{"Type": "Pass", "Next": "B"}"#, &[]);
        check(r#"{"Type": "Pass", "Next": "A"}"#, &[]);
        let choice = r#"{"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": true, "Next": "B"}], "Default": "C"}"#;
        check(choice, &[]);
        let machine = parse_state(choice, "A", ExecutionType::Standard)
            .machine
            .unwrap();
        let names: Vec<&str> = machine.states.keys().map(|name| &**name).collect();
        assert_eq!(names, ["A", "B", "C"]);
        assert!(
            machine
                .states
                .values()
                .enumerate()
                .all(|(index, state)| state.id.0 as usize == index)
        );
    }

    #[test]
    fn what_is_inside_a_state_is_checked_as_ever() {
        let map = |inner: &str, next: &str| {
            format!(
                r#"{{"Type": "Map", "ItemProcessor": {{"StartAt": "B", "States": {{{inner}}}}}, "Next": "{next}"}}"#
            )
        };
        check(&map(r#""B": {"Type": "Succeed"}"#, "C"), &[]);
        check(&map(r#""B": {"Type": "Succeed"}"#, "B"), &[]);
        let lost = map(r#""B": {"Type": "Succeed"}, "C": {"Type": "Succeed"}"#, "D");
        check(
            &lost,
            &[
                "MISSING_TRANSITION_TARGET: State \"C\" is not reachable. at /States/A/ItemProcessor/States/C",
            ],
        );
        let wrong = map(r#""B": {"Type": "Pass", "Next": "D"}"#, "D");
        check(
            &wrong,
            &[
                "MISSING_TRANSITION_TARGET: Missing 'Next' target: D at /States/A/ItemProcessor/States/B/Next",
                "MISSING_END_STATE: Workflow has no terminal state at null",
            ],
        );
        let same = map(
            r#""A": {"Type": "Succeed"}, "B": {"Type": "Pass", "Next": "A"}"#,
            "D",
        );
        check(
            &same,
            &["DUPLICATE_STATE_NAME: Duplicate State name: A at /States/A/ItemProcessor/States/A"],
        );
    }

    #[test]
    fn what_is_no_state_is_refused() {
        check(
            "",
            &["SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null"],
        );
        check(
            "1",
            &["SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null"],
        );
        check(
            "{}",
            &["SCHEMA_VALIDATION_FAILED: These fields are required: [Type] at /States/A"],
        );
        assert!(
            parse_state("{", "A", ExecutionType::Standard)
                .machine
                .is_none()
        );
        assert!(
            parse_state("{}", "", ExecutionType::Standard)
                .machine
                .is_none()
        );
    }
}
