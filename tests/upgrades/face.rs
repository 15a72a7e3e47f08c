//! The server without a socket, asked in JSON, so that answers can be kept and compared.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use stepwell::clock::Clock;
use stepwell::{Engine, TaskError};
use stepwell_tests::client::until;
use tower::ServiceExt as _;

/// How functions behave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Functions {
    /// `echo` answers, `broken` fails, `slow` never answers and `later` fails.
    WhenWritten,
    /// The same, but that `slow` and `later` answer.
    WhenReopened,
}

/// A server on a database file.
pub(crate) struct Face(Router);

impl Face {
    pub(crate) async fn open(
        database: &Path,
        functions: Functions,
        clock: Option<Arc<dyn Clock>>,
    ) -> Self {
        let name =
            |function: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:{function}");
        let is_reopened = functions == Functions::WhenReopened;
        let mut builder = Engine::builder()
            .database(database)
            .task(name("echo"), |input| async { Ok(input) })
            .task(name("broken"), |_| async {
                Err(TaskError::new("Broken", "as it should be"))
            })
            .task(name("slow"), move |input| async move {
                if !is_reopened {
                    std::future::pending::<()>().await;
                }
                Ok(input)
            })
            .task(name("later"), move |input| async move {
                match is_reopened {
                    true => Ok(input),
                    false => Err(TaskError::new("NotYet", "later")),
                }
            });
        if let Some(clock) = clock {
            builder = builder.clock(clock);
        }
        let engine = builder.build().await;
        let engine = engine.unwrap_or_else(|error| panic!("{}: {error}", database.display()));
        Self(stepwell_server::api::router(engine))
    }

    /// Calls an operation, which succeeds.
    pub(crate) async fn call(&self, operation: &str, request: &Value) -> Value {
        let asked = Request::post("/")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AWSStepFunctions.{operation}"))
            .body(Body::from(request.to_string()))
            .expect("it is a request");
        let answer = self.0.clone().oneshot(asked).await;
        let (parts, body) = answer.expect("a server always answers").into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await;
        let body = body.expect("it can be read");
        let text = String::from_utf8_lossy(&body);
        assert!(
            parts.status.is_success(),
            "{operation}: {text} for {request}"
        );
        serde_json::from_str(&text).expect("answers are JSON")
    }

    /// All of an execution's history.
    pub(crate) async fn history(&self, execution: &str) -> Vec<Value> {
        let request =
            json!({"executionArn": execution, "maxResults": 1000, "includeExecutionData": true});
        let answer = self.call("GetExecutionHistory", &request).await;
        assert!(answer["nextToken"].is_null(), "{execution}: it is too long");
        answer["events"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until the execution has ended; answers its description.
    pub(crate) async fn ended(&self, execution: &str) -> Value {
        let request = &json!({"executionArn": execution});
        until("the end of an execution", || async {
            let described = self.call("DescribeExecution", request).await;
            (described["status"] != "RUNNING").then_some(described)
        })
        .await
    }

    /// Waits until the history has so many events of this type.
    pub(crate) async fn happened(&self, execution: &str, kind: &str, times: usize) {
        until(kind, || async {
            let events = self.history(execution).await;
            let found = events.iter().filter(|event| event["type"] == kind);
            (found.count() == times).then_some(())
        })
        .await;
    }
}
