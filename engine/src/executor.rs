//! Owns live executions: turns inputs into durable events, and events into effects.
//!
//! An execution that has something to do belongs to one task, its [`driver`]; everybody else
//! speaks to it through its inbox. One that only waits, for a time or for somebody outside, has
//! no task: an entry with the [`timers`], or nothing at all, and perhaps a place among those that
//! are [`warm`]. The order of every step is fixed: handle, append durably, then start effects and
//! answer.
//!
//! An executor is an owner of its store, with a lease. What it does not hold it claims before it
//! touches it; what another owner holds it reaches by [`letter`].

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand_chacha::rand_core::{Rng, SeedableRng};
use stepwell_interpreter::effect::Effect;
use stepwell_interpreter::event::{Event, HistoryId};
use stepwell_interpreter::execution::{Limits, Mode, Status};
use stepwell_interpreter::input::Input;
use stepwell_interpreter::journal;
use stepwell_interpreter::{Chance, Execution, Timestamp};
use stepwell_language::model::{ExecutionType, Resource, StateMachine};
use stepwell_language::parse::parse;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::clock::Clock;
use crate::integrations::Handlers;
use crate::integrations::mock::MockConfiguration;
use crate::logs::{LogSettings, Logs};
use crate::measure::{self, Levels};
use crate::store::{
    Append, Chunk, Creation, Epoch, ExecutionKey, ExecutionStatus, LetterKey, NewExecution,
    QueueChange, Redrive, Remedy, RevisionKey, Store, StoreError, WaitingTask,
};

mod driver;
mod redrive;
mod activities;
mod handout;
pub(crate) mod express;
mod map_run;
mod tasks;
mod timers;
mod warm;
mod lease;
mod letter;
mod retention;
mod deletion;
#[cfg(test)]
mod tests;

pub(crate) use activities::{TooManyWorkers, named_by};
pub(crate) use tasks::run_caught;

use activities::Activities;
use deletion::Deletions;
use express::Express;
use handout::Handout;
use map_run::MapRuns;
use timers::Timers;
use warm::Warm;

pub(crate) use redrive::{HISTORY_LIMIT, Redriven};

/// Called with the events of an execution once they are durable, or, for an Express execution, which
/// nothing keeps, once they have happened. It must be quick.
pub type Observer = Arc<dyn Fn(&Execution, &[Event]) + Send + Sync>;

/// Runs executions. Cloning gives another handle of the same executor.
#[derive(Clone)]
pub(crate) struct Executor(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Under which it holds executions.
    epoch: Epoch,
    /// How long it holds them without a sign of life; `None` where nobody else can be.
    lease: Option<Duration>,
    handlers: Handlers,
    mocks: Option<MockConfiguration>,
    limits: Limits,
    observer: Option<Observer>,
    /// Executions it has given keys to.
    keys: AtomicU64,
    logs: Option<Logs>,
    seeds: Mutex<rand_chacha::ChaCha12Rng>,
    /// The executions that have a driver.
    live: Mutex<HashMap<ExecutionKey, Live>>,
    /// The executions that cannot go on, whose ends nobody need wait for.
    set_aside: Mutex<HashSet<ExecutionKey>>,
    /// Who waits for an execution to end.
    watchers: Mutex<HashMap<ExecutionKey, Vec<oneshot::Sender<Status>>>>,
    timers: Timers,
    activities: Activities,
    warm: Warm,
    map_runs: MapRuns,
    deletions: Deletions,
    /// Told when executions may be free that another owner held.
    freed: Notify,
    express: Express,
    programs: Mutex<HashMap<RevisionKey, Arc<Program>>>,
    /// Why nothing runs any more, once the store has failed for good.
    failure: Mutex<Option<StoreError>>,
}

/// What a revision says, ready to be run.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) machine: Arc<StateMachine>,
    pub(crate) role: Arc<str>,
    /// The ARNs of the activities that it names.
    pub(crate) activities: Vec<Arc<str>>,
}

/// An execution that has a driver.
struct Live {
    inbox: Inbox,
    driver: AbortHandle,
    /// Whether it is known to run: whoever watches from then on learns of its end.
    is_running: bool,
}

/// How to reach a driver.
type Inbox = mpsc::UnboundedSender<Message>;

