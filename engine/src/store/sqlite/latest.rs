//! The state machines that were read last, for whoever starts executions of them.
//!
//! A database has one owner, so nobody else changes what is kept here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::StateMachineRecord;

/// State machines that are kept; past it all are forgotten, and read again when needed.
const KEPT_MAX: usize = 1_000;

/// State machines by name, as they were committed last.
#[derive(Default)]
pub(super) struct Latest(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    records: HashMap<String, StateMachineRecord>,
    /// Counts the changes, so that a read that began before one is not kept after it.
    changes: u64,
}

/// How many changes there had been when a read began.
#[derive(Clone, Copy)]
pub(super) struct Begun(u64);

/// Forgets when a write is over, whether or not anybody waits for it.
pub(super) struct ForgetsWhenDropped(pub(super) Arc<Latest>);

impl Drop for ForgetsWhenDropped {
    fn drop(&mut self) {
        self.0.forget();
    }
}

impl Latest {
    /// The state machine, if it is kept.
    pub(super) fn get(&self, name: &str) -> Result<StateMachineRecord, Begun> {
        let kept = self.lock();
        let record = kept.records.get(name).cloned();
        record.ok_or(Begun(kept.changes))
    }

    /// Keeps what was read, unless something has changed since the read began.
    pub(super) fn keep(&self, begun: Begun, record: &StateMachineRecord) {
        let mut kept = self.lock();
        if kept.changes == begun.0 {
            if kept.records.len() >= KEPT_MAX {
                kept.records.clear();
            }
            kept.records.insert(record.name.clone(), record.clone());
        }
    }

    /// A change was committed: nothing that was read before counts any more.
    pub(super) fn forget(&self) {
        let mut kept = self.lock();
        kept.changes += 1;
        kept.records.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use stepwell_interpreter::Timestamp;

    use super::*;
    use crate::store::{RevisionKey, StateMachineKey, StateMachineKind, StateMachineStatus};

    fn record(name: &str) -> StateMachineRecord {
        StateMachineRecord {
            key: StateMachineKey(1),
            name: name.to_owned(),
            kind: StateMachineKind::Standard,
            status: StateMachineStatus::Active,
            created_at: Timestamp::EPOCH,
            tags: "[]".to_owned(),
            revision: RevisionKey(1),
        }
    }

    #[test]
    fn a_read_that_began_before_a_change_is_not_kept() {
        let latest = Latest::default();
        let Err(begun) = latest.get("a") else {
            panic!("nothing was kept");
        };
        latest.forget();
        latest.keep(begun, &record("a"));
        let Err(begun) = latest.get("a") else {
            panic!("what was read before the change is kept");
        };
        latest.keep(begun, &record("a"));
        assert!(latest.get("a").is_ok());
        latest.forget();
        assert!(latest.get("a").is_err());
    }
}
