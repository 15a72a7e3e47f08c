//! Writing the log back into the file, beside the thread that writes.
//!
//! A checkpoint copies thousands of pages and waits for the disk; whoever commits meanwhile must
//! not wait for it. So a thread of its own does the bulk, from a connection of its own, until
//! little is left. The writer itself writes that back, after which SQLite begins the log anew.
//!
//! SQLite notes pages as written back that it has not synced, if others came into the log
//! meanwhile, and syncs the file with the last of them. A sync that fails is the end of all that
//! was to be synced: the operating system takes it for written, and SQLite does not write it again.
//! So each part is synced here before the next one; if that fails, the log is not written back any
//! more, and stays.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// After so many pages in the log they are written back: often enough to keep the log's size at
/// bay, rarely enough that a page is mostly written back once for many commits.
pub(super) const LOG_PAGES: u32 = 4096;

/// The part of a round that is left to the writer: it is through with that in a few milliseconds.
const REST_OF: u32 = 16;

/// How often the thread goes after what was written meanwhile. A writer that is faster than the
/// thread is held up by the rest, so that the log does not grow for ever.
const ROUNDS_MAX: u32 = 4;

/// Writes the log back for the writer.
pub(super) struct Checkpointer {
    /// `None` only while it is dropped, which tells the thread to end.
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Pages in the log that begin a round.
    pages_max: u32,
    log: Arc<Log>,
}

/// What the two threads know of the log.
struct Log {
    /// The database that it is written back into.
    database: Arc<File>,
    /// Pages in it after the last commit.
    pages: AtomicU32,
    /// The bulk has been written back, and the rest has not.
    has_rest: AtomicBool,
    /// Some of what was written back may never reach the disk: nothing but the log has it for sure.
    is_in_doubt: AtomicBool,
}

impl Checkpointer {
    /// Watches the log of `writer`, which is written back from `pages_max` pages on; `connection`
    /// is another one to the same file, `database`.
    pub(super) fn start(
        writer: &mut Connection,
        connection: Connection,
        database: Arc<File>,
        pages_max: u32,
    ) -> std::io::Result<Self> {
        let log = Arc::new(Log {
            database,
            pages: AtomicU32::new(0),
            has_rest: AtomicBool::new(false),
            is_in_doubt: AtomicBool::new(false),
        });
        let seen = Arc::clone(&log);
        // In place of SQLite's own, which has the writer do all of it within a commit.
        let watched = writer.wal_hook(Some(move |_: &mut _, pages: i32| {
            seen.pages.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }));
        watched.map_err(std::io::Error::other)?;
        let (wake, woken) = sync_channel(1);
        let of_thread = Arc::clone(&log);
        let thread = thread::Builder::new()
            .name("stepwell-checkpoint".to_owned())
            .spawn(move || run(&connection, pages_max / REST_OF, &woken, &of_thread))?;
        Ok(Self {
            wake: Some(wake),
            thread: Some(thread),
            pages_max,
            log,
        })
    }

    /// To be called by the writer after a commit, once it has answered.
    pub(super) fn after_commit(&self, writer: &Connection) {
        if self.log.pages.load(Ordering::Relaxed) < self.pages_max {
            return;
        }
        if self.log.has_rest.swap(false, Ordering::Acquire) {
            self.log.write_back(writer);
            // The next commit tells whether the log began anew. It did not if somebody still read
            // from it: then the next round is due at once.
            self.log.pages.store(0, Ordering::Relaxed);
        } else if let Some(wake) = &self.wake {
            // It is at work already if it has not taken the last message.
            let _ = wake.try_send(());
        }
    }

    /// Ends the thread. To be called before the last connection is closed, which writes the log back
    /// once more.
    pub(super) fn close(&mut self, last: &Connection) {
        self.end();
        if self.log.is_in_doubt.load(Ordering::Acquire)
            && let Err(error) = last.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        {
            tracing::error!(%error, "the log may be lost, and with it what only the log is sure to have");
        }
    }

