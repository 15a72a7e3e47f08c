//! Which request goes where.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use stepwell::Engine;
use tower_http::catch_panic::CatchPanicLayer;

use super::extract::Request;
use super::{ApiError, perform, rest};
use crate::metrics;

/// Bytes of a request. Source: API quotas, "Maximum request size".
const BODY_BYTES_MAX: usize = 1_048_576;

const AWS_JSON: &str = "application/x-amz-json-1.0";
const TARGET_PREFIX: &str = "AWSStepFunctions.";

/// Everything the server answers.
pub fn router(engine: Engine) -> Router {
    metrics::begin();
    Router::new()
        .route("/", post(aws_json))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::show))
        .nest("/v1", rest::router())
        .fallback(not_found)
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(
            |_: Box<dyn std::any::Any + Send>| internal_failure(),
        ))
        .with_state(engine)
}

/// Reads a body within its bound.
pub(super) async fn read_body(body: Body) -> Result<Bytes, ApiError> {
    axum::body::to_bytes(body, BODY_BYTES_MAX)
        .await
        .map_err(|_| ApiError::too_large())
}

/// A JSON answer in the API's content type.
pub(super) fn respond(status: StatusCode, body: &Value, error: Option<&'static str>) -> Response {
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(AWS_JSON));
    let request_id = uuid::Uuid::new_v4().to_string();
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert("x-amzn-requestid", value);
    }
    if let Some(error) = error {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(error));
    }
    response
}

async fn aws_json(State(engine): State<Engine>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let answer = async {
        let operation = operation(&parts.headers)?;
        let body = read_body(body).await?;
        let mut request = Request::parse(&body)?;
        request.take_trace(&parts.headers);
        perform(engine, operation, request).await
    };
    match answer.await {
        Ok(body) => respond(StatusCode::OK, &body, None),
        Err(error) => error.into_response(),
    }
}

/// The operation that the headers name.
fn operation(headers: &HeaderMap) -> Result<&str, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = text("content-type").unwrap_or_default();
    // SDKs of the older kind send 1.1 at times; parameters such as a charset do not matter.
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !matches!(media_type, AWS_JSON | "application/x-amz-json-1.1") {
        return Err(ApiError::unknown_operation(&format!(
            "with content type '{content_type}'"
        )));
    }
    let target = text("x-amz-target").unwrap_or_default();
    target
        .strip_prefix(TARGET_PREFIX)
        .ok_or_else(|| ApiError::unknown_operation(target))
}

async fn ready(State(engine): State<Engine>) -> Response {
    match engine.readiness() {
        Ok(()) => "ready\n".into_response(),
        Err(error) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {error}\n"),
        )
            .into_response(),
    }
}

async fn not_found(request: HttpRequest) -> Response {
    let path = format!("{} {}", request.method(), request.uri().path());
    ApiError::unknown_operation(&path).into_response()
}

fn internal_failure() -> Response {
    ApiError {
        code: "InternalFailure",
        message: "The request failed because of an internal error.".to_owned(),
        member: None,
        status: StatusCode::INTERNAL_SERVER_ERROR,
    }
    .into_response()
}
