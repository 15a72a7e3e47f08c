//! `lambda:invoke`: what it takes, and the response of AWS Lambda that it gives.

use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use stepwell_interpreter::Payload;
use stepwell_language::json::{Members, Value};

use super::super::TaskError;
use super::failure;
use super::name::FunctionName;

/// A call of `lambda:invoke`, its parameters read.
pub(in crate::integrations) struct Invocation {
    pub(in crate::integrations) function: FunctionName,
    pub(in crate::integrations) payload: Payload,
    pub(in crate::integrations) kind: InvocationType,
}

/// `InvocationType`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::integrations) enum InvocationType {
    /// Wait for the result.
    RequestResponse,
    /// Start it and do not wait.
    Event,
    /// Only look whether it is there.
    DryRun,
}

impl Invocation {
    /// Reads the parameters of a task.
    pub(in crate::integrations) fn read(
        parameters: &Payload,
        request_id: &str,
    ) -> Result<Self, TaskError> {
        let invalid = |problem: &str| {
            let cause = format!(
                "The Parameters '{}' could not be used to start the Task: [{problem}]",
                parameters.text()
            );
            TaskError::new("States.Runtime", cause)
        };
        let fields = parameters.value();
        let Some(name) = fields.get("FunctionName") else {
            return Err(invalid(
                "The field 'FunctionName' is required but was missing",
            ));
        };
        let format = |field: &str| {
            invalid(&format!(
                "The value of the field '{field}' has an invalid format"
            ))
        };
        let mut function = name
            .as_str()
            .and_then(FunctionName::parse)
            .ok_or_else(|| format("FunctionName"))?;
        match fields.get("Qualifier") {
            None | Some(Value::Null) => {}
            Some(Value::String(qualifier)) => {
                let own = function
                    .qualifier
                    .get_or_insert_with(|| qualifier.to_string());
                if **own != **qualifier {
                    let code = "InvalidParameterValueException";
                    let message = "The derived qualifier from the function name does not match \
                                   the specified qualifier.";
                    return Err(failure::refused(400, code, message, request_id));
                }
            }
            Some(_) => return Err(format("Qualifier")),
        }
        let kind = match fields.get("InvocationType").map(Value::as_str) {
            None | Some(Some("RequestResponse")) => InvocationType::RequestResponse,
            Some(Some("Event")) => InvocationType::Event,
            Some(Some("DryRun")) => InvocationType::DryRun,
            Some(_) => return Err(format("InvocationType")),
        };
        let payload = read_payload(fields.get("Payload"), request_id)?;
        Ok(Self {
            function,
            payload,
            kind,
        })
    }
}

/// What the function gets. A text is the request's body as it stands, so it has to be JSON itself.
fn read_payload(payload: Option<&Value>, request_id: &str) -> Result<Payload, TaskError> {
    match payload {
        None | Some(Value::Null) => Ok(Payload::from_value(Members::new())),
        Some(Value::String(text)) => match serde_json::from_str::<Value>(text) {
            Ok(value) => Ok(Payload::from_parts(&**text, value)),
            Err(error) => {
                let message = format!("Could not parse request body into json: {error}");
                let code = "InvalidRequestContentException";
                Err(failure::refused(400, code, &message, request_id))
            }
        },
        Some(value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            Ok(Payload::from_value(value.clone()))
        }
    }
}

/// The response to a call that waited for `result`.
pub(in crate::integrations) fn response(
    function: &FunctionName,
    result: &Payload,
    request_id: &str,
) -> Payload {
    // Only a number is a version; which one an alias stands for is not known here.
    let version = match &function.qualifier {
        Some(version) if version.bytes().all(|byte| byte.is_ascii_digit()) => version,
        Some(_) | None => "$LATEST",
    };
    let headers = [
        ("Connection", "keep-alive".to_owned()),
        ("Content-Length", result.size().to_string()),
        ("Content-Type", "application/json".to_owned()),
        ("Date", date()),
        ("X-Amz-Executed-Version", version.to_owned()),
        ("x-amzn-Remapped-Content-Length", "0".to_owned()),
        ("x-amzn-RequestId", request_id.to_owned()),
        ("X-Amzn-Trace-Id", trace_id(request_id)),
    ];
    Payload::from_value(Members::from([
        ("ExecutedVersion", Value::from(version)),
        ("Payload", result.value().clone()),
        ("SdkHttpMetadata", http_metadata(&headers, 200)),
        ("SdkResponseMetadata", response_metadata(request_id)),
        ("StatusCode", 200.into()),
    ]))
}

/// The response to a call that waited for nothing: 202 to an event, 204 to a dry run.
pub(in crate::integrations) fn accepted(status: u16, request_id: &str) -> Payload {
    let headers = [
        ("Connection", "keep-alive".to_owned()),
        ("Content-Length", "0".to_owned()),
        ("Date", date()),
        ("x-amzn-Remapped-Content-Length", "0".to_owned()),
        ("x-amzn-RequestId", request_id.to_owned()),
        ("X-Amzn-Trace-Id", trace_id(request_id)),
    ];
    Payload::from_value(Members::from([
        ("SdkHttpMetadata", http_metadata(&headers, status)),
        ("SdkResponseMetadata", response_metadata(request_id)),
        ("StatusCode", status.into()),
    ]))
}