/// What a driver is told.
#[derive(Debug)]
pub(crate) struct Message {
    input: Input,
    /// Told whether the input led to events, once these are durable.
    done: Option<oneshot::Sender<bool>>,
    /// The letter that says so, where it came from another owner.
    letter: Option<LetterKey>,
    /// Kept until it is dealt with, where many are told something at once.
    turn: Option<OwnedSemaphorePermit>,
    /// The worker who gets the task that the input starts.
    handout: Option<Handout>,
}

impl Message {
    /// What nobody waits for.
    fn new(input: Input) -> Self {
        Self {
            input,
            done: None,
            letter: None,
            turn: None,
            handout: None,
        }
    }
}

/// What an executor is made of.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long it holds executions without a sign of life; `None` where nobody else can be.
    pub(crate) lease: Option<Duration>,
    pub(crate) handlers: Handlers,
    pub(crate) mocks: Option<MockConfiguration>,
    pub(crate) limits: Limits,
    pub(crate) observer: Option<Observer>,
    /// What the ARNs of activities begin with.
    pub(crate) activity_prefix: String,
    pub(crate) logs: Option<Logs>,
    /// Express executions that may be open at once.
    pub(crate) express_open_max: usize,
    /// Where all randomness comes from.
    pub(crate) seed: [u8; 32],
}

