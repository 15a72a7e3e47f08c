//! When parked executions want to be woken: one entry each.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use stepwell_interpreter::Timestamp;
use stepwell_interpreter::input::Input;
use tokio::sync::Notify;

use crate::store::ExecutionKey;

use super::{Executor, Message, lock};

/// The timers of all parked executions.
#[derive(Debug, Default)]
pub(super) struct Timers {
    entries: Mutex<Entries>,
    /// Told when the first timer changes.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    by_time: BTreeSet<(Timestamp, ExecutionKey)>,
    by_execution: HashMap<ExecutionKey, Timestamp>,
}

impl Timers {
    /// Sets the timer of an execution, in place of the one it had.
    pub(super) fn set(&self, at: Timestamp, key: ExecutionKey) {
        let mut entries = lock(&self.entries);
        if let Some(before) = entries.by_execution.insert(key, at) {
            entries.by_time.remove(&(before, key));
        }
        entries.by_time.insert((at, key));
        if entries.by_time.first() == Some(&(at, key)) {
            self.changed.notify_one();
        }
    }

    /// Forgets the timer of an execution that is in memory again.
    pub(super) fn clear(&self, key: ExecutionKey) {
        let mut entries = lock(&self.entries);
        if let Some(at) = entries.by_execution.remove(&key) {
            entries.by_time.remove(&(at, key));
        }
    }

    /// Takes out every timer that is due.
    fn take_due(&self, now: Timestamp) -> Vec<ExecutionKey> {
        let mut entries = lock(&self.entries);
        let mut due = Vec::new();
        while let Some(&(at, key)) = entries.by_time.first() {
            if at > now {
                break;
            }
            entries.by_time.pop_first();
            entries.by_execution.remove(&key);
            due.push(key);
        }
        due
    }

    fn first(&self) -> Option<Timestamp> {
        lock(&self.entries).by_time.first().map(|(at, _)| *at)
    }
}

impl Executor {
    /// Wakes executions when their time comes, for as long as the executor lives.
    pub(crate) async fn run_timers(self) {
        let timers = &self.0.timers;
        loop {
            for key in timers.take_due(self.now()) {
                self.post(
                    key,
                    Message {
                        input: Input::TimerFired,
                        done: None,
                    },
                );
            }
            let next = async {
                match timers.first() {
                    Some(at) => self.0.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = next => {}
                () = timers.changed.notified() => {}
            }
        }
    }
}
