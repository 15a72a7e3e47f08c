//! Looking after a database file: is it sound, and does it fit itself?

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use stepwell_interpreter::execution::{self, Limits};
use stepwell_interpreter::{Execution, journal};
use stepwell_language::model::{ExecutionType, StateMachine};
use stepwell_language::parse::parse;

use crate::executor::{redrive_of, standing, wake_at};
use crate::store::sqlite::Snapshot;
use crate::store::{ExecutionKey, ExecutionRecord, Redrive, RevisionKey, StoreError, WaitingTask};

/// Records read at once.
const PAGE: usize = 1_000;

/// Bytes of journal read at once.
const READ_BYTES: usize = 4 << 20;

/// What [`check`] found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Checked {
    /// Executions whose journals were read.
    pub executions: u64,
    /// Events in them.
    pub events: u64,
    /// What is wrong, a line each; empty if all is well.
    pub findings: Vec<String>,
}

/// Reads all of a database: the file as SQLite sees it, then every journal, which has to be sound,
/// to fit its definition, and to say what its record says. The owner, if there is one, goes on
/// meanwhile. Blocks.
///
/// # Errors
///
/// [`StoreError`] when the file cannot be read as a database of Stepwell.
pub fn check(database: &Path) -> Result<Checked, StoreError> {
    let snapshot = Snapshot::open(database)?;
    let mut checked = Checked {
        findings: snapshot.integrity()?,
        ..Checked::default()
    };
    let mut queues = Queues::read(&snapshot)?;
    let mut machine: Option<(RevisionKey, Arc<StateMachine>)> = None;
    let mut after = ExecutionKey(0);
    loop {
        let records = snapshot.executions(after, PAGE)?;
        let Some(last) = records.last() else {
            checked.findings.extend(queues.left_over());
            return Ok(checked);
        };
        after = last.key;
        for record in records {
            checked.executions += 1;
            let known = machine.take().filter(|(key, _)| *key == record.revision);
            let read = match known {
                Some((_, known)) => Ok(known),
                None => read_machine(&snapshot, record.revision),
            };
            let problem = match read {
                Ok(read) => {
                    machine = Some((record.revision, Arc::clone(&read)));
                    replay(&snapshot, &record, read, &mut checked.events)
                        .and_then(|execution| queues.compare(&record, &execution))
                }
                Err(problem) => Err(problem),
            };
            if let Err(problem) = problem {
                let finding = format!("execution {} ({}): {problem}", record.key, record.name);
                checked.findings.push(finding);
            }
        }
    }
}

/// Copies a database into a new file while its owner goes on. Gives the copy's size in bytes.
/// Blocks.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be read, or the copy exists or cannot be written.
pub fn back_up(database: &Path, copy: &Path) -> Result<u64, StoreError> {
    Snapshot::open(database)?.copy_to(copy)
}

fn read_machine(snapshot: &Snapshot, key: RevisionKey) -> Result<Arc<StateMachine>, String> {
    let revision = snapshot.revision(key).map_err(|error| error.to_string())?;
    let revision = revision.ok_or("its revision is gone")?;
    let parsed = parse(&revision.content.definition, ExecutionType::Standard);
    let machine = parsed.into_result();
    machine
        .map(Arc::new)
        .map_err(|_| "its definition cannot be read any more".to_owned())
}

/// Replays a journal and compares what comes out with the record.
fn replay(
    snapshot: &Snapshot,
    record: &ExecutionRecord,
    machine: Arc<StateMachine>,
    events: &mut u64,
) -> Result<Execution, String> {
    let limits = Limits {
        history_events_max: u64::MAX,
        ..Limits::default()
    };
    let mut execution = Execution::new(machine, limits);
    loop {
        let chunks = snapshot
            .journal(record.key, execution.next_sequence().0, READ_BYTES)
            .map_err(|error| error.to_string())?;
        if chunks.is_empty() {
            break;
        }
        for chunk in chunks {
            let read = journal::decode(&chunk.bytes).map_err(|error| error.to_string())?;
            for event in &read {
                execution.apply(event).map_err(|error| error.to_string())?;
                *events += 1;
            }
        }
    }
    let (status, stopped_at) = standing(execution.status());
    if (status, stopped_at) != (record.status, record.stopped_at) {
        return Err(format!(
            "its record says {:?}, its journal {status:?}",
            record.status
        ));
    }
    if redrive_of(&execution) != Redrive::read(record.details.as_deref()) {
        return Err("its record has other redrives than its journal".to_owned());
    }
    if wake_at(&execution) != record.wake_at {
        return Err("its record has another time to wake than its journal".to_owned());
    }
    Ok(execution)
}

/// The queues of activities: the tasks in them, by execution.
struct Queues(BTreeMap<ExecutionKey, Vec<WaitingTask>>);

impl Queues {
    fn read(snapshot: &Snapshot) -> Result<Self, StoreError> {
        let mut tasks: BTreeMap<_, Vec<WaitingTask>> = BTreeMap::new();
        for (execution, task) in snapshot.waiting_tasks()? {
            tasks.entry(execution).or_default().push(task);
        }
        Ok(Self(tasks))
    }

    /// Compares what is in the queues with what the journal says, and takes it out.
    fn compare(&mut self, record: &ExecutionRecord, execution: &Execution) -> Result<(), String> {
        let queued = self.0.remove(&record.key).unwrap_or_default();
        let is_same = |queued: &WaitingTask, waiting: &execution::WaitingTask<'_>| {
            queued.task == waiting.task.0.0
                && queued.scheduled_at == waiting.scheduled_at
                && waiting.activity.ends_with(&format!(":{}", queued.activity))
        };
        let waiting: Vec<_> = execution.waiting_tasks().collect();
        let are_same = queued.len() == waiting.len()
            && queued
                .iter()
                .zip(&waiting)
                .all(|(queued, waiting)| is_same(queued, waiting));
        if are_same {
            return Ok(());
        }
        Err("the queues of activities have other tasks of it than its journal".to_owned())
    }

    /// What belongs to no execution.
    fn left_over(self) -> Option<String> {
        let count: usize = self.0.values().map(Vec::len).sum();
        (count > 0).then(|| format!("{count} tasks in the queues of activities have no execution"))
    }
}
