//! What expressions see around a flow: the context object and the variables in scope.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use stepwell_language::model::StateKind;

use crate::data_flow::{ContextMember, Surroundings};
use crate::event::FlowId;
use crate::payload::Payload;
use crate::state::item_context;
use crate::timestamp::Timestamp;

use super::flow::{Activity, Visit};
use super::{Execution, Flow, Mode};

/// The surroundings of one visit.
pub(super) struct Around<'a> {
    pub(super) execution: &'a Execution,
    pub(super) flow: FlowId,
    pub(super) visit: &'a Visit,
    pub(super) now: Timestamp,
    /// The token of the task at hand.
    pub(super) token: Option<&'a Arc<str>>,
    /// The item that an iteration is about to start with.
    pub(super) item: Option<(u64, &'a Value)>,
}

impl<'a> Around<'a> {
    /// Those of a state without a task at hand, and of no item.
    pub(super) fn new(
        execution: &'a Execution,
        flow: FlowId,
        visit: &'a Visit,
        now: Timestamp,
    ) -> Self {
        Self {
            execution,
            flow,
            visit,
            now,
            token: None,
            item: None,
        }
    }
}

impl Surroundings for Around<'_> {
    fn execution(&self) -> Option<&Value> {
        let context = &self.execution.context;
        Some(context.get_or_init(|| self.execution_context()))
    }

    fn context_member(&self, member: ContextMember) -> Option<Value> {
        match member {
            ContextMember::StateMachine => Some(self.state_machine_context()),
            ContextMember::State => Some(self.state_context()),
            ContextMember::Task => Some(json!({ "Token": **self.token? })),
            ContextMember::Map => self.map_context(),
        }
    }

    fn variable(&self, name: &str) -> Option<&Payload> {
        let mut flow = self.execution.flows.get(&self.flow)?;
        loop {
            if let Some(value) = flow.variables.get(name) {
                return Some(value);
            }
            let (parent, _) = flow.parent?;
            flow = self.execution.flows.get(&parent)?;
        }
    }

    fn variables_size(&self) -> usize {
        self.execution.variables_size
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

impl Around<'_> {
    fn execution_context(&self) -> Value {
        let started = self.execution.start();
        let at = self
            .execution
            .started
            .as_ref()
            .map_or(Timestamp::EPOCH, |(at, _)| *at);
        let redrives = self.execution.redrives();
        let mut context = json!({
            "Id": *started.execution,
            "Input": started.input.value(),
            "StartTime": at.to_string(),
            "Name": *started.name,
            "RoleArn": *started.role,
        });
        match self.execution.mode {
            Mode::Standard | Mode::Express => {
                context["RedriveCount"] = json!(redrives.map_or(0, |redrives| redrives.count));
            }
            // What somebody waits for cannot be redriven, and AWS does not count it.
            Mode::ExpressSync => {}
        }
        if let Some(redrives) = redrives {
            context["RedriveTime"] = json!(redrives.at.to_string());
        }
        context
    }

    fn state_machine_context(&self) -> Value {
        let started = self.execution.start();
        json!({ "Id": *started.state_machine, "Name": *started.state_machine_name })
    }

    fn state_context(&self) -> Value {
        let state = self.execution.machine.state(self.visit.state);
        let mut context = Map::new();
        context.insert("Name".to_owned(), json!(state.name.as_str()));
        context.insert(
            "EnteredTime".to_owned(),
            json!(self.visit.entered_at.to_string()),
        );
        match state.kind {
            StateKind::Task(_) | StateKind::Parallel(_) | StateKind::Map(_) => {
                let retries: u64 = self.visit.retries.iter().sum();
                context.insert("RetryCount".to_owned(), json!(retries));
            }
            StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Choice(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => {}
        }
        Value::Object(context)
    }

    /// The item of the nearest Map around.
    fn map_context(&self) -> Option<Value> {
        if let Some((index, item)) = self.item {
            return Some(item_context(index, item, None));
        }
        let mut flow: &Flow = self.execution.flows.get(&self.flow)?;
        loop {
            let (parent, index) = flow.parent?;
            flow = self.execution.flows.get(&parent)?;
            if let Activity::Iterations(iterations) = &flow.visit()?.activity {
                let item = iterations.items.value().get(usize::try_from(index).ok()?)?;
                return Some(item_context(index, item, None));
            }
        }
    }
}
