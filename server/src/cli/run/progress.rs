//! What an execution is doing, as people follow it: events in, steps out.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use stepwell::interpreter::Timestamp;
use stepwell::interpreter::event::{Event, EventKind, FlowId};
use stepwell::interpreter::failure::Failure;
use stepwell::language::model::{StateKind, StateMachine};

/// Follows the flows of one execution. It may start in the middle: of what came before, the
/// durations are not known.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The state that each flow is in.
    visits: BTreeMap<FlowId, Visit>,
    /// The flow that started a flow.
    parents: BTreeMap<FlowId, Parent>,
}

#[derive(Debug)]
struct Visit {
    label: Label,
    entered_at: Timestamp,
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Parent {
    flow: FlowId,
    /// The item, in a Map.
    index: Option<u64>,
}

/// What to call a visit to a state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Label {
    /// The state's name, with the items that it is visited for: `Resize [3]`.
    pub(super) name: String,
    /// How many Parallel and Map states are around it.
    pub(super) depth: usize,
}

/// Something to show.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// A flow came to a state.
    Entered { flow: FlowId, label: Label },
    /// It waits there for a time.
    Waiting {
        flow: FlowId,
        label: Label,
        until: Timestamp,
    },
    /// It failed there, and tries again after a pause.
    Retrying {
        flow: FlowId,
        label: Label,
        error: String,
        pause: Duration,
    },
    /// It is there no more.
    Left {
        flow: FlowId,
        label: Label,
        end: End,
        duration: Option<Duration>,
    },
}

/// How a visit to a state ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// As it should.
    Exited,
    /// With an error that a catcher took.
    Caught(String),
    /// With an error.
    Failed(String),
    /// Something beside it failed, or the execution was ended.
    Aborted,
}

impl Progress {
    /// Takes one event of the execution in.
    pub(super) fn take_in(&mut self, machine: &StateMachine, event: &Event) -> Vec<Step> {
        let flow = event.flow;
        match &event.kind {
            EventKind::StateEntered { .. } => self.enter(machine, event).into_iter().collect(),
            EventKind::StateExited { .. } => self.exit(machine, event),
            EventKind::StateAborted => self.close(event, |each| each == flow),
            EventKind::WaitScheduled { until } => {
                let waiting = self.visits.get(&flow).map(|visit| Step::Waiting {
                    flow,
                    label: visit.label.clone(),
                    until: *until,
                });
                waiting.into_iter().collect()
            }
            EventKind::RetryScheduled { until, .. } => self.retry(event, *until),
            EventKind::TaskFailed { failure, .. }
            | EventKind::TaskTimedOut { failure, .. }
            | EventKind::EvaluationFailed { failure, .. } => {
                self.fail(flow, failure);
                Vec::new()
            }
            EventKind::ParallelFailed(child) | EventKind::MapFailed(child) => {
                let steps = self.close_inside(event);
                self.fail(flow, &child.failure);
                steps
            }
            EventKind::ParallelStarted { first, .. } => {
                self.branch(machine, event, *first);
                Vec::new()
            }
            EventKind::MapIterationStarted { map, index, .. } => {
                self.parents.insert(
                    flow,
                    Parent {
                        flow: *map,
                        index: Some(*index),
                    },
                );
                Vec::new()
            }
            EventKind::ExecutionFailed(failure) => {
                // A Fail state has no other event that says so.
                if let Some(visit) = self.visits.get_mut(&flow) {
                    visit.failure.get_or_insert_with(|| failure.clone());
                }
                self.close(event, |_| true)
            }
            EventKind::ExecutionSucceeded { .. }
            | EventKind::ExecutionAborted(_)
            | EventKind::ExecutionTimedOut(_) => self.close(event, |_| true),
            EventKind::ExecutionStarted(_)
            | EventKind::ExecutionRedriven { .. }
            | EventKind::TaskScheduled(_)
            | EventKind::TaskStarted { .. }
            | EventKind::TaskHeartbeat
            | EventKind::TaskSubmitted { .. }
            | EventKind::TaskSucceeded { .. }
            | EventKind::ParallelSucceeded
            | EventKind::MapStarted { .. }
            | EventKind::MapIterationSucceeded { .. }
            | EventKind::MapIterationFailed { .. }
            | EventKind::MapIterationAborted { .. }
            | EventKind::MapRunStarted(_)
            | EventKind::MapRunSucceeded { .. }
            | EventKind::MapRunFailed(_)
            | EventKind::MapRunAborted
            | EventKind::MapRunRedriven { .. }
            | EventKind::MapSucceeded => Vec::new(),
        }
    }

    fn enter(&mut self, machine: &StateMachine, event: &Event) -> Option<Step> {
        let label = self.label(machine, event)?;
        let visit = Visit {
            label: label.clone(),
            entered_at: event.at,
            failure: None,
        };
        self.visits.insert(event.flow, visit);
        Some(Step::Entered {
            flow: event.flow,
            label,
        })
    }

