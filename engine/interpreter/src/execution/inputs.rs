//! What each input does to an execution, before it runs on.

use std::sync::Arc;

use stepwell_language::json::Members;

use crate::effect::TaskId;
use crate::event::{EventKind, FailedPhase, FlowId, HistoryId};
use crate::failure::{Failure, name};
use crate::fault::Fault;
use crate::input::{Input, TokenAnswer};
use crate::payload::Payload;
use crate::state::culprit;
use crate::timestamp::Timestamp;

use super::run::{Place, Turn};
use super::{Activity, Execution, TaskPhase};

impl Execution {
    pub(super) fn take_in(&mut self, input: Input, turn: &mut Turn<'_>) {
        if let Input::Redrive { client_token } = input {
            self.redrive(client_token, turn);
            return;
        }
        if !self.is_running() || (self.started.is_none() && !matches!(input, Input::Start(_))) {
            return;
        }
        match input {
            Input::Start(started) => {
                if self.started.is_none() {
                    let place = Place::After(HistoryId(0));
                    let kind = EventKind::ExecutionStarted(started);
                    self.record(turn, FlowId::MAIN, None, place, kind);
                    self.ready.push_back(FlowId::MAIN);
                }
            }
            Input::Continue => self.find_ready(),
            Input::TimerFired => self.fire_timers(turn),
            Input::TaskStarted { task, worker } => self.task_started(task, worker, turn),
            Input::TaskSubmitted { task, output } => self.task_submitted(task, output, turn),
            Input::TaskHeartbeat { task } => self.task_heartbeat(task, turn),
            Input::TaskSucceeded { task, output } => self.task_succeeded(task, output, turn),
            Input::TaskFailed { task, failure } => self.task_failed(task, failure, turn),
            Input::Stop(failure) => self.stop(failure.within_limits(), turn),
            Input::MapRunSucceeded { map_run, output } => {
                self.map_run_succeeded(map_run, output, turn);
            }
            Input::MapRunFailed { map_run, failure } => {
                self.map_run_failed(map_run, failure, turn);
            }
            Input::TaskAnswered {
                task,
                token,
                answer,
            } => {
                if self.task_token(task) == Some(&token) {
                    self.task_answered(task, answer, turn);
                }
            }
            Input::Redrive { .. } => {}
        }
    }

    fn task_answered(&mut self, task: TaskId, answer: TokenAnswer, turn: &mut Turn<'_>) {
        match answer {
            TokenAnswer::Succeeded(output) => self.task_succeeded(task, output, turn),
            TokenAnswer::Failed(failure) => {
                // As for a result, though a service's own refusal comes without.
                self.submitted_before(task, turn);
                self.task_failed(task, failure, turn);
            }
            TokenAnswer::Heartbeat => self.task_heartbeat(task, turn),
        }
    }

    fn task_heartbeat(&mut self, task: TaskId, turn: &mut Turn<'_>) {
        self.record_for(task, Place::Hidden, EventKind::TaskHeartbeat, turn);
    }

    /// After a replay, nobody has kept a list of what can go on.
    pub(super) fn find_ready(&mut self) {
        if self.ready.is_empty() {
            self.ready = self
                .flows
                .iter()
                .filter(|(_, flow)| flow.is_runnable())
                .map(|(id, _)| *id)
                .collect();
        }
    }

    fn fire_timers(&mut self, turn: &mut Turn<'_>) {
        if self
            .timeout_at()
            .is_some_and(|deadline| deadline <= turn.now)
        {
            self.abort_inner(turn);
            let kind = EventKind::ExecutionTimedOut(Failure::without_cause(name::TIMEOUT));
            self.record(turn, FlowId::MAIN, None, Place::After(HistoryId(0)), kind);
            return;
        }
        let due: Vec<FlowId> = self
            .deadlines
            .iter()
            .take_while(|(deadline, _)| *deadline <= turn.now)
            .map(|(_, id)| *id)
            .collect();
        for id in due {
            if self.is_running() {
                self.fire_timer(id, turn);
            }
        }
    }

