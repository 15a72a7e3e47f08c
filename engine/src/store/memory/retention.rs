//! Removing executions that ended long ago from memory.

use std::ops::Bound;

use super::{Contents, Execution};
use crate::store::{
    ExecutionCursor, ExecutionKey, ExecutionRecord, ExecutionStatus, Removal, RemovalCursor,
    Removed, StateMachineKey, StateMachineStatus,
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
        if looked_at.is_empty() {
            self.clear_deleted_state_machines();
        }
        let mut removed = Removed::default();
        let mut bytes: usize = 0;
        for (state_machine, execution) in looked_at {
            if has_ended_before(&self.executions[&execution.key].record, removal)
                && let Some(family) = self.family(execution.key)
            {
                let journals = family.iter().map(|key| self.journal_bytes(*key));
                bytes = bytes.saturating_add(journals.sum());
                if bytes > removal.bytes_max && removed.executions > 0 {
                    return removed;
                }
                removed.executions += family.len() as u64;
                for key in family {
                    self.forget(key);
                }
            }
            removed.next = Some(RemovalCursor {
                state_machine,
                execution,
            });
        }
        removed
    }

    /// Removes what deleted state machines have left, once their executions are gone. The highest
    /// revision of all stays, so that its key is not given again.
    fn clear_deleted_state_machines(&mut self) {
        let is_used = |key: StateMachineKey| {
            let mut names = self.by_name.range((key, String::new())..);
            names.next().is_some_and(|((of, _), _)| *of == key)
        };
        let deleted = self.state_machines.values();
        let deleted: Vec<_> = deleted
            .filter(|record| record.status == StateMachineStatus::Deleted && !is_used(record.key))
            .map(|record| record.key)
            .collect();
        let highest = self.revisions.keys().next_back().copied();
        self.revisions.retain(|key, revision| {
            Some(*key) == highest || !deleted.contains(&revision.state_machine)
        });
        for key in deleted {
            self.versions.clear(key);
        }
    }

    /// An execution with the children of its Map Runs, and theirs; `None` if one of them goes on.
    fn family(&self, key: ExecutionKey) -> Option<Vec<ExecutionKey>> {
        let mut family = vec![key];
        let mut looked_at = 0;
        while let Some(key) = family.get(looked_at).copied() {
            looked_at += 1;
            if !is_closed(self.executions[&key].record.status) {
                return None;
            }
            family.extend(self.map_runs.children_of(key));
        }
        Some(family)
    }

    fn journal_bytes(&self, key: ExecutionKey) -> usize {
        let journal = self.executions[&key].journal.iter();
        journal.map(|chunk| chunk.bytes.len()).sum()
    }

    fn forget(&mut self, key: ExecutionKey) {
        self.map_runs.remove_of(key);
        if let Some(Execution { record, .. }) = self.executions.remove(&key) {
            let place = (record.state_machine, ExecutionCursor::of(&record));
            self.by_start.remove(&place);
            self.by_name.remove(&(record.state_machine, record.name));
        }
    }
}

fn is_closed(status: ExecutionStatus) -> bool {
    match status {
        ExecutionStatus::Succeeded
        | ExecutionStatus::Failed
        | ExecutionStatus::TimedOut
        | ExecutionStatus::Aborted => true,
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => false,
    }
}

fn has_ended_before(record: &ExecutionRecord, removal: &Removal) -> bool {
    is_closed(record.status)
        && record
            .stopped_at
            .is_some_and(|at| at < removal.ended_before)
}