    fn exit(&mut self, machine: &StateMachine, event: &Event) -> Vec<Step> {
        let flow = event.flow;
        let mut steps = self.close_inside(event);
        let (label, end, duration) = match self.visits.remove(&flow) {
            Some(visit) => {
                let end = match &visit.failure {
                    Some(failure) => End::Caught(error_of(failure)),
                    None => End::Exited,
                };
                (
                    Some(visit.label),
                    end,
                    Some(event.at.since(visit.entered_at)),
                )
            }
            None => (self.label(machine, event), End::Exited, None),
        };
        if let Some(label) = label {
            steps.push(Step::Left {
                flow,
                label,
                end,
                duration,
            });
        }
        steps
    }

    fn retry(&mut self, event: &Event, until: Timestamp) -> Vec<Step> {
        let flow = event.flow;
        let mut steps = self.close_inside(event);
        if let Some(visit) = self.visits.get_mut(&flow) {
            let error = error_of(&visit.failure.take().unwrap_or_default());
            let (label, pause) = (visit.label.clone(), until.since(event.at));
            steps.push(Step::Retrying {
                flow,
                label,
                error,
                pause,
            });
        }
        steps
    }

    fn fail(&mut self, flow: FlowId, failure: &Failure) {
        if let Some(visit) = self.visits.get_mut(&flow) {
            visit.failure = Some(failure.clone());
        }
    }

    /// The branches of a Parallel state are numbered in order.
    fn branch(&mut self, machine: &StateMachine, event: &Event, first: FlowId) {
        let name = event.state.as_deref().unwrap_or_default();
        let branches = machine.find(name).map_or(0, |state| match &state.kind {
            StateKind::Parallel(parallel) => parallel.branches.len() as u64,
            StateKind::Task(_)
            | StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Choice(_)
            | StateKind::Map(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => 0,
        });
        for number in (first.0..).take(usize::try_from(branches).unwrap_or(usize::MAX)) {
            self.parents.insert(
                FlowId(number),
                Parent {
                    flow: event.flow,
                    index: None,
                },
            );
        }
    }

    /// Ends every visit inside the event's Parallel or Map state, which is done with them.
    fn close_inside(&mut self, event: &Event) -> Vec<Step> {
        let inside: Vec<FlowId> = self
            .visits
            .keys()
            .copied()
            .filter(|flow| {
                self.ancestors(*flow)
                    .any(|parent| parent.flow == event.flow)
            })
            .collect();
        let steps = self.close(event, |flow| inside.contains(&flow));
        // Numbers are never used again, so what is done need not be remembered.
        self.parents.retain(|_, parent| parent.flow != event.flow);
        steps
    }

    /// Ends visits that nothing else will end, the innermost first.
    fn close(&mut self, event: &Event, is_over: impl Fn(FlowId) -> bool) -> Vec<Step> {
        let over: Vec<(FlowId, Visit)> = self
            .visits
            .extract_if(.., |flow, _| is_over(*flow))
            .collect();
        let left = over.into_iter().rev().map(|(flow, visit)| Step::Left {
            flow,
            label: visit.label,
            end: match &visit.failure {
                Some(failure) => End::Failed(error_of(failure)),
                None => End::Aborted,
            },
            duration: Some(event.at.since(visit.entered_at)),
        });
        left.collect()
    }

    fn ancestors(&self, flow: FlowId) -> impl Iterator<Item = &Parent> {
        std::iter::successors(self.parents.get(&flow), |parent| {
            self.parents.get(&parent.flow)
        })
    }

    fn label(&self, machine: &StateMachine, event: &Event) -> Option<Label> {
        let state = event.state.as_ref()?;
        let mut indices: Vec<u64> = self
            .ancestors(event.flow)
            .filter_map(|parent| parent.index)
            .collect();
        indices.reverse();
        let mut name = state.to_string();
        for (place, index) in indices.iter().enumerate() {
            let space = if place == 0 { " " } else { "" };
            // Writing to a string does not fail.
            let _ = write!(name, "{space}[{index}]");
        }
        let mut depth = 0;
        let mut scope = machine.find(state).map(|state| state.scope);
        while let Some(owner) = scope.and_then(|scope| machine.scope(scope).owner) {
            depth += 1;
            scope = Some(machine.state(owner).scope);
        }
        Some(Label { name, depth })
    }
}

fn error_of(failure: &Failure) -> String {
    failure
        .error
        .as_deref()
        .unwrap_or("an error without a name")
        .to_owned()
}

/// `12 ms`, `3.4 s`, `2 min 5 s`, `3 h 20 min`.
pub(super) fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests;
