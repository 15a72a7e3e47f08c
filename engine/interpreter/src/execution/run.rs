//! Running on: from what is known to the events that follow, until only the world can go on.

use std::sync::Arc;

use stepwell_language::model::{Resource, State, StateKind, StateName};

use crate::chance::Chance;
use crate::data_flow::{Context, Scope};
use crate::effect::TaskId;
use crate::event::{Event, EventKind, FlowId, HistoryId, HistoryPlace};
use crate::failure::{Failure, name};
use crate::fault::Fault;
use crate::payload::Payload;
use crate::state::{self, Decision, Exit, Moment};
use crate::timestamp::Timestamp;
use crate::token::TaskToken;

use super::surroundings::Around;
use super::{Activity, Execution, Position};

/// One call of `handle`: what came in with it, and the events so far.
pub(super) struct Turn<'a> {
    pub(super) now: Timestamp,
    pub(super) chance: &'a mut Chance,
    events: Vec<Event>,
    bytes: usize,
}

impl<'a> Turn<'a> {
    pub(super) fn new(now: Timestamp, chance: &'a mut Chance) -> Self {
        Self {
            now,
            chance,
            events: Vec::new(),
            bytes: 0,
        }
    }

    /// What was decided last.
    fn last_kind(&self) -> Option<&EventKind> {
        self.events.last().map(|event| &event.kind)
    }

    pub(super) fn into_events(self) -> Vec<Event> {
        self.events
    }
}

/// Where an event stands in the history.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// Nowhere: AWS does not show it.
    Hidden,
    /// It follows from this one.
    After(HistoryId),
}

/// Whether a flow goes on at once, or lets the others go first.
#[derive(Eq, PartialEq)]
pub(super) enum Pace {
    /// It goes on.
    On,
    /// The others go first.
    Yield,
}

impl Execution {
    /// Runs every flow that can go on, in order, until none can or the turn is full.
    pub(super) fn run(&mut self, turn: &mut Turn<'_>) {
        while let Some(id) = self.ready.pop_front() {
            while self.can_go_on(id) {
                if turn.events.len() >= self.limits.chain_events_max
                    || turn.bytes >= self.limits.chain_bytes_max
                {
                    self.ready.push_front(id);
                    return;
                }
                if self.step(id, turn) == Pace::Yield {
                    self.ready.push_back(id);
                    break;
                }
            }
        }
    }

    /// Whether the flow can go on without anything from outside. Flows outlive the execution's end.
    fn can_go_on(&self, id: FlowId) -> bool {
        self.is_running() && self.flows.get(&id).is_some_and(super::Flow::is_runnable)
    }

    /// Puts an event into the turn and takes it in. The last event that the history has room for
    /// is always the execution's failure. Once the execution has ended nothing more happens.
    pub(super) fn record(
        &mut self,
        turn: &mut Turn<'_>,
        flow: FlowId,
        state: Option<StateName>,
        place: Place,
        kind: EventKind,
    ) {
        if self.is_running() == matches!(kind, EventKind::ExecutionRedriven { .. }) {
            return;
        }
        let id = HistoryId(self.history.0 + 1);
        let mut event = Event {
            sequence: self.sequence,
            at: turn.now,
            flow,
            history: match place {
                Place::Hidden => None,
                Place::After(previous) => Some(HistoryPlace { id, previous }),
            },
            state,
            kind,
        };
        if event.history.is_some() && id.0 >= self.limits.history_events_max {
            event = Event {
                flow: FlowId::MAIN,
                history: Some(HistoryPlace {
                    id,
                    previous: self.history,
                }),
                state: None,
                kind: EventKind::ExecutionFailed(Failure::new(
                    name::RUNTIME,
                    format!(
                        "The execution reached the maximum number of history events ({}).",
                        self.limits.history_events_max
                    ),
                )),
                ..event
            };
        }
        self.check_and_apply(&event)
            .expect("an event that was decided here fits");
        turn.bytes += event.kind.weight();
        turn.events.push(event);
    }

