//! What the events of Map Runs change, and whose processor a child runs.

use std::sync::Arc;

use stepwell_language::model::{ExecutionType, MapMode, ScopeId, StateId, StateKind};

use crate::effect::{Effect, MapRunId, MapRunRedrive};
use crate::event::{Event, ExecutionStarted, MapRunStarted};
use crate::execution::Mode;
use crate::execution::flow::{Activity, MapRun};
use crate::payload::Payload;
use crate::retry::Failed;

use super::{Applied, Execution, NO_FLOW, NO_PLACE};

const NO_ITEMS: &str = "its flow has no items to run over";
const NOT_LEFT: &str = "its flow has left no Map Run";
const NO_MAP_RUN: &str = "its flow has no open Map Run";

impl Execution {
    /// The scope that an execution runs: the document's, or that of the processor whose child it
    /// is. The latter also says how the child is run.
    pub(super) fn begin_in_scope(
        &mut self,
        started: &ExecutionStarted,
    ) -> Result<ScopeId, &'static str> {
        let Some(child_of) = &started.child_of else {
            return Ok(ScopeId::ROOT);
        };
        match self.machine.find(&child_of.state).map(|state| &state.kind) {
            Some(StateKind::Map(map)) => {
                let processor = map.processor;
                if let MapMode::Distributed(distributed) = &map.mode
                    && distributed.execution_type == ExecutionType::Express
                {
                    self.mode = Mode::Express;
                    self.limits.history_events_max = u64::MAX;
                }
                Ok(processor)
            }
            Some(
                StateKind::Task(_)
                | StateKind::Pass(_)
                | StateKind::Wait(_)
                | StateKind::Choice(_)
                | StateKind::Parallel(_)
                | StateKind::Succeed
                | StateKind::Fail(_),
            )
            | None => Err("the Map state that it is a child of does not exist"),
        }
    }

    /// Whether the state is a Map whose children are executions of their own.
    pub(super) fn is_distributed(&self, state: StateId) -> bool {
        matches!(&self.machine.state(state).kind,
            StateKind::Map(map) if matches!(map.mode, MapMode::Distributed(_)))
    }

    pub(super) fn open_map_run(&mut self, event: &Event, started: &MapRunStarted) -> Applied {
        let Activity::Items(items) = &self.visit(event.flow)?.activity else {
            return Err(NO_ITEMS);
        };
        let run = MapRun {
            id: MapRunId(event.sequence),
            started_at: event.at,
            started: Arc::new(started.clone()),
            redrive: None,
            items: items.items.clone(),
        };
        self.want_map_run(event, run)
    }

    pub(super) fn reopen_map_run(&mut self, event: &Event, count: u64) -> Applied {
        let Activity::MapRunLeft(left) = &self.visit(event.flow)?.activity else {
            return Err(NOT_LEFT);
        };
        let run = MapRun {
            // What comes of it now is told from what came of it before.
            id: MapRunId(event.sequence),
            redrive: Some(MapRunRedrive {
                count,
                at: event.at,
            }),
            ..left.as_ref().clone()
        };
        self.want_map_run(event, run)
    }

    fn want_map_run(&mut self, event: &Event, run: MapRun) -> Applied {
        self.map_runs.insert(run.id, event.flow);
        self.set_activity(event, Activity::MapRun(Box::new(run)))?;
        let flow = self.flows.get(&event.flow).ok_or(NO_FLOW)?;
        if let Some(effect) = self.map_run_effect(event.flow, flow) {
            self.effects.push(effect);
        }
        Ok(())
    }

    pub(super) fn close_map_run(
        &mut self,
        event: &Event,
        outcome: Result<Payload, Box<Failed>>,
    ) -> Applied {
        let ended = event.history.ok_or(NO_PLACE)?.id;
        let flow = self.flows.get_mut(&event.flow).ok_or(NO_FLOW)?;
        let run = Box::new(flow.map_run().ok_or(NO_MAP_RUN)?.clone());
        let id = run.id;
        if outcome.is_err() {
            flow.previous = ended;
        }
        self.map_runs.remove(&id);
        let activity = &mut self.visit_mut(event.flow)?.activity;
        *activity = Activity::MapRunEnded {
            outcome,
            ended,
            run,
        };
        Ok(())
    }

    /// The Map Run that the flow waits for, as the world is to do it.
    pub(in crate::execution) fn map_run_effect(
        &self,
        id: crate::event::FlowId,
        flow: &super::Flow,
    ) -> Option<Effect> {
        let run = flow.map_run()?;
        Some(Effect::StartMapRun(Box::new(crate::effect::StartMapRun {
            id: run.id,
            started_at: run.started_at,
            started: Arc::clone(&run.started),
            redrive: run.redrive,
            items: Arc::new(self.items_of(id, flow.visit()?, run)),
        })))
    }
}
