//! Activities as a store sees them, and the part of the contract of [`Store`](super::Store) that
//! keeps them and the queues of their tasks.
//!
//! A queue is an index of the journals: the tasks that were scheduled for an activity and that no
//! worker has taken up. It changes in the same step as the journal that says so.

use stepwell_interpreter::Timestamp;

use super::StoreFuture;
use super::execution::ExecutionKey;
use super::state_machine::Tagging;

/// Keeps activities and their queues. What [`Store`](super::Store) promises holds here too.
pub trait ActivityStore: Send + Sync {
    /// Adds an activity.
    fn create_activity(&self, new: NewActivity) -> StoreFuture<'_, ActivityCreation>;

    /// Takes an activity away; one that is not there is fine. Tasks that wait for it go on waiting.
    fn delete_activity(&self, name: &str) -> StoreFuture<'_, ()>;

    /// The activity of this name.
    fn activity(&self, name: &str) -> StoreFuture<'_, Option<ActivityRecord>>;

    /// At most `limit` activities with names above `after`, in the order of their names.
    fn list_activities(&self, after: &str, limit: usize) -> StoreFuture<'_, Vec<ActivityRecord>>;

    /// Replaces the tags of an activity, if they are still those that it had. `None` when there is
    /// no such activity.
    fn tag_activity(
        &self,
        name: &str,
        replaces: String,
        tags: String,
    ) -> StoreFuture<'_, Option<Tagging>>;

    /// At most `limit` tasks that wait for workers of an activity, the first scheduled first.
    fn waiting_tasks(
        &self,
        activity: &str,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(ExecutionKey, WaitingTask)>>;
}

/// An activity to be added.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewActivity {
    /// Its name.
    pub name: String,
    /// When it is created.
    pub created_at: Timestamp,
    /// Its tags. The store does not look inside.
    pub tags: String,
    /// Its encryption. The store does not look inside.
    pub encryption: String,
}

/// An activity. Nothing of it changes but its tags.
pub type ActivityRecord = NewActivity;

/// What became of a [`NewActivity`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ActivityCreation {
    /// It was added.
    Created,
    /// This one has the name. Nothing was written.
    NameTaken(ActivityRecord),
}

/// A task of an execution that waits for a worker of an activity.
///
/// Tasks wait in the order of their times; of those that were scheduled at the same time that of
/// the lower execution comes first.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct WaitingTask {
    /// The activity's name.
    pub activity: String,
    /// When the task was scheduled.
    pub scheduled_at: Timestamp,
    /// Its number within the execution.
    pub task: u64,
}

/// How a step changes the queue of an activity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum QueueChange {
    /// The task begins to wait.
    Add(WaitingTask),
    /// It no longer does: a worker has it, or nobody wants its result any more.
    Remove(WaitingTask),
}
