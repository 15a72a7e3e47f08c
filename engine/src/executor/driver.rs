//! The life of one execution that has something to do.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use stepwell_interpreter::effect::{Effect, TaskId};
use stepwell_interpreter::execution::Mode;
use stepwell_interpreter::input::{Input, TokenAnswer};
use stepwell_interpreter::{Chance, Execution, Timestamp, journal};
use stepwell_language::model::{MapMode, State, StateKind};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::measure;
use crate::store::{
    Claim, Conflict, ExecutionKey, ExecutionRecord, LetterKey, QueueChange, Remedy, StoreError,
    WaitingTask,
};

use super::{Executor, Inbox, LoadError, Message, activities, lock, tasks};

/// Pause before a write is tried again that found the disk full or the database busy.
pub(super) const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Bytes of journal that are read at once.
const READ_BYTES: usize = 4 << 20;

/// Why a driver stops.
enum Stop {
    /// The execution has ended.
    Ended,
    /// It only waits, and wants to be woken then.
    Parked(Option<Timestamp>),
    /// What is in memory is not what the store has: begin again from the journal, and with what
    /// could not be written.
    Reload(Option<Message>),
    /// The store is not ours any more, or cannot be used.
    GiveUp,
}

/// What the store has of an execution.
enum Loaded {
    /// It runs, and is ours.
    Running(Box<Execution>),
    Ended,
    /// Another owner holds it.
    Elsewhere,
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
    let mut again = None;
    loop {
        let was_loaded = execution.is_none();
        let begun = match execution.take() {
            Some(execution) if execution.is_running() => Ok(Loaded::Running(Box::new(execution))),
            // It ended in its first step.
            Some(_) => Ok(Loaded::Ended),
            None => load(executor, key).await,
        };
        executor.0.timers.clear(key);
        let stop = match begun {
            Ok(Loaded::Running(execution)) => {
                executor.take_up(key);
                let driver = Driver {
                    executor,
                    key,
                    activities: activities::named_by(execution.machine()),
                    waiting: executor.waiting(&execution),
                    execution: *execution,
                    chance: executor.chance(),
                    inbox: &inbox,
                    running: Running::default(),
                    was_loaded,
                };
                driver.run(again.take(), &mut messages).await
            }
            Ok(Loaded::Ended) => {
                dismiss(executor, again.take(), &mut messages).await;
                Stop::Ended
            }
            Ok(Loaded::Elsewhere) => {
                let waiting = std::iter::from_fn(|| messages.try_recv().ok());
                for message in again.take().into_iter().chain(waiting) {
                    executor.forward(key, message);
                }
                Stop::Ended
            }
            Err(LoadError::Store(error)) if error.remedy() == Remedy::Retry => {
                tokio::time::sleep(RETRY_PAUSE).await;
                Stop::Reload(again.take())
            }
            Err(error) => {
                // A poison execution is set aside; the others go on.
                tracing::error!(execution.key = key.0, %error, "an execution cannot go on");
                Stop::GiveUp
            }
        };
        let wake_at = match stop {
            Stop::Reload(message) => {
                again = message;
                continue;
            }
            Stop::GiveUp => {
                executor.abandon(key);
                return;
            }
            Stop::Ended => None,
            Stop::Parked(wake_at) => wake_at,
        };
        let mut live = lock(&executor.0.live);
        if messages.is_empty() {
            // In one step with leaving the list: what is read from the disk meanwhile leaves out
            // the timers of those that are on it, and is not read again.
            if let Some(wake_at) = wake_at {
                executor.0.timers.set(wake_at, key);
            }
            live.remove(&key);
            return;
        }
    }
}

/// The execution has ended: whoever still speaks to it learns that, and nobody is left waiting.
async fn dismiss(
    executor: &Executor,
    first: Option<Message>,
    messages: &mut mpsc::UnboundedReceiver<Message>,
) {
    let waiting = std::iter::from_fn(|| messages.try_recv().ok());
    for message in first.into_iter().chain(waiting) {
        settle(executor, message, false).await;
    }
}

