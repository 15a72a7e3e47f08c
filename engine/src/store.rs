//! Where executions outlive the process: the trait [`Store`], and the stores that come with
//! Stepwell.
//!
//! A store keeps state machines with their revisions, and executions with their journals. A
//! journal is a run of [`Chunk`]s, each holding what one step of the interpreter decided; the store
//! never looks inside. What else it knows of an execution, its status and its timer, is an index
//! that can be rebuilt from the journal.
//!
//! Activities are with [`activity`]; the queues of their tasks are an index too.
//!
//! - [`MemoryStore`](memory::MemoryStore): for tests, and for runs that need not survive.
//! - [`SqliteStore`](sqlite::SqliteStore): one process, one file.
//!
//! This module knows neither SQL nor the interpreter. Both stores pass one suite of tests,
//! `tests/store_contract`.

pub mod execution;
pub mod state_machine;
pub mod version;
pub mod activity;
pub mod redrive;
pub mod retention;
pub mod map_run;
pub mod owner;
pub mod error;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::pin::Pin;

pub use activity::{ActivityStore, QueueChange, WaitingTask};
pub use error::{Conflict, Remedy, StoreError};
pub use execution::{
    Append, Chunk, Creation, ExecutionCursor, ExecutionFilter, ExecutionKey, ExecutionRecord,
    ExecutionStatus, HistoryRange, NewExecution, Order, Timer,
};
pub use map_run::MapRunStore;
pub use owner::{Claim, Lease, Letter, LetterAnswer, LetterKey, OwnerStore, Window};
pub use redrive::Redrive;
pub use retention::{Removal, RemovalCursor, Removed};
pub use state_machine::{
    NewRevision, NewStateMachine, Revision, RevisionKey, StateMachineCreation, StateMachineKey,
    StateMachineKind, StateMachineRecord, StateMachineStatus, StateMachineUpdate, Tagging, Update,
};
pub use version::VersionStore;

