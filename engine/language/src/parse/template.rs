//! JSON with expressions inside: `Parameters`, `Arguments`, `Assign`, ….

use std::fmt::Display;
use std::sync::Arc;

use crate::diagnostic::Code;
use crate::expression::jsonata::{JsonataError, Reads};
use crate::expression::{Expression, IntrinsicCall, JsonPath, JsonataExpression};
use crate::json::{Entry, Members, Node, NodeValue, Object, Value};
use crate::model::{QueryLanguage, Template};
use crate::source::Span;

use super::fields::Fields;
use super::{Parser, Place, wording};

impl Parser<'_> {
    /// A field that holds a template.
    pub(super) fn template(
        &mut self,
        fields: &mut Fields<'_>,
        field: &'static str,
        language: QueryLanguage,
    ) -> Option<Template> {
        let node = fields.node(field)?;
        let location = fields.at(field);
        Some(self.read_template(node, &Place::Field(&location), language))
    }

    /// The template at a place.
    pub(super) fn read_template(
        &mut self,
        node: &Node,
        place: &Place<'_>,
        language: QueryLanguage,
    ) -> Template {
        match &node.value {
            NodeValue::String(text) if language == QueryLanguage::Jsonata => {
                match jsonata(self, text, place, node.span) {
                    Written::Expression(expression) => {
                        Template::Expression(Expression::Jsonata(expression))
                    }
                    Written::Literal | Written::Broken => literal(node),
                }
            }
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) | NodeValue::String(_) => {
                literal(node)
            }
            NodeValue::Array(elements) => {
                let elements = elements.iter().enumerate();
                let read = elements.map(|(index, element)| {
                    self.read_template(element, &Place::Index(place, index), language)
                });
                fold_array(read.collect())
            }
            NodeValue::Object(object) => {
                let entries = object.entries();
                let read = entries
                    .map(|(key, entry)| self.template_entry(object, key, entry, place, language));
                fold_object(read.collect())
            }
        }
    }

    fn template_entry(
        &mut self,
        object: &Object,
        key: &Arc<str>,
        entry: &Entry,
        place: &Place<'_>,
        language: QueryLanguage,
    ) -> (Arc<str>, Template) {
        let inner = Place::Key(place, key);
        if language == QueryLanguage::JsonPath {
            if let Some(name) = key.strip_suffix(".$") {
                if object.get(name).is_some() {
                    self.schema(wording::duplicate_field(name), place, entry.key_span);
                }
                let template = match self.expression_text(&entry.value, key, place) {
                    Some(expression) => Template::Expression(expression),
                    None => Template::Literal(Value::Null),
                };
                return (name.into(), template);
            }
            self.warn_about_missing_dollar(key, &entry.value, &inner);
        }
        (
            key.clone(),
            self.read_template(&entry.value, &inner, language),
        )
    }

    /// A text that must be a path or an intrinsic call.
    pub(super) fn expression_text(
        &mut self,
        node: &Node,
        field: &str,
        location: impl Display,
    ) -> Option<Expression> {
        let parsed = match node.as_str() {
            Some(text) if text.starts_with('$') => JsonPath::parse(text).map(Expression::Path),
            Some(text) => IntrinsicCall::parse(text).map(Expression::Intrinsic),
            None => {
                self.schema(wording::no_expression(field), location, node.span);
                return None;
            }
        };
        match parsed {
            Ok(expression) => Some(expression),
            Err(error) => {
                self.helpful(
                    Code::SchemaValidationFailed,
                    wording::no_expression(field),
                    location,
                    node.span,
                    Some(error.to_string()),
                );
                None
            }
        }
    }

    fn warn_about_missing_dollar(&mut self, key: &str, node: &Node, place: &Place<'_>) {
        // `MaxItemsPath` and its like stand inside what is read as a template.
        if !key.ends_with("Path") && node.as_str().is_some_and(looks_like_expression) {
            self.helpful(
                Code::NoDollar,
                wording::NO_DOLLAR,
                place,
                node.span,
                Some(format!(
                    "`{key}.$` evaluates it; `{key}` passes the text on"
                )),
            );
        }
    }
}

