//! One run: an engine on a disk, started again whenever its machine dies, until all has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use stepwell::interpreter::execution::Limits;
use stepwell::interpreter::history::{HistoryEntry, HistoryView};
use stepwell::interpreter::{Execution, journal};
use stepwell::language::model::{ExecutionType, StateMachine};
use stepwell::language::parse::parse;
use stepwell::operations::StartExecution;
use stepwell::store::{ExecutionStatus, Remedy, Store};
use stepwell::{BuildError, Engine, ExecutionHandle, OperationError};

use crate::chance::Choices;
use crate::clock::PausedClock;
use crate::disk::{Disk, Mounted, Trouble};
use crate::handler::Worker;
use crate::machines;
use crate::map_runs;

/// A state machine with the inputs of its executions.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) definition: String,
    machine: Arc<StateMachine>,
    pub(crate) inputs: Vec<Value>,
}

/// How an execution ended, and what its history shows, whatever the order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ending {
    status: ExecutionStatus,
    events: Vec<String>,
    /// Children of its Map Runs, and of theirs, and how many of them were redriven.
    children: (u64, u64),
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) endings: Vec<Ending>,
    pub(crate) writes: u64,
    pub(crate) deaths: u64,
    pub(crate) claims: u64,
    pub(crate) calls: u64,
}

impl Run {
    /// How many children of Map Runs there were, and how many of them were redriven.
    pub(crate) fn children(&self) -> (u64, u64) {
        let counts = self.endings.iter().map(|ending| ending.children);
        counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// How often executions were redriven.
    pub(crate) fn redrives(&self) -> u64 {
        let events = self.endings.iter().flat_map(|ending| &ending.events);
        events
            .filter(|event| event.starts_with("ExecutionRedriven"))
            .count() as u64
    }
}

/// How often an execution that has failed is redriven.
const REDRIVES: u64 = 2;

/// How long a machine that shares the disk holds its executions without a sign of life.
const LEASE: Duration = Duration::from_secs(15);

/// How long a machine that died is down, at most.
const DOWN_MAX: u64 = 40;

/// How long a run may take, on its own clock. What waits when the clock is set back waits for as
/// long as that, in each of many lives.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1_000_000);

pub(crate) const MACHINE: &str = "m";

impl Plan {
    pub(crate) fn from_seed(seed: u64) -> Self {
        let mut choices = Choices::from_seed(seed);
        let definition = machines::machine(&mut choices).to_string();
        let parsed = parse(&definition, ExecutionType::Standard).into_result();
        let machine = Arc::new(parsed.expect("what is made up is valid"));
        let count = 1 + choices.below(3);
        let inputs = (0..count).map(|_| machines::input(&mut choices)).collect();
        Self {
            seed,
            definition,
            machine,
            inputs,
        }
    }

    /// Runs all executions to their ends.
    ///
    /// # Errors
    ///
    /// What was broken of all that has to hold.
    pub(crate) async fn run(&self, trouble: Trouble, machines: u64) -> Result<Run, String> {
        let disk = Disk::new(trouble, self.seed);
        let clock = PausedClock::new();
        let worker = Worker {
            disk: Arc::clone(&disk),
            calls: Arc::new(AtomicU64::new(0)),
            uncommitted: Arc::new(AtomicU64::new(0)),
        };
        let deaths = AtomicU64::new(0);
        let is_alone = machines == 1;
        let all = (0..machines).map(|machine| {
            let mut choices = Choices::from_seed(self.seed ^ 0x5eed ^ machine);
            let redrives = machine == 0;
            let (disk, clock, worker, deaths) = (&disk, &clock, &worker, &deaths);
            async move {
                let mut acknowledged = vec![false; self.inputs.len()];
                loop {
                    let mounted = disk.mount(is_alone).await;
                    let lived = self.live(
                        &mounted,
                        is_alone,
                        redrives,
                        clock,
                        worker,
                        &mut acknowledged,
                    );
                    tokio::select! {
                        biased;
                        () = mounted.has_died() => {}
                        ended = lived => return ended,
                    }
                    deaths.fetch_add(1, Ordering::SeqCst);
                    // While the machine was down, somebody set its clock: those of machines that
                    // share a disk stay within a fraction of a lease.
                    let unit = if is_alone { 3_600_000 } else { 1_000 };
                    clock.set_off(
                        (i64::try_from(choices.below(5)).expect("it is small") - 2) * unit,
                    );
                    if !is_alone {
                        let down = Duration::from_secs(choices.below(DOWN_MAX));
                        tokio::time::sleep(down).await;
                    }
                }
            }
        });
        let living = async {
            let ended = futures_util::future::join_all(all).await;
            ended.into_iter().collect::<Result<(), String>>()
        };
        tokio::time::timeout(PATIENCE, living)
            .await
            .map_err(|_| format!("no end in {PATIENCE:?}"))??;
        if worker.uncommitted.load(Ordering::SeqCst) > 0 {
            return Err("a task was run before its event was durable".to_owned());
        }
        let mut endings = Vec::new();
        for index in 0..self.inputs.len() {
            endings.push(self.ending(&disk, index).await?);
        }
        Ok(Run {
            endings,
            writes: disk.writes(),
            deaths: deaths.load(Ordering::SeqCst),
            claims: disk.claims(),
            calls: worker.calls.load(Ordering::SeqCst),
        })
    }

