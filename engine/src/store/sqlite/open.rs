//! Opening a database file without doing harm to one that is not ours.
//!
//! The order matters: whoever holds the lock is alone with the file; the header is judged before
//! SQLite sees the file, because SQLite may repair what it opens.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::checkpoint::{Checkpointer, LOG_PAGES};
use super::failure::store_error;
use super::snapshot;
use crate::store::StoreError;

/// Marks a SQLite file as ours: the letters `SWdb`.
const APPLICATION_ID: i64 = 0x5357_6462;

/// What brings a database from each version to the next. Never edited after a release.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_executions_and_state_machines.sql"),
    include_str!("../migrations/0002_versions_and_aliases.sql"),
    include_str!("../migrations/0003_owners.sql"),
    include_str!("../migrations/0004_activities.sql"),
    include_str!("../migrations/0005_redrives.sql"),
    include_str!("../migrations/0006_map_runs.sql"),
    include_str!("../migrations/0007_deletions.sql"),
    include_str!("../migrations/0008_map_run_redrives.sql"),
    include_str!("../migrations/0009_journal_in_order_of_writing.sql"),
];

/// The version that the last migration leads to.
#[expect(
    clippy::cast_possible_wrap,
    reason = "`try_from` is not const, and they are few"
)]
const VERSION: i64 = MIGRATIONS.len() as i64;

/// Connections that read. Reads are short and their pages cached: two keep up with the writer.
const READERS: usize = 2;

/// How long to wait for a tool that holds the database, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the lock of a process may outlive it. An owner that is killed while it starts a command
/// leaves a child that holds the lock until it becomes the command, a moment later.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Pause before the lock is tried again.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// For new databases. Half as large, a commit writes more pages, each at a price of its own; twice as
/// large, a name that the caller made, whose place in its index is random, dirties too much.
const PAGE_BYTES: u32 = 8192;

/// Prepared statements kept by each connection: all there are.
const STATEMENTS_MAX: usize = 128;

/// A database that is open and ours.
pub(super) struct Opened {
    pub(super) ownership: Ownership,
    pub(super) place: Arc<str>,
    /// How often the file has been opened, this time included.
    pub(super) opening: u64,
    pub(super) writer: Connection,
    /// Writes the log back beside the writer.
    pub(super) checkpointer: Checkpointer,
    pub(super) readers: Vec<Connection>,
}

/// What makes a database ours, for longer than any connection to it is open.
pub(super) struct Ownership {
    /// The database, to bring to the disk what was written into it. Closing it ends every lock that
    /// this process has on the file, those of the connections too.
    _database: Arc<File>,
    _lock: FileLock,
}

/// Keeps every other owner out for as long as it lives. The operating system ends it with the
/// process. The file stays, because removing it would let two owners lock two files of one name.
struct FileLock {
    _file: File,
}

/// Opens or creates the database at `path` and becomes its owner.
pub(super) fn open(path: &Path) -> Result<Opened, StoreError> {
    let place: Arc<str> = format!("database {}", path.display()).into();
    let io_error = |error: io::Error| from_io(error, &place);
    let sqlite_error = |error: rusqlite::Error| store_error(Arc::new(error), &place);

    let path = resolve(path).map_err(io_error)?;
    let lock_path = beside(&path, ".lock");
    // Closing a file ends every lock that this process has on it, SQLite's too; so the header is
    // read only when nobody else here can have the file open. Before there is a lock file nobody
    // has; reading it then spares a file that is not ours a lock beside it.
    if !lock_path.exists() {
        check_file(&path, &place)?;
    }
    let lock = FileLock::take(&lock_path, &place)?;
    check_file(&path, &place)?;
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    let database = Arc::new(options.open(&path).map_err(io_error)?);
    let ownership = Ownership {
        _database: Arc::clone(&database),
        _lock: lock,
    };

    let mut writer = connect(&path, OpenFlags::SQLITE_OPEN_CREATE).map_err(sqlite_error)?;
    if writer.is_readonly("main").map_err(sqlite_error)? {
        return Err(StoreError::ReadOnly { place });
    }
    migrate(&mut writer, &place)?;
    configure(&writer).map_err(sqlite_error)?;
    write_back(&writer).map_err(sqlite_error)?;
    let opening = take_over(&writer).map_err(sqlite_error)?;
    let readers = (0..READERS)
        .map(|_| {
            let reader = connect(&path, OpenFlags::empty())?;
            reader.pragma_update(None, "query_only", true)?;
            Ok(reader)
        })
        .collect::<Result<_, _>>()
        .map_err(sqlite_error)?;
    let beside = connect(&path, OpenFlags::empty()).map_err(sqlite_error)?;
    let checkpointer = Checkpointer::start(&mut writer, beside, database, LOG_PAGES);
    let checkpointer = checkpointer.map_err(|error| from_io(error, &place))?;
    Ok(Opened {
        ownership,
        place,
        opening,
        writer,
        checkpointer,
        readers,
    })
}

