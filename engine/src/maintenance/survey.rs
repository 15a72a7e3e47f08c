//! Reads every journal and compares what it says with the rows around it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use stepwell_interpreter::event::ExecutionStarted;
use stepwell_interpreter::execution::Limits;
use stepwell_interpreter::{Execution, Timestamp, journal};
use stepwell_language::model::{ExecutionType, StateMachine};
use stepwell_language::parse::parse;

use super::{Checked, LostEnds};
use crate::executor::{chunk, redrive_of, standing, wake_at};
use crate::store::sqlite::{Fix, Snapshot, Stored};
use crate::store::version::Origin;
use crate::store::{
    Chunk, Epoch, ExecutionKey, ExecutionRecord, ExecutionStatus, Redrive, RevisionKey,
    StateMachineKey, StoreError, WaitingTask,
};

/// Records read at once.
const PAGE: usize = 1_000;

/// Bytes of journal read at once.
const READ_BYTES: usize = 4 << 20;

/// Takes what would put things right, some of it at a time.
pub(super) type Mend<'a> = dyn FnMut(Vec<Fix>) -> Result<(), StoreError> + 'a;

/// A survey under way.
struct Survey<'a> {
    snapshot: &'a Snapshot,
    lost_ends: LostEnds,
    /// The queues of activities: the tasks in them, by execution. Taken out as they are compared.
    queues: BTreeMap<ExecutionKey, Vec<WaitingTask>>,
    checked: Checked,
    fixes: Vec<Fix>,
    /// The definition that was read last: executions of one stand side by side.
    machine: Option<(RevisionKey, Definition)>,
}

/// What a revision says.
#[derive(Clone)]
struct Definition {
    machine: Arc<StateMachine>,
    state_machine: StateMachineKey,
}

/// What a journal says of its execution.
struct Told {
    started_at: Timestamp,
    started: Arc<ExecutionStarted>,
    status: ExecutionStatus,
    stopped_at: Option<Timestamp>,
    wake_at: Option<Timestamp>,
    redrive: Option<Redrive>,
    waiting: Vec<WaitingTask>,
}

/// Reads all of a database.
pub(super) fn survey(
    snapshot: &Snapshot,
    lost_ends: LostEnds,
    mend: &mut Mend<'_>,
) -> Result<Checked, StoreError> {
    let mut survey = Survey {
        snapshot,
        lost_ends,
        queues: BTreeMap::new(),
        checked: Checked {
            findings: snapshot.integrity()?,
            ..Checked::default()
        },
        fixes: Vec::new(),
        machine: None,
    };
    for (execution, task) in snapshot.waiting_tasks()? {
        survey.queues.entry(execution).or_default().push(task);
    }
    let mut after = ExecutionKey(0);
    loop {
        let records = snapshot.executions(after, PAGE)?;
        let Some(last) = records.last() else { break };
        after = last.record.key;
        for stored in records {
            survey.checked.executions += 1;
            if let Err(problem) = survey.check(&stored) {
                survey.find(stored.record.key, &stored.record.name, &problem);
            }
        }
        mend(std::mem::take(&mut survey.fixes))?;
    }
    for key in snapshot.journals_without_record()? {
        if let Err(problem) = survey.restore(key) {
            let problem = format!("it has a journal and no record: {problem}");
            survey.find(key, "?", &problem);
        }
    }
    survey.clear_queues();
    for (key, arn) in snapshot.miscounted_map_runs()? {
        let finding = format!("Map Run {arn}: its counts are not those of its children");
        survey.checked.findings.push(finding);
        survey.fixes.push(Fix::Counts(key));
    }
    mend(survey.fixes)?;
    Ok(survey.checked)
}

