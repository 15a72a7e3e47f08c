//! Map Runs: children of a distributed Map, started, counted and gathered.
//!
//! A run that has not ended belongs to one task, its runner, beside the driver of the execution
//! that asked for it. All that matters is in the store: the next item and how the children stand,
//! in the same step as the children's own journals. A runner only looks there and does what is
//! next, so that after a crash the next one goes on where the last one was.
//!
//! Inputs of children are made a few at a time, and children that only wait have no memory; so a
//! run costs the same memory however many items it has. A run that is [redriven](redrives) has a
//! runner again.

mod children;
mod express;
mod redrives;
mod results;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stepwell_interpreter::effect::{MapRunId, StartMapRun};
use stepwell_interpreter::event::ExecutionStarted;
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::Input;
use stepwell_language::model::ExecutionType;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::store::map_run::{
    ChildFilter, ChildrenCreation, MapRunEnd, MapRunKey, MapRunLimits, MapRunRecord, MapRunStatus,
    NewMapRun,
};
use crate::store::{
    Conflict, ExecutionCursor, ExecutionKey, ExecutionRecord, ExecutionStatus, Remedy,
    StateMachineKind, StoreError,
};

use super::{Executor, Message, lock};

use children::Places;
use results::{read_failure, write_failure};

/// Children of one run at a time, whatever its definition says. Source: AWS's limit.
const CONCURRENCY_MAX: u64 = 10_000;

/// Executions with a driver, past which runs start no more children until some have ended or only
/// wait: what bounds the memory of all runs together.
const LIVE_MAX: usize = 10_000;

/// Pause before a runner looks again that has nobody to tell it: there was no room, or another
/// owner holds what it needs.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Pause before a runner looks again whose children other owners may hold: these tell it, unless
/// they end before they can.
const LOOK_ANYWAY: Duration = Duration::from_secs(10);

/// Pause before something is tried again that the store refused.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Records read at once.
const PAGE: usize = 1_000;

/// The error of a run in which too many items failed. Source: recorded from AWS.
const THRESHOLD: (&str, &str) = (
    "States.ExceedToleratedFailureThreshold",
    "The specified tolerated failure threshold was exceeded",
);

/// The runs that have a runner, by their ARNs.
#[derive(Default)]
pub(super) struct MapRuns(pub(super) Mutex<HashMap<Arc<str>, Arc<Told>>>);

/// How to reach a runner.
#[derive(Default)]
pub(super) struct Told {
    /// Something may have changed.
    changed: Notify,
    /// Nobody wants the results any more.
    is_cancelled: AtomicBool,
    /// Under which number the results are wanted, if they are.
    id: Option<MapRunId>,
    /// Who wants them once this runner is through: the run was redriven while it was still being
    /// given up.
    next: Mutex<Option<Asked>>,
    runner: Mutex<Option<AbortHandle>>,
}

impl MapRuns {
    /// Tells the runner of a run that its children or its limits may have changed; `false` when it
    /// has none here.
    pub(super) fn tell(&self, map_run: &str) -> bool {
        let told = lock(&self.0).get(map_run).cloned();
        told.inspect(|told| told.changed.notify_one()).is_some()
    }

    /// Ends every runner where it stands.
    pub(super) fn stop(&self) {
        for told in std::mem::take(&mut *lock(&self.0)).into_values() {
            if let Some(runner) = lock(&told.runner).take() {
                runner.abort();
            }
        }
    }
}

/// What a run is for, where somebody wants its results.
struct Asked {
    execution: ExecutionKey,
    started: Arc<ExecutionStarted>,
    run: StartMapRun,
}

impl Executor {
    /// Starts a run, or goes on with it; one that has a runner is left to it.
    pub(super) fn start_map_run(
        &self,
        execution: ExecutionKey,
        started: Arc<ExecutionStarted>,
        run: StartMapRun,
    ) {
        let map_run = Arc::clone(&run.started.map_run);
        let asked = Asked {
            execution,
            started,
            run,
        };
        self.take_map_run(map_run, Some(asked));
    }

