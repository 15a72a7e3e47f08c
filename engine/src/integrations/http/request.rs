//! The request of an HTTP task: what the state says, overridden by what its connection says.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RANGE, USER_AGENT};
use reqwest::{Method, Url};
use stepwell_interpreter::Payload;
use stepwell_language::json::{Members, Value};
use stepwell_language::model::http::is_reserved_header;

use super::super::TaskError;
use super::encoding::{self, ArrayFormat, TooDeep};
use super::{Inner, runtime_error};
use crate::configuration::{HttpParameters, Secret};

/// Headers that a state must not set here, besides those that AWS refuses: they are set from the
/// body, and another length would break the request in two.
const REFUSED_HEADERS: [&str; 2] = ["content-length", "keep-alive"];

/// The bytes of an answer that are asked for.
const RANGE_ASKED: &str = "bytes=0-262144";

/// A request, ready but for its authorisation.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
}

/// The connection that a task names, in its newer field or in its older one.
pub(super) fn connection_arn(parameters: &Payload) -> Result<&str, TaskError> {
    let fields = parameters.value();
    let field = ["InvocationConfig", "Authentication"]
        .into_iter()
        .find_map(|name| Some((name, fields.get(name)?)));
    let Some((name, field)) = field else {
        return Err(missing(parameters, "InvocationConfig.ConnectionArn"));
    };
    match field.get("ConnectionArn") {
        Some(Value::String(arn)) => Ok(arn),
        Some(_) => Err(invalid(parameters, &format!("{name}.ConnectionArn"))),
        None => Err(missing(parameters, &format!("{name}.ConnectionArn"))),
    }
}

impl Request {
    pub(super) fn read(
        parameters: &Payload,
        connection: &HttpParameters,
        inner: &Inner,
    ) -> Result<Self, TaskError> {
        let method = read_method(parameters)?;
        let mut url = read_endpoint(parameters)?;
        if !inner.endpoints.allow(&url) {
            return Err(runtime_error(
                "The ApiEndpoint of an HTTP task must start with https://",
            ));
        }
        let query = read_query(parameters, connection)?;
        if !query.is_empty() {
            let whole = match url.query() {
                Some(own) if !own.is_empty() => format!("{own}&{query}"),
                Some(_) | None => query,
            };
            url.set_query(Some(&whole));
        }
        let body = read_body(parameters, connection)?;
        let mut headers = read_headers(parameters)?;
        for (name, value) in &connection.headers {
            let (name, value) = header(name, value)?;
            headers.insert(name, value);
        }
        if body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if !headers.contains_key(USER_AGENT)
            && let Ok(user_agent) = HeaderValue::from_str(&inner.user_agent)
        {
            headers.insert(USER_AGENT, user_agent);
        }
        headers
            .entry(RANGE)
            .or_insert(HeaderValue::from_static(RANGE_ASKED));
        Ok(Self {
            method,
            url,
            headers,
            body,
        })
    }
}

fn read_method(parameters: &Payload) -> Result<Method, TaskError> {
    let Some(field) = parameters.value().get("Method") else {
        return Err(missing(parameters, "Method"));
    };
    match field.as_str() {
        Some("GET") => Ok(Method::GET),
        Some("POST") => Ok(Method::POST),
        Some("PUT") => Ok(Method::PUT),
        Some("DELETE") => Ok(Method::DELETE),
        Some("PATCH") => Ok(Method::PATCH),
        Some("OPTIONS") => Ok(Method::OPTIONS),
        Some("HEAD") => Ok(Method::HEAD),
        Some(_) | None => Err(invalid(parameters, "Method")),
    }
}

fn read_endpoint(parameters: &Payload) -> Result<Url, TaskError> {
    let Some(field) = parameters.value().get("ApiEndpoint") else {
        return Err(missing(parameters, "ApiEndpoint"));
    };
    let url = field.as_str().and_then(|text| Url::parse(text).ok());
    // A name and a password in the URL would become an authorisation that the connection never
    // gave.
    url.filter(|url| url.has_host() && url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| invalid(parameters, "ApiEndpoint"))
}

fn read_query(parameters: &Payload, connection: &HttpParameters) -> Result<String, TaskError> {
    let mut query = object(parameters, "QueryParameters")?;
    for value in query.values() {
        texts(value).ok_or_else(|| invalid(parameters, "QueryParameters"))?;
    }
    override_with(&mut query, &connection.query);
    encoding::encode(&query, ArrayFormat::Repeat)
        .map_err(|TooDeep| invalid(parameters, "QueryParameters"))
}

