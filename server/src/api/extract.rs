//! Members of a request: as they came, and as they are once they fit the model of their operation.

use axum::http::HeaderMap;
use serde_json::{Map, Value};
use stepwell::operations::model::{self, Member};
use stepwell::operations::{RoutingConfiguration, Tag};

use super::ApiError;
use super::shapes::INCLUDED;

/// What an answer is to hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum IncludedData {
    /// Everything.
    All,
    /// Nothing that AWS may have encrypted: definitions, inputs, outputs.
    MetadataOnly,
}

/// The members of a request as they came.
#[derive(Debug, Default)]
pub(super) struct Request(Map<String, Value>);

impl Request {
    /// Reads a body; an empty one has no members.
    pub(super) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(ApiError::serialization(
                "Start of structure or map expected.",
            )),
            Err(error) => Err(ApiError::serialization(format!(
                "The body is not JSON: {error}"
            ))),
        }
    }

    /// Compares the members with the model of an operation. Whatever breaks its rules is told
    /// together; members that it does not know are ignored, as AWS does.
    pub(super) fn fit(self, model: &[Member]) -> Result<Arguments, ApiError> {
        Ok(Arguments(model::read(model, self.0)?))
    }

    /// Takes the trace from the HTTP header of the request, which wins over the member: so AWS.
    pub(super) fn take_trace(&mut self, headers: &HeaderMap) {
        if let Some(header) = headers.get("x-amzn-trace-id") {
            let header = String::from_utf8_lossy(header.as_bytes());
            self.set("traceHeader", &*header);
        }
    }

    /// Whether a member is there; `null` is not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    /// A member as JSON text, for requests that have JSON in its place. `null` is JSON too.
    pub(super) fn json(&self, name: &str) -> Option<String> {
        self.0.get(name).map(Value::to_string)
    }

    /// Adds a member, for requests that come in another form.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

/// The members of a request, or of a structure in it, that fit their model: of what an operation
/// asks for, the types are right and the rules kept.
#[derive(Debug)]
pub(super) struct Arguments(Map<String, Value>);

impl Arguments {
    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// A text that the model asks for.
    pub(super) fn required_text(&self, name: &str) -> String {
        self.text(name).expect("the model asks for it")
    }

    /// A whole number.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// A whole number that is not negative.
    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    /// A number.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    /// A truth value.
    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    /// What one of some texts means.
    pub(super) fn one_of<T: Copy>(&self, name: &str, values: &[(&str, T)]) -> Option<T> {
        let text = self.0.get(name).and_then(Value::as_str)?;
        let found = values.iter().find(|(value, _)| *value == text);
        found.map(|(_, value)| *value)
    }

    /// A structure, as it is.
    pub(super) fn structure(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    /// The members of a structure.
    pub(super) fn members(&self, name: &str) -> Option<Self> {
        self.0.get(name).and_then(Self::of)
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let texts = self.elements(name).iter().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    /// `includedData`; everything, unless the caller says otherwise.
    pub(super) fn included_data(&self) -> IncludedData {
        let given = self.one_of("includedData", &INCLUDED);
        given.unwrap_or(IncludedData::All)
    }

    /// `tags`; a tag that says nothing has an empty value.
    pub(super) fn tags(&self) -> Vec<Tag> {
        let tags = self.elements("tags").iter().filter_map(Self::of);
        tags.map(|tag| Tag {
            key: tag.required_text("key"),
            value: tag.text("value").unwrap_or_default(),
        })
        .collect()
    }

    /// `routingConfiguration`.
    pub(super) fn routing(&self) -> Option<Vec<RoutingConfiguration>> {
        const NAME: &str = "routingConfiguration";
        self.0.get(NAME)?;
        let routes = self.elements(NAME).iter().filter_map(Self::of);
        let routes = routes.map(|route| RoutingConfiguration {
            state_machine_version_arn: route.required_text("stateMachineVersionArn"),
            weight: route.integer("weight").expect("the model asks for it"),
        });
        Some(routes.collect())
    }

    fn of(structure: &Value) -> Option<Self> {
        structure.as_object().cloned().map(Self)
    }

    fn elements(&self, name: &str) -> &[Value] {
        let elements = self.0.get(name).and_then(Value::as_array);
        elements.map_or(&[], Vec::as_slice)
    }
}
