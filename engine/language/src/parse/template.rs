//! JSON with expressions inside: `Parameters`, `Arguments`, `Assign`, ….

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::diagnostic::Code;
use crate::expression::{Expression, IntrinsicCall, JsonPath, JsonataExpression};
use crate::json::{Node, NodeValue};
use crate::model::{QueryLanguage, Template};
use crate::source::Span;

use super::fields::Fields;
use super::state::Setting;
use super::{Parser, wording};

/// Characters of a variable's name.
const VARIABLE_LENGTH_MAX: usize = 80;

impl Parser<'_> {
    /// A field that holds a template.
    pub(super) fn template(
        &mut self,
        fields: &mut Fields<'_>,
        field: &'static str,
        language: QueryLanguage,
    ) -> Option<Template> {
        let node = fields.node(field)?;
        Some(self.read_template(node, &fields.at(field), language))
    }

    pub(super) fn read_template(
        &mut self,
        node: &Node,
        location: &str,
        language: QueryLanguage,
    ) -> Template {
        match &node.value {
            NodeValue::String(text) if language == QueryLanguage::Jsonata => {
                match jsonata(self, text, location, node.span) {
                    Some(expression) => Template::Expression(Expression::Jsonata(expression)),
                    None => Template::Literal(Arc::new(Value::from(&**text))),
                }
            }
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) | NodeValue::String(_) => {
                Template::Literal(Arc::new(node.to_value()))
            }
            NodeValue::Array(elements) => {
                let elements = (0..)
                    .zip(elements)
                    .map(|(index, element): (usize, _)| {
                        self.read_template(element, &format!("{location}[{index}]"), language)
                    })
                    .collect();
                fold(Template::Array(elements))
            }
            NodeValue::Object(object) => {
                let mut entries: Vec<(Arc<str>, Template)> = Vec::with_capacity(object.len());
                for (key, entry) in object.entries() {
                    let (name, template) =
                        self.template_entry(key, &entry.value, location, language);
                    if entries.iter().any(|(other, _)| *other == name) {
                        let message = format!("Duplicate field name: {name}");
                        self.schema(message, location, entry.key_span);
                    }
                    entries.push((name, template));
                }
                fold(Template::Object(entries))
            }
        }
    }

    fn template_entry(
        &mut self,
        key: &Arc<str>,
        node: &Node,
        location: &str,
        language: QueryLanguage,
    ) -> (Arc<str>, Template) {
        let inner = format!("{location}/{key}");
        if language == QueryLanguage::JsonPath {
            if let Some(name) = key.strip_suffix(".$") {
                let template = match self.expression_text(node, key, location) {
                    Some(expression) => Template::Expression(expression),
                    None => Template::Literal(Arc::new(Value::Null)),
                };
                return (name.into(), template);
            }
            self.warn_about_missing_dollar(key, node, &inner);
        }
        (key.clone(), self.read_template(node, &inner, language))
    }

    /// A text that must be a path or an intrinsic call.
    pub(super) fn expression_text(
        &mut self,
        node: &Node,
        field: &str,
        location: &str,
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

    fn warn_about_missing_dollar(&mut self, key: &str, node: &Node, location: &str) {
        let Some(text) = node.as_str() else { return };
        let looks_like_one = text.starts_with("$.")
            || text.starts_with("$$.")
            || (text.starts_with("States.") && IntrinsicCall::parse(text).is_ok());
        if looks_like_one {
            self.helpful(
                Code::NoDollar,
                "The field name must end with '.$' if its value is a JSONPath or an intrinsic function call",
                location,
                node.span,
                Some(format!("`{key}.$` evaluates it; `{key}` passes the text on")),
            );
        }
    }

    /// `Assign`: an object of variables.
    pub(super) fn assign(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Option<Template> {
        let location = fields.at("Assign");
        let node = fields.node("Assign")?;
        let Some(object) = node.as_object() else {
            self.schema(wording::expected("Object"), &location, node.span);
            return None;
        };
        for (key, entry) in object.entries() {
            let name = match setting.language {
                QueryLanguage::JsonPath => key.strip_suffix(".$").unwrap_or(key),
                QueryLanguage::Jsonata => key,
            };
            if let Some(problem) = variable_problem(name) {
                self.schema(problem, &location, entry.key_span);
            }
        }
        Some(self.read_template(node, &location, setting.language))
    }
}

/// What is wrong with a variable's name. Source: Amazon States Language, "Variables".
fn variable_problem(name: &str) -> Option<String> {
    let mut characters = name.chars();
    let starts_well = characters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_');
    let goes_on_well = characters.all(|character| character.is_alphanumeric() || character == '_');
    if name == "states" {
        Some("The variable name 'states' is reserved".to_owned())
    } else if !starts_well || !goes_on_well {
        Some(format!(
            "The variable name '{name}' is not a valid identifier"
        ))
    } else if name.chars().count() > VARIABLE_LENGTH_MAX {
        Some(format!(
            "The variable name '{name}' is longer than {VARIABLE_LENGTH_MAX} characters"
        ))
    } else {
        None
    }
}

/// Reads `{% … %}`; `None` for literal text. A text with one of the delimiters is reported.
pub(super) fn jsonata(
    parser: &mut Parser<'_>,
    text: &str,
    location: &str,
    span: Span,
) -> Option<JsonataExpression> {
    match (text.strip_prefix("{%"), text.ends_with("%}")) {
        (Some(rest), true) if text.len() >= 4 => {
            let source = rest.strip_suffix("%}").unwrap_or(rest).trim();
            Some(JsonataExpression {
                source: source.into(),
            })
        }
        (None, false) => None,
        (Some(_), _) | (None, true) => {
            let message = "A JSONata expression starts with '{%' and ends with '%}'";
            parser.schema(message, location, span);
            None
        }
    }
}

/// A template in which nothing is left to evaluate is a literal.
fn fold(template: Template) -> Template {
    match template {
        Template::Array(elements) => {
            if elements
                .iter()
                .all(|element| matches!(element, Template::Literal(_)))
            {
                let values = elements.iter().filter_map(literal).collect();
                return Template::Literal(Arc::new(Value::Array(values)));
            }
            Template::Array(elements)
        }
        Template::Object(entries) => {
            if entries
                .iter()
                .all(|(_, entry)| matches!(entry, Template::Literal(_)))
            {
                let values: Map<String, Value> = entries
                    .iter()
                    .filter_map(|(key, entry)| Some((key.to_string(), literal(entry)?)))
                    .collect();
                return Template::Literal(Arc::new(Value::Object(values)));
            }
            Template::Object(entries)
        }
        other @ (Template::Literal(_) | Template::Expression(_)) => other,
    }
}

fn literal(template: &Template) -> Option<Value> {
    match template {
        Template::Literal(value) => Some(Value::clone(value)),
        Template::Expression(_) | Template::Object(_) | Template::Array(_) => None,
    }
}
