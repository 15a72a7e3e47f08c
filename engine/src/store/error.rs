//! Why a store could not do what it was asked, grouped by what the caller can do about it.

use std::error::Error;
use std::sync::Arc;

use super::execution::ExecutionKey;
use super::map_run::MapRunKey;
use super::state_machine::{RevisionKey, StateMachineKey};

/// What lies under a [`StoreError`]. Shared, because one failure can end many writes.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why a store could not do what it was asked.
///
/// `place` names the store, a database by its file.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else holds the database for the moment.
    #[error("{place} is busy")]
    Busy {
        /// The store.
        place: Arc<str>,
        /// What lies under it.
        source: Cause,
    },
    /// More is asked of the store than it can do; nothing was taken in.
    #[error("{place} has too much to do")]
    Overloaded {
        /// The store.
        place: Arc<str>,
    },
    /// There is no room; the store goes on once there is.
    #[error("{place}: no space left on the disk")]
    Full {
        /// The store.
        place: Arc<str>,
        /// What lies under it.
        source: Cause,
    },
    /// What the store holds contradicts what it was asked.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The lease of the owner who writes was ended: everything it held is free for others.
    #[error("the lease of the owner of epoch {epoch} has ended")]
    LeaseEnded {
        /// The epoch that the write named.
        epoch: u64,
    },
    /// Another process has opened the database since, although a lock was to keep it out.
    #[error(
        "{place} was taken over by another process: opening {opening} was followed by {current}"
    )]
    OpenedByAnother {
        /// The store.
        place: Arc<str>,
        /// Which opening of the database this one was.
        opening: u64,
        /// Which was the last.
        current: u64,
    },
    /// Another process, or another engine in this one, has the database open.
    #[error("{place} is in use by another process")]
    InUse {
        /// The store.
        place: Arc<str>,
    },
    /// The database is newer than this program. It was not touched.
    #[error(
        "{place} was written by a newer Stepwell: its format is {found}, this one knows up to {known}"
    )]
    NewerVersion {
        /// The store.
        place: Arc<str>,
        /// The version of its format.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The file is no database. It was not touched.
    #[error("{place} is not a database")]
    NotADatabase {
        /// The store.
        place: Arc<str>,
    },
    /// The file is the database of another application. It was not touched.
    #[error("{place} is a database, but not one of Stepwell")]
    ForeignDatabase {
        /// The store.
        place: Arc<str>,
    },
    /// The database contradicts itself.
    #[error("{place} is damaged")]
    Corrupt {
        /// The store.
        place: Arc<str>,
        /// What lies under it.
        source: Cause,
    },
    /// The database, or the folder it lies in, may not be written to.
    #[error("{place} is read-only")]
    ReadOnly {
        /// The store.
        place: Arc<str>,
    },
    /// Reading or writing failed. Whether the write happened is not known, and the store takes no
    /// more of them: after a failed write to disk, what the disk holds is known only once the
    /// database is opened again.
    #[error("{place} cannot be read or written")]
    Failed {
        /// The store.
        place: Arc<str>,
        /// What lies under it.
        source: Cause,
    },
}

/// What the store holds contradicts what it was asked. Nothing was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// Another owner, or an earlier try, wrote first: drop what is in memory and replay.
    #[error("execution {execution}: expected sequence number {expected}, found {found}")]
    NotContiguous {
        /// The execution.
        execution: ExecutionKey,
        /// The number after the journal's last.
        expected: u64,
        /// The number that the chunk begins with.
        found: u64,
    },
    /// The history would have a gap.
    #[error("execution {execution}: expected history id {expected}, found {found}")]
    HistoryNotContiguous {
        /// The execution.
        execution: ExecutionKey,
        /// The id after the journal's last.
        expected: u64,
        /// The id that the chunk begins with.
        found: u64,
    },
    /// A chunk ends before it begins.
    #[error("execution {execution}: the chunk from sequence number {first} ends before it begins")]
    NotAChunk {
        /// The execution.
        execution: ExecutionKey,
        /// The number that it begins with.
        first: u64,
    },
    /// There is an execution with this key.
    #[error("there is an execution {0} already")]
    ExecutionKeyTaken(ExecutionKey),
    /// Another owner holds the execution, and drives it.
    #[error("execution {execution} is held by the owner of epoch {owner}")]
    HeldByAnother {
        /// The execution.
        execution: ExecutionKey,
        /// Who holds it.
        owner: u64,
    },
    /// The letter has been taken out of its inbox before.
    #[error("execution {execution}: the letter {letter} has been taken before")]
    LetterTaken {
        /// The execution.
        execution: ExecutionKey,
        /// The letter.
        letter: u64,
    },
    /// There is no execution with this key.
    #[error("there is no execution {0}")]
    UnknownExecution(ExecutionKey),
    /// There is no state machine with this key.
    #[error("there is no state machine {0}")]
    UnknownStateMachine(StateMachineKey),
    /// The state machine has no revision with this key.
    #[error("the state machine has no revision {0}")]
    UnknownRevision(RevisionKey),
    /// The state machine has a revision with this id.
    #[error("state machine {0} has a revision of this id already")]
    RevisionIdTaken(StateMachineKey),
    /// There is no Map Run with this key.
    #[error("there is no Map Run {0}")]
    UnknownMapRun(MapRunKey),
    /// A key, sequence number or history id is above [`i64::MAX`].
    #[error("{0} is too large a number")]
    TooLarge(u64),
}

/// What can be done about a [`StoreError`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Remedy {
    /// Nothing was written: try again later.
    Retry,
    /// Nothing was written: read what the store holds, then decide anew.
    ReadAgain,
    /// Stop: everything here belongs to somebody else now.
    StepDown,
    /// Somebody has to look at the file, the disk or the command line.
    GiveUp,
}

impl StoreError {
    /// What can be done about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Busy { .. } | Self::Overloaded { .. } | Self::Full { .. } => Remedy::Retry,
            Self::Conflict(_) => Remedy::ReadAgain,
            Self::LeaseEnded { .. } | Self::OpenedByAnother { .. } => Remedy::StepDown,
            Self::InUse { .. }
            | Self::NewerVersion { .. }
            | Self::NotADatabase { .. }
            | Self::ForeignDatabase { .. }
            | Self::Corrupt { .. }
            | Self::ReadOnly { .. }
            | Self::Failed { .. } => Remedy::GiveUp,
        }
    }
}
