//! Closures as task handlers: what an embedding program registers.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use serde_json::Value;
use stepwell_interpreter::Payload;

use super::{Task, TaskAnswer, TaskError, TaskFuture, TaskHandler};

/// A closure that takes a task's parameters and gives its result.
///
/// A panic inside becomes the error `Stepwell.HandlerPanicked`, which `Retry` and `Catch` see.
#[derive(Clone, Debug)]
pub struct Closure<F>(pub F);

/// A closure that takes the whole task, for instance to use [`Task::id`] as an idempotency key.
///
/// A panic inside becomes the error `Stepwell.HandlerPanicked`, which `Retry` and `Catch` see.
#[derive(Clone, Debug)]
pub struct TaskClosure<F>(pub F);

impl<F, Answer> TaskHandler for Closure<F>
where
    F: Fn(Value) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = Result<Value, TaskError>> + Send + 'static,
{
    fn run(&self, task: Task) -> TaskFuture {
        let closure = self.0.clone();
        // Called inside the future: what comes before the closure's first await may panic too.
        let answer = async move { closure(task.parameters.to_json()).await };
        Box::pin(guard(task.resource.arn().clone(), answer))
    }
}

impl<F, Answer> TaskHandler for TaskClosure<F>
where
    F: Fn(Task) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = Result<Value, TaskError>> + Send + 'static,
{
    fn run(&self, task: Task) -> TaskFuture {
        let closure = self.0.clone();
        let arn = task.resource.arn().clone();
        Box::pin(guard(arn, async move { closure(task).await }))
    }
}

async fn guard(
    arn: std::sync::Arc<str>,
    answer: impl Future<Output = Result<Value, TaskError>>,
) -> Result<TaskAnswer, TaskError> {
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(answer) => answer.map(|value| TaskAnswer::Succeeded(Payload::from_value(value))),
        Err(panic) => Err(TaskError::new(
            "Stepwell.HandlerPanicked",
            format!("the handler of {arn} panicked: {}", message(panic.as_ref())),
        )),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{succeeded, task};
    use super::*;

    const CHARGE: &str = "arn:aws:lambda:us-east-1:123456789012:function:charge";

    #[tokio::test]
    async fn a_closure_takes_parameters_and_gives_a_result() {
        async fn charge(order: Value) -> Result<Value, TaskError> {
            match order["amount"].as_i64() {
                Some(amount) => Ok(json!({"charged": amount})),
                None => Err(TaskError::new("NoAmount", "nothing to charge")),
            }
        }
        let handler = Closure(charge);
        let answer = handler.run(task(CHARGE, json!({"amount": 7}))).await;
        assert_eq!(succeeded(answer), json!({"charged": 7}));
        let error = handler.run(task(CHARGE, json!({}))).await.unwrap_err();
        assert_eq!(error, TaskError::new("NoAmount", "nothing to charge"));
    }

    #[tokio::test]
    async fn a_closure_may_take_the_whole_task() {
        let handler = TaskClosure(|task: Task| async move { Ok(json!({"key": *task.id})) });
        assert_eq!(
            succeeded(handler.run(task(CHARGE, json!({}))).await),
            json!({"key": "task-1"})
        );
    }

    #[tokio::test]
    async fn a_panic_becomes_an_error_of_the_task() {
        let at_once = Closure(|value: Value| {
            assert!(value.is_null(), "not null: {value}");
            async { Ok(Value::Null) }
        });
        let error = at_once.run(task(CHARGE, json!(1))).await.unwrap_err();
        assert_eq!(error.error, "Stepwell.HandlerPanicked");
        assert_eq!(
            error.cause.unwrap(),
            format!("the handler of {CHARGE} panicked: not null: 1")
        );
        let later = Closure(|_| async {
            tokio::task::yield_now().await;
            std::panic::panic_any(3);
        });
        let error = later.run(task(CHARGE, json!(1))).await.unwrap_err();
        assert!(
            error
                .cause
                .unwrap()
                .ends_with("panicked: without a message")
        );
    }
}
