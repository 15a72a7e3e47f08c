//! What expressions see around a flow: the context object and the variables in scope.

use std::sync::Arc;

use stepwell_language::json::{Members, Value};
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
            ContextMember::Task => Some(Members::from([("Token", self.token?)]).into()),
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
        let mut context = Members::from([
            ("Id", Value::from(&started.execution)),
            ("Input", started.input.value().clone()),
            ("StartTime", at.to_string().into()),
            ("Name", Value::from(&started.name)),
            ("RoleArn", Value::from(&started.role)),
        ]);
        match self.execution.mode {
            Mode::Standard | Mode::Express => {
                let count = redrives.map_or(0, |redrives| redrives.count);
                context.insert("RedriveCount", count);
            }
            // What somebody waits for cannot be redriven, and AWS does not count it.
            Mode::ExpressSync => {}
        }
        if let Some(redrives) = redrives {
            context.insert("RedriveTime", redrives.at.to_string());
        }
        context.into()
    }

    fn state_machine_context(&self) -> Value {
        let started = self.execution.start();
        Members::from([
            ("Id", &started.state_machine),
            ("Name", &started.state_machine_name),
        ])
        .into()
    }

    fn state_context(&self) -> Value {
        let state = self.execution.machine.state(self.visit.state);
        let mut context = Members::from([
            ("Name", state.name.as_str().to_owned()),
            ("EnteredTime", self.visit.entered_at.to_string()),
        ]);
        match state.kind {
            StateKind::Task(_) | StateKind::Parallel(_) | StateKind::Map(_) => {
                let retries: u64 = self.visit.retries.iter().sum();
                context.insert("RetryCount", retries);
            }
            StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Choice(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => {}
        }
        context.into()
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
                let item = iterations
                    .items
                    .value()
                    .element(usize::try_from(index).ok()?)?;
                return Some(item_context(index, item, None));
            }
        }
    }
}
