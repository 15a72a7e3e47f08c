//! The Choice state.

use std::sync::Arc;

use crate::expression::JsonPath;
use crate::json::{Node, NodeValue};
use crate::model::{Choice, Comparison, Condition, Operand, Order, QueryLanguage, Rule};
use crate::timestamp;

use super::fields::Fields;
use super::state::Setting;
use super::template::Written;
use super::{Parser, wording};

impl Parser<'_> {
    pub(super) fn choice(&mut self, fields: &mut Fields<'_>, setting: Setting) -> Choice {
        fields.require(self, &["Choices"]);
        let mut rules = Vec::new();
        let location = fields.at("Choices");
        for (index, node) in fields
            .list(self, "Choices")
            .into_iter()
            .flatten()
            .enumerate()
        {
            rules.extend(self.rule(node, &format!("{location}[{index}]"), setting));
        }
        let default = fields.node("Default").and_then(|node| {
            let location = fields.at("Default");
            self.target(setting, node, &location)
        });
        Choice { rules, default }
    }

    fn rule(&mut self, node: &Node, location: &str, setting: Setting) -> Option<Rule> {
        let mut fields = Fields::of(self, node, location)?;
        fields.language = Some(setting.language);
        match setting.language {
            QueryLanguage::JsonPath => fields.require(self, &["Next"]),
            QueryLanguage::Jsonata => fields.require(self, &["Condition", "Next"]),
        }
        let next = fields
            .node("Next")
            .and_then(|node| self.target(setting, node, &format!("{location}/Next")));
        let assign = self.assign(&mut fields, setting);
        let comment = fields.text(self, "Comment");
        let (condition, output) = match setting.language {
            QueryLanguage::JsonPath => (self.condition(&mut fields), None),
            QueryLanguage::Jsonata => {
                let output = self.template(&mut fields, "Output", setting.language);
                (self.jsonata_condition(&mut fields), output)
            }
        };
        fields.finish(self);
        Some(Rule {
            condition: condition?,
            next: next?,
            assign,
            output,
            comment,
        })
    }

    fn jsonata_condition(&mut self, fields: &mut Fields<'_>) -> Option<Condition> {
        let node = fields.node("Condition")?;
        if let NodeValue::Bool(constant) = node.value {
            return Some(Condition::Constant(constant));
        }
        match fields.written(self, "Condition", node, QueryLanguage::Jsonata) {
            Written::Expression(expression) => Some(Condition::Jsonata(expression)),
            Written::Literal => {
                let message = wording::expected("Boolean");
                self.schema(message, fields.at("Condition"), node.span);
                None
            }
            Written::Broken => None,
        }
    }

    /// A comparison, or a combination of conditions.
    fn condition(&mut self, fields: &mut Fields<'_>) -> Option<Condition> {
        let combined = match () {
            () if fields.has("And") => self.conditions(fields, "And").map(Condition::And),
            () if fields.has("Or") => self.conditions(fields, "Or").map(Condition::Or),
            () if fields.has("Not") => {
                let location = fields.at("Not");
                let node = fields.node("Not")?;
                self.nested(node, &location)
                    .map(|inner| Condition::Not(Box::new(inner)))
            }
            () => return self.comparison(fields),
        };
        fields.at_most_one(self, &["And", "Or", "Not", "Variable"]);
        combined
    }

    fn conditions(
        &mut self,
        fields: &mut Fields<'_>,
        field: &'static str,
    ) -> Option<Vec<Condition>> {
        let location = fields.at(field);
        let nodes = fields.list(self, field)?;
        let conditions: Vec<Condition> = nodes
            .iter()
            .enumerate()
            .filter_map(|(index, node)| self.nested(node, &format!("{location}[{index}]")))
            .collect();
        (conditions.len() == nodes.len()).then_some(conditions)
    }

    /// A condition inside another: it has no `Next` of its own.
    fn nested(&mut self, node: &Node, location: &str) -> Option<Condition> {
        let mut fields = Fields::of(self, node, location)?;
        fields.text(self, "Comment");
        let condition = self.condition(&mut fields);
        fields.finish(self);
        condition
    }

    fn comparison(&mut self, fields: &mut Fields<'_>) -> Option<Condition> {
        fields.require(self, &["Variable"]);
        let variable = fields.any_reference_path(self, "Variable");
        let object = fields.object;
        let mut given = object.entries().filter_map(|(key, _)| {
            let mut operators = OPERATORS.iter();
            operators.find(|operator| operator.name == &**key)
        });
        let first = given.next();
        let mut names: Vec<&'static str> = given.map(|operator| operator.name).collect();
        let Some(operator) = first else {
            self.schema(wording::NO_OPERATOR, &fields.location, fields.span);
            return None;
        };
        let node = fields.node(operator.name)?;
        if !names.is_empty() {
            names.insert(0, operator.name);
            fields.at_most_one(self, &names);
            return None;
        }
        let comparison = if operator.is_path {
            self.path_comparison(fields, operator, node)
        } else {
            self.literal_comparison(fields, operator, node)
        };
        Some(Condition::Compare {
            variable: variable?.into(),
            comparison: comparison?,
        })
    }

    fn path_comparison(
        &mut self,
        fields: &Fields<'_>,
        operator: &Operator,
        node: &Node,
    ) -> Option<Comparison> {
        let path: JsonPath = fields.parse_path(self, operator.name, node)?;
        match operator.family {
            Family::String(order) => Some(Comparison::String(order, Operand::Path(path))),
            Family::Numeric(order) => Some(Comparison::Numeric(order, Operand::Path(path))),
            Family::Timestamp(order) => Some(Comparison::Timestamp(order, Operand::Path(path))),
            Family::Boolean => Some(Comparison::Boolean(Operand::Path(path))),
            Family::Matches | Family::Is(_) => None,
        }
    }

    fn literal_comparison(
        &mut self,
        fields: &Fields<'_>,
        operator: &Operator,
        node: &Node,
    ) -> Option<Comparison> {
        let text = || node.as_str().map(Arc::<str>::from);
        let boolean = || match node.value {
            NodeValue::Bool(value) => Some(value),
            NodeValue::Null
            | NodeValue::Number(_)
            | NodeValue::String(_)
            | NodeValue::Array(_)
            | NodeValue::Object(_) => None,
        };
        let (comparison, kind) = match operator.family {
            Family::String(order) => (
                text().map(|text| Comparison::String(order, Operand::Literal(text))),
                "String",
            ),
            Family::Numeric(order) => {
                let number = match &node.value {
                    NodeValue::Number(number) => Some(number.clone()),
                    NodeValue::Null
                    | NodeValue::Bool(_)
                    | NodeValue::String(_)
                    | NodeValue::Array(_)
                    | NodeValue::Object(_) => None,
                };
                let compare = |number| Comparison::Numeric(order, Operand::Literal(number));
                (number.map(compare), "Number")
            }
            Family::Timestamp(order) => {
                if node
                    .as_str()
                    .is_some_and(|text| timestamp::parse(text).is_none())
                {
                    self.schema(wording::NO_TIMESTAMP, fields.at(operator.name), node.span);
                }
                let compare = |text| Comparison::Timestamp(order, Operand::Literal(text));
                (text().map(compare), "String")
            }
            Family::Boolean => (
                boolean().map(|value| Comparison::Boolean(Operand::Literal(value))),
                "Boolean",
            ),
            Family::Matches => (text().map(Comparison::StringMatches), "String"),
            Family::Is(is) => (boolean().map(is), "Boolean"),
        };
        if comparison.is_none() {
            self.schema(wording::expected(kind), fields.at(operator.name), node.span);
        }
        comparison
    }
}

