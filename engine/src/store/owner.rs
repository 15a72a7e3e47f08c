//! Who may advance an execution, and how others reach whoever does: the part of the contract of
//! [`Store`](super::Store) about owners.
//!
//! An owner is an engine with a lease, named by an [`Epoch`]. An execution is held by one owner at
//! a time: the one who created it or claimed it last. Every append names the epoch it is made
//! under, and is refused if another owner holds the execution by then; so an owner that was cut
//! off for a while, and does not know it yet, can do no harm. When a lease has run out, what its
//! owner held is free to be claimed.
//!
//! Whoever has something to say to an execution that another owner holds puts a letter into the
//! execution's inbox. The holder takes it out in the same step that appends what it led to, so
//! that it counts exactly once.
//!
//! Instants are the callers': owners that share a store need clocks that agree within a fraction
//! of a lease.

use stepwell_interpreter::Timestamp;
use tokio::sync::watch;

use super::execution::{ExecutionKey, Timer};
use super::{Epoch, StoreFuture};

/// Keeps leases, claims and inboxes. What [`Store`](super::Store) promises holds here too.
pub trait OwnerStore: Send + Sync {
    /// Adds an owner, whose lease lasts until `until`. Its epoch is higher than all before.
    fn join(&self, until: Timestamp) -> StoreFuture<'_, Epoch>;

    /// Prolongs a lease, also one that has run out; what others have claimed stays theirs.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseEnded`](super::StoreError::LeaseEnded) when the lease was ended.
    fn renew(&self, epoch: Epoch, until: Timestamp) -> StoreFuture<'_, ()>;

    /// Ends a lease: what the owner held is free at once, and it writes nothing any more. A lease
    /// that was ended before is fine.
    fn leave(&self, epoch: Epoch) -> StoreFuture<'_, ()>;

    /// The leases that have not been ended, by epoch.
    fn leases(&self) -> StoreFuture<'_, Vec<Lease>>;

    /// Takes an execution for `epoch`, unless another owner holds it at `now`. One that has ended is
    /// free: nobody advances it.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::Conflict) when the execution is unknown;
    /// [`StoreError::LeaseEnded`](super::StoreError::LeaseEnded).
    fn claim(
        &self,
        epoch: Epoch,
        execution: ExecutionKey,
        now: Timestamp,
    ) -> StoreFuture<'_, Claim>;

    /// At most `limit` timers of executions that no other owner than `epoch` holds at `now`: those
    /// behind `after` in the order of timers, and due by `until`.
    fn timers(&self, epoch: Epoch, window: Window, now: Timestamp) -> StoreFuture<'_, Vec<Timer>>;

    /// Puts a letter into the inbox of an execution.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::Conflict) when the execution is unknown.
    fn deliver(&self, execution: ExecutionKey, content: Vec<u8>) -> StoreFuture<'_, LetterKey>;

    /// At most `limit` letters behind `after` that wait in the inboxes of executions that no other
    /// owner than `epoch` holds at `now`, the oldest first.
    fn inbox(
        &self,
        epoch: Epoch,
        after: LetterKey,
        now: Timestamp,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Letter>>;

    /// Takes a letter out of its inbox that led to nothing. One that is not there is fine.
    fn discard(&self, letter: LetterKey) -> StoreFuture<'_, ()>;

    /// What became of a letter; an answer is given once, and forgotten then.
    fn collect(&self, letter: LetterKey) -> StoreFuture<'_, Option<LetterAnswer>>;

    /// Changes whenever a letter may have come or been answered.
    fn post(&self) -> watch::Receiver<()>;
}

/// The right to hold executions, for a while.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Lease {
    /// Whose.
    pub epoch: Epoch,
    /// Until when, unless it is prolonged.
    pub until: Timestamp,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// The execution is the claimer's now.
    Claimed,
    /// It was the claimer's before; nobody else has held it in between.
    Kept,
    /// This owner holds it. Nothing was written.
    HeldBy(Epoch),
}

/// Which timers to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Window {
    /// Only those behind this one.
    pub after: Option<Timer>,
    /// Only those due by this time.
    pub until: Timestamp,
    /// At most so many.
    pub limit: usize,
}

/// Number of a letter, given by its store: a later letter has a higher one.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LetterKey(pub u64);

/// Something to be told to an execution.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Letter {
    /// Its number.
    pub key: LetterKey,
    /// Whom it is for.
    pub execution: ExecutionKey,
    /// What it says. The store does not look inside.
    pub content: Vec<u8>,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LetterAnswer {
    /// It led to events, which are durable.
    Taken,
    /// It came too late to lead to anything.
    Discarded,
}
