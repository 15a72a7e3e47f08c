//! Redrive: an execution that has ended comes back.
//!
//! The redrive is written down here, in the place of the driver that the execution does not have;
//! then a driver goes on with it. So nobody else writes to its journal meanwhile.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use stepwell_interpreter::event::Event;
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Execution, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::store::{Append, Claim, ExecutionKey, ExecutionRecord, Redrive, Remedy, StoreError};

use super::{Executor, LoadError, activities, driver, go_live, lock, named_by, redrive_of};

/// What became of a redrive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Redriven {
    /// The execution runs again since then. The request may have been carried out before.
    At(Timestamp),
    /// The execution runs, or somebody else has it in hands: look again how it stands.
    Moved,
    /// The execution has to stay as it is.
    Refused,
}

/// How long after its end an execution can be redriven.
const REDRIVABLE_FOR: Duration = Duration::from_hours(14 * 24);

/// How long an execution may be open, all its attempts together.
const OPEN_MAX: Duration = Duration::from_hours(365 * 24);

/// What is said of an execution whose history has no room for a redrive.
pub(crate) const HISTORY_LIMIT: &str = "Execution history event limit exceeded";

impl Executor {
    /// Why an execution that ended without success has to stay as it is; `None` if it has not.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when its journal cannot be read.
    pub(crate) async fn why_not_redrivable(
        &self,
        record: &ExecutionRecord,
    ) -> Result<Option<&'static str>, StoreError> {
        let Some(stopped_at) = record.stopped_at else {
            return Ok(None);
        };
        let last = self.store().last_chunk(record.key).await?;
        let events = last.map_or(0, |chunk| chunk.last_history);
        if events.saturating_add(2) > self.limits().history_events_max {
            return Ok(Some(HISTORY_LIMIT));
        }
        let (begun_at, before) = match Redrive::read(record.details.as_deref()) {
            Some(redrive) => (redrive.at, redrive.open_before_milliseconds),
            None => (record.started_at, 0),
        };
        let open = stopped_at
            .since(begun_at)
            .saturating_add(Duration::from_millis(before));
        if open >= OPEN_MAX {
            return Ok(Some("Execution has exceeded the max execution time"));
        }
        if self.now().since(stopped_at) > REDRIVABLE_FOR {
            return Ok(Some("Execution redrivable period exceeded"));
        }
        Ok(None)
    }

    /// Brings an execution back that has ended without success. It is durable when this answers,
    /// and once begun it does not depend on the caller.
    ///
    /// # Errors
    ///
    /// [`LoadError`] when its journal cannot be read, or cannot be written.
    pub(crate) async fn redrive(
        &self,
        key: ExecutionKey,
        client_token: Option<Arc<str>>,
    ) -> Result<Redriven, LoadError> {
        let (inbox, messages) = mpsc::unbounded_channel();
        let (answer, redriven) = oneshot::channel();
        let executor = self.clone();
        let own_inbox = inbox.clone();
        let redriving = async move {
            let begun = AssertUnwindSafe(begin(&executor, key, client_token)).catch_unwind();
            let Ok(begun) = begun.await else {
                tracing::error!(execution.key = key.0, "a redrive panicked");
                executor.abandon(key);
                return;
            };
            let execution = match begun {
                Ok((answered, begun)) => {
                    let execution = begun.map(|(execution, events)| {
                        executor.committed(key, &execution, &events);
                        executor.enqueue(key, &executor.waiting(&execution));
                        execution
                    });
                    let _ = answer.send(Ok(answered));
                    execution
                }
                Err(error) => {
                    let _ = answer.send(Err(error));
                    None
                }
            };
            // Also when there is nothing to do: whoever has written to the inbox gets an answer.
            driver::drive(executor, key, execution, own_inbox, messages).await;
        };
        let is_free = {
            let mut live = lock(&self.0.live);
            let is_free = !live.contains_key(&key);
            if is_free {
                go_live(&mut live, key, inbox, redriving);
            }
            is_free
        };
        if !is_free {
            // Answered once whoever has it is through with what they do now.
            self.send(key, Input::Continue).await;
            return Ok(Redriven::Moved);
        }
        redriven.await.unwrap_or(Ok(Redriven::Moved))
    }

    /// When the request of this token redrove the execution, if that is remembered.
    ///
    /// # Errors
    ///
    /// [`LoadError`] when its journal cannot be read.
    pub(crate) async fn redriven_at(
        &self,
        record: &ExecutionRecord,
        client_token: &str,
    ) -> Result<Option<Timestamp>, LoadError> {
        let execution = driver::replay(self, record).await?;
        let redrives = execution.redrives();
        Ok(redrives.and_then(|redrives| redrives.of_token(client_token, self.now())))
    }
}

/// An execution that runs again, and the events with which it does.
type Begun = (Execution, Vec<Event>);

/// Redrives an execution and writes that down.
async fn begin(
    executor: &Executor,
    key: ExecutionKey,
    client_token: Option<Arc<str>>,
) -> Result<(Redriven, Option<Begun>), LoadError> {
    let store = executor.store();
    let epoch = executor.epoch();
    if let Claim::HeldBy(_) = store.owners().claim(epoch, key, executor.now()).await? {
        return Ok((Redriven::Moved, None));
    }
    // Read once it is ours: so it says what another owner did last.
    let record = store.execution(key).await?.ok_or(LoadError::NoRecord)?;
    if record.stopped_at.is_none() {
        return Ok((Redriven::Moved, None));
    }
    let mut execution = driver::replay(executor, &record).await?;
    let now = executor.now();
    let known = client_token.as_ref().and_then(|token| {
        let redrives = execution.redrives();
        redrives.and_then(|redrives| redrives.of_token(token, now))
    });
    if let Some(at) = known {
        return Ok((Redriven::At(at), None));
    }
    let activities = named_by(execution.machine());
    execution.set_absent_activities(executor.absent_activities(&activities).await?);
    let input = Input::Redrive { client_token };
    let events = execution.handle(input, now, &mut executor.chance());
    let Some(redrive) = redrive_of(&execution).filter(|_| !events.is_empty()) else {
        return Ok((Redriven::Refused, None));
    };
    let Some(step) = executor.step(key, &execution, &events) else {
        return Ok((Redriven::Refused, None));
    };
    // What has ended has no task in a queue.
    let (queue, _) = activities::changes(&[], &executor.waiting(&execution));
    let append = Append {
        details: Some(redrive.write(record.details.as_deref())),
        queue,
        ..step
    };
    match store.append(append).await {
        Ok(()) => Ok((Redriven::At(redrive.at), Some((execution, events)))),
        Err(error) if error.remedy() == Remedy::ReadAgain => Ok((Redriven::Moved, None)),
        Err(error) => Err(error.into()),
    }
}