/// A comparison operator.
struct Operator {
    name: &'static str,
    family: Family,
    is_path: bool,
}

#[derive(Clone, Copy)]
enum Family {
    String(Order),
    Numeric(Order),
    Timestamp(Order),
    Boolean,
    Matches,
    Is(fn(bool) -> Comparison),
}

const fn literal(name: &'static str, family: Family) -> Operator {
    Operator {
        name,
        family,
        is_path: false,
    }
}

const fn path(name: &'static str, family: Family) -> Operator {
    Operator {
        name,
        family,
        is_path: true,
    }
}

/// All 39. Source: Amazon States Language, "Choice".
const OPERATORS: [Operator; 39] = {
    use Family::{Boolean, Is, Matches, Numeric, String, Timestamp};
    use Order::{Equals, GreaterThan, GreaterThanEquals, LessThan, LessThanEquals};
    [
        literal("StringEquals", String(Equals)),
        path("StringEqualsPath", String(Equals)),
        literal("StringLessThan", String(LessThan)),
        path("StringLessThanPath", String(LessThan)),
        literal("StringGreaterThan", String(GreaterThan)),
        path("StringGreaterThanPath", String(GreaterThan)),
        literal("StringLessThanEquals", String(LessThanEquals)),
        path("StringLessThanEqualsPath", String(LessThanEquals)),
        literal("StringGreaterThanEquals", String(GreaterThanEquals)),
        path("StringGreaterThanEqualsPath", String(GreaterThanEquals)),
        literal("NumericEquals", Numeric(Equals)),
        path("NumericEqualsPath", Numeric(Equals)),
        literal("NumericLessThan", Numeric(LessThan)),
        path("NumericLessThanPath", Numeric(LessThan)),
        literal("NumericGreaterThan", Numeric(GreaterThan)),
        path("NumericGreaterThanPath", Numeric(GreaterThan)),
        literal("NumericLessThanEquals", Numeric(LessThanEquals)),
        path("NumericLessThanEqualsPath", Numeric(LessThanEquals)),
        literal("NumericGreaterThanEquals", Numeric(GreaterThanEquals)),
        path("NumericGreaterThanEqualsPath", Numeric(GreaterThanEquals)),
        literal("TimestampEquals", Timestamp(Equals)),
        path("TimestampEqualsPath", Timestamp(Equals)),
        literal("TimestampLessThan", Timestamp(LessThan)),
        path("TimestampLessThanPath", Timestamp(LessThan)),
        literal("TimestampGreaterThan", Timestamp(GreaterThan)),
        path("TimestampGreaterThanPath", Timestamp(GreaterThan)),
        literal("TimestampLessThanEquals", Timestamp(LessThanEquals)),
        path("TimestampLessThanEqualsPath", Timestamp(LessThanEquals)),
        literal("TimestampGreaterThanEquals", Timestamp(GreaterThanEquals)),
        path(
            "TimestampGreaterThanEqualsPath",
            Timestamp(GreaterThanEquals),
        ),
        literal("BooleanEquals", Boolean),
        path("BooleanEqualsPath", Boolean),
        literal("StringMatches", Matches),
        literal("IsNull", Is(Comparison::IsNull)),
        literal("IsPresent", Is(Comparison::IsPresent)),
        literal("IsNumeric", Is(Comparison::IsNumeric)),
        literal("IsString", Is(Comparison::IsString)),
        literal("IsBoolean", Is(Comparison::IsBoolean)),
        literal("IsTimestamp", Is(Comparison::IsTimestamp)),
    ]
};
