//! Express children of Map Runs: executions with a record and a journal, whose runs are in memory.
//!
//! The journal of such a child has its beginning, and its end once it has one. What happened in
//! between nobody asks for. A child whose process ended before it did is run again from its
//! beginning: as on AWS, it is run at least once, and counted once.

use std::sync::Arc;

use stepwell_interpreter::Timestamp;
use stepwell_interpreter::event::{
    Event, EventKind, ExecutionStarted, FlowId, HistoryId, HistoryPlace, Sequence,
};
use stepwell_interpreter::execution::Status;

use crate::executor::{Executor, chunk, driver, standing};
use crate::store::{Append, Chunk, ExecutionKey, Remedy, StoreError};

/// A child, and where its journal goes on.
pub(in crate::executor) struct Child {
    /// Its key.
    pub(in crate::executor) key: ExecutionKey,
    /// The ARN of its Map Run.
    pub(in crate::executor) map_run: Arc<str>,
    /// The end of its journal.
    pub(in crate::executor) end: JournalEnd,
}

/// The last event of a journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::executor) struct JournalEnd {
    sequence: Sequence,
    history: HistoryId,
}

impl JournalEnd {
    /// That of a child which has only begun.
    pub(in crate::executor) const BEGINNING: Self = Self {
        sequence: Sequence(1),
        history: HistoryId(1),
    };

    /// That behind a chunk.
    pub(in crate::executor) fn behind(chunk: &Chunk) -> Self {
        Self {
            sequence: Sequence(chunk.last),
            history: HistoryId(chunk.last_history),
        }
    }

    /// That of the event that follows.
    pub(in crate::executor) fn next(self) -> Self {
        Self {
            sequence: self.sequence.next(),
            history: HistoryId(self.history.0 + 1),
        }
    }

    /// The event that follows.
    pub(in crate::executor) fn event(self, at: Timestamp, kind: EventKind) -> Event {
        let next = self.next();
        let place = HistoryPlace {
            id: next.history,
            previous: self.history,
        };
        Event {
            sequence: next.sequence,
            at,
            flow: FlowId::MAIN,
            history: Some(place),
            state: None,
            kind,
        }
    }
}

/// What an execution ended with, as an event, and when; `None` while it runs.
fn end(status: &Status) -> Option<(Timestamp, EventKind)> {
    Some(match status {
        Status::Running => return None,
        Status::Succeeded { at, output } => {
            let output = output.clone();
            (*at, EventKind::ExecutionSucceeded { output })
        }
        Status::Failed { at, failure } => (*at, EventKind::ExecutionFailed(failure.clone())),
        Status::TimedOut { at, failure } => (*at, EventKind::ExecutionTimedOut(failure.clone())),
        Status::Aborted { at, failure } => (*at, EventKind::ExecutionAborted(failure.clone())),
    })
}

/// The journal of a child after its first turn.
pub(in crate::executor) fn journal(events: &[Event], status: &Status) -> Vec<Chunk> {
    let mut kept: Vec<Event> = events.first().into_iter().cloned().collect();
    if let Some((at, kind)) = end(status) {
        kept.push(JournalEnd::BEGINNING.event(at, kind));
    }
    let last = HistoryId(kept.len() as u64);
    chunk(&kept, last).into_iter().collect()
}

impl Child {
    /// Writes down how it ended. It stays open if that cannot be: then somebody else has it, or
    /// runs it again.
    pub(super) async fn write_end(&self, executor: &Executor, status: &Status) {
        let Some((at, kind)) = end(status) else {
            return;
        };
        let event = self.end.event(at, kind);
        if let Err(error) = self.append(executor, event, status, None).await {
            tracing::warn!(execution.key = self.key.0, %error, "the end of a child is not kept");
        }
    }

    /// Appends an event to the journal, after which the child stands like this.
    pub(in crate::executor) async fn append(
        &self,
        executor: &Executor,
        event: Event,
        status: &Status,
        details: Option<String>,
    ) -> Result<(), StoreError> {
        let (status, stopped_at) = standing(status);
        let last = event.history.map_or(self.end.history, |place| place.id);
        let Some(chunk) = chunk(&[event], last) else {
            return Ok(());
        };
        let append = Append {
            epoch: executor.epoch(),
            execution: self.key,
            chunk,
            status,
            stopped_at,
            wake_at: None,
            details,
            letter: None,
            queue: Vec::new(),
        };
        loop {
            match executor.store().append(append.clone()).await {
                Err(error) if error.remedy() == Remedy::Retry => {
                    tracing::warn!(execution.key = self.key.0, %error, "a write is tried again");
                    tokio::time::sleep(driver::RETRY_PAUSE).await;
                }
                Err(error) => {
                    if matches!(error.remedy(), Remedy::StepDown | Remedy::GiveUp) {
                        executor.fail(&error);
                    }
                    return Err(error);
                }
                Ok(()) => {
                    if stopped_at.is_some() {
                        executor.0.deletions.something_ended();
                    }
                    return Ok(());
                }
            }
        }
    }
}

/// What a child was started with, as its journal says.
pub(in crate::executor) fn started(first: &Event) -> Option<ExecutionStarted> {
    if let EventKind::ExecutionStarted(started) = &first.kind {
        return Some(started.as_ref().clone());
    }
    None
}
