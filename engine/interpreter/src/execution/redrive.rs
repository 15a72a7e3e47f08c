//! Redrive: an execution that ended without success goes on from the states that had not ended.
//!
//! All that is known of the past is in the flows, which stay where they were when the execution
//! ended, and in [`Failing`](super::flow::Failing), which keeps what ran inside a Parallel or Map
//! that failed. Source: API, `RedriveExecution`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use stepwell_language::model::StateKind;

use crate::event::{Event, EventKind, FlowId, HistoryId};
use crate::failure::name;
use crate::retry::Failed;
use crate::timestamp::Timestamp;

use super::flow::{Activity, Flow, MapRun, Position, Visit};
use super::run::{Place, Turn};
use super::{Execution, Status};

/// How an execution was brought back after it had ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Redrives {
    /// How often, from 1.
    pub count: u64,
    /// The last time.
    pub at: Timestamp,
    /// How long the execution was open before that: all its attempts but the last.
    pub open_before: Duration,
    /// The event of the last time.
    event: HistoryId,
    /// The tokens of the last requests, the latest last.
    tokens: VecDeque<(Arc<str>, Timestamp)>,
}

impl Redrives {
    /// Tokens that are remembered.
    pub const TOKENS_MAX: usize = 10;

    /// How long each of them is.
    pub const TOKEN_KEPT: Duration = Duration::from_mins(15);

    /// When the request of this token was carried out, if that is remembered.
    pub fn of_token(&self, token: &str, now: Timestamp) -> Option<Timestamp> {
        let mut known = self.tokens.iter().rev();
        let (_, at) = known.find(|(known, _)| **known == *token)?;
        (now.since(*at) <= Self::TOKEN_KEPT).then_some(*at)
    }
}

impl Execution {
    /// How it was brought back after it had ended; `None` if it never was.
    pub fn redrives(&self) -> Option<&Redrives> {
        self.redrives.as_deref()
    }

    /// When its last attempt began; `None` before the first event.
    pub fn begun_at(&self) -> Option<Timestamp> {
        let redriven_at = self.redrives().map(|redrives| redrives.at);
        redriven_at.or_else(|| self.started.as_ref().map(|(at, _)| *at))
    }

    /// When it ended; `None` while it runs.
    fn ended_at(&self) -> Option<Timestamp> {
        match &self.status {
            Status::Running => None,
            Status::Succeeded { at, .. }
            | Status::Failed { at, .. }
            | Status::TimedOut { at, .. }
            | Status::Aborted { at, .. } => Some(*at),
        }
    }

    /// Whether it ended in a way that something is left to go on with.
    fn is_unsuccessful(&self) -> bool {
        match self.status {
            Status::Running | Status::Succeeded { .. } => false,
            Status::Failed { .. } | Status::TimedOut { .. } | Status::Aborted { .. } => true,
        }
    }

    /// The moment that a Wait state counts from: it begins anew with a redrive.
    pub(super) fn waits_from(&self, visit: &Visit) -> Timestamp {
        match self.redrives() {
            // Told by their places, because a clock may be set.
            Some(redrives) if visit.entered < redrives.event => redrives.at,
            Some(_) | None => visit.entered_at,
        }
    }

    /// The host asks for a redrive. One that cannot be leads to no event.
    pub(super) fn redrive(&mut self, client_token: Option<Arc<str>>, turn: &mut Turn<'_>) {
        // There must be room for this event and, behind it, for the one that says there is none.
        let has_room = self.history.0.saturating_add(2) <= self.limits.history_events_max;
        let is_repeated = client_token.as_ref().is_some_and(|token| {
            let redrives = self.redrives();
            redrives.is_some_and(|redrives| redrives.of_token(token, turn.now).is_some())
        });
        if !self.is_unsuccessful() || !has_room || is_repeated {
            return;
        }
        let count = self.redrives().map_or(0, |redrives| redrives.count);
        let kind = EventKind::ExecutionRedriven {
            redrive_count: count + 1,
            client_token,
        };
        let place = Place::After(self.history);
        self.record(turn, FlowId::MAIN, None, place, kind);
        // What the last attempt left on the list says nothing any more.
        self.ready.clear();
        self.find_ready();
    }

