//! Express executions: the same [`Execution`], the same handlers and the same clock, and nothing on
//! disk. Whatever happens to the process ends them; nobody asks for their history.
//!
//! One that ends in its first turn never leaves its caller. Any other belongs to a task of the async
//! runtime until its end, whether or not somebody waits for it. How many may be open at once is
//! bounded by [`Room`].

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use stepwell_interpreter::effect::{Effect, TaskId};
use stepwell_interpreter::event::ExecutionStarted;
use stepwell_interpreter::execution::{Mode, Status};
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Chance, Execution, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::AbortHandle;

use crate::measure;

use super::{Executor, Inbox, Message, Program, lock, tasks};

#[cfg(test)]
mod tests;

/// Express executions that may be open at once, unless the engine is told otherwise.
pub(crate) const OPEN_MAX: usize = 10_000;

/// The Express executions of an executor.
#[derive(Debug)]
pub(super) struct Express {
    room: Arc<Semaphore>,
    /// What drives those that did not end in their first turn.
    drivers: Mutex<HashMap<u64, AbortHandle>>,
    next_driver: AtomicU64,
}

impl Express {
    pub(super) fn new(open_max: usize) -> Self {
        Self {
            room: Arc::new(Semaphore::new(open_max.min(Semaphore::MAX_PERMITS))),
            drivers: Mutex::default(),
            next_driver: AtomicU64::new(0),
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
    pub(crate) program: Arc<Program>,
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
    #[cfg_attr(not(test), expect(dead_code, reason = "for the children of Maps"))]
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

    /// The same, for whoever can wait until others have ended.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the children of Maps"))]
    pub(crate) async fn express_room_in_time(&self) -> Room {
        let room = Arc::clone(&self.0.express.room);
        Room(room.acquire_owned().await.expect("nobody closes it"))
    }

    /// Starts an Express execution and runs it to its end, or as far as it gets by itself; what
    /// then is left goes on beside the caller.
    pub(crate) fn start_express(&self, room: Room, start: ExpressStart) -> ExpressExecution {
        metrics::counter!(measure::STARTED).increment(1);
        let started_at = self.now();
        let (inbox, messages) = mpsc::unbounded_channel();
        let machine = Arc::clone(&start.program.machine);
        let mut run = Run {
            executor: self.clone(),
            execution: Execution::in_mode(machine, self.0.limits, start.mode),
            chance: start.chance,
            inbox: inbox.clone(),
            inputs: VecDeque::new(),
            running: BTreeMap::new(),
        };
        run.step(Input::Start(Box::new(start.started)));
        let (tell, ended) = watch::channel(None);
        if run.execution.is_running() {
            self.drive_express(room, run, messages, tell);
        } else {
            tell.send_replace(Some(run.execution.status().clone()));
        }
        ExpressExecution {
            started_at,
            inbox,
            ended,
        }
    }

    fn drive_express(
        &self,
        room: Room,
        mut run: Run,
        mut messages: mpsc::UnboundedReceiver<Message>,
        tell: watch::Sender<Option<Status>>,
    ) {
        let number = self.0.express.next_driver.fetch_add(1, Ordering::Relaxed);
        let leaves = Leaves {
            executor: self.clone(),
            number,
            _room: room,
        };
        let driving = async move {
            let _leaves = leaves;
            let driven = AssertUnwindSafe(run.drive(&mut messages)).catch_unwind();
            if driven.await.is_err() {
                tracing::error!("an Express execution cannot go on: its driver panicked");
                return;
            }
            tell.send_replace(Some(run.execution.status().clone()));
        };
        // The list is locked, so that the driver cannot leave it before it is on it.
        let mut drivers = lock(&self.0.express.drivers);
        drivers.insert(number, tokio::spawn(driving).abort_handle());
    }
}

/// Takes a driver off the list, however it ends.
struct Leaves {
    executor: Executor,
    number: u64,
    _room: Room,
}

impl Drop for Leaves {
    fn drop(&mut self) {
        lock(&self.executor.0.express.drivers).remove(&self.number);
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

    /// Handles one input and starts the effects. What is known at once is the next input.
    fn step(&mut self, input: Input) {
        if let Input::TaskSubmitted { task, .. } = &input {
            self.running.remove(task);
        }
        let now = self.executor.now();
        let events = self.execution.handle(input, now, &mut self.chance);
        self.executor.show(&self.execution, &events);
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
