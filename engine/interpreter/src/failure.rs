//! A workflow's own failure: data, which a `Catch` may handle.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The reserved error names that the interpreter raises itself.
pub mod name {
    /// Matches everything but [`RUNTIME`] and a state's own [`DATA_LIMIT_EXCEEDED`].
    pub const ALL: &str = "States.ALL";
    /// An attempt took too long, or a heartbeat was missed.
    pub const TIMEOUT: &str = "States.Timeout";
    /// What a missed heartbeat may also be matched by.
    pub const HEARTBEAT_TIMEOUT: &str = "States.HeartbeatTimeout";
    /// Matches every task failure but a timeout.
    pub const TASK_FAILED: &str = "States.TaskFailed";
    /// A `ResultPath` cannot be written. Documentation has `States.ResultPathMatchFailure` for it.
    pub const REFERENCE_PATH_CONFLICT: &str = "States.ReferencePathConflict";
    /// An intrinsic call failed.
    pub const INTRINSIC_FAILURE: &str = "States.IntrinsicFailure";
    /// A JSONata expression failed.
    pub const QUERY_EVALUATION_ERROR: &str = "States.QueryEvaluationError";
    /// A payload is larger than the limit.
    pub const DATA_LIMIT_EXCEEDED: &str = "States.DataLimitExceeded";
    /// The items of a distributed Map cannot be read.
    pub const ITEM_READER_FAILED: &str = "States.ItemReaderFailed";
    /// More items of a distributed Map failed than it tolerates.
    pub const EXCEED_TOLERATED_FAILURE_THRESHOLD: &str = "States.ExceedToleratedFailureThreshold";
    /// What the service could not process; never caught.
    pub const RUNTIME: &str = "States.Runtime";
}

/// An error with its cause, as events and the API show it. AWS leaves either out at times.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The error's name, at most 256 characters.
    pub error: Option<Arc<str>>,
    /// Why, at most 32,768 characters.
    pub cause: Option<Arc<str>>,
}

/// Where a failure came from, as far as matching depends on it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub enum FailureClass {
    /// Whatever its name says.
    #[default]
    ByName,
    /// A missed heartbeat: shown as a timeout, matched as either.
    Heartbeat,
    /// The state's own output is too large: nothing catches it.
    OwnOutput,
}

impl Failure {
    /// Characters of an error's name.
    pub const ERROR_LENGTH_MAX: usize = 256;
    /// Characters of a cause.
    pub const CAUSE_LENGTH_MAX: usize = 32_768;

    /// The failure, cut to the lengths that AWS keeps.
    #[must_use]
    pub fn within_limits(self) -> Self {
        let cut = |text: Arc<str>, length: usize| match text.char_indices().nth(length) {
            Some((end, _)) => text[..end].into(),
            None => text,
        };
        Self {
            error: self.error.map(|error| cut(error, Self::ERROR_LENGTH_MAX)),
            cause: self.cause.map(|cause| cut(cause, Self::CAUSE_LENGTH_MAX)),
        }
    }

    /// A failure with name and cause.
    pub fn new(error: &str, cause: impl Into<Arc<str>>) -> Self {
        Self {
            error: Some(error.into()),
            cause: Some(cause.into()),
        }
    }

    /// What ends the executions of a state machine that is deleted.
    /// Source: AWS Knowledge Center, "stuck in the DELETING status".
    pub fn state_machine_deleted(name: &str) -> Self {
        Self::new(
            self::name::RUNTIME,
            format!("State machine {name} has been deleted."),
        )
    }

    /// A failure without a cause, as timeouts are.
    pub fn without_cause(error: &str) -> Self {
        Self {
            error: Some(error.into()),
            cause: None,
        }
    }
}