    /// Nobody wants the results of a run any more: its children are stopped.
    pub(super) fn cancel_map_run(&self, map_run: Arc<str>) {
        self.take_map_run(map_run, None);
    }

    /// Something about a run may have changed: its children, or its limits. Its runner learns of
    /// it, wherever that is.
    pub(crate) fn map_run_changed(&self, map_run: &Arc<str>) {
        if !self.0.map_runs.tell(map_run) && self.0.lease.is_some() {
            tokio::spawn(self.clone().tell_elsewhere(Arc::clone(map_run)));
        }
    }

    fn take_map_run(&self, map_run: Arc<str>, asked: Option<Asked>) {
        let mut runs = lock(&self.0.map_runs.0);
        if let Some(told) = runs.get(&map_run) {
            let is_same = |asked: &Asked| Some(asked.run.id) == told.id;
            let is_wanted = asked.is_some();
            *lock(&told.next) = asked.filter(|asked| !is_same(asked));
            if !is_wanted {
                told.is_cancelled.store(true, Ordering::SeqCst);
            }
            told.changed.notify_one();
            return;
        }
        let told = Arc::new(Told {
            is_cancelled: AtomicBool::new(asked.is_none()),
            id: asked.as_ref().map(|asked| asked.run.id),
            ..Told::default()
        });
        let runner = Runner {
            executor: self.clone(),
            map_run: Arc::clone(&map_run),
            asked,
            told: Arc::clone(&told),
        };
        let running = tokio::spawn(runner.see_through()).abort_handle();
        *lock(&told.runner) = Some(running);
        runs.insert(map_run, told);
    }

    /// After a start: runs whose executions have ended, or do not want them any more, are given up.
    /// The others go on when their executions are taken up.
    pub(crate) async fn recover_map_runs(self) {
        let mut after = MapRunKey::default();
        loop {
            let open = match self.store().map_runs().open_map_runs(after, PAGE).await {
                Ok(open) => open,
                Err(error) => {
                    tracing::error!(%error, "open Map Runs cannot be read");
                    return;
                }
            };
            let Some(last) = open.last() else { return };
            after = last.key;
            for record in open {
                let execution = record.begun.execution;
                match self.store().execution(execution).await {
                    Ok(Some(parent)) if parent.stopped_at.is_none() => {
                        // Where others may hold it, whoever does looks after its runs.
                        if self.0.lease.is_none() {
                            self.post(execution, Message::new(Input::Continue));
                        }
                    }
                    Ok(_) => self.cancel_map_run(record.begun.arn.into()),
                    Err(error) => {
                        tracing::error!(%error, "the execution of a Map Run cannot be read");
                    }
                }
            }
        }
    }

    /// An execution was taken up that wants these runs: it has no others any more.
    pub(super) async fn give_up_other_map_runs(
        &self,
        execution: ExecutionKey,
        wanted: &[Arc<str>],
    ) {
        let mut before = MapRunKey::MAX;
        loop {
            let runs = self.store().map_runs();
            let records = match runs.map_runs_of(execution, before, PAGE).await {
                Ok(records) => records,
                Err(error) => {
                    tracing::error!(%error, "the Map Runs of an execution cannot be read");
                    return;
                }
            };
            let Some(last) = records.last() else { return };
            before = last.key;
            for record in records {
                let is_open = record.status == MapRunStatus::Running;
                let arn = record.begun.arn;
                if is_open && !wanted.iter().any(|wanted| **wanted == *arn) {
                    self.cancel_map_run(arn.into());
                }
            }
        }
    }

    /// Whether more children would take too much memory.
    fn is_full(&self) -> bool {
        lock(&self.0.live).len() >= LIVE_MAX
    }
}