/// Tells whoever waits whether a message led to events. One that did is settled in the inbox.
async fn settle(executor: &Executor, message: Message, led_to_events: bool) {
    let Message {
        done,
        letter,
        turn,
        handout,
        input: _,
    } = message;
    if let Some(handout) = handout {
        handout.take_back();
    }
    if let (Some(letter), false) = (letter, led_to_events)
        && let Err(error) = executor.store().owners().discard(letter).await
    {
        tracing::warn!(%error, "a letter that came too late stays in its inbox");
    }
    done.map(|done| done.send(led_to_events));
    drop(turn);
}

/// Brings a running execution back: it is still warm, or is replayed from its journal.
async fn load(executor: &Executor, key: ExecutionKey) -> Result<Loaded, LoadError> {
    if let Some(execution) = executor.0.warm.take(key) {
        return Ok(Loaded::Running(Box::new(execution)));
    }
    let store = executor.store();
    // One that has no record any more was removed, long after its end.
    let Some(record) = store.execution(key).await? else {
        return Ok(Loaded::Ended);
    };
    if record.stopped_at.is_some() {
        return Ok(Loaded::Ended);
    }
    if record.owner != executor.epoch() {
        let claim = store
            .owners()
            .claim(executor.epoch(), key, executor.now())
            .await?;
        match claim {
            // Its record may have been read before another owner's last step.
            Claim::Claimed | Claim::Kept => {}
            Claim::HeldBy(_) => return Ok(Loaded::Elsewhere),
        }
    }
    let execution = replay(executor, &record).await?;
    // An Express child of a Map Run is in other hands, and hears nothing here.
    Ok(
        if execution.is_running() && execution.mode() == Mode::Standard {
            Loaded::Running(Box::new(execution))
        } else {
            Loaded::Ended
        },
    )
}

/// Rebuilds an execution from its journal alone, whether it has ended or not.
pub(super) async fn replay(
    executor: &Executor,
    record: &ExecutionRecord,
) -> Result<Execution, LoadError> {
    let begun = Instant::now();
    let program = executor.program(record.revision).await?;
    let mut execution = executor.execution(&program);
    loop {
        let chunks = executor
            .store()
            .journal(record.key, execution.next_sequence().0, READ_BYTES)
            .await?;
        if chunks.is_empty() {
            break;
        }
        for chunk in chunks {
            for event in journal::decode(&chunk.bytes)? {
                execution.apply(&event)?;
            }
        }
    }
    metrics::counter!(measure::REPLAYS).increment(1);
    metrics::counter!(measure::REPLAYED_EVENTS).increment(execution.next_sequence().0 - 1);
    metrics::histogram!(measure::REPLAY_SECONDS).record(begun.elapsed());
    Ok(execution)
}

/// The execution as its journal has it, to look at: whoever holds it may be further.
pub(super) async fn read(
    executor: &Executor,
    key: ExecutionKey,
) -> Result<Option<Execution>, LoadError> {
    let record = executor.store().execution(key).await?;
    let execution = replay(executor, &record.ok_or(LoadError::NoRecord)?).await?;
    Ok(Some(execution).filter(Execution::is_running))
}

struct Driver<'a> {
    executor: &'a Executor,
    key: ExecutionKey,
    execution: Execution,
    /// The ARNs of the activities that its machine names.
    activities: Vec<Arc<str>>,
    /// Its tasks that wait for workers, as the store knows them.
    waiting: Vec<WaitingTask>,
    chance: Chance,
    inbox: &'a Inbox,
    running: Running,
    /// Whether it was taken up from the journal, perhaps after a crash.
    was_loaded: bool,
}