    /// The flow's deadline is here, unless an earlier one in this turn has ended it.
    fn fire_timer(&mut self, id: FlowId, turn: &mut Turn<'_>) {
        let Some(visit) = self.flows.get(&id).and_then(super::Flow::visit) else {
            return;
        };
        match &visit.activity {
            Activity::Waiting { .. } => {
                let input = visit.input.clone();
                self.complete(id, &input, turn);
            }
            Activity::Retrying { .. } if self.is_machine_deleted => {
                self.end_with_machine(id, turn);
            }
            Activity::Retrying { .. } => {
                self.look_at(id, turn);
            }
            Activity::Task(attempt) => {
                let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= turn.now);
                let heartbeat = is_due(attempt.heartbeat_at) && !is_due(attempt.timeout_at);
                let failure = Failure::without_cause(name::TIMEOUT);
                let kind = EventKind::TaskTimedOut { failure, heartbeat };
                self.record_shown(attempt.id, kind, turn);
            }
            Activity::Entered
            | Activity::Branches(_)
            | Activity::Iterations(_)
            | Activity::Items(_)
            | Activity::MapRun(_)
            | Activity::MapRunEnded { .. }
            | Activity::MapRunLeft(_)
            | Activity::Succeeded { .. }
            | Activity::Failed(_) => {}
        }
        self.ready.push_back(id);
    }

    fn task_started(&mut self, task: TaskId, worker: Option<Arc<str>>, turn: &mut Turn<'_>) {
        if self.phase(task) == Some(TaskPhase::Scheduled) {
            self.record_shown(task, EventKind::TaskStarted { worker }, turn);
        }
    }

    fn task_submitted(&mut self, task: TaskId, output: Payload, turn: &mut Turn<'_>) {
        self.task_started(task, None, turn);
        if self.phase(task) == Some(TaskPhase::Started) {
            self.record_shown(task, EventKind::TaskSubmitted { output }, turn);
        }
    }

    fn task_succeeded(&mut self, task: TaskId, output: Payload, turn: &mut Turn<'_>) {
        let Some(id) = self.tasks.get(&task).copied() else {
            return;
        };
        let visit = self
            .flow(id)
            .visit()
            .expect("an open task is inside a state");
        let resource = self.task_of(visit.state).resource.clone();
        self.submitted_before(task, turn);
        let kind = if output.size() > Payload::SIZE_MAX {
            let failure =
                Fault::data_limit(&culprit(&resource), "returned a result").into_failure();
            EventKind::TaskFailed {
                failure,
                phase: FailedPhase::Run,
            }
        } else {
            EventKind::TaskSucceeded { output }
        };
        self.record_shown(task, kind, turn);
        self.ready.push_back(id);
    }

    /// An answer may come before the service's own: AWS still shows all steps in order.
    fn submitted_before(&mut self, task: TaskId, turn: &mut Turn<'_>) {
        let visit = self.tasks.get(&task).and_then(|id| self.flow(*id).visit());
        let is_submitted =
            visit.is_some_and(|visit| self.task_of(visit.state).resource.has_task_token());
        if is_submitted {
            let nothing = Payload::from_value(Members::new());
            self.task_submitted(task, nothing, turn);
        } else {
            self.task_started(task, None, turn);
        }
    }

    fn task_failed(&mut self, task: TaskId, failure: Failure, turn: &mut Turn<'_>) {
        let Some(id) = self.tasks.get(&task).copied() else {
            return;
        };
        self.task_started(task, None, turn);
        let kind = if failure.error.as_deref() == Some(name::TIMEOUT) {
            // However a time-out came about, it looks the same: no cause.
            let failure = Failure::without_cause(name::TIMEOUT);
            EventKind::TaskTimedOut {
                failure,
                heartbeat: false,
            }
        } else {
            let failure = failure.within_limits();
            EventKind::TaskFailed {
                failure,
                phase: FailedPhase::Run,
            }
        };
        self.record_shown(task, kind, turn);
        self.ready.push_back(id);
    }

    fn stop(&mut self, failure: Failure, turn: &mut Turn<'_>) {
        self.abort_inner(turn);
        let place = Place::After(HistoryId(0));
        self.record(
            turn,
            FlowId::MAIN,
            None,
            place,
            EventKind::ExecutionAborted(failure),
        );
    }

    /// A flow would go on to another state, or to another attempt, of a state machine that is being
    /// deleted: that is the end of all flows, and nothing catches it.
    pub(super) fn end_with_machine(&mut self, id: FlowId, turn: &mut Turn<'_>) {
        let failure = Failure::state_machine_deleted(&self.start().state_machine_name);
        self.fail_execution(id, failure, turn);
    }

    /// What runs inside the main line's Parallel or Map is given up with it.
    fn abort_inner(&mut self, turn: &mut Turn<'_>) {
        let previous = self
            .flows
            .get(&FlowId::MAIN)
            .map_or(HistoryId(0), |flow| flow.previous);
        let visit = self.flows.get(&FlowId::MAIN).and_then(super::Flow::visit);
        if visit.is_some_and(Self::has_map_run) {
            self.give_up(FlowId::MAIN, false, previous, turn);
            return;
        }
        for child in self.children(FlowId::MAIN) {
            self.give_up(child, false, previous, turn);
        }
    }

    fn phase(&self, task: TaskId) -> Option<TaskPhase> {
        Some(self.flow(*self.tasks.get(&task)?).task()?.phase)
    }

    /// Records an event of an open task that the history shows.
    fn record_shown(&mut self, task: TaskId, kind: EventKind, turn: &mut Turn<'_>) {
        let Some(id) = self.tasks.get(&task) else {
            return;
        };
        let place = Place::After(self.flow(*id).previous);
        self.record_for(task, place, kind, turn);
    }

    fn record_for(&mut self, task: TaskId, place: Place, kind: EventKind, turn: &mut Turn<'_>) {
        let Some(id) = self.tasks.get(&task).copied() else {
            return;
        };
        let name = self.state_name(id);
        self.record(turn, id, Some(name), place, kind);
    }
}