    fn end(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // A panic has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(connection: &Connection, rest_pages: u32, woken: &Receiver<()>, log: &Log) {
    while woken.recv().is_ok() {
        if log.has_rest.load(Ordering::Acquire) {
            continue;
        }
        for _ in 0..ROUNDS_MAX {
            let written = log.write_back(connection);
            if log.pages.load(Ordering::Relaxed).saturating_sub(written) <= rest_pages {
                break;
            }
        }
        log.has_rest.store(true, Ordering::Release);
    }
}

impl Log {
    /// Writes back what nobody reads from the log any more, and gives the number of its pages that
    /// are in the file now. A failure loses nothing: the log stays, and a disk that fails is noticed
    /// by the next commit.
    fn write_back(&self, connection: &Connection) -> u32 {
        if self.is_in_doubt.load(Ordering::Acquire) {
            return 0;
        }
        let written = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| row.get(2));
        let written = written.unwrap_or_else(|error| {
            tracing::warn!(%error, "the log could not be written back into the database");
            0
        });
        if let Err(error) = self.database.sync_data() {
            self.is_in_doubt.store(true, Ordering::Release);
            tracing::warn!(
                %error,
                "the disk may have lost what was written back from the log: it is kept, and grows, until the next start"
            );
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn open(file: &Path) -> Connection {
        let connection = Connection::open(file).unwrap();
        let wal = connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()));
        wal.unwrap();
        connection
    }

    fn start(writer: &mut Connection, file: &Path, pages_max: u32) -> Checkpointer {
        let database = Arc::new(File::open(file).unwrap());
        Checkpointer::start(writer, open(file), database, pages_max).unwrap()
    }

    fn pages_in_the_log(file: &Path) -> u64 {
        let log = file.with_extension("db-wal");
        std::fs::metadata(log).unwrap().len() / 4096
    }

    #[test]
    fn the_log_begins_anew_while_the_writer_goes_on() {
        const PAGES_MAX: u32 = 64;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let mut writer = open(&file);
        writer.execute_batch("CREATE TABLE t (a)").unwrap();
        let checkpointer = start(&mut writer, &file, PAGES_MAX);
        let mut written = 0;
        // Until the file of the log is much shorter than what went through it.
        while written < 2_000 || pages_in_the_log(&file) * 4 > written {
            let sql = "INSERT INTO t VALUES (zeroblob(32768))";
            writer.execute(sql, ()).unwrap();
            checkpointer.after_commit(&writer);
            written += 8;
            assert!(written < 1_000_000, "the log never began anew");
        }
        drop(checkpointer);
        let rows: i64 = writer
            .query_row("SELECT count(*) FROM t", (), |row| row.get(0))
            .unwrap();
        assert_eq!(rows.unsigned_abs(), written / 8);
    }

    #[cfg(unix)]
    #[test]
    fn a_log_that_may_be_alone_with_its_data_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let mut writer = open(&file);
        writer.execute_batch("CREATE TABLE t (a)").unwrap();
        // Nothing that can be synced.
        let broken = Arc::new(File::open("/dev/null").unwrap());
        let mut checkpointer = Checkpointer::start(&mut writer, open(&file), broken, 16).unwrap();
        let mut written = 0;
        while written < 4_000 {
            let sql = "INSERT INTO t VALUES (zeroblob(32768))";
            writer.execute(sql, ()).unwrap();
            checkpointer.after_commit(&writer);
            written += 8;
        }
        // It may have begun anew once, after the first part of it.
        assert!(checkpointer.log.is_in_doubt.load(Ordering::Acquire));
        assert!(pages_in_the_log(&file) > written / 2);
        let before = pages_in_the_log(&file);
        checkpointer.close(&writer);
        drop((checkpointer, writer));
        assert_eq!(pages_in_the_log(&file), before);
        let rows: i64 = open(&file)
            .query_row("SELECT count(*) FROM t", (), |row| row.get(0))
            .unwrap();
        assert_eq!(rows.unsigned_abs(), written / 8);
    }

    #[test]
    fn a_reader_delays_the_log_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let mut writer = open(&file);
        writer.execute_batch("CREATE TABLE t (a)").unwrap();
        let checkpointer = start(&mut writer, &file, 16);
        let reader = open(&file);
        reader
            .execute_batch("BEGIN; SELECT count(*) FROM t")
            .unwrap();
        let write = |count: u32| {
            for _ in 0..count {
                let sql = "INSERT INTO t VALUES (zeroblob(32768))";
                writer.execute(sql, ()).unwrap();
                checkpointer.after_commit(&writer);
            }
            pages_in_the_log(&file)
        };
        let before = write(200);
        reader.execute_batch("COMMIT").unwrap();
        // What was read is written back now, and the log does not grow for ever.
        let mut rounds = 0;
        while write(20) > before + 400 + rounds {
            rounds += 1;
            assert!(rounds < 1_000, "the log never began anew");
        }
    }
}