fn read_headers(parameters: &Payload) -> Result<HeaderMap, TaskError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &object(parameters, "Headers")? {
        let is_ours = |refused: &&str| refused.eq_ignore_ascii_case(name);
        if is_reserved_header(name) || REFUSED_HEADERS.iter().any(is_ours) {
            return Err(runtime_error(format!(
                "The header '{name}' is not supported in an HTTP task."
            )));
        }
        let texts = texts(value).ok_or_else(|| invalid(parameters, "Headers"))?;
        for text in texts {
            let (name, value) = header(name, &Secret::new(text))?;
            headers.append(name, value);
        }
    }
    Ok(headers)
}

fn read_body(
    parameters: &Payload,
    connection: &HttpParameters,
) -> Result<Option<String>, TaskError> {
    let array_format = read_transform(parameters)?;
    let body = parameters
        .value()
        .get("RequestBody")
        .filter(|body| !body.is_null());
    let mut members = match body {
        None if connection.body.is_empty() => return Ok(None),
        None => Members::new(),
        Some(Value::Object(members)) => Members::clone(members),
        Some(_) if !connection.body.is_empty() => {
            return Err(runtime_error(
                "The RequestBody of the HTTP task must be a JSON object, because its connection \
                 adds parameters to the body.",
            ));
        }
        Some(Value::String(text)) => return Ok(Some(text.to_string())),
        Some(Value::Array(items)) if array_format.is_none() => {
            return Ok(Some(Value::Array(items.clone()).to_string()));
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
            return Err(invalid(parameters, "RequestBody"));
        }
    };
    override_with(&mut members, &connection.body);
    Ok(Some(match array_format {
        Some(format) => encoding::encode(&members, format)
            .map_err(|TooDeep| invalid(parameters, "RequestBody"))?,
        None => Value::from(members).to_string(),
    }))
}

/// The array format where the body is to be URL-encoded.
fn read_transform(parameters: &Payload) -> Result<Option<ArrayFormat>, TaskError> {
    let transform = object(parameters, "Transform")?;
    let encoding = match transform.get("RequestBodyEncoding").map(Value::as_str) {
        None | Some(Some("NONE")) => return Ok(None),
        Some(Some("URL_ENCODED")) => transform.get("RequestEncodingOptions"),
        Some(_) => return Err(invalid(parameters, "Transform.RequestBodyEncoding")),
    };
    let Some(format) = encoding.and_then(|options| options.get("ArrayFormat")) else {
        return Ok(Some(ArrayFormat::default()));
    };
    let known = format.as_str().and_then(ArrayFormat::parse);
    known
        .map(Some)
        .ok_or_else(|| invalid(parameters, "Transform.RequestEncodingOptions.ArrayFormat"))
}

/// A field that is an object or absent.
fn object(parameters: &Payload, field: &str) -> Result<Members, TaskError> {
    match parameters.value().get(field) {
        None | Some(Value::Null) => Ok(Members::new()),
        Some(Value::Object(members)) => Ok(Members::clone(members)),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(invalid(parameters, field))
        }
    }
}

/// The texts of a header or a query parameter: one, or a list.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| (!item.is_array() && !item.is_object()).then(|| encoding::plain(item)))
            .collect(),
        Value::Object(_) | Value::Null => None,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(vec![encoding::plain(value)]),
    }
}

fn override_with(members: &mut Members, connection: &std::collections::BTreeMap<String, Secret>) {
    for (name, value) in connection {
        members.insert(name.as_str(), value.reveal());
    }
}

/// A header as it is sent.
pub(super) fn header(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue), TaskError> {
    let both = HeaderName::try_from(name)
        .ok()
        .zip(HeaderValue::from_str(value.reveal()).ok());
    both.ok_or_else(|| runtime_error(format!("The header '{name}' has an invalid format.")))
}

fn missing(parameters: &Payload, field: &str) -> TaskError {
    unusable(
        parameters,
        &format!("The field '{field}' is required but was missing"),
    )
}

fn invalid(parameters: &Payload, field: &str) -> TaskError {
    unusable(
        parameters,
        &format!("The value of the field '{field}' has an invalid format"),
    )
}

fn unusable(parameters: &Payload, problem: &str) -> TaskError {
    let text = parameters.text();
    runtime_error(format!(
        "The Parameters '{text}' could not be used to start the Task: [{problem}]"
    ))
}
