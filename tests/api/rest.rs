//! The plain REST face, and the document that describes it.

use axum::http::Method;
use serde_json::{Value, json};

use stepwell_tests::client::until;

use crate::definitions::{FAIL, PASS, WAIT};
use crate::map_runs::{self, distributed};
use crate::protocol::Face;

#[tokio::test]
async fn the_plain_face_creates_updates_and_deletes() {
    let face = Face::new().await;
    let path = "/v1/state-machines/orders";
    let created = face.rest(Method::PUT, path, PASS).await;
    assert_eq!(created.status, 201, "{created:?}");
    let arn = "arn:aws:states:us-east-1:123456789012:stateMachine:orders";
    assert_eq!(created.json()["stateMachineArn"], arn);
    assert!(created.body.ends_with("}\n"), "a line of its own");

    let updated = face.rest(Method::PUT, path, WAIT).await;
    assert_eq!(updated.status, 200, "{updated:?}");
    assert!(updated.json()["revisionId"].is_string());
    let described = face.get(path).await;
    let definition: Value = serde_json::from_str(WAIT).unwrap();
    assert_eq!(described.json()["definition"], definition, "JSON, not text");

    let listed = face.get("/v1/state-machines?maxResults=1").await;
    assert_eq!(listed.json()["stateMachines"][0]["name"], "orders");

    let deleted = face.rest(Method::DELETE, path, "").await;
    deleted.says(200, &json!({}));
    let message = format!("State Machine Does Not Exist: '{arn}'");
    let gone = json!({"error": "StateMachineDoesNotExist", "message": message});
    face.get(path).await.says(404, &gone);
    let started = face
        .rest(Method::POST, &format!("{path}/executions"), "")
        .await;
    started.says(404, &gone);
    let listed = face.get(&format!("{path}/executions")).await;
    listed.says(404, &gone);
}

