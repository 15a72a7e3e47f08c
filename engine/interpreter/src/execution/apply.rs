//! Taking events in: how each fact changes what an execution knows.
//!
//! Nothing here evaluates an expression or looks at a clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use stepwell_language::model::{ScopeId, StateId, StateKind, StateName, Transition};

use crate::effect::Effect;
use crate::event::{Event, EventKind, FlowId, HistoryId, Sequence};
use crate::failure::FailureClass;
use crate::payload::Payload;
use crate::retry::Failed;

use super::flow::Visit;
use super::{Activity, Execution, Flow, Position, Status, TaskPhase};

mod children;
mod map_runs;
mod tasks;

/// Why an event cannot follow what came before it: the journal is damaged, or of another machine.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The journal skips or repeats an event.
    #[error("expected event {expected}, found {found}", expected = expected.0, found = found.0)]
    OutOfOrder {
        /// The number that had to come.
        expected: Sequence,
        /// The number that came.
        found: Sequence,
    },
    /// The event speaks of something that is not there.
    #[error("event {sequence} cannot follow what came before it: {reason}", sequence = sequence.0)]
    Misplaced {
        /// The event's number.
        sequence: Sequence,
        /// What does not fit.
        reason: &'static str,
    },
}

/// Something does not fit; the caller adds which event.
type Applied = Result<(), &'static str>;

const NO_FLOW: &str = "its flow does not exist";
const NO_STATE: &str = "its state does not exist";
const NOT_IN_STATE: &str = "its flow is not inside a state";
const NO_TASK: &str = "its flow has no open task";
const NO_PLACE: &str = "it has no place in the history";