impl Driver<'_> {
    /// Runs until there is nothing to do. `again` is what a driver before could not write.
    async fn run(
        mut self,
        again: Option<Message>,
        messages: &mut mpsc::UnboundedReceiver<Message>,
    ) -> Stop {
        self.execution.take_effects();
        let mut inputs = VecDeque::new();
        // Before the tasks that are owed are started again: it may be the result of one.
        if let Some(message) = again
            && let Err((error, message)) = self.take_in(message, &mut inputs).await
        {
            return self.give_way(&error, Some(message)).await;
        }
        let owed: Vec<Effect> = self.execution.pending_effects().collect();
        self.give_up_other_map_runs(&owed).await;
        inputs.push_back(Input::Continue);
        self.start(owed, &mut inputs);
        loop {
            while let Some(input) = inputs.pop_front() {
                if let Err(error) = self.step(input, None, &mut inputs).await {
                    return self.give_way(&error, None).await;
                }
            }
            if !self.execution.is_running() {
                dismiss(self.executor, None, messages).await;
                return Stop::Ended;
            }
            let Some(message) = self.wait(messages).await else {
                return self.park();
            };
            if let Err((error, message)) = self.take_in(message, &mut inputs).await {
                return self.give_way(&error, Some(message)).await;
            }
        }
    }

    /// What was given up before a crash, and not stopped any more, is stopped now.
    async fn give_up_other_map_runs(&self, owed: &[Effect]) {
        let mut states = self.execution.machine().states.values();
        let is_distributed = |state: &State| {
            matches!(&state.kind,
            StateKind::Map(map) if matches!(map.mode, MapMode::Distributed(_)))
        };
        if !self.was_loaded || !states.any(is_distributed) {
            return;
        }
        let wanted: Vec<_> = owed
            .iter()
            .filter_map(|effect| match effect {
                Effect::StartMapRun(run) => Some(Arc::clone(&run.started.map_run)),
                Effect::RunTask(_) | Effect::CancelTask(_) | Effect::CancelMapRun(_) => None,
            })
            .collect();
        let executor = self.executor;
        executor.give_up_other_map_runs(self.key, &wanted).await;
    }

    /// Handles a message and answers it. One that could not be written comes back.
    async fn take_in(
        &mut self,
        mut message: Message,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), (StoreError, Message)> {
        let handout = message.handout.as_ref();
        if handout.is_some_and(|handout| !handout.counts(&self.execution)) {
            settle(self.executor, message, false).await;
            return Ok(());
        }
        let input = message.input.clone();
        match self.step(input, message.letter, inputs).await {
            Ok(led_to_events) => {
                if let Some(handout) = message.handout.take() {
                    handout.deliver(&self.execution);
                }
                settle(self.executor, message, led_to_events).await;
                Ok(())
            }
            Err(error) => Err((error, message)),
        }
    }

    /// Handles one input: events, append, then effects. Tells whether there were events.
    async fn step(
        &mut self,
        input: Input,
        letter: Option<LetterKey>,
        inputs: &mut VecDeque<Input>,
    ) -> Result<bool, StoreError> {
        self.let_go_of_handler(&input);
        self.look_for_activities().await?;
        self.look_for_deletion().await?;
        let now = self.executor.now();
        let events = self.execution.handle(input, now, &mut self.chance);
        if !events.is_empty() {
            let (queue, added) = self.queue_changes();
            self.executor
                .append(self.key, &self.execution, &events, letter, queue)
                .await?;
            self.executor.committed(self.key, &self.execution, &events);
            self.executor.enqueue(self.key, &added);
        }
        let effects = self.execution.take_effects();
        self.start(effects, inputs);
        if self.execution.is_cut() {
            inputs.push_front(Input::Continue);
        }
        Ok(!events.is_empty())
    }

    /// The handler of a task that was submitted is through, and that of one that is answered with
    /// its token may go on by itself: the result does not come from it and needs no memory here.
    fn let_go_of_handler(&mut self, input: &Input) {
        if let Input::TaskSubmitted { task, .. } = input {
            self.running.0.remove(task);
        }
        if let Input::TaskAnswered {
            task,
            token,
            answer: TokenAnswer::Succeeded(_) | TokenAnswer::Failed(_),
        } = input
            && self.execution.task_token(*task) == Some(token)
        {
            self.running.0.remove(task);
        }
    }

    /// Tells the execution which of its activities exist. Where a test case of the mock
    /// configuration may answer they need not.
    async fn look_for_activities(&mut self) -> Result<(), StoreError> {
        let is_mocked = |execution: &Execution| {
            let started = execution.started();
            started.is_some_and(|(_, started)| started.test_case.is_some())
        };
        if !self.activities.is_empty() && !is_mocked(&self.execution) {
            let absent = self.executor.absent_activities(&self.activities).await?;
            self.execution.set_absent_activities(absent);
        }
        Ok(())
    }

    /// Tells the execution when its state machine is being deleted.
    async fn look_for_deletion(&mut self) -> Result<(), StoreError> {
        if let Some((_, started)) = self.execution.started() {
            let name = Arc::clone(&started.state_machine_name);
            if self.executor.is_being_deleted(self.key, &name).await? {
                self.execution.set_machine_deleted();
            }
        }
        Ok(())
    }

    /// What the last events change in the queues of activities, and the tasks that are new there.
    fn queue_changes(&mut self) -> (Vec<QueueChange>, Vec<WaitingTask>) {
        if self.activities.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let waiting = self.executor.waiting(&self.execution);
        let before = std::mem::replace(&mut self.waiting, waiting);
        activities::changes(&before, &self.waiting)
    }

    /// Starts effects. What is known at once, as a mock's answer, becomes an input.
    fn start(&mut self, effects: Vec<Effect>, inputs: &mut VecDeque<Input>) {
        for effect in effects {
            match effect {
                Effect::StartMapRun(run) => {
                    if let Some((_, started)) = self.execution.started() {
                        let started = Arc::clone(started);
                        self.executor.start_map_run(self.key, started, *run);
                    }
                }
                Effect::CancelMapRun(map_run) => self.executor.cancel_map_run(map_run),
                Effect::CancelTask(task) => {
                    if let Some(handle) = self.running.0.remove(&task) {
                        handle.abort();
                    }
                }
                Effect::RunTask(task) => {
                    let started = self.execution.started().map(|(_, started)| started.clone());
                    let Some(started) = started else { continue };
                    if self.running.0.contains_key(&task.id) {
                        continue;
                    }
                    let id = task.id;
                    match tasks::start(self.executor, *task, &started, self.inbox.clone()) {
                        tasks::Started::Answered(answers) => inputs.extend(answers),
                        tasks::Started::Running(handle) => {
                            self.running.0.insert(id, handle);
                        }
                    }
                }
            }
        }
        let execution = &self.execution;
        self.running.0.retain(|task, _| execution.is_open(*task));
    }

    /// Waits for the next message. `None` when nothing in memory is needed for the execution to
    /// go on.
    async fn wait(&mut self, messages: &mut mpsc::UnboundedReceiver<Message>) -> Option<Message> {
        let clock = &self.executor.0.clock;
        let wake_at = self.execution.wake_at();
        if self.running.0.is_empty() && wake_at.is_none_or(|wake_at| wake_at > clock.now()) {
            return messages.try_recv().ok();
        }
        let slept = async {
            match wake_at {
                Some(wake_at) => clock.sleep_until(wake_at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            message = messages.recv() => message,
            () = slept => Some(Message::new(Input::TimerFired)),
        }
    }

    /// Gives up the memory of an execution that only waits, but for a while.
    fn park(self) -> Stop {
        let wake_at = self.execution.wake_at();
        self.executor.0.warm.put(self.key, self.execution);
        Stop::Parked(wake_at)
    }

    /// A write failed: what is in memory is ahead of the store and must go. The message that it
    /// was about is kept.
    async fn give_way(self, error: &StoreError, message: Option<Message>) -> Stop {
        drop(self.running);
        match error.remedy() {
            Remedy::Retry => {
                tracing::warn!(execution.key = self.key.0, %error, "a write is tried again");
                tokio::time::sleep(RETRY_PAUSE).await;
                Stop::Reload(message)
            }
            Remedy::ReadAgain => {
                tracing::warn!(execution.key = self.key.0, %error, "an execution is read again");
                // Whoever took the letter has answered it.
                let is_taken = matches!(error, StoreError::Conflict(Conflict::LetterTaken { .. }));
                Stop::Reload(message.filter(|_| !is_taken))
            }
            Remedy::StepDown | Remedy::GiveUp => {
                self.executor.fail(error);
                Stop::GiveUp
            }
        }
    }
}

/// The tasks that run here. Nobody takes their results when the driver is gone.
#[derive(Default)]
struct Running(BTreeMap<TaskId, AbortHandle>);

impl Drop for Running {
    fn drop(&mut self) {
        for handle in std::mem::take(&mut self.0).into_values() {
            handle.abort();
        }
    }
}
