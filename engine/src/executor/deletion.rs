//! State machines whose deletion is under way: their executions fail at their next transition, and
//! with the last one the state machine is gone.
//!
//! What is under way stands in the store. Here is a copy of it, which drivers and runners of Map
//! Runs look at before they go on; nearly always it is empty, and costs them nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::store::{
    ExecutionKey, Remedy, StateMachineKey, StateMachineRecord, StateMachineStatus, StoreError,
};

use super::{Executor, lock};

/// Pause before the store is looked at again, where other engines may delete state machines and end
/// executions too; and before something is tried again that it refused.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The deletions that are under way, as far as this executor knows.
#[derive(Default)]
pub(super) struct Deletions {
    names: Mutex<BTreeMap<StateMachineKey, String>>,
    /// Whether there are any.
    any: AtomicBool,
    /// A deletion has begun, or an execution or a Map Run has ended while one was under way.
    changed: Notify,
}

impl Deletions {
    /// An execution has ended, perhaps the last one of a state machine, or a Map Run whose execution
    /// had ended before.
    pub(super) fn something_ended(&self) {
        if !self.is_empty() {
            self.changed.notify_one();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::SeqCst)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<StateMachineKey, String>)) {
        let mut known = lock(&self.names);
        change(&mut known);
        self.any.store(!known.is_empty(), Ordering::SeqCst);
    }
}

impl Executor {
    /// Deletes a state machine, at once if nothing of it runs.
    pub(crate) async fn delete_state_machine(
        &self,
        record: StateMachineRecord,
    ) -> Result<(), StoreError> {
        match self.store().delete_state_machine(record.key).await? {
            StateMachineStatus::Deleted => {}
            StateMachineStatus::Active | StateMachineStatus::Deleting => {
                self.note_deletion(record);
                // An execution may have ended before anybody looked for that.
                self.0.deletions.changed.notify_one();
            }
        }
        Ok(())
    }

    fn note_deletion(&self, record: StateMachineRecord) {
        let StateMachineRecord { key, name, .. } = record;
        self.0
            .deletions
            .change(|known| drop(known.insert(key, name)));
    }

    /// Whether an execution, or a child of a Map Run, belongs to a state machine that is being
    /// deleted. The name that it was started with answers for nearly all.
    pub(super) async fn is_being_deleted(
        &self,
        execution: ExecutionKey,
        state_machine: &str,
    ) -> Result<bool, StoreError> {
        if self.0.deletions.is_empty() {
            return Ok(false);
        }
        // A child's has the label of its Map behind it.
        let state_machine = state_machine.split('/').next().unwrap_or_default();
        let find = |is_it: &dyn Fn(StateMachineKey) -> bool| {
            let known = lock(&self.0.deletions.names);
            let mut of_this_name = known.iter().filter(|(_, name)| *name == state_machine);
            of_this_name.any(|(key, _)| is_it(*key))
        };
        if !find(&|_| true) {
            return Ok(false);
        }
        // Of two state machines that followed each other under one name, it may be the other's.
        let record = self.store().execution(execution).await?;
        Ok(record.is_some_and(|record| find(&|key| key == record.state_machine)))
    }

    /// Learns what is under way, before any execution goes on.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub(crate) async fn load_deletions(&self) -> Result<(), StoreError> {
        for record in self.store().deleting_state_machines().await? {
            self.note_deletion(record);
        }
        Ok(())
    }

    /// Sees deletions through for as long as the executor lives.
    pub(crate) async fn run_deletions(self) {
        loop {
            let next = match self.finish_deletions().await {
                Ok(()) if self.0.lease.is_none() => None,
                Ok(()) => Some(LOOK_AGAIN),
                Err(error) => match error.remedy() {
                    Remedy::Retry | Remedy::ReadAgain => {
                        tracing::warn!(%error, "state machines are deleted later");
                        Some(LOOK_AGAIN)
                    }
                    Remedy::StepDown | Remedy::GiveUp => return,
                },
            };
            let changed = self.0.deletions.changed.notified();
            match next {
                None => changed.await,
                Some(pause) => {
                    let _ = tokio::time::timeout(pause, changed).await;
                }
            }
        }
    }

    /// Deletes what nothing runs of any more.
    async fn finish_deletions(&self) -> Result<(), StoreError> {
        let mut over = lock(&self.0.deletions.names).clone();
        for record in self.store().deleting_state_machines().await? {
            match self.store().delete_state_machine(record.key).await? {
                StateMachineStatus::Deleted => {}
                StateMachineStatus::Active | StateMachineStatus::Deleting => {
                    over.remove(&record.key);
                    // Another engine may have begun it.
                    self.note_deletion(record);
                }
            }
        }
        let is_left = |key: &StateMachineKey, _: &mut String| !over.contains_key(key);
        self.0.deletions.change(|known| known.retain(is_left));
        Ok(())
    }
}
