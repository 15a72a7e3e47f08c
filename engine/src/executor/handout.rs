//! A task of an activity on its way to a worker.
//!
//! It goes from the queue through the driver of its execution, which writes down that the worker
//! has it, to the worker who polls. Wherever it gets stuck it goes back, and the next worker gets
//! it: what is on its way puts itself back when it is dropped.

use std::sync::Arc;

use stepwell_interpreter::effect::TaskId;
use stepwell_interpreter::{Execution, Payload};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::store::ExecutionKey;

use super::Executor;
use super::driver::RETRY_PAUSE;

/// A worker who polls for a task.
#[derive(Debug)]
pub(super) struct Poller {
    /// The name that the worker gave itself.
    pub(super) worker: Option<Arc<str>>,
    /// Where the task is to go.
    pub(super) reply: oneshot::Sender<Delivery>,
}

/// A task in a queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Queued {
    pub(super) execution: ExecutionKey,
    pub(super) task: TaskId,
    /// Whether it is written down that a worker has it, though none got it.
    pub(super) is_started: bool,
}

/// A task that the driver of its execution is asked to hand to a worker.
pub(super) struct Handout {
    executor: Executor,
    activity: Arc<str>,
    task: Queued,
    /// `None` once it is settled what becomes of both.
    poller: Option<Poller>,
}

impl Handout {
    pub(super) fn new(
        executor: Executor,
        activity: Arc<str>,
        task: Queued,
        poller: Poller,
    ) -> Self {
        Self {
            executor,
            activity,
            task,
            poller: Some(poller),
        }
    }

    /// Whether it is written down already that a worker has the task.
    pub(super) fn is_started(&self) -> bool {
        self.task.is_started
    }

    /// Whether somebody is still there to take the task, and the task still to be had.
    pub(super) fn counts(&self, execution: &Execution) -> bool {
        let is_there = |poller: &Poller| !poller.reply.is_closed();
        let is_to_be_had = if self.task.is_started {
            execution.is_open(self.task.task)
        } else {
            execution.is_waiting(self.task.task)
        };
        is_to_be_had && self.poller.as_ref().is_some_and(is_there)
    }

    /// It is durable that the worker has the task.
    pub(super) fn deliver(mut self, execution: &Execution) {
        let Some(poller) = self.poller.take() else {
            return;
        };
        let task = self.task;
        let activities = &self.executor.0.activities;
        activities.settled(&self.activity, task);
        let token = execution.task_token(task.task);
        let parameters = execution.task_parameters(task.task);
        let (Some(token), Some(parameters), Some((_, started))) =
            (token, parameters, execution.started())
        else {
            // The execution has ended with this very event: its history is full.
            activities.rejoin(&self.activity, poller);
            self.executor.serve(&self.activity);
            return;
        };
        activities.remember(&started.execution, task.execution);
        let delivery = Delivery {
            token: Arc::clone(token),
            input: parameters.clone(),
            origin: Some((self.executor.clone(), Arc::clone(&self.activity), task)),
        };
        // Where nobody takes it, it goes back as it is dropped.
        let _ = poller.reply.send(delivery);
    }

    /// It came to nothing: because the worker went away, or because somebody else has the task or
    /// nobody wants it done any more.
    pub(super) fn take_back(mut self) {
        let Some(poller) = self.poller.take() else {
            return;
        };
        let activities = &self.executor.0.activities;
        if poller.reply.is_closed() {
            activities.put_back(&self.activity, self.task);
        } else {
            activities.settled(&self.activity, self.task);
            activities.rejoin(&self.activity, poller);
        }
        self.executor.serve(&self.activity);
    }
}

/// The driver could not do it: the worker is still there for another task, and this one is tried
/// again in a moment.
impl Drop for Handout {
    fn drop(&mut self) {
        let Some(poller) = self.poller.take() else {
            return;
        };
        let (executor, activity, task) =
            (self.executor.clone(), Arc::clone(&self.activity), self.task);
        // Somebody may hold the list of drivers locked here.
        later(&executor.clone(), async move {
            executor.0.activities.rejoin(&activity, poller);
            executor.serve(&activity);
            tokio::time::sleep(RETRY_PAUSE).await;
            if executor.is_set_aside(task.execution) {
                // It is on the disk for whoever finds it after the next start.
                executor.0.activities.settled(&activity, task);
            } else {
                executor.0.activities.put_back(&activity, task);
                executor.serve(&activity);
            }
        });
    }
}

impl std::fmt::Debug for Handout {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.task.fmt(formatter)
    }
}

/// A task that a worker has, as far as the journal is concerned. If it is dropped before it
/// [`arrived`](Self::arrived), the next worker gets it, under the same token.
pub(crate) struct Delivery {
    token: Arc<str>,
    input: Payload,
    origin: Option<(Executor, Arc<str>, Queued)>,
}

impl Delivery {
    /// The worker gets it now: its token and its input.
    pub(crate) fn arrived(mut self) -> (Arc<str>, Payload) {
        self.origin = None;
        (Arc::clone(&self.token), self.input.clone())
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let Some((executor, activity, task)) = self.origin.take() else {
            return;
        };
        later(&executor.clone(), async move {
            let task = Queued {
                is_started: true,
                ..task
            };
            executor.0.activities.put_back(&activity, task);
            executor.serve(&activity);
        });
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let task = self.origin.as_ref().map(|(_, _, task)| task);
        formatter.debug_tuple("Delivery").field(&task).finish()
    }
}

/// Does something outside of whatever is being dropped; nothing once the executor has stopped, or
/// with the runtime gone: then what matters is on the disk.
fn later(executor: &Executor, work: impl Future<Output = ()> + Send + 'static) {
    if executor.0.activities.is_closed() {
        return;
    }
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(work);
    }
}
