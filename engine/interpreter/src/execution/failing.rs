//! When a state fails: retried, caught, or handed to the Parallel or Map around it.

use stepwell_language::json::{Members, Value};
use stepwell_language::model::{Catcher, QueryLanguage, State, StateKind};

use crate::chance::Chance;
use crate::data_flow::{self, Context, Scope};
use crate::event::{ChildFailure, EventKind, FlowId, HistoryId};
use crate::failure::Failure;
use crate::fault::{FailedEvaluation, Fault, Follows};
use crate::payload::Payload;
use crate::retry::{self, Failed};
use crate::state::{self, Exit};

use super::run::{Place, Turn};
use super::surroundings::Around;
use super::{Activity, Execution};

impl Execution {
    /// The evaluation of the flow's state went wrong.
    pub(super) fn fault(&mut self, id: FlowId, fault: Fault, turn: &mut Turn<'_>) {
        let visit = self
            .flow(id)
            .visit()
            .expect("a flow that fails is inside a state");
        let does_map = matches!(self.machine.state(visit.state).kind, StateKind::Map(_));
        let is_done = matches!(visit.activity, Activity::Succeeded { .. });
        let is_evaluation = fault.evaluation.is_some();
        let failed = self.write_down(id, fault, turn);
        if !is_evaluation {
            self.resolve(id, failed, turn);
        } else if does_map && !is_done && self.is_running() {
            // A Map that cannot go on fails as one whose iteration failed.
            let failed_by = self.flow(id).previous;
            self.fail_inside(id, Owner::Map, failed, failed_by, turn);
        }
    }

    /// The failure behind a fault of the flow's state. That of an evaluation has an event of its
    /// own.
    fn write_down(&mut self, id: FlowId, fault: Fault, turn: &mut Turn<'_>) -> Failed {
        let visit = self
            .flow(id)
            .visit()
            .expect("a flow that fails is inside a state");
        let state = self.machine.state(visit.state);
        let (entered, before, name) = (visit.entered, visit.before, state.name.clone());
        let evaluation = fault.evaluation.clone();
        let failed = fault.into_failed(state, entered);
        if let Some(FailedEvaluation { location, follows }) = evaluation {
            let kind = EventKind::EvaluationFailed {
                failure: failed.failure.clone(),
                location,
            };
            let previous = match follows {
                Follows::BeforeEntered => before,
                Follows::Entered => entered,
            };
            self.record(turn, id, Some(name), Place::After(previous), kind);
        }
        failed
    }

    /// Finds out who handles the failure of the flow's state: a retrier, a catcher, the state
    /// around it, or nobody.
    pub(super) fn resolve(&mut self, id: FlowId, failed: Failed, turn: &mut Turn<'_>) {
        let failed_by = self.flow(id).previous;
        if self.retry(id, &failed, failed_by, turn) || self.catch(id, &failed, turn) {
            return;
        }
        self.resolve_uncaught(id, failed, turn);
    }

    /// Plans another attempt, if a retrier allows one.
    fn retry(
        &mut self,
        id: FlowId,
        failed: &Failed,
        failed_by: HistoryId,
        turn: &mut Turn<'_>,
    ) -> bool {
        let visit = self
            .flow(id)
            .visit()
            .expect("a flow that fails is inside a state");
        let state = self.machine.state(visit.state);
        let chosen = retry::choose_retrier(state.kind.retry(), failed, &visit.retries);
        let Some((index, retrier)) = chosen else {
            return false;
        };
        let attempts = visit.retries.get(index).copied().unwrap_or(0);
        let until = turn.now.after(retry::delay(retrier, attempts, turn.chance));
        let retrier = u32::try_from(index).expect("a definition has fewer than 2^32 retriers");
        let name = state.name.clone();
        let kind = EventKind::RetryScheduled {
            retrier,
            until,
            failed_by,
        };
        self.record(turn, id, Some(name), Place::Hidden, kind);
        true
    }

