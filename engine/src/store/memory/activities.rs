//! Activities and their queues in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use stepwell_interpreter::Timestamp;

use super::MemoryStore;
use crate::store::activity::{
    ActivityCreation, ActivityRecord, ActivityStore, NewActivity, QueueChange, WaitingTask,
};
use crate::store::{ExecutionKey, StoreFuture, Tagging};

/// All activities, and the tasks that wait for their workers.
#[derive(Debug, Default)]
pub(super) struct Activities {
    by_name: BTreeMap<String, ActivityRecord>,
    queues: BTreeMap<String, BTreeSet<(Timestamp, ExecutionKey, u64)>>,
}

impl Activities {
    pub(super) fn enqueue(&mut self, execution: ExecutionKey, tasks: Vec<WaitingTask>) {
        self.change(execution, tasks.into_iter().map(QueueChange::Add));
    }

    pub(super) fn change(
        &mut self,
        execution: ExecutionKey,
        changes: impl IntoIterator<Item = QueueChange>,
    ) {
        for change in changes {
            match change {
                QueueChange::Add(task) => {
                    let place = (task.scheduled_at, execution, task.task);
                    self.queues.entry(task.activity).or_default().insert(place);
                }
                QueueChange::Remove(task) => {
                    if let Some(queue) = self.queues.get_mut(&task.activity) {
                        queue.remove(&(task.scheduled_at, execution, task.task));
                    }
                }
            }
        }
    }
}

impl ActivityStore for MemoryStore {
    fn create_activity(&self, new: NewActivity) -> StoreFuture<'_, ActivityCreation> {
        self.write(|contents| {
            let activities = &mut contents.activities.by_name;
            if let Some(other) = activities.get(&new.name) {
                return Ok(ActivityCreation::NameTaken(other.clone()));
            }
            activities.insert(new.name.clone(), new);
            Ok(ActivityCreation::Created)
        })
    }

    fn delete_activity(&self, name: &str) -> StoreFuture<'_, ()> {
        let name = name.to_owned();
        self.write(move |contents| {
            contents.activities.by_name.remove(&name);
            Ok(())
        })
    }

    fn activity(&self, name: &str) -> StoreFuture<'_, Option<ActivityRecord>> {
        let name = name.to_owned();
        self.read(move |contents| contents.activities.by_name.get(&name).cloned())
    }

    fn list_activities(&self, after: &str, limit: usize) -> StoreFuture<'_, Vec<ActivityRecord>> {
        let after = after.to_owned();
        self.read(move |contents| {
            let above = (Bound::Excluded(after), Bound::Unbounded);
            let found = contents.activities.by_name.range(above);
            found
                .take(limit)
                .map(|(_, record)| record.clone())
                .collect()
        })
    }

    fn tag_activity(
        &self,
        name: &str,
        replaces: String,
        tags: String,
    ) -> StoreFuture<'_, Option<Tagging>> {
        let name = name.to_owned();
        self.write(move |contents| {
            let Some(record) = contents.activities.by_name.get_mut(&name) else {
                return Ok(None);
            };
            if record.tags != replaces {
                return Ok(Some(Tagging::Outdated(record.tags.clone())));
            }
            record.tags = tags;
            Ok(Some(Tagging::Tagged))
        })
    }

    fn waiting_tasks(
        &self,
        activity: &str,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(ExecutionKey, WaitingTask)>> {
        let activity = activity.to_owned();
        self.read(move |contents| {
            let queue = contents.activities.queues.get(&activity);
            let tasks = queue.into_iter().flatten().take(limit);
            tasks
                .map(|&(scheduled_at, execution, task)| {
                    let activity = activity.clone();
                    let task = WaitingTask {
                        activity,
                        scheduled_at,
                        task,
                    };
                    (execution, task)
                })
                .collect()
        })
    }
}
