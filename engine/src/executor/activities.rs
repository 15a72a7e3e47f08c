//! The queues of activities: which task goes to which worker.
//!
//! The queues lie in the store; here is the beginning of each, and the workers who poll. A task
//! that is handed to a driver may be gone already, and is then simply not had: the driver decides,
//! so that what is remembered here need not be exact. What must hold is that a task on the disk is
//! also here, or the queue knows that there is more on the disk.

mod queues;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Execution, Payload, Timestamp};
use stepwell_language::model::{Resource, StateKind, StateMachine};
use tokio::sync::oneshot;

use crate::store::{ExecutionKey, QueueChange, StoreError, WaitingTask};

use super::driver::RETRY_PAUSE;
use super::handout::{Delivery, Handout, Poller};
use super::{Executor, Message, lock};

use queues::{Next, Queues};

/// How long a worker waits for a task. Source: API, `GetActivityTask`.
const POLL: Duration = Duration::from_mins(1);

/// How often a queue is read again to which others may add.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Names of activities, and ARNs of executions, that are remembered; past it all are forgotten, and
/// read again when needed.
const KNOWN_MAX: usize = 10_000;

/// The activities of an executor.
pub(super) struct Activities {
    /// What the ARNs of its own begin with.
    prefix: String,
    known: Mutex<Known>,
    queues: Mutex<Queues>,
    /// Executions whose tasks were handed out lately, by their ARNs.
    executions: Mutex<HashMap<Arc<str>, ExecutionKey>>,
}

/// Which activities exist, as far as somebody asked.
#[derive(Default)]
struct Known {
    exists: HashMap<String, bool>,
    /// Counts the changes, so that a read that began before one is not kept after it.
    changes: u64,
}

/// As many workers poll as may.
#[derive(Debug)]
pub(crate) struct TooManyWorkers;

impl Activities {
    pub(super) fn new(prefix: String) -> Self {
        Self {
            prefix,
            known: Mutex::default(),
            queues: Mutex::default(),
            executions: Mutex::default(),
        }
    }

    /// The tasks of an execution that wait for workers, as the store keeps them.
    pub(super) fn waiting(&self, execution: &Execution) -> Vec<WaitingTask> {
        let waiting = execution.waiting_tasks();
        waiting
            .filter_map(|waiting| {
                Some(WaitingTask {
                    activity: waiting.activity.strip_prefix(&self.prefix)?.to_owned(),
                    scheduled_at: waiting.scheduled_at,
                    task: waiting.task.0.0,
                })
            })
            .collect()
    }

    /// Which execution an ARN names, for those whose tasks were handed out lately.
    pub(super) fn remember(&self, arn: &Arc<str>, execution: ExecutionKey) {
        let mut executions = lock(&self.executions);
        if executions.len() >= KNOWN_MAX {
            executions.clear();
        }
        executions.insert(Arc::clone(arn), execution);
    }

    fn forget(&self, activity: &str) {
        let mut known = lock(&self.known);
        known.changes += 1;
        known.exists.remove(activity);
    }
}

impl Executor {
    /// Waits for a task of an activity that exists, and hands it to the caller; `None` when there
    /// was none in time. A caller who goes away loses none.
    ///
    /// # Errors
    ///
    /// [`TooManyWorkers`].
    pub(crate) async fn take_task(
        &self,
        activity: &str,
        worker: Option<Arc<str>>,
    ) -> Result<Option<(Arc<str>, Payload)>, TooManyWorkers> {
        let until = self.now().after(POLL);
        let (reply, mut delivery) = oneshot::channel();
        self.0.activities.join(activity, Poller { worker, reply })?;
        let _polling = Polling {
            executor: self,
            activity,
        };
        let delivered = loop {
            let now = self.now();
            if now >= until {
                delivery.close();
                break delivery.try_recv().ok();
            }
            let look_again = self.look_again(activity, now).unwrap_or(until);
            self.serve(activity);
            tokio::select! {
                biased;
                delivered = &mut delivery => break delivered.ok(),
                () = self.0.clock.sleep_until(look_again.min(until)) => {}
            }
        };
        Ok(delivered.map(Delivery::arrived))
    }

    /// Where others share the store, nobody says when they add to a queue: it is read again now and
    /// then, next at the time that is answered.
    fn look_again(&self, activity: &str, now: Timestamp) -> Option<Timestamp> {
        self.0.lease?;
        lock(&self.0.activities.queues).of(activity).has_more = true;
        Some(now.after(LOOK_AGAIN))
    }

    /// No worker waits any longer, and none will.
    pub(crate) fn send_workers_away(&self) {
        self.0.activities.close();
    }

    /// The activities that a machine names and that do not exist at present.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when that cannot be found out.
    pub(crate) async fn absent_activities(
        &self,
        named: &[Arc<str>],
    ) -> Result<BTreeSet<Arc<str>>, StoreError> {
        let mut absent = BTreeSet::new();
        for arn in named {
            let exists = match arn.strip_prefix(&self.0.activities.prefix) {
                Some(name) => self.activity_exists(name).await?,
                None => false,
            };
            if !exists {
                absent.insert(Arc::clone(arn));
            }
        }
        Ok(absent)
    }

