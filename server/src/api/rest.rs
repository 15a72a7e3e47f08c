//! The plain face of the API, for people with `curl`: the same operations under `/v1`, with names
//! in place of ARNs and JSON in place of JSON text.

use axum::Router;
use axum::extract::{Path, Query, Request as HttpRequest, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use stepwell::Engine;

use super::extract::Request;
use super::router::read_body;
use super::{ApiError, perform};

/// Members of a query that lists pages.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    max_results: Option<i64>,
    next_token: Option<String>,
    status_filter: Option<String>,
    redrive_filter: Option<String>,
    reverse_order: Option<bool>,
    include_execution_data: Option<bool>,
}

/// Members of a query that starts an execution.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    name: Option<String>,
    test_case: Option<String>,
}

pub(super) fn router() -> Router<Engine> {
    let machine = get(describe_state_machine)
        .put(put_state_machine)
        .delete(delete_state_machine);
    Router::new()
        .route("/state-machines", get(list_state_machines))
        .route("/state-machines/{machine}", machine)
        .route(
            "/state-machines/{machine}/executions",
            get(list_executions).post(start_execution),
        )
        .route(
            "/state-machines/{machine}/sync-executions",
            post(start_sync_execution),
        )
        .route(
            "/state-machines/{machine}/executions/{execution}",
            get(describe_execution),
        )
        .route(
            "/state-machines/{machine}/executions/{execution}/history",
            get(history),
        )
        .route(
            "/state-machines/{machine}/executions/{execution}/stop",
            post(stop_execution),
        )
        .route("/tasks/success", post(send_task_success))
        .route("/tasks/failure", post(send_task_failure))
        .route("/tasks/heartbeat", post(send_task_heartbeat))
        .route(
            "/state-machines/{machine}/executions/{execution}/redrive",
            post(redrive_execution),
        )
}

async fn list_state_machines(State(engine): State<Engine>, Query(page): Query<Page>) -> Response {
    answer(
        perform(engine, "ListStateMachines", page.into_request()).await,
        StatusCode::OK,
    )
}

async fn describe_state_machine(
    State(engine): State<Engine>,
    Path(machine): Path<String>,
) -> Response {
    let mut request = Request::default();
    request.set("stateMachineArn", engine.state_machine_arn(&machine));
    answer(
        perform(engine, "DescribeStateMachine", request).await,
        StatusCode::OK,
    )
}

/// Creates the machine, or updates the one of this name. The body is the definition.
async fn put_state_machine(
    State(engine): State<Engine>,
    Path(machine): Path<String>,
    request: HttpRequest,
) -> Response {
    let answered = async {
        let definition = text(request).await?;
        let arn = engine.state_machine_arn(&machine);
        let exists = engine.describe_state_machine(&arn).await.is_ok();
        let mut request = Request::default();
        request.set("definition", definition);
        if exists {
            request.set("stateMachineArn", arn);
            return Ok((
                perform(engine, "UpdateStateMachine", request).await?,
                StatusCode::OK,
            ));
        }
        request.set("name", machine);
        request.set("roleArn", "arn:aws:iam::123456789012:role/stepwell");
        Ok((
            perform(engine, "CreateStateMachine", request).await?,
            StatusCode::CREATED,
        ))
    };
    match answered.await {
        Ok((body, status)) => answer(Ok(body), status),
        Err(error) => answer(Err(error), StatusCode::OK),
    }
}

async fn delete_state_machine(
    State(engine): State<Engine>,
    Path(machine): Path<String>,
) -> Response {
    let mut request = Request::default();
    request.set("stateMachineArn", engine.state_machine_arn(&machine));
    answer(
        perform(engine, "DeleteStateMachine", request).await,
        StatusCode::OK,
    )
}

async fn list_executions(
    State(engine): State<Engine>,
    Path(machine): Path<String>,
    Query(page): Query<Page>,
) -> Response {
    let mut request = page.into_request();
    request.set("stateMachineArn", engine.state_machine_arn(&machine));
    answer(
        perform(engine, "ListExecutions", request).await,
        StatusCode::OK,
    )
}

/// Starts an execution. The body is its input; an empty one stands for `{}`.
async fn start_execution(
    State(engine): State<Engine>,
    Path(machine): Path<String>,
    Query(start): Query<Start>,
    request: HttpRequest,
) -> Response {
    let started = start.run(engine, "StartExecution", &machine, request);
    answer(started.await, StatusCode::CREATED)
}

/// Runs an Express execution to its end. The body is its input; an empty one stands for `{}`.
async fn start_sync_execution(
    State(engine): State<Engine>,
    Path(machine): Path<String>,
    Query(start): Query<Start>,
    request: HttpRequest,
) -> Response {
    let ended = start.run(engine, "StartSyncExecution", &machine, request);
    answer(ended.await, StatusCode::OK)
}

async fn describe_execution(
    State(engine): State<Engine>,
    Path((machine, execution)): Path<(String, String)>,
) -> Response {
    let mut request = Request::default();
    request.set("executionArn", engine.execution_arn(&machine, &execution));
    answer(
        perform(engine, "DescribeExecution", request).await,
        StatusCode::OK,
    )
}

