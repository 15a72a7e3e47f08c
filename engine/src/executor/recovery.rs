//! After a start: every open execution goes on where its journal ends.

use stepwell_interpreter::input::Input;

use crate::store::{ExecutionKey, StoreError};

use super::{Executor, Message};

/// Records read at once.
const PAGE: usize = 1_000;

impl Executor {
    /// Takes up every running execution: those with work under way are replayed at once, those
    /// that wait for a time get their timer, those that wait for somebody outside stay on disk.
    /// Returns how many there are.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be listed.
    pub(crate) async fn recover(&self) -> Result<usize, StoreError> {
        let now = self.now();
        let mut after = ExecutionKey(0);
        let mut count = 0;
        loop {
            let records = self.store().open_executions(after, PAGE).await?;
            let Some(last) = records.last() else {
                return Ok(count);
            };
            after = last.key;
            count += records.len();
            for record in records {
                match record.wake_at {
                    Some(wake_at) if wake_at > now => self.0.timers.set(wake_at, record.key),
                    Some(_) => {
                        self.post(
                            record.key,
                            Message {
                                input: Input::Continue,
                                done: None,
                            },
                        );
                    }
                    None => {}
                }
            }
        }
    }
}
