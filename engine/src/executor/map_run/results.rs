//! What the children of a Map Run gave, in the order of their items, as one result.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stepwell_interpreter::Payload;
use stepwell_interpreter::event::{Event, EventKind};
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::journal;
use stepwell_language::json::{Members, Value};
use stepwell_language::model::Transformation;

use crate::arn;
use crate::store::map_run::{ChildResult, MapRunRecord, NewMapRun};
use crate::store::{Chunk, ExecutionStatus, Redrive, StoreError};

use super::{Asked, Runner};

/// Bytes of journals that are read at once.
const READ_BYTES: usize = 4 << 20;

impl Runner {
    /// The results of all children as one array; `None` when it is too large for the state.
    pub(super) async fn gather(
        &self,
        asked: &Asked,
        record: &MapRunRecord,
    ) -> Result<Option<Payload>, StoreError> {
        let transformation = asked.run.items.transformation();
        let mut gathered = Gathered::default();
        let mut from = 0;
        loop {
            let runs = self.executor.store().map_runs();
            let results = runs.results(record.key, from, READ_BYTES).await?;
            if results.is_empty() {
                return Ok(Some(Payload::from_value(gathered.values)));
            }
            for result in results {
                from = result.record.child.map_or(u64::MAX, |child| child.index) + 1;
                let entry = entry(&result, record, transformation);
                for value in entry {
                    if !gathered.add(value) {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

#[derive(Default)]
struct Gathered {
    values: Vec<Value>,
    bytes: usize,
}

impl Gathered {
    /// Whether all of it is still within the limit.
    fn add(&mut self, value: Value) -> bool {
        // The brackets and the commas between.
        const AROUND: usize = 1;
        self.bytes += value.to_string().len() + AROUND;
        self.values.push(value);
        self.bytes + AROUND <= Payload::SIZE_MAX
    }
}

/// What a child adds to the result.
fn entry(
    result: &ChildResult,
    map_run: &MapRunRecord,
    transformation: Transformation,
) -> Vec<Value> {
    let output = match last_event(&result.last) {
        Some(Event {
            kind: EventKind::ExecutionSucceeded { output },
            ..
        }) => Some(output),
        Some(_) | None => None,
    };
    match (transformation, output) {
        (Transformation::Compact, Some(output)) => vec![output.value().clone()],
        (Transformation::Flatten, Some(output)) => match output.value().as_array() {
            Some(elements) => elements.to_vec(),
            None => vec![output.value().clone()],
        },
        (Transformation::None, _) | (_, None) => vec![whole(result, map_run)],
    }
}

/// All that is known of a child: what failed ones give in any case.
fn whole(result: &ChildResult, map_run: &MapRunRecord) -> Value {
    let record = &result.record;
    let NewMapRun { arn, kind, .. } = &map_run.begun;
    let execution = arn::of_child(arn, *kind, &record.name);
    let (state_machine, _) = arn::labelled(arn);
    let included = json!({"Included": true});
    let mut entry = Members::new();
    let mut add = |name: &str, value: serde_json::Value| entry.insert(name, value);
    add("ExecutionArn", json!(execution));
    if let Some(Event {
        kind: EventKind::ExecutionStarted(started),
        ..
    }) = first_event(&result.first)
    {
        add("Input", json!(started.input.text()));
        add("InputDetails", included.clone());
    }
    add("Name", json!(record.name));
    let mut is_redrivable = true;
    let last = last_event(&result.last).map(|event| event.kind);
    if let Some(EventKind::ExecutionSucceeded { output }) = &last {
        is_redrivable = false;
        add("Output", json!(output.text()));
        add("OutputDetails", included);
    }
    if let Some(EventKind::ExecutionFailed(failure) | EventKind::ExecutionAborted(failure)) = &last
    {
        if let Some(error) = &failure.error {
            add("Error", json!(**error));
        }
        if let Some(cause) = &failure.cause {
            add("Cause", json!(**cause));
        }
    }
    let status = status_name(record.status);
    let redrive = Redrive::read(record.details.as_deref());
    add(
        "RedriveCount",
        json!(redrive.map_or(0, |redrive| redrive.count)),
    );
    if is_redrivable {
        add("RedriveStatus", json!("REDRIVABLE_BY_MAP_RUN"));
    } else {
        add("RedriveStatus", json!("NOT_REDRIVABLE"));
        let reason = format!("Execution is {status} and cannot be redriven");
        add("RedriveStatusReason", json!(reason));
    }
    add("StartDate", json!(record.started_at.to_string()));
    add("StateMachineArn", json!(state_machine));
    add("Status", json!(status));
    if let Some(stopped_at) = record.stopped_at {
        add("StopDate", json!(stopped_at.to_string()));
    }
    entry.into()
}

fn status_name(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Running => "RUNNING",
        ExecutionStatus::Succeeded => "SUCCEEDED",
        ExecutionStatus::Failed => "FAILED",
        ExecutionStatus::TimedOut => "TIMED_OUT",
        ExecutionStatus::Aborted => "ABORTED",
        ExecutionStatus::PendingRedrive => "PENDING_REDRIVE",
    }
}

fn first_event(chunk: &Chunk) -> Option<Event> {
    journal::decode(&chunk.bytes).ok()?.into_iter().next()
}

fn last_event(chunk: &Chunk) -> Option<Event> {
    journal::decode(&chunk.bytes).ok()?.pop()
}

/// A failure as the record of a run holds it.
#[derive(Deserialize, Serialize)]
struct Written {
    error: Option<String>,
    cause: Option<String>,
}

/// Writes a failure into a run's record.
pub(super) fn write_failure(failure: &Failure) -> String {
    let written = Written {
        error: failure.error.as_deref().map(str::to_owned),
        cause: failure.cause.as_deref().map(str::to_owned),
    };
    serde_json::to_string(&written).expect("texts can be written")
}

/// Reads it back.
pub(super) fn read_failure(text: Option<&str>) -> Failure {
    let written = text.and_then(|text| serde_json::from_str::<Written>(text).ok());
    written.map_or_else(Failure::default, |written| Failure {
        error: written.error.map(Into::into),
        cause: written.cause.map(Into::into),
    })
}
