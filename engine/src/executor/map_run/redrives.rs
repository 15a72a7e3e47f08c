//! A Map Run is redriven: its children that ended without success are chosen, then go on one after
//! the other, before others are started.
//!
//! Choosing is through before the first of them goes on, so that none is chosen twice that fails
//! again.

use futures_util::future::join_all;
use stepwell_interpreter::event::EventKind;
use stepwell_interpreter::execution::Status;

use crate::executor::express::Room;
use crate::executor::{LoadError, Redriven, driver, redrive_of};
use crate::store::map_run::{MapRunRecord, MapRunRedrive, NotRedrivable, RedriveChoice};
use crate::store::{
    Claim, ExecutionCursor, ExecutionRecord, ExecutionStatus, StateMachineKind, StoreError,
};

use super::children::{BATCH_MAX, Places};
use super::{PAGE, Progress, Runner, Step};

/// Statuses of children that ended without success.
const UNSUCCESSFUL: [ExecutionStatus; 3] = [
    ExecutionStatus::Failed,
    ExecutionStatus::TimedOut,
    ExecutionStatus::Aborted,
];

impl Runner {
    /// The redrive that the run is still to be brought back for, if there is one.
    pub(super) fn redrive_of(&self, record: &MapRunRecord) -> Option<MapRunRedrive> {
        let wanted = self.asked.as_ref()?.run.redrive?;
        let known = record.redrive.map_or(0, |redrive| redrive.count);
        (wanted.count > known).then_some(MapRunRedrive {
            count: wanted.count,
            at: wanted.at,
        })
    }

    /// Chooses the children that the redrive is for.
    pub(super) async fn choose_children(&self, record: &MapRunRecord) -> Result<Step, StoreError> {
        let mut rest = NotRedrivable::default();
        for status in UNSUCCESSFUL {
            let mut after = None;
            loop {
                let children = self.children_with(record.key, status, after, PAGE).await?;
                let Some(last) = children.last() else { break };
                after = Some(ExecutionCursor::of(last));
                let mut chosen = Vec::with_capacity(children.len());
                for child in children {
                    if self.is_redrivable(record, &child).await? {
                        chosen.push(child.key);
                    } else {
                        rest.executions += 1;
                        rest.items += child.child.map_or(0, |child| child.items);
                    }
                }
                self.choose(record, chosen, None).await?;
            }
        }
        self.choose(record, Vec::new(), Some(rest)).await?;
        Ok(Step::Again)
    }

    async fn choose(
        &self,
        record: &MapRunRecord,
        children: Vec<crate::store::ExecutionKey>,
        rest: Option<NotRedrivable>,
    ) -> Result<(), StoreError> {
        let choice = RedriveChoice {
            epoch: self.executor.epoch(),
            children,
            rest,
        };
        let runs = self.executor.store().map_runs();
        runs.choose(record.key, choice).await.map(|_| ())
    }

    async fn is_redrivable(
        &self,
        record: &MapRunRecord,
        child: &ExecutionRecord,
    ) -> Result<bool, StoreError> {
        match record.begun.kind {
            StateMachineKind::Standard => {
                let refused = self.executor.why_not_redrivable(child).await?;
                Ok(refused.is_none())
            }
            // It begins anew, whatever it did before.
            StateMachineKind::Express => Ok(true),
        }
    }

    /// Lets the next children go on that wait for it.
    pub(super) async fn redrive_children(
        &self,
        record: &MapRunRecord,
        places: Places,
        progress: &mut Progress,
    ) -> Result<Step, StoreError> {
        let most = usize::try_from(places.count().min(BATCH_MAX)).unwrap_or(1);
        let mut next = Vec::with_capacity(most);
        let limit = most + progress.set_aside.len();
        let mut after = None;
        while next.len() < most {
            let status = ExecutionStatus::PendingRedrive;
            let children = self.children_with(record.key, status, after, limit).await?;
            let Some(last) = children.last() else { break };
            after = Some(ExecutionCursor::of(last));
            let able = children
                .into_iter()
                .filter(|child| !progress.set_aside.contains(&child.key));
            next.extend(able.take(most - next.len()));
        }
        if next.is_empty() {
            return Ok(Step::Wait);
        }
        match places {
            Places::Standard(_) => self.redrive_standard(next, progress).await,
            Places::Express(rooms) => self.redrive_express(next, rooms, progress).await,
        }
    }

    async fn redrive_standard(
        &self,
        next: Vec<ExecutionRecord>,
        progress: &mut Progress,
    ) -> Result<Step, StoreError> {
        // Together, because each waits for the disk.
        let redriven = next
            .iter()
            .map(|child| self.executor.redrive(child.key, None));
        let mut step = Step::Again;
        for (child, redriven) in next.iter().zip(join_all(redriven).await) {
            match redriven {
                Ok(Redriven::At(_)) => {}
                Ok(Redriven::Moved) => step = Step::LookAgain,
                Ok(Redriven::Refused) => {
                    tracing::error!(execution.key = child.key.0, "a child cannot be redriven");
                    progress.set_aside.insert(child.key);
                }
                Err(error) => set_aside(child, error, progress)?,
            }
        }
        Ok(step)
    }

    async fn redrive_express(
        &self,
        next: Vec<ExecutionRecord>,
        rooms: Vec<Room>,
        progress: &mut Progress,
    ) -> Result<Step, StoreError> {
        let begun = next.iter().zip(rooms);
        let begun = begun.map(|(child, room)| self.begin_again(child, room));
        let mut step = Step::Again;
        for (child, begun) in next.iter().zip(join_all(begun).await) {
            match begun {
                Ok(true) => {}
                Ok(false) => step = Step::LookAgain,
                Err(error) => set_aside(child, error, progress)?,
            }
        }
        Ok(step)
    }

    /// Runs an Express child that had ended from its beginning, once that is durable; `false` when
    /// another owner holds it.
    async fn begin_again(&self, record: &ExecutionRecord, room: Room) -> Result<bool, LoadError> {
        let executor = &self.executor;
        let owners = executor.store().owners();
        let claim = owners.claim(executor.epoch(), record.key, executor.now());
        if let Claim::HeldBy(_) = claim.await? {
            return Ok(false);
        }
        let mut execution = driver::replay(executor, record).await?;
        let Some(mut lost) = self.read(record.key).await? else {
            return Err(LoadError::NoRecord);
        };
        let count = execution.redrives().map_or(0, |redrives| redrives.count);
        let kind = EventKind::ExecutionRedriven {
            redrive_count: count + 1,
            client_token: None,
        };
        let event = lost.child.end.event(executor.now(), kind);
        execution.apply(&event)?;
        let details = redrive_of(&execution);
        let details = details.map(|redrive| redrive.write(record.details.as_deref()));
        let end = lost.child.end.next();
        let running = Status::Running;
        let appended = lost.child.append(executor, event, &running, details);
        appended.await?;
        lost.child.end = end;
        self.run_again(lost, room);
        Ok(true)
    }
}

/// What cannot be read is set aside; what the store says is for the runner.
fn set_aside(
    child: &ExecutionRecord,
    error: LoadError,
    progress: &mut Progress,
) -> Result<(), StoreError> {
    match error {
        LoadError::Store(error) => Err(error),
        error @ (LoadError::NoRevision
        | LoadError::Unreadable
        | LoadError::NoRecord
        | LoadError::Journal(_)
        | LoadError::Replay(_)) => {
            tracing::error!(execution.key = child.key.0, %error, "a child cannot be redriven");
            progress.set_aside.insert(child.key);
            Ok(())
        }
    }
}
