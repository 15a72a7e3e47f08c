//! The API's model of what a request may hold: which members, of which types, within which rules.
//!
//! AWS compares a whole request with its model before it looks at anything else: a member of the
//! wrong type is refused by itself, whatever else is wrong; the rules that members break are told
//! together. [`read`] does so, and gives what the model knows. What else was sent is nobody's.
//!
//! Whoever takes requests as JSON reads them by such a model; each operation has its own.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::OperationError;

use super::constraints::{Violations, broken_length};

/// A member of a request or of a structure in it.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub shape: Shape,
    /// Whether it has to be there.
    pub is_required: bool,
}

/// What a value is.
#[derive(Debug)]
pub enum Shape {
    /// A text, with the rules for it in the order in which they are told.
    Text(&'static [Rule]),
    /// The same, for what is nobody's business: a refusal does not repeat it.
    Sensitive(&'static [Rule]),
    /// One of some texts.
    OneOf(&'static [&'static str]),
    /// A whole number.
    Integer(RangeInclusive<i64>),
    /// A number.
    Number(RangeInclusive<f64>),
    /// A truth value.
    Boolean,
    /// A list of as many elements.
    List(&'static Shape, RangeInclusive<usize>),
    /// Further members.
    Structure(&'static Structure),
}

/// Members that belong together.
#[derive(Debug)]
pub struct Structure {
    /// The name that AWS prints it under.
    pub name: &'static str,
    /// Its members, in the order of the API's model.
    pub members: &'static [Member],
}

/// A rule for a text.
#[derive(Debug)]
pub enum Rule {
    /// It has so many characters.
    Length(RangeInclusive<usize>),
    /// It has so many bytes at most.
    Bytes(usize),
    /// It matches a pattern, as the check decides.
    Pattern(&'static str, fn(&str) -> bool),
}

/// Why a request does not fit its model.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    /// A member has another type, said in AWS's words.
    #[error("{0}")]
    Type(String),
    /// Rules are broken.
    #[error(transparent)]
    Broken(OperationError),
}

/// A member that may be absent.
pub const fn optional(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        shape,
        is_required: false,
    }
}

/// A member that has to be there.
pub const fn required(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        shape,
        is_required: true,
    }
}

/// Reads what was given by a model: without what the model does not know, and without `null`, which
/// stands for what is absent.
///
/// # Errors
///
/// The first member of another type, or else all rules that are broken, in the order of the model.
pub fn read(members: &[Member], given: Map<String, Value>) -> Result<Map<String, Value>, Misfit> {
    let mut findings = Findings::default();
    let fitting = findings.members(members, given, "");
    if let Some(message) = findings.mistyped {
        return Err(Misfit::Type(message));
    }
    let broken = findings.violations.finish();
    broken.map(|()| fitting).map_err(Misfit::Broken)
}

/// What a model knows of a structure that was written before anybody looked at it so closely, as
/// far as it has the model's types.
pub(super) fn known(structure: &Structure, value: Value) -> Value {
    if let Value::Object(given) = value {
        let mut findings = Findings::default();
        findings.members(structure.members, given, "").into()
    } else {
        Value::Null
    }
}

impl From<Misfit> for OperationError {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Type(message) => Self::Validation(message),
            Misfit::Broken(error) => error,
        }
    }
}

/// What does not fit.
#[derive(Debug, Default)]
struct Findings {
    mistyped: Option<String>,
    violations: Violations,
}

impl Findings {
    /// What fits of the members of a request, or of the structure that `path` leads to.
    fn members(
        &mut self,
        members: &[Member],
        mut given: Map<String, Value>,
        path: &str,
    ) -> Map<String, Value> {
        let mut fitting = Map::new();
        for member in members {
            let path = match path {
                "" => member.name.to_owned(),
                path => format!("{path}.{}", member.name),
            };
            match given.remove(member.name) {
                None | Some(Value::Null) if member.is_required => self.violations.missing(&path),
                None | Some(Value::Null) => {}
                Some(value) => {
                    if let Some(value) = self.value(&member.shape, value, &path) {
                        fitting.insert(member.name.to_owned(), value);
                    }
                }
            }
        }
        fitting
    }