    pub(super) fn apply_redrive(
        &mut self,
        event: &Event,
        count: u64,
        client_token: Option<&Arc<str>>,
    ) -> Result<(), &'static str> {
        let place = event.history.ok_or("it has no place in the history")?;
        if !self.is_unsuccessful() {
            return Err("the execution ended well");
        }
        let opened = match (self.begun_at(), self.ended_at()) {
            (Some(begun_at), Some(ended_at)) => ended_at.since(begun_at),
            (Some(_) | None, Some(_) | None) => Duration::ZERO,
        };
        let before = self.redrives.take();
        let (open_before, mut tokens) = match before {
            Some(before) => (before.open_before, before.tokens),
            None => (Duration::ZERO, VecDeque::new()),
        };
        if let Some(token) = client_token {
            tokens.push_back((Arc::clone(token), event.at));
            if tokens.len() > Redrives::TOKENS_MAX {
                tokens.pop_front();
            }
        }
        self.redrives = Some(Box::new(Redrives {
            count,
            at: event.at,
            open_before: open_before.saturating_add(opened),
            event: place.id,
            tokens,
        }));
        self.context.take();
        let status = std::mem::replace(&mut self.status, Status::Running);
        if let Status::Failed { failure, .. } = status
            && failure.error.as_deref() == Some(name::DATA_LIMIT_EXCEEDED)
        {
            self.forget_inside(FlowId::MAIN);
        }
        self.variables_size = 0;
        for (id, flow) in std::mem::take(&mut self.flows) {
            self.revive(id, flow, place.id);
        }
        Ok(())
    }

    /// The Parallel or Map that the flow is in runs again as a whole.
    fn forget_inside(&mut self, id: FlowId) {
        // What ran inside was cancelled when the execution ended.
        let effects = self.effects.len();
        self.close_children(id);
        self.effects.truncate(effects);
        if let Some(visit) = self.flows.get_mut(&id).and_then(Flow::visit_mut) {
            visit.activity = Activity::Entered;
        }
    }

    /// A flow goes on: with its next state, or in its state from where that had got to. What
    /// follows in the history follows from the redrive.
    fn revive(&mut self, id: FlowId, mut flow: Flow, redriven: HistoryId) {
        flow.previous = redriven;
        self.variables_size += flow.variables_size();
        let mut inside = Vec::new();
        if let Position::In(visit) = &mut flow.position {
            visit.retries.fill(0);
            let activity = std::mem::replace(&mut visit.activity, Activity::Entered);
            match &self.machine.state(visit.state).kind {
                // What has ended inside keeps its output, what has not goes on.
                StateKind::Parallel(_) | StateKind::Map(_) => {
                    (visit.activity, inside) = resumed(activity);
                }
                StateKind::Task(_)
                | StateKind::Pass(_)
                | StateKind::Wait(_)
                | StateKind::Choice(_)
                | StateKind::Succeed
                | StateKind::Fail(_) => {}
            }
        }
        self.flows.insert(id, flow);
        for (id, flow) in inside {
            self.revive(id, flow, redriven);
        }
    }
}

/// From what a Parallel or Map goes on, and which flows come back to run inside it.
fn resumed(activity: Activity) -> (Activity, Vec<(FlowId, Flow)>) {
    match activity {
        Activity::Failed(failing) => {
            let failing = *failing;
            match failing.before {
                Activity::MapRunLeft(run) => (left(run, &failing.failed), Vec::new()),
                _ if begins_anew(&failing.failed) => (Activity::Entered, Vec::new()),
                before @ (Activity::Branches(_)
                | Activity::Iterations(_)
                | Activity::Succeeded { .. }
                | Activity::Entered
                | Activity::Waiting { .. }
                | Activity::Retrying { .. }
                | Activity::Task(_)
                | Activity::Items(_)
                | Activity::MapRun(_)
                | Activity::MapRunEnded { .. }
                | Activity::Failed(_)) => (before, failing.inside),
            }
        }
        activity @ (Activity::Branches(_)
        | Activity::Iterations(_)
        | Activity::MapRunEnded { outcome: Ok(_), .. }
        | Activity::MapRunLeft(_)
        | Activity::Succeeded { .. }) => (activity, Vec::new()),
        Activity::MapRunEnded {
            outcome: Err(failed),
            run,
            ..
        } => (left(run, &failed), Vec::new()),
        // It was given up with its state.
        Activity::MapRun(run) => (Activity::MapRunLeft(run), Vec::new()),
        // A retry begins anew, now or later.
        Activity::Entered
        | Activity::Waiting { .. }
        | Activity::Retrying { .. }
        | Activity::Task(_)
        | Activity::Items(_) => (Activity::Entered, Vec::new()),
    }
}

/// A Map Run that failed goes on, unless it would fail of the same again: then there is a new one.
fn left(run: Box<MapRun>, failed: &Failed) -> Activity {
    let error = failed.failure.error.as_deref();
    let inputs_failed = error == Some(name::RUNTIME) || error == Some(name::QUERY_EVALUATION_ERROR);
    if begins_anew(failed) || inputs_failed {
        Activity::Entered
    } else {
        Activity::MapRunLeft(run)
    }
}

/// Whether what ran inside is of no use: its results are too large.
fn begins_anew(failed: &Failed) -> bool {
    failed.failure.error.as_deref() == Some(name::DATA_LIMIT_EXCEEDED)
}
