//! The result of an HTTP task, or its error, made of what the endpoint answered.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Response, StatusCode};
use stepwell_interpreter::Payload;
use stepwell_language::json::{Members, Value};

use super::super::TaskError;
use super::client::{self, BodyError};
use super::trace::HttpTrace;
use super::{runtime_error, socket_error};

/// Reads an answer.
pub(super) async fn read(
    response: Response,
    trace: Option<&HttpTrace>,
) -> Result<Payload, TaskError> {
    let status = response.status();
    let headers = response.headers().clone();
    let body = client::read(response, Payload::SIZE_MAX).await;
    if let Some(trace) = trace {
        trace.received(status, &headers, body.as_deref().unwrap_or_default());
    }
    if !status.is_success() {
        return Err(status_error(status, body.as_deref().unwrap_or_default()));
    }
    let body = body.map_err(|error| match error {
        BodyError::TooLarge => TaskError::new(
            "States.DataLimitExceeded",
            "The state/task 'http' returned a result with a size exceeding the maximum number of \
             bytes service limit.",
        ),
        BodyError::Transport(error) => socket_error(client::reason(error)),
    })?;
    output(status, &headers, body)
}

fn status_error(status: StatusCode, body: &[u8]) -> TaskError {
    let cause = match std::str::from_utf8(body) {
        Ok(text) if !text.is_empty() => text,
        Ok(_) | Err(_) => status.canonical_reason().unwrap_or_default(),
    };
    TaskError::new(format!("States.Http.StatusCode.{}", status.as_u16()), cause)
}

fn output(status: StatusCode, headers: &HeaderMap, body: Vec<u8>) -> Result<Payload, TaskError> {
    let content_type = content_type(headers);
    let is_binary = content_type == "application/octet-stream"
        || ["image/", "video/", "audio/"]
            .iter()
            .any(|kind| content_type.starts_with(kind));
    if is_binary {
        return Err(runtime_error(format!(
            "The content type '{content_type}' of the response is not supported in an HTTP task."
        )));
    }
    let text = String::from_utf8(body)
        .map_err(|_| runtime_error("The response of the endpoint cannot be read as text."))?;
    // Endpoints that do not say what they send mostly send JSON.
    let may_be_json = content_type.is_empty()
        || content_type.ends_with("/json")
        || content_type.ends_with("+json");
    let body = Some(&text)
        .filter(|_| may_be_json)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_else(|| text.as_str().into());
    Ok(Payload::from_value(Members::from([
        ("Headers", Value::from(header_lists(headers))),
        ("ResponseBody", body),
        ("StatusCode", status.as_u16().into()),
        (
            "StatusText",
            status.canonical_reason().unwrap_or_default().into(),
        ),
    ])))
}

/// The media type without parameters, in lower case; empty when there is none.
fn content_type(headers: &HeaderMap) -> String {
    let text = headers
        .get(CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let text = text.unwrap_or_default();
    text.split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

fn header_lists(headers: &HeaderMap) -> Members {
    let list = |name| {
        let values = headers.get_all(name).iter();
        values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect::<Value>()
    };
    headers
        .keys()
        .map(|name| (name.as_str(), list(name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(content_type: &str, body: &[u8], expected: Result<&str, &str>) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
        let found = output(StatusCode::OK, &headers, body.to_vec());
        let found = found
            .as_ref()
            .map(|output| output.value()["ResponseBody"].to_string());
        assert_eq!(
            found.as_deref().map_err(|error| &*error.error),
            expected,
            "{content_type}"
        );
    }

    #[test]
    fn a_body_is_json_or_text_but_never_binary() {
        check(
            "application/json; charset=utf-8",
            b"{\"a\":1}",
            Ok(r#"{"a":1}"#),
        );
        check("application/problem+json", b"[1]", Ok("[1]"));
        check("application/json", b"oops", Ok(r#""oops""#));
        check("text/plain", b"{\"a\":1}", Ok(r#""{\"a\":1}""#));
        check("text/plain", b"", Ok(r#""""#));
        check("text/plain", b"\xff", Err("States.Runtime"));
        check("Application/Octet-Stream", b"a", Err("States.Runtime"));
        check("image/png", b"a", Err("States.Runtime"));
        check("audio/ogg; x=y", b"a", Err("States.Runtime"));
    }

    #[test]
    fn headers_are_lists() {
        let mut headers = HeaderMap::new();
        headers.append("set-cookie", "a=1".parse().unwrap());
        headers.append("set-cookie", "b=2".parse().unwrap());
        let output = output(StatusCode::CREATED, &headers, Vec::new()).unwrap();
        assert_eq!(
            output.value(),
            &json!({
                "Headers": {"set-cookie": ["a=1", "b=2"]},
                "ResponseBody": "",
                "StatusCode": 201,
                "StatusText": "Created"
            })
        );
    }
}
