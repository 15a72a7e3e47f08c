//! Expressions that need no JSONata: a value that is there, a path to one, an object or array of
//! such.
//!
//! They are most of what people write. Evaluated on the data itself they cost next to nothing, and
//! integers of 64 bits keep their digits, which JSONata's numbers do not.

use std::sync::Arc;

use jsonata_core::ast::{AstNode, PathStep, Stage, UnaryOp};

use crate::json::Value;

/// A simple expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// A text, a whole number, a truth value or `null`.
    Literal(Value),
    /// `$states.input.a[0].b`, `$name.c`.
    Path(PlainRoot, Vec<Step>),
    /// `{"a": …}`, each key once.
    Object(Vec<(Arc<str>, Plain)>),
    /// `[…]`.
    Array(Vec<Plain>),
}

/// What a simple path starts from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PlainRoot {
    /// `$states.input`.
    Input,
    /// `$states.result`.
    Result,
    /// `$states.errorOutput`.
    ErrorOutput,
    /// `$states.context`.
    Context,
    /// `$name`.
    Variable(Arc<str>),
}

/// A step of a simple path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// `.name`.
    Name(Arc<str>),
    /// `[0]`, `[-1]`.
    Index(i64),
}

/// Whole numbers that JSONata holds exactly.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

impl Plain {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not listed is not simple"
    )]
    pub(super) fn of(tree: &AstNode) -> Option<Self> {
        Some(match tree {
            AstNode::String(text) => Self::Literal(text.as_str().into()),
            AstNode::Boolean(value) => Self::Literal(Value::Bool(*value)),
            AstNode::Null => Self::Literal(Value::Null),
            AstNode::Number(_) | AstNode::Unary { .. } => Self::Literal(integer(tree)?.into()),
            AstNode::Variable(name) if is_workflow_variable(name) => {
                Self::Path(PlainRoot::Variable(name.as_str().into()), Vec::new())
            }
            AstNode::Path { steps } => path(steps)?,
            AstNode::Array(elements) => {
                Self::Array(elements.iter().map(Self::of).collect::<Option<_>>()?)
            }
            AstNode::Object(entries) => {
                let mut object: Vec<(Arc<str>, Self)> = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let AstNode::String(key) = key else {
                        return None;
                    };
                    if object.iter().any(|(other, _)| **other == **key) {
                        return None;
                    }
                    object.push((key.as_str().into(), Self::of(value)?));
                }
                Self::Object(object)
            }
            _ => return None,
        })
    }
}

fn is_workflow_variable(name: &str) -> bool {
    !name.is_empty() && name != "states" && !super::analysis::is_function(name)
}

fn path(steps: &[PathStep]) -> Option<Plain> {
    let (first, rest) = steps.split_first()?;
    let AstNode::Variable(name) = &first.node else {
        return None;
    };
    let mut plain = Vec::new();
    let (root, rest) = if name == "states" {
        let (member, rest) = rest.split_first()?;
        let AstNode::Name(name) = &member.node else {
            return None;
        };
        if !first.stages.is_empty() || first.is_tuple {
            return None;
        }
        let root = match name.as_str() {
            "input" => PlainRoot::Input,
            "result" => PlainRoot::Result,
            "errorOutput" => PlainRoot::ErrorOutput,
            "context" => PlainRoot::Context,
            _ => return None,
        };
        stages(member, &mut plain)?;
        (root, rest)
    } else if is_workflow_variable(name) {
        stages(first, &mut plain)?;
        (PlainRoot::Variable(name.as_str().into()), rest)
    } else {
        return None;
    };
    for step in rest {
        let AstNode::Name(name) = &step.node else {
            return None;
        };
        plain.push(Step::Name(name.as_str().into()));
        stages(step, &mut plain)?;
    }
    Some(Plain::Path(root, plain))
}

/// The indexes after a step; `None` when there is anything else.
fn stages(step: &PathStep, plain: &mut Vec<Step>) -> Option<()> {
    let is_bound = step.is_tuple
        || step.inner_tuple
        || step.focus.is_some()
        || step.index_var.is_some()
        || step.ancestor_label.is_some();
    // Two indexes after one another mean the second of what the first has wrapped again.
    if is_bound || step.stages.len() > 1 {
        return None;
    }
    for stage in &step.stages {
        match stage {
            Stage::Filter(filter) => plain.push(Step::Index(integer(filter)?)),
            Stage::KeepArray | Stage::Index(_) => return None,
        }
    }
    Some(())
}

/// A whole number, written with its sign.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all other nodes are no numbers"
)]
fn integer(tree: &AstNode) -> Option<i64> {
    match tree {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole numbers of up to 53 bits are exact"
        )]
        AstNode::Number(number) if number.fract() == 0.0 && number.abs() < INTEGER_MAX => {
            Some(*number as i64)
        }
        AstNode::Unary {
            op: UnaryOp::Negate,
            operand,
        } => match &**operand {
            number @ AstNode::Number(_) => Some(-integer(number)?),
            _ => None,
        },
        _ => None,
    }
}
