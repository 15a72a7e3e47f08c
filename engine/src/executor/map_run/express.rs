//! Express children: in the memory of the runner's process for as long as they run.
//!
//! After a crash those that had begun are run again from their beginnings.

use std::sync::Arc;

use stepwell_interpreter::event::{Event, EventKind};
use stepwell_interpreter::execution::{Mode, Status};
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::Input;
use stepwell_interpreter::journal;

use crate::executor::express::child::{self, Child, JournalEnd};
use crate::executor::express::{ExpressStart, Room};
use crate::store::map_run::MapRunRecord;
use crate::store::{Claim, ExecutionCursor, ExecutionKey, ExecutionStatus, StoreError};

use super::children::BATCH_MAX;
use super::{PAGE, Progress, Runner, Step};

/// A child that has begun and runs nowhere.
pub(super) struct Lost {
    pub(super) child: Child,
    /// Its beginning.
    first: Event,
}

/// What there is to be done about a child.
pub(super) enum Found {
    /// Nothing: it runs here, or has ended.
    InHands,
    /// Nothing yet: another owner holds it.
    Elsewhere,
    /// It is ours to go on with.
    Lost(Box<Lost>),
}

impl Runner {
    /// Room for at least one more child, and at most for so many; waits for it. `None` when
    /// something else happened first.
    pub(super) async fn rooms(&self, most: u64) -> Option<Vec<Room>> {
        let first = tokio::select! {
            room = self.executor.child_room_in_time() => room,
            () = self.told.changed.notified() => return None,
        };
        let more = usize::try_from(most.min(BATCH_MAX)).unwrap_or(1);
        let others = std::iter::from_fn(|| self.executor.child_room());
        Some(std::iter::once(first).chain(others).take(more).collect())
    }

    /// Runs those children again that had begun when their process ended.
    pub(super) async fn take_up_children(
        &self,
        record: &MapRunRecord,
        progress: &mut Progress,
    ) -> Result<Step, StoreError> {
        let mut are_all_here = true;
        let mut after = None;
        loop {
            let status = ExecutionStatus::Running;
            let children = self.children_with(record.key, status, after, PAGE).await?;
            let Some(end) = children.last() else { break };
            after = Some(ExecutionCursor::of(end));
            for record in children {
                match self.find(record.key).await? {
                    Found::InHands => {}
                    Found::Elsewhere => are_all_here = false,
                    Found::Lost(lost) => {
                        let Some(mut rooms) = self.rooms(1).await else {
                            return Ok(Step::Again);
                        };
                        if let Some(room) = rooms.pop() {
                            self.run_again(*lost, room);
                        }
                    }
                }
            }
        }
        progress.has_taken_up = are_all_here;
        Ok(if are_all_here {
            Step::Again
        } else {
            Step::LookAgain
        })
    }

    /// Tells a child to stop; whether it has been told.
    pub(super) async fn stop_express(&self, key: ExecutionKey) -> Result<bool, StoreError> {
        if let Some(child) = self.executor.express_child(key) {
            child.post(Input::Stop(Failure::default()));
            return Ok(true);
        }
        match self.find(key).await? {
            Found::InHands => Ok(true),
            Found::Elsewhere => Ok(false),
            Found::Lost(lost) => {
                // It is not run again only to be stopped.
                let at = self.executor.now();
                let failure = Failure::default();
                let kind = EventKind::ExecutionAborted(failure.clone());
                let event = lost.child.end.event(at, kind);
                let status = Status::Aborted { at, failure };
                let stopped = lost.child.append(&self.executor, event, &status, None);
                stopped.await.map(|()| true)
            }
        }
    }

    /// Looks after a child that the store says runs.
    async fn find(&self, key: ExecutionKey) -> Result<Found, StoreError> {
        let executor = &self.executor;
        if executor.express_child(key).is_some() {
            return Ok(Found::InHands);
        }
        let store = executor.store();
        let owners = store.owners();
        if let Claim::HeldBy(_) = owners.claim(executor.epoch(), key, executor.now()).await? {
            return Ok(Found::Elsewhere);
        }
        // Read once nobody has it: its end is written before it leaves the list.
        let record = store.execution(key).await?;
        if record.is_none_or(|record| record.status != ExecutionStatus::Running) {
            return Ok(Found::InHands);
        }
        Ok(match self.read(key).await? {
            Some(lost) => Found::Lost(Box::new(lost)),
            None => Found::InHands,
        })
    }

    /// Reads a child that runs nowhere; `None` for one whose journal cannot be read.
    pub(super) async fn read(&self, key: ExecutionKey) -> Result<Option<Lost>, StoreError> {
        let store = self.executor.store();
        let (first, last) = (
            store.journal(key, 1, 1).await?,
            store.last_chunk(key).await?,
        );
        let (Some(first), Some(last)) = (first.first(), last) else {
            tracing::error!(execution.key = key.0, "a child has no journal");
            return Ok(None);
        };
        let first = match journal::decode(&first.bytes) {
            Ok(events) => events.into_iter().next(),
            Err(error) => {
                tracing::error!(execution.key = key.0, %error, "a child cannot go on");
                None
            }
        };
        Ok(first.map(|first| Lost {
            child: Child {
                key,
                map_run: Arc::clone(&self.map_run),
                end: JournalEnd::behind(&last),
            },
            first,
        }))
    }

    /// Runs a child from its beginning.
    pub(super) fn run_again(&self, lost: Lost, room: Room) {
        let (Some(asked), Some(started)) = (&self.asked, child::started(&lost.first)) else {
            return;
        };
        let start = ExpressStart {
            machine: Arc::clone(asked.run.items.machine()),
            started,
            mode: Mode::Express,
            chance: self.executor.chance(),
        };
        let first = self.executor.prepare_express(start);
        first.go_on(room, Some(lost.child));
    }
}
