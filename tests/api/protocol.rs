//! Requests that the SDK would not send.

use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use stepwell::Engine;
use stepwell_tests::server::ROLE;
use tower::ServiceExt as _;

use crate::definitions::{PASS, WAIT};

const AWS_JSON: &str = "application/x-amz-json-1.0";

/// The server without a socket.
pub(crate) struct Face(Router);

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: String,
}

impl Face {
    pub(crate) async fn new() -> Self {
        let engine = Engine::builder().build().await.unwrap();
        Self(stepwell_server::api::router(engine))
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// An operation as AWS's clients call it, with a body of any kind.
    pub(crate) async fn call(&self, operation: &str, body: impl Into<Body>) -> Answer {
        let request = Self::request(operation);
        self.ask(request.body(body.into()).unwrap()).await
    }

    /// The same with the header of a trace.
    async fn call_traced(&self, operation: &str, body: &Value, trace: &[u8]) -> Answer {
        let request = Self::request(operation).header("x-amzn-trace-id", trace);
        let request = request.body(body.to_string().into());
        self.ask(request.unwrap()).await
    }

    fn request(operation: &str) -> Builder {
        let target = format!("AWSStepFunctions.{operation}");
        Request::post("/")
            .header("content-type", AWS_JSON)
            .header("x-amz-target", target)
    }

    /// The plain face.
    pub(crate) async fn rest(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(path);
        self.ask(request.body(body.to_owned().into()).unwrap())
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.rest(Method::GET, path, "").await
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that this is an error of the AWS protocol.
    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, code: &str, message: &str) {
        assert_eq!(self.json(), json!({"__type": code, "message": message}));
        assert_eq!(self.status, status);
        assert_eq!(self.headers["content-type"], AWS_JSON);
        assert_eq!(self.headers["x-amzn-errortype"], code);
        assert!(self.headers.contains_key("x-amzn-requestid"));
    }

    /// Asserts that this is an answer of the plain face.
    #[track_caller]
    pub(crate) fn says(&self, status: u16, body: &Value) {
        assert_eq!((self.status.as_u16(), &self.json()), (status, body));
        assert_eq!(self.headers["content-type"], "application/json");
    }
}

fn unknown(what: &str) -> String {
    format!("The operation '{what}' is not known to Stepwell")
}

#[tokio::test]
async fn every_answer_has_the_content_type_and_an_id() {
    let face = Face::new().await;
    let first = face.call("ListStateMachines", "{}").await;
    assert_eq!(first.status, 200);
    assert_eq!(first.headers["content-type"], AWS_JSON);
    assert_eq!(first.json(), json!({"stateMachines": []}));
    let second = face.call("ListStateMachines", "{}").await;
    let id = |answer: &Answer| answer.headers["x-amzn-requestid"].clone();
    assert_eq!(id(&first).len(), 36);
    assert_ne!(id(&first), id(&second));
    assert!(!first.headers.contains_key("x-amzn-errortype"));
}

#[tokio::test]
async fn the_target_names_the_operation() {
    let face = Face::new().await;
    for (target, shown) in [
        ("AWSStepFunctions.DoWhatIMean", "DoWhatIMean"),
        ("AWSStepFunctions.liststatemachines", "liststatemachines"),
        ("AWSStepFunctions.", ""),
        ("AmazonSQS.ListQueues", "AmazonSQS.ListQueues"),
        ("ListStateMachines", "ListStateMachines"),
        ("", ""),
    ] {
        let request = Request::post("/")
            .header("content-type", AWS_JSON)
            .header("x-amz-target", target);
        let answer = face.ask(request.body("{}".into()).unwrap()).await;
        answer.refuses(404, "UnknownOperationException", &unknown(shown));
    }
    let request = Request::post("/").header("content-type", AWS_JSON);
    let answer = face.ask(request.body("{}".into()).unwrap()).await;
    answer.refuses(404, "UnknownOperationException", &unknown(""));
}

#[tokio::test]
async fn the_content_type_is_that_of_aws() {
    let face = Face::new().await;
    let ask = async |content_type: &str| {
        let request = Request::post("/")
            .header("content-type", content_type)
            .header("x-amz-target", "AWSStepFunctions.ListStateMachines");
        face.ask(request.body("{}".into()).unwrap()).await
    };
    for content_type in [
        AWS_JSON,
        "application/x-amz-json-1.1",
        "application/x-amz-json-1.0; charset=utf-8",
    ] {
        assert_eq!(ask(content_type).await.status, 200, "{content_type}");
    }
    for content_type in [
        "application/json",
        "text/plain",
        "",
        "application/x-amz-json",
    ] {
        let message = unknown(&format!("with content type '{content_type}'"));
        let answer = ask(content_type).await;
        answer.refuses(404, "UnknownOperationException", &message);
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_unknown() {
    let face = Face::new().await;
    for path in ["/nowhere", "/v1/nowhere", "/v2/state-machines", "//"] {
        let answer = face.get(path).await;
        let message = unknown(&format!("GET {path}"));
        answer.refuses(404, "UnknownOperationException", &message);
    }
    for (method, path) in [
        (Method::GET, "/"),
        (Method::DELETE, "/"),
        (Method::POST, "/healthz"),
        (Method::POST, "/v1/state-machines"),
    ] {
        let answer = face.rest(method, path, "").await;
        assert_eq!(answer.status, 405, "{path}");
    }
}

#[tokio::test]
async fn a_body_is_a_json_object() {
    let face = Face::new().await;
    for body in ["[]", "1", "\"x\"", "null", "true"] {
        let answer = face.call("ListStateMachines", body).await;
        let message = "Start of structure or map expected.";
        answer.refuses(400, "SerializationException", message);
    }
    let unreadable: [&[u8]; 7] = [
        b"{",
        b"nonsense",
        b"{\"a\": 1,}",
        b"{} {}",
        b"\xff\xfe",
        b"{\"name\": \"\xc3\"}",
        b"{\"maxResults\": 01}",
    ];
    for body in unreadable {
        let answer = face.call("ListStateMachines", body).await;
        assert_eq!(answer.status, 400, "{body:?}");
        assert_eq!(answer.json()["__type"], "SerializationException");
    }
    let empty = face.call("ListStateMachines", "").await;
    assert_eq!(empty.status, 200, "a body without members may be left out");
}

#[tokio::test]
async fn a_body_may_be_nested_as_deeply_as_it_likes() {
    let face = Face::new().await;
    let depth = 150_000;
    let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for body in [
        nested.clone(),
        format!("{{\"x\": {nested}}}"),
        format!("{{\"name\": {nested}}}"),
        "[".repeat(depth),
        "{\"a\":".repeat(depth),
    ] {
        let answer = face.call("CreateStateMachine", body).await;
        assert_eq!(answer.status, 400);
    }
}

#[tokio::test]
async fn a_body_has_a_bound() {
    let face = Face::new().await;
    let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    let most = 1 << 20;
    let answer = face.call("ListStateMachines", padded(most)).await;
    assert_eq!(answer.status, 200);
    let answer = face.call("ListStateMachines", padded(most + 1)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["__type"], "RequestEntityTooLargeException");
    let path = "/v1/state-machines/orders";
    let answer = face.rest(Method::PUT, path, &padded(most + 1)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error"], "RequestEntityTooLargeException");
}

#[tokio::test]
async fn members_have_their_types() {
    let face = Face::new().await;
    for (operation, body, message) in [
        (
            "ListStateMachines",
            json!({"maxResults": "1"}),
            "STRING_VALUE can not be converted to an Integer",
        ),
        (
            "ListStateMachines",
            json!({"maxResults": 1.5}),
            "The number is not an Integer",
        ),
        (
            "ListStateMachines",
            json!({"maxResults": 1e30}),
            "The number is not an Integer",
        ),
        (
            "ListStateMachines",
            json!({"nextToken": 1}),
            "NUMBER_VALUE can not be converted to a String",
        ),
        (
            "StartExecution",
            json!({"stateMachineArn": true}),
            "TRUE_VALUE can not be converted to a String",
        ),
        (
            "StartExecution",
            json!({"stateMachineArn": "x", "input": {}}),
            "Start of structure or map found where not expected.",
        ),
        (
            "GetExecutionHistory",
            json!({"executionArn": "x", "reverseOrder": "true"}),
            "STRING_VALUE can not be converted to a Boolean",
        ),
        (
            "CreateStateMachine",
            json!({"name": "a", "definition": PASS, "roleArn": ROLE, "loggingConfiguration": false}),
            "FALSE_VALUE can not be converted to a structure",
        ),
        (
            "CreateStateMachine",
            json!({"name": "a", "definition": PASS, "roleArn": ROLE, "tags": {}}),
            "Expected list or null",
        ),
        (
            "CreateStateMachine",
            json!({"name": "a", "definition": PASS, "roleArn": ROLE, "publish": "yes"}),
            "STRING_VALUE can not be converted to a Boolean",
        ),
        (
            "TagResource",
            json!({"resourceArn": "x", "tags": ["a"]}),
            "STRING_VALUE can not be converted to a structure",
        ),
        (
            "TagResource",
            json!({"resourceArn": "x", "tags": [{"key": 1}]}),
            "NUMBER_VALUE can not be converted to a String",
        ),
        (
            "UntagResource",
            json!({"resourceArn": "x", "tagKeys": [null]}),
            "NULL_VALUE can not be converted to a String",
        ),
        (
            "CreateStateMachineAlias",
            json!({"name": "a", "routingConfiguration": {}}),
            "Expected list or null",
        ),
        (
            "CreateStateMachineAlias",
            json!({"name": "a", "routingConfiguration": [{"weight": "100"}]}),
            "STRING_VALUE can not be converted to an Integer",
        ),
    ] {
        let answer = face.call(operation, body.to_string()).await;
        answer.refuses(400, "SerializationException", message);
    }
}

#[tokio::test]
async fn what_must_be_there_must_not_be_null() {
    let face = Face::new().await;
    let whole = json!({"name": "a", "definition": PASS, "roleArn": ROLE});
    for (operation, body, members) in [
        (
            "CreateStateMachine",
            &whole,
            &["name", "definition", "roleArn"][..],
        ),
        ("UpdateStateMachine", &json!({}), &["stateMachineArn"]),
        ("DeleteStateMachine", &json!({}), &["stateMachineArn"]),
        ("DescribeStateMachine", &json!({}), &["stateMachineArn"]),
        (
            "DescribeStateMachineForExecution",
            &json!({}),
            &["executionArn"],
        ),
        ("StartExecution", &json!({}), &["stateMachineArn"]),
        ("DescribeExecution", &json!({}), &["executionArn"]),
        ("StopExecution", &json!({}), &["executionArn"]),
        ("GetExecutionHistory", &json!({}), &["executionArn"]),
        (
            "PublishStateMachineVersion",
            &json!({}),
            &["stateMachineArn"],
        ),
        ("ListStateMachineVersions", &json!({}), &["stateMachineArn"]),
        (
            "DeleteStateMachineVersion",
            &json!({}),
            &["stateMachineVersionArn"],
        ),
        (
            "CreateStateMachineAlias",
            &json!({"name": "live", "routingConfiguration": [{"stateMachineVersionArn": "x", "weight": 1}]}),
            &["name", "routingConfiguration"],
        ),
        (
            "UpdateStateMachineAlias",
            &json!({}),
            &["stateMachineAliasArn"],
        ),
        (
            "DescribeStateMachineAlias",
            &json!({}),
            &["stateMachineAliasArn"],
        ),
        (
            "DeleteStateMachineAlias",
            &json!({}),
            &["stateMachineAliasArn"],
        ),
        ("ListStateMachineAliases", &json!({}), &["stateMachineArn"]),
        (
            "TagResource",
            &json!({"resourceArn": "x", "tags": []}),
            &["resourceArn", "tags"],
        ),
        (
            "UntagResource",
            &json!({"resourceArn": "x", "tagKeys": []}),
            &["resourceArn", "tagKeys"],
        ),
        ("ListTagsForResource", &json!({}), &["resourceArn"]),
    ] {
        for member in members {
            let mut absent = body.clone();
            absent.as_object_mut().unwrap().remove(*member);
            let mut null = body.clone();
            null[*member] = Value::Null;
            let message = format!(
                "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
            );
            for body in [absent, null] {
                let answer = face.call(operation, body.to_string()).await;
                answer.refuses(400, "ValidationException", &message);
            }
        }
    }
}

#[tokio::test]
async fn all_that_is_missing_is_said_at_once() {
    let face = Face::new().await;
    let answer = face.call("CreateStateMachineAlias", "{}".to_owned()).await;
    let message = "2 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; Value null at 'routingConfiguration' failed to satisfy constraint: Member must not be null";
    answer.refuses(400, "ValidationException", message);
    let body = json!({"name": "live", "routingConfiguration": [{"weight": 1}, {}]});
    let answer = face.call("CreateStateMachineAlias", body.to_string()).await;
    let message = "3 validation errors detected: Value null at 'routingConfiguration.1.member.stateMachineVersionArn' failed to satisfy constraint: Member must not be null; Value null at 'routingConfiguration.2.member.stateMachineVersionArn' failed to satisfy constraint: Member must not be null; Value null at 'routingConfiguration.2.member.weight' failed to satisfy constraint: Member must not be null";
    answer.refuses(400, "ValidationException", message);
    let body = json!({"resourceArn": "x", "tags": [{"key": "a"}, {"value": "b"}]});
    let answer = face.call("TagResource", body.to_string()).await;
    let message = "1 validation error detected: Value null at 'tags.2.member.key' failed to satisfy constraint: Member must not be null";
    answer.refuses(400, "ValidationException", message);
}

#[tokio::test]
async fn null_is_absent_and_unknown_members_are_ignored() {
    let face = Face::new().await;
    let body = json!({"maxResults": null, "nextToken": null, "someDay": {"a": [1]}});
    let answer = face.call("ListStateMachines", body.to_string()).await;
    assert_eq!(answer.json(), json!({"stateMachines": []}));
    let body = json!({
        "name": "orders", "definition": PASS, "roleArn": ROLE,
        "type": null, "tags": null, "publish": null, "loggingConfiguration": null, "x": 1,
    });
    let created = face.call("CreateStateMachine", body.to_string()).await;
    assert_eq!(created.status, 200, "{created:?}");
    let arn = &created.json()["stateMachineArn"];
    let body = json!({"stateMachineArn": arn, "name": null, "input": null});
    let started = face.call("StartExecution", body.to_string()).await;
    assert_eq!(started.status, 200, "{started:?}");
}

#[tokio::test]
async fn absent_members_are_left_out_of_answers() {
    let face = Face::new().await;
    let body = json!({"name": "orders", "definition": WAIT, "roleArn": ROLE});
    let created = face.call("CreateStateMachine", body.to_string()).await;
    let arn = created.json()["stateMachineArn"].clone();
    assert!(created.json()["creationDate"].is_f64(), "seconds");
    let body = json!({"stateMachineArn": arn});
    let started = face.call("StartExecution", body.to_string()).await;
    let body = json!({"executionArn": started.json()["executionArn"]});
    let described = face.call("DescribeExecution", body.to_string()).await;
    let described = described.json();
    let nulls = described.as_object().unwrap().iter();
    let nulls: Vec<_> = nulls.filter(|(_, value)| value.is_null()).collect();
    assert!(nulls.is_empty(), "{nulls:?}");
    assert!(described.get("stopDate").is_none());
    assert_eq!(described["startDate"], started.json()["startDate"]);
}

#[tokio::test]
async fn probes_are_answered() {
    let face = Face::new().await;
    for (path, body) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = face.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, body));
    }
}

#[tokio::test]
async fn the_header_of_a_trace_wins_over_the_member() {
    let face = Face::new().await;
    face.rest(Method::PUT, "/v1/state-machines/orders", PASS)
        .await;
    let start = |name: &str, member: &str| {
        json!({
            "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:orders",
            "name": name,
            "traceHeader": member,
        })
    };
    let trace = async |name: &str| {
        let path = format!("/v1/state-machines/orders/executions/{name}");
        face.get(&path).await.json()["traceHeader"].clone()
    };
    let both = start("both", "Root=member");
    face.call_traced("StartExecution", &both, b"Root=header")
        .await;
    assert_eq!(trace("both").await, "Root=header");
    let member = start("member", "Root=member").to_string();
    face.call("StartExecution", member).await;
    assert_eq!(trace("member").await, "Root=member");
    let plain = Request::post("/v1/state-machines/orders/executions?name=plain")
        .header("x-amzn-trace-id", "Root=header");
    face.ask(plain.body("{}".into()).unwrap()).await;
    assert_eq!(trace("plain").await, "Root=header");

    let long = "x".repeat(257);
    let refused = "1 validation error detected: Value '#' at 'traceHeader' failed to satisfy constraint: Member must %";
    for (header, rule) in [
        (&*long, "have length less than or equal to 256"),
        ("ä", r"satisfy regular expression pattern: \p{ASCII}*"),
    ] {
        let wrong = start("wrong", "Root=member");
        let answer = face.call_traced("StartExecution", &wrong, header.as_bytes());
        let message = refused.replace('#', header).replace('%', rule);
        answer.await.refuses(400, "ValidationException", &message);
    }
}
