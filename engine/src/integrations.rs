//! What runs tasks: the trait [`TaskHandler`], and the handlers that come with Stepwell.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use stepwell_interpreter::Payload;
use stepwell_language::model::{Resource, StateName};

mod registry;
mod closure;
mod function;
mod http;
pub mod mock;

pub use closure::{Closure, TaskClosure};
pub use http::{HttpExchange, HttpRequest, HttpResponse, HttpTrace};
pub use registry::{Handlers, HandlersError};

/// Runs the tasks of some resources.
///
/// A task is delivered at least once: after a crash the handler sees it again, under the same
/// [`Task::id`]. Its result is accepted exactly once.
pub trait TaskHandler: Send + Sync + 'static {
    /// Runs one attempt. The future is dropped when the attempt times out, or when its execution
    /// no longer wants the result; it must then release what it holds.
    fn run(&self, task: Task) -> TaskFuture;
}

/// The work of a [`TaskHandler`].
pub type TaskFuture = Pin<Box<dyn Future<Output = Result<TaskAnswer, TaskError>> + Send>>;

/// One attempt at a Task state.
#[derive(Clone, Debug)]
pub struct Task {
    /// Stable id: the same after a crash, another for each attempt.
    pub id: Arc<str>,
    /// ARN of the execution.
    pub execution: Arc<str>,
    /// Name of the state machine.
    pub state_machine: Arc<str>,
    /// The state.
    pub state: StateName,
    /// What is to be called.
    pub resource: Resource,
    /// What it is given.
    pub parameters: Payload,
    /// How many attempts at this state came before in the same execution, from 0.
    pub attempts_before: u32,
    /// With which token somebody outside answers, where the resource waits for that.
    pub token: Option<Arc<str>>,
    /// How long the attempt may take; past it the future is dropped.
    pub timeout: Option<Duration>,
    /// The test case of the mock configuration that the execution was started with.
    pub test_case: Option<Arc<str>>,
}

/// How far a handler got.
#[derive(Clone, Debug)]
pub enum TaskAnswer {
    /// The task is done, with this result.
    Succeeded(Payload),
    /// The service took it and answered this; the result comes through the task's token.
    Submitted(Payload),
}

/// Why a task failed: what `Retry` and `Catch` see.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error}: {}", cause.as_deref().unwrap_or("no cause"))]
pub struct TaskError {
    /// The error's name: `Lambda.ResourceNotFoundException`, a function's `errorType`.
    pub error: String,
    /// Why, in words or as JSON text.
    pub cause: Option<String>,
}

impl TaskError {
    /// Characters of an error's name.
    pub const ERROR_LENGTH_MAX: usize = 256;
    /// Characters of a cause.
    pub const CAUSE_LENGTH_MAX: usize = 32_768;

    /// An error with a cause.
    pub fn new(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            cause: Some(cause.into()),
        }
    }

    /// The same error, cut to the lengths that Step Functions allows.
    #[must_use]
    pub fn limited(mut self) -> Self {
        cut(&mut self.error, Self::ERROR_LENGTH_MAX);
        if let Some(cause) = &mut self.cause {
            cut(cause, Self::CAUSE_LENGTH_MAX);
        }
        self
    }
}

fn cut(text: &mut String, characters_max: usize) {
    if let Some((end, _)) = text.char_indices().nth(characters_max) {
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests;