    /// A value, or as much of it as has its type.
    fn value(&mut self, shape: &Shape, value: Value, path: &str) -> Option<Value> {
        match (shape, &value) {
            (Shape::Text(rules), Value::String(text)) => {
                self.violations.text(text, path, rules);
            }
            (Shape::Sensitive(rules), Value::String(text)) => {
                for rule in rules.iter().filter_map(|rule| rule.broken(text)) {
                    self.violations.hidden(path, rule);
                }
            }
            (Shape::OneOf(texts), Value::String(text)) => {
                if !texts.contains(&text.as_str()) {
                    let rule = format!("satisfy enum value set: [{}]", texts.join(", "));
                    self.violations.add(text, path, rule);
                }
            }
            (Shape::Integer(range), Value::Number(number)) => match number.as_i64() {
                Some(number) => self.violations.range(number, path, range),
                None => return self.refuse("The number is not an Integer".to_owned()),
            },
            (Shape::Number(range), Value::Number(number)) => {
                let number = number.as_f64().unwrap_or(f64::INFINITY);
                self.violations.range(number, path, range);
            }
            (Shape::Boolean, Value::Bool(_)) => {}
            (Shape::List(element, count), Value::Array(_)) => {
                return Some(self.list(element, count, value, path));
            }
            (Shape::Structure(structure), Value::Object(_)) => {
                return Some(self.structure(structure, value, path));
            }
            (shape, other) => return self.refuse(shape.refusal(other)),
        }
        Some(value)
    }

    fn structure(&mut self, structure: &Structure, value: Value, path: &str) -> Value {
        let Value::Object(given) = value else {
            return value;
        };
        self.members(structure.members, given, path).into()
    }

    fn list(
        &mut self,
        element: &Shape,
        count: &RangeInclusive<usize>,
        value: Value,
        path: &str,
    ) -> Value {
        let Value::Array(given) = value else {
            return value;
        };
        if !count.contains(&given.len()) {
            let shown: Vec<String> = given.iter().map(|value| element.shown(value)).collect();
            self.violations.count(&shown, path, count.clone());
        }
        let elements = given.into_iter().zip(1..).filter_map(|(value, position)| {
            let path = format!("{path}.{position}.member");
            self.value(element, value, &path)
        });
        elements.collect()
    }

    /// Of several members of another type the first is told.
    fn refuse(&mut self, message: String) -> Option<Value> {
        self.mistyped.get_or_insert(message);
        None
    }
}

impl Rule {
    /// What a text would do, if it does not.
    pub(super) fn broken(&self, text: &str) -> Option<String> {
        match self {
            Self::Length(length) => broken_length(text.chars().count(), length),
            Self::Bytes(most) => broken_length(text.len(), &(0..=*most)),
            Self::Pattern(pattern, is_met) => {
                (!is_met(text)).then(|| format!("satisfy regular expression pattern: {pattern}"))
            }
        }
    }
}

impl Shape {
    /// What AWS says of a value of another type.
    fn refusal(&self, found: &Value) -> String {
        let wanted = match self {
            Self::Text(_) | Self::Sensitive(_) | Self::OneOf(_) => "a String",
            Self::Integer(_) => "an Integer",
            Self::Number(_) => "a Float",
            Self::Boolean => "a Boolean",
            Self::Structure(_) => "a structure",
            Self::List(..) => return "Expected list or null".to_owned(),
        };
        let found = match found {
            Value::Bool(true) => "TRUE_VALUE",
            Value::Bool(false) => "FALSE_VALUE",
            Value::Number(_) => "NUMBER_VALUE",
            Value::String(_) => "STRING_VALUE",
            Value::Array(_) | Value::Object(_) => {
                return "Start of structure or map found where not expected.".to_owned();
            }
            Value::Null => "NULL_VALUE",
        };
        format!("{found} can not be converted to {wanted}")
    }