impl Execution {
    pub(super) fn check_and_apply(&mut self, event: &Event) -> Result<(), ReplayError> {
        if event.sequence != self.sequence {
            return Err(ReplayError::OutOfOrder {
                expected: self.sequence,
                found: event.sequence,
            });
        }
        let misplaced = |reason| ReplayError::Misplaced {
            sequence: event.sequence,
            reason,
        };
        let is_redrive = matches!(event.kind, EventKind::ExecutionRedriven { .. });
        if self.is_running() == is_redrive {
            return Err(misplaced(if is_redrive {
                "the execution has not ended"
            } else {
                "the execution has ended"
            }));
        }
        if self.started.is_some() == matches!(event.kind, EventKind::ExecutionStarted(_)) {
            return Err(misplaced(
                "the first event, and no other, starts the execution",
            ));
        }
        self.apply_kind(event).map_err(misplaced)?;
        self.sequence = self.sequence.next();
        if let Some(place) = event.history {
            self.history = place.id;
        }
        if self.is_running() {
            self.arm(event.flow);
        }
        Ok(())
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event, and nothing else"
    )]
    fn apply_kind(&mut self, event: &Event) -> Applied {
        let at = event.at;
        match &event.kind {
            EventKind::ExecutionStarted(started) => {
                let input = started.input.clone();
                let scope = self.begin_in_scope(started)?;
                self.started = Some((at, Arc::new(started.as_ref().clone())));
                self.open_flow(None, scope, HistoryId(0), input);
                Ok(())
            }
            EventKind::ExecutionSucceeded { output } => {
                let output = output.clone();
                self.end(Status::Succeeded { at, output });
                Ok(())
            }
            EventKind::ExecutionFailed(failure) => {
                let failure = failure.clone();
                self.end(Status::Failed { at, failure });
                Ok(())
            }
            EventKind::ExecutionAborted(failure) => {
                let failure = failure.clone();
                self.end(Status::Aborted { at, failure });
                Ok(())
            }
            EventKind::ExecutionTimedOut(failure) => {
                let failure = failure.clone();
                self.end(Status::TimedOut { at, failure });
                Ok(())
            }
            EventKind::StateEntered { input } => self.apply_enter(event, input),
            EventKind::StateExited {
                output,
                assigned,
                next,
            } => self.apply_exit(event, output, assigned, next.as_ref()),
            EventKind::StateAborted
            | EventKind::MapRunAborted
            | EventKind::MapIterationFailed { .. }
            | EventKind::MapIterationAborted { .. } => Ok(()),
            EventKind::EvaluationFailed { failure, .. } => {
                let failed = Failed::by_name(failure.clone());
                self.fail(event, failed, Vec::new())
            }
            EventKind::WaitScheduled { until } => {
                let state = self.machine.state(self.visit(event.flow)?.state);
                if !matches!(state.kind, StateKind::Wait(_)) {
                    return Err("its state is no Wait");
                }
                self.set_activity(event, Activity::Waiting { until: *until })
            }
            EventKind::RetryScheduled {
                retrier,
                until,
                failed_by,
            } => {
                self.close_children(event.flow);
                let flow = self.flows.get_mut(&event.flow).ok_or(NO_FLOW)?;
                flow.previous = *failed_by;
                let visit = flow.visit_mut().ok_or(NOT_IN_STATE)?;
                let index = *retrier as usize;
                *visit
                    .retries
                    .get_mut(index)
                    .ok_or("its retrier does not exist")? += 1;
                visit.activity = Activity::Retrying { until: *until };
                Ok(())
            }
            EventKind::TaskScheduled(scheduled) => self.schedule_task(event, scheduled),
            EventKind::TaskStarted { .. } => self.start_task(event),
            EventKind::TaskHeartbeat => self.keep_task_alive(event, None),
            EventKind::TaskSubmitted { .. } => {
                self.keep_task_alive(event, Some(TaskPhase::Submitted))
            }
            EventKind::TaskSucceeded { output } => {
                self.end_task(event)?;
                let result = output.clone();
                self.set_activity(event, Activity::Succeeded { result })
            }
            EventKind::TaskFailed { failure, .. } => {
                self.end_task(event)?;
                self.fail(event, Failed::by_name(failure.clone()), Vec::new())
            }
            EventKind::TaskTimedOut { failure, heartbeat } => {
                let class = if *heartbeat {
                    FailureClass::Heartbeat
                } else {
                    FailureClass::ByName
                };
                let failed = Failed {
                    failure: failure.clone(),
                    class,
                };
                self.end_task(event)?;
                self.fail(event, failed, Vec::new())
            }
            EventKind::ParallelStarted { first, input } => self.open_branches(event, *first, input),
            EventKind::ParallelSucceeded => self.finish_branches(event),
            EventKind::MapStarted {
                items,
                length,
                concurrency_max,
            } => self.open_map(event, items, *length, *concurrency_max),
            EventKind::MapIterationStarted { map, index, input } => {
                self.open_iteration(event, *map, *index, input)
            }
            EventKind::MapIterationSucceeded { index } => self.end_iteration(event, *index),
            EventKind::MapSucceeded => self.finish_map(event),
            EventKind::MapRunStarted(started) => self.open_map_run(event, started),
            EventKind::MapRunRedriven { redrive_count, .. } => {
                self.reopen_map_run(event, *redrive_count)
            }
            EventKind::MapRunSucceeded { output } => self.close_map_run(event, Ok(output.clone())),
            EventKind::MapRunFailed(child) => {
                let failed = Failed {
                    failure: child.failure.clone(),
                    class: child.class,
                };
                self.close_map_run(event, Err(Box::new(failed)))
            }
            EventKind::ParallelFailed(child) | EventKind::MapFailed(child) => {
                let inside = self.close_children(event.flow);
                let failed = Failed {
                    failure: child.failure.clone(),
                    class: child.class,
                };
                self.fail(event, failed, inside)
            }
            EventKind::ExecutionRedriven {
                redrive_count,
                client_token,
            } => self.apply_redrive(event, *redrive_count, client_token.as_ref()),
        }
    }

    // Flows and states.

    fn open_flow(
        &mut self,
        parent: Option<(FlowId, u64)>,
        scope: ScopeId,
        previous: HistoryId,
        input: Payload,
    ) -> FlowId {
        let id = self.next_flow;
        self.next_flow = FlowId(id.0 + 1);
        let state = self.machine.scope(scope).start_at;
        let flow = Flow {
            parent,
            scope,
            previous,
            variables: BTreeMap::new(),
            position: Position::Before { state, input },
            armed: None,
        };
        self.flows.insert(id, flow);
        id
    }

    /// The state of this name; `expected` is the one that it nearly always is.
    fn state_of(
        &self,
        name: Option<&StateName>,
        expected: Option<StateId>,
    ) -> Result<StateId, &'static str> {
        let name = name.ok_or(NO_STATE)?;
        match expected {
            Some(expected) if self.machine.state(expected).name == *name => Ok(expected),
            Some(_) | None => Ok(self.machine.find(name).ok_or(NO_STATE)?.id),
        }
    }

    /// Where the flow is about to go, if it is between two states.
    fn state_before(&self, flow: FlowId) -> Option<StateId> {
        match &self.flows.get(&flow)?.position {
            Position::Before { state, .. } => Some(*state),
            Position::In(_) | Position::Ended { .. } => None,
        }
    }

    /// Where the flow goes when its state does what it is there for.
    fn state_after(&self, flow: FlowId) -> Option<StateId> {
        let visit = self.flows.get(&flow)?.visit()?;
        match self.machine.state(visit.state).kind.transition()? {
            Transition::Next(next) => Some(next),
            Transition::End => None,
        }
    }

    fn apply_enter(&mut self, event: &Event, input: &Payload) -> Applied {
        let expected = self.state_before(event.flow);
        let state = self.state_of(event.state.as_ref(), expected)?;
        let place = event.history.ok_or(NO_PLACE)?;
        let retriers = self.machine.state(state).kind.retry().len();
        let flow = self.flows.get_mut(&event.flow).ok_or(NO_FLOW)?;
        flow.previous = place.id;
        flow.position = Position::In(Box::new(Visit {
            state,
            input: input.clone(),
            entered: place.id,
            before: place.previous,
            entered_at: event.at,
            retries: vec![0; retriers],
            activity: Activity::Entered,
        }));
        Ok(())
    }

    fn apply_exit(
        &mut self,
        event: &Event,
        output: &Payload,
        assigned: &[(Arc<str>, Payload)],
        next: Option<&StateName>,
    ) -> Applied {
        let place = event.history.ok_or(NO_PLACE)?;
        let next = match next {
            Some(next) => Some(self.state_of(Some(next), self.state_after(event.flow))?),
            None => None,
        };
        let flow = self.flows.get_mut(&event.flow).ok_or(NO_FLOW)?;
        flow.previous = place.id;
        for (name, value) in assigned {
            let replaced = flow.variables.insert(name.clone(), value.clone());
            self.variables_size += value.size();
            self.variables_size -= replaced.map_or(0, |value| value.size());
        }
        flow.position = match next {
            Some(state) => Position::Before {
                state,
                input: output.clone(),
            },
            None => Position::Ended {
                output: output.clone(),
            },
        };
        if next.is_none() {
            self.end_branch(event.flow, place.id, output)?;
        }
        Ok(())
    }

    fn set_activity(&mut self, event: &Event, activity: Activity) -> Applied {
        let flow = self.flows.get_mut(&event.flow).ok_or(NO_FLOW)?;
        if let Some(place) = event.history {
            flow.previous = place.id;
        }
        flow.visit_mut().ok_or(NOT_IN_STATE)?.activity = activity;
        Ok(())
    }

    /// The state failed; see [`Visit::fail`].
    fn fail(&mut self, event: &Event, failed: Failed, inside: Vec<(FlowId, Flow)>) -> Applied {
        let flow = self.flows.get_mut(&event.flow).ok_or(NO_FLOW)?;
        if let Some(place) = event.history {
            flow.previous = place.id;
        }
        flow.visit_mut().ok_or(NOT_IN_STATE)?.fail(failed, inside);
        Ok(())
    }

    /// Nothing more happens. Flows stay where they are: a redrive goes on from there.
    fn end(&mut self, status: Status) {
        for task in std::mem::take(&mut self.tasks).into_keys() {
            self.effects.push(Effect::CancelTask(task));
        }
        for id in std::mem::take(&mut self.map_runs).into_values() {
            if let Some(run) = self.flows.get(&id).and_then(Flow::map_run) {
                let map_run = Arc::clone(&run.started.map_run);
                self.effects.push(Effect::CancelMapRun(map_run));
            }
        }
        if let Status::Succeeded { .. } = status {
            self.flows.clear();
        }
        for flow in self.flows.values_mut() {
            flow.armed = None;
        }
        self.status = status;
        self.ready.clear();
        self.deadlines.clear();
    }
}