async fn history(
    State(engine): State<Engine>,
    Path((machine, execution)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Response {
    let mut request = page.into_request();
    request.set("executionArn", engine.execution_arn(&machine, &execution));
    answer(
        perform(engine, "GetExecutionHistory", request).await,
        StatusCode::OK,
    )
}

/// Stops an execution. The body may hold `error` and `cause`.
async fn stop_execution(
    State(engine): State<Engine>,
    Path((machine, execution)): Path<(String, String)>,
    request: HttpRequest,
) -> Response {
    let stopped = async {
        let body = read_body(request.into_body()).await?;
        let mut request = Request::parse(&body)?;
        request.set("executionArn", engine.execution_arn(&machine, &execution));
        perform(engine, "StopExecution", request).await
    };
    answer(stopped.await, StatusCode::OK)
}

/// Gives a task its result. The body has `taskToken` and `output`, which is JSON itself.
async fn send_task_success(State(engine): State<Engine>, request: HttpRequest) -> Response {
    let sent = async {
        let body = read_body(request.into_body()).await?;
        let mut request = Request::parse(&body)?;
        if let Some(output) = request.json("output") {
            request.set("output", output);
        }
        perform(engine, "SendTaskSuccess", request).await
    };
    answer(sent.await, StatusCode::OK)
}

/// Fails a task. The body has `taskToken`, and may have `error` and `cause`.
async fn send_task_failure(State(engine): State<Engine>, request: HttpRequest) -> Response {
    send(engine, "SendTaskFailure", request).await
}

/// Tells that a task is alive. The body has `taskToken`.
async fn send_task_heartbeat(State(engine): State<Engine>, request: HttpRequest) -> Response {
    send(engine, "SendTaskHeartbeat", request).await
}

/// Runs an operation whose members are the body's.
async fn send(engine: Engine, operation: &str, request: HttpRequest) -> Response {
    let sent = async {
        let body = read_body(request.into_body()).await?;
        perform(engine, operation, Request::parse(&body)?).await
    };
    answer(sent.await, StatusCode::OK)
}

/// Redrives an execution. The body may hold `clientToken`.
async fn redrive_execution(
    State(engine): State<Engine>,
    Path((machine, execution)): Path<(String, String)>,
    request: HttpRequest,
) -> Response {
    let redriven = async {
        let body = read_body(request.into_body()).await?;
        let mut request = Request::parse(&body)?;
        request.set("executionArn", engine.execution_arn(&machine, &execution));
        perform(engine, "RedriveExecution", request).await
    };
    answer(redriven.await, StatusCode::OK)
}

impl Start {
    async fn run(
        self,
        engine: Engine,
        operation: &str,
        machine: &str,
        body: HttpRequest,
    ) -> Result<Value, ApiError> {
        let input = text(body).await?;
        let mut request = Request::default();
        let arn = engine.state_machine_arn(machine);
        let arn = match self.test_case {
            Some(case) => format!("{arn}#{case}"),
            None => arn,
        };
        request.set("stateMachineArn", arn);
        if let Some(name) = self.name {
            request.set("name", name);
        }
        if !input.trim().is_empty() {
            request.set("input", input);
        }
        perform(engine, operation, request).await
    }
}

impl Page {
    fn into_request(self) -> Request {
        let mut request = Request::default();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                request.set(name, value);
            }
        };
        set("maxResults", self.max_results.map(Into::into));
        set("nextToken", self.next_token.map(Into::into));
        set("statusFilter", self.status_filter.map(Into::into));
        set("redriveFilter", self.redrive_filter.map(Into::into));
        set("reverseOrder", self.reverse_order.map(Into::into));
        set(
            "includeExecutionData",
            self.include_execution_data.map(Into::into),
        );
        request
    }
}

async fn text(request: HttpRequest) -> Result<String, ApiError> {
    let body = read_body(request.into_body()).await?;
    String::from_utf8(body.to_vec())
        .map_err(|_| ApiError::serialization("The body is not text in UTF-8"))
}

/// An answer in plain JSON: payloads and definitions that are JSON text become JSON.
fn answer(result: Result<Value, ApiError>, status: StatusCode) -> Response {
    let (status, mut body) = match result {
        Ok(body) => (status, body),
        Err(error) => {
            let status = match error.code {
                "ExecutionDoesNotExist" | "StateMachineDoesNotExist" | "TaskDoesNotExist" => {
                    StatusCode::NOT_FOUND
                }
                // A task that is over is as taken as a name.
                "ExecutionAlreadyExists"
                | "ExecutionNotRedrivable"
                | "StateMachineAlreadyExists"
                | "TaskTimedOut" => StatusCode::CONFLICT,
                _ => error.status,
            };
            (
                status,
                json!({ "error": error.code, "message": error.message }),
            )
        }
    };
    for member in ["input", "output", "definition"] {
        if let Some(Value::String(text)) = body.get(member)
            && let Ok(value) = serde_json::from_str(text)
        {
            body[member] = value;
        }
    }
    let content_type = (header::CONTENT_TYPE, "application/json");
    (status, [content_type], format!("{body}\n")).into_response()
}