fn http_metadata(headers: &[(&str, String)], status: u16) -> Value {
    let single = headers
        .iter()
        .map(|(name, text)| (Arc::from(*name), Value::from(text.as_str())));
    let single: Members = single.collect();
    let lists = single
        .iter()
        .map(|(name, text)| (name.clone(), Value::from_iter([text.clone()])));
    Members::from([
        ("AllHttpHeaders", lists.collect::<Members>().into()),
        ("HttpHeaders", single.into()),
        ("HttpStatusCode", Value::from(status)),
    ])
    .into()
}

fn response_metadata(request_id: &str) -> Value {
    Members::from([("RequestId", request_id)]).into()
}

fn date() -> String {
    DateTime::<Utc>::from(SystemTime::now())
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

/// An id in the form of AWS X-Ray, made of the request's.
fn trace_id(request_id: &str) -> String {
    let digits: String = request_id.chars().filter(char::is_ascii_hexdigit).collect();
    let (time, rest) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    format!("Root=1-{time}-{rest};Sampled=0")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn reads(parameters: &Value, payload: &str, kind: InvocationType) {
        let invocation = Invocation::read(&parameters.clone().into(), "r").expect("it is sound");
        assert_eq!(invocation.payload.text(), payload, "{parameters}");
        assert_eq!(invocation.kind, kind, "{parameters}");
    }

    #[track_caller]
    fn refuses(parameters: Value, error: &str, cause: &str) {
        let found = Invocation::read(&parameters.into(), "r")
            .err()
            .expect("it is refused");
        assert_eq!(found.error, error);
        let found = found.cause.unwrap();
        assert!(found.contains(cause), "{found}");
    }

    #[test]
    fn a_text_payload_is_the_json_it_holds() {
        let waits = InvocationType::RequestResponse;
        reads(&json!({"FunctionName": "f"}), "{}", waits);
        reads(&json!({"FunctionName": "f", "Payload": null}), "{}", waits);
        reads(
            &json!({"FunctionName": "f", "Payload": "0.0"}),
            "0.0",
            waits,
        );
        reads(
            &json!({"FunctionName": "f", "Payload": "\"hi\""}),
            "\"hi\"",
            waits,
        );
        reads(&json!({"FunctionName": "f", "Payload": [1]}), "[1]", waits);
        let event = json!({"FunctionName": "f", "InvocationType": "Event"});
        reads(&event, "{}", InvocationType::Event);
    }

    #[test]
    fn wrong_parameters_are_refused_by_name() {
        refuses(
            json!({}),
            "States.Runtime",
            "[The field 'FunctionName' is required",
        );
        refuses(
            json!({"FunctionName": 1}),
            "States.Runtime",
            "'FunctionName' has an invalid",
        );
        refuses(
            json!({"FunctionName": "f", "InvocationType": "Later"}),
            "States.Runtime",
            "could not be used to start the Task: [The value of the field 'InvocationType' has",
        );
        refuses(
            json!({"FunctionName": "f:1", "Qualifier": "2"}),
            "Lambda.InvalidParameterValueException",
            "does not match",
        );
        refuses(
            json!({"FunctionName": "f", "Payload": "hello"}),
            "Lambda.InvalidRequestContentException",
            "Could not parse request body into json",
        );
    }

    #[test]
    fn a_response_has_the_recorded_shape() {
        let function = FunctionName::parse("f").unwrap();
        let response = response(&function, &json!("HelloWorld").into(), "0123-4567-89ab");
        let mut value = response.to_json();
        for part in ["AllHttpHeaders", "HttpHeaders"] {
            value["SdkHttpMetadata"][part].as_object_mut().unwrap()["Date"].take();
        }
        assert_eq!(
            value,
            json!({
                "ExecutedVersion": "$LATEST",
                "Payload": "HelloWorld",
                "SdkHttpMetadata": {
                    "AllHttpHeaders": {
                        "Connection": ["keep-alive"],
                        "Content-Length": ["12"],
                        "Content-Type": ["application/json"],
                        "Date": null,
                        "X-Amz-Executed-Version": ["$LATEST"],
                        "x-amzn-Remapped-Content-Length": ["0"],
                        "x-amzn-RequestId": ["0123-4567-89ab"],
                        "X-Amzn-Trace-Id": ["Root=1-01234567-89ab;Sampled=0"]
                    },
                    "HttpHeaders": {
                        "Connection": "keep-alive",
                        "Content-Length": "12",
                        "Content-Type": "application/json",
                        "Date": null,
                        "X-Amz-Executed-Version": "$LATEST",
                        "x-amzn-Remapped-Content-Length": "0",
                        "x-amzn-RequestId": "0123-4567-89ab",
                        "X-Amzn-Trace-Id": "Root=1-01234567-89ab;Sampled=0"
                    },
                    "HttpStatusCode": 200
                },
                "SdkResponseMetadata": {"RequestId": "0123-4567-89ab"},
                "StatusCode": 200
            })
        );
    }

    #[test]
    fn an_event_is_accepted_without_a_payload() {
        let response = accepted(202, "r");
        assert_eq!(response.value()["StatusCode"], json!(202));
        assert_eq!(
            response.value()["SdkHttpMetadata"]["HttpStatusCode"],
            json!(202)
        );
        assert!(response.value().get("Payload").is_none());
    }
}
