//! The life of one execution that has something to do.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use stepwell_interpreter::effect::{Effect, TaskId};
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Chance, Execution, journal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::store::{ExecutionKey, Remedy, StoreError};

use super::{Executor, Inbox, LoadError, Message, lock, tasks};

/// How long an execution without work stays in memory, in case something comes soon.
const LINGER: Duration = Duration::from_secs(2);

/// Pause before a write is tried again that found the disk full or the database busy.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Bytes of journal that are read at once.
pub(super) const READ_BYTES: usize = 4 << 20;

/// Why a driver stops.
enum Stop {
    /// The execution has ended, or waits without needing memory.
    Done,
    /// What is in memory is not what the store has: begin again from the journal.
    Reload,
    /// The store is not ours any more, or cannot be used.
    GiveUp,
}

/// Drives an execution until it ends or only waits. Without one in memory, it is replayed first.
pub(super) async fn drive(
    executor: Executor,
    key: ExecutionKey,
    execution: Option<Execution>,
    inbox: Inbox,
    messages: mpsc::UnboundedReceiver<Message>,
) {
    let driving = drive_on(&executor, key, execution, inbox, messages);
    if AssertUnwindSafe(driving).catch_unwind().await.is_err() {
        // Its inbox must not stay on the list, where nobody would ever read it.
        tracing::error!(
            execution.key = key.0,
            "an execution cannot go on: its driver panicked"
        );
        executor.abandon(key);
    }
}

async fn drive_on(
    executor: &Executor,
    key: ExecutionKey,
    mut execution: Option<Execution>,
    inbox: Inbox,
    mut messages: mpsc::UnboundedReceiver<Message>,
) {
    loop {
        let begun = match execution.take() {
            Some(execution) => Ok(Some(execution)),
            None => load(executor, key).await,
        };
        executor.0.timers.clear(key);
        let stop = match begun {
            Ok(Some(execution)) => {
                executor.take_up(key);
                let chance = executor.chance();
                let mut driver = Driver {
                    executor,
                    key,
                    execution,
                    chance,
                    inbox: &inbox,
                    running: BTreeMap::new(),
                };
                driver.run(&mut messages).await
            }
            Ok(None) => {
                answer(&mut messages);
                Stop::Done
            }
            Err(LoadError::Store(error)) if error.remedy() == Remedy::Retry => {
                tokio::time::sleep(RETRY_PAUSE).await;
                Stop::Reload
            }
            Err(error) => {
                // A poison execution is set aside; the others go on.
                tracing::error!(execution.key = key.0, %error, "an execution cannot go on");
                Stop::GiveUp
            }
        };
        match stop {
            Stop::Reload => {}
            Stop::GiveUp => {
                executor.abandon(key);
                return;
            }
            Stop::Done => {
                let mut live = lock(&executor.0.live);
                if messages.is_empty() {
                    live.remove(&key);
                    return;
                }
            }
        }
    }
}

/// The execution has ended: whoever still speaks to it learns that, and nobody is left waiting.
fn answer(messages: &mut mpsc::UnboundedReceiver<Message>) {
    while let Ok(message) = messages.try_recv() {
        message.done.map(|done| done.send(()));
    }
}

/// Replays a running execution from its journal; `None` when it has ended.
async fn load(executor: &Executor, key: ExecutionKey) -> Result<Option<Execution>, LoadError> {
    let store = executor.store();
    let record = store.execution(key).await?.ok_or(LoadError::NoRecord)?;
    if record.stopped_at.is_some() {
        return Ok(None);
    }
    let program = executor.program(record.revision).await?;
    let mut execution = executor.execution(&program);
    loop {
        let chunks = store
            .journal(key, execution.next_sequence().0, READ_BYTES)
            .await?;
        if chunks.is_empty() {
            return Ok(Some(execution));
        }
        for chunk in chunks {
            for event in journal::decode(&chunk.bytes)? {
                execution.apply(&event)?;
            }
        }
    }
}

struct Driver<'a> {
    executor: &'a Executor,
    key: ExecutionKey,
    execution: Execution,
    chance: Chance,
    inbox: &'a Inbox,
    running: BTreeMap<TaskId, AbortHandle>,
}

