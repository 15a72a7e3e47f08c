//! Writing again what can be rebuilt: the part of a repair that knows SQL.

use std::path::Path;

use rusqlite::{Connection, params};
use stepwell_interpreter::Timestamp;

use super::activities;
use super::executions::{self, integer};
use super::failure::Failure;
use super::map_runs;
use super::open::{self, Ownership};
use super::snapshot::Snapshot;
use crate::store::map_run::MapRunKey;
use crate::store::{Chunk, ExecutionKey, ExecutionRecord, StoreError, WaitingTask};

/// A row that is to be written again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fix {
    /// The record as it should be.
    Record(ExecutionRecord),
    /// A record that is to be there.
    Missing(ExecutionRecord),
    /// The tasks of an execution in the queues of activities, all of them.
    Queue(ExecutionKey, Vec<WaitingTask>),
    /// The counts of a Map Run.
    Counts(MapRunKey),
    /// Where a chunk begins and ends; its bytes stay.
    Chunk {
        /// Its execution.
        execution: ExecutionKey,
        /// Where it is said to begin.
        stored_first: u64,
        /// What should be said.
        right: Chunk,
    },
}

/// A database that is being repaired: it has no other owner for as long as this value lives.
pub struct Repair {
    // Declared in the order in which they are dropped: the ownership goes last.
    snapshot: Snapshot,
    writer: Connection,
    _ownership: Ownership,
}

impl Repair {
    /// Becomes the owner of a database that is there. Blocks, as all of this does.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as for [`SqliteStore::open`](super::SqliteStore::open), and when there is no
    /// such file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut opened = open::open_existing(path)?;
        let reader = opened.readers.pop().expect("a store has readers");
        Ok(Self {
            snapshot: Snapshot::of(reader, &opened.place)?,
            writer: opened.writer,
            _ownership: opened.ownership,
        })
    }

    /// The database as it was when the last batch of reads began.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Lets [`snapshot`](Self::snapshot) show what was written since.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database cannot be read.
    pub fn refresh(&self) -> Result<(), StoreError> {
        self.snapshot
            .run(|connection| Ok(connection.execute_batch("COMMIT; BEGIN")?))
    }

    /// Builds the indexes of SQLite anew.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when that cannot be written.
    pub fn rebuild_indexes(&self) -> Result<(), StoreError> {
        self.write(|connection| Ok(connection.execute_batch("REINDEX")?))
    }

    /// Writes rows again, in one transaction.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be written; nothing is then.
    pub fn apply(&self, fixes: &[Fix]) -> Result<(), StoreError> {
        if fixes.is_empty() {
            return Ok(());
        }
        self.write(|connection| {
            let transaction = connection.unchecked_transaction()?;
            // Names move out of each other's way before they are given.
            for fix in fixes {
                if let Fix::Record(record) = fix {
                    transaction
                        .prepare_cached(
                            "UPDATE execution SET name = char(1) || key
                             WHERE key = ?1 AND name <> ?2",
                        )?
                        .execute(params![integer(record.key.0)?, record.name])?;
                }
            }
            for fix in fixes {
                apply(&transaction, fix)?;
            }
            Ok(transaction.commit()?)
        })
    }

    fn write<T>(
        &self,
        write: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        write(&self.writer).map_err(|failure| failure.into_error(self.snapshot.place()))
    }
}

/// A row whose place is taken is not written, for the next check to find.
fn apply(connection: &Connection, fix: &Fix) -> Result<(), Failure> {
    match fix {
        Fix::Record(record) => {
            connection
                .prepare_cached(
                    "UPDATE OR IGNORE execution SET state_machine = ?2, name = ?3, status = ?4,
                         started_at = ?5, stopped_at = ?6, wake_at = ?7, details = ?8
                     WHERE key = ?1",
                )?
                .execute(params![
                    integer(record.key.0)?,
                    integer(record.state_machine.0)?,
                    record.name,
                    record.status,
                    record.started_at.milliseconds(),
                    record.stopped_at.map(Timestamp::milliseconds),
                    record.wake_at.map(Timestamp::milliseconds),
                    record.details,
                ])?;
        }
        Fix::Missing(record) => executions::insert_record(connection, record).map(drop)?,
        Fix::Counts(key) => map_runs::count_again(connection, *key)?,
        Fix::Queue(execution, tasks) => {
            let key = integer(execution.0)?;
            connection
                .prepare_cached("DELETE FROM waiting_task WHERE execution = ?1")?
                .execute([key])?;
            for task in tasks {
                activities::enqueue(connection, key, task)?;
            }
        }
        Fix::Chunk {
            execution,
            stored_first,
            right,
        } => {
            connection
                .prepare_cached(
                    "UPDATE OR IGNORE journal SET first = ?3, last = ?4, first_history = ?5,
                         last_history = ?6
                     WHERE execution = ?1 AND first = ?2",
                )?
                .execute([
                    integer(execution.0)?,
                    integer(*stored_first)?,
                    integer(right.first)?,
                    integer(right.last)?,
                    integer(right.first_history)?,
                    integer(right.last_history)?,
                ])?;
        }
    }
    Ok(())
}
