//! When parked executions want to be woken: one entry each, and those far away on the disk alone.
//!
//! Timers up to the horizon are in memory; behind it are those of executions that the store has
//! and nobody need think of yet. The horizon moves on as time does. A start begins with nothing in
//! memory, so that it takes no longer and no more memory for a million parked executions.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stepwell_interpreter::Timestamp;
use stepwell_interpreter::input::Input;
use tokio::sync::{Notify, Semaphore};

use crate::store::{ExecutionKey, StoreError, Timer, Window};

use super::{Executor, Message, lock};

/// How far ahead timers are read from the store.
const AHEAD: Duration = Duration::from_mins(10);

/// Timers that are read at once.
const PAGE: usize = 10_000;

/// Timers in memory; past it the latest of them are left to the disk.
const KEPT_MAX: usize = 100_000;

/// Executions that are being woken at a time: of a million that are due at once, each takes memory
/// only when it is its turn.
const WAKING_MAX: usize = 512;

/// Pause before timers are read again that could not be read.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The timers of all parked executions.
#[derive(Debug)]
pub(super) struct Timers {
    entries: Mutex<Entries>,
    /// Told when there may be something to do sooner than before.
    changed: Notify,
    waking: Arc<Semaphore>,
}

#[derive(Debug)]
struct Entries {
    by_time: BTreeSet<Timer>,
    by_execution: HashMap<ExecutionKey, Timestamp>,
    /// Every timer up to this one is in memory.
    horizon: Timer,
}

/// Before every timer.
const BEGINNING: Timer = Timer {
    at: Timestamp::BEGINNING,
    execution: ExecutionKey(0),
};

impl Default for Timers {
    fn default() -> Self {
        Self {
            entries: Mutex::new(Entries {
                by_time: BTreeSet::new(),
                by_execution: HashMap::new(),
                horizon: BEGINNING,
            }),
            changed: Notify::new(),
            waking: Arc::new(Semaphore::new(WAKING_MAX)),
        }
    }
}

impl Timers {
    /// Sets the timer of a parked execution, in place of the one it had. The store has it already.
    pub(super) fn set(&self, at: Timestamp, key: ExecutionKey) {
        let is_first = lock(&self.entries).set(Timer { at, execution: key });
        if is_first {
            self.changed.notify_one();
        }
    }

    /// Forgets the timer of an execution that is in memory again.
    pub(super) fn clear(&self, key: ExecutionKey) {
        lock(&self.entries).remove(key);
    }

    /// Reads all timers again: executions may be free that somebody else held.
    pub(super) fn rescan(&self) {
        lock(&self.entries).horizon = BEGINNING;
        self.changed.notify_one();
    }

    /// How many are in memory.
    pub(super) fn len(&self) -> usize {
        lock(&self.entries).by_time.len()
    }

    /// Takes out the first timer, if it is due.
    fn take_due(&self, now: Timestamp) -> Option<ExecutionKey> {
        let mut entries = lock(&self.entries);
        let first = entries.by_time.first().filter(|timer| timer.at <= now)?;
        let key = first.execution;
        entries.remove(key);
        Some(key)
    }

    /// When something is to be done: the first timer is due, or the horizon has come near.
    fn next(&self) -> Timestamp {
        let entries = lock(&self.entries);
        match entries.by_time.first() {
            Some(first) => first.at.min(entries.moves_at()),
            None => entries.moves_at(),
        }
    }

    /// Begins to move the horizon on, if it has come near: from where, and to where.
    fn move_on(&self, now: Timestamp) -> Option<(Timer, Timestamp)> {
        let mut entries = lock(&self.entries);
        if entries.moves_at() > now {
            return None;
        }
        let from = entries.horizon;
        let until = now.after(AHEAD).max(from.at);
        // Moved before the store is read: a timer that is set meanwhile is in memory, or was
        // committed early enough to be read.
        entries.horizon = Timer {
            at: until,
            execution: ExecutionKey(u64::MAX),
        };
        Some((from, until))
    }
}

impl Entries {
    /// Whether it is the first now.
    fn set(&mut self, timer: Timer) -> bool {
        self.remove(timer.execution);
        if timer > self.horizon {
            return false;
        }
        self.by_execution.insert(timer.execution, timer.at);
        self.by_time.insert(timer);
        if self.by_time.len() > KEPT_MAX {
            // A quarter at once, so that this is rare.
            let last = self.by_time.iter().nth(KEPT_MAX / 4 * 3).copied();
            self.leave_to_the_disk(last.unwrap_or(timer));
        }
        self.by_time.first() == Some(&timer)
    }

    fn remove(&mut self, key: ExecutionKey) {
        if let Some(at) = self.by_execution.remove(&key) {
            let execution = key;
            self.by_time.remove(&Timer { at, execution });
        }
    }

