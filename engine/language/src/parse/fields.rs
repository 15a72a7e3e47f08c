//! The fields of one object: read by name, and whatever nobody asked for is reported.

use std::sync::Arc;

use crate::diagnostic::Code;
use crate::expression::{JsonPath, JsonataExpression, ReferencePath, Root};
use crate::json::{Entry, Node, NodeValue, Object};
use crate::model::{NumberField, PathField, QueryLanguage};
use crate::source::Span;

use super::suggestion::nearest;
use super::template::{Written, jsonata};
use super::{Parser, wording};

/// The fields of an object at a place of the document.
pub(super) struct Fields<'a> {
    pub(super) span: Span,
    pub(super) object: &'a Object,
    pub(super) location: String,
    known: Vec<&'static str>,
    /// The query language, where fields of the other one are told from unknown fields.
    pub(super) language: Option<QueryLanguage>,
}

/// Fields that only JSONata states have.
const JSONATA_FIELDS: [&str; 4] = ["Arguments", "Output", "Items", "Condition"];

/// Fields that only JSONPath states have.
const JSON_PATH_FIELDS: [&str; 20] = [
    "InputPath",
    "OutputPath",
    "Parameters",
    "ResultSelector",
    "ResultPath",
    "Result",
    "ItemsPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "SecondsPath",
    "TimestampPath",
    "MaxConcurrencyPath",
    "ToleratedFailurePercentagePath",
    "ToleratedFailureCountPath",
    "MaxItemsPath",
    "MaxItemsPerBatchPath",
    "MaxInputBytesPerBatchPath",
    "ErrorPath",
    "CausePath",
    "Variable",
];

