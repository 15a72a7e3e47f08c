//! Map Runs as a store sees them, and the part of the contract of [`Store`](super::Store) that
//! keeps them.
//!
//! A Map Run is a record beside the execution that asked for it; its children are executions of
//! the same state machine that say so in their records, and that no listing of the state machine
//! shows. Each child has a number, and is added once. A child is counted under its status, its
//! items with it: where it is added, and, in the same step as the append that ends it, where it
//! ends. So what a record counts is what its children are, whatever happened in between.

use std::fmt;

use stepwell_interpreter::Timestamp;

use super::execution::{Chunk, ExecutionCursor, ExecutionKey, ExecutionRecord, ExecutionStatus};
use super::state_machine::StateMachineKind;
use super::{Epoch, NewExecution, StoreFuture};

/// Keeps Map Runs. What [`Store`](super::Store) promises holds here too.
pub trait MapRunStore: Send + Sync {
    /// Adds a Map Run, unless there is one of its ARN; either way this is how it stands.
    fn begin(&self, new: NewMapRun) -> StoreFuture<'_, MapRunRecord>;

    /// Adds the next children of a Map Run in one step.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::Conflict) when the Map Run is unknown, another owner holds its
    /// execution, or one of the children cannot be added;
    /// [`StoreError::LeaseEnded`](super::StoreError::LeaseEnded).
    fn create_children(&self, new: NewChildren) -> StoreFuture<'_, ChildrenCreation>;

    /// Changes the limits of a Map Run that has not ended.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::Conflict) when it is unknown.
    fn limit(&self, key: MapRunKey, change: LimitChange) -> StoreFuture<'_, LimitUpdate>;

    /// Ends a Map Run, unless it has ended; either way this is how it stands.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::Conflict) when it is unknown.
    fn end(&self, key: MapRunKey, end: MapRunEnd) -> StoreFuture<'_, MapRunRecord>;

    /// Brings a Map Run back that has ended, once for each number of a redrive; either way this is
    /// how it stands. One that succeeded stays so. Children are chosen for the redrive with
    /// [`choose`](Self::choose).
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::Conflict) when it is unknown.
    fn redrive(&self, key: MapRunKey, redrive: MapRunRedrive) -> StoreFuture<'_, MapRunRecord>;

    /// Lets children wait for their turn to be redriven, those of them that have ended without
    /// success. Once a redrive has its children this changes nothing any more.
    ///
    /// # Errors
    ///
    /// As those of [`create_children`](Self::create_children).
    fn choose(&self, key: MapRunKey, choice: RedriveChoice) -> StoreFuture<'_, MapRunRecord>;

    /// The Map Run with this key.
    fn map_run(&self, key: MapRunKey) -> StoreFuture<'_, Option<MapRunRecord>>;

    /// The Map Run with this ARN.
    fn map_run_by_arn(&self, arn: &str) -> StoreFuture<'_, Option<MapRunRecord>>;

    /// At most `limit` Map Runs of an execution with keys below `before`, the latest first.
    fn map_runs_of(
        &self,
        execution: ExecutionKey,
        before: MapRunKey,
        limit: usize,
    ) -> StoreFuture<'_, Vec<MapRunRecord>>;

    /// At most `limit` Map Runs with keys above `after` that have not ended, in the order of their
    /// keys.
    fn open_map_runs(&self, after: MapRunKey, limit: usize) -> StoreFuture<'_, Vec<MapRunRecord>>;

    /// At most `limit` children, the latest start first.
    fn list_children(
        &self,
        filter: ChildFilter,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>>;

    /// The children from number `from` on, in order, each with the first and the last chunk of its
    /// journal: as many as `bytes_max` allows, but at least one. An empty answer means that there
    /// are no more.
    fn results(
        &self,
        key: MapRunKey,
        from: u64,
        bytes_max: usize,
    ) -> StoreFuture<'_, Vec<ChildResult>>;
}

/// Number of a Map Run, given by its store and never given again.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MapRunKey(pub u64);

/// `42`.
impl fmt::Display for MapRunKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl MapRunKey {
    /// Above every key.
    pub const MAX: Self = Self(i64::MAX.unsigned_abs());
}

/// How a Map Run stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MapRunStatus {
    /// It has not ended.
    Running,
    /// All children ended, and enough of them well.
    Succeeded,
    /// Too many children failed, or it could not go on.
    Failed,
    /// It was given up with its execution or its state.
    Aborted,
}

