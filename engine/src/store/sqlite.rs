//! The store of one process: one SQLite file, which outlives any `kill -9`.
//!
//! One thread owns the connection that writes. It takes all writes that wait, applies them in one
//! transaction and answers them after its commit, so that many executions share one write to disk.
//! A few other threads read, each with a connection of its own: with SQLite's write-ahead log a
//! read never waits for a write.
//!
//! The modules, in the order of a write's life: [`open`], [`writer`], [`executions`], [`journal`],
//! [`state_machines`], [`versions`], [`activities`] and [`owners`] with the SQL, [`failure`];
//! [`readers`] for reads; [`snapshot`] and [`repair`] for tools.

mod open;
mod writer;
mod checkpoint;
mod readers;
mod executions;
mod journal;
mod state_machines;
mod versions;
mod activities;
mod retention;
mod map_runs;
mod owners;
mod latest;
mod snapshot;
mod repair;
mod failure;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::watch;

use self::failure::Failure;
use self::latest::{ForgetsWhenDropped, Latest};
use self::open::Ownership;
use self::readers::Readers;
use self::writer::Writer;
use super::{
    ActivityStore, Append, Chunk, Counters, Creation, ExecutionFilter, ExecutionKey,
    ExecutionRecord, HistoryRange, MapRunStore, NewExecution, NewStateMachine, OwnerStore, Removal,
    Removed, Revision, RevisionKey, StateMachineCreation, StateMachineKey, StateMachineRecord,
    StateMachineStatus, StateMachineUpdate, Store, StoreError, StoreFuture, Tagging, Update,
    VersionStore,
};

pub use self::repair::{Fix, Repair};
pub use self::snapshot::{Snapshot, Stored};

/// A database file.
///
/// The file is one process's: a second one, or a second value like this one, is refused for as
/// long as this value lives. Dropping it waits for the writes that were taken in, and lets the next
/// one in. Engines of one process may share it, each with a lease of its own.
///
/// A full disk fails the writes that found it full; the store goes on. After any other failure of
/// the disk it takes no more writes until it is opened again, because what reached the disk is not
/// known.
pub struct SqliteStore {
    // Declared in the order in which they are dropped: the ownership goes last.
    readers: Readers,
    writer: Writer,
    latest: Arc<Latest>,
    /// Changes whenever a letter may have come or been answered.
    post: watch::Sender<()>,
    _ownership: Ownership,
}

impl SqliteStore {
    /// Opens a database file, which is created if it does not exist, and ends all leases that
    /// were given before. A file beside it, its name followed by `.lock`, stands for the ownership; the operating
    /// system lets go of it however the process ends.
    ///
    /// Blocks while it reads the disk.
    ///
    /// # Errors
    ///
    /// [`StoreError`], with the file as it was: in use, read-only, of a newer version, damaged, or
    /// not a database of Stepwell.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let opened = open::open(path)?;
        let readers = Readers::start(opened.readers, &opened.place)?;
        let writer = Writer::start(
            opened.writer,
            opened.checkpointer,
            &opened.place,
            opened.opening,
        )?;
        Ok(Self {
            readers,
            writer,
            latest: Arc::default(),
            post: watch::Sender::new(()),
            _ownership: opened.ownership,
        })
    }

    /// Writes something about a state machine, after which nothing that was read of one before
    /// counts any more, also when nobody waits for the answer.
    fn change<T: Send + 'static>(
        &self,
        change: impl Fn(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let forgets = ForgetsWhenDropped(Arc::clone(&self.latest));
        let written = self.writer.write(move |connection| {
            let _: &ForgetsWhenDropped = &forgets;
            change(connection)
        });
        Box::pin(async move {
            let answer = written.await;
            self.latest.forget();
            answer
        })
    }
}

impl Store for SqliteStore {
    fn counters(&self) -> Counters {
        self.writer.counters()
    }

