//! Members of a request, read with AWS's refusals for those that are missing or ill-typed.

use std::ops::RangeInclusive;

use axum::http::HeaderMap;
use serde_json::{Map, Value};
use stepwell::operations::model::{Shape, Structure, optional, read};
use stepwell::operations::{ENCRYPTION, LOGGING, RoutingConfiguration, TRACING, Tag};

use super::ApiError;

/// What an answer is to hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum IncludedData {
    /// Everything.
    All,
    /// Nothing that AWS may have encrypted: definitions, inputs, outputs.
    MetadataOnly,
}

/// The members of a request. Those that nobody asks for are ignored, as AWS does.
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

    /// A member that may be absent; `null` is absent.
    fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong_type(other, "a String")),
        }
    }

    /// A text that must be there.
    pub(super) fn required_text(&self, name: &str) -> Result<String, ApiError> {
        self.text(name)?
            .ok_or_else(|| ApiError::constraint("null", name, "not be null"))
    }

    /// A text that must be there, of so many characters at most and one at least.
    pub(super) fn bounded_text(&self, name: &str, maximum: usize) -> Result<String, ApiError> {
        let text = self.required_text(name)?;
        check_length(&text, name, maximum)?;
        Ok(text)
    }

    /// A text of so many characters that no refusal repeats: it may hold what is nobody's business.
    pub(super) fn sensitive_text(
        &self,
        name: &str,
        length: RangeInclusive<usize>,
    ) -> Result<Option<String>, ApiError> {
        let text = self.text(name)?;
        match text.as_deref().and_then(|text| broken_rule(text, &length)) {
            Some(rule) => Err(ApiError::sensitive_constraint(name, &rule)),
            None => Ok(text),
        }
    }

    /// `includedData`; everything, unless the caller says otherwise.
    pub(super) fn included_data(&self) -> Result<IncludedData, ApiError> {
        let values = [
            ("ALL_DATA", IncludedData::All),
            ("METADATA_ONLY", IncludedData::MetadataOnly),
        ];
        let given = self.one_of("includedData", &values)?;
        Ok(given.unwrap_or(IncludedData::All))
    }

    /// Takes the trace from the HTTP header of the request, which wins over the member: so AWS.
    pub(super) fn take_trace(&mut self, headers: &HeaderMap) {
        if let Some(header) = headers.get("x-amzn-trace-id") {
            let header = String::from_utf8_lossy(header.as_bytes());
            self.set("traceHeader", &*header);
        }
    }

    /// `traceHeader`.
    pub(super) fn trace_header(&self) -> Result<Option<String>, ApiError> {
        let Some(header) = self.text("traceHeader")? else {
            return Ok(None);
        };
        let rule = broken_rule(&header, &(0..=256)).or_else(|| {
            let rule = r"satisfy regular expression pattern: \p{ASCII}*";
            (!header.is_ascii()).then(|| rule.to_owned())
        });
        match rule {
            Some(rule) => {
                let value = format!("'{header}'");
                Err(ApiError::constraint(&value, "traceHeader", &rule))
            }
            None => Ok(Some(header)),
        }
    }

    /// The definition of a state machine.
    pub(super) fn definition(&self) -> Result<Option<String>, ApiError> {
        self.sensitive_text("definition", 1..=1_048_576)
    }

    /// A page token, of so many characters at most.
    pub(super) fn next_token(&self, maximum: usize) -> Result<Option<String>, ApiError> {
        let token = self.text("nextToken")?;
        if let Some(token) = &token {
            check_length(token, "nextToken", maximum)?;
        }
        Ok(token)
    }

    /// A whole number.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::Number(number)) => number
                .as_i64()
                .map(Some)
                .ok_or_else(|| ApiError::serialization("The number is not an Integer")),
            Some(other) => Err(wrong_type(other, "an Integer")),
        }
    }

    /// A number from 0 to 100.
    pub(super) fn percentage(&self, name: &str) -> Result<Option<f64>, ApiError> {
        let number = match self.member(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_f64().unwrap_or(f64::NAN),
            Some(other) => return Err(wrong_type(other, "a Float")),
        };
        let rule = if number < 0.0 {
            "have value greater than or equal to 0"
        } else if number > 100.0 || number.is_nan() {
            "have value less than or equal to 100"
        } else {
            return Ok(Some(number));
        };
        Err(ApiError::constraint(&format!("'{number}'"), name, rule))
    }

    /// A truth value.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(wrong_type(other, "a Boolean")),
        }
    }

    /// A structure.
    pub(super) fn structure(&self, name: &str) -> Result<Option<Value>, ApiError> {
        match self.member(name) {
            None => Ok(None),
            Some(structure @ Value::Object(_)) => Ok(Some(structure.clone())),
            Some(other) => Err(wrong_type(other, "a structure")),
        }
    }

    /// The members of a structure.
    pub(super) fn members(&self, name: &str) -> Result<Option<Request>, ApiError> {
        match self.structure(name)? {
            Some(Value::Object(members)) => Ok(Some(Self(members))),
            Some(_) | None => Ok(None),
        }
    }

    /// One of some texts.
    pub(super) fn one_of<T: Copy>(
        &self,
        name: &str,
        values: &[(&str, T)],
    ) -> Result<Option<T>, ApiError> {
        self.one_of_in("", name, values)
    }

    /// The same for a member of the structure that `path` leads to, with a full stop at its end.
    pub(super) fn one_of_in<T: Copy>(
        &self,
        path: &str,
        name: &str,
        values: &[(&str, T)],
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let found = values
            .iter()
            .find(|(value, _)| *value == text)
            .map(|(_, value)| *value);
        found.map(Some).ok_or_else(|| {
            let names: Vec<&str> = values.iter().map(|(value, _)| *value).collect();
            let rule = format!("satisfy enum value set: [{}]", names.join(", "));
            ApiError::constraint(&format!("'{text}'"), &format!("{path}{name}"), &rule)
        })
    }

    /// `loggingConfiguration`.
    pub(super) fn logging(&self) -> Result<Option<Value>, ApiError> {
        self.configuration("loggingConfiguration", &LOGGING)
    }

    /// `tracingConfiguration`.
    pub(super) fn tracing(&self) -> Result<Option<Value>, ApiError> {
        self.configuration("tracingConfiguration", &TRACING)
    }

    /// `encryptionConfiguration`.
    pub(super) fn encryption(&self) -> Result<Option<Value>, ApiError> {
        self.configuration("encryptionConfiguration", &ENCRYPTION)
    }

    fn configuration(
        &self,
        name: &'static str,
        structure: &'static Structure,
    ) -> Result<Option<Value>, ApiError> {
        let Some(given) = self.structure(name)? else {
            return Ok(None);
        };
        let model = [optional(name, Shape::Structure(structure))];
        let given = Map::from_iter([(name.to_owned(), given)]);
        Ok(read(&model, given)?.remove(name))
    }

    /// Refuses a request in which one of these members is missing, and names all that are.
    pub(super) fn require(&self, names: &[&str]) -> Result<(), ApiError> {
        let missing: Vec<String> = names
            .iter()
            .filter(|name| self.member(name).is_none())
            .map(|name| (*name).to_owned())
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(ApiError::missing(&missing))
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, ApiError> {
        let elements = self.elements(name)?.map_or(&[][..], Vec::as_slice);
        let text = |element: &Value| {
            let text = element.as_str().map(str::to_owned);
            text.ok_or_else(|| wrong_type(element, "a String"))
        };
        elements.iter().map(text).collect()
    }

    /// `tags`; a tag that says nothing has an empty value.
    pub(super) fn tags(&self) -> Result<Vec<Tag>, ApiError> {
        let Some(elements) = self.structures("tags")? else {
            return Ok(Vec::new());
        };
        let elements = elements.iter().zip(1..);
        elements
            .map(|(tag, position)| {
                let value = tag.text("value")?.unwrap_or_default();
                match tag.text("key")? {
                    Some(key) => Ok(Tag { key, value }),
                    None => Err(ApiError::missing(&[format!("tags.{position}.member.key")])),
                }
            })
            .collect()
    }

    /// `routingConfiguration`.
    pub(super) fn routing(&self) -> Result<Option<Vec<RoutingConfiguration>>, ApiError> {
        const ARN: &str = "stateMachineVersionArn";
        let Some(elements) = self.structures("routingConfiguration")? else {
            return Ok(None);
        };
        let mut routes = Vec::new();
        let mut missing = Vec::new();
        for (element, position) in elements.iter().zip(1..) {
            let (arn, weight) = (element.text(ARN)?, element.integer("weight")?);
            let member = |name: &str| format!("routingConfiguration.{position}.member.{name}");
            if arn.is_none() {
                missing.push(member(ARN));
            }
            if weight.is_none() {
                missing.push(member("weight"));
            }
            if let (Some(state_machine_version_arn), Some(weight)) = (arn, weight) {
                routes.push(RoutingConfiguration {
                    state_machine_version_arn,
                    weight,
                });
            }
        }
        if missing.is_empty() {
            Ok(Some(routes))
        } else {
            Err(ApiError::missing(&missing))
        }
    }

    /// A list of structures.
    fn structures(&self, name: &str) -> Result<Option<Vec<Request>>, ApiError> {
        let Some(elements) = self.elements(name)? else {
            return Ok(None);
        };
        let structure = |element: &Value| {
            let members = element.as_object().cloned().map(Request);
            members.ok_or_else(|| wrong_type(element, "a structure"))
        };
        elements
            .iter()
            .map(structure)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A list.
    fn elements(&self, name: &str) -> Result<Option<&Vec<Value>>, ApiError> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::Array(elements)) => Ok(Some(elements)),
            Some(_) => Err(ApiError::serialization("Expected list or null")),
        }
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

fn check_length(text: &str, name: &str, maximum: usize) -> Result<(), ApiError> {
    match broken_rule(text, &(1..=maximum)) {
        Some(rule) => Err(ApiError::constraint(&format!("'{text}'"), name, &rule)),
        None => Ok(()),
    }
}

/// What a text with so many characters would do, if this one does not.
fn broken_rule(text: &str, length: &RangeInclusive<usize>) -> Option<String> {
    let found = text.chars().count();
    if found < *length.start() {
        let least = length.start();
        Some(format!("have length greater than or equal to {least}"))
    } else if found > *length.end() {
        let most = length.end();
        Some(format!("have length less than or equal to {most}"))
    } else {
        None
    }
}

fn wrong_type(found: &Value, wanted: &str) -> ApiError {
    let found = match found {
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) | Value::Object(_) => {
            return ApiError::serialization("Start of structure or map found where not expected.");
        }
        Value::Null => "NULL_VALUE",
    };
    ApiError::serialization(format!("{found} can not be converted to {wanted}"))
}