#[tokio::test]
async fn the_plain_face_runs_executions() {
    let face = Face::new().await;
    let machine = "/v1/state-machines/orders";
    face.rest(Method::PUT, machine, WAIT).await;
    let executions = format!("{machine}/executions");
    let named = format!("{executions}?name=one");
    let started = face.rest(Method::POST, &named, r#"{"a": 1}"#).await;
    assert_eq!(started.status, 201, "{started:?}");
    let again = face.rest(Method::POST, &named, r#"{"a": 1}"#).await;
    again.says(201, &started.json());
    let arn = "arn:aws:states:us-east-1:123456789012:execution:orders:one";
    assert_eq!(started.json()["executionArn"], arn);
    let message = format!("Execution Already Exists: '{arn}'");
    let taken = json!({"error": "ExecutionAlreadyExists", "message": message});
    face.rest(Method::POST, &named, "2").await.says(409, &taken);

    let one = format!("{executions}/one");
    let described = face.get(&one).await.json();
    assert_eq!(described["status"], "RUNNING");
    assert_eq!(described["input"], json!({"a": 1}), "JSON, not text");

    let reasons = r#"{"error": "Enough", "cause": "of it"}"#;
    let stopped = face
        .rest(Method::POST, &format!("{one}/stop"), reasons)
        .await;
    assert_eq!(stopped.status, 200, "{stopped:?}");
    let described = face.get(&one).await.json();
    let found = (
        &described["status"],
        &described["error"],
        &described["cause"],
    );
    assert_eq!(
        found,
        (&json!("ABORTED"), &json!("Enough"), &json!("of it"))
    );

    let latest = format!("{one}/history?reverseOrder=true&maxResults=2");
    let history = face.get(&latest).await.json();
    let events = history["events"].as_array().unwrap();
    let told: Vec<_> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(told, ["ExecutionAborted", "WaitStateEntered"]);
    assert!(history["nextToken"].is_string());
    let without_data = format!("{one}/history?includeExecutionData=false");
    let bare = face.get(&without_data).await.json();
    assert_eq!(
        bare["events"][1]["stateEnteredEventDetails"],
        json!({"name": "Wait"})
    );

    let listed = face
        .get(&format!("{executions}?statusFilter=ABORTED"))
        .await;
    assert_eq!(listed.json()["executions"].as_array().unwrap().len(), 1);
    let listed = face
        .get(&format!("{executions}?statusFilter=RUNNING"))
        .await;
    assert_eq!(listed.json()["executions"], json!([]));

    let redrive = format!("{one}/redrive");
    let token = r#"{"clientToken": "a"}"#;
    let redriven = face.rest(Method::POST, &redrive, token).await;
    assert_eq!(redriven.status, 200, "{redriven:?}");
    let again = face.rest(Method::POST, &redrive, token).await;
    again.says(200, &redriven.json());
    let described = face.get(&one).await.json();
    assert_eq!(described["status"], "RUNNING");
    assert_eq!(described["redriveDate"], redriven.json()["redriveDate"]);
    let listed = face
        .get(&format!("{executions}?redriveFilter=REDRIVEN"))
        .await;
    assert_eq!(listed.json()["executions"].as_array().unwrap().len(), 1);
    let reason = "Execution is RUNNING and cannot be redriven";
    let refused = json!({"error": "ExecutionNotRedrivable", "message": reason});
    let other = face.rest(Method::POST, &redrive, "").await;
    other.says(409, &refused);
}

#[tokio::test]
async fn the_plain_face_says_what_is_wrong() {
    let face = Face::new().await;
    let machine = "/v1/state-machines/orders";
    face.rest(Method::PUT, machine, FAIL).await;
    let absent = "arn:aws:states:us-east-1:123456789012:execution:orders:absent";
    let message = format!("Execution Does Not Exist: '{absent}'");
    let gone = json!({"error": "ExecutionDoesNotExist", "message": message});
    let path = format!("{machine}/executions/absent");
    face.get(&path).await.says(404, &gone);
    face.get(&format!("{path}/history")).await.says(404, &gone);
    let stopped = face.rest(Method::POST, &format!("{path}/stop"), "").await;
    stopped.says(404, &gone);

    for (method, path, body, error) in [
        (Method::PUT, machine, "{", "InvalidDefinition"),
        (Method::PUT, "/v1/state-machines/a%20b", PASS, "InvalidName"),
        (
            Method::POST,
            "/v1/state-machines/orders/executions",
            "{",
            "InvalidExecutionInput",
        ),
        (
            Method::POST,
            "/v1/state-machines/orders/executions?name=a%20b",
            "",
            "InvalidName",
        ),
        (
            Method::POST,
            "/v1/state-machines/orders/executions/one/stop",
            "[]",
            "SerializationException",
        ),
        (
            Method::GET,
            "/v1/state-machines?maxResults=1001",
            "",
            "ValidationException",
        ),
        (
            Method::GET,
            "/v1/state-machines?nextToken=x",
            "",
            "InvalidToken",
        ),
    ] {
        let answer = face.rest(method, path, body).await;
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
        assert_eq!(answer.json()["error"], error, "{path}");
    }
    for path in [
        "/v1/state-machines?maxResults=many",
        "/v1/state-machines/a/executions/b/history?reverseOrder=perhaps",
        "/v1/state-machines/%FF",
    ] {
        let answer = face.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(answer.json()["error"], "SerializationException", "{path}");
    }
}

#[tokio::test]
async fn the_plain_face_answers_tasks() {
    let face = Face::new().await;
    let activity = json!({"name": "work"}).to_string();
    let activity = face.call("CreateActivity", activity).await.json();
    let arn = activity["activityArn"].as_str().unwrap();
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Task", "Resource": arn, "HeartbeatSeconds": 600, "Next": "B"},
        "B": {"Type": "Task", "Resource": arn, "End": true}}});
    let machine = "/v1/state-machines/orders";
    face.rest(Method::PUT, machine, &definition.to_string())
        .await;
    let start = format!("{machine}/executions?name=one");
    face.rest(Method::POST, &start, r#"{"n": 1}"#).await;
    let poll = json!({"activityArn": arn}).to_string();
    let token = async || {
        let task = face.call("GetActivityTask", poll.clone()).await.json();
        task["taskToken"].as_str().unwrap().to_owned()
    };
    let send = async |what: &str, body: Value| {
        let path = format!("/v1/tasks/{what}");
        face.rest(Method::POST, &path, &body.to_string()).await
    };
    let first = token().await;
    let answer = send("heartbeat", json!({"taskToken": first})).await;
    answer.says(200, &json!({}));
    let output = json!({"taskToken": first, "output": {"done": [1, null]}});
    send("success", output.clone()).await.says(200, &json!({}));
    let late = json!({
        "error": "TaskTimedOut",
        "message": "Task Timed Out: 'Provided task does not exist anymore'",
    });
    send("success", output).await.says(409, &late);

    let second = token().await;
    let failure = json!({"taskToken": second, "error": "Broken", "cause": "It is broken."});
    send("failure", failure).await.says(200, &json!({}));
    let execution = face.get(&format!("{machine}/executions/one")).await.json();
    assert_eq!(execution["status"], "FAILED");
    assert_eq!(execution["error"], "Broken");

    let wrong = json!({"error": "InvalidToken", "message": "Invalid Token: 'Invalid token'"});
    let output = json!({"taskToken": "x", "output": null});
    send("success", output).await.says(400, &wrong);
    let missing = send("success", json!({})).await;
    assert_eq!(missing.status, 400);
    assert_eq!(
        missing.json()["message"],
        "2 validation errors detected: Value null at 'taskToken' failed to satisfy constraint: Member must not be null; Value null at 'output' failed to satisfy constraint: Member must not be null"
    );
}

