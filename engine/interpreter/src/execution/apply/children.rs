//! What the events of Parallel and Map change: flows that open, end, and are given up.

use std::collections::BTreeMap;
use std::sync::Arc;

use stepwell_language::json::Value;
use stepwell_language::model::StateKind;

use crate::effect::Effect;
use crate::event::{Event, FlowId, HistoryId};
use crate::execution::flow::{Activity, Branches, Flow, Items, Iterations, Position, Visit};
use crate::payload::Payload;
use crate::state::INLINE_CONCURRENCY_MAX;

use super::{Applied, Execution, NO_FLOW, NO_PLACE, NOT_IN_STATE};

const NO_ITERATION: &str = "its iteration does not exist";
const NOT_IN_MAP: &str = "its flow is not inside a Map";
const NOT_IN_PARALLEL: &str = "its flow is not inside a Parallel";

impl Execution {
    pub(super) fn open_branches(
        &mut self,
        event: &Event,
        first: FlowId,
        input: &Payload,
    ) -> Applied {
        if first != self.next_flow {
            return Err("its branches are numbered out of order");
        }
        let place = event.history.ok_or(NO_PLACE)?;
        let state = self.visit(event.flow)?.state;
        let StateKind::Parallel(parallel) = &self.machine.state(state).kind else {
            return Err(NOT_IN_PARALLEL);
        };
        let scopes = parallel.branches.clone();
        let count = scopes.len();
        for (index, scope) in (0..).zip(scopes) {
            self.open_flow(Some((event.flow, index)), scope, place.id, input.clone());
        }
        let branches = Branches {
            first,
            outputs: vec![None; count],
            open: count,
        };
        self.set_activity(event, Activity::Branches(branches))
    }

    /// A flow has ended: if it is a branch, its Parallel state takes the output.
    pub(super) fn end_branch(
        &mut self,
        branch: FlowId,
        last: HistoryId,
        output: &Payload,
    ) -> Applied {
        let Some((parent, index)) = self.flows.get(&branch).ok_or(NO_FLOW)?.parent else {
            return Ok(());
        };
        let flow = self.flows.get_mut(&parent).ok_or(NO_FLOW)?;
        let Activity::Branches(branches) = &mut flow.visit_mut().ok_or(NOT_IN_STATE)?.activity
        else {
            return Ok(());
        };
        let slot = usize::try_from(index)
            .ok()
            .and_then(|index| branches.outputs.get_mut(index));
        *slot.ok_or("its branch does not exist")? = Some(output.clone());
        branches.open = branches.open.saturating_sub(1);
        flow.previous = last;
        self.remove_flow(branch);
        Ok(())
    }

    pub(super) fn finish_branches(&mut self, event: &Event) -> Applied {
        let Activity::Branches(branches) = &mut self.visit_mut(event.flow)?.activity else {
            return Err(NOT_IN_PARALLEL);
        };
        let result = gather(&mut branches.outputs)?;
        self.succeed(event, result)
    }

    pub(super) fn open_map(
        &mut self,
        event: &Event,
        items: &Payload,
        length: u64,
        concurrency_max: Option<u64>,
    ) -> Applied {
        let place = event.history.ok_or(NO_PLACE)?;
        let state = self.visit(event.flow)?.state;
        if !matches!(self.machine.state(state).kind, StateKind::Map(_)) {
            return Err(NOT_IN_MAP);
        }
        if items.value().as_array().map(|items| items.len() as u64) != Some(length) {
            return Err("its items are not as many as it says");
        }
        if self.is_distributed(state) {
            let items = Items {
                items: items.clone(),
                concurrency_max,
            };
            return self.set_activity(event, Activity::Items(items));
        }
        let concurrency_max = concurrency_max
            .unwrap_or(INLINE_CONCURRENCY_MAX)
            .min(INLINE_CONCURRENCY_MAX);
        let iterations = Iterations {
            items: items.clone(),
            outputs: vec![None; usize::try_from(length).map_err(|_| "it has too many items")?],
            next: 0,
            concurrency_max,
            open: BTreeMap::new(),
            ended: 0,
            last_succeeded: place.id,
        };
        self.set_activity(event, Activity::Iterations(iterations))
    }

    pub(super) fn open_iteration(
        &mut self,
        event: &Event,
        map: FlowId,
        index: u64,
        input: &Payload,
    ) -> Applied {
        let place = event.history.ok_or(NO_PLACE)?;
        if event.flow != self.next_flow {
            return Err("its iteration is numbered out of order");
        }
        let state = self.visit(map)?.state;
        let StateKind::Map(definition) = &self.machine.state(state).kind else {
            return Err(NOT_IN_MAP);
        };
        let scope = definition.processor;
        let Activity::Iterations(iterations) = &mut self.visit_mut(map)?.activity else {
            return Err(NOT_IN_MAP);
        };
        if index != iterations.next || index >= iterations.outputs.len() as u64 {
            return Err(NO_ITERATION);
        }
        iterations.next += 1;
        iterations.open.insert(index, event.flow);
        self.open_flow(Some((map, index)), scope, place.id, input.clone());
        Ok(())
    }

