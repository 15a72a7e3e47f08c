//! A function behind a URL: parameters posted as JSON, the result answered as JSON.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use serde_json::{Map, Value};
use stepwell_interpreter::Payload;

use super::super::http::client::{self, BodyError};
use super::super::{Task, TaskError};
use super::{RESPONSE_SIZE_MAX, failure};

/// By these names an endpoint learns which task asks, to do its work only once.
const TASK_ID: &str = "x-stepwell-task-id";
const EXECUTION_ARN: &str = "x-stepwell-execution-arn";

pub(super) async fn call(
    client: &Client,
    url: &Url,
    task: &Task,
    request_id: &str,
) -> Result<Payload, TaskError> {
    let mut request = client
        .post(url.clone())
        .header(CONTENT_TYPE, "application/json")
        .body(task.parameters.text().to_owned());
    for (name, text) in [(TASK_ID, &task.id), (EXECUTION_ARN, &task.execution)] {
        if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
            request = request.header(name, value);
        }
    }
    let unreachable = |error| {
        let host = url.host_str().unwrap_or_default();
        let cause = format!(
            "Unable to execute HTTP request: {host}: {}",
            client::reason(error)
        );
        TaskError::new("Lambda.SdkClientException", cause)
    };
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let is_marked = response.headers().contains_key("x-amz-function-error");
    let body = client::read(response, RESPONSE_SIZE_MAX)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge => failure::response_too_large(),
            BodyError::Transport(error) => unreachable(error),
        })?;
    judge(status, is_marked, &body, request_id)
}

fn judge(
    status: StatusCode,
    is_marked: bool,
    body: &[u8],
    request_id: &str,
) -> Result<Payload, TaskError> {
    let described = failure::read_error(body);
    if is_marked {
        return Err(failure::raised(described.unwrap_or_default(), request_id));
    }
    if status.is_success() {
        // Lambda's own emulator answers 200 to a function that raised an error.
        return match described {
            Some(error) if is_only_an_error(&error) => Err(failure::raised(error, request_id)),
            _ => failure::read_result(body, request_id),
        };
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        let code = "TooManyRequestsException";
        return Err(failure::refused(429, code, "Rate Exceeded.", request_id));
    }
    if let Some(error) = described {
        return Err(failure::raised(error, request_id));
    }
    let code = if status.is_server_error() {
        "ServiceException"
    } else {
        "InvocationFailed"
    };
    let message = format!("The function's endpoint answered {status}");
    Err(failure::refused(
        status.as_u16(),
        code,
        &message,
        request_id,
    ))
}

/// Whether an answer has the members of a Lambda error and no others: a result may well have an
/// `errorMessage` among its own members.
fn is_only_an_error(body: &Map<String, Value>) -> bool {
    let is_text = |name| body.get(name).is_some_and(Value::is_string);
    let known = [
        "errorType",
        "errorMessage",
        "requestId",
        "stackTrace",
        "trace",
    ];
    is_text("errorType")
        && is_text("errorMessage")
        && body.keys().all(|key| known.contains(&key.as_str()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use axum::routing::post;
    use serde_json::json;

    use super::super::super::tests::{serve, task};
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:charge";

    #[track_caller]
    fn check(status: u16, is_marked: bool, body: &str, expected: Result<&str, &str>) {
        let found = judge(
            StatusCode::from_u16(status).unwrap(),
            is_marked,
            body.as_bytes(),
            "r",
        );
        let found = found
            .as_ref()
            .map(Payload::text)
            .map_err(|error| &*error.error);
        assert_eq!(found, expected, "{status} {body}");
    }

    #[test]
    fn an_answer_is_a_result_or_an_error() {
        let raised = r#"{"errorMessage":"no","errorType":"Declined"}"#;
        check(200, false, "{\"a\": 1}", Ok("{\"a\": 1}"));
        check(200, false, "hello", Err("Runtime.MarshalError"));
        check(200, false, raised, Err("Declined"));
        check(
            200,
            false,
            r#"{"errorMessage":"none","a":1}"#,
            Ok(r#"{"errorMessage":"none","a":1}"#),
        );
        check(200, true, raised, Err("Declined"));
        check(200, true, "{}", Err("Lambda.Unknown"));
        check(502, false, raised, Err("Declined"));
        check(502, false, "<html>", Err("Lambda.ServiceException"));
        check(429, false, "", Err("Lambda.TooManyRequestsException"));
        check(404, false, "", Err("Lambda.AWSLambdaException"));
        check(302, false, "", Err("Lambda.AWSLambdaException"));
    }

    #[tokio::test]
    async fn parameters_are_posted_with_the_id_of_the_task() {
        let echo = |headers: HeaderMap, body: String| async move {
            format!(
                "{{\"id\":{:?},\"body\":{body}}}",
                headers[TASK_ID].to_str().unwrap()
            )
        };
        let address = serve(axum::Router::new().route("/run", post(echo))).await;
        let url = format!("{address}/run").parse().unwrap();
        let client = client::build().unwrap();
        let result = call(&client, &url, &task(ARN, json!({"n": 1})), "r")
            .await
            .unwrap();
        assert_eq!(result.text(), r#"{"id":"task-1","body":{"n":1}}"#);
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_is_refused() {
        let large = || async { vec![b' '; RESPONSE_SIZE_MAX + 1] };
        let url = serve(axum::Router::new().route("/", post(large)))
            .await
            .parse()
            .unwrap();
        let client = client::build().unwrap();
        let error = call(&client, &url, &task(ARN, json!(1)), "r")
            .await
            .unwrap_err();
        assert_eq!(error.error, "Function.ResponseSizeTooLarge");
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_there_is_a_client_error() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        drop(listener);
        let client = client::build().unwrap();
        let error = call(&client, &url, &task(ARN, json!(1)), "r")
            .await
            .unwrap_err();
        assert_eq!(error.error, "Lambda.SdkClientException");
        let cause = error.cause.unwrap();
        assert!(
            cause.starts_with("Unable to execute HTTP request: 127.0.0.1: "),
            "{cause}"
        );
    }
}