impl Driver<'_> {
    async fn run(&mut self, messages: &mut mpsc::UnboundedReceiver<Message>) -> Stop {
        let owed: Vec<Effect> = self.execution.pending_effects().collect();
        let mut inputs = VecDeque::from([Input::Continue]);
        self.execution.take_effects();
        self.start(owed, &mut inputs);
        let mut done = None;
        loop {
            while let Some(input) = inputs.pop_front() {
                if let Err(error) = self.step(input, &mut inputs).await {
                    return self.give_way(&error).await;
                }
            }
            if let Some(done) = done.take() {
                let _ = oneshot::Sender::send(done, ());
            }
            if !self.execution.is_running() {
                answer(messages);
                return Stop::Done;
            }
            match self.wait(messages).await {
                Some(message) => {
                    done = message.done;
                    inputs.push_back(message.input);
                }
                None => return Stop::Done,
            }
        }
    }

    /// Handles one input: events, append, then effects.
    async fn step(&mut self, input: Input, inputs: &mut VecDeque<Input>) -> Result<(), StoreError> {
        if let Input::TaskSubmitted { task, .. } = &input {
            // Its handler is through; the result comes from outside, and needs no memory here.
            self.running.remove(task);
        }
        let now = self.executor.now();
        let events = self.execution.handle(input, now, &mut self.chance);
        if !events.is_empty() {
            self.executor
                .append(self.key, &self.execution, &events)
                .await?;
            self.executor.committed(self.key, &self.execution, &events);
        }
        let effects = self.execution.take_effects();
        self.start(effects, inputs);
        if self.execution.is_cut() {
            inputs.push_front(Input::Continue);
        }
        Ok(())
    }

    /// Starts effects. What is known at once, as a mock's answer, becomes an input.
    fn start(&mut self, effects: Vec<Effect>, inputs: &mut VecDeque<Input>) {
        for effect in effects {
            match effect {
                Effect::CancelTask(task) => {
                    if let Some(handle) = self.running.remove(&task) {
                        handle.abort();
                    }
                }
                Effect::RunTask(task) => {
                    let started = self.execution.started().map(|(_, started)| started.clone());
                    let Some(started) = started else { continue };
                    if self.running.contains_key(&task.id) {
                        continue;
                    }
                    let id = task.id;
                    match tasks::start(self.executor, *task, &started, self.inbox.clone()) {
                        tasks::Started::Answered(answers) => inputs.extend(answers),
                        tasks::Started::Running(handle) => {
                            self.running.insert(id, handle);
                        }
                    }
                }
            }
        }
        let execution = &self.execution;
        self.running.retain(|task, _| execution.is_open(*task));
    }

    /// Waits for the next message. `None` when the execution is parked: nothing in memory is
    /// needed for it to go on.
    async fn wait(&mut self, messages: &mut mpsc::UnboundedReceiver<Message>) -> Option<Message> {
        let clock = &self.executor.0.clock;
        let wake_at = self.execution.wake_at();
        let is_needed = !self.running.is_empty();
        let linger_until = clock.now().after(LINGER);
        let until = match (wake_at, is_needed) {
            (Some(wake_at), true) => Some(wake_at),
            (Some(wake_at), false) => Some(wake_at.min(linger_until)),
            (None, true) => None,
            (None, false) => Some(linger_until),
        };
        let slept = async {
            match until {
                Some(until) => clock.sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            message = messages.recv() => message,
            () = slept => {
                if wake_at.is_some_and(|wake_at| wake_at <= clock.now()) {
                    return Some(Message { input: Input::TimerFired, done: None });
                }
                if let Some(wake_at) = wake_at {
                    self.executor.0.timers.set(wake_at, self.key);
                }
                None
            }
        }
    }

    /// A write failed: what is in memory is ahead of the store and must go.
    async fn give_way(&mut self, error: &StoreError) -> Stop {
        self.abort_tasks();
        match error.remedy() {
            Remedy::Retry => {
                tracing::warn!(execution.key = self.key.0, %error, "a write is tried again");
                tokio::time::sleep(RETRY_PAUSE).await;
                Stop::Reload
            }
            Remedy::ReadAgain => {
                tracing::warn!(execution.key = self.key.0, %error, "an execution is read again");
                Stop::Reload
            }
            Remedy::StepDown | Remedy::GiveUp => {
                self.executor.fail(error);
                Stop::GiveUp
            }
        }
    }

    fn abort_tasks(&mut self) {
        for handle in std::mem::take(&mut self.running).into_values() {
            handle.abort();
        }
    }
}

/// Nobody takes the results of a driver that is gone.
impl Drop for Driver<'_> {
    fn drop(&mut self) {
        self.abort_tasks();
    }
}
