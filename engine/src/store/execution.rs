//! Executions as a store sees them: a record that is looked up and listed, and a journal.

use std::fmt;

use stepwell_interpreter::Timestamp;

use super::activity::{QueueChange, WaitingTask};
use super::error::Conflict;
use super::map_run::Child;
use super::owner::LetterKey;
use super::state_machine::{RevisionKey, StateMachineKey};
use super::{Epoch, StoreError};

/// Number of an execution, unique in its store and never given again: 1 to [`i64::MAX`].
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ExecutionKey(pub u64);

/// `42`.
impl fmt::Display for ExecutionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// How an execution stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ExecutionStatus {
    /// Somebody has to see it through: the only status that
    /// [`open_executions`](super::Store::open_executions) looks for.
    Running,
    /// It reached its end.
    Succeeded,
    /// An error was not caught.
    Failed,
    /// It took longer than its state machine allows.
    TimedOut,
    /// It was stopped.
    Aborted,
    /// A child of a Map Run that waits for its turn to be redriven.
    PendingRedrive,
}

/// What a store knows of an execution besides its journal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExecutionRecord {
    /// Its key.
    pub key: ExecutionKey,
    /// Its state machine.
    pub state_machine: StateMachineKey,
    /// The revision it was started with.
    pub revision: RevisionKey,
    /// The owner who created it or claimed it last.
    pub owner: Epoch,
    /// Its name, unique among the executions of its state machine.
    pub name: String,
    /// How it stands.
    pub status: ExecutionStatus,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub stopped_at: Option<Timestamp>,
    /// When it wants to be woken.
    pub wake_at: Option<Timestamp>,
    /// What else a listing shows of it: a JSON object, in which a store looks for nothing but the
    /// members of [`Origin`](super::version::Origin), and whether there is a
    /// [`Redrive`](super::Redrive).
    pub details: Option<String>,
    /// The Map Run that it is a child of.
    pub child: Option<Child>,
}

/// An execution to be added.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewExecution {
    /// Its record, whose owner is the one who adds it. The state machine must be active and the revision one of its own.
    pub record: ExecutionRecord,
    /// The beginning of its journal, from sequence number 1 and history id 1; may be empty.
    pub chunks: Vec<Chunk>,
    /// Its tasks that wait for workers of their activities.
    pub waiting: Vec<WaitingTask>,
}

/// What became of a [`NewExecution`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Creation {
    /// It was added.
    Created,
    /// Its state machine has an execution of this name: this one. Nothing was written.
    NameTaken(ExecutionRecord),
    /// Its state machine is about to be deleted, or has been. Nothing was written.
    StateMachineDeleting,
}

/// What one step of an execution adds to its journal, and how the execution stands then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Append {
    /// The epoch of the owner who took the step.
    pub epoch: Epoch,
    /// The execution.
    pub execution: ExecutionKey,
    /// What is added.
    pub chunk: Chunk,
    /// How the execution stands now.
    pub status: ExecutionStatus,
    /// When it ended, if it has.
    pub stopped_at: Option<Timestamp>,
    /// When it wants to be woken.
    pub wake_at: Option<Timestamp>,
    /// Its new details; `None` keeps what it has.
    pub details: Option<String>,
    /// The letter that led to this.
    pub letter: Option<LetterKey>,
    /// Its tasks that begin to wait for workers of their activities, or no longer do.
    pub queue: Vec<QueueChange>,
}

/// A run of events of one journal, as one step of the interpreter decided them.
///
/// Both numberings go on without gaps from chunk to chunk. A chunk that shows nothing in the
/// history says so by a `last_history` one below its `first_history`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chunk {
    /// Sequence number of its first event.
    pub first: u64,
    /// Sequence number of its last event.
    pub last: u64,
    /// The first history id it shows.
    pub first_history: u64,
    /// The last history id it shows.
    pub last_history: u64,
    /// The events. The store does not look inside.
    pub bytes: Vec<u8>,
}

impl Chunk {
    /// What a chunk counts against a limit in bytes: an empty one is not free.
    pub(super) fn weight(&self) -> usize {
        const OVERHEAD: usize = 64;
        self.bytes.len().saturating_add(OVERHEAD)
    }

    /// Whether it shows no history.
    pub(super) fn is_silent(&self) -> bool {
        self.last_history < self.first_history
    }
}

/// Which part of a history to read, and from which end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HistoryRange {
    /// The lowest history id.
    pub from: u64,
    /// The highest history id.
    pub to: u64,
    /// From which end.
    pub order: Order,
    /// How much to read at once.
    pub bytes_max: usize,
}

impl HistoryRange {
    /// Whether it has no ids; they begin at 1.
    pub(super) fn is_empty(&self) -> bool {
        self.to < self.from.max(1)
    }
}

/// From which end to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// The lowest first.
    Ascending,
    /// The highest first.
    Descending,
}

/// Which executions to list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExecutionFilter {
    /// Of this state machine.
    pub state_machine: StateMachineKey,
    /// Only those that stand like this.
    pub status: Option<ExecutionStatus>,
    /// Only those that were redriven, or only those that never were.
    pub redriven: Option<bool>,
    /// Only those that the list shows after this place.
    pub after: Option<ExecutionCursor>,
}

/// A place in a list of executions. Executions that start later come before it, so that it stays
/// where it is while the list grows.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ExecutionCursor {
    /// When the execution at this place started.
    pub started_at: Timestamp,
    /// Its key, for those that started together.
    pub key: ExecutionKey,
}

impl ExecutionCursor {
    /// The place of an execution.
    pub fn of(record: &ExecutionRecord) -> Self {
        Self {
            started_at: record.started_at,
            key: record.key,
        }
    }
}

/// An execution that wants to be woken.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Timer {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub execution: ExecutionKey,
}

/// How far a journal reaches.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct JournalEnd {
    /// Its last sequence number, 0 for an empty journal.
    pub(super) last: u64,
    /// The last history id it shows, 0 for none.
    pub(super) last_history: u64,
}

impl JournalEnd {
    /// Checks that `chunk` goes on where the journal ends; returns where it ends then.
    ///
    /// # Errors
    ///
    /// [`Conflict`] when it does not.
    pub(super) fn followed_by(
        self,
        execution: ExecutionKey,
        chunk: &Chunk,
    ) -> Result<Self, StoreError> {
        let expected = self.last.saturating_add(1);
        if chunk.first != expected {
            return Err(Conflict::NotContiguous {
                execution,
                expected,
                found: chunk.first,
            }
            .into());
        }
        let expected = self.last_history.saturating_add(1);
        if chunk.first_history != expected {
            let found = chunk.first_history;
            return Err(Conflict::HistoryNotContiguous {
                execution,
                expected,
                found,
            }
            .into());
        }
        if chunk.last < chunk.first || chunk.last_history < self.last_history {
            return Err(Conflict::NotAChunk {
                execution,
                first: chunk.first,
            }
            .into());
        }
        Ok(Self {
            last: chunk.last,
            last_history: chunk.last_history,
        })
    }
}
