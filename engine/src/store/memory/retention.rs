//! Removing executions that ended long ago from memory.

use std::ops::Bound;

use super::Contents;
use crate::store::{
    ExecutionRecord, ExecutionStatus, Removal, RemovalCursor, Removed, StateMachineKey,
};

impl Contents {
    pub(super) fn remove_ended(&mut self, removal: &Removal) -> Removed {
        let after = removal
            .after
            .unwrap_or(RemovalCursor::before_all_of(StateMachineKey(0)));
        let after = Bound::Excluded((after.state_machine, after.execution));
        let looked_at: Vec<_> = self
            .by_start
            .range((after, Bound::Unbounded))
            .take(removal.looks_max.max(1))
            .copied()
            .collect();
        let mut removed = Removed::default();
        let mut bytes: usize = 0;
        for (state_machine, execution) in looked_at {
            let found = &self.executions[&execution.key];
            if has_ended_before(&found.record, removal) {
                let journal = found.journal.iter().map(|chunk| chunk.bytes.len());
                bytes = bytes.saturating_add(journal.sum());
                if bytes > removal.bytes_max && removed.executions > 0 {
                    return removed;
                }
                let name = (state_machine, found.record.name.clone());
                self.by_name.remove(&name);
                self.by_start.remove(&(state_machine, execution));
                self.executions.remove(&execution.key);
                removed.executions += 1;
            }
            removed.next = Some(RemovalCursor {
                state_machine,
                execution,
            });
        }
        removed
    }
}

fn has_ended_before(record: &ExecutionRecord, removal: &Removal) -> bool {
    let is_closed = match record.status {
        ExecutionStatus::Succeeded
        | ExecutionStatus::Failed
        | ExecutionStatus::TimedOut
        | ExecutionStatus::Aborted => true,
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => false,
    };
    is_closed
        && record
            .stopped_at
            .is_some_and(|at| at < removal.ended_before)
}
