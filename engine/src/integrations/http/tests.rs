use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::IntoResponse;
use axum::routing::{any, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::super::tests::{serve, succeeded, task};
use super::*;

const CONNECTIONS: &str = "
    http.allow_plain_loopback = true
    [connections.basic]
    type = 'basic'
    username = 'ann'
    password_env = 'SECRET'
    [connections.key]
    type = 'api-key'
    api_key_name = 'X-Key'
    api_key_value_env = 'SECRET'
    invocation_http_parameters.headers = { X-One = 'connection' }
    invocation_http_parameters.query = { a = 'connection', token = { env = 'SECRET' } }
    invocation_http_parameters.body = { a = 'connection' }
    [connections.oauth]
    type = 'oauth-client-credentials'
    authorization_endpoint = 'ADDRESS/token'
    client_id = 'shop'
    client_secret_env = 'SECRET'
    oauth_http_parameters.body = { scope = 'pay' }
";

fn handler(address: &str) -> HttpInvoke {
    let text = CONNECTIONS.replace("ADDRESS", address);
    let variable = |name: &str| (name == "SECRET").then(|| "s3cret".to_owned());
    let configuration = Configuration::parse(&text, Path::new("/"), &variable).unwrap();
    HttpInvoke::new(&configuration, client::build().unwrap())
}

/// Answers with what it was asked.
async fn echo(
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: String,
) -> Json<Value> {
    let headers: serde_json::Map<String, Value> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
        .collect();
    Json(json!({"method": method.as_str(), "query": query, "headers": headers, "body": body}))
}

async fn echo_server() -> String {
    serve(Router::new().route("/echo", any(echo))).await
}

fn parameters(endpoint: &str, connection: &str, more: &Value) -> Value {
    let arn = format!("arn:aws:events:us-east-1:1:connection/{connection}/0-1");
    let mut fields = json!({
        "ApiEndpoint": endpoint,
        "Method": "POST",
        "InvocationConfig": {"ConnectionArn": arn},
    });
    for (name, value) in more.as_object().unwrap() {
        fields[name] = value.clone();
    }
    fields
}

async fn run(handler: &HttpInvoke, parameters: Value) -> Result<TaskAnswer, TaskError> {
    handler
        .run(task("arn:aws:states:::http:invoke", parameters))
        .await
}

/// What the echoing endpoint was asked.
async fn asked(connection: &str, more: Value) -> Value {
    let address = echo_server().await;
    let endpoint = format!("{address}/echo?z=1");
    let answer = run(&handler(&address), parameters(&endpoint, connection, &more)).await;
    let output = succeeded(answer);
    assert_eq!(output["StatusCode"], 200);
    assert_eq!(output["StatusText"], "OK");
    assert_eq!(
        output["Headers"]["content-type"],
        json!(["application/json"])
    );
    output["ResponseBody"].clone()
}

#[tokio::test]
async fn a_request_carries_what_the_state_says() {
    let more = json!({
        "Method": "PUT",
        "Headers": {"X-One": "1", "X-List": ["a", "b"]},
        "QueryParameters": {"q": "a b", "l": ["1", "2"], "n": 3},
        "RequestBody": {"b": [1, 2], "a": null},
    });
    let asked = asked("basic", more).await;
    assert_eq!(asked["method"], "PUT");
    assert_eq!(asked["query"], "z=1&q=a%20b&l=1&l=2&n=3");
    assert_eq!(asked["body"], r#"{"b":[1,2],"a":null}"#);
    let headers = &asked["headers"];
    assert_eq!(headers["x-one"], "1");
    assert_eq!(
        headers["user-agent"],
        "Amazon|StepFunctions|HttpInvoke|us-east-1"
    );
    assert_eq!(headers["range"], "bytes=0-262144");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["authorization"], "Basic YW5uOnMzY3JldA==");
}

#[tokio::test]
async fn what_the_connection_says_comes_before_what_the_state_says() {
    let more = json!({
        "Headers": {"x-one": "state", "x-key": "state"},
        "QueryParameters": {"a": "state", "b": "state"},
        "RequestBody": {"a": "state", "b": "state"},
    });
    let asked = asked("key", more).await;
    assert_eq!(asked["headers"]["x-one"], "connection");
    assert_eq!(asked["headers"]["x-key"], "s3cret");
    assert_eq!(asked["query"], "z=1&a=connection&b=state&token=s3cret");
    assert_eq!(asked["body"], r#"{"a":"connection","b":"state"}"#);
}

#[tokio::test]
async fn the_connection_may_make_the_body_alone() {
    assert_eq!(
        asked("key", json!({"Method": "POST"})).await["body"],
        r#"{"a":"connection"}"#
    );
}

#[tokio::test]
async fn bodies_may_be_text_array_or_form() {
    let body = |more| async { asked("basic", more).await["body"].clone() };
    assert_eq!(body(json!({"RequestBody": "<a/>"})).await, "<a/>");
    assert_eq!(body(json!({"RequestBody": [1]})).await, "[1]");
    assert_eq!(body(json!({})).await, "");
    let form = |options: Value| {
        json!({
            "RequestBody": {"a": ["x", "y"]},
            "Headers": {"Content-Type": "application/x-www-form-urlencoded"},
            "Transform": {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": options}
        })
    };
    assert_eq!(body(form(json!({}))).await, "a%5B0%5D=x&a%5B1%5D=y");
    assert_eq!(
        body(form(json!({"ArrayFormat": "REPEAT"}))).await,
        "a=x&a=y"
    );
    let asked = asked("basic", form(json!({"ArrayFormat": "COMMAS"}))).await;
    assert_eq!(asked["body"], "a=x,y");
    assert_eq!(
        asked["headers"]["content-type"],
        "application/x-www-form-urlencoded"
    );
}

#[track_caller]
fn is_error(answer: Result<TaskAnswer, TaskError>, error: &str, cause: &str) {
    let found = answer.expect_err("the task fails");
    assert_eq!(found.error, error, "{found}");
    let found = found.cause.unwrap();
    assert!(found.contains(cause), "{found}");
    assert!(!found.contains("s3cret"), "{found}");
}

#[tokio::test]
async fn wrong_parameters_are_refused_by_name() {
    let handler = handler("http://127.0.0.1:1");
    let mut cases = vec![
        (
            json!({"ApiEndpoint": "http://example.com/"}),
            "must start with https://",
        ),
        (
            json!({"ApiEndpoint": "ftp://127.0.0.1/"}),
            "must start with https://",
        ),
        (
            json!({"ApiEndpoint": "https://a:b@example.com/"}),
            "'ApiEndpoint' has an invalid format",
        ),
        (
            json!({"ApiEndpoint": 1}),
            "'ApiEndpoint' has an invalid format",
        ),
        (json!({"Method": "TRACE"}), "'Method' has an invalid format"),
        (json!({"Headers": "x"}), "'Headers' has an invalid format"),
        (
            json!({"Headers": {"a": {}}}),
            "'Headers' has an invalid format",
        ),
        (
            json!({"Headers": {"a b": "c"}}),
            "The header 'a b' has an invalid format",
        ),
        (
            json!({"QueryParameters": {"a": {}}}),
            "'QueryParameters' has an invalid format",
        ),
        (
            json!({"RequestBody": 1}),
            "'RequestBody' has an invalid format",
        ),
        (
            json!({"Transform": {"RequestBodyEncoding": "X"}}),
            "'Transform.RequestBodyEncoding'",
        ),
    ];
    for name in [
        "Authorization",
        "HOST",
        "X-Amz-Date",
        "x-forwarded-for",
        "Via",
    ] {
        cases.push((
            json!({"Headers": {name: "x"}}),
            "is not supported in an HTTP task",
        ));
    }
    for (more, cause) in cases {
        let parameters = parameters("https://127.0.0.1:1/", "basic", &more);
        is_error(run(&handler, parameters).await, "States.Runtime", cause);
    }
    let text = parameters(
        "https://127.0.0.1:1/",
        "key",
        &json!({"RequestBody": "text"}),
    );
    is_error(
        run(&handler, text).await,
        "States.Runtime",
        "must be a JSON object",
    );
}

#[tokio::test]
async fn a_connection_that_is_missing_is_named() {
    let handler = handler("http://127.0.0.1:1");
    let unknown = parameters("https://127.0.0.1:1/", "none", &json!({}));
    let error = "Events.ConnectionResource.ResourceNotFound";
    is_error(
        run(&handler, unknown).await,
        error,
        "connection/none/0-1' does not exist",
    );
    let fields = json!({"ApiEndpoint": "https://x/", "Method": "GET"});
    let cause = "[The field 'InvocationConfig.ConnectionArn' is required but was missing]";
    is_error(run(&handler, fields).await, "States.Runtime", cause);
    let arn = "arn:aws:events:us-east-1:1:connection/basic/0-1";
    let fields = json!({"Method": "GET", "Authentication": {"ConnectionArn": arn}});
    let cause = "[The field 'ApiEndpoint' is required but was missing]";
    is_error(run(&handler, fields).await, "States.Runtime", cause);
}

#[test]
fn plain_http_leads_only_to_this_machine() {
    let allow = |allow_plain_loopback, url: &str| {
        Endpoints {
            allow_plain_loopback,
        }
        .allow(&url.parse().unwrap())
    };
    for url in [
        "http://localhost:1/",
        "http://127.9.9.9/",
        "http://[::1]:80/",
    ] {
        assert!(allow(true, url), "{url}");
        assert!(!allow(false, url), "{url}");
    }
    for url in [
        "http://10.0.0.1/",
        "http://localhost.example.com/",
        "http://[::2]/",
        "file:///x",
    ] {
        assert!(!allow(true, url), "{url}");
    }
    assert!(allow(false, "https://example.com/"));
}

#[tokio::test]
async fn other_answers_are_errors() {
    let router = Router::new()
        .route(
            "/404",
            any(|| async { (StatusCode::NOT_FOUND, "no such customer") }),
        )
        .route(
            "/302",
            any(|| async { (StatusCode::FOUND, [("location", "/404")]) }),
        )
        .route("/big", any(|| async { vec![b'x'; 262_145] }))
        .route(
            "/image",
            any(|| async { ([("content-type", "image/png")], "x") }),
        );
    let address = serve(router).await;
    let handler = handler(&address);
    for (path, error, cause) in [
        ("404", "States.Http.StatusCode.404", "no such customer"),
        ("302", "States.Http.StatusCode.302", "Found"),
        (
            "big",
            "States.DataLimitExceeded",
            "The state/task 'http' returned a result",
        ),
        ("image", "States.Runtime", "'image/png'"),
    ] {
        let parameters = parameters(&format!("{address}/{path}"), "basic", &json!({}));
        is_error(run(&handler, parameters).await, error, cause);
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_is_a_socket_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut handler = handler(&address);
    Arc::get_mut(&mut handler.0).unwrap().time_max = Duration::from_millis(50);
    // It listens but never answers.
    let endpoint = parameters(&address, "basic", &json!({}));
    is_error(
        run(&handler, endpoint.clone()).await,
        "States.Http.Socket",
        "did not answer within",
    );
    drop(listener);
    Arc::get_mut(&mut handler.0).unwrap().time_max = TIME_MAX;
    let query = parameters(&address, "key", &json!({}));
    is_error(
        run(&handler, query).await,
        "States.Http.Socket",
        "error sending request",
    );
}

#[derive(Default)]
struct TokenServer {
    given: AtomicUsize,
    /// The oldest token that is still accepted.
    valid_from: AtomicUsize,
}

async fn give_token(State(server): State<Arc<TokenServer>>, body: String) -> impl IntoResponse {
    assert_eq!(
        body,
        "client_id=shop&client_secret=s3cret&grant_type=client_credentials&scope=pay"
    );
    let number = server.given.fetch_add(1, Ordering::SeqCst);
    Json(json!({"access_token": format!("t{number}"), "expires_in": 3600}))
}

async fn check_token(
    State(server): State<Arc<TokenServer>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let text = headers["authorization"].to_str().unwrap().to_owned();
    let number: usize = text.strip_prefix("Bearer t").unwrap().parse().unwrap();
    let is_valid = number >= server.valid_from.load(Ordering::SeqCst);
    (
        if is_valid {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        },
        text,
    )
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_it_is_refused() {
    let server = Arc::new(TokenServer::default());
    let router = Router::new()
        .route("/token", post(give_token))
        .route("/pay", post(check_token))
        .with_state(server.clone());
    let address = serve(router).await;
    let handler = handler(&address);
    let pay = || {
        run(
            &handler,
            parameters(&format!("{address}/pay"), "oauth", &json!({})),
        )
    };
    let both = futures_util::future::join(pay(), pay()).await;
    for answer in [both.0, both.1] {
        assert_eq!(succeeded(answer)["ResponseBody"], "Bearer t0");
    }
    assert_eq!(server.given.load(Ordering::SeqCst), 1);
    server.valid_from.store(1, Ordering::SeqCst);
    assert_eq!(succeeded(pay().await)["ResponseBody"], "Bearer t1");
    // A fresh token that is refused too is not asked for again and again.
    server.valid_from.store(100, Ordering::SeqCst);
    is_error(pay().await, "States.Http.StatusCode.401", "Bearer t2");
    assert_eq!(server.given.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_connection_that_gets_no_token_is_invalid() {
    let refuse = || async { (StatusCode::BAD_REQUEST, r#"{"error":"invalid_client"}"#) };
    let address = serve(Router::new().route("/token", post(refuse))).await;
    let parameters = parameters(&address, "oauth", &json!({}));
    let error = "Events.ConnectionResource.InvalidConnectionState";
    is_error(
        run(&handler(&address), parameters).await,
        error,
        "400 Bad Request: invalid_client",
    );
}

#[tokio::test]
async fn a_trace_shows_secrets_to_those_who_may_see_them() {
    let address = echo_server().await;
    let endpoint = format!("{address}/echo");
    for reveals_secrets in [false, true] {
        let trace = HttpTrace::new(reveals_secrets);
        let more =
            json!({"Method": "POST", "RequestBody": {"b": 1}, "QueryParameters": {"q": "1"}});
        let parameters = parameters(&endpoint, "key", &more);
        let task = task("arn:aws:states:::http:invoke", parameters);
        succeeded(
            handler(&address)
                .run_traced(task, Some(trace.clone()))
                .await,
        );
        let HttpExchange { request, response } = trace.take().unwrap();
        let shown = format!("{} {} {:?}", request.url, request.headers, request.body);
        assert_eq!(shown.contains("s3cret"), reveals_secrets, "{shown}");
        assert_eq!(shown.contains("connection"), reveals_secrets, "{shown}");
        assert_eq!((&*request.protocol, &*request.method), ("http", "POST"));
        assert!(
            shown.contains("q=1") && shown.contains("\"b\\\":1"),
            "{shown}"
        );
        assert!(
            request.headers.starts_with('[') && request.headers.contains("range: bytes=0-262144")
        );
        let response = response.unwrap();
        assert_eq!(
            (&*response.status_code, &*response.status_message),
            ("200", "OK")
        );
        assert!(response.headers.contains("content-type: application/json"));
        assert!(response.body.starts_with('{'));
    }
}
