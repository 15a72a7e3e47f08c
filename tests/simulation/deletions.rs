//! A state machine that is deleted while its executions run: whatever the disk and the machine do,
//! they end, and with the last one it is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use stepwell::operations::StartExecution;
use stepwell::store::{ExecutionKey, Store};
use stepwell::{Engine, OperationError};

use crate::chance::Choices;
use crate::clock::PausedClock;
use crate::disk::{Disk, Mounted, Trouble};
use crate::handler::Worker;
use crate::run::{self, MACHINE, PATIENCE, Plan};

/// What one run came to.
pub(crate) struct Deletion {
    pub(crate) writes: u64,
    pub(crate) deaths: u64,
    pub(crate) executions: u64,
}

/// What has been acknowledged to whoever asked for it.
#[derive(Default)]
struct Acknowledged {
    is_created: AtomicBool,
    started: AtomicU64,
    is_deleted: AtomicBool,
}

/// Starts the executions of a plan, deletes their state machine, and waits until it is gone.
///
/// # Errors
///
/// What was broken of all that has to hold.
pub(crate) async fn delete(
    plan: &Plan,
    trouble: Trouble,
    machines: u64,
) -> Result<Deletion, String> {
    let disk = Disk::new(trouble, plan.seed);
    let clock = PausedClock::new();
    let worker = Worker {
        disk: Arc::clone(&disk),
        calls: Arc::default(),
        uncommitted: Arc::default(),
    };
    let (acknowledged, deaths) = (Acknowledged::default(), AtomicU64::new(0));
    let is_alone = machines == 1;
    let all = (0..machines).map(|machine| {
        let mut choices = Choices::from_seed(plan.seed ^ 0xde1e ^ machine);
        let (disk, clock, worker, deaths) = (&disk, &clock, &worker, &deaths);
        let acknowledged = &acknowledged;
        async move {
            loop {
                let mounted = disk.mount(is_alone).await;
                let lived = async {
                    let engine = run::engine(&mounted, is_alone, clock, worker).await?;
                    if machine == 0 {
                        ask(plan, &engine, acknowledged).await?;
                    }
                    until_gone(&mounted, acknowledged).await
                };
                tokio::select! {
                    biased;
                    () = mounted.has_died() => {}
                    ended = lived => return ended,
                }
                deaths.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(choices.below(20))).await;
            }
        }
    });
    let living = async {
        let ended = futures_util::future::join_all(all).await;
        ended.into_iter().collect::<Result<(), String>>()
    };
    tokio::time::timeout(PATIENCE, living)
        .await
        .map_err(|_| format!("it is not deleted in {PATIENCE:?}"))??;
    Ok(Deletion {
        writes: disk.writes(),
        deaths: deaths.load(Ordering::SeqCst),
        executions: check(&disk, &acknowledged).await?,
    })
}

/// Asks for everything that has not been acknowledged.
async fn ask(plan: &Plan, engine: &Engine, acknowledged: &Acknowledged) -> Result<(), String> {
    let arn = engine.state_machine_arn(MACHINE);
    if !acknowledged.is_created.load(Ordering::SeqCst) {
        let created = engine.create_state_machine(MACHINE, &plan.definition).await;
        created.map_err(|error| format!("the creation failed: {error}"))?;
        acknowledged.is_created.store(true, Ordering::SeqCst);
    }
    loop {
        let index = acknowledged.started.load(Ordering::SeqCst);
        let input = usize::try_from(index)
            .ok()
            .and_then(|index| plan.inputs.get(index));
        let Some(input) = input else { break };
        let mut request = StartExecution::new(&arn, &input.to_string());
        request.name = Some(format!("e{index}"));
        match engine.start_execution(request).await {
            Ok(_) | Err(OperationError::ExecutionAlreadyExists(_)) => {
                acknowledged.started.store(index + 1, Ordering::SeqCst);
            }
            Err(OperationError::Store(_)) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(error) => return Err(format!("a start failed: {error}")),
        }
    }
    while !acknowledged.is_deleted.load(Ordering::SeqCst) {
        match engine.delete_state_machine(&arn).await {
            Ok(()) => acknowledged.is_deleted.store(true, Ordering::SeqCst),
            Err(OperationError::Store(_)) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(error) => return Err(format!("the deletion failed: {error}")),
        }
    }
    let late = engine
        .start_execution(StartExecution::new(&arn, "{}"))
        .await;
    match late {
        Err(
            OperationError::StateMachineDeleting(_)
            | OperationError::StateMachineDoesNotExist(_)
            | OperationError::Store(_),
        ) => Ok(()),
        Err(error) => Err(format!("a late start failed otherwise: {error}")),
        Ok(_) => Err("a deleted state machine was started".to_owned()),
    }
}

/// Waits until nothing has the name of the state machine any more.
async fn until_gone(mounted: &Mounted, acknowledged: &Acknowledged) -> Result<(), String> {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let found = mounted.state_machine(MACHINE).await;
        let found = found.map_err(|error| error.to_string())?;
        if acknowledged.is_deleted.load(Ordering::SeqCst) && found.is_none() {
            return Ok(());
        }
    }
}

/// Asserts that every acknowledged execution is there and has ended; says how many these are.
async fn check(disk: &Disk, acknowledged: &Acknowledged) -> Result<u64, String> {
    let store = disk.contents();
    let started = acknowledged.started.load(Ordering::SeqCst);
    for index in 0..started {
        let name = format!("e{index}");
        let found = store.execution_by_name(MACHINE, &name).await;
        let found = found.map_err(|error| error.to_string())?;
        let record = found.ok_or_else(|| format!("{name} was lost"))?;
        if record.stopped_at.is_none() {
            return Err(format!("{name} has not ended"));
        }
    }
    let open = store.open_executions(ExecutionKey(0), 1).await;
    match open.map_err(|error| error.to_string())?.first() {
        None => Ok(started),
        Some(record) => Err(format!("{} runs on", record.name)),
    }
}