    /// Takes a runnable flow one step on.
    fn step(&mut self, id: FlowId, turn: &mut Turn<'_>) -> Pace {
        let flow = self.flow(id);
        let previous = flow.previous;
        let visit = match &flow.position {
            Position::Before { .. } if self.is_machine_deleted => {
                self.end_with_machine(id, turn);
                return Pace::On;
            }
            Position::Before { state, input } => {
                let name = self.machine.state(*state).name.clone();
                let kind = EventKind::StateEntered {
                    input: input.clone(),
                };
                self.record(turn, id, Some(name), Place::After(previous), kind);
                return Pace::On;
            }
            Position::Ended { output } => {
                let output = output.clone();
                self.end_flow(id, output, turn);
                return Pace::On;
            }
            Position::In(visit) => visit,
        };
        let name = self.machine.state(visit.state).name.clone();
        match &visit.activity {
            Activity::Entered => return self.look_at(id, turn),
            Activity::Succeeded { result } => {
                let result = result.clone();
                return self.complete(id, &result, turn);
            }
            Activity::Failed(failing) => {
                let failed = failing.failed.clone();
                self.resolve(id, failed, turn);
            }
            Activity::Task(_) => {
                let kind = EventKind::TaskStarted { worker: None };
                self.record(turn, id, Some(name), Place::After(previous), kind);
            }
            Activity::Branches(_) => {
                let kind = EventKind::ParallelSucceeded;
                self.record(turn, id, Some(name), Place::After(previous), kind);
            }
            Activity::Iterations(iterations) => {
                if iterations.has_room() {
                    self.start_iteration(id, turn);
                } else {
                    let last = iterations.last_succeeded;
                    self.record(
                        turn,
                        id,
                        Some(name),
                        Place::After(last),
                        EventKind::MapSucceeded,
                    );
                }
            }
            Activity::Items(items) => {
                let concurrency_max = items.concurrency_max;
                self.start_map_run(id, concurrency_max, turn);
            }
            Activity::MapRunLeft(_) => self.redrive_map_run(id, turn),
            Activity::MapRunEnded { outcome, ended, .. } => {
                let (failed, ended) = (outcome.as_ref().err(), *ended);
                let failed = failed.map(|failed| failed.as_ref().clone());
                self.leave_map_run(id, failed, ended, turn);
            }
            Activity::Waiting { .. } | Activity::Retrying { .. } | Activity::MapRun(_) => {
                unreachable!("a flow that waits is not runnable")
            }
        }
        Pace::On
    }