    pub(super) fn end_iteration(&mut self, event: &Event, index: u64) -> Applied {
        let place = event.history.ok_or(NO_PLACE)?;
        let child = self.flows.get(&event.flow).ok_or(NO_FLOW)?;
        let (Position::Ended { output }, Some((map, own))) = (&child.position, child.parent) else {
            return Err("its iteration has not ended");
        };
        if own != index {
            return Err(NO_ITERATION);
        }
        let (output, body) = (output.clone(), child.previous);
        let flow = self.flows.get_mut(&map).ok_or(NO_FLOW)?;
        let Activity::Iterations(iterations) = &mut flow.visit_mut().ok_or(NOT_IN_STATE)?.activity
        else {
            return Err(NOT_IN_MAP);
        };
        let slot = usize::try_from(index)
            .ok()
            .and_then(|index| iterations.outputs.get_mut(index));
        *slot.ok_or(NO_ITERATION)? = Some(output);
        iterations.open.remove(&index);
        iterations.ended += 1;
        iterations.last_succeeded = place.id;
        // The next iteration follows from the body of this one, not from its success.
        flow.previous = body;
        self.remove_flow(event.flow);
        Ok(())
    }

    pub(super) fn finish_map(&mut self, event: &Event) -> Applied {
        let visit = self.visit_mut(event.flow)?;
        if let Activity::MapRunEnded {
            outcome: Ok(output),
            ..
        } = &visit.activity
        {
            // The exit follows from the start of the run: the cursor stays there.
            let result = output.clone();
            visit.activity = Activity::Succeeded { result };
            return Ok(());
        }
        let Activity::Iterations(iterations) = &mut visit.activity else {
            return Err(NOT_IN_MAP);
        };
        let result = gather(&mut iterations.outputs)?;
        self.succeed(event, result)
    }

    /// A Parallel or Map is through. Its exit follows from the same event as its success.
    fn succeed(&mut self, event: &Event, result: Payload) -> Applied {
        let place = event.history.ok_or(NO_PLACE)?;
        let flow = self.flows.get_mut(&event.flow).ok_or(NO_FLOW)?;
        flow.previous = place.previous;
        flow.visit_mut().ok_or(NOT_IN_STATE)?.activity = Activity::Succeeded { result };
        Ok(())
    }

    /// Whatever runs inside the flow's state is given up; returns the flows.
    pub(in crate::execution) fn close_children(&mut self, id: FlowId) -> Vec<(FlowId, Flow)> {
        let mut open = self.children(id);
        let mut closed = Vec::new();
        while let Some(child) = open.pop() {
            open.extend(self.children(child));
            closed.extend(self.remove_flow(child).map(|flow| (child, flow)));
        }
        closed
    }

    /// The flows that run directly inside the flow's state, in order.
    pub(in crate::execution) fn children(&self, id: FlowId) -> Vec<FlowId> {
        let Some(visit) = self.flows.get(&id).and_then(super::Flow::visit) else {
            return Vec::new();
        };
        // A Map whose next item cannot be read has failed before its iterations are gone.
        let activity = if let Activity::Failed(failing) = &visit.activity {
            &failing.before
        } else {
            &visit.activity
        };
        let exists = |child: &FlowId| self.flows.contains_key(child);
        match activity {
            Activity::Branches(branches) => (0..branches.outputs.len() as u64)
                .map(|index| FlowId(branches.first.0 + index))
                .filter(exists)
                .collect(),
            Activity::Iterations(iterations) => {
                let open = iterations.open.values();
                open.copied().filter(exists).collect()
            }
            Activity::Entered
            | Activity::Waiting { .. }
            | Activity::Retrying { .. }
            | Activity::Task(_)
            | Activity::Items(_)
            | Activity::MapRun(_)
            | Activity::MapRunEnded { .. }
            | Activity::MapRunLeft(_)
            | Activity::Succeeded { .. }
            | Activity::Failed(_) => Vec::new(),
        }
    }

    fn remove_flow(&mut self, id: FlowId) -> Option<Flow> {
        let mut flow = self.flows.remove(&id)?;
        if let Some(armed) = flow.armed.take() {
            self.deadlines.remove(&(armed, id));
        }
        self.variables_size -= flow.variables_size();
        if let Some(attempt) = flow.task() {
            self.tasks.remove(&attempt.id);
            self.effects.push(Effect::CancelTask(attempt.id));
        }
        if let Some(run) = flow.map_run() {
            self.map_runs.remove(&run.id);
            self.effects
                .push(Effect::CancelMapRun(Arc::clone(&run.started.map_run)));
        }
        Some(flow)
    }

    /// Puts the flow's deadline on the execution's list.
    pub(super) fn arm(&mut self, id: FlowId) {
        let Some(flow) = self.flows.get_mut(&id) else {
            return;
        };
        let deadline = flow.deadline();
        if deadline == flow.armed {
            return;
        }
        if let Some(armed) = std::mem::replace(&mut flow.armed, deadline) {
            self.deadlines.remove(&(armed, id));
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, id));
        }
    }

    pub(super) fn visit(&self, id: FlowId) -> Result<&Visit, &'static str> {
        self.flows
            .get(&id)
            .ok_or(NO_FLOW)?
            .visit()
            .ok_or(NOT_IN_STATE)
    }

    pub(super) fn visit_mut(&mut self, id: FlowId) -> Result<&mut Visit, &'static str> {
        self.flows
            .get_mut(&id)
            .ok_or(NO_FLOW)?
            .visit_mut()
            .ok_or(NOT_IN_STATE)
    }
}

/// The outputs of branches or iterations as one array.
fn gather(outputs: &mut [Option<Payload>]) -> Result<Payload, &'static str> {
    outputs
        .iter_mut()
        .map(|output| Some(output.take()?.value().clone()))
        .collect::<Option<Vec<Value>>>()
        .map(Payload::from_value)
        .ok_or("some of its branches or iterations have not ended")
}