    /// Whether an activity exists.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when that cannot be found out.
    pub(crate) async fn activity_exists(&self, name: &str) -> Result<bool, StoreError> {
        let begun = {
            let known = lock(&self.0.activities.known);
            if let Some(exists) = known.exists.get(name) {
                return Ok(*exists);
            }
            known.changes
        };
        let found = self.store().activities().activity(name).await?;
        let mut known = lock(&self.0.activities.known);
        // Others who share the store change it without a word.
        if known.changes == begun && self.0.lease.is_none() {
            if known.exists.len() >= KNOWN_MAX {
                known.exists.clear();
            }
            known.exists.insert(name.to_owned(), found.is_some());
        }
        Ok(found.is_some())
    }

    /// Makes a change to an activity, after which nothing that was known of it counts any more:
    /// also when the caller goes away meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError`] of the change.
    pub(crate) async fn change_activity<T, C>(
        &self,
        name: &str,
        change: impl FnOnce(Executor) -> C,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        C: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let (executor, name) = (self.clone(), name.to_owned());
        let changing = change(self.clone());
        let changed = tokio::spawn(async move {
            let answer = changing.await;
            executor.0.activities.forget(&name);
            answer
        });
        changed.await.unwrap_or_else(|error| {
            Err(StoreError::Failed {
                place: Arc::from("the store"),
                source: Arc::new(error),
            })
        })
    }

    /// The execution of this ARN, if it is remembered.
    pub(crate) fn remembered(&self, arn: &str) -> Option<ExecutionKey> {
        lock(&self.0.activities.executions).get(arn).copied()
    }

    /// Remembers no longer which execution has this ARN; tells whether it was taken for this one.
    pub(crate) fn forget_execution(&self, arn: &str, execution: ExecutionKey) -> bool {
        let mut executions = lock(&self.0.activities.executions);
        let is_remembered = executions.get(arn) == Some(&execution);
        if is_remembered {
            executions.remove(arn);
        }
        is_remembered
    }

    /// Tasks of an execution that are durable now and wait for workers.
    pub(super) fn enqueue(&self, execution: ExecutionKey, tasks: &[WaitingTask]) {
        if tasks.is_empty() {
            return;
        }
        self.0.activities.add(execution, tasks);
        for task in tasks {
            self.serve(&task.activity);
        }
    }

    /// Hands tasks to workers for as long as there are both.
    pub(super) fn serve(&self, activity: &str) {
        loop {
            match self.0.activities.next(activity) {
                Next::HandOut(activity, task, poller) => {
                    let input = match (task.is_started, &poller.worker) {
                        // It is written down already; there is nothing to add.
                        (true, _) => Input::Continue,
                        (false, worker) => Input::TaskStarted {
                            task: task.task,
                            worker: worker.clone(),
                        },
                    };
                    let handout = Handout::new(self.clone(), activity, task, poller);
                    let message = Message {
                        handout: Some(handout),
                        ..Message::new(input)
                    };
                    self.post(task.execution, message);
                }
                Next::Load(activity, limit) => {
                    tokio::spawn(self.clone().load_queue(activity, limit));
                    return;
                }
                Next::Nothing => return,
            }
        }
    }

    async fn load_queue(self, activity: Arc<str>, limit: usize) {
        let read = self.store().activities().waiting_tasks(&activity, limit);
        match read.await {
            Ok(tasks) => self.0.activities.loaded(&activity, limit, &tasks),
            Err(error) => {
                tracing::warn!(%activity, %error, "a queue could not be read and is tried again");
                tokio::time::sleep(RETRY_PAUSE).await;
                self.0.activities.not_loaded(&activity);
            }
        }
        self.serve(&activity);
    }
}

/// A worker that waits for an answer.
struct Polling<'a> {
    executor: &'a Executor,
    activity: &'a str,
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.executor.0.activities.leave(self.activity);
    }
}

/// The ARNs of the activities that a machine names.
pub(crate) fn named_by(machine: &StateMachine) -> Vec<Arc<str>> {
    let arns: BTreeSet<Arc<str>> = machine
        .states
        .values()
        .filter_map(|state| match &state.kind {
            StateKind::Task(task) => match &task.resource {
                Resource::Activity { arn } => Some(Arc::clone(arn)),
                Resource::Function { .. } | Resource::Service { .. } => None,
            },
            StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Choice(_)
            | StateKind::Parallel(_)
            | StateKind::Map(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => None,
        })
        .collect();
    arns.into_iter().collect()
}

/// How a queue changes from `before` to `after`, both in the order of their tasks' numbers.
/// Answers with the tasks that are new besides.
pub(super) fn changes(
    before: &[WaitingTask],
    after: &[WaitingTask],
) -> (Vec<QueueChange>, Vec<WaitingTask>) {
    let is_in = |tasks: &[WaitingTask], task: &WaitingTask| {
        tasks
            .binary_search_by_key(&task.task, |other| other.task)
            .is_ok()
    };
    let removed = before.iter().filter(|task| !is_in(after, task));
    let added = after.iter().filter(|task| !is_in(before, task));
    let added: Vec<WaitingTask> = added.cloned().collect();
    let changes = removed
        .cloned()
        .map(QueueChange::Remove)
        .chain(added.iter().cloned().map(QueueChange::Add))
        .collect();
    (changes, added)
}