/// What a [`Store`] answers with.
///
/// Nothing happens before it is polled. A write whose future is dropped may or may not happen.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps state machines and executions; versions and aliases are with [`versions`](Self::versions),
/// and who may advance an execution with [`owners`](Self::owners).
///
/// Every write is one atomic step, and is durable when its future answers. A read sees every write
/// that was answered before it began.
///
/// What two callers can run into, such as a name that is taken, is a value of the answer; an error
/// means that nothing was written, or, for [`StoreError::Failed`] alone, that nobody knows.
pub trait Store: Send + Sync + 'static {
    /// What the store has done since it was opened.
    fn counters(&self) -> Counters;

    /// Adds an execution with the beginning of its journal. It may be finished already. Whoever
    /// adds it holds it; keys are the owner's to give, see [`Epoch::execution_key`].
    ///
    /// # Errors
    ///
    /// [`Conflict`] when its key is taken, its state machine or revision is unknown, or its chunks
    /// do not begin a journal; [`StoreError::LeaseEnded`]; [`StoreError::Overloaded`] when more
    /// writes wait than the store cares to keep.
    fn create_execution(&self, new: NewExecution) -> StoreFuture<'_, Creation>;

    /// Adds a chunk to a journal, brings the execution's record up to date and takes a letter out
    /// of its inbox, all in one step.
    /// An execution that has ended may run again.
    ///
    /// # Errors
    ///
    /// [`Conflict`] when the execution is unknown or held by another owner, the chunk does not
    /// follow the last one, or the letter has been taken; [`StoreError::LeaseEnded`] when the
    /// lease was ended.
    fn append(&self, append: Append) -> StoreFuture<'_, ()>;

    /// The execution with this key.
    fn execution(&self, key: ExecutionKey) -> StoreFuture<'_, Option<ExecutionRecord>>;

    /// The execution that an ARN names. Where state machines of one name followed each other, that
    /// of the latest one that has an execution of this name.
    fn execution_by_name(
        &self,
        state_machine: &str,
        name: &str,
    ) -> StoreFuture<'_, Option<ExecutionRecord>>;

    /// The journal from the chunk that holds sequence number `from`, in order: as many chunks as
    /// `bytes_max` allows, but at least one. An empty answer means that the journal ends before
    /// `from`; to read on, ask again with the last chunk's `last + 1`.
    fn journal(
        &self,
        key: ExecutionKey,
        from: u64,
        bytes_max: usize,
    ) -> StoreFuture<'_, Vec<Chunk>>;

    /// The chunks that show some part of a range of history ids: as many as the range's `bytes_max`
    /// allows, but at least one. An empty answer means that there are no more.
    fn history(&self, key: ExecutionKey, range: HistoryRange) -> StoreFuture<'_, Vec<Chunk>>;

    /// The last chunk of a journal.
    fn last_chunk(&self, key: ExecutionKey) -> StoreFuture<'_, Option<Chunk>>;

    /// At most `limit` executions of a state machine, the latest start first.
    fn list_executions(
        &self,
        filter: ExecutionFilter,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>>;

    /// At most `limit` running executions with keys above `after`, in the order of their keys.
    fn open_executions(
        &self,
        after: ExecutionKey,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>>;

    /// How many executions are running.
    fn count_open_executions(&self) -> StoreFuture<'_, u64>;

    /// Goes one part further in the walk that removes executions which ended long ago, with their
    /// journals. Each goes as a whole, and its name is free again; nobody else's is touched. Keys
    /// are not given again. Of a deleted state machine that has no executions any more its
    /// revisions, versions and aliases go, too.
    fn remove_ended(&self, removal: Removal) -> StoreFuture<'_, Removed>;

    /// Adds a state machine with its first revision.
    fn create_state_machine(&self, new: NewStateMachine) -> StoreFuture<'_, StateMachineCreation>;

    /// Gives a state machine a new revision.
    ///
    /// # Errors
    ///
    /// [`Conflict`] when the state machine is unknown or has a revision of this id already.
    fn update_state_machine(&self, update: StateMachineUpdate) -> StoreFuture<'_, Update>;

    /// Replaces the tags of a state machine, if they are still those that it had; they belong to
    /// no revision.
    ///
    /// # Errors
    ///
    /// [`Conflict`] when the state machine is unknown.
    fn tag_state_machine(
        &self,
        key: StateMachineKey,
        replaces: String,
        tags: String,
    ) -> StoreFuture<'_, Tagging>;

    /// Deletes a state machine once nothing of it runs: until then it is `Deleting`, starts nothing
    /// more, and this is to be called again when an execution has ended. Its executions stay
    /// readable. Answers how it stands.
    ///
    /// # Errors
    ///
    /// [`Conflict`] when the state machine is unknown.
    fn delete_state_machine(&self, key: StateMachineKey) -> StoreFuture<'_, StateMachineStatus>;

    /// The state machines that are `Deleting`.
    fn deleting_state_machines(&self) -> StoreFuture<'_, Vec<StateMachineRecord>>;

    /// The state machine that has this name now.
    fn state_machine(&self, name: &str) -> StoreFuture<'_, Option<StateMachineRecord>>;

    /// The state machine with this key, deleted or not.
    fn state_machine_by_key(
        &self,
        key: StateMachineKey,
    ) -> StoreFuture<'_, Option<StateMachineRecord>>;

    /// At most `limit` state machines with names above `after`, in the order of their names.
    fn list_state_machines(
        &self,
        after: &str,
        limit: usize,
    ) -> StoreFuture<'_, Vec<StateMachineRecord>>;

    /// Leases, claims and inboxes.
    fn owners(&self) -> &dyn OwnerStore;

    /// Versions and aliases.
    fn versions(&self) -> &dyn VersionStore;

    /// Activities, and the tasks that wait for their workers.
    fn activities(&self) -> &dyn ActivityStore;

    /// Map Runs and their children.
    fn map_runs(&self) -> &dyn MapRunStore;

    /// The revision with this key.
    fn revision(&self, key: RevisionKey) -> StoreFuture<'_, Option<Revision>>;

    /// The revision of a state machine with this id.
    fn revision_by_id(
        &self,
        state_machine: StateMachineKey,
        id: &str,
    ) -> StoreFuture<'_, Option<Revision>>;
}

/// Number of an owner of a store: higher than that of every owner before.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Bits of an execution's key that count the executions of one owner.
    const COUNT_BITS: u32 = 40;

    /// The key of an owner's execution number `count`, from 1 to 2^40 - 1: owners give keys
    /// without asking each other.
    pub fn execution_key(self, count: u64) -> ExecutionKey {
        ExecutionKey((self.0 << Self::COUNT_BITS) | count)
    }
}

/// What a store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Writes that were taken in, whatever became of them.
    pub writes: u64,
    /// Batches in which they were committed: at most one write to disk that is waited for each.
    pub batches: u64,
    /// Writes in the largest batch.
    pub batch_max: u64,
}
