//! Redrive: an execution that ended without success goes on, and may it?

use std::sync::Arc;

use stepwell_interpreter::Timestamp;

use crate::engine::Engine;
use crate::error::OperationError;
use crate::executor::{HISTORY_LIMIT, LoadError, Redriven};
use crate::store::map_run::Child;
use crate::store::{
    ExecutionRecord, ExecutionStatus, Redrive, StateMachineKind, StateMachineStatus,
};

use super::constraints::{self, Violations};
use super::model::Rule;

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
    /// It is a child of a Map Run, and goes on when that is redriven.
    RedrivableByMapRun,
    /// It cannot, and why.
    NotRedrivable(String),
}

/// The rules for a client token.
pub const CLIENT_TOKEN: &[Rule] = &[
    Rule::Length(1..=64),
    Rule::Pattern("[!-~]+", |token| {
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
    }),
];

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
            let refusal = match self.redrive_status(&record).await? {
                RedriveStatus::Redrivable => None,
                RedriveStatus::RedrivableByMapRun => Some(CHILD.to_owned()),
                RedriveStatus::NotRedrivable(reason) => Some(reason),
            };
            if let Some(reason) = refusal {
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
        match (record.status, record.stopped_at) {
            (ExecutionStatus::Succeeded, _) => {
                return not("Execution is SUCCEEDED and cannot be redriven");
            }
            (ExecutionStatus::PendingRedrive, _) => {
                return not("Execution is PENDING_REDRIVE and cannot be redriven");
            }
            (
                ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted,
                Some(_),
            ) => {}
            (
                ExecutionStatus::Running
                | ExecutionStatus::Failed
                | ExecutionStatus::TimedOut
                | ExecutionStatus::Aborted,
                _,
            ) => return not("Execution is RUNNING and cannot be redriven"),
        }
        if let Some(child) = record.child {
            return self.redrive_status_of_child(record, child).await;
        }
        let store = self.executor.store();
        let machine = store.state_machine_by_key(record.state_machine).await?;
        let machine = machine.map(|machine| machine.status);
        if machine != Some(StateMachineStatus::Active) {
            return not("State machine is in DELETING status");
        }
        if let Some(reason) = self.executor.why_not_redrivable(record).await? {
            return not(reason);
        }
        Ok(RedriveStatus::Redrivable)
    }

    /// The same for a child that ended without success: its Map Run can redrive it.
    async fn redrive_status_of_child(
        &self,
        record: &ExecutionRecord,
        child: Child,
    ) -> Result<RedriveStatus, OperationError> {
        let runs = self.executor.store().map_runs();
        let run = runs.map_run(child.map_run).await?;
        let is_express = run.is_some_and(|run| run.begun.kind == StateMachineKind::Express);
        if !is_express && let Some(reason) = self.executor.why_not_redrivable(record).await? {
            return Ok(RedriveStatus::NotRedrivable(reason.to_owned()));
        }
        Ok(RedriveStatus::RedrivableByMapRun)
    }
}

/// What is said of a child that somebody tries to redrive by itself.
const CHILD: &str = "Execution is a child of a Map Run and cannot be redriven";

/// Checks the members of a request.
fn check(arn: &str, token: Option<&str>) -> Result<(), OperationError> {
    let mut violations = Violations::default();
    violations.length(arn, "executionArn", constraints::ARN);
    if let Some(token) = token {
        violations.text(token, "clientToken", CLIENT_TOKEN);
    }
    violations.finish()
}