impl Survey<'_> {
    fn find(&mut self, key: ExecutionKey, name: &str, problem: &str) {
        let finding = format!("execution {key} ({name}): {problem}");
        self.checked.findings.push(finding);
    }

    /// Compares a record, and the tasks in the queues of activities, with its journal.
    fn check(&mut self, stored: &Stored) -> Result<(), String> {
        let record = &stored.record;
        let queued = self.queues.remove(&record.key).unwrap_or_default();
        let definition = self.definition(record.revision)?;
        let told = self.read(record.key, &record.name, &definition.machine)?;
        let right = told.record(record, definition.state_machine);
        let is_queue_right = queued == told.waiting;
        if told.status == ExecutionStatus::Running && record.status != ExecutionStatus::Running {
            let said = status_of(stored);
            let problem = format!("its record says {said}, but its journal has lost its end");
            self.find(record.key, &record.name, &problem);
            match self.lost_ends {
                LostEnds::Leave => return Ok(()),
                LostEnds::Reopen => {}
            }
        } else {
            for problem in differences(stored, &right) {
                self.find(record.key, &record.name, &problem);
            }
            if !is_queue_right {
                let problem = "the queues of activities have other tasks of it than its journal";
                self.find(record.key, &record.name, problem);
            }
        }
        if *record != right || stored.unknown_status.is_some() {
            self.fixes.push(Fix::Record(right));
        }
        if !is_queue_right {
            self.fixes.push(Fix::Queue(record.key, told.waiting));
        }
        Ok(())
    }

    /// Writes the record of an execution that has none any more. Nothing tells that it ended other
    /// than its journal: without an end in it, it goes on.
    fn restore(&mut self, key: ExecutionKey) -> Result<(), String> {
        let queued = self.queues.remove(&key).unwrap_or_default();
        let chunks = self.snapshot.chunks(key, 0, 1);
        let chunks = chunks.map_err(|error| error.to_string())?;
        let first = chunks.first().ok_or("its journal is empty")?;
        let events = journal::decode(&first.bytes).map_err(|error| error.to_string())?;
        let first = events.first().ok_or("its journal is empty")?;
        let stepwell_interpreter::event::EventKind::ExecutionStarted(started) = &first.kind else {
            return Err("its journal does not begin with its start".to_owned());
        };
        if started.child_of.is_some() {
            // Its place in the Map Run is in no journal.
            return Err(
                "it is a child of a Map Run, whose record cannot be written again".to_owned(),
            );
        }
        let version = origin(started).version;
        let revision = self
            .snapshot
            .revision_at(&started.state_machine_name, version, first.at)
            .map_err(|error| error.to_string())?
            .ok_or("its state machine is gone")?;
        let definition = self.definition(revision)?;
        let told = self.read(key, &started.name, &definition.machine)?;
        let nothing = ExecutionRecord {
            key,
            state_machine: definition.state_machine,
            revision,
            name: String::new(),
            status: told.status,
            started_at: told.started_at,
            stopped_at: None,
            wake_at: None,
            details: None,
            // Whoever comes next claims it.
            owner: Epoch(0),
            child: None,
        };
        let right = told.record(&nothing, definition.state_machine);
        self.find(key, &right.name, "it has a journal and no record");
        self.fixes.push(Fix::Missing(right));
        if queued != told.waiting {
            self.fixes.push(Fix::Queue(key, told.waiting));
        }
        Ok(())
    }

    /// What is left in the queues belongs to no execution.
    fn clear_queues(&mut self) {
        let left = std::mem::take(&mut self.queues);
        let count: usize = left.values().map(Vec::len).sum();
        if count > 0 {
            let finding = format!("{count} tasks in the queues of activities have no execution");
            self.checked.findings.push(finding);
        }
        let fixes = left.into_keys().map(|key| Fix::Queue(key, Vec::new()));
        self.fixes.extend(fixes);
    }

    fn definition(&mut self, key: RevisionKey) -> Result<Definition, String> {
        if let Some((known, definition)) = &self.machine
            && *known == key
        {
            return Ok(definition.clone());
        }
        let revision = self.snapshot.revision(key);
        let revision = revision.map_err(|error| error.to_string())?;
        let revision = revision.ok_or("its revision is gone")?;
        let parsed = parse(&revision.content.definition, ExecutionType::Standard);
        // As the engine reads it: what was accepted once is run, even if it would be refused now.
        let machine = parsed.machine;
        let machine = machine.ok_or("its definition cannot be read any more")?;
        let definition = Definition {
            machine: Arc::new(machine),
            state_machine: revision.state_machine,
        };
        self.machine = Some((key, definition.clone()));
        Ok(definition)
    }

    /// Replays a journal, and compares its chunks with what is said of them.
    fn read(
        &mut self,
        key: ExecutionKey,
        name: &str,
        machine: &Arc<StateMachine>,
    ) -> Result<Told, String> {
        let limits = Limits {
            history_events_max: u64::MAX,
            ..Limits::default()
        };
        let mut execution = Execution::new(Arc::clone(machine), limits);
        let mut after = 0;
        loop {
            let chunks = self.snapshot.chunks(key, after, READ_BYTES);
            let chunks = chunks.map_err(|error| error.to_string())?;
            let Some(last) = chunks.last() else { break };
            after = last.first;
            for stored in chunks {
                let events = journal::decode(&stored.bytes).map_err(|error| error.to_string())?;
                for event in &events {
                    execution.apply(event).map_err(|error| error.to_string())?;
                    self.checked.events += 1;
                }
                let right = chunk(&events, execution.last_history_id());
                let right = right.ok_or("a chunk of its journal has no events")?;
                if bounds(&stored) != bounds(&right) {
                    let problem = format!(
                        "the chunk at {} is said to be from {:?}, and is from {:?}",
                        stored.first,
                        bounds(&stored),
                        bounds(&right)
                    );
                    self.find(key, name, &problem);
                    self.fixes.push(Fix::Chunk {
                        execution: key,
                        stored_first: stored.first,
                        right: Chunk {
                            bytes: Vec::new(),
                            ..right
                        },
                    });
                }
            }
        }
        let (started_at, started) = execution.started().ok_or("its journal is empty")?;
        let (status, stopped_at) = standing(execution.status());
        Ok(Told {
            started_at,
            started: Arc::clone(started),
            status,
            stopped_at,
            wake_at: wake_at(&execution),
            redrive: redrive_of(&execution),
            waiting: waiting(&execution, &started.execution),
        })
    }
}

