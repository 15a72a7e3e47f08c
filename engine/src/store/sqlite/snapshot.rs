//! A database as it is at one moment, for tools: read beside its owner, who goes on meanwhile.

use std::fs::{self, File};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};
use stepwell_interpreter::Timestamp;

use super::executions::{integer, read_record, unsigned};
use super::failure::{Failure, store_error};
use super::journal::{CHUNK_COLUMNS, Step, read_chunk, take_up_to};
use super::{activities, map_runs, open, state_machines};
use crate::store::map_run::MapRunKey;
use crate::store::{
    Chunk, ExecutionKey, ExecutionRecord, Revision, RevisionKey, StoreError, WaitingTask,
};

/// The statuses that there are, as the first migration lists them.
const STATUSES: RangeInclusive<i64> = 0..=5;

/// As [`COLUMNS`](super::executions::COLUMNS), but a status that there is not is read as aborted or as running, by whether the
/// execution is said to have stopped.
const READABLE_COLUMNS: &str = "key, state_machine, revision, name,
    iif(status BETWEEN 0 AND 5, status, iif(stopped_at IS NULL, 0, 4)),
    started_at, stopped_at, wake_at, details, owner,
    map_run, child_index, child_items";

/// A record as it lies in the database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stored {
    /// The record.
    pub record: ExecutionRecord,
    /// Its status, if there is no such status; the record then says aborted if the execution is
    /// said to have stopped, or else running.
    pub unknown_status: Option<i64>,
}

/// A database file, read and never written. Everything is seen as it was when the first read
/// began. Calls block while they read the disk.
pub struct Snapshot {
    connection: Connection,
    place: Arc<str>,
}

