//! Running tasks, and bringing their results back as inputs.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use stepwell_interpreter::Payload;
use stepwell_interpreter::effect::{RunTask, TaskId};
use stepwell_interpreter::event::ExecutionStarted;
use stepwell_interpreter::failure::{self, Failure};
use stepwell_interpreter::input::Input;
use stepwell_language::model::Resource;
use tokio::task::AbortHandle;

use crate::integrations::mock::MockAnswer;
use crate::integrations::{Task, TaskAnswer, TaskError, TaskHandler};
use crate::measure;

use super::{Executor, Inbox, Message};

/// What became of a task that was to be started.
pub(super) enum Started {
    /// It is known already.
    Answered(Vec<Input>),
    /// Somebody works on it.
    Running(AbortHandle),
}

/// Starts a task: the mock configuration answers for those it covers, a handler runs the others.
pub(super) fn start(
    executor: &Executor,
    task: RunTask,
    started: &ExecutionStarted,
    inbox: Inbox,
) -> Started {
    let id = task.id;
    if let (Some(mocks), Some(test_case)) = (executor.mocks(), &started.test_case) {
        // Children of a Map Run are mocked as the states of their document are.
        let machine = started.state_machine_name.split('/').next();
        let answer = mocks.answer(
            machine.unwrap_or_default(),
            test_case,
            &task.state,
            task.attempts_before,
        );
        match answer {
            Some(Ok(answer)) => return Started::Answered(mocked(&task, answer)),
            Some(Err(exhausted)) => {
                let error = TaskError::new(failure::name::RUNTIME, exhausted.to_string());
                return Started::Answered(vec![input(task.id, Err(error))]);
            }
            None => {}
        }
    }
    if let Resource::Activity { .. } = &task.resource {
        // It is in its queue, from which a worker takes it.
        return Started::Answered(Vec::new());
    }
    let now = executor.now();
    let task = Task {
        id: format!("{}#{id}", started.execution).into(),
        execution: Arc::clone(&started.execution),
        state_machine: Arc::clone(&started.state_machine_name),
        state: task.state,
        resource: task.resource,
        parameters: task.parameters,
        attempts_before: task.attempts_before,
        token: task.token,
        timeout: task.timeout_at.map(|at| at.since(now)),
        test_case: started.test_case.clone(),
    };
    metrics::counter!(measure::TASKS).increment(1);
    let executor = executor.clone();
    let running = tokio::spawn(async move {
        let result = run_caught(async { executor.handlers().run(task).await }).await;
        // Without a driver nobody waits for the result; after a restart the task runs again.
        let _ = inbox.send(Message::new(input(id, result)));
    });
    Started::Running(running.abort_handle())
}

/// What a handler's work gives, panics included. The handler is called inside of `work`: it may panic
/// before it has made a future.
pub(crate) async fn run_caught(
    work: impl Future<Output = Result<TaskAnswer, TaskError>>,
) -> Result<TaskAnswer, TaskError> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            Err(TaskError::new(
                failure::name::TASK_FAILED,
                "The task handler panicked.",
            ))
        })
}

fn input(task: TaskId, result: Result<TaskAnswer, TaskError>) -> Input {
    match result {
        Ok(TaskAnswer::Succeeded(output)) => Input::TaskSucceeded { task, output },
        Ok(TaskAnswer::Submitted(output)) => Input::TaskSubmitted { task, output },
        Err(TaskError { error, cause }) => Input::TaskFailed {
            task,
            failure: Failure {
                error: Some(error.into()),
                cause: cause.map(Into::into),
            },
        },
    }
}

/// A mock stands in for the handler. For a task with a token it is what the callback would have
/// sent, so the service has taken the task before.
fn mocked(task: &RunTask, answer: MockAnswer) -> Vec<Input> {
    let mut inputs = Vec::new();
    if task.resource.has_task_token() {
        let output = Payload::from_value(serde_json::json!({}));
        inputs.push(Input::TaskSubmitted {
            task: task.id,
            output,
        });
    }
    inputs.push(match answer {
        MockAnswer::Return(output) => Input::TaskSucceeded {
            task: task.id,
            output,
        },
        MockAnswer::Throw(error) => input(task.id, Err(error)),
        MockAnswer::TimedOut => Input::TaskFailed {
            task: task.id,
            failure: Failure::without_cause(failure::name::TIMEOUT),
        },
    });
    inputs
}