    /// Lets a catcher handle the failure, if there is one.
    fn catch(&mut self, id: FlowId, failed: &Failed, turn: &mut Turn<'_>) -> bool {
        let visit = self
            .flow(id)
            .visit()
            .expect("a flow that fails is inside a state");
        let state = self.machine.state(visit.state);
        let Some(catcher) = retry::choose_catcher(state.kind.catch(), failed) else {
            return false;
        };
        let context = Context::default();
        let around = Around::new(self, id, visit, turn.now);
        let raw = Scope::new(&visit.input, &around, &context);
        match caught(state, catcher, &failed.failure, &raw, turn.chance) {
            Ok(exit) => self.exit(id, exit, turn),
            Err(fault) => {
                let failed = self.write_down(id, fault, turn);
                self.resolve_uncaught(id, failed, turn);
            }
        }
        true
    }

    /// A failure that nobody handles in its own state, or that came about in a catcher of it: it is
    /// that of the state around it. One that nothing catches ends the execution wherever it is.
    fn resolve_uncaught(&mut self, id: FlowId, failed: Failed, turn: &mut Turn<'_>) {
        match self.flow(id).parent {
            Some((owner, _)) if failed.may_be_caught() => self.fail_owner(owner, id, failed, turn),
            Some(_) | None => self.fail_execution(id, failed.failure, turn),
        }
    }

    /// The execution ends with the failure of a flow, and the history says nothing of what ran
    /// beside it.
    pub(super) fn fail_execution(&mut self, id: FlowId, failure: Failure, turn: &mut Turn<'_>) {
        let place = Place::After(self.flow(id).previous);
        let kind = EventKind::ExecutionFailed(failure);
        self.record(turn, FlowId::MAIN, None, place, kind);
    }

    /// A branch or an iteration failed: everything beside it is given up, and the failure is the
    /// Parallel's or Map's own.
    fn fail_owner(&mut self, owner: FlowId, child: FlowId, failed: Failed, turn: &mut Turn<'_>) {
        let failed_by = self.flow(child).previous;
        self.give_up(child, true, failed_by, turn);
        for sibling in self.children(owner) {
            if sibling != child {
                self.give_up(sibling, false, failed_by, turn);
            }
        }
        let kind = self.owner_kind(owner);
        self.fail_inside(owner, kind, failed, failed_by, turn);
    }

    /// The next iteration of a Map cannot start. Those that run are given up, so that the Map is
    /// not left while they go on, unless the failure ends the execution anyway.
    pub(super) fn fail_item(&mut self, map: FlowId, fault: Fault, turn: &mut Turn<'_>) {
        let open = self.children(map);
        if open.is_empty() || !fault.may_be_caught() {
            self.fault(map, fault, turn);
            return;
        }
        let flow = self.flow(map);
        let failed_by = flow.previous;
        for iteration in open {
            self.give_up(iteration, false, failed_by, turn);
        }
        let failed = self.write_down(map, fault, turn);
        let failed_by = self.flow(map).previous;
        self.fail_inside(map, Owner::Map, failed, failed_by, turn);
    }

    /// The Map Run of the flow's state failed.
    pub(super) fn fail_map(
        &mut self,
        map: FlowId,
        failed: Failed,
        failed_by: HistoryId,
        turn: &mut Turn<'_>,
    ) {
        self.fail_inside(map, Owner::Map, failed, failed_by, turn);
    }

    /// What ran inside a Parallel or Map is given up: a retry begins anew, or the state fails.
    fn fail_inside(
        &mut self,
        owner: FlowId,
        kind: Owner,
        failed: Failed,
        failed_by: HistoryId,
        turn: &mut Turn<'_>,
    ) {
        if !self.is_running() || self.retry(owner, &failed, failed_by, turn) {
            return;
        }
        let Failed { failure, class } = failed;
        let child_failure = ChildFailure { failure, class };
        let kind = match kind {
            Owner::Parallel => EventKind::ParallelFailed(child_failure),
            Owner::Map => EventKind::MapFailed(child_failure),
        };
        let name = self.state_name(owner);
        self.record(turn, owner, Some(name), Place::After(failed_by), kind);
        self.ready.push_front(owner);
    }

