//! The threads that read, each with a connection of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::failure::Failure;
use crate::store::{StoreError, StoreFuture};

/// Reads that may wait; whoever comes later waits to be let in.
const QUEUE_MAX: usize = 1024;

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// Hands reads to whichever thread is free.
pub(super) struct Readers {
    /// `None` only while it is dropped, which tells the threads to end.
    queue: Option<mpsc::Sender<Read>>,
    threads: Vec<JoinHandle<()>>,
    place: Arc<str>,
}

impl Readers {
    pub(super) fn start(
        connections: Vec<Connection>,
        place: &Arc<str>,
    ) -> Result<Self, StoreError> {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut readers = Self {
            queue: Some(queue),
            threads: Vec::new(),
            place: Arc::clone(place),
        };
        for connection in connections {
            let waiting = Arc::clone(&waiting);
            let thread = thread::Builder::new()
                .name("stepwell-reader".to_owned())
                .spawn(move || serve(&connection, &waiting))
                .map_err(|error| readers.ended(error))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Reads from what is committed.
    pub(super) fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let read: Read = Box::new(move |connection| {
                // Nobody listens any more when the caller's future was dropped.
                if !reply.is_closed() {
                    let _ = reply.send(read(connection));
                }
            });
            let queue = self
                .queue
                .as_ref()
                .expect("the queue is there until the store is dropped");
            queue.send(read).await.map_err(|error| self.ended(error))?;
            let outcome = answer.await.map_err(|error| self.ended(error))?;
            outcome.map_err(|failure| failure.into_error(&self.place))
        })
    }

    /// A thread ends before the queue only if it panicked.
    fn ended(&self, error: impl std::fmt::Display) -> StoreError {
        let source = Arc::new(std::io::Error::other(format!(
            "a reader has ended: {error}"
        )));
        StoreError::Failed {
            place: Arc::clone(&self.place),
            source,
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.queue.take());
        for thread in self.threads.drain(..) {
            // A panic has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

fn serve(connection: &Connection, waiting: &Mutex<mpsc::Receiver<Read>>) {
    loop {
        // The lock is held while waiting, not while reading: one thread waits for the next read,
        // the others wait for their turn to wait.
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        match next {
            Some(read) => read(connection),
            None => return,
        }
    }
}