/// As [`open`], but makes no new database.
pub(super) fn open_existing(path: &Path) -> Result<Opened, StoreError> {
    let place = || format!("database {}", path.display()).into();
    match fs::metadata(path) {
        Err(error) => Err(from_io(error, &place())),
        Ok(metadata) if metadata.len() == 0 => Err(StoreError::NotADatabase { place: place() }),
        Ok(_) => open(path),
    }
}

/// Opens a database that is ours, of this version, and need not be owned by us, to read it.
pub(super) fn to_read(path: &Path) -> Result<(Connection, Arc<str>), StoreError> {
    let place: Arc<str> = format!("database {}", path.display()).into();
    let sqlite_error = |error: rusqlite::Error| store_error(Arc::new(error), &place);
    let path = fs::canonicalize(path).map_err(|error| from_io(error, &place))?;
    check_file(&path, &place)?;
    let connection = connect(&path, OpenFlags::empty()).map_err(sqlite_error)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(sqlite_error)?;
    // Writing the log back is for the owner, who knows whether the disk can be trusted.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(sqlite_error)?;
    let version = number(&connection, "PRAGMA user_version").map_err(sqlite_error)?;
    check_version(version, &place)?;
    snapshot::refuse_unreadable(&connection, &place)?;
    Ok((connection, place))
}

impl FileLock {
    fn take(path: &Path, place: &Arc<str>) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| from_io(error, place))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => {
                    thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::InUse {
                        place: Arc::clone(place),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(from_io(error, place)),
            }
        }
    }
}

/// One name for each file, whatever links lead to it, so that one lock stands beside it.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        resolved => return resolved,
    }
    let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    Ok(fs::canonicalize(folder)?.join(name))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Judges a file by its first bytes; one that is missing or empty is to become a database.
/// The offsets are those of SQLite's file format.
fn check_file(path: &Path, place: &Arc<str>) -> Result<(), StoreError> {
    const HEADER_LENGTH: u64 = 100;
    let place = || Arc::clone(place);
    let io_error = |error| from_io(error, &place());
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        metadata => metadata.map_err(io_error)?,
    };
    if !metadata.is_file() {
        return Err(StoreError::NotADatabase { place: place() });
    }
    let mut header = Vec::new();
    let file = File::open(path).map_err(io_error)?;
    file.take(HEADER_LENGTH)
        .read_to_end(&mut header)
        .map_err(io_error)?;
    if !header.is_empty() {
        let number = |at: usize| {
            let bytes = header.get(at..at + 4)?.try_into().ok()?;
            Some(i64::from(u32::from_be_bytes(bytes)))
        };
        let (Some(version), Some(application_id)) = (number(60), number(68)) else {
            return Err(StoreError::NotADatabase { place: place() });
        };
        if !header.starts_with(b"SQLite format 3\0") {
            return Err(StoreError::NotADatabase { place: place() });
        }
        if application_id != APPLICATION_ID {
            return Err(StoreError::ForeignDatabase { place: place() });
        }
        check_version(version, &place())?;
    }
    // Somebody who may write everywhere is stopped too: the file says that it is to be kept.
    if metadata.permissions().readonly() {
        return Err(StoreError::ReadOnly { place: place() });
    }
    Ok(())
}

