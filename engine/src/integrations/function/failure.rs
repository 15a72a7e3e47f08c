//! How functions fail, in the words of AWS Lambda.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::{Map, Value, json};
use stepwell_interpreter::Payload;

use super::super::{Task, TaskError};

/// The id of the request that a task makes: derived from the task, so that an attempt which is
/// delivered again has the same one.
pub(in crate::integrations) fn request_id(task: &Task) -> String {
    let half = |number: u8| {
        let mut hasher = DefaultHasher::new();
        (number, &task.execution, &task.id).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    let bytes = ((half(0) << 64) | half(1)).to_be_bytes();
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// A function raised an error and described it in `body`.
pub(super) fn raised(mut body: Map<String, Value>, request_id: &str) -> TaskError {
    let error = match body.get("errorType") {
        Some(Value::String(name)) if !name.is_empty() => name.clone(),
        _ => "Lambda.Unknown".to_owned(),
    };
    // The members and their order as AWS recorded them; whatever else a runtime tells follows.
    let mut cause = Map::new();
    cause.insert(
        "errorMessage".to_owned(),
        body.shift_remove("errorMessage").unwrap_or_default(),
    );
    cause.insert("errorType".to_owned(), json!(error));
    body.shift_remove("errorType");
    let request_id = body
        .shift_remove("requestId")
        .unwrap_or_else(|| json!(request_id));
    cause.insert("requestId".to_owned(), request_id);
    // Runtimes for JavaScript call it `trace`.
    if !body.contains_key("trace") {
        let trace = body.shift_remove("stackTrace").unwrap_or_else(|| json!([]));
        cause.insert("stackTrace".to_owned(), trace);
    }
    cause.extend(body);
    TaskError::new(error, Value::Object(cause).to_string())
}

/// What runs the function failed: `Runtime.ExitError`, `Sandbox.Timedout`.
pub(super) fn crashed(error: &str, message: &str, request_id: &str) -> TaskError {
    let message = format!("RequestId: {request_id} Error: {message}");
    TaskError::new(
        error,
        json!({"errorType": error, "errorMessage": message}).to_string(),
    )
}

/// The function took longer than it may.
pub(super) fn timed_out(limit: Duration, request_id: &str) -> TaskError {
    let message = format!("Task timed out after {:.2} seconds", limit.as_secs_f64());
    crashed("Sandbox.Timedout", &message, request_id)
}

/// The answer has more bytes than a function may give.
pub(super) fn response_too_large() -> TaskError {
    let error = "Function.ResponseSizeTooLarge";
    let message = format!(
        "Response payload size exceeded maximum allowed payload size ({} bytes).",
        super::RESPONSE_SIZE_MAX
    );
    TaskError::new(
        error,
        json!({"errorMessage": message, "errorType": error}).to_string(),
    )
}

/// The service refused the call before the function saw it.
pub(in crate::integrations) fn refused(
    status: u16,
    code: &str,
    message: &str,
    request_id: &str,
) -> TaskError {
    // Codes without an exception of their own appear under the name of the client.
    let error = match code {
        "ResourceNotFoundException"
        | "TooManyRequestsException"
        | "ServiceException"
        | "InvalidParameterValueException"
        | "InvalidRequestContentException" => code,
        _ => "AWSLambdaException",
    };
    let cause = format!(
        "{message} (Service: AWSLambda; Status Code: {status}; Error Code: {code}; \
         Request ID: {request_id}; Proxy: null)"
    );
    TaskError::new(format!("Lambda.{error}"), cause)
}

/// Nothing runs the function with this qualified ARN.
pub(in crate::integrations) fn not_found(qualified_arn: &str, request_id: &str) -> TaskError {
    let message = format!("Function not found: {qualified_arn}");
    refused(404, "ResourceNotFoundException", &message, request_id)
}

/// Reads what a function that succeeded gave; nothing at all is `null`.
pub(super) fn read_result(bytes: &[u8], request_id: &str) -> Result<Payload, TaskError> {
    let broken = |reason: String| {
        let mut body = Map::new();
        let message = format!("the function's answer is not JSON: {reason}");
        body.insert("errorMessage".to_owned(), json!(message));
        body.insert("errorType".to_owned(), json!("Runtime.MarshalError"));
        raised(body, request_id)
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|error| broken(error.to_string()))?
        .trim();
    if text.is_empty() {
        return Ok(Payload::from_value(Value::Null));
    }
    let value: stepwell_language::json::Value =
        serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
    Ok(Payload::from_parts(text, value))
}

/// Reads an error that a function described, if `bytes` do.
pub(super) fn read_error(bytes: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(body))
            if body.contains_key("errorType") || body.contains_key("errorMessage") =>
        {
            Some(body)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::task;
    use super::*;

    #[test]
    fn an_error_has_the_recorded_shape() {
        let body = json!({"errorType": "Exception", "errorMessage": "no", "extra": 1});
        let error = raised(body.as_object().unwrap().clone(), "r-1");
        assert_eq!(error.error, "Exception");
        assert_eq!(
            error.cause.unwrap(),
            r#"{"errorMessage":"no","errorType":"Exception","requestId":"r-1","stackTrace":[],"extra":1}"#
        );
    }

    #[test]
    fn an_error_without_a_type_is_unknown() {
        assert_eq!(raised(Map::new(), "r").error, "Lambda.Unknown");
    }

    #[test]
    fn a_function_that_is_not_there_is_refused_as_recorded() {
        assert_eq!(
            not_found("arn:aws:lambda:r:1:function:f:$LATEST", "r-1"),
            TaskError::new(
                "Lambda.ResourceNotFoundException",
                "Function not found: arn:aws:lambda:r:1:function:f:$LATEST (Service: AWSLambda; \
                 Status Code: 404; Error Code: ResourceNotFoundException; Request ID: r-1; \
                 Proxy: null)"
            )
        );
    }

    #[test]
    fn a_request_keeps_its_id_when_the_task_is_delivered_again() {
        let arn = "arn:aws:lambda:r:1:function:f";
        let mut other = task(arn, json!(1));
        assert_eq!(request_id(&other), request_id(&task(arn, json!(2))));
        other.id = "task-2".into();
        assert_ne!(request_id(&other), request_id(&task(arn, json!(1))));
    }

    #[test]
    fn results_keep_their_text_and_must_be_json() {
        assert_eq!(
            read_result(b" {\"a\" : 1}\n", "r").unwrap().text(),
            "{\"a\" : 1}"
        );
        assert_eq!(read_result(b"\n", "r").unwrap().text(), "null");
        assert_eq!(
            read_result(b"done", "r").unwrap_err().error,
            "Runtime.MarshalError"
        );
        assert_eq!(
            read_result(b"\"\xff\"", "r").unwrap_err().error,
            "Runtime.MarshalError"
        );
        let deep = "[".repeat(100_000);
        assert_eq!(
            read_result(deep.as_bytes(), "r").unwrap_err().error,
            "Runtime.MarshalError"
        );
    }
}
