//! Express executions: the same [`Execution`], the same handlers and the same clock, and nothing on
//! disk. Whatever happens to the process ends them; nobody asks for their history.
//!
//! One that ends in its first turn never leaves its caller. Any other belongs to a task of the async
//! runtime until its end, whether or not somebody waits for it. How many may be open at once is
//! bounded by [`Room`].
//!
//! Of a [`child`] of a Map Run the store has the beginning and the end.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use stepwell_interpreter::effect::{Effect, TaskId};
use stepwell_interpreter::event::{Event, ExecutionStarted};
use stepwell_interpreter::execution::{Mode, Status};
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Chance, Execution, Timestamp};
use stepwell_language::model::StateMachine;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::AbortHandle;

use crate::measure;
use crate::store::ExecutionKey;

use super::{Executor, Inbox, Message, lock, tasks};

pub(super) mod child;
#[cfg(test)]
mod tests;

use child::Child;

/// Express executions that may be open at once, unless the engine is told otherwise.
pub(crate) const OPEN_MAX: usize = 10_000;

/// The Express executions of an executor.
#[derive(Debug)]
pub(super) struct Express {
    room: Arc<Semaphore>,
    /// That of the children of Map Runs, which wait for it and must not keep others out.
    children_room: Arc<Semaphore>,
    /// What drives those that did not end in their first turn.
    drivers: Mutex<HashMap<u64, AbortHandle>>,
    next_driver: AtomicU64,
    /// The children of Map Runs that have not ended, or whose ends are not written yet.
    children: Mutex<HashMap<ExecutionKey, ExpressExecution>>,
}

impl Express {
    pub(super) fn new(open_max: usize) -> Self {
        let room = || Arc::new(Semaphore::new(open_max.min(Semaphore::MAX_PERMITS)));
        Self {
            room: room(),
            children_room: room(),
            drivers: Mutex::default(),
            next_driver: AtomicU64::new(0),
            children: Mutex::default(),
        }
    }

    /// Ends all of them where they stand.
    pub(super) fn stop(&self) {
        for driver in std::mem::take(&mut *lock(&self.drivers)).into_values() {
            driver.abort();
        }
    }
}