fn check_version(found: i64, place: &Arc<str>) -> Result<(), StoreError> {
    if found > VERSION {
        let known = VERSION;
        return Err(StoreError::NewerVersion {
            place: Arc::clone(place),
            found,
            known,
        });
    }
    Ok(())
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Without it the values of parameters may choose the plan: then a statement is compiled anew each
    // time that it is run, which costs more than running it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Brings the schema to the present version, a new file from nothing.
///
/// A new file gets its mark and its tables in one transaction and before the write-ahead log is
/// turned on, so that the file's own header tells whose it is, whatever happens afterwards.
fn migrate(connection: &mut Connection, place: &Arc<str>) -> Result<(), StoreError> {
    let sqlite_error = |error: rusqlite::Error| store_error(Arc::new(error), place);
    let version = number(connection, "PRAGMA user_version").map_err(sqlite_error)?;
    check_version(version, place)?;
    if version == 0 {
        let tables = number(connection, "SELECT count(*) FROM sqlite_schema");
        if tables.map_err(sqlite_error)? != 0 {
            return Err(StoreError::ForeignDatabase {
                place: Arc::clone(place),
            });
        }
        connection
            .pragma_update(None, "page_size", PAGE_BYTES)
            .map_err(sqlite_error)?;
    }
    let applied = usize::try_from(version).unwrap_or(0);
    if applied == MIGRATIONS.len() {
        return Ok(());
    }
    let mut apply = || {
        let transaction = connection.transaction()?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        for migration in &MIGRATIONS[applied..] {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()
    };
    apply().map_err(sqlite_error)
}

fn configure(writer: &Connection) -> rusqlite::Result<()> {
    let mode: String =
        writer.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        // Without shared memory, as on some network drives, reads would wait for writes.
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_PROTOCOL),
            Some("this file system does not support a write-ahead log".to_owned()),
        ));
    }
    writer.pragma_update(None, "synchronous", "FULL")?;
    // A log that grew, while somebody read for long, shrinks back to this.
    writer.pragma_update(
        None,
        "journal_size_limit",
        i64::from(LOG_PAGES * PAGE_BYTES) * 2,
    )?;
    // Kibibytes, said by the minus sign.
    writer.pragma_update(None, "cache_size", -64 * 1024)?;
    writer.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// Writes the log that an earlier owner left back into the file, and begins it anew.
///
/// What is read from the log need not be on the disk: when a write to disk has failed once, the
/// operating system takes its pages for written, and no later one brings them there. In the file
/// they are written again. Whoever reads the file all the while keeps the log from beginning anew;
/// a start does not fail for that.
fn write_back(writer: &Connection) -> rusqlite::Result<()> {
    writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
}

/// Ends whatever those who had the file open before still held: the lock says that they are gone.
fn take_over(writer: &Connection) -> rusqlite::Result<u64> {
    // Not with `RETURNING`: its row comes before the commit, whose failure would go unnoticed.
    writer.execute_batch(
        "BEGIN IMMEDIATE;
         DELETE FROM lease;
         DELETE FROM letter WHERE answer IS NOT NULL;
         UPDATE owner SET opened = opened + 1;
         COMMIT;",
    )?;
    Ok(number(writer, "SELECT opened FROM owner")?.unsigned_abs())
}

fn number(connection: &Connection, sql: &str) -> rusqlite::Result<i64> {
    connection.query_row(sql, (), |row| row.get(0))
}

fn from_io(error: io::Error, place: &Arc<str>) -> StoreError {
    let place = Arc::clone(place);
    let kind = error.kind();
    if matches!(
        kind,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    ) {
        StoreError::ReadOnly { place }
    } else if matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        StoreError::Full {
            place,
            source: Arc::new(error),
        }
    } else {
        StoreError::Failed {
            place,
            source: Arc::new(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn statements_are_compiled_once() {
        let folder = tempfile::tempdir().unwrap();
        let opened = open(&folder.path().join("test.db")).unwrap();
        let sql = "SELECT last FROM journal WHERE execution = ?1 AND first > ?2
                   ORDER BY first DESC LIMIT ?2";
        let mut statement = opened.writer.prepare(sql).unwrap();
        for number in 0..5 {
            assert!(!statement.exists([number, number + 1]).unwrap());
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