impl Snapshot {
    /// Opens a database, whether or not somebody owns it. A process that owns the database itself
    /// must not: closing the file would end its lock.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: there is no such file, it is none of Stepwell's, or of another version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let (connection, place) = open::to_read(path)?;
        Self::of(connection, &place)
    }

    /// What a connection reads.
    pub(super) fn of(connection: Connection, place: &Arc<str>) -> Result<Self, StoreError> {
        let place = Arc::clone(place);
        let snapshot = Self { connection, place };
        snapshot.run(|connection| {
            // Whoever closes a log last writes it back; that is the owner's to do.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            Ok(connection.execute_batch("BEGIN")?)
        })?;
        Ok(snapshot)
    }

    /// What SQLite finds wrong with the file: a line each, none if all is well.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be read at all.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let lines: Vec<String> = self.run(|connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check")?;
            let rows = statement.query_map((), |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// At most `limit` executions with keys above `after`, in the order of their keys.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be read.
    pub fn executions(&self, after: ExecutionKey, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let after = i64::try_from(after.0).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.run(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {READABLE_COLUMNS}, status FROM execution
                 WHERE key > ?1 ORDER BY key LIMIT ?2"
            ))?;
            let rows = statement.query_map([after, limit], |row| {
                let status: i64 = row.get(13)?;
                Ok(Stored {
                    record: read_record(row)?,
                    unknown_status: Some(status).filter(|status| !STATUSES.contains(status)),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The keys in the journal that no execution has.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be read.
    pub fn journals_without_record(&self) -> Result<Vec<ExecutionKey>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT execution FROM journal INDEXED BY journal_by_execution
                 WHERE NOT EXISTS (SELECT 1 FROM execution WHERE key = journal.execution)
                 ORDER BY execution",
            )?;
            let rows = statement.query_map((), |row| Ok(ExecutionKey(unsigned(row, 0)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The chunks of a journal that are said to begin after `after`, in that order and whatever
    /// else is said of them: as many as `bytes_max` allows, but at least one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be read.
    pub fn chunks(
        &self,
        key: ExecutionKey,
        after: u64,
        bytes_max: usize,
    ) -> Result<Vec<Chunk>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {CHUNK_COLUMNS} FROM journal INDEXED BY journal_by_execution
                 WHERE execution = ?1 AND first > ?2 ORDER BY first"
            ))?;
            let after = i64::try_from(after).unwrap_or(i64::MAX);
            let rows = statement.query_map([integer(key.0)?, after], read_chunk)?;
            take_up_to(bytes_max, rows, |_| Step::Take)
        })
    }

    /// The revision that an execution was started with: that of a version, or else the one that its
    /// state machine had then.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be read.
    pub fn revision_at(
        &self,
        state_machine: &str,
        version: Option<u64>,
        at: Timestamp,
    ) -> Result<Option<RevisionKey>, StoreError> {
        let version = version.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        self.run(|connection| {
            let mut statement = connection.prepare_cached(
                "WITH machine AS (
                     SELECT key FROM state_machine WHERE name = ?1 AND created_at <= ?3
                     ORDER BY key DESC LIMIT 1)
                 SELECT ifnull(
                     (SELECT revision FROM version
                      WHERE state_machine = (SELECT key FROM machine) AND number = ?2),
                     (SELECT key FROM revision
                      WHERE state_machine = (SELECT key FROM machine) AND created_at <= ?3
                      ORDER BY created_at DESC, key DESC LIMIT 1))",
            )?;
            let found: Option<i64> = statement
                .query_row(params![state_machine, version, at.milliseconds()], |row| {
                    row.get(0)
                })?;
            Ok(found.map(|key| RevisionKey(key.unsigned_abs())))
        })
    }

    /// Every task that waits for a worker of an activity, in the order of their executions.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be read.
    pub fn waiting_tasks(&self) -> Result<Vec<(ExecutionKey, WaitingTask)>, StoreError> {
        self.run(activities::all_waiting)
    }

    /// The revision with this key.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be read.
    pub fn revision(&self, key: RevisionKey) -> Result<Option<Revision>, StoreError> {
        self.run(|connection| state_machines::revision(connection, key))
    }

    /// The Map Runs whose counts are not those of their children.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be read.
    pub fn miscounted_map_runs(&self) -> Result<Vec<(MapRunKey, String)>, StoreError> {
        self.run(map_runs::miscounted)
    }

    /// Copies the database into a new file, which is on the disk when this answers. Gives the
    /// copy's size in bytes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database cannot be read or the copy not be written; a copy that was
    /// begun is removed.
    pub fn copy_to(self, copy: &Path) -> Result<u64, StoreError> {
        let failed = |error: std::io::Error| StoreError::Failed {
            place: format!("copy {}", copy.display()).into(),
            source: Arc::new(error),
        };
        // SQLite would take an empty file for a place to copy to; a backup overwrites nothing.
        File::create_new(copy).map_err(failed)?;
        let copied = self.run(|connection| {
            // The copy counts as a write.
            connection.execute_batch("COMMIT; PRAGMA query_only = FALSE")?;
            let target = copy.to_string_lossy();
            connection.execute("VACUUM INTO ?1", [target.as_ref()])?;
            Ok(())
        });
        // SQLite does not wait for the disk here.
        let written = copied.and_then(|()| {
            let file = File::open(copy).map_err(failed)?;
            file.sync_all().map_err(failed)?;
            if let Some(folder) = copy.parent().filter(|folder| folder.is_dir()) {
                File::open(folder)
                    .and_then(|folder| folder.sync_all())
                    .map_err(failed)?;
            }
            Ok(file.metadata().map_err(failed)?.len())
        });
        if written.is_err() {
            let _ = fs::remove_file(copy);
        }
        written
    }

    /// Which database it is.
    pub(super) fn place(&self) -> &Arc<str> {
        &self.place
    }

    pub(super) fn run<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        read(&self.connection).map_err(|failure| failure.into_error(&self.place))
    }
}

/// Shows that the file can be read as ours.
pub(super) fn refuse_unreadable(
    connection: &Connection,
    place: &Arc<str>,
) -> Result<(), StoreError> {
    let read: rusqlite::Result<i64> =
        connection.query_row("SELECT count(*) FROM owner", (), |row| row.get(0));
    read.map(drop)
        .map_err(|error| store_error(Arc::new(error), place))
}