    /// Brings the horizon back; what is behind it is found again when it moves on.
    fn leave_to_the_disk(&mut self, horizon: Timer) {
        self.horizon = self.horizon.min(horizon);
        while let Some(last) = self.by_time.last().filter(|last| **last > self.horizon) {
            let key = last.execution;
            self.remove(key);
        }
    }

    /// When the horizon is to move on: while half of the time up to it is left, or, when memory is
    /// full of timers, once most of them are gone.
    fn moves_at(&self) -> Timestamp {
        if self.by_time.len() > KEPT_MAX / 2 {
            Timestamp::MAX
        } else {
            self.horizon.at.before(AHEAD / 2)
        }
    }
}

impl Executor {
    /// Wakes executions when their time comes, for as long as the executor lives. Those that a
    /// former owner left with work under way are due at once.
    pub(crate) async fn run_timers(self) {
        let timers = &self.0.timers;
        loop {
            let changed = timers.changed.notified();
            if let Err(error) = self.load_timers().await {
                tracing::error!(%error, "timers cannot be read; they are read again");
                tokio::time::sleep(RETRY_PAUSE).await;
                continue;
            }
            while let Ok(turn) = Arc::clone(&timers.waking).acquire_owned().await {
                let Some(key) = timers.take_due(self.now()) else {
                    break;
                };
                let message = Message {
                    turn: Some(turn),
                    ..Message::new(Input::TimerFired)
                };
                self.post(key, message);
            }
            let next = timers.next();
            if next <= self.now() {
                continue;
            }
            tokio::select! {
                () = self.0.clock.sleep_until(next) => {}
                () = changed => {}
            }
        }
    }

    /// Reads timers from the store, if the horizon has come near.
    async fn load_timers(&self) -> Result<(), StoreError> {
        let timers = &self.0.timers;
        let now = self.now();
        let Some((from, until)) = timers.move_on(now) else {
            return Ok(());
        };
        let window = Window {
            after: (from != BEGINNING).then_some(from),
            until,
            limit: PAGE,
        };
        let read = self
            .store()
            .owners()
            .timers(self.0.epoch, window, now)
            .await;
        // Whoever has a driver sets its own timer when it is parked.
        let live = lock(&self.0.live);
        let mut entries = lock(&timers.entries);
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                entries.leave_to_the_disk(from);
                return Err(error);
            }
        };
        if let Some(last) = read.last().filter(|_| read.len() == PAGE) {
            entries.leave_to_the_disk(*last);
        }
        for timer in read {
            if !live.contains_key(&timer.execution) {
                entries.set(timer);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(milliseconds)
    }

    fn timers() -> Timers {
        let timers = Timers::default();
        assert_eq!(timers.move_on(at(0)), Some((BEGINNING, at(600_000))));
        timers
    }

    #[test]
    fn timers_behind_the_horizon_are_left_to_the_disk() {
        let timers = timers();
        timers.set(at(600_001), ExecutionKey(1));
        timers.set(at(600_000), ExecutionKey(2));
        timers.set(at(5), ExecutionKey(3));
        assert_eq!(timers.len(), 2);
        assert_eq!(timers.next(), at(5));
        assert_eq!(timers.take_due(at(4)), None);
        assert_eq!(timers.take_due(at(5)), Some(ExecutionKey(3)));
        assert_eq!(timers.next(), at(300_000), "half of the time is over then");
        // An execution that moves behind the horizon leaves nothing in memory.
        timers.set(at(700_000), ExecutionKey(2));
        assert_eq!(timers.len(), 0);
    }

    #[test]
    fn the_horizon_moves_on_with_time() {
        let timers = timers();
        assert_eq!(timers.move_on(at(299_999)), None);
        let horizon = Timer {
            at: at(600_000),
            execution: ExecutionKey(u64::MAX),
        };
        assert_eq!(timers.move_on(at(300_000)), Some((horizon, at(900_000))));
        timers.rescan();
        assert_eq!(timers.move_on(at(300_000)), Some((BEGINNING, at(900_000))));
    }

    #[test]
    fn many_timers_bring_the_horizon_back() {
        let timers = timers();
        for key in 0..=KEPT_MAX as u64 {
            timers.set(at(1_000), ExecutionKey(key));
        }
        assert!(timers.len() <= KEPT_MAX);
        assert!(timers.next() == at(1_000));
        // Nothing is read while there is enough to do, and then from where memory ends.
        assert_eq!(timers.move_on(at(1_000)), None);
        let mut last = None;
        while let Some(key) = timers.take_due(at(1_000)) {
            last = Some(key);
        }
        let (from, _) = timers.move_on(at(1_000)).unwrap();
        assert_eq!(Some(from.execution), last);
    }
}
