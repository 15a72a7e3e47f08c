//! Redrive: an execution that ended without success goes on, and may it?

use std::sync::Arc;
use std::time::Duration;

use stepwell_interpreter::Timestamp;

use crate::engine::Engine;
use crate::error::OperationError;
use crate::executor::{LoadError, Redriven};
use crate::store::{ExecutionRecord, ExecutionStatus, Redrive, StateMachineStatus};

use super::constraints::{self, Violations};

/// A request for [`Engine::redrive_execution`].
#[derive(Clone, Debug)]
pub struct RedriveExecution {
    /// Which.
    pub execution_arn: String,
    /// Names the request: the same one again within 15 minutes does nothing.
    pub client_token: Option<String>,
}

/// Whether an execution can be redriven.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RedriveStatus {
    /// It can.
    Redrivable,
    /// It cannot, and why.
    NotRedrivable(String),
}

const DAY: Duration = Duration::from_hours(24);

/// How long after its end an execution can be redriven.
const REDRIVABLE_FOR: Duration = Duration::from_hours(14 * 24);

/// How long an execution may be open, all its attempts together.
const OPEN_MAX: Duration = Duration::from_secs(365 * DAY.as_secs());

/// Characters of a client token.
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 1..=64;

/// The pattern of a client token.
const TOKEN_PATTERN: &str = "[!-~]+";

impl Engine {
    /// `RedriveExecution`: an execution that ended without success goes on from the states that
    /// had not ended. It is durable when this answers with the moment of the redrive.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such execution, or not one that can be redriven now.
    pub async fn redrive_execution(
        &self,
        request: RedriveExecution,
    ) -> Result<Timestamp, OperationError> {
        let arn = &request.execution_arn;
        let token = request.client_token.as_deref();
        check(arn, token)?;
        let unreadable = |error: LoadError| match error {
            LoadError::Store(error) => OperationError::from(error),
            error @ (LoadError::NoRevision
            | LoadError::Unreadable
            | LoadError::NoRecord
            | LoadError::Journal(_)
            | LoadError::Replay(_)) => OperationError::Journal {
                execution: arn.clone(),
                reason: error.to_string(),
            },
        };
        loop {
            let record = self.find_execution(arn).await?;
            // A repetition gets the first answer, however the execution stands by now.
            if let (Some(token), Some(_)) = (token, Redrive::read(record.details.as_deref())) {
                let known = self.executor.redriven_at(&record, token).await;
                if let Some(at) = known.map_err(unreadable)? {
                    return Ok(at);
                }
            }
            if let RedriveStatus::NotRedrivable(reason) = self.redrive_status(&record).await? {
                return Err(OperationError::ExecutionNotRedrivable(reason));
            }
            self.readiness()?;
            let redriven = self
                .executor
                .redrive(record.key, token.map(Arc::from))
                .await;
            match redriven.map_err(unreadable)? {
                Redriven::At(at) => return Ok(at),
                Redriven::Moved => {}
                Redriven::Refused => {
                    return Err(OperationError::ExecutionNotRedrivable(
                        HISTORY_LIMIT.to_owned(),
                    ));
                }
            }
        }
    }

    /// Whether an execution can be redriven now. Every one here was started after the launch of
    /// redrives.
    pub(super) async fn redrive_status(
        &self,
        record: &ExecutionRecord,
    ) -> Result<RedriveStatus, OperationError> {
        let not = |reason: &str| Ok(RedriveStatus::NotRedrivable(reason.to_owned()));
        let stopped_at = match (record.status, record.stopped_at) {
            (ExecutionStatus::Succeeded, _) => {
                return not("Execution is SUCCEEDED and cannot be redriven");
            }
            (ExecutionStatus::PendingRedrive, _) => {
                return not("Execution is PENDING_REDRIVE and cannot be redriven");
            }
            (
                ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted,
                Some(stopped_at),
            ) => stopped_at,
            (
                ExecutionStatus::Running
                | ExecutionStatus::Failed
                | ExecutionStatus::TimedOut
                | ExecutionStatus::Aborted,
                _,
            ) => return not("Execution is RUNNING and cannot be redriven"),
        };
        if record.child.is_some() {
            return not("Execution is a child of a Map Run and cannot be redriven");
        }
        let store = self.executor.store();
        let machine = store.state_machine_by_key(record.state_machine).await?;
        let machine = machine.map(|machine| machine.status);
        if machine != Some(StateMachineStatus::Active) {
            return not("State machine is in DELETING status");
        }
        let last = store.last_chunk(record.key).await?;
        let events = last.map_or(0, |chunk| chunk.last_history);
        if events.saturating_add(2) > self.executor.limits().history_events_max {
            return not(HISTORY_LIMIT);
        }
        let (begun_at, before) = match Redrive::read(record.details.as_deref()) {
            Some(redrive) => (redrive.at, redrive.open_before_milliseconds),
            None => (record.started_at, 0),
        };
        let open = stopped_at
            .since(begun_at)
            .saturating_add(Duration::from_millis(before));
        if open >= OPEN_MAX {
            return not("Execution has exceeded the max execution time");
        }
        if self.executor.now().since(stopped_at) > REDRIVABLE_FOR {
            return not("Execution redrivable period exceeded");
        }
        Ok(RedriveStatus::Redrivable)
    }
}

const HISTORY_LIMIT: &str = "Execution history event limit exceeded";

/// Checks the members of a request.
fn check(arn: &str, token: Option<&str>) -> Result<(), OperationError> {
    let mut violations = Violations::default();
    violations.length(arn, "executionArn", constraints::ARN);
    if let Some(token) = token {
        violations.length(token, "clientToken", TOKEN_LENGTH);
        let fits = token.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits || token.is_empty() {
            let rule = format!("satisfy regular expression pattern: {TOKEN_PATTERN}");
            violations.add(token, "clientToken", rule);
        }
    }
    violations.finish()
}
