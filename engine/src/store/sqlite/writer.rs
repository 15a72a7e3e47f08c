//! The one thread that writes, and how writes share a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::checkpoint::Checkpointer;
use super::failure::{Failure, leaves_doubt, store_error};
use crate::measure;
use crate::store::{Counters, StoreError, StoreFuture};

/// Writes that may wait: at some ten thousand in a second, for less than half of one. Of those who
/// come later some wait to be let in, and some are turned away.
const QUEUE_MAX: usize = 4096;

/// Writes in one transaction. It bounds how long the first of them waits for the last.
const BATCH_MAX: usize = 1024;

/// Hands writes to the thread that owns the connection.
pub(super) struct Writer {
    /// `None` only while it is dropped, which tells the thread to end.
    queue: Option<mpsc::Sender<Box<dyn Write>>>,
    thread: Option<JoinHandle<()>>,
    tally: Arc<Tally>,
    place: Arc<str>,
}

#[derive(Default)]
struct Tally {
    writes: AtomicU64,
    batches: AtomicU64,
    batch_max: AtomicU64,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        checkpointer: Checkpointer,
        place: &Arc<str>,
        opening: u64,
    ) -> Result<Self, StoreError> {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let tally = Arc::new(Tally::default());
        let mut committer = Committer {
            checkpointer,
            connection,
            place: Arc::clone(place),
            opening,
            tally: Arc::clone(&tally),
            broken: None,
        };
        let thread = thread::Builder::new()
            .name("stepwell-writer".to_owned())
            .spawn(move || committer.run(waiting))
            .map_err(|error| StoreError::Failed {
                place: Arc::clone(place),
                source: Arc::new(error),
            })?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            tally,
            place: Arc::clone(place),
        })
    }

    /// Makes a change and answers once it is durable.
    ///
    /// `change` checks before it writes, so that a refusal leaves nothing behind; it is called
    /// again when a transaction it shared had to be given up.
    pub(super) fn write<T: Send + 'static>(
        &self,
        change: impl Fn(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let write = Box::new(Pending {
                change,
                outcome: None,
                reply,
            });
            let queue = self
                .queue
                .as_ref()
                .expect("the queue is there until the store is dropped");
            queue.send(write).await.map_err(|error| self.ended(error))?;
            answer.await.map_err(|error| self.ended(error))?
        })
    }

    /// The same, unless too many writes wait: then it is refused at once, and nothing is kept.
    pub(super) fn offer<T: Send + 'static>(
        &self,
        change: impl Fn(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(async move {
            let full = |queue: &mpsc::Sender<_>| queue.capacity() == 0 && !queue.is_closed();
            if self.queue.as_ref().is_some_and(full) {
                metrics::counter!(measure::WRITES_REFUSED).increment(1);
                let place = Arc::clone(&self.place);
                return Err(StoreError::Overloaded { place });
            }
            self.write(change).await
        })
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            writes: self.tally.writes.load(Ordering::Relaxed),
            batches: self.tally.batches.load(Ordering::Relaxed),
            batch_max: self.tally.batch_max.load(Ordering::Relaxed),
        }
    }

    /// The thread ends before the queue only if it panicked.
    fn ended(&self, error: impl std::fmt::Display) -> StoreError {
        let source = Arc::new(std::io::Error::other(format!(
            "the writer has ended: {error}"
        )));
        StoreError::Failed {
            place: Arc::clone(&self.place),
            source,
        }
    }
}

/// Waits for the writes that were taken in.
impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic has been reported by the panic hook, and its writes have been answered.
            let _ = thread.join();
        }
    }
}

/// A write on its way through the queue.
trait Write: Send {
    /// Makes the change inside an open transaction and keeps the outcome. An error means that the
    /// transaction must be given up.
    fn apply(&mut self, connection: &Connection) -> Result<(), Arc<rusqlite::Error>>;

