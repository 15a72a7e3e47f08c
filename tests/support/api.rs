//! Calls of the server's API without a socket.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use stepwell::Engine;
use tower::ServiceExt as _;

use crate::conformance::judge::CallError;

/// The API of an engine.
#[derive(Clone)]
pub struct Api(Router);

impl Api {
    /// The API of `engine`.
    pub fn new(engine: Engine) -> Self {
        Self(stepwell_server::api::router(engine))
    }

    /// Calls an operation in the AWS JSON protocol.
    ///
    /// # Errors
    ///
    /// The error that the API answered.
    pub async fn call(&self, operation: &str, params: &Value) -> Result<Value, CallError> {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AWSStepFunctions.{operation}"))
            .body(Body::from(params.to_string()))
            .expect("the parts of a request are valid");
        let response = self
            .0
            .clone()
            .oneshot(request)
            .await
            .expect("a router always answers");
        let is_success = response.status().is_success();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .expect("the body of an answer can be read");
        let body: Value = serde_json::from_slice(&body).expect("every answer is JSON");
        if is_success {
            return Ok(body);
        }
        let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        Err(CallError {
            code: text("__type"),
            message: text("message"),
        })
    }
}
