//! The beginnings of the queues, as far as they are remembered, and who waits for tasks.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use stepwell_interpreter::effect::TaskId;
use stepwell_interpreter::event::Sequence;

use crate::executor::handout::{Poller, Queued};
use crate::executor::lock;
use crate::store::{ExecutionKey, WaitingTask};

use super::{Activities, TooManyWorkers};

/// Workers that poll an activity at the same time. Source: API quotas, "Activity pollers".
const POLLERS_MAX: usize = 1_000;

/// Tasks of a queue that are kept in memory.
const WINDOW: usize = 1_000;

#[derive(Default)]
pub(super) struct Queues {
    by_name: HashMap<Arc<str>, Queue>,
    /// Nothing is handed out any more.
    is_closed: bool,
}

/// The tasks and the workers of an activity.
pub(super) struct Queue {
    /// The first tasks, in order.
    ready: VecDeque<Queued>,
    /// Whether there may be tasks on the disk that are neither ready nor under way.
    pub(super) has_more: bool,
    /// Whether the disk is being read.
    is_loading: bool,
    /// Tasks that drivers were asked to hand out.
    under_way: HashSet<(ExecutionKey, TaskId)>,
    /// Workers without a task, those who came first in front; some may be gone.
    pollers: VecDeque<Poller>,
    /// How many workers wait for an answer.
    polling: usize,
}

/// What to do next in a queue.
pub(super) enum Next {
    HandOut(Arc<str>, Queued, Poller),
    /// Read the disk: at most so many tasks.
    Load(Arc<str>, usize),
    Nothing,
}

impl Activities {
    /// Tasks that are durable now and wait for workers.
    pub(super) fn add(&self, execution: ExecutionKey, tasks: &[WaitingTask]) {
        let mut queues = lock(&self.queues);
        for task in tasks {
            let queue = queues.of(&task.activity);
            if queue.has_more || queue.is_loading || queue.ready.len() >= WINDOW {
                // Those on the disk come first, or may have been read with it already.
                queue.has_more = true;
            } else {
                queue.ready.push_back(queued(execution, task));
            }
        }
    }

    /// It is settled what became of a task that was under way.
    pub(in crate::executor) fn settled(&self, activity: &str, task: Queued) {
        let mut queues = lock(&self.queues);
        queues
            .of(activity)
            .under_way
            .remove(&(task.execution, task.task));
    }

    /// A task that nobody got is the first again.
    pub(in crate::executor) fn put_back(&self, activity: &str, task: Queued) {
        let mut queues = lock(&self.queues);
        let queue = queues.of(activity);
        queue.under_way.remove(&(task.execution, task.task));
        queue.ready.push_front(task);
    }

    /// A worker who got nothing is the first again.
    pub(in crate::executor) fn rejoin(&self, activity: &str, poller: Poller) {
        let mut queues = lock(&self.queues);
        if !queues.is_closed {
            queues.of(activity).pollers.push_front(poller);
        }
    }

    /// A worker polls.
    pub(super) fn join(&self, activity: &str, poller: Poller) -> Result<(), TooManyWorkers> {
        let mut queues = lock(&self.queues);
        if queues.is_closed {
            return Ok(());
        }
        let queue = queues.of(activity);
        if queue.polling >= POLLERS_MAX {
            return Err(TooManyWorkers);
        }
        queue.polling += 1;
        // Those who went away are not to pile up where there is no work.
        if queue.pollers.len() >= 2 * queue.polling {
            queue.pollers.retain(|poller| !poller.reply.is_closed());
        }
        queue.pollers.push_back(poller);
        Ok(())
    }

    pub(super) fn leave(&self, activity: &str) {
        let mut queues = lock(&self.queues);
        if !queues.is_closed {
            let queue = queues.of(activity);
            queue.polling = queue.polling.saturating_sub(1);
        }
    }

    /// The next task for the next worker.
    pub(super) fn next(&self, activity: &str) -> Next {
        let mut queues = lock(&self.queues);
        if queues.is_closed {
            return Next::Nothing;
        }
        let Some((name, _)) = queues.by_name.get_key_value(activity) else {
            return Next::Nothing;
        };
        let name = Arc::clone(name);
        let queue = queues.of(activity);
        while queue
            .pollers
            .front()
            .is_some_and(|poller| poller.reply.is_closed())
        {
            queue.pollers.pop_front();
        }
        if queue.pollers.is_empty() {
            return Next::Nothing;
        }
        if let Some(task) = queue.ready.pop_front() {
            let poller = queue.pollers.pop_front().expect("there is one");
            queue.under_way.insert((task.execution, task.task));
            return Next::HandOut(name, task, poller);
        }
        if queue.has_more && !queue.is_loading {
            queue.is_loading = true;
            queue.has_more = false;
            return Next::Load(name, WINDOW + queue.under_way.len());
        }
        Next::Nothing
    }

    /// The disk was read, at most `limit` tasks.
    pub(super) fn loaded(
        &self,
        activity: &str,
        limit: usize,
        tasks: &[(ExecutionKey, WaitingTask)],
    ) {
        let mut queues = lock(&self.queues);
        let queue = queues.of(activity);
        queue.is_loading = false;
        queue.has_more |= tasks.len() >= limit;
        let under_way = &queue.under_way;
        let there: HashSet<(ExecutionKey, TaskId)> = queue
            .ready
            .iter()
            .map(|task| (task.execution, task.task))
            .collect();
        let found = tasks
            .iter()
            .map(|(execution, task)| queued(*execution, task))
            .filter(|task| {
                let key = (task.execution, task.task);
                !under_way.contains(&key) && !there.contains(&key)
            });
        queue.ready.extend(found);
    }

    /// The disk could not be read.
    pub(super) fn not_loaded(&self, activity: &str) {
        let mut queues = lock(&self.queues);
        let queue = queues.of(activity);
        queue.is_loading = false;
        queue.has_more = true;
    }

    /// Sends all workers away, and lets nobody in any more.
    pub(in crate::executor) fn close(&self) {
        let mut queues = lock(&self.queues);
        queues.is_closed = true;
        let workers: Vec<Queue> = queues.by_name.drain().map(|(_, queue)| queue).collect();
        drop(queues);
        drop(workers);
    }

    pub(in crate::executor) fn is_closed(&self) -> bool {
        lock(&self.queues).is_closed
    }
}

impl Queues {
    pub(super) fn of(&mut self, activity: &str) -> &mut Queue {
        if !self.by_name.contains_key(activity) {
            self.by_name.insert(Arc::from(activity), Queue::new());
        }
        self.by_name
            .get_mut(activity)
            .expect("it is there, or was just added")
    }
}

impl Queue {
    /// Of what lies on the disk nothing is known.
    fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            has_more: true,
            is_loading: false,
            under_way: HashSet::new(),
            pollers: VecDeque::new(),
            polling: 0,
        }
    }
}

fn queued(execution: ExecutionKey, task: &WaitingTask) -> Queued {
    Queued {
        execution,
        task: TaskId(Sequence(task.task)),
        is_started: false,
    }
}