    /// Answers: with the outcome if it was committed, or with why it was not.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Pending<T, F> {
    change: F,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Write for Pending<T, F>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, Failure> + Send,
{
    fn apply(&mut self, connection: &Connection) -> Result<(), Arc<rusqlite::Error>> {
        self.outcome = Some(match (self.change)(connection) {
            Ok(value) => Ok(value),
            Err(Failure::Refused(error)) => Err(error),
            Err(Failure::Sqlite(error)) => return Err(error),
        });
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { outcome, reply, .. } = *self;
        let applied = "a write is applied before its transaction is committed";
        let answer = committed.and_then(|()| outcome.expect(applied));
        // Nobody listens any more when the caller's future was dropped.
        let _ = reply.send(answer);
    }
}

/// Owns the connection that writes.
struct Committer {
    // Declared before the connection: its thread ends first, so that the last connection to be
    // closed, which empties the log, is the writer's.
    checkpointer: Checkpointer,
    connection: Connection,
    place: Arc<str>,
    opening: u64,
    tally: Arc<Tally>,
    /// Why no more writes are taken.
    broken: Option<StoreError>,
}

/// Why a transaction was given up.
enum GivenUp {
    /// One of its writes failed; the others may be fine.
    ByWrite(Arc<rusqlite::Error>),
    /// It could not begin or commit.
    Whole(StoreError),
}

impl Committer {
    fn run(&mut self, mut waiting: mpsc::Receiver<Box<dyn Write>>) {
        let mut batch = Vec::new();
        while waiting.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
            // Whoever is about to write goes first where processors are busy, and shares the
            // commit; where they are not this costs nothing.
            thread::yield_now();
            while batch.len() < BATCH_MAX
                && let Ok(write) = waiting.try_recv()
            {
                batch.push(write);
            }
            #[expect(clippy::cast_precision_loss, reason = "they are few")]
            metrics::gauge!(measure::WRITES_WAITING).set(waiting.len() as f64);
            self.tally
                .writes
                .fetch_add(batch.len() as u64, Ordering::Relaxed);
            self.commit(std::mem::take(&mut batch));
            self.checkpointer.after_commit(&self.connection);
        }
        self.checkpointer.close(&self.connection);
    }

    /// Commits writes together, or each alone if one of them fails, and answers them.
    fn commit(&mut self, mut batch: Vec<Box<dyn Write>>) {
        let committed = match self.transact(&mut batch) {
            Ok(()) => Ok(()),
            Err(GivenUp::Whole(error)) => Err(error),
            Err(GivenUp::ByWrite(_)) if batch.len() > 1 => {
                for write in batch {
                    self.commit(vec![write]);
                }
                return;
            }
            Err(GivenUp::ByWrite(error)) => Err(store_error(error, &self.place)),
        };
        for write in batch {
            write.answer(committed.clone());
        }
    }

    fn transact(&mut self, batch: &mut [Box<dyn Write>]) -> Result<(), GivenUp> {
        if let Some(error) = &self.broken {
            return Err(GivenUp::Whole(error.clone()));
        }
        let begun = Instant::now();
        let done = self.begin().and_then(|()| {
            for write in batch.iter_mut() {
                write.apply(&self.connection).map_err(GivenUp::ByWrite)?;
            }
            let applied = Instant::now();
            self.execute("COMMIT")?;
            metrics::histogram!(measure::SYNC_SECONDS).record(applied.elapsed());
            Ok(())
        });
        match &done {
            Ok(()) => {
                self.tally.batches.fetch_add(1, Ordering::Relaxed);
                #[expect(clippy::cast_precision_loss, reason = "they are few")]
                metrics::histogram!(measure::COMMIT_WRITES).record(batch.len() as f64);
                metrics::histogram!(measure::COMMIT_SECONDS).record(begun.elapsed());
                metrics::counter!(measure::COMMITS).increment(1);
                self.tally
                    .batch_max
                    .fetch_max(batch.len() as u64, Ordering::Relaxed);
            }
            Err(given_up) => self.roll_back(given_up),
        }
        done
    }

    /// Begins a transaction, if nobody has opened the file since: the lock on the file is not the
    /// only thing that keeps two processes apart.
    fn begin(&self) -> Result<(), GivenUp> {
        self.execute("BEGIN IMMEDIATE")?;
        let current = self
            .connection
            .prepare_cached("SELECT opened FROM owner")
            .and_then(|mut statement| statement.query_row((), |row| row.get::<_, i64>(0)))
            .map_err(|error| GivenUp::Whole(store_error(Arc::new(error), &self.place)))?;
        let current = current.unsigned_abs();
        if current != self.opening {
            return Err(GivenUp::Whole(StoreError::OpenedByAnother {
                place: Arc::clone(&self.place),
                opening: self.opening,
                current,
            }));
        }
        Ok(())
    }