/// The life of one run.
struct Runner {
    executor: Executor,
    map_run: Arc<str>,
    asked: Option<Asked>,
    told: Arc<Told>,
}

/// What is next for a run.
enum Step {
    /// Something was done; look again.
    Again,
    /// Nothing can be done until something changes.
    Wait,
    /// The same, but nobody will say so.
    LookAgain,
    /// It has ended.
    Ended,
}

impl Runner {
    async fn see_through(self) {
        loop {
            match self.run().await {
                Ok(()) => break,
                Err(error) => match error.remedy() {
                    Remedy::Retry | Remedy::ReadAgain if !is_held_elsewhere(&error) => {
                        tracing::warn!(map_run = %self.map_run, %error, "a Map Run tries again");
                        tokio::time::sleep(RETRY_PAUSE).await;
                    }
                    // Whoever holds the execution has a runner of its own.
                    Remedy::Retry | Remedy::ReadAgain => break,
                    Remedy::StepDown | Remedy::GiveUp => {
                        self.executor.fail(&error);
                        break;
                    }
                },
            }
        }
        let next = {
            let mut runs = lock(&self.executor.0.map_runs.0);
            runs.remove(&self.map_run);
            lock(&self.told.next).take()
        };
        if next.is_some() {
            self.executor.take_map_run(self.map_run, next);
        }
    }

    async fn run(&self) -> Result<(), StoreError> {
        let Some(key) = self.begin().await? else {
            return Ok(());
        };
        let mut progress = Progress::default();
        loop {
            let changed = self.told.changed.notified();
            let Some(record) = self.executor.store().map_runs().map_run(key).await? else {
                return Ok(());
            };
            match self.step(record, &mut progress).await? {
                Step::Again => {}
                Step::Ended => return Ok(()),
                Step::Wait if self.executor.0.lease.is_none() => changed.await,
                Step::Wait => {
                    let _ = tokio::time::timeout(LOOK_ANYWAY, changed).await;
                }
                Step::LookAgain => {
                    let _ = tokio::time::timeout(LOOK_AGAIN, changed).await;
                }
            }
        }
    }

    /// The run's key; `None` for one that was given up before it was in the store.
    async fn begin(&self) -> Result<Option<MapRunKey>, StoreError> {
        let runs = self.executor.store().map_runs();
        let Some(asked) = &self.asked else {
            let found = runs.map_run_by_arn(&self.map_run).await?;
            return Ok(found.map(|record| record.key));
        };
        let Asked { execution, run, .. } = asked;
        let started = &run.started;
        let begun = runs.begin(NewMapRun {
            arn: self.map_run.to_string(),
            execution: *execution,
            started_at: run.started_at,
            limits: MapRunLimits {
                concurrency_max: started.concurrency_max,
                tolerated_failure_percentage: started.tolerated_failure_percentage,
                tolerated_failure_count: started.tolerated_failure_count,
            },
            items: run.items.count(),
            children: run.items.children(),
            kind: kind_of(asked),
        });
        Ok(Some(begun.await?.key))
    }

    async fn step(
        &self,
        record: MapRunRecord,
        progress: &mut Progress,
    ) -> Result<Step, StoreError> {
        let redrive = self.redrive_of(&record);
        if record.status != MapRunStatus::Running {
            if let Some(redrive) = redrive {
                let runs = self.executor.store().map_runs();
                runs.redrive(record.key, redrive).await?;
                *progress = Progress::default();
                return Ok(Step::Again);
            }
            self.bring_back(&record).await?;
            return Ok(Step::Ended);
        }
        // A run that is to be redriven is through with what was before, first.
        let is_cancelled = redrive.is_some() || self.told.is_cancelled.load(Ordering::SeqCst);
        if progress.failure.is_none() {
            progress.failure = self.failure_of_deletion().await?;
        }
        if record.is_choosing && !is_cancelled && progress.failure.is_none() {
            // Until they are chosen, they count as failed.
            return self.choose_children(&record).await;
        }
        if progress.failure.is_none() && exceeds(&record) {
            progress.failure = Some(Failure::new(THRESHOLD.0, THRESHOLD.1));
        }
        if is_cancelled || progress.failure.is_some() {
            if record.executions.running > 0 {
                return self.stop_children(&record, progress).await;
            }
            let status = if is_cancelled {
                MapRunStatus::Aborted
            } else {
                MapRunStatus::Failed
            };
            let failure = progress.failure.as_ref().filter(|_| !is_cancelled);
            self.end(&record, status, failure).await?;
            return Ok(Step::Again);
        }
        match &self.asked {
            Some(asked) => self.go_on(asked, record, progress).await,
            None => Ok(Step::Ended),
        }
    }

