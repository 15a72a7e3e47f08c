//! What has to hold of the Map Runs of an execution that has ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use stepwell::interpreter::execution::Limits;
use stepwell::interpreter::{Execution, journal};
use stepwell::language::model::StateMachine;
use stepwell::store::map_run::{ChildFilter, Counts, MapRunKey, MapRunRecord, MapRunStatus};
use stepwell::store::memory::MemoryStore;
use stepwell::store::{ExecutionKey, ExecutionRecord, Redrive, Store};

/// More than there are.
const ALL: usize = 10_000;

/// Checks the Map Runs of an execution, and those of their children; gives the number of children,
/// and of those that were redriven.
pub(crate) async fn check(
    store: &MemoryStore,
    execution: ExecutionKey,
    machine: &Arc<StateMachine>,
) -> Result<(u64, u64), String> {
    let runs = store.map_runs();
    let (mut children, mut redriven) = (0, 0);
    let mut parents = vec![execution];
    while let Some(parent) = parents.pop() {
        for run in all(runs.map_runs_of(parent, MapRunKey::MAX, ALL)).await? {
            let filter = ChildFilter {
                map_run: run.key,
                status: None,
                redriven: None,
                after: None,
            };
            let found = all(runs.list_children(filter, ALL)).await?;
            check_run(&run, &found).map_err(|problem| format!("{}: {problem}", run.begun.arn))?;
            children += found.len() as u64;
            for child in found {
                redriven += u64::from(Redrive::read(child.details.as_deref()).is_some());
                replay(store, &child, machine).await?;
                parents.push(child.key);
            }
        }
    }
    Ok((children, redriven))
}

async fn all<T>(
    asked: impl Future<Output = Result<T, stepwell::store::StoreError>>,
) -> Result<T, String> {
    asked.await.map_err(|error| error.to_string())
}

/// Counts are those of the children, each has ended, and each item is with one of them.
fn check_run(run: &MapRunRecord, children: &[ExecutionRecord]) -> Result<(), String> {
    if run.status == MapRunStatus::Running {
        return Err("it has no end".to_owned());
    }
    let (mut executions, mut items) = (BTreeMap::new(), BTreeMap::new());
    let mut numbers = Vec::new();
    for child in children {
        let place = child.child.ok_or("a child is none")?;
        let status = format!("{:?}", child.status);
        *executions.entry(status.clone()).or_insert(0) += 1;
        *items.entry(status).or_insert(0) += place.items;
        numbers.push(place.index);
        if child.stopped_at.is_none() {
            return Err(format!("child {} has no end", place.index));
        }
    }
    numbers.sort_unstable();
    if numbers != (0..children.len() as u64).collect::<Vec<_>>() {
        return Err(format!("its children have the numbers {numbers:?}"));
    }
    for (what, counts, counted) in [
        ("children", run.executions, executions),
        ("items", run.items, items.clone()),
    ] {
        if by_status(&counts) != counted {
            return Err(format!("{counts:?} are not its {what}: {counted:?}"));
        }
    }
    let with_children: u64 = items.values().sum();
    if with_children != run.next_item {
        return Err("some items are with no child, or with two".to_owned());
    }
    if run.status == MapRunStatus::Succeeded && with_children != run.begun.items {
        return Err("it left items out".to_owned());
    }
    Ok(())
}

fn by_status(counts: &Counts) -> BTreeMap<String, u64> {
    let all = [
        ("Running", counts.running),
        ("Succeeded", counts.succeeded),
        ("Failed", counts.failed),
        ("TimedOut", counts.timed_out),
        ("Aborted", counts.aborted),
        ("PendingRedrive", counts.pending_redrive),
    ];
    let some = all.into_iter().filter(|(_, count)| *count > 0);
    some.map(|(name, count)| (name.to_owned(), count)).collect()
}

/// The journal of a child fits, and says that it has ended.
async fn replay(
    store: &MemoryStore,
    child: &ExecutionRecord,
    machine: &Arc<StateMachine>,
) -> Result<(), String> {
    let mut replayed = Execution::new(Arc::clone(machine), Limits::default());
    for chunk in all(store.journal(child.key, 1, usize::MAX)).await? {
        let events = journal::decode(&chunk.bytes).map_err(|error| error.to_string())?;
        for event in events {
            let applied = replayed.apply(&event);
            applied.map_err(|error| format!("the journal of a child does not fit: {error}"))?;
        }
    }
    if replayed.is_running() {
        return Err(format!("the journal of child {} has no end", child.name));
    }
    Ok(())
}