/// Whether somebody who wrote this text must have thought that it is evaluated.
pub(super) fn looks_like_expression(text: &str) -> bool {
    text.starts_with("$.")
        || text.starts_with("$$.")
        || (text.starts_with("States.") && IntrinsicCall::parse(text).is_ok())
}

/// How a value is written that may be an expression.
pub(super) enum Written<E> {
    /// As an expression.
    Expression(E),
    /// As itself.
    Literal,
    /// As neither; that has been reported.
    Broken,
}

/// Reads `{% … %}`. A text with one of the delimiters is reported, as is what is not JSONata or
/// reads what its field does not have.
pub(super) fn jsonata(
    parser: &mut Parser<'_>,
    text: &str,
    location: impl Display,
    span: Span,
) -> Written<JsonataExpression> {
    let inner = text
        .strip_prefix("{%")
        .and_then(|rest| rest.strip_suffix("%}"));
    let Some(inner) = inner else {
        if !text.starts_with("{%") && !text.ends_with("%}") {
            return Written::Literal;
        }
        parser.schema(wording::HALF_AN_EXPRESSION, location, span);
        return Written::Broken;
    };
    let unsupported = match JsonataExpression::parse(inner) {
        Ok(expression) => {
            let unavailable = parser.available.lacking(expression.reads());
            if unavailable.is_empty() {
                return Written::Expression(expression);
            }
            let unavailable = unavailable.iter();
            unavailable
                .map(|name| wording::not_in_this_field(name))
                .collect()
        }
        Err(JsonataError::Unsupported(names)) => {
            let names = names.iter();
            names.map(|name| wording::not_at_the_top(name)).collect()
        }
        Err(JsonataError::Invalid(message)) => {
            let code = Code::InvalidJsonataExpression;
            parser.report(code, message, Some(&location), span);
            Vec::new()
        }
    };
    for message in unsupported {
        let code = Code::UnsupportedJsonataExpression;
        parser.report(code, message, Some(&location), span);
    }
    Written::Broken
}

/// Which members of `$states` the field at hand has besides `input` and `context`.
#[derive(Clone, Copy, Default)]
pub(super) struct Available {
    pub(super) result: bool,
    pub(super) error_output: bool,
}

impl Available {
    /// What an expression reads although it is not there.
    fn lacking(self, reads: &Reads) -> Vec<&'static str> {
        let members = [
            (!reads.result.is_nothing() && !self.result, "$states.result"),
            (
                !reads.error_output.is_nothing() && !self.error_output,
                "$states.errorOutput",
            ),
        ];
        let lacking = members.into_iter().filter(|(is_lacking, _)| *is_lacking);
        lacking.map(|(_, name)| name).collect()
    }
}

fn literal(node: &Node) -> Template {
    Template::Literal(node.to_value())
}

/// An array in which nothing is left to evaluate is a literal.
fn fold_array(elements: Vec<Template>) -> Template {
    if !elements.iter().all(is_literal) {
        return Template::Array(elements);
    }
    Template::Literal(elements.into_iter().filter_map(into_value).collect())
}

/// An object in which nothing is left to evaluate is a literal.
fn fold_object(entries: Vec<(Arc<str>, Template)>) -> Template {
    if !entries.iter().all(|(_, entry)| is_literal(entry)) {
        return Template::Object(entries);
    }
    let entries = entries.into_iter();
    let members = entries.filter_map(|(key, entry)| Some((key, into_value(entry)?)));
    Template::Literal(members.collect::<Members>().into())
}

fn is_literal(template: &Template) -> bool {
    match template {
        Template::Literal(_) => true,
        Template::Expression(_) | Template::Object(_) | Template::Array(_) => false,
    }
}

/// The value of a literal.
fn into_value(template: Template) -> Option<Value> {
    match template {
        Template::Literal(value) => Some(value),
        Template::Expression(_) | Template::Object(_) | Template::Array(_) => None,
    }
}