    /// A value as AWS prints it in a refusal.
    fn shown(&self, value: &Value) -> String {
        match (self, value) {
            (Self::Structure(structure), Value::Object(given)) => {
                let members = structure.members.iter().map(|member| {
                    let value = given.get(member.name).unwrap_or(&Value::Null);
                    format!("{}={}", member.name, member.shape.shown(value))
                });
                let members: Vec<String> = members.collect();
                format!("{}({})", structure.name, members.join(", "))
            }
            (_, Value::String(text)) => text.clone(),
            (_, other) => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NAME: &[Rule] = &[Rule::Length(1..=3)];
    const WORD: Rule = Rule::Pattern("[a-z]+", |text| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
    });
    const ROUTE: Structure = Structure {
        name: "Route",
        members: &[
            required("to", Shape::Text(NAME)),
            optional("weight", Shape::Integer(0..=100)),
        ],
    };
    const MODEL: &[Member] = &[
        required("name", Shape::Text(NAME)),
        optional("word", Shape::Text(&[WORD, Rule::Length(1..=3)])),
        optional("secret", Shape::Sensitive(&[Rule::Bytes(3)])),
        optional("mode", Shape::OneOf(&["ON", "OFF"])),
        optional("share", Shape::Number(0.0..=100.0)),
        optional("is", Shape::Boolean),
        optional("routes", Shape::List(&Shape::Structure(&ROUTE), 1..=2)),
        optional("keys", Shape::List(&Shape::Text(NAME), 0..=usize::MAX)),
    ];

    fn given(value: Value) -> Result<Value, Misfit> {
        let Value::Object(members) = value else {
            panic!("a request is an object")
        };
        read(MODEL, members).map(Value::Object)
    }

    #[track_caller]
    fn mistyped(value: Value, message: &str) {
        let misfit = given(value).unwrap_err();
        assert!(matches!(misfit, Misfit::Type(_)), "{misfit}");
        assert_eq!(misfit.to_string(), message);
    }

    /// Checks which rules are broken: value, member and rule of each.
    #[track_caller]
    fn broken(value: Value, expected: &[(&str, &str, &str)]) {
        let misfit = given(value).unwrap_err();
        assert!(matches!(misfit, Misfit::Broken(_)), "{misfit}");
        let expected: Vec<String> = expected
            .iter()
            .map(|(value, member, rule)| {
                format!(
                    "Value{value} at '{member}' failed to satisfy constraint: Member must {rule}"
                )
            })
            .collect();
        let plural = if expected.len() == 1 { "" } else { "s" };
        let message = format!(
            "{} validation error{plural} detected: {}",
            expected.len(),
            expected.join("; ")
        );
        assert_eq!(misfit.to_string(), message);
    }

    #[test]
    fn what_the_model_does_not_know_is_left_out() {
        let request = json!({
            "x": 1, "name": "a", "word": null, "mode": "ON", "share": 5,
            "routes": [{"to": "b", "weight": null, "x": {}}], "keys": [],
        });
        let known =
            json!({"name": "a", "mode": "ON", "share": 5, "routes": [{"to": "b"}], "keys": []});
        assert_eq!(given(request).unwrap(), known);
    }

    #[test]
    fn broken_rules_are_told_together_in_the_order_of_the_model() {
        broken(json!({}), &[(" null", "name", "not be null")]);
        let request = json!({
            "keys": ["a", ""], "routes": [{"weight": 101}, {"to": "long"}], "share": 100.5,
            "mode": "on", "secret": "äö", "word": "ABCD", "name": null,
        });
        broken(
            request,
            &[
                (" null", "name", "not be null"),
                (
                    " 'ABCD'",
                    "word",
                    "satisfy regular expression pattern: [a-z]+",
                ),
                (" 'ABCD'", "word", "have length less than or equal to 3"),
                ("", "secret", "have length less than or equal to 3"),
                (" 'on'", "mode", "satisfy enum value set: [ON, OFF]"),
                (" '100.5'", "share", "have value less than or equal to 100"),
                (" null", "routes.1.member.to", "not be null"),
                (
                    " '101'",
                    "routes.1.member.weight",
                    "have value less than or equal to 100",
                ),
                (
                    " 'long'",
                    "routes.2.member.to",
                    "have length less than or equal to 3",
                ),
                (
                    " ''",
                    "keys.2.member",
                    "have length greater than or equal to 1",
                ),
            ],
        );
        let routes = json!([{"to": "a", "weight": 1}, {"to": "b"}, {"to": "c", "x": 1}]);
        broken(
            json!({"name": "a", "routes": routes}),
            &[(
                " '[Route(to=a, weight=1), Route(to=b, weight=null), Route(to=c, weight=null)]'",
                "routes",
                "have length less than or equal to 2",
            )],
        );
    }

    #[test]
    fn another_type_is_told_before_any_rule() {
        mistyped(
            json!({"name": "", "is": "true", "keys": [null]}),
            "STRING_VALUE can not be converted to a Boolean",
        );
        mistyped(
            json!({"keys": [null]}),
            "NULL_VALUE can not be converted to a String",
        );
        mistyped(
            json!({"routes": [{"weight": 1.5}]}),
            "The number is not an Integer",
        );
        mistyped(
            json!({"name": {}}),
            "Start of structure or map found where not expected.",
        );
        mistyped(json!({"routes": {}}), "Expected list or null");
        mistyped(
            json!({"routes": [1]}),
            "NUMBER_VALUE can not be converted to a structure",
        );
        mistyped(
            json!({"share": false}),
            "FALSE_VALUE can not be converted to a Float",
        );
    }
}