    /// One life of the machine: starts what nobody has acknowledged, redrives what failed if that
    /// is for this machine to do, and waits for all ends.
    async fn live(
        &self,
        mounted: &Arc<Mounted>,
        is_alone: bool,
        redrives: bool,
        clock: &PausedClock,
        worker: &Worker,
        acknowledged: &mut [bool],
    ) -> Result<(), String> {
        let engine = engine(mounted, is_alone, clock, worker).await?;
        let created = engine.create_state_machine(MACHINE, &self.definition).await;
        let machine = created.map_err(|error| error.to_string())?.arn;
        for (index, input) in self.inputs.iter().enumerate() {
            let mut request = StartExecution::new(&machine, &input.to_string());
            request.name = Some(name(index));
            while !acknowledged[index] {
                match engine.start_execution(request.clone()).await {
                    // One that has ended already cannot be started again under its name.
                    Ok(_) | Err(OperationError::ExecutionAlreadyExists(_)) => {
                        acknowledged[index] = true;
                    }
                    Err(OperationError::Store(_)) => {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    Err(error) => return Err(format!("a start failed: {error}")),
                }
            }
        }
        for index in 0..self.inputs.len() {
            let arn = engine.execution_arn(MACHINE, &name(index));
            let execution = engine.execution(&arn).await;
            let execution =
                execution.map_err(|error| format!("execution {index} was lost: {error}"))?;
            while !is_through(&execution, redrives)
                .await
                .map_err(|error| format!("execution {index} has no end: {error}"))?
            {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Ok(())
    }

    /// How an execution ended, as the disk has it.
    async fn ending(&self, disk: &Disk, index: usize) -> Result<Ending, String> {
        let broken = |what: String| format!("execution {index}: {what}");
        let store = disk.contents();
        let record = store.execution_by_name(MACHINE, &name(index)).await;
        let record = record
            .ok()
            .flatten()
            .ok_or_else(|| broken("it was lost".to_owned()))?;
        let chunks = store.journal(record.key, 1, usize::MAX).await;
        let chunks = chunks.map_err(|error| broken(error.to_string()))?;
        let view = HistoryView {
            machine: &self.machine,
            region: "us-east-1",
            include_execution_data: true,
        };
        // Applying the journal says that each result was accepted once, and by whom it was wanted.
        let mut replayed = Execution::new(Arc::clone(&self.machine), Limits::default());
        let mut events = Vec::new();
        for chunk in chunks {
            let read = journal::decode(&chunk.bytes).map_err(|error| broken(error.to_string()))?;
            for event in &read {
                let applied = replayed.apply(event);
                applied.map_err(|error| broken(format!("its journal does not fit: {error}")))?;
                if let Some(entry) = view.entry(event) {
                    if entry.id != events.len() as u64 + 1 || entry.previous_event_id >= entry.id {
                        return Err(broken(format!("a gap at event {}", entry.id)));
                    }
                    events.push(shown(&entry));
                }
            }
        }
        if replayed.is_running() {
            return Err(broken("its journal has no end".to_owned()));
        }
        let children = map_runs::check(store, record.key, &self.machine).await;
        let children = children.map_err(broken)?;
        events.sort();
        Ok(Ending {
            status: record.status,
            events,
            children,
        })
    }
}

/// An event as a history shows it. The name of a Map Run is another one each time.
fn shown(entry: &HistoryEntry) -> String {
    let details = match &entry.details {
        Some((_, details)) if details.contains_key("mapRunArn") => {
            let mut details = details.clone();
            let arn = details["mapRunArn"].as_str().unwrap_or_default();
            let without = arn.rsplit_once(':').map_or(arn, |(arn, _)| arn).to_owned();
            details.insert("mapRunArn".to_owned(), without.into());
            format!("{details:?}")
        }
        details => format!("{details:?}"),
    };
    format!("{} {details}", entry.event_type)
}

/// Waits for an end: whether it is the last one. Otherwise the execution is redriven, by this
/// machine or by another one.
async fn is_through(execution: &ExecutionHandle, redrives: bool) -> Result<bool, OperationError> {
    execution.outcome().await?;
    let found = execution.describe().await?;
    match found.status {
        ExecutionStatus::Succeeded => return Ok(true),
        ExecutionStatus::Running => return Ok(false),
        ExecutionStatus::Failed
        | ExecutionStatus::TimedOut
        | ExecutionStatus::Aborted
        | ExecutionStatus::PendingRedrive => {}
    }
    if found.redrive_count == REDRIVES {
        return Ok(true);
    }
    if redrives {
        match execution.redrive().await {
            Ok(_) => {}
            Err(OperationError::Store(error)) if error.remedy() == Remedy::Retry => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// An engine on the disk. One that finds it busy or full tries again.
pub(crate) async fn engine(
    mounted: &Arc<Mounted>,
    is_alone: bool,
    clock: &PausedClock,
    worker: &Worker,
) -> Result<Engine, String> {
    loop {
        let store: Arc<dyn Store> = mounted.clone();
        let mut builder = Engine::builder()
            .store(store)
            .clock(Arc::new(clock.clone()))
            .seed(mounted.seed())
            .handler(machines::FUNCTION, worker.clone());
        if !is_alone {
            builder = builder.lease(LEASE);
        }
        match builder.build().await {
            Ok(engine) => return Ok(engine),
            Err(BuildError::Store(error)) if error.remedy() == Remedy::Retry => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(error) => return Err(format!("the engine does not start: {error}")),
        }
    }
}

fn name(index: usize) -> String {
    format!("e{index}")
}