    /// What is next for a run that is to go on: more children, or its end.
    async fn go_on(
        &self,
        asked: &Asked,
        record: MapRunRecord,
        progress: &mut Progress,
    ) -> Result<Step, StoreError> {
        let is_express = kind_of(asked) == StateMachineKind::Express;
        if is_express && !progress.has_taken_up {
            return self.take_up_children(&record, progress).await;
        }
        let is_redriving = record.executions.pending_redrive > 0;
        if record.is_exhausted() && !is_redriving {
            if record.executions.running > 0 {
                return Ok(Step::Wait);
            }
            return self.finish(asked, &record, progress).await;
        }
        let limit = match record.begun.limits.concurrency_max {
            0 => CONCURRENCY_MAX,
            limit => limit.min(CONCURRENCY_MAX),
        };
        let room = limit.saturating_sub(record.executions.running);
        if room == 0 {
            return Ok(Step::Wait);
        }
        let places = if is_express {
            match self.rooms(room).await {
                Some(rooms) => Places::Express(rooms),
                None => return Ok(Step::Again),
            }
        } else if self.executor.is_full() {
            return Ok(Step::LookAgain);
        } else {
            Places::Standard(room)
        };
        if is_redriving {
            return self.redrive_children(&record, places, progress).await;
        }
        match self.add_children(asked, &record, places).await? {
            Ok(ChildrenCreation::Created(_) | ChildrenCreation::Outdated(_)) => {}
            Err(failure) => progress.failure = Some(failure),
        }
        Ok(Step::Again)
    }

    /// Why the run cannot go on once its state machine is being deleted: another child, or the end of
    /// one, would be a transition.
    async fn failure_of_deletion(&self) -> Result<Option<Failure>, StoreError> {
        let Some(asked) = &self.asked else {
            return Ok(None);
        };
        let name = &asked.started.state_machine_name;
        let is_deleted = self
            .executor
            .is_being_deleted(asked.execution, name)
            .await?;
        Ok(is_deleted.then(|| Failure::state_machine_deleted(name)))
    }

    /// Every child has ended: the run has, too, if its results are not too large together.
    async fn finish(
        &self,
        asked: &Asked,
        record: &MapRunRecord,
        progress: &mut Progress,
    ) -> Result<Step, StoreError> {
        match self.gather(asked, record).await? {
            Some(_) => self.end(record, MapRunStatus::Succeeded, None).await?,
            None => progress.failure = Some(asked.run.items.too_large()),
        }
        Ok(Step::Again)
    }

    async fn end(
        &self,
        record: &MapRunRecord,
        status: MapRunStatus,
        failure: Option<&Failure>,
    ) -> Result<(), StoreError> {
        let end = MapRunEnd {
            status,
            stopped_at: self.executor.now(),
            failure: failure.map(write_failure),
        };
        self.executor
            .store()
            .map_runs()
            .end(record.key, end)
            .await?;
        self.executor.0.deletions.something_ended();
        Ok(())
    }