/// What a Map Run may do and survives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapRunLimits {
    /// Children at a time, 0 for no limit of its own.
    pub concurrency_max: u64,
    /// Failed items in percent that it survives.
    pub tolerated_failure_percentage: f64,
    /// Failed items that it survives.
    pub tolerated_failure_count: u64,
}

/// How many there are of something, by status.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// [`ExecutionStatus::Running`].
    pub running: u64,
    /// [`ExecutionStatus::Succeeded`].
    pub succeeded: u64,
    /// [`ExecutionStatus::Failed`].
    pub failed: u64,
    /// [`ExecutionStatus::TimedOut`].
    pub timed_out: u64,
    /// [`ExecutionStatus::Aborted`].
    pub aborted: u64,
    /// [`ExecutionStatus::PendingRedrive`].
    pub pending_redrive: u64,
}

/// What a store knows of a Map Run.
#[derive(Clone, Debug, PartialEq)]
pub struct MapRunRecord {
    /// Its key.
    pub key: MapRunKey,
    /// What it was added with.
    pub begun: NewMapRun,
    /// How it stands.
    pub status: MapRunStatus,
    /// When it ended, if it has.
    pub stopped_at: Option<Timestamp>,
    /// Why it failed, if it did. The store does not look inside.
    pub failure: Option<String>,
    /// The number of the next child.
    pub next_child: u64,
    /// The number of the next item: those before are with children.
    pub next_item: u64,
    /// Its children.
    pub executions: Counts,
    /// The items that are with children.
    pub items: Counts,
    /// How it was redriven, if it was.
    pub redrive: Option<MapRunRedrive>,
    /// Whether the children are still being chosen that this redrive is for.
    pub is_choosing: bool,
    /// What this redrive cannot bring back.
    pub not_redrivable: NotRedrivable,
}

/// A Map Run to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMapRun {
    /// Its ARN, unique.
    pub arn: String,
    /// The execution that asked for it.
    pub execution: ExecutionKey,
    /// When it was started.
    pub started_at: Timestamp,
    /// Its limits; those of a record are the current ones.
    pub limits: MapRunLimits,
    /// How many items there are.
    pub items: u64,
    /// How many children there will be, where that is known before they are.
    pub children: Option<u64>,
    /// What kind of executions these are.
    pub kind: StateMachineKind,
}

/// How a Map Run was redriven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MapRunRedrive {
    /// How often, from 1.
    pub count: u64,
    /// The last time.
    pub at: Timestamp,
}

/// Children that ended without success and have to stay as they are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NotRedrivable {
    /// How many.
    pub executions: u64,
    /// How many items they were given.
    pub items: u64,
}

/// Children that a redrive is for: some of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RedriveChoice {
    /// The owner who holds the execution that asked for the Map Run.
    pub epoch: Epoch,
    /// Which of the children.
    pub children: Vec<ExecutionKey>,
    /// With the last of them: what stays as it is.
    pub rest: Option<NotRedrivable>,
}

/// Whose child an execution is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Child {
    /// The Map Run.
    pub map_run: MapRunKey,
    /// Its number there, from 0.
    pub index: u64,
    /// How many items it was given.
    pub items: u64,
}

/// The next children of a Map Run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewChildren {
    /// The owner who holds the execution that asked for the Map Run.
    pub epoch: Epoch,
    /// The Map Run.
    pub map_run: MapRunKey,
    /// Executions of which each says which child it is, without gaps from the next on.
    pub children: Vec<NewExecution>,
}

/// What became of [`NewChildren`].
#[derive(Clone, Debug, PartialEq)]
pub enum ChildrenCreation {
    /// They were added.
    Created(MapRunRecord),
    /// The Map Run has ended, or other children are next: this is how it stands. Nothing was
    /// written.
    Outdated(MapRunRecord),
}

/// New limits. What is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LimitChange {
    /// Children at a time.
    pub concurrency_max: Option<u64>,
    /// Failed items in percent.
    pub tolerated_failure_percentage: Option<f64>,
    /// Failed items.
    pub tolerated_failure_count: Option<u64>,
}

/// What became of a [`LimitChange`].
#[derive(Clone, Debug, PartialEq)]
pub enum LimitUpdate {
    /// This is how the Map Run stands now.
    Updated(MapRunRecord),
    /// It has ended. Nothing was written.
    Ended(MapRunRecord),
}

