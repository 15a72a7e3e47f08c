//! Values as the API writes them: times in seconds, absent members left out.

use serde_json::{Map, Value, json};
use stepwell::interpreter::Timestamp;
use stepwell::operations::{StateMachineConfiguration, StateMachineDescription};
use stepwell::store::map_run::MapRunStatus;
use stepwell::store::{ExecutionStatus, StateMachineKind, StateMachineStatus};

use super::extract::IncludedData;

/// An answer in the making.
#[derive(Default)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Adds a member.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a member, if there is one.
    pub(super) fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The answer.
    pub(super) fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// Seconds since the epoch, with a fraction.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of our era fit 53 bits"
)]
pub(super) fn time(timestamp: Timestamp) -> Value {
    json!(timestamp.milliseconds() as f64 / 1000.0)
}

/// `RUNNING` and its like.
pub(super) fn execution_status(status: ExecutionStatus) -> &'static str {
    EXECUTION_STATUSES
        .iter()
        .find(|(_, known)| *known == status)
        .map_or("RUNNING", |(name, _)| *name)
}

/// Every status, in the order in which AWS lists them.
pub(super) const EXECUTION_STATUSES: [(&str, ExecutionStatus); 6] = [
    ("SUCCEEDED", ExecutionStatus::Succeeded),
    ("TIMED_OUT", ExecutionStatus::TimedOut),
    ("PENDING_REDRIVE", ExecutionStatus::PendingRedrive),
    ("ABORTED", ExecutionStatus::Aborted),
    ("FAILED", ExecutionStatus::Failed),
    ("RUNNING", ExecutionStatus::Running),
];

/// `RUNNING`, `SUCCEEDED`, `FAILED` or `ABORTED`.
pub(super) fn map_run_status(status: MapRunStatus) -> &'static str {
    match status {
        MapRunStatus::Running => "RUNNING",
        MapRunStatus::Succeeded => "SUCCEEDED",
        MapRunStatus::Failed => "FAILED",
        MapRunStatus::Aborted => "ABORTED",
    }
}

/// `STANDARD` or `EXPRESS`.
pub(super) fn kind(kind: StateMachineKind) -> &'static str {
    match kind {
        StateMachineKind::Standard => "STANDARD",
        StateMachineKind::Express => "EXPRESS",
    }
}

/// What the two calls that describe a state machine have in common. Without data the definition is
/// an empty object, and nothing is said about its variables.
pub(super) fn description(description: StateMachineDescription, data: IncludedData) -> Members {
    let (definition, references) = match data {
        IncludedData::All => (description.definition, description.variable_references),
        IncludedData::MetadataOnly => ("{}".to_owned(), Vec::new()),
    };
    let StateMachineConfiguration {
        logging,
        tracing,
        encryption,
    } = description.configuration;
    Members::default()
        .with("stateMachineArn", description.state_machine_arn)
        .with("name", description.name)
        .with("definition", definition)
        .with("roleArn", description.role_arn)
        .with("loggingConfiguration", logging)
        .with("tracingConfiguration", tracing)
        .with("encryptionConfiguration", encryption)
        .maybe("revisionId", description.revision_id)
        .maybe("description", description.description)
        .maybe("variableReferences", variable_references(references))
}

/// Absent when no state reads a variable.
fn variable_references(references: Vec<(String, Vec<String>)>) -> Option<Value> {
    let references: serde_json::Map<String, Value> = references
        .into_iter()
        .map(|(state, names)| (state, Value::from(names)))
        .collect();
    (!references.is_empty()).then_some(Value::Object(references))
}

/// `ACTIVE` or `DELETING`.
pub(super) fn state_machine_status(status: StateMachineStatus) -> &'static str {
    match status {
        StateMachineStatus::Active => "ACTIVE",
        StateMachineStatus::Deleting | StateMachineStatus::Deleted => "DELETING",
    }
}