    /// Writes down that a flow and all inside it are given up, from the outside in.
    pub(super) fn give_up(
        &mut self,
        id: FlowId,
        is_failing: bool,
        failed_by: HistoryId,
        turn: &mut Turn<'_>,
    ) {
        let Some(flow) = self.flows.get(&id) else {
            return;
        };
        let parent = flow.parent;
        let place = Place::After(failed_by);
        if let Some((owner, index)) = parent
            && let Owner::Map = self.owner_kind(owner)
        {
            let kind = if is_failing {
                EventKind::MapIterationFailed { index }
            } else {
                EventKind::MapIterationAborted { index }
            };
            let name = self.state_name(owner);
            self.record(turn, id, Some(name), place, kind);
        }
        let Some(visit) = self.flows.get(&id).and_then(super::Flow::visit) else {
            return;
        };
        let state = self.machine.state(visit.state);
        let is_shown = match state.kind {
            StateKind::Task(_)
            | StateKind::Wait(_)
            | StateKind::Parallel(_)
            | StateKind::Map(_) => true,
            StateKind::Pass(_) | StateKind::Choice(_) | StateKind::Succeed | StateKind::Fail(_) => {
                false
            }
        };
        let name = state.name.clone();
        if Self::has_map_run(visit) {
            let name = Some(name.clone());
            self.record(turn, id, name, place, EventKind::MapRunAborted);
        }
        if is_shown {
            self.record(turn, id, Some(name), place, EventKind::StateAborted);
        }
        for child in self.children(id) {
            self.give_up(child, false, failed_by, turn);
        }
    }

    fn owner_kind(&self, owner: FlowId) -> Owner {
        let activity = self
            .flows
            .get(&owner)
            .and_then(super::Flow::visit)
            .map(|visit| &visit.activity);
        match activity {
            Some(Activity::Iterations(_)) => Owner::Map,
            Some(
                Activity::Branches(_)
                | Activity::Entered
                | Activity::Waiting { .. }
                | Activity::Retrying { .. }
                | Activity::Task(_)
                | Activity::Items(_)
                | Activity::MapRun(_)
                | Activity::MapRunEnded { .. }
                | Activity::MapRunLeft(_)
                | Activity::Succeeded { .. }
                | Activity::Failed(_),
            )
            | None => Owner::Parallel,
        }
    }
}

/// What a flow runs inside of.
#[derive(Clone, Copy)]
enum Owner {
    Parallel,
    Map,
}

/// How the flow leaves a state whose failure is caught.
pub(crate) fn caught(
    state: &State,
    (index, catcher): (usize, &Catcher),
    failure: &Failure,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Exit, Fault> {
    let error_output = Payload::from_value(error_output(failure));
    if state.query_language == QueryLanguage::Jsonata {
        return state::caught(state, (index, catcher), &error_output, raw, chance);
    }
    let assigned = data_flow::assign(
        state,
        catcher.assign.as_ref(),
        &raw.over(&error_output),
        chance,
    )?;
    let output = data_flow::place(&catcher.result_path, error_output, raw.input)?;
    let output = data_flow::within_limit(state, output)?;
    Ok(Exit {
        output,
        assigned,
        next: Some(catcher.next),
    })
}

/// The error object that a catcher gets. A failure without a cause has an empty one, a failure
/// without even a name has nulls: so AWS was recorded.
fn error_output(failure: &Failure) -> Value {
    match (&failure.error, &failure.cause) {
        (Some(error), cause) => Members::from([
            ("Error", Value::from(&**error)),
            ("Cause", cause.as_deref().unwrap_or("").into()),
        ]),
        (None, cause) => {
            Members::from([("Error", Value::Null), ("Cause", cause.as_deref().into())])
        }
    }
    .into()
}