    /// Looks at the state that the flow has entered, or tries again.
    pub(super) fn look_at(&mut self, id: FlowId, turn: &mut Turn<'_>) -> Pace {
        let visit = self
            .flow(id)
            .visit()
            .expect("a flow that is looked at is inside a state");
        let state = self.machine.state(visit.state);
        let token = match &state.kind {
            StateKind::Task(task) if task.resource.is_answered_by_token() => {
                let task = TaskId(self.sequence);
                let token = TaskToken::new(&self.start().execution, task, turn.chance);
                Some(Arc::from(token.encode()))
            }
            StateKind::Task(_)
            | StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Choice(_)
            | StateKind::Parallel(_)
            | StateKind::Map(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => None,
        };
        let context = Context::default();
        // A worker gets the token with the task; the state has no use for it.
        let is_shown =
            !matches!(&state.kind, StateKind::Task(task) if !task.resource.has_task_token());
        let around = Around {
            token: token.as_ref().filter(|_| is_shown),
            ..Around::new(self, id, visit, turn.now)
        };
        let raw = Scope::new(&visit.input, &around, &context);
        let moment = Moment {
            now: turn.now,
            entered_at: self.waits_from(visit),
            token: token.as_ref(),
        };
        let decided = state::decide(state, &raw, &moment, turn.chance)
            .and_then(|decision| self.check_activity(state, decision));
        self.carry_out(id, decided, turn)
    }

    /// A task is not scheduled for an activity that does not exist.
    fn check_activity(&self, state: &State, decision: Decision) -> Result<Decision, Fault> {
        if let (Decision::Schedule(_), StateKind::Task(task)) = (&decision, &state.kind)
            && let Resource::Activity { arn } = &task.resource
            && self.absent_activities.contains(arn)
        {
            let cause = format!("The activity {arn} does not exist.");
            return Err(Fault::runtime(cause));
        }
        Ok(decision)
    }

    /// Looks at the state whose work has a result, or whose wait is over.
    pub(super) fn complete(&mut self, id: FlowId, result: &Payload, turn: &mut Turn<'_>) -> Pace {
        let visit = self
            .flow(id)
            .visit()
            .expect("a flow with a result is inside a state");
        let state = self.machine.state(visit.state);
        let context = Context::default();
        let around = Around::new(self, id, visit, turn.now);
        let raw = Scope::new(&visit.input, &around, &context);
        let decided = state::complete(state, result, &raw, turn.chance);
        self.carry_out(id, decided, turn)
    }

    fn carry_out(
        &mut self,
        id: FlowId,
        decided: Result<Decision, Fault>,
        turn: &mut Turn<'_>,
    ) -> Pace {
        let decision = match decided {
            Ok(decision) => decision,
            Err(fault) => {
                self.fault(id, fault, turn);
                return Pace::On;
            }
        };
        let previous = Place::After(self.flow(id).previous);
        let (place, kind) = match decision {
            Decision::Exit(exit) => {
                self.exit(id, exit, turn);
                return Pace::On;
            }
            Decision::WaitUntil(until) => (Place::Hidden, EventKind::WaitScheduled { until }),
            Decision::Schedule(task) => (previous, EventKind::TaskScheduled(task)),
            Decision::OpenBranches { input } => {
                let first = self.next_flow;
                (previous, EventKind::ParallelStarted { first, input })
            }
            Decision::OpenMap {
                items,
                length,
                concurrency_max,
            } => (
                previous,
                EventKind::MapStarted {
                    items,
                    length,
                    concurrency_max,
                },
            ),
        };
        let is_task = matches!(kind, EventKind::TaskScheduled(_));
        let name = self.state_name(id);
        self.record(turn, id, Some(name), place, kind);
        if let Some(EventKind::ParallelStarted { .. }) = turn.last_kind() {
            self.ready.extend(self.children(id));
        }
        // Everything that can be scheduled is, before the first task starts: as AWS does.
        if is_task { Pace::Yield } else { Pace::On }
    }

    /// The flow leaves its state.
    pub(super) fn exit(&mut self, id: FlowId, exit: Exit, turn: &mut Turn<'_>) {
        let Exit {
            output,
            assigned,
            next,
        } = exit;
        let parent = self.flow(id).parent;
        let next = next.map(|next| self.machine.state(next).name.clone());
        let name = self.state_name(id);
        let place = Place::After(self.flow(id).previous);
        self.record(
            turn,
            id,
            Some(name),
            place,
            EventKind::StateExited {
                output,
                assigned,
                next,
            },
        );
        if let (false, Some((parent, _))) = (self.flows.contains_key(&id), parent) {
            self.ready.push_back(parent);
        }
    }

    /// The flow is past its last state: the iteration, or the execution, ends with it.
    fn end_flow(&mut self, id: FlowId, output: Payload, turn: &mut Turn<'_>) {
        let flow = self.flow(id);
        let place = Place::After(flow.previous);
        match flow.parent {
            None => {
                let kind = EventKind::ExecutionSucceeded { output };
                self.record(turn, id, None, place, kind);
            }
            Some((map, index)) => {
                let name = self.state_name(map);
                let kind = EventKind::MapIterationSucceeded { index };
                self.record(turn, id, Some(name), place, kind);
                self.ready.push_back(map);
            }
        }
    }

    fn start_iteration(&mut self, map: FlowId, turn: &mut Turn<'_>) {
        let flow = self.flow(map);
        let previous = flow.previous;
        let visit = flow
            .visit()
            .expect("a Map that runs iterations is inside a state");
        let state = self.machine.state(visit.state);
        let (Activity::Iterations(iterations), StateKind::Map(definition)) =
            (&visit.activity, &state.kind)
        else {
            unreachable!("only Map states run iterations")
        };
        let index = iterations.next;
        let item = usize::try_from(index)
            .ok()
            .and_then(|index| iterations.items.value().element(index))
            .expect("there are as many items as iterations");
        let context = Context::default();
        let around = Around {
            item: Some((index, item)),
            ..Around::new(self, map, visit, turn.now)
        };
        let raw = Scope::new(&visit.input, &around, &context);
        let name = state.name.clone();
        match state::item_input(state, definition, item, &raw, turn.chance) {
            Ok(input) => {
                let id = self.next_flow;
                let kind = EventKind::MapIterationStarted { map, index, input };
                self.record(turn, id, Some(name), Place::After(previous), kind);
                self.ready.push_back(id);
            }
            Err(fault) => self.fail_item(map, fault, turn),
        }
    }

    /// The name of the state that the flow is in.
    pub(super) fn state_name(&self, id: FlowId) -> StateName {
        let visit = self.flow(id).visit().expect("the flow is inside a state");
        self.machine.state(visit.state).name.clone()
    }
}
