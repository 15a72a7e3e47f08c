//! What the host tells an execution.

use std::sync::Arc;

use crate::effect::{MapRunId, TaskId};
use crate::event::ExecutionStarted;
use crate::failure::Failure;
use crate::payload::Payload;

/// Something from outside. An input that no longer matters, such as the result of a task that has
/// timed out, leads to no events.
#[derive(Clone, Debug)]
pub enum Input {
    /// Begin. Only the first input may be this.
    Start(Box<ExecutionStarted>),
    /// Go on after a replay, or after a chain that was cut at its bound.
    Continue,
    /// Time has passed: the deadline of [`wake_at`](crate::execution::Execution::wake_at) is here.
    TimerFired,
    /// Somebody took the task up.
    TaskStarted {
        /// The task.
        task: TaskId,
        /// The activity worker's name.
        worker: Option<Arc<str>>,
    },
    /// The service took the task and answered.
    TaskSubmitted {
        /// The task.
        task: TaskId,
        /// What it answered.
        output: Payload,
    },
    /// The task is alive.
    TaskHeartbeat {
        /// The task.
        task: TaskId,
    },
    /// The task has a result.
    TaskSucceeded {
        /// The task.
        task: TaskId,
        /// The result.
        output: Payload,
    },
    /// The task failed.
    TaskFailed {
        /// The task.
        task: TaskId,
        /// Error and cause.
        failure: Failure,
    },
    /// Stop the execution.
    Stop(Failure),
    /// All children of a Map Run have ended, and enough of them well.
    MapRunSucceeded {
        /// The Map Run.
        map_run: MapRunId,
        /// Their results.
        output: Payload,
    },
    /// A Map Run failed.
    MapRunFailed {
        /// The Map Run.
        map_run: MapRunId,
        /// Error and cause.
        failure: Failure,
    },
    /// Somebody answers with the task's token. With another token than the open task's own it does
    /// not matter.
    TaskAnswered {
        /// The task.
        task: TaskId,
        /// The token that came with the answer.
        token: Arc<str>,
        /// What is said.
        answer: TokenAnswer,
    },
    /// Go on from the states that had not ended. Only for an execution that has ended without
    /// success, and once for each token that it remembers.
    Redrive {
        /// What names the request, so that it can be repeated.
        client_token: Option<Arc<str>>,
    },
}

/// What somebody who holds a task's token has to say.
#[derive(Clone, Debug)]
pub enum TokenAnswer {
    /// The task has this result.
    Succeeded(Payload),
    /// The task failed.
    Failed(Failure),
    /// The task is alive.
    Heartbeat,
}
