//! What is accepted, what is refused, and in which words.

use super::*;

mod attacks;
mod choices;
mod fields;
mod graphs;
mod languages;
mod maps;
mod mutations;
mod schema;
mod tasks;
mod templates;
mod variables;

/// Parses a definition and compares its findings, joined as the API joins them.
#[track_caller]
fn check(definition: &str, expected: &str) {
    check_type(definition, ExecutionType::Standard, expected);
}

#[track_caller]
fn check_type(definition: &str, execution_type: ExecutionType, expected: &str) {
    let parsed = parse(definition, execution_type);
    let findings: Vec<String> = parsed.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(findings.join(", "), expected, "{definition}");
    let is_refused = parsed.diagnostics.iter().any(Diagnostic::is_refused);
    assert_eq!(parsed.into_result().is_err(), is_refused, "{definition}");
}

/// The same for the one state `X` of a machine; a state `Y` follows it if it names one. `{S}` in
/// what is expected stands for `SCHEMA_VALIDATION_FAILED`, `@` for where the state stands.
#[track_caller]
fn check_state(state: &str, expected: &str) {
    check_type(
        &machine(state),
        ExecutionType::Standard,
        &written_out(expected),
    );
}

#[track_caller]
fn check_express(state: &str, expected: &str) {
    check_type(
        &machine(state),
        ExecutionType::Express,
        &written_out(expected),
    );
}

/// The same in a machine whose language is JSONata.
#[track_caller]
fn check_jsonata(state: &str, expected: &str) {
    let machine = machine(state).replacen('{', r#"{"QueryLanguage": "JSONata", "#, 1);
    check_type(&machine, ExecutionType::Standard, &written_out(expected));
}

fn machine(state: &str) -> String {
    let follows = if state.contains(r#""Y""#) {
        r#", "Y": {"Type": "Succeed"}"#
    } else {
        ""
    };
    format!(r#"{{"StartAt": "X", "States": {{"X": {state}{follows}}}}}"#)
}

fn written_out(expected: &str) -> String {
    expected
        .replace("{S}", "SCHEMA_VALIDATION_FAILED")
        .replace('@', "/States/X")
}

/// Every id of a machine without errors leads somewhere, and it can be drawn.
#[track_caller]
fn check_resolved(machine: &StateMachine) {
    use crate::model::{StateKind, Transition};

    for (index, scope) in machine.scopes.iter().enumerate() {
        let start = machine.state(scope.start_at);
        assert_eq!(start.scope.0 as usize, index);
        assert_eq!(scope.owner.is_none(), index == 0);
        for id in &scope.states {
            assert_eq!(machine.state(*id).scope.0 as usize, index);
        }
    }
    for (index, (name, state)) in machine.states.iter().enumerate() {
        assert_eq!((state.id.0 as usize, &state.name), (index, name));
        assert_eq!(machine.find(name).map(|found| found.id), Some(state.id));
        assert!(machine.scope(state.scope).states.contains(&state.id));
        let is_beside = |id: StateId| machine.state(id).scope == state.scope;
        assert!(state.kind.catch().iter().all(|one| is_beside(one.next)));
        if let Some(Transition::Next(next)) = state.kind.transition() {
            assert!(is_beside(next));
        }
        let owns = |id: &ScopeId| machine.scope(*id).owner == Some(state.id);
        match &state.kind {
            StateKind::Choice(choice) => {
                assert!(!choice.rules.is_empty());
                assert!(choice.rules.iter().all(|rule| is_beside(rule.next)));
                assert!(choice.default.is_none_or(is_beside));
            }
            StateKind::Parallel(parallel) => {
                assert!(!parallel.branches.is_empty());
                assert!(parallel.branches.iter().all(owns));
            }
            StateKind::Map(map) => assert!(owns(&map.processor)),
            StateKind::Task(_)
            | StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => {}
        }
        assert!(
            state
                .kind
                .retry()
                .iter()
                .all(|one| !one.error_equals.is_empty())
        );
        assert!(
            state
                .kind
                .catch()
                .iter()
                .all(|one| !one.error_equals.is_empty())
        );
    }
    let graph = crate::graph::StateGraph::new(machine);
    assert!(!graph.mermaid().is_empty() && !graph.dot().is_empty());
}