impl Executor {
    /// An executor with a lease of its own. Executions that the store has open go on once
    /// [`run_timers`](Self::run_timers) runs.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the lease cannot be written.
    pub(crate) async fn join(parts: Parts) -> Result<Self, StoreError> {
        let Parts {
            store,
            clock,
            lease,
            handlers,
            mocks,
            limits,
            observer,
            activity_prefix,
            logs,
            express_open_max,
            seed,
        } = parts;
        let until = lease::until(clock.now(), lease);
        let epoch = store.owners().join(until).await?;
        Ok(Self(Arc::new(Shared {
            store,
            clock,
            epoch,
            lease,
            handlers,
            mocks,
            limits,
            observer,
            keys: AtomicU64::new(0),
            logs,
            seeds: Mutex::new(rand_chacha::ChaCha12Rng::from_seed(seed)),
            live: Mutex::default(),
            set_aside: Mutex::default(),
            watchers: Mutex::default(),
            timers: Timers::default(),
            activities: Activities::new(activity_prefix),
            warm: Warm::default(),
            map_runs: MapRuns::default(),
            deletions: Deletions::default(),
            freed: Notify::new(),
            express: Express::new(express_open_max),
            programs: Mutex::default(),
            failure: Mutex::default(),
        })))
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    pub(crate) fn limits(&self) -> Limits {
        self.0.limits
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Waits until the clock shows `at` or later.
    pub(crate) async fn sleep_until(&self, at: Timestamp) {
        self.0.clock.sleep_until(at).await;
    }

    pub(crate) fn handlers(&self) -> &Handlers {
        &self.0.handlers
    }

    pub(crate) fn mocks(&self) -> Option<&MockConfiguration> {
        self.0.mocks.as_ref()
    }

    /// Under which it holds executions.
    pub(crate) fn epoch(&self) -> Epoch {
        self.0.epoch
    }

    /// The key of the next execution.
    pub(crate) fn next_key(&self) -> ExecutionKey {
        let count = self.0.keys.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.epoch.execution_key(count)
    }

    /// Randomness for one execution, or one operation.
    pub(crate) fn chance(&self) -> Chance {
        let mut seed = [0; 32];
        lock(&self.0.seeds).fill_bytes(&mut seed);
        Chance::from_seed(seed)
    }

    /// An execution that has not begun.
    pub(crate) fn execution(&self, program: &Program) -> Execution {
        Execution::new(Arc::clone(&program.machine), self.0.limits)
    }

    /// The tasks of an execution that wait for workers, as the store keeps them.
    pub(crate) fn waiting(&self, execution: &Execution) -> Vec<WaitingTask> {
        self.0.activities.waiting(execution)
    }

    /// What a revision says, read once for all its executions.
    pub(crate) async fn program(&self, key: RevisionKey) -> Result<Arc<Program>, LoadError> {
        if let Some(program) = lock(&self.0.programs).get(&key) {
            return Ok(Arc::clone(program));
        }
        let revision = self
            .0
            .store
            .revision(key)
            .await?
            .ok_or(LoadError::NoRevision)?;
        let parsed = parse(&revision.content.definition, ExecutionType::Standard);
        let machine = parsed.machine.ok_or(LoadError::Unreadable)?;
        let program = Arc::new(Program {
            activities: named_by(&machine),
            machine: Arc::new(machine),
            role: revision.content.role.into(),
        });
        if let Some(logs) = &self.0.logs
            && let Some(settings) = LogSettings::of_revision(&revision.content.configuration)
        {
            logs.follow(&program.machine, settings);
        }
        lock(&self.0.programs).insert(key, Arc::clone(&program));
        Ok(program)
    }

    /// Whether log groups are written anywhere.
    pub(crate) fn writes_logs(&self) -> bool {
        self.0.logs.is_some()
    }

    /// Adds an execution to the store and goes on with it. Once begun this does not depend on the
    /// caller, who may go away: what is durable is driven.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be written.
    pub(crate) async fn create(
        &self,
        new: NewExecution,
        execution: Execution,
        events: Vec<Event>,
    ) -> Result<Creation, StoreError> {
        let key = new.record.key;
        let (inbox, messages) = mpsc::unbounded_channel();
        let executor = self.clone();
        let (answer, created) = oneshot::channel();
        let own_inbox = inbox.clone();
        let creating = async move {
            let waiting = new.waiting.clone();
            let created = executor.store().create_execution(new).await;
            let is_created = matches!(created, Ok(Creation::Created));
            if is_created {
                metrics::counter!(measure::STARTED).increment(1);
                executor.committed(key, &execution, &events);
                executor.enqueue(key, &waiting);
            } else {
                lock(&executor.0.live).remove(&key);
            }
            if let Err(error) = &created
                && matches!(error.remedy(), Remedy::StepDown | Remedy::GiveUp)
            {
                executor.fail(error);
            }
            let _ = answer.send(created);
            if is_created {
                driver::drive(executor, key, Some(execution), own_inbox, messages).await;
            }
        };
        // It is on the list before anybody can know of it, so that it never has two drivers.
        go_live(&mut lock(&self.0.live), key, inbox, creating);
        created.await.unwrap_or_else(|error| {
            Err(StoreError::Failed {
                place: Arc::from("the store"),
                source: Arc::new(error),
            })
        })
    }

    /// Hands an input to an execution, which is brought back to life if it was parked, or to the
    /// owner that holds it. Answers when what it led to is durable: whether that was anything, or
    /// `None` when the execution cannot go on.
    pub(crate) async fn send(&self, key: ExecutionKey, input: Input) -> Option<bool> {
        let (done, answer) = oneshot::channel();
        let message = Message {
            done: Some(done),
            ..Message::new(input)
        };
        self.post(key, message);
        // A driver that goes away without an answer has failed, and the failure is logged there.
        answer.await.ok()
    }

    fn post(&self, key: ExecutionKey, message: Message) {
        let mut live = lock(&self.0.live);
        if let Some(Live { inbox, .. }) = live.get(&key) {
            // A driver takes its inbox off the list before it goes away.
            let _ = inbox.send(message);
            return;
        }
        let (inbox, messages) = mpsc::unbounded_channel();
        let _ = inbox.send(message);
        let driving = driver::drive(self.clone(), key, None, inbox.clone(), messages);
        go_live(&mut live, key, inbox, driving);
    }

    /// Ends every driver where it stands, as a crash would: the journals have all that matters.
    pub(crate) fn stop(&self) {
        self.0.activities.close();
        let live = std::mem::take(&mut *lock(&self.0.live));
        for Live { driver, .. } in live.into_values() {
            driver.abort();
        }
        self.0.express.stop();
        self.0.map_runs.stop();
    }

    /// Whether an execution is known to run, because it has a driver here.
    pub(crate) fn drives(&self, key: ExecutionKey) -> bool {
        lock(&self.0.live)
            .get(&key)
            .is_some_and(|live| live.is_running)
    }

    /// Completes when the execution has ended. The caller looks afterwards whether it has already.
    pub(crate) fn watch(&self, key: ExecutionKey) -> Watch {
        let (sender, ended) = oneshot::channel();
        let mut watchers = lock(&self.0.watchers);
        // Whoever comes after it was set aside learns that at once: the sender is dropped here.
        if !lock(&self.0.set_aside).contains(&key) {
            watchers.entry(key).or_default().push(sender);
        }
        drop(watchers);
        Watch {
            executor: self.clone(),
            key,
            ended,
        }
    }

    /// How much there is of everything in memory.
    pub(crate) fn levels(&self) -> Levels {
        Levels {
            open: 0,
            live: lock(&self.0.live).len() as u64,
            warm: self.0.warm.len() as u64,
            timers: self.0.timers.len() as u64,
        }
    }

    /// Why nothing runs any more; `None` while all is well.
    pub(crate) fn failure(&self) -> Option<StoreError> {
        lock(&self.0.failure).clone()
    }

    /// Writes events down; they are durable when this answers.
    async fn append(
        &self,
        key: ExecutionKey,
        execution: &Execution,
        events: &[Event],
        letter: Option<LetterKey>,
        queue: Vec<QueueChange>,
    ) -> Result<(), StoreError> {
        let Some(append) = self.step(key, execution, events) else {
            return Ok(());
        };
        let append = Append {
            letter,
            queue,
            ..append
        };
        self.0.store.append(append).await
    }

    /// What events add to a journal, and how the execution stands then; `None` for no events.
    fn step(&self, key: ExecutionKey, execution: &Execution, events: &[Event]) -> Option<Append> {
        let chunk = chunk(events, execution.last_history_id())?;
        let (status, stopped_at) = standing(execution.status());
        Some(Append {
            epoch: self.0.epoch,
            execution: key,
            chunk,
            status,
            stopped_at,
            wake_at: wake_at(execution),
            details: None,
            letter: None,
            queue: Vec::new(),
        })
    }

    /// Tells everybody that events are durable.
    fn committed(&self, key: ExecutionKey, execution: &Execution, events: &[Event]) {
        self.show(execution, events);
        if !execution.is_running() {
            // First this, then the watchers: whoever saw that it runs is among them.
            if let Some(live) = lock(&self.0.live).get_mut(&key) {
                live.is_running = false;
            }
            for watcher in lock(&self.0.watchers).remove(&key).into_iter().flatten() {
                let _ = watcher.send(execution.status().clone());
            }
            let child_of = execution
                .started()
                .and_then(|(_, started)| started.child_of.as_ref());
            if let Some(child_of) = child_of {
                self.map_run_changed(&child_of.map_run);
            }
            self.0.deletions.something_ended();
        }
    }

    /// Shows events to the logs and to the observer, and counts an end.
    fn show(&self, execution: &Execution, events: &[Event]) {
        if !execution.is_running() {
            let status = execution.status().name();
            metrics::counter!(measure::CLOSED, "status" => status).increment(1);
        }
        if let Some(logs) = &self.0.logs {
            logs.take(execution, events);
        }
        if let Some(observer) = &self.0.observer {
            let shown = AssertUnwindSafe(|| observer(execution, events));
            if catch_unwind(shown).is_err() {
                tracing::error!("the observer panicked");
            }
        }
    }

    /// Nobody drives this execution any more: whoever waits for its end learns that. An input may
    /// bring it back to life, if what was wrong is no more.
    fn abandon(&self, key: ExecutionKey) {
        metrics::counter!(measure::SET_ASIDE).increment(1);
        lock(&self.0.live).remove(&key);
        let mut watchers = lock(&self.0.watchers);
        lock(&self.0.set_aside).insert(key);
        watchers.remove(&key);
    }

    /// Whether it is known that nobody can drive this execution.
    fn is_set_aside(&self, key: ExecutionKey) -> bool {
        lock(&self.0.set_aside).contains(&key)
    }

    /// The execution could be read, perhaps again, and runs.
    fn take_up(&self, key: ExecutionKey) {
        lock(&self.0.set_aside).remove(&key);
        if let Some(live) = lock(&self.0.live).get_mut(&key) {
            live.is_running = true;
        }
    }

    /// The store cannot be written any more: say so, once.
    fn fail(&self, error: &StoreError) {
        let mut failure = lock(&self.0.failure);
        if failure.is_none() {
            tracing::error!(error = %error, "nothing runs any more: the store failed");
            *failure = Some(error.clone());
        }
        lock(&self.0.watchers).clear();
    }
}

/// Somebody who waits for an execution to end; leaves no trace when dropped.
pub(crate) struct Watch {
    executor: Executor,
    key: ExecutionKey,
    ended: oneshot::Receiver<Status>,
}

/// What became of an execution that was watched.
pub(crate) enum Watched {
    /// It ended here, like this.
    Ended(Status),
    /// It ended with another owner.
    EndedElsewhere,
    /// It cannot go on.
    GivenUp,
}

impl Watch {
    /// Completes when the execution has ended, or cannot go on.
    pub(crate) async fn end(mut self) -> Watched {
        let (executor, key) = (self.executor.clone(), self.key);
        let elsewhere = async {
            match executor.0.lease {
                Some(_) => executor.ends_elsewhere(key).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = &mut self.ended => ended.map_or(Watched::GivenUp, Watched::Ended),
            ended = elsewhere => if ended { Watched::EndedElsewhere } else { Watched::GivenUp },
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.close();
        let mut watchers = lock(&self.executor.0.watchers);
        if let Entry::Occupied(mut others) = watchers.entry(self.key) {
            others.get_mut().retain(|sender| !sender.is_closed());
            if others.get().is_empty() {
                others.remove();
            }
        }
    }
}

/// Why an execution could not be brought back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("its revision is gone")]
    NoRevision,
    #[error("its definition cannot be read any more")]
    Unreadable,
    #[error("its record is gone")]
    NoRecord,
    #[error(transparent)]
    Journal(#[from] journal::JournalError),
    #[error(transparent)]
    Replay(#[from] stepwell_interpreter::execution::ReplayError),
}

/// Begins to drive an execution. The list is locked, so that the driver cannot leave it before it
/// is on it.
fn go_live(
    live: &mut HashMap<ExecutionKey, Live>,
    key: ExecutionKey,
    inbox: Inbox,
    driving: impl Future<Output = ()> + Send + 'static,
) {
    let driver = tokio::spawn(driving).abort_handle();
    let is_running = false;
    live.insert(
        key,
        Live {
            inbox,
            driver,
            is_running,
        },
    );
}

/// A run of events as the store takes it; `None` for no events. `last_history` is the id of the
/// last event that the history shows, in this run or before.
pub(crate) fn chunk(events: &[Event], HistoryId(last_history): HistoryId) -> Option<Chunk> {
    let (first, last) = (events.first()?, events.last()?);
    let shown = events
        .iter()
        .filter(|event| event.history.is_some())
        .count() as u64;
    let first_history = last_history + 1 - shown;
    Some(Chunk {
        first: first.sequence.0,
        last: last.sequence.0,
        first_history,
        last_history,
        bytes: journal::encode(events),
    })
}

/// What a record says of redrives.
pub(crate) fn redrive_of(execution: &Execution) -> Option<Redrive> {
    let redrives = execution.redrives()?;
    let open_before = redrives.open_before.as_millis();
    Some(Redrive {
        count: redrives.count,
        at: redrives.at,
        open_before_milliseconds: u64::try_from(open_before).unwrap_or(u64::MAX),
    })
}

/// The status that the store keeps, and when the execution ended.
pub(crate) fn standing(status: &Status) -> (ExecutionStatus, Option<Timestamp>) {
    match status {
        Status::Running => (ExecutionStatus::Running, None),
        Status::Succeeded { at, .. } => (ExecutionStatus::Succeeded, Some(*at)),
        Status::Failed { at, .. } => (ExecutionStatus::Failed, Some(*at)),
        Status::TimedOut { at, .. } => (ExecutionStatus::TimedOut, Some(*at)),
        Status::Aborted { at, .. } => (ExecutionStatus::Aborted, Some(*at)),
    }
}

/// When a new owner has to look after the execution: at once, if it has work under way that a
/// crash would end; otherwise when time alone makes it go on.
///
/// Nobody looks after an Express execution: its Map Run does.
pub(crate) fn wake_at(execution: &Execution) -> Option<Timestamp> {
    if !execution.is_running() || execution.mode() != Mode::Standard {
        None
    } else if execution.is_cut() || has_work_under_way(execution) {
        Some(Timestamp::EPOCH)
    } else {
        execution.wake_at()
    }
}

/// Whether somebody in this process works for the execution. A task that waits for a worker is in
/// its queue, unless a test case of the mock configuration may answer it.
fn has_work_under_way(execution: &Execution) -> bool {
    let is_mocked = execution
        .started()
        .is_some_and(|(_, started)| started.test_case.is_some());
    execution.pending_effects().any(|effect| match effect {
        Effect::RunTask(task) => is_mocked || !matches!(task.resource, Resource::Activity { .. }),
        Effect::StartMapRun(_) => true,
        Effect::CancelTask(_) | Effect::CancelMapRun(_) => false,
    })
}

/// Locks a mutex that is only ever held for a few instructions, none of which can panic half way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