    /// Brings what became of the run to the execution that asked for it.
    async fn bring_back(&self, record: &MapRunRecord) -> Result<(), StoreError> {
        let Some(asked) = &self.asked else {
            return Ok(());
        };
        let map_run = asked.run.id;
        let input = match record.status {
            MapRunStatus::Succeeded => match self.gather(asked, record).await? {
                Some(output) => Input::MapRunSucceeded { map_run, output },
                None => Input::MapRunFailed {
                    map_run,
                    failure: asked.run.items.too_large(),
                },
            },
            MapRunStatus::Failed => Input::MapRunFailed {
                map_run,
                failure: read_failure(record.failure.as_deref()),
            },
            MapRunStatus::Aborted | MapRunStatus::Running => return Ok(()),
        };
        self.executor.send(asked.execution, input).await;
        Ok(())
    }

    /// Stops every child that runs, once.
    async fn stop_children(
        &self,
        record: &MapRunRecord,
        progress: &mut Progress,
    ) -> Result<Step, StoreError> {
        if progress.is_stopping {
            return Ok(Step::Wait);
        }
        let mut is_told = true;
        let mut after = None;
        loop {
            let children = self
                .children_with(record.key, ExecutionStatus::Running, after, PAGE)
                .await?;
            let Some(last) = children.last() else { break };
            after = Some(ExecutionCursor::of(last));
            for child in children {
                match record.begun.kind {
                    StateMachineKind::Standard => {
                        let stop = Input::Stop(Failure::default());
                        self.executor.post(child.key, Message::new(stop));
                    }
                    StateMachineKind::Express => is_told &= self.stop_express(child.key).await?,
                }
            }
        }
        progress.is_stopping = is_told;
        Ok(match record.begun.kind {
            StateMachineKind::Standard => Step::Wait,
            StateMachineKind::Express if is_told => Step::Again,
            StateMachineKind::Express => Step::LookAgain,
        })
    }

    /// At most `limit` of the children that stand like this.
    async fn children_with(
        &self,
        map_run: MapRunKey,
        status: ExecutionStatus,
        after: Option<ExecutionCursor>,
        limit: usize,
    ) -> Result<Vec<ExecutionRecord>, StoreError> {
        let filter = ChildFilter {
            map_run,
            status: Some(status),
            redriven: None,
            after,
        };
        let runs = self.executor.store().map_runs();
        runs.list_children(filter, limit).await
    }
}

/// What a runner knows that is not in the store.
#[derive(Default)]
struct Progress {
    /// Why the run is to fail once its children have ended.
    failure: Option<Failure>,
    /// Whether its children have been told to stop.
    is_stopping: bool,
    /// Whether it has all Express children in hands that had begun before.
    has_taken_up: bool,
    /// Children that cannot be redriven after all: their journals cannot be read.
    set_aside: HashSet<ExecutionKey>,
}

/// Whether more items failed than the run survives. Either limit alone suffices.
fn exceeds(record: &MapRunRecord) -> bool {
    let MapRunLimits {
        tolerated_failure_percentage,
        tolerated_failure_count,
        ..
    } = record.begun.limits;
    let failed = record.items.failed + record.items.timed_out;
    if failed == 0 {
        return false;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are fewer than 2^53 items"
    )]
    let percentage = failed as f64 * 100.0 / record.begun.items.max(1) as f64;
    // A limit that is not set is zero, and leaves the matter to the other one.
    match (tolerated_failure_count, tolerated_failure_percentage > 0.0) {
        (0, false) => true,
        (0, true) => percentage > tolerated_failure_percentage,
        (count, false) => failed > count,
        (count, true) => failed > count || percentage > tolerated_failure_percentage,
    }
}

/// What kind of executions the children are.
fn kind_of(asked: &Asked) -> StateMachineKind {
    match asked.run.items.execution_type() {
        ExecutionType::Standard => StateMachineKind::Standard,
        ExecutionType::Express => StateMachineKind::Express,
    }
}

fn is_held_elsewhere(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(Conflict::HeldByAnother { .. }))
}