/// Bounds of a number that may also come from an expression.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) minimum: u64,
    pub(super) maximum: u64,
    pub(super) is_integer: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn new(span: Span, object: &'a Object, location: &str) -> Self {
        Self {
            span,
            object,
            location: location.to_owned(),
            known: Vec::new(),
            language: None,
        }
    }

    /// Reads `node` as an object; reports it if it is none.
    pub(super) fn of(parser: &mut Parser<'_>, node: &'a Node, location: &str) -> Option<Self> {
        let Some(object) = node.as_object() else {
            parser.schema(wording::expected("Object"), location, node.span);
            return None;
        };
        Some(Self::new(node.span, object, location))
    }

    /// Where a field stands.
    pub(super) fn at(&self, field: &str) -> String {
        format!("{}/{field}", self.location)
    }

    /// Marks a field as read elsewhere.
    pub(super) fn skip(&mut self, field: &'static str) -> Option<&'a Entry> {
        self.known.push(field);
        self.object.entry(field)
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.object.get(field).is_some()
    }

    /// The value of a field, marked as read.
    pub(super) fn node(&mut self, field: &'static str) -> Option<&'a Node> {
        self.skip(field).map(|entry| &entry.value)
    }

    pub(super) fn text(&mut self, parser: &mut Parser<'_>, field: &'static str) -> Option<String> {
        let node = self.node(field)?;
        let Some(text) = node.as_str() else {
            parser.schema(wording::expected("String"), self.at(field), node.span);
            return None;
        };
        Some(text.to_owned())
    }

    pub(super) fn boolean(&mut self, parser: &mut Parser<'_>, field: &'static str) -> Option<bool> {
        let node = self.node(field)?;
        match node.value {
            NodeValue::Bool(value) => Some(value),
            NodeValue::Null
            | NodeValue::Number(_)
            | NodeValue::String(_)
            | NodeValue::Array(_)
            | NodeValue::Object(_) => {
                parser.schema(wording::expected("Boolean"), self.at(field), node.span);
                None
            }
        }
    }

    /// A whole number between two bounds.
    pub(super) fn integer(
        &mut self,
        parser: &mut Parser<'_>,
        field: &'static str,
        minimum: u64,
        maximum: u64,
    ) -> Option<u64> {
        let node = self.node(field)?;
        let number = self.number(
            parser,
            field,
            node,
            Range {
                minimum,
                maximum,
                is_integer: true,
            },
        )?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies between two unsigned bounds and has no fraction"
        )]
        Some(number as u64)
    }

    /// A number between two bounds.
    #[expect(clippy::cast_precision_loss, reason = "bounds are far below 2^53")]
    pub(super) fn number(
        &self,
        parser: &mut Parser<'_>,
        field: &str,
        node: &Node,
        range: Range,
    ) -> Option<f64> {
        let kind = if range.is_integer {
            "Integer"
        } else {
            "Number"
        };
        let NodeValue::Number(number) = &node.value else {
            parser.schema(wording::expected(kind), self.at(field), node.span);
            return None;
        };
        let value = number.as_f64().unwrap_or(f64::NAN);
        // An integer of more than 64 bits is held as a fraction.
        let is_fraction = number.is_f64() && value.abs() < u64::MAX as f64;
        // AWS prints the bounds of a field that takes fractions as fractions.
        let bound = |bound: u64| {
            if range.is_integer {
                bound.to_string()
            } else {
                format!("{bound}.0")
            }
        };
        let problem = if range.is_integer && is_fraction {
            wording::expected(kind)
        } else if value < range.minimum as f64 {
            wording::too_small(bound(range.minimum))
        } else if value > range.maximum as f64 {
            wording::too_large(bound(range.maximum))
        } else {
            return Some(value);
        };
        parser.schema(problem, self.at(field), node.span);
        None
    }

    /// A number, `…Path`, or an expression, as the query language has it.
    pub(super) fn number_field(
        &mut self,
        parser: &mut Parser<'_>,
        [field, path_field]: [&'static str; 2],
        range: Range,
        language: QueryLanguage,
    ) -> Option<NumberField> {
        if language == QueryLanguage::JsonPath {
            self.at_most_one(parser, &[field, path_field]);
            if let Some(path) = self.reference_path(parser, path_field) {
                return Some(NumberField::Path(path));
            }
        }
        let node = self.node(field)?;
        match self.written(parser, field, node, language) {
            Written::Expression(expression) => Some(NumberField::Expression(expression)),
            Written::Literal => self
                .number(parser, field, node, range)
                .map(NumberField::Literal),
            Written::Broken => None,
        }
    }

    /// How a field that may be one expression is written.
    pub(super) fn written(
        &self,
        parser: &mut Parser<'_>,
        field: &str,
        node: &Node,
        language: QueryLanguage,
    ) -> Written<JsonataExpression> {
        match node.as_str() {
            Some(text) if language == QueryLanguage::Jsonata => {
                jsonata(parser, text, self.at(field), node.span)
            }
            Some(_) | None => Written::Literal,
        }
    }

    pub(super) fn one_of(
        &mut self,
        parser: &mut Parser<'_>,
        field: &'static str,
        values: &[&'static str],
    ) -> Option<&'static str> {
        let node = self.node(field)?;
        let found = values
            .iter()
            .find(|value| node.as_str() == Some(value))
            .copied();
        if found.is_none() {
            let message = match node.as_str() {
                Some(_) => wording::one_of(field, values),
                None => wording::expected("String"),
            };
            parser.schema(message, self.at(field), node.span);
        }
        found
    }

    pub(super) fn query_language(&mut self, parser: &mut Parser<'_>) -> Option<QueryLanguage> {
        match self.one_of(parser, "QueryLanguage", &["JSONPath", "JSONata"])? {
            "JSONata" => Some(QueryLanguage::Jsonata),
            _ => Some(QueryLanguage::JsonPath),
        }
    }

    /// `InputPath` and its like: absent, `null` or a path.
    pub(super) fn path_field(&mut self, parser: &mut Parser<'_>, field: &'static str) -> PathField {
        let Some(node) = self.node(field) else {
            return PathField::Whole;
        };
        if matches!(node.value, NodeValue::Null) {
            return PathField::Nothing;
        }
        match self.parse_path(parser, field, node) {
            Some(path) if path.is_root() => PathField::Whole,
            Some(path) => PathField::Path(path),
            None => PathField::Whole,
        }
    }

    pub(super) fn parse_path(
        &self,
        parser: &mut Parser<'_>,
        field: &str,
        node: &Node,
    ) -> Option<JsonPath> {
        let Some(text) = node.as_str() else {
            parser.schema(wording::expected("String"), self.at(field), node.span);
            return None;
        };
        match JsonPath::parse(text) {
            Ok(path) => Some(path),
            Err(error) => {
                parser.helpful(
                    Code::SchemaValidationFailed,
                    wording::NO_PATH,
                    self.at(field),
                    node.span,
                    Some(error.to_string()),
                );
                None
            }
        }
    }

    /// A path to one place in the data or in a variable.
    pub(super) fn reference_path(
        &mut self,
        parser: &mut Parser<'_>,
        field: &'static str,
    ) -> Option<ReferencePath> {
        let path = self.any_reference_path(parser, field)?;
        if path.root() == &Root::Context {
            let node = self.object.get(field)?;
            let message = wording::not_in_context();
            parser.schema(message, self.at(field), node.span);
        }
        Some(path)
    }

    /// A path to one place, also in the context object.
    pub(super) fn any_reference_path(
        &mut self,
        parser: &mut Parser<'_>,
        field: &'static str,
    ) -> Option<ReferencePath> {
        let node = self.node(field)?;
        let Some(text) = node.as_str() else {
            parser.schema(wording::expected("String"), self.at(field), node.span);
            return None;
        };
        match ReferencePath::parse(text) {
            Ok(path) => Some(path),
            Err(error) => {
                let message = wording::no_reference_path(text, &error);
                parser.schema(message, self.at(field), node.span);
                None
            }
        }
    }

    /// A list with at least one element; `None` when absent or no list.
    pub(super) fn list(
        &mut self,
        parser: &mut Parser<'_>,
        field: &'static str,
    ) -> Option<&'a [Node]> {
        let node = self.node(field)?;
        match node.as_array() {
            Some([]) => {
                parser.schema(wording::EMPTY, self.at(field), node.span);
                None
            }
            Some(elements) => Some(elements),
            None => {
                parser.schema(wording::expected("Array"), self.at(field), node.span);
                None
            }
        }
    }

    /// A list of texts with at least one element.
    pub(super) fn texts(&mut self, parser: &mut Parser<'_>, field: &'static str) -> Vec<Arc<str>> {
        let mut texts = Vec::new();
        for (index, element) in self.list(parser, field).into_iter().flatten().enumerate() {
            if let Some(text) = element.as_str() {
                texts.push(text.into());
            } else {
                let location = format!("{}[{index}]", self.at(field));
                parser.schema(wording::expected("String"), location, element.span);
            }
        }
        texts
    }

    /// Reports those of the fields that are missing.
    pub(super) fn require(&self, parser: &mut Parser<'_>, fields: &[&str]) {
        let missing: Vec<&str> = fields
            .iter()
            .copied()
            .filter(|field| !self.has(field))
            .collect();
        if !missing.is_empty() {
            parser.schema(wording::required(&missing), &self.location, self.span);
        }
    }

    /// Reports fields that exclude each other; those that are given count as read.
    pub(super) fn at_most_one(&mut self, parser: &mut Parser<'_>, fields: &[&'static str]) {
        let given: Vec<&'static str> = fields
            .iter()
            .copied()
            .filter(|field| self.has(field))
            .collect();
        if given.len() > 1 {
            parser.schema(wording::at_most_one(&given), &self.location, self.span);
            self.known.extend(given);
        }
    }

    /// Reports every field that was not asked for.
    pub(super) fn finish(self, parser: &mut Parser<'_>) {
        for (key, entry) in self.object.entries() {
            if !self.known.contains(&&**key) && !parser.has_said_enough() {
                let help =
                    nearest(key, &self.known).map(|field| format!("Did you mean `{field}`?"));
                let message = match self.language {
                    Some(QueryLanguage::JsonPath) if JSONATA_FIELDS.contains(&&**key) => {
                        wording::other_language(key, "JSONPath", "JSONata")
                    }
                    Some(QueryLanguage::Jsonata) if JSON_PATH_FIELDS.contains(&&**key) => {
                        wording::other_language(key, "JSONata", "JSONPath")
                    }
                    Some(_) | None => wording::unsupported(key),
                };
                parser.helpful(
                    Code::SchemaValidationFailed,
                    message,
                    &self.location,
                    entry.key_span,
                    help,
                );
            }
        }
    }
}
