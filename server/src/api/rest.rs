//! The plain face of the API, for people with `curl`: the same operations under `/v1`, with names
//! in place of ARNs and JSON in place of JSON text.
//!
//! [`ROUTES`] says all there is to know of each route; the router is made from it,
//! and so is the document at `/v1/openapi.json`.

mod openapi;
mod routes;

use std::collections::HashMap;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, Request as HttpRequest, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, on};
use serde_json::{Value, json};
use stepwell::Engine;

use super::extract::Request;
use super::router::read_body;
use super::{ApiError, perform};

use routes::{Act, Body, Kind, Member, ROUTES, Route};

/// The role of state machines that are created here, where nobody checks roles.
const ROLE: &str = "arn:aws:iam::123456789012:role/stepwell";

type Names = Result<Path<HashMap<String, String>>, PathRejection>;

pub(super) fn router() -> Router<Engine> {
    let document = get(|| async { axum::Json(openapi::document()) });
    let router = Router::new().route("/openapi.json", document);
    ROUTES.iter().fold(router, |router, route| {
        let handler = move |State(engine): State<Engine>, names: Names, request: HttpRequest| {
            serve(route, engine, names, request)
        };
        router.route(route.path, on(route.verb.filter(), handler))
    })
}

async fn serve(
    route: &'static Route,
    engine: Engine,
    names: Names,
    request: HttpRequest,
) -> Response {
    let answered = async {
        let Path(names) = names.map_err(|error| ApiError::serialization(error.body_text()))?;
        let request = read(route, &engine, &names, request).await?;
        match route.act {
            Act::Operation(operation) => {
                Ok((perform(engine, operation, request).await?, route.status))
            }
            Act::PutStateMachine => put_state_machine(engine, &names, request).await,
        }
    };
    match answered.await {
        Ok((body, status)) => answer(status, body),
        Err(error) => refuse(&error),
    }
}

/// Puts the members of an operation together from path, query and body.
async fn read(
    route: &Route,
    engine: &Engine,
    names: &HashMap<String, String>,
    request: HttpRequest,
) -> Result<Request, ApiError> {
    let (parts, body) = request.into_parts();
    let query = query(&parts.uri)?;
    let body = read_body(body).await?;
    let mut members = match route.body {
        Body::None => Request::default(),
        Body::Members(known) => members_of(&body, known)?,
        Body::Whole { member, .. } => {
            let text = std::str::from_utf8(&body)
                .map_err(|_| ApiError::serialization("The body is not text in UTF-8"))?;
            let mut request = Request::default();
            if !text.trim().is_empty() {
                request.set(member, text);
            }
            request
        }
    };
    for member in route.query {
        if let Some(text) = query.get(member.name) {
            members.set(member.name, member.read(text)?);
        }
    }
    members.take_trace(&parts.headers);
    let name = |name: &str| names.get(name).map(String::as_str);
    let machine = name("machine");
    if let (Some(machine), Some(label), Some(map_run)) = (machine, name("label"), name("map_run")) {
        let arn = engine.map_run_arn(machine, label, map_run);
        members.set("mapRunArn", arn);
        return Ok(members);
    }
    match (machine, name("execution")) {
        (Some(machine), Some(execution)) => {
            members.set("executionArn", engine.execution_arn(machine, execution));
        }
        (Some(machine), None) => {
            let arn = engine.state_machine_arn(machine);
            let arn = match query.get("testCase") {
                Some(case) => format!("{arn}#{case}"),
                None => arn,
            };
            members.set("stateMachineArn", arn);
        }
        (None, _) => {}
    }
    Ok(members)
}

fn query(uri: &Uri) -> Result<HashMap<String, String>, ApiError> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| ApiError::serialization(error.body_text()))?;
    Ok(pairs.into_iter().collect())
}

/// The members of a body that is an object; where the API wants JSON text, JSON itself.
fn members_of(body: &[u8], known: &[Member]) -> Result<Request, ApiError> {
    let mut request = Request::parse(body)?;
    for member in known.iter().filter(|member| member.kind == Kind::Json) {
        if let Some(text) = request.json(member.name) {
            request.set(member.name, text);
        }
    }
    Ok(request)
}

impl Member {
    /// Reads a member of the query.
    fn read(&self, text: &str) -> Result<Value, ApiError> {
        let wrong = |kind: &str| {
            ApiError::serialization(format!("The value of '{}' is no {kind}", self.name))
        };
        match self.kind {
            Kind::Text | Kind::Json => Ok(text.into()),
            Kind::Integer => {
                let number = text.parse::<i64>().map_err(|_| wrong("integer"))?;
                Ok(number.into())
            }
            Kind::Number => {
                let number = text.parse::<f64>().map_err(|_| wrong("number"))?;
                Ok(number.into())
            }
            Kind::Boolean => {
                let value = text.parse::<bool>().map_err(|_| wrong("boolean"))?;
                Ok(value.into())
            }
        }
    }
}

/// Creates the state machine, or updates the one of this name.
async fn put_state_machine(
    engine: Engine,
    names: &HashMap<String, String>,
    mut request: Request,
) -> Result<(Value, StatusCode), ApiError> {
    let machine = names.get("machine").map(String::as_str).unwrap_or_default();
    let arn = engine.state_machine_arn(machine);
    if engine.describe_state_machine(&arn).await.is_ok() {
        let updated = perform(engine, "UpdateStateMachine", request).await?;
        return Ok((updated, StatusCode::OK));
    }
    request.set("name", machine);
    if !request.has("roleArn") {
        request.set("roleArn", ROLE);
    }
    let created = perform(engine, "CreateStateMachine", request).await?;
    Ok((created, StatusCode::CREATED))
}

/// An answer in plain JSON: payloads and definitions that are JSON text become JSON.
fn answer(status: StatusCode, mut body: Value) -> Response {
    for member in ["input", "output", "definition"] {
        if let Some(Value::String(text)) = body.get(member)
            && let Ok(value) = serde_json::from_str(text)
        {
            body[member] = value;
        }
    }
    respond(status, &body)
}

fn refuse(error: &ApiError) -> Response {
    let status = match error.code {
        "ActivityDoesNotExist"
        | "ExecutionDoesNotExist"
        | "ResourceNotFound"
        | "StateMachineDoesNotExist"
        | "TaskDoesNotExist" => StatusCode::NOT_FOUND,
        // Of a task that is over, what the caller has to say comes too late.
        "ConflictException"
        | "ExecutionAlreadyExists"
        | "ExecutionNotRedrivable"
        | "StateMachineAlreadyExists"
        | "StateMachineDeleting"
        | "TaskTimedOut" => StatusCode::CONFLICT,
        "ThrottlingException" => StatusCode::TOO_MANY_REQUESTS,
        _ => error.status,
    };
    let body = json!({ "error": error.code, "message": error.message });
    respond(status, &body)
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let content_type = (header::CONTENT_TYPE, "application/json");
    (status, [content_type], format!("{body}\n")).into_response()
}
