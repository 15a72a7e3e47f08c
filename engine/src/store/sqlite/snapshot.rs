//! A database as it is at one moment, for tools: read beside its owner, who goes on meanwhile.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::failure::{Failure, store_error};
use super::{activities, executions, open, state_machines};
use crate::store::{
    Chunk, ExecutionKey, ExecutionRecord, Revision, RevisionKey, StoreError, WaitingTask,
};

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
    pub fn executions(
        &self,
        after: ExecutionKey,
        limit: usize,
    ) -> Result<Vec<ExecutionRecord>, StoreError> {
        self.run(|connection| executions::all(connection, after, limit))
    }

    /// The journal from the chunk that holds sequence number `from`, as
    /// [`Store::journal`](crate::store::Store::journal) gives it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be read.
    pub fn journal(
        &self,
        key: ExecutionKey,
        from: u64,
        bytes_max: usize,
    ) -> Result<Vec<Chunk>, StoreError> {
        self.run(|connection| executions::journal(connection, key, from, bytes_max))
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

    fn run<T>(
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
