//! What task events change.

use std::time::Duration;

use stepwell_language::model::{Resource, StateKind};

use crate::effect::{Effect, TaskId};
use crate::event::{Event, TaskScheduled};
use crate::execution::flow::{Activity, TaskAttempt, TaskPhase};

use super::{Applied, Execution, NO_FLOW, NO_STATE, NO_TASK, NOT_IN_STATE};

impl Execution {
    pub(super) fn schedule_task(&mut self, event: &Event, scheduled: &TaskScheduled) -> Applied {
        let name = event.state.as_ref().ok_or(NO_STATE)?;
        let state = self.machine.find(name).ok_or(NO_STATE)?;
        let StateKind::Task(task) = &state.kind else {
            return Err("its state is no Task");
        };
        let (state, is_activity) = (state.id, matches!(task.resource, Resource::Activity { .. }));
        let attempts = self.attempts.entry(name.clone()).or_insert(0);
        let attempts_before = *attempts;
        *attempts = attempts.saturating_add(1);
        let id = TaskId(event.sequence);
        let mut attempt = TaskAttempt {
            id,
            parameters: scheduled.parameters.clone(),
            token: scheduled.token.clone(),
            attempts_before,
            phase: TaskPhase::Scheduled,
            is_activity,
            scheduled_at: event.at,
            timeout_seconds: scheduled.timeout_seconds,
            timeout_at: None,
            heartbeat_seconds: scheduled.heartbeat_seconds,
            heartbeat_at: None,
        };
        if is_activity {
            self.effects.push(self.run_task(state, &attempt));
        } else {
            attempt.clock_runs(event);
            attempt.is_alive(event);
        }
        self.tasks.insert(id, event.flow);
        self.set_activity(event, Activity::Task(attempt))
    }

    pub(super) fn start_task(&mut self, event: &Event) -> Applied {
        self.keep_task_alive(event, Some(TaskPhase::Started))?;
        let flow = self.flows.get(&event.flow).ok_or(NO_FLOW)?;
        let state = flow.visit().ok_or(NOT_IN_STATE)?.state;
        let attempt = flow.task().ok_or(NO_TASK)?;
        if !attempt.is_activity {
            self.effects.push(self.run_task(state, attempt));
        }
        Ok(())
    }

    /// A sign of life, with which the task may have got further.
    pub(super) fn keep_task_alive(&mut self, event: &Event, phase: Option<TaskPhase>) -> Applied {
        let flow = self.flows.get_mut(&event.flow).ok_or(NO_FLOW)?;
        if let Some(place) = event.history {
            flow.previous = place.id;
        }
        let Activity::Task(attempt) = &mut flow.visit_mut().ok_or(NOT_IN_STATE)?.activity else {
            return Err(NO_TASK);
        };
        if attempt.is_waiting() && phase.is_some() {
            attempt.clock_runs(event);
        }
        attempt.phase = phase.unwrap_or(attempt.phase);
        attempt.is_alive(event);
        Ok(())
    }

    /// The attempt is over; the caller says what comes of it.
    pub(super) fn end_task(&mut self, event: &Event) -> Applied {
        let flow = self.flows.get(&event.flow).ok_or(NO_FLOW)?;
        let id = flow.task().ok_or(NO_TASK)?.id;
        self.tasks.remove(&id);
        // Whoever still runs it, after a timeout or because somebody else answered, may stop.
        self.effects.push(Effect::CancelTask(id));
        Ok(())
    }
}

impl TaskAttempt {
    /// From now on its time is measured. Of an activity it is the worker's time that has a limit,
    /// not that of waiting for one.
    fn clock_runs(&mut self, event: &Event) {
        let timeout = self.timeout_seconds.map(Duration::from_secs);
        self.timeout_at = timeout.map(|timeout| event.at.after(timeout));
    }

    /// The next sign of life is due a heartbeat from now.
    fn is_alive(&mut self, event: &Event) {
        let heartbeat = self.heartbeat_seconds.map(Duration::from_secs);
        self.heartbeat_at = heartbeat.map(|heartbeat| event.at.after(heartbeat));
    }
}