#[tokio::test]
async fn the_plain_face_checks_definitions_and_runs_express() {
    let face = Face::new().await;
    let checked = face.rest(Method::POST, "/v1/validate", FAIL).await;
    let fine = json!({"result": "OK", "diagnostics": [], "truncated": false});
    checked.says(200, &fine);
    let checked = face
        .rest(Method::POST, "/v1/validate?maxResults=1", "{}")
        .await;
    assert_eq!(checked.json()["result"], "FAIL");

    let machine = "/v1/state-machines/quick";
    let created = face
        .rest(Method::PUT, &format!("{machine}?type=EXPRESS"), PASS)
        .await;
    assert_eq!(created.status, 201, "{created:?}");
    let path = format!("{machine}/sync-executions");
    let ended = face.rest(Method::POST, &path, r#"{"n": 1}"#).await;
    assert_eq!(ended.status, 200);
    assert_eq!(ended.json()["status"], "SUCCEEDED");
    assert_eq!(ended.json()["input"], json!({"n": 1}), "JSON, not text");
}

#[tokio::test]
async fn the_plain_face_shows_and_limits_map_runs() {
    let face = Face::new().await;
    let machine = "/v1/state-machines/orders";
    let definition = distributed(map_runs::WAIT, r#", "MaxConcurrency": 1"#);
    face.rest(Method::PUT, machine, &definition).await;
    let start = format!("{machine}/executions?name=one");
    face.rest(Method::POST, &start, "[1, 2, 3]").await;
    let listed = format!("{machine}/executions/one/map-runs");
    let arn = until("a Map Run", async || {
        let listed = face.get(&listed).await.json();
        let arn = listed["mapRuns"][0]["mapRunArn"].as_str();
        arn.map(str::to_owned)
    })
    .await;
    let id = arn.rsplit(':').next().unwrap();
    let run = format!("{machine}/map-runs/each/{id}");
    let described = face.get(&run).await.json();
    assert_eq!(described["mapRunArn"], arn.as_str());
    assert_eq!(described["maxConcurrency"], 1);
    let limits = json!({"maxConcurrency": 2, "toleratedFailurePercentage": 12.5});
    let updated = face.rest(Method::PUT, &run, &limits.to_string()).await;
    updated.says(200, &json!({}));
    let described = face.get(&run).await.json();
    assert_eq!(described["toleratedFailurePercentage"], 12.5);
    let children = format!("{run}/executions?statusFilter=RUNNING");
    until("two children", async || {
        let listed = face.get(&children).await.json();
        (listed["executions"].as_array()?.len() == 2).then_some(())
    })
    .await;
    let nothing = face.rest(Method::PUT, &run, "{}").await;
    assert_eq!(nothing.status, 400, "{nothing:?}");
    let message = "Request references a resource that does not exist.";
    let absent = json!({"error": "ResourceNotFound", "message": message});
    let other = format!("{machine}/map-runs/other/{id}");
    face.get(&other).await.says(404, &absent);
    let changed = face.rest(Method::PUT, &other, &limits.to_string()).await;
    changed.says(404, &absent);
    let listed = face.get(&format!("{other}/executions")).await;
    assert_eq!(listed.status, 404, "{listed:?}");
}

#[tokio::test]
async fn the_document_describes_every_route() {
    let face = Face::new().await;
    let answer = face.get("/v1/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            let summary = operation["summary"].as_str().unwrap();
            assert!(summary.ends_with('.'), "{id}");
            assert!(operation["responses"]["default"].is_object(), "{id}");
            // Each is a route: it answers, whatever it says.
            let path = path.replace("{machine}", "m").replace("{execution}", "e");
            let path = path.replace("{label}", "l").replace("{map_run}", "r");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answered = face.rest(method, &path, "").await;
            let unknown = json!("UnknownOperationException");
            assert_ne!(answered.json()["error"], unknown, "{id}");
            assert!(answered.json()["__type"].is_null(), "{id}");
        }
    }
    for id in [
        "ListStateMachines",
        "PutStateMachine",
        "RedriveExecution",
        "SendTaskSuccess",
    ] {
        assert!(ids.contains(id), "{id}");
    }
}