/// Room for one more execution in memory; free again when it has ended.
#[derive(Debug)]
pub(crate) struct Room(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// What an Express execution is started with.
pub(crate) struct ExpressStart {
    /// What it runs.
    pub(crate) machine: Arc<StateMachine>,
    /// Its name, its ARN, its input.
    pub(crate) started: ExecutionStarted,
    /// Express, with or without a caller who waits.
    pub(crate) mode: Mode,
    /// Its randomness.
    pub(crate) chance: Chance,
}

/// An Express execution that was started. Dropping this changes nothing.
#[derive(Clone, Debug)]
pub(crate) struct ExpressExecution {
    /// When it started.
    pub(crate) started_at: Timestamp,
    inbox: Inbox,
    ended: watch::Receiver<Option<Status>>,
}

impl ExpressExecution {
    /// Waits for its end. `None` when it was given up: the engine stopped, or it has a bug.
    pub(crate) async fn outcome(&self) -> Option<Status> {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await;
        status.ok().and_then(|status| status.clone())
    }

    /// Tells it something, for instance to stop. One that has ended takes no notice.
    pub(crate) fn post(&self, input: Input) {
        let _ = self.inbox.send(Message::new(input));
    }
}

impl Executor {
    /// Room for one more Express execution; `None` when there are as many as there may be.
    pub(crate) fn express_room(&self) -> Option<Room> {
        let room = Arc::clone(&self.0.express.room);
        room.try_acquire_owned().ok().map(Room)
    }

    /// Room for one more child of a Map Run.
    pub(super) fn child_room(&self) -> Option<Room> {
        let room = Arc::clone(&self.0.express.children_room);
        room.try_acquire_owned().ok().map(Room)
    }

    /// The same, once others have ended.
    pub(super) async fn child_room_in_time(&self) -> Room {
        let room = Arc::clone(&self.0.express.children_room);
        Room(room.acquire_owned().await.expect("nobody closes it"))
    }

    /// Starts an Express execution and runs it to its end, or as far as it gets by itself; what
    /// then is left goes on beside the caller.
    pub(crate) fn start_express(&self, room: Room, start: ExpressStart) -> ExpressExecution {
        metrics::counter!(measure::STARTED).increment(1);
        self.prepare_express(start).go_on(room, None)
    }

    /// Takes an Express execution through its first turn.
    pub(super) fn prepare_express(&self, start: ExpressStart) -> FirstTurn {
        let started_at = self.now();
        let (inbox, messages) = mpsc::unbounded_channel();
        let mut run = Run {
            executor: self.clone(),
            execution: Execution::in_mode(start.machine, self.0.limits, start.mode),
            chance: start.chance,
            inbox,
            inputs: VecDeque::new(),
            running: BTreeMap::new(),
        };
        let events = run.decide(Input::Start(Box::new(start.started)));
        FirstTurn {
            started_at,
            run,
            messages,
            events,
        }
    }

    /// The child with this key, if it runs here.
    pub(super) fn express_child(&self, key: ExecutionKey) -> Option<ExpressExecution> {
        lock(&self.0.express.children).get(&key).cloned()
    }

    fn drive_express(
        &self,
        room: Room,
        mut run: Run,
        mut messages: mpsc::UnboundedReceiver<Message>,
        tell: watch::Sender<Option<Status>>,
        child: Option<Child>,
    ) {
        let number = self.0.express.next_driver.fetch_add(1, Ordering::Relaxed);
        let leaves = Leaves {
            executor: self.clone(),
            number,
            child: child.as_ref().map(|child| child.key),
            _room: room,
        };
        let driving = async move {
            let leaves = leaves;
            let driven = AssertUnwindSafe(run.drive(&mut messages)).catch_unwind();
            if driven.await.is_err() {
                tracing::error!("an Express execution cannot go on: its driver panicked");
                return;
            }
            let status = run.execution.status();
            match child {
                None => {
                    tell.send_replace(Some(status.clone()));
                }
                Some(child) => {
                    child.write_end(&leaves.executor, status).await;
                    tell.send_replace(Some(status.clone()));
                    // Off the list first: who is told may look for it.
                    let executor = leaves.executor.clone();
                    drop(leaves);
                    executor.map_run_changed(&child.map_run);
                }
            }
        };
        // The list is locked, so that the driver cannot leave it before it is on it.
        let mut drivers = lock(&self.0.express.drivers);
        drivers.insert(number, tokio::spawn(driving).abort_handle());
    }
}

/// An Express execution that has taken its first turn, and that nobody knows of yet. Dropped, it is
/// as if it had never been.
pub(super) struct FirstTurn {
    started_at: Timestamp,
    run: Run,
    messages: mpsc::UnboundedReceiver<Message>,
    events: Vec<Event>,
}

impl FirstTurn {
    /// How it stands.
    pub(super) fn execution(&self) -> &Execution {
        &self.run.execution
    }

    /// What happened in its first turn.
    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    /// Says what happened, and goes on beside the caller if there is anything left to do. The end
    /// of a child is written down.
    pub(super) fn go_on(self, room: Room, child: Option<Child>) -> ExpressExecution {
        let Self {
            started_at,
            mut run,
            messages,
            events,
        } = self;
        run.act(&events);
        let (tell, ended) = watch::channel(None);
        let execution = ExpressExecution {
            started_at,
            inbox: run.inbox.clone(),
            ended,
        };
        let executor = run.executor.clone();
        if let Some(child) = &child {
            lock(&executor.0.express.children).insert(child.key, execution.clone());
        }
        if run.execution.is_running() || child.is_some() {
            executor.drive_express(room, run, messages, tell, child);
        } else {
            tell.send_replace(Some(run.execution.status().clone()));
        }
        execution
    }

    /// Says what happened in a first turn that was the last one, too, and is written down.
    pub(super) fn show(mut self) {
        self.run.act(&self.events);
    }
}

/// Takes a driver off the list, however it ends.
struct Leaves {
    executor: Executor,
    number: u64,
    child: Option<ExecutionKey>,
    _room: Room,
}

impl Drop for Leaves {
    fn drop(&mut self) {
        let express = &self.executor.0.express;
        lock(&express.drivers).remove(&self.number);
        if let Some(child) = self.child {
            lock(&express.children).remove(&child);
        }
    }
}

/// An Express execution under way.
struct Run {
    executor: Executor,
    execution: Execution,
    chance: Chance,
    inbox: Inbox,
    inputs: VecDeque<Input>,
    running: BTreeMap<TaskId, AbortHandle>,
}

impl Run {
    async fn drive(&mut self, messages: &mut mpsc::UnboundedReceiver<Message>) {
        while self.execution.is_running() {
            let input = match self.inputs.pop_front() {
                Some(input) => input,
                None => self.wait(messages).await,
            };
            self.step(input);
            if self.execution.is_cut() {
                // It may have states to run through for minutes: others get their turns, and what
                // comes from outside is heard.
                tokio::task::yield_now().await;
            }
            while let Ok(message) = messages.try_recv() {
                self.inputs.push_back(message.input);
            }
        }
    }

    /// Handles one input and starts the effects.
    fn step(&mut self, input: Input) {
        let events = self.decide(input);
        self.act(&events);
    }

    /// Handles one input.
    fn decide(&mut self, input: Input) -> Vec<Event> {
        if let Input::TaskSubmitted { task, .. } = &input {
            self.running.remove(task);
        }
        let now = self.executor.now();
        self.execution.handle(input, now, &mut self.chance)
    }

    /// Says what happened, and starts the effects. What is known at once is the next input.
    fn act(&mut self, events: &[Event]) {
        self.executor.show(&self.execution, events);
        for effect in self.execution.take_effects() {
            self.start(effect);
        }
        let execution = &self.execution;
        self.running.retain(|task, handle| {
            let is_open = execution.is_open(*task);
            if !is_open {
                handle.abort();
            }
            is_open
        });
        if self.inputs.is_empty() && self.execution.is_cut() {
            let now = self.executor.now();
            let is_due = self.execution.wake_at().is_some_and(|at| at <= now);
            self.inputs.push_back(if is_due {
                Input::TimerFired
            } else {
                Input::Continue
            });
        }
    }

    fn start(&mut self, effect: Effect) {
        match effect {
            // An Express machine with a distributed Map is refused where it is created.
            Effect::StartMapRun(_) | Effect::CancelMapRun(_) => {}
            Effect::CancelTask(task) => {
                if let Some(handle) = self.running.remove(&task) {
                    handle.abort();
                }
            }
            Effect::RunTask(task) => {
                let id = task.id;
                let Some((_, started)) = self.execution.started() else {
                    return;
                };
                match tasks::start(&self.executor, *task, started, self.inbox.clone()) {
                    tasks::Started::Answered(answers) => self.inputs.extend(answers),
                    tasks::Started::Running(handle) => {
                        self.running.insert(id, handle);
                    }
                }
            }
        }
    }

    /// Waits for a message or the next deadline; there always is one, the end of its time.
    async fn wait(&self, messages: &mut mpsc::UnboundedReceiver<Message>) -> Input {
        let wake_at = self.execution.wake_at();
        let slept = async {
            match wake_at {
                Some(at) => self.executor.0.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(message) = messages.recv() => message.input,
            () = slept => Input::TimerFired,
        }
    }
}

/// Nobody takes the results of a run that is over.
impl Drop for Run {
    fn drop(&mut self) {
        for handle in std::mem::take(&mut self.running).into_values() {
            handle.abort();
        }
    }
}
