//! Map Runs of an execution: started once their items are known, and brought back as results.

use std::sync::Arc;

use stepwell_language::model::{MapMode, StateKind};

use crate::data_flow::{Context, ContextMember, Scope, Surroundings};
use crate::effect::{MapRunId, MapRunRedrive};
use crate::event::{ChildFailure, EventKind, FlowId, HistoryId, MapRunStarted};
use crate::failure::{Failure, FailureClass};
use crate::fault::Fault;
use crate::map_run::{MapRunItems, Origin};
use crate::payload::Payload;
use crate::retry::Failed;
use crate::state::{self, BatchLimits};

use super::Execution;
use super::flow::{Activity, MapRun, Visit};
use super::run::{Place, Turn};
use super::surroundings::Around;

impl Execution {
    /// The flow's distributed Map knows its items: its run begins.
    pub(super) fn start_map_run(
        &mut self,
        id: FlowId,
        concurrency_max: Option<u64>,
        turn: &mut Turn<'_>,
    ) {
        let visit = self
            .flow(id)
            .visit()
            .expect("a flow with items is inside a state");
        let state = self.machine.state(visit.state);
        let StateKind::Map(map) = &state.kind else {
            unreachable!("only Map states have items")
        };
        let MapMode::Distributed(distributed) = &map.mode else {
            unreachable!("only distributed Maps have runs")
        };
        let context = Context::default();
        let around = Around::new(self, id, visit, turn.now);
        let raw = Scope::new(&visit.input, &around, &context);
        let limits = match state::limits(state, distributed, &raw, turn.chance) {
            Ok(limits) => limits,
            Err(fault) => {
                self.fault(id, fault, turn);
                return;
            }
        };
        let label = match &distributed.label {
            Some(label) => label.clone(),
            None => turn.chance.uuid(),
        };
        let started = MapRunStarted {
            map_run: arn(&self.start().state_machine, &label, &turn.chance.uuid()),
            concurrency_max: concurrency_max.unwrap_or(0),
            tolerated_failure_percentage: limits.tolerated_failure_percentage.unwrap_or(0.0),
            tolerated_failure_count: limits.tolerated_failure_count.unwrap_or(0),
            batch_items_max: limits.batch.map(|batch| batch.items_max),
            batch_bytes_max: limits.batch.map(|batch| batch.bytes_max),
        };
        let name = state.name.clone();
        let place = Place::After(self.flow(id).previous);
        let kind = EventKind::MapRunStarted(Box::new(started));
        self.record(turn, id, Some(name), place, kind);
    }

    /// The flow's Map Run, which was left without success, goes on.
    pub(super) fn redrive_map_run(&mut self, id: FlowId, turn: &mut Turn<'_>) {
        let flow = self.flow(id);
        let Some(Activity::MapRunLeft(run)) = flow.visit().map(|visit| &visit.activity) else {
            unreachable!("the flow has left a Map Run")
        };
        let count = run.redrive.map_or(0, |redrive| redrive.count);
        if count >= MapRunRedrive::COUNT_MAX {
            let cause = format!(
                "The Map Run '{}' has been redriven {count} times and cannot be redriven again.",
                run.started.map_run
            );
            self.fault(id, Fault::runtime(cause), turn);
            return;
        }
        let kind = EventKind::MapRunRedriven {
            map_run: Arc::clone(&run.started.map_run),
            redrive_count: count + 1,
        };
        let place = Place::After(flow.previous);
        let name = self.state_name(id);
        self.record(turn, id, Some(name), place, kind);
    }

    pub(super) fn map_run_succeeded(
        &mut self,
        map_run: MapRunId,
        output: Payload,
        turn: &mut Turn<'_>,
    ) {
        let Some(id) = self.map_runs.get(&map_run).copied() else {
            return;
        };
        if output.size() > Payload::SIZE_MAX {
            let name = self.state_name(id);
            let failure = Fault::data_limit(&name, "returned a result").into_failure();
            self.map_run_failed(map_run, failure, turn);
            return;
        }
        self.map_run_ended(id, EventKind::MapRunSucceeded { output }, turn);
    }

    pub(super) fn map_run_failed(
        &mut self,
        map_run: MapRunId,
        failure: Failure,
        turn: &mut Turn<'_>,
    ) {
        let Some(id) = self.map_runs.get(&map_run).copied() else {
            return;
        };
        let failed = ChildFailure {
            failure: failure.within_limits(),
            class: FailureClass::ByName,
        };
        self.map_run_ended(id, EventKind::MapRunFailed(failed), turn);
    }

    /// The flow's Map Run has ended, and its state with it.
    pub(super) fn leave_map_run(
        &mut self,
        id: FlowId,
        failed: Option<Failed>,
        ended: HistoryId,
        turn: &mut Turn<'_>,
    ) {
        match failed {
            None => {
                let name = self.state_name(id);
                let place = Place::After(ended);
                self.record(turn, id, Some(name), place, EventKind::MapSucceeded);
            }
            Some(failed) => self.fail_map(id, failed, ended, turn),
        }
    }

    fn map_run_ended(&mut self, id: FlowId, kind: EventKind, turn: &mut Turn<'_>) {
        let name = self.state_name(id);
        let place = Place::After(self.flow(id).previous);
        self.record(turn, id, Some(name), place, kind);
        self.ready.push_back(id);
    }

    /// What the children of the flow's Map Run are given: all that their inputs are computed
    /// from, so that this execution need not be in memory for it.
    pub(super) fn items_of(&self, id: FlowId, visit: &Visit, run: &MapRun) -> MapRunItems {
        let around = Around::new(self, id, visit, visit.entered_at);
        let mut variables = std::collections::BTreeMap::new();
        let mut flow = self.flows.get(&id);
        while let Some(scope) = flow {
            for (name, value) in &scope.variables {
                variables
                    .entry(Arc::clone(name))
                    .or_insert_with(|| value.clone());
            }
            flow = scope.parent.and_then(|(parent, _)| self.flows.get(&parent));
        }
        let batch = run
            .started
            .batch_items_max
            .zip(run.started.batch_bytes_max)
            .map(|(items_max, bytes_max)| BatchLimits {
                items_max,
                bytes_max,
            });
        MapRunItems::new(
            Arc::clone(&self.machine),
            Origin {
                state: visit.state,
                entered: visit.entered,
                input: visit.input.clone(),
                execution: around.execution().cloned(),
                state_machine: around.context_member(ContextMember::StateMachine),
                state_context: around.context_member(ContextMember::State),
                variables,
            },
            run.items.clone(),
            batch,
        )
    }

    /// The Map Run that the flow waits for, if it does.
    pub(super) fn has_map_run(visit: &Visit) -> bool {
        matches!(visit.activity, Activity::MapRun(_))
    }
}

/// The ARN of a Map Run: `…:mapRun:<state machine>/<label>:<uuid>`. A Map inside a distributed Map
/// has a label of its own beside the outer one's, as labels are unique in a document.
fn arn(state_machine: &str, label: &str, uuid: &str) -> Arc<str> {
    let (prefix, name) = state_machine
        .split_once(":stateMachine:")
        .unwrap_or(("", state_machine));
    let name = name.split('/').next().unwrap_or_default();
    format!("{prefix}:mapRun:{name}/{label}:{uuid}").into()
}