    fn create_execution(&self, new: NewExecution) -> StoreFuture<'_, Creation> {
        self.writer
            .offer(move |connection| executions::create(connection, &new))
    }

    fn append(&self, append: Append) -> StoreFuture<'_, ()> {
        let has_letter = append.letter.is_some();
        let appended = self
            .writer
            .write(move |connection| executions::append(connection, &append));
        if !has_letter {
            return appended;
        }
        Box::pin(async move {
            appended.await?;
            self.post.send_replace(());
            Ok(())
        })
    }

    fn execution(&self, key: ExecutionKey) -> StoreFuture<'_, Option<ExecutionRecord>> {
        self.readers
            .read(move |connection| executions::by_key(connection, key))
    }

    fn execution_by_name(
        &self,
        state_machine: &str,
        name: &str,
    ) -> StoreFuture<'_, Option<ExecutionRecord>> {
        let (state_machine, name) = (state_machine.to_owned(), name.to_owned());
        self.readers
            .read(move |connection| executions::by_name(connection, &state_machine, &name))
    }

    fn journal(
        &self,
        key: ExecutionKey,
        from: u64,
        bytes_max: usize,
    ) -> StoreFuture<'_, Vec<Chunk>> {
        self.readers
            .read(move |connection| journal::journal(connection, key, from, bytes_max))
    }

    fn history(&self, key: ExecutionKey, range: HistoryRange) -> StoreFuture<'_, Vec<Chunk>> {
        self.readers
            .read(move |connection| journal::history(connection, key, range))
    }

    fn last_chunk(&self, key: ExecutionKey) -> StoreFuture<'_, Option<Chunk>> {
        self.readers
            .read(move |connection| journal::last_chunk(connection, key))
    }

    fn list_executions(
        &self,
        filter: ExecutionFilter,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        self.readers
            .read(move |connection| executions::list(connection, filter, limit))
    }

    fn open_executions(
        &self,
        after: ExecutionKey,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        self.readers
            .read(move |connection| executions::open(connection, after, limit))
    }

    fn count_open_executions(&self) -> StoreFuture<'_, u64> {
        self.readers.read(executions::count_open)
    }

    fn remove_ended(&self, removal: Removal) -> StoreFuture<'_, Removed> {
        Box::pin(async move {
            let found = self
                .readers
                .read(move |connection| retention::find(connection, &removal))
                .await?;
            if found.is_empty() {
                return Ok(found.nothing_removed());
            }
            self.writer
                .write(move |connection| found.remove(connection, &removal))
                .await
        })
    }

    fn create_state_machine(&self, new: NewStateMachine) -> StoreFuture<'_, StateMachineCreation> {
        self.change(move |connection| state_machines::create(connection, &new))
    }

    fn update_state_machine(&self, update: StateMachineUpdate) -> StoreFuture<'_, Update> {
        self.change(move |connection| state_machines::update(connection, &update))
    }

    fn tag_state_machine(
        &self,
        key: StateMachineKey,
        replaces: String,
        tags: String,
    ) -> StoreFuture<'_, Tagging> {
        self.change(move |connection| state_machines::tag(connection, key, &replaces, &tags))
    }

    fn delete_state_machine(&self, key: StateMachineKey) -> StoreFuture<'_, StateMachineStatus> {
        self.change(move |connection| state_machines::delete(connection, key))
    }

    fn deleting_state_machines(&self) -> StoreFuture<'_, Vec<StateMachineRecord>> {
        self.readers.read(state_machines::deleting)
    }

    fn state_machine(&self, name: &str) -> StoreFuture<'_, Option<StateMachineRecord>> {
        let name = name.to_owned();
        Box::pin(async move {
            let begun = match self.latest.get(&name) {
                Ok(record) => return Ok(Some(record)),
                Err(begun) => begun,
            };
            let found = self
                .readers
                .read(move |connection| state_machines::by_name(connection, &name))
                .await?;
            if let Some(record) = &found {
                self.latest.keep(begun, record);
            }
            Ok(found)
        })
    }

    fn state_machine_by_key(
        &self,
        key: StateMachineKey,
    ) -> StoreFuture<'_, Option<StateMachineRecord>> {
        self.readers
            .read(move |connection| state_machines::by_key(connection, key))
    }

    fn list_state_machines(
        &self,
        after: &str,
        limit: usize,
    ) -> StoreFuture<'_, Vec<StateMachineRecord>> {
        let after = after.to_owned();
        self.readers
            .read(move |connection| state_machines::list(connection, &after, limit))
    }

    fn owners(&self) -> &dyn OwnerStore {
        self
    }

    fn versions(&self) -> &dyn VersionStore {
        self
    }

    fn activities(&self) -> &dyn ActivityStore {
        self
    }

    fn map_runs(&self) -> &dyn MapRunStore {
        self
    }

    fn revision(&self, key: RevisionKey) -> StoreFuture<'_, Option<Revision>> {
        self.readers
            .read(move |connection| state_machines::revision(connection, key))
    }

    fn revision_by_id(
        &self,
        state_machine: StateMachineKey,
        id: &str,
    ) -> StoreFuture<'_, Option<Revision>> {
        let id = id.to_owned();
        self.readers
            .read(move |connection| state_machines::revision_by_id(connection, state_machine, &id))
    }
}
