//! Rules about the machine as a whole: every state reachable, an end in every scope.

use std::collections::BTreeSet;

use crate::diagnostic::Code;
use crate::model::{ScopeId, StateId};

use super::{NOWHERE, Parser, wording};

impl Parser<'_> {
    /// Looks at what reading the states has left in them.
    pub(super) fn check_structure(&mut self) {
        self.check_scopes(0);
    }

    /// The same where the document is one state: of what is inside it.
    pub(super) fn check_inner_structure(&mut self) {
        self.check_scopes(1);
    }

    fn check_scopes(&mut self, first: usize) {
        let count = self.scopes.len();
        for id in (0..).map(ScopeId).take(count).skip(first) {
            // A scope without an end says nothing about what else is wrong in it: so AWS.
            if self.check_end(id) {
                self.check_reachable(id);
            }
        }
    }

    /// Whether the scope has a terminal state, reported if not.
    fn check_end(&mut self, scope: ScopeId) -> bool {
        let pending = self.pending_scope(scope);
        let mut states = pending.states.iter();
        let has_end =
            pending.states.is_empty() || states.any(|id| self.pending_state(*id).is_terminal);
        if !has_end {
            let span = pending.span;
            self.report(Code::MissingEndState, wording::NO_END, NOWHERE, span);
        }
        has_end
    }

    /// Reports every state that nothing leads to. What can be reached from there is not reported
    /// as well: it would be found by repairing the first.
    fn check_reachable(&mut self, scope: ScopeId) {
        let pending = self.pending_scope(scope);
        let states = pending.states.clone();
        let is_unclear = |id: &StateId| self.pending_state(*id).is_unclear;
        let has_start = pending.start.is_some_and(|start| start.as_str().is_some());
        // Where somebody forgot the start, or a state's type, everything would be out of reach.
        if !has_start || states.iter().any(is_unclear) {
            return;
        }
        let mut reached = BTreeSet::new();
        if let Some(start) = pending.start_at {
            self.reach(start, &mut reached);
        }
        let lost: Vec<StateId> = states
            .iter()
            .copied()
            .filter(|id| !reached.contains(id))
            .collect();
        let led_to: BTreeSet<StateId> = lost.iter().flat_map(|id| self.others_after(*id)).collect();
        let mut reported: BTreeSet<StateId> = lost
            .iter()
            .copied()
            .filter(|id| !led_to.contains(id))
            .collect();
        for id in &reported {
            self.reach(*id, &mut reached);
        }
        // What is left are cycles that nothing leads into: the first state stands for each.
        for id in &lost {
            if !reached.contains(id) {
                reported.insert(*id);
                self.reach(*id, &mut reached);
            }
        }
        for id in reported {
            let state = self.pending_state(id);
            let message = wording::unreachable(&state.name);
            let (location, span) = (self.location(id), state.name_span);
            self.report(Code::MissingTransitionTarget, message, Some(location), span);
        }
    }

    /// Adds everything that can be reached from a state.
    fn reach(&self, from: StateId, reached: &mut BTreeSet<StateId>) {
        let mut open = vec![from];
        while let Some(id) = open.pop() {
            if reached.insert(id) {
                open.extend(&self.pending_state(id).successors);
            }
        }
    }

    fn others_after(&self, id: StateId) -> impl Iterator<Item = StateId> {
        let successors = self.pending_state(id).successors.iter().copied();
        successors.filter(move |next| *next != id)
    }
}