/// How a Map Run ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MapRunEnd {
    /// How.
    pub status: MapRunStatus,
    /// When.
    pub stopped_at: Timestamp,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// Which children to list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChildFilter {
    /// Of this Map Run.
    pub map_run: MapRunKey,
    /// Only those that stand like this.
    pub status: Option<ExecutionStatus>,
    /// Only those that were redriven, or only those that never were.
    pub redriven: Option<bool>,
    /// Only those that the list shows after this place.
    pub after: Option<ExecutionCursor>,
}

/// A child with what it was given, and what it gave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChildResult {
    /// Its record.
    pub record: ExecutionRecord,
    /// The first chunk of its journal.
    pub first: Chunk,
    /// The last one.
    pub last: Chunk,
}

impl Counts {
    /// How many have this status.
    pub fn with(&self, status: ExecutionStatus) -> u64 {
        let mut counts = *self;
        *counts.with_mut(status)
    }

    /// The same, to change it.
    pub(super) fn with_mut(&mut self, status: ExecutionStatus) -> &mut u64 {
        match status {
            ExecutionStatus::Running => &mut self.running,
            ExecutionStatus::Succeeded => &mut self.succeeded,
            ExecutionStatus::Failed => &mut self.failed,
            ExecutionStatus::TimedOut => &mut self.timed_out,
            ExecutionStatus::Aborted => &mut self.aborted,
            ExecutionStatus::PendingRedrive => &mut self.pending_redrive,
        }
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.running
            + self.succeeded
            + self.failed
            + self.timed_out
            + self.aborted
            + self.pending_redrive
    }
}

impl MapRunRecord {
    /// A Map Run without children.
    pub(super) fn new(key: MapRunKey, begun: NewMapRun) -> Self {
        Self {
            key,
            begun,
            status: MapRunStatus::Running,
            stopped_at: None,
            failure: None,
            next_child: 0,
            next_item: 0,
            executions: Counts::default(),
            items: Counts::default(),
            redrive: None,
            is_choosing: false,
            not_redrivable: NotRedrivable::default(),
        }
    }

    /// Brings it back; see [`MapRunStore::redrive`].
    pub(super) fn redriven(&mut self, redrive: MapRunRedrive) {
        let count = self.redrive.map_or(0, |redrive| redrive.count);
        if self.status == MapRunStatus::Running || redrive.count <= count {
            return;
        }
        self.redrive = Some(redrive);
        if self.status != MapRunStatus::Succeeded {
            self.status = MapRunStatus::Running;
            self.stopped_at = None;
            self.failure = None;
            self.is_choosing = true;
            self.not_redrivable = NotRedrivable::default();
        }
    }

    /// A child stands otherwise than before.
    pub(super) fn recount(&mut self, items: u64, before: ExecutionStatus, now: ExecutionStatus) {
        for (counts, number) in [(&mut self.executions, 1), (&mut self.items, items)] {
            let count = counts.with_mut(before);
            *count = count.saturating_sub(number);
            *counts.with_mut(now) += number;
        }
    }

    /// Whether every item is with a child.
    pub fn is_exhausted(&self) -> bool {
        self.next_item >= self.begun.items
    }

    /// Whether these children are the next ones.
    pub(super) fn is_followed_by(&self, children: &[NewExecution]) -> bool {
        self.status == MapRunStatus::Running
            && (self.next_child..).zip(children).all(|(index, child)| {
                let child = child.record.child;
                child.is_some_and(|child| child.map_run == self.key && child.index == index)
            })
    }

    /// Counts a child that was added.
    pub(super) fn add(&mut self, child: Child, status: ExecutionStatus) {
        self.next_child += 1;
        self.next_item += child.items;
        *self.executions.with_mut(status) += 1;
        *self.items.with_mut(status) += child.items;
    }
}

impl ExecutionStatus {
    /// Whether a child that stands like this can be chosen for a redrive.
    pub(super) fn is_unsuccessful(self) -> bool {
        match self {
            Self::Failed | Self::TimedOut | Self::Aborted => true,
            Self::Running | Self::Succeeded | Self::PendingRedrive => false,
        }
    }
}

impl LimitChange {
    /// The limits with the change.
    pub(super) fn of(self, limits: MapRunLimits) -> MapRunLimits {
        MapRunLimits {
            concurrency_max: self.concurrency_max.unwrap_or(limits.concurrency_max),
            tolerated_failure_percentage: self
                .tolerated_failure_percentage
                .unwrap_or(limits.tolerated_failure_percentage),
            tolerated_failure_count: self
                .tolerated_failure_count
                .unwrap_or(limits.tolerated_failure_count),
        }
    }
}
