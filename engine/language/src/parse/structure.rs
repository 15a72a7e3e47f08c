//! Rules about the machine as a whole: every state reachable, an end in every scope.

use std::collections::BTreeSet;

use crate::diagnostic::Code;
use crate::model::{ScopeId, StateId, StateKind, StateMachine, Transition};

use super::{Parser, wording};

impl Parser<'_> {
    pub(super) fn check_structure(&mut self, machine: &StateMachine) {
        for number in 0..self.scopes.len() {
            let id = ScopeId(u32::try_from(number).expect("scopes are numbered in 32 bits"));
            // A scope without an end says nothing about what else is wrong in it: so AWS.
            if self.check_end(machine, id) {
                self.check_reachable(machine, id);
            }
        }
    }

    fn check_reachable(&mut self, machine: &StateMachine, scope: ScopeId) {
        let Some(start) = self.pending_scope(scope).start_at else {
            return;
        };
        let mut reached = BTreeSet::from([start]);
        let mut open = vec![start];
        while let Some(id) = open.pop() {
            for next in successors(&machine.state(id).kind) {
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        for id in self.pending_scope(scope).states.clone() {
            if !reached.contains(&id) {
                let state = &self.states[id.0 as usize];
                let message = wording::unreachable(&state.name);
                let (location, span) = (state.location.clone(), state.name_span);
                self.report(Code::MissingTransitionTarget, message, Some(location), span);
            }
        }
    }

    /// Whether the scope has a terminal state, reported if not.
    fn check_end(&mut self, machine: &StateMachine, scope: ScopeId) -> bool {
        let pending = self.pending_scope(scope);
        let ends = |id: &StateId| {
            let kind = &machine.state(*id).kind;
            matches!(kind, StateKind::Succeed | StateKind::Fail(_))
                || kind.transition() == Some(Transition::End)
        };
        let has_end = pending.states.is_empty() || pending.states.iter().any(ends);
        if !has_end {
            let span = pending.span;
            self.report(Code::MissingEndState, wording::NO_END, None, span);
        }
        has_end
    }
}

/// The states that a state can go to.
fn successors(kind: &StateKind) -> Vec<StateId> {
    let mut successors: Vec<StateId> = kind.catch().iter().map(|catcher| catcher.next).collect();
    if let Some(Transition::Next(next)) = kind.transition() {
        successors.push(next);
    }
    if let StateKind::Choice(choice) = kind {
        successors.extend(choice.rules.iter().map(|rule| rule.next));
        successors.extend(choice.default);
    }
    successors
}
