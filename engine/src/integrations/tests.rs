//! What the tests of handlers share.

use serde_json::Value;

use super::*;

/// A task for `resource` with `parameters`, and nothing else of interest.
pub(super) fn task(resource: &str, parameters: Value) -> Task {
    Task {
        id: "task-1".into(),
        execution: "arn:aws:states:us-east-1:123456789012:execution:shop:one".into(),
        state_machine: "shop".into(),
        state: StateName::parse("Charge").unwrap(),
        resource: Resource::parse(resource).unwrap(),
        parameters: parameters.into(),
        attempts_before: 0,
        token: None,
        timeout: None,
        test_case: None,
    }
}

/// The result of a task that succeeded.
#[track_caller]
pub(super) fn succeeded(answer: Result<TaskAnswer, TaskError>) -> Value {
    match answer {
        Ok(TaskAnswer::Succeeded(payload)) => payload.to_json(),
        other => panic!("expected a result, got {other:?}"),
    }
}

/// An HTTP server on a free port of this machine; gives its address.
pub(super) async fn serve(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[test]
fn a_long_error_is_cut_between_characters() {
    let error = TaskError::new("ä".repeat(300), "ö".repeat(40_000)).limited();
    assert_eq!(error.error.chars().count(), TaskError::ERROR_LENGTH_MAX);
    assert_eq!(
        error.cause.unwrap().chars().count(),
        TaskError::CAUSE_LENGTH_MAX
    );
    let short = TaskError {
        error: "E".to_owned(),
        cause: None,
    };
    assert_eq!(short.clone().limited(), short);
}