    fn execute(&self, sql: &str) -> Result<(), GivenUp> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(()))
            .map(drop)
            .map_err(|error| GivenUp::Whole(store_error(Arc::new(error), &self.place)))
    }

    /// Leaves no transaction open, and takes no more writes if the disk is in doubt.
    fn roll_back(&mut self, given_up: &GivenUp) {
        // SQLite has rolled back by itself after some errors.
        if !self.connection.is_autocommit()
            && let Err(GivenUp::Whole(error)) = self.execute("ROLLBACK")
        {
            self.broken = Some(error);
        }
        match given_up {
            GivenUp::ByWrite(error) if leaves_doubt(error) => {
                self.broken = Some(store_error(Arc::clone(error), &self.place));
            }
            GivenUp::Whole(error @ (StoreError::Failed { .. } | StoreError::Corrupt { .. })) => {
                self.broken = Some(error.clone());
            }
            GivenUp::ByWrite(_) | GivenUp::Whole(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use futures_util::future::join_all;
    use rusqlite::ffi;

    use super::*;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Remedy, Store};

    fn open(folder: &Path) -> SqliteStore {
        SqliteStore::open(&folder.join("test.db")).unwrap()
    }

    /// A change that adds a row and may fail after that.
    fn add(store: &SqliteStore, n: i64, failure: Option<std::ffi::c_int>) -> StoreFuture<'_, ()> {
        store.writer.write(move |connection| {
            connection.execute("INSERT INTO journal VALUES (?1, 1, 1, 1, 1, x'')", [n])?;
            match failure {
                None => Ok(()),
                Some(code) => {
                    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into())
                }
            }
        })
    }

    async fn rows(store: &SqliteStore) -> Vec<i64> {
        let sql = "SELECT execution FROM journal ORDER BY execution";
        let read = store.readers.read(move |connection| {
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map((), |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        read.await.unwrap()
    }

    #[tokio::test]
    async fn a_write_that_fails_half_way_fails_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let writes = (1..=20).map(|n| add(&store, n, (n == 7).then_some(ffi::SQLITE_CONSTRAINT)));
        let answers = join_all(writes).await;
        for (answer, n) in answers.into_iter().zip(1..) {
            assert_eq!(answer.is_ok(), n != 7, "{n}: {answer:?}");
        }
        let others: Vec<_> = (1..=20).filter(|n| *n != 7).collect();
        assert_eq!(rows(&store).await, others);
        add(&store, 7, None).await.unwrap();
    }

    #[tokio::test]
    async fn a_full_disk_is_said_and_the_store_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let limit = |pages: &'static str| {
            store.writer.write(move |connection| {
                connection
                    .query_row(pages, (), |_| Ok(()))
                    .map_err(Failure::from)
            })
        };
        limit("PRAGMA max_page_count = 1").await.unwrap();
        let large = store.writer.write(|connection| {
            let sql = "INSERT INTO journal VALUES (1, 1, 1, 1, 1, zeroblob(1000000))";
            Ok(connection.execute(sql, ())?)
        });
        let error = large.await.unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
        assert_eq!(error.remedy(), Remedy::Retry);
        limit("PRAGMA max_page_count = 1000000").await.unwrap();
        add(&store, 2, None).await.unwrap();
        assert_eq!(rows(&store).await, [2]);
    }

    #[tokio::test]
    async fn after_a_failed_disk_nothing_is_written_until_reopened() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        add(&store, 1, None).await.unwrap();
        let before = store.counters().batches;
        for failure in [Some(ffi::SQLITE_IOERR_FSYNC), None] {
            let error = add(&store, 2, failure).await.unwrap_err();
            assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
        }
        assert_eq!(store.counters().batches, before);
        assert_eq!(rows(&store).await, [1]);
        drop(store);
        let store = open(folder.path());
        add(&store, 2, None).await.unwrap();
        assert_eq!(rows(&store).await, [1, 2]);
    }

    #[tokio::test]
    async fn when_too_many_writes_wait_more_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        // The first write holds the thread up until all others stand in the queue.
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = std::sync::Mutex::new(Some(held));
        let first = store.writer.write(move |_| {
            let held = held.lock().unwrap().take();
            Ok(held.map(|held| held.recv().is_ok()))
        });
        let offers = (0..2 * QUEUE_MAX).map(|_| store.writer.offer(|_| Ok(())));
        let offering = async {
            let mut offers: Vec<_> = offers.collect();
            let mut refused = 0;
            // Each is polled once: it stands in the queue then, or has been refused.
            for offer in &mut offers {
                let polled = std::future::poll_fn(|context| {
                    std::task::Poll::Ready(offer.as_mut().poll(context))
                });
                if let std::task::Poll::Ready(answer) = polled.await {
                    let is_refused = matches!(answer, Err(StoreError::Overloaded { .. }));
                    assert!(is_refused, "{answer:?}");
                    refused += 1;
                }
            }
            release.send(()).unwrap();
            refused
        };
        let (_, refused) = futures_util::future::join(first, offering).await;
        // Before it was held up the thread may have taken out a batch, or nothing.
        assert!(
            (QUEUE_MAX - BATCH_MAX..=QUEUE_MAX + 1).contains(&refused),
            "{refused}"
        );
        add(&store, 1, None).await.unwrap();
    }

    #[tokio::test]
    async fn dropping_the_store_waits_for_what_was_taken_in() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let write = add(&store, 1, None);
        // Polled once, so that it is in the queue, and then given up.
        drop(futures_util::future::select(write, std::future::ready(())).await);
        drop(store);
        assert_eq!(rows(&open(folder.path())).await, [1]);
    }
}