impl Told {
    /// The record as it should be; what is not in the journal is as `before`.
    fn record(&self, before: &ExecutionRecord, state_machine: StateMachineKey) -> ExecutionRecord {
        // That a redrive is pending is in the journal of the Map Run; this execution has ended.
        let is_pending = before.status == ExecutionStatus::PendingRedrive
            && self.status != ExecutionStatus::Running;
        ExecutionRecord {
            state_machine,
            name: self.started.name.as_ref().to_owned(),
            status: if is_pending {
                before.status
            } else {
                self.status
            },
            started_at: self.started_at,
            stopped_at: self.stopped_at,
            wake_at: self.wake_at,
            details: self.details(before.details.as_deref()),
            ..before.clone()
        }
    }

    /// Details that say where the execution comes from and how it was redriven, and whatever else
    /// they said before.
    fn details(&self, before: Option<&str>) -> Option<String> {
        let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
        let known = before.and_then(read);
        let mut others = known.clone().unwrap_or_default();
        others.retain(|name, _| !["version", "alias", Redrive::MEMBER].contains(&name.as_str()));
        let mut right = origin(&self.started).write();
        if let Some(redrive) = self.redrive {
            right = Some(redrive.write(right.as_deref()));
        }
        let mut right = right.as_deref().and_then(read).unwrap_or_default();
        right.append(&mut others);
        if known.as_ref() == Some(&right) {
            return before.map(str::to_owned);
        }
        (!right.is_empty()).then(|| Value::Object(right).to_string())
    }
}

/// The tasks of an execution that wait for workers. Its ARN tells which activities are at home
/// here: others have no queue.
fn waiting(execution: &Execution, arn: &str) -> Vec<WaitingTask> {
    let home = arn.split_inclusive(':').take(5).collect::<String>();
    let tasks = execution.waiting_tasks();
    let tasks = tasks.filter_map(|waiting| {
        let activity = waiting.activity.strip_prefix(&home)?;
        Some(WaitingTask {
            activity: activity.strip_prefix("activity:")?.to_owned(),
            scheduled_at: waiting.scheduled_at,
            task: waiting.task.0.0,
        })
    });
    tasks.collect()
}

/// First and last sequence number, first and last history id.
fn bounds(chunk: &Chunk) -> [u64; 4] {
    [
        chunk.first,
        chunk.last,
        chunk.first_history,
        chunk.last_history,
    ]
}

/// In which ways a record is not as it should be.
fn differences(stored: &Stored, right: &ExecutionRecord) -> Vec<String> {
    let record = &stored.record;
    let mut problems = Vec::new();
    if record.status != right.status || stored.unknown_status.is_some() {
        let (said, right) = (status_of(stored), right.status);
        problems.push(format!("its record says {said}, its journal {right:?}"));
    }
    for (is_other, what) in [
        (record.name != right.name, "another name than its journal"),
        (
            record.started_at != right.started_at,
            "another time of its start than its journal",
        ),
        (
            record.stopped_at != right.stopped_at,
            "another time of its end than its journal",
        ),
        (
            record.wake_at != right.wake_at,
            "another time to wake than its journal",
        ),
        (
            record.details != right.details,
            "other details (version, alias, redrives) than its journal",
        ),
        (
            record.state_machine != right.state_machine,
            "another state machine than its revision",
        ),
    ] {
        if is_other {
            problems.push(format!("its record has {what}"));
        }
    }
    problems
}

/// What a record says of its status.
fn status_of(stored: &Stored) -> String {
    match stored.unknown_status {
        Some(number) => format!("status {number}, which is none"),
        None => format!("{:?}", stored.record.status),
    }
}

/// The version and the alias that started an execution.
fn origin(started: &ExecutionStarted) -> Origin {
    let last = |arn: &Option<Arc<str>>| {
        let arn = arn.as_deref()?;
        arn.rsplit_once(':').map(|(_, last)| last.to_owned())
    };
    Origin {
        version: last(&started.version).and_then(|number| number.parse().ok()),
        alias: last(&started.alias),
    }
}
