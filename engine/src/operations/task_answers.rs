//! Answers that come with a task token: from workers of activities, and from whoever a service gave
//! the token to.

use std::ops::RangeInclusive;
use std::sync::Arc;

use stepwell_interpreter::event::EventKind;
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::{Input, TokenAnswer};
use stepwell_interpreter::token::TaskToken;
use stepwell_interpreter::{Payload, journal};
use stepwell_language::json;

use crate::arn::Arns;
use crate::engine::Engine;
use crate::error::OperationError;
use crate::store::ExecutionKey;

use super::constraints::Violations;

/// A request for [`Engine::send_task_success`].
#[derive(Clone, Debug)]
pub struct SendTaskSuccess {
    /// The task's token.
    pub task_token: String,
    /// The result as JSON text, up to 262,144 bytes.
    pub output: String,
}

/// A request for [`Engine::send_task_failure`].
#[derive(Clone, Debug)]
pub struct SendTaskFailure {
    /// The task's token.
    pub task_token: String,
    /// The error, up to 256 characters.
    pub error: Option<String>,
    /// Why, up to 32,768 characters.
    pub cause: Option<String>,
}

/// Characters of a task token.
const TOKEN: RangeInclusive<usize> = 1..=2_048;

impl Engine {
    /// `SendTaskSuccess`. Each task is answered once, durably when this answers.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: the output is not JSON, the token is none, or its task is over.
    pub async fn send_task_success(&self, request: SendTaskSuccess) -> Result<(), OperationError> {
        let SendTaskSuccess { task_token, output } = request;
        let mut violations = Violations::default();
        violations.length(&task_token, "taskToken", TOKEN);
        violations.hidden_size(Some(&output), "output", Payload::SIZE_MAX);
        violations.finish()?;
        let output = read_output(&output)?;
        self.answer_task(task_token, TokenAnswer::Succeeded(output))
            .await
    }

    /// `SendTaskFailure`. Each task is answered once, durably when this answers.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: the token is none, or its task is over.
    pub async fn send_task_failure(&self, request: SendTaskFailure) -> Result<(), OperationError> {
        let SendTaskFailure {
            task_token,
            error,
            cause,
        } = request;
        let mut violations = Violations::default();
        violations.length(&task_token, "taskToken", TOKEN);
        violations.hidden_length(error.as_deref(), "error", 0..=256);
        violations.hidden_length(cause.as_deref(), "cause", 0..=32_768);
        violations.finish()?;
        let failure = Failure {
            error: error.map(Into::into),
            cause: cause.map(Into::into),
        };
        self.answer_task(task_token, TokenAnswer::Failed(failure))
            .await
    }

    /// `SendTaskHeartbeat`: the task is alive. The time until its next sign of life begins anew.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: the token is none, or its task is over.
    pub async fn send_task_heartbeat(&self, task_token: String) -> Result<(), OperationError> {
        let mut violations = Violations::default();
        violations.length(&task_token, "taskToken", TOKEN);
        violations.finish()?;
        self.answer_task(task_token, TokenAnswer::Heartbeat).await
    }

    async fn answer_task(&self, text: String, answer: TokenAnswer) -> Result<(), OperationError> {
        let read = TaskToken::decode(&text).ok_or(OperationError::InvalidToken)?;
        let token: Arc<str> = text.into();
        loop {
            let execution = self.execution_of(&read).await?;
            let input = Input::TaskAnswered {
                task: read.task,
                token: Arc::clone(&token),
                answer: answer.clone(),
            };
            match self.executor.send(execution, input).await {
                Some(true) => return Ok(()),
                Some(false) if self.was_scheduled(execution, &read, &token).await? => {
                    return Err(OperationError::TaskTimedOut);
                }
                // Another execution may have the ARN by now, when that one was removed long ago.
                Some(false) if self.executor.forget_execution(&read.execution, execution) => {}
                Some(false) => return Err(OperationError::TaskDoesNotExist),
                None => {
                    self.readiness()?;
                    return Err(OperationError::Journal {
                        execution: read.execution,
                        reason: "an answer could not be written down; the log says why".to_owned(),
                    });
                }
            }
        }
    }

    /// The execution that a token is about. One of another account or region is no token here; one
    /// of another database may be.
    async fn execution_of(&self, token: &TaskToken) -> Result<ExecutionKey, OperationError> {
        if let Some(key) = self.executor.remembered(&token.execution) {
            return Ok(key);
        }
        let parsed = Arns::parse_execution(&token.execution);
        let (state_machine, name) = parsed.map_err(|_| OperationError::InvalidToken)?;
        if !self.arns.is_own(&token.execution) {
            return Err(OperationError::InvalidToken);
        }
        let store = self.executor.store();
        let found = store.execution_by_name(&state_machine, &name).await?;
        found
            .map(|record| record.key)
            .ok_or(OperationError::TaskDoesNotExist)
    }

    /// Whether there ever was a task with this token.
    async fn was_scheduled(
        &self,
        execution: ExecutionKey,
        read: &TaskToken,
        token: &Arc<str>,
    ) -> Result<bool, OperationError> {
        let sequence = read.task.0;
        let chunks = self
            .executor
            .store()
            .journal(execution, sequence.0, 1)
            .await?;
        let Some(chunk) = chunks.first() else {
            return Ok(false);
        };
        let events = journal::decode(&chunk.bytes).map_err(|error| OperationError::Journal {
            execution: read.execution.clone(),
            reason: error.to_string(),
        })?;
        Ok(events.iter().any(|event| {
            event.sequence == sequence
                && matches!(
                    &event.kind,
                    EventKind::TaskScheduled(task) if task.token.as_ref() == Some(token)
                )
        }))
    }
}

/// Reads the result of a task; its text is kept as it was written.
fn read_output(text: &str) -> Result<Payload, OperationError> {
    if text.is_empty() {
        return Err(OperationError::InvalidOutput("Invalid output.".to_owned()));
    }
    let value =
        json::read_value(text).map_err(|error| OperationError::InvalidOutput(error.to_string()))?;
    Ok(Payload::from_parts(text.trim(), value))
}
