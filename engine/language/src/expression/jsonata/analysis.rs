//! What an expression reads, found on its syntax tree.

use std::collections::BTreeSet;
use std::sync::Arc;

use jsonata_core::ast::{AstNode, BinaryOp, PathStep, Stage};

/// What an expression reads.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reads {
    /// `$states.input`.
    pub input: Part,
    /// `$states.result`.
    pub result: Part,
    /// `$states.errorOutput`.
    pub error_output: Part,
    /// `$states.context`.
    pub context: Part,
    /// `$states` as a whole.
    pub states: bool,
    /// Every name after a `$` that the expression does not bind itself: workflow variables, and
    /// functions that it passes on.
    pub variables: BTreeSet<Arc<str>>,
    /// The functions that it calls by name.
    pub functions: BTreeSet<Arc<str>>,
    /// Fields of a document, and `$$`, the document: there is none.
    pub(super) document: BTreeSet<String>,
}

/// How much of a member of `$states` is read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Part {
    /// Nothing.
    #[default]
    Nothing,
    /// These members of it.
    Members(BTreeSet<Arc<str>>),
    /// All of it.
    Whole,
}

impl Part {
    /// Whether nothing of it is read.
    pub fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }

    /// Notes that a member is read, or the whole.
    fn add(&mut self, part: Option<&str>) {
        match (part, self) {
            (_, Self::Whole) => {}
            (None, read) => *read = Self::Whole,
            (Some(part), Self::Members(members)) => {
                members.insert(part.into());
            }
            (Some(part), read @ Self::Nothing) => {
                *read = Self::Members(BTreeSet::from([part.into()]));
            }
        }
    }
}

impl Reads {
    /// The workflow variables among the names: what is not one of the language's functions.
    pub fn workflow_variables(&self) -> impl Iterator<Item = &Arc<str>> {
        self.variables.iter().filter(|name| !is_function(name))
    }
}

/// The functions of JSONata, and those that Step Functions adds; sorted.
const FUNCTIONS: [&str; 69] = [
    "abs",
    "append",
    "assert",
    "average",
    "base64decode",
    "base64encode",
    "boolean",
    "ceil",
    "contains",
    "count",
    "decodeUrl",
    "decodeUrlComponent",
    "distinct",
    "each",
    "encodeUrl",
    "encodeUrlComponent",
    "error",
    "eval",
    "exists",
    "filter",
    "floor",
    "formatBase",
    "formatInteger",
    "formatNumber",
    "fromMillis",
    "hash",
    "join",
    "keys",
    "length",
    "lookup",
    "lowercase",
    "map",
    "match",
    "max",
    "merge",
    "millis",
    "min",
    "not",
    "now",
    "number",
    "pad",
    "parse",
    "parseInteger",
    "partition",
    "power",
    "random",
    "range",
    "reduce",
    "replace",
    "reverse",
    "round",
    "shuffle",
    "sift",
    "single",
    "sort",
    "split",
    "spread",
    "sqrt",
    "string",
    "substring",
    "substringAfter",
    "substringBefore",
    "sum",
    "toMillis",
    "trim",
    "type",
    "uppercase",
    "uuid",
    "zip",
];

pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.binary_search(&name).is_ok()
}

/// Finds out what an expression reads. `eval` gets a name that nobody can call: Step Functions
/// does not have it.
pub(super) fn analyse(tree: &mut AstNode) -> Reads {
    let mut analysis = Analysis::default();
    analysis.visit(tree, false);
    analysis.reads
}

#[derive(Default)]
struct Analysis {
    reads: Reads,
    /// Names that the expression binds where it is being read.
    bound: Vec<String>,
}

impl Analysis {
    /// Reads a part of the tree; `in_data` tells whether it is evaluated over a piece of data, so
    /// that a name is a field of it.
    #[expect(clippy::too_many_lines, reason = "one arm for each kind of node")]
    fn visit(&mut self, node: &mut AstNode, in_data: bool) {
        match node {
            AstNode::Variable(name) => {
                hide_eval(name);
                self.variable(name);
            }
            AstNode::Path { steps } => self.path(steps, in_data),
            AstNode::Name(name) if !in_data => {
                self.reads.document.insert(name.clone());
            }
            AstNode::ParentVariable(_) if !in_data => {
                self.reads.document.insert("$$".to_owned());
            }
            AstNode::Binary { op, lhs, rhs } => self.binary(*op, lhs, rhs, in_data),
            AstNode::Function { name, args, .. } => {
                hide_eval(name);
                self.reads.functions.insert(name.as_str().into());
                self.all(args, in_data);
            }
            AstNode::Call { procedure, args } => {
                self.visit(procedure, in_data);
                self.all(args, in_data);
            }
            AstNode::Lambda { params, body, .. } => {
                params.iter_mut().for_each(hide_eval);
                let outside = self.bound.len();
                self.bound.extend(params.iter().cloned());
                // What a function is applied to is only known when it runs.
                self.visit(body, true);
                self.bound.truncate(outside);
            }
            AstNode::Block(expressions) => {
                let outside = self.bound.len();
                self.all(expressions, in_data);
                self.bound.truncate(outside);
            }
            AstNode::Array(elements) | AstNode::ArrayGroup(elements) => {
                self.all(elements, in_data);
            }
            AstNode::Object(entries) => self.entries(entries, in_data),
            AstNode::ObjectTransform { input, pattern } => {
                self.visit(input, in_data);
                self.entries(pattern, true);
            }
            AstNode::Conditional {
                condition,
                then_branch,
                else_branch,
            } => {
                self.visit(condition, in_data);
                self.visit(then_branch, in_data);
                if let Some(otherwise) = else_branch {
                    self.visit(otherwise, in_data);
                }
            }
            AstNode::Unary { operand, .. } => self.visit(operand, in_data),
            AstNode::FunctionApplication(body) => self.visit(body, true),
            AstNode::Sort { input, terms } => {
                self.visit(input, in_data);
                for (term, _) in terms {
                    self.visit(term, true);
                }
            }
            AstNode::Transform {
                location,
                update,
                delete,
            } => {
                self.visit(location, true);
                self.visit(update, true);
                if let Some(delete) = delete {
                    self.visit(delete, true);
                }
            }
            AstNode::String(_)
            | AstNode::Name(_)
            | AstNode::Number(_)
            | AstNode::Boolean(_)
            | AstNode::Null
            | AstNode::Undefined
            | AstNode::Placeholder
            | AstNode::Regex { .. }
            | AstNode::ParentVariable(_)
            | AstNode::Wildcard
            | AstNode::Descendant
            | AstNode::Parent(_) => {}
        }
    }

    fn all(&mut self, nodes: &mut [AstNode], in_data: bool) {
        for node in nodes {
            self.visit(node, in_data);
        }
    }

    fn entries(&mut self, entries: &mut [(AstNode, AstNode)], in_data: bool) {
        for (key, value) in entries {
            self.visit(key, in_data);
            self.visit(value, in_data);
        }
    }

    fn binary(&mut self, op: BinaryOp, lhs: &mut AstNode, rhs: &mut AstNode, in_data: bool) {
        if let (BinaryOp::ColonEqual, AstNode::Variable(name)) = (op, &mut *lhs) {
            hide_eval(name);
            if matches!(rhs, AstNode::Lambda { .. }) {
                // A function may call itself.
                self.bound.push(name.clone());
                self.visit(rhs, in_data);
            } else {
                self.visit(rhs, in_data);
                self.bound.push(name.clone());
            }
            return;
        }
        self.visit(lhs, in_data);
        self.visit(rhs, in_data);
    }

    fn variable(&mut self, name: &str) {
        if name.is_empty() || self.bound.iter().any(|bound| bound == name) {
            return;
        }
        if name == "states" {
            self.reads.states = true;
        } else {
            self.reads.variables.insert(name.into());
        }
    }

    fn path(&mut self, steps: &mut [PathStep], in_data: bool) {
        let outside = self.bound.len();
        let members = self.states_members(steps);
        for (index, step) in steps.iter_mut().enumerate() {
            if index >= members {
                self.visit(&mut step.node, in_data || index > 0);
            }
            self.bound.extend(step.focus.clone());
            self.bound.extend(step.index_var.clone());
            for stage in &mut step.stages {
                match stage {
                    Stage::Filter(filter) => self.visit(filter, true),
                    Stage::Index(name) => self.bound.push(name.clone()),
                    Stage::KeepArray => {}
                }
            }
        }
        self.bound.truncate(outside);
    }

    /// Notes what a path reads that begins with `$states.member`, and how many steps say so.
    fn states_members(&mut self, steps: &[PathStep]) -> usize {
        let [first, member, rest @ ..] = steps else {
            return 0;
        };
        let (AstNode::Variable(root), AstNode::Name(name)) = (&first.node, &member.node) else {
            return 0;
        };
        let is_states = root == "states" && !self.bound.iter().any(|bound| bound == root);
        if !is_states || !first.stages.is_empty() || first.is_tuple {
            return 0;
        }
        let read = match name.as_str() {
            "input" => &mut self.reads.input,
            "result" => &mut self.reads.result,
            "errorOutput" => &mut self.reads.error_output,
            "context" => &mut self.reads.context,
            _ => return 2,
        };
        let part = match rest.first().map(|step| &step.node) {
            Some(AstNode::Name(part)) if member.stages.is_empty() && !member.is_tuple => Some(part),
            _ => None,
        };
        read.add(part.map(String::as_str));
        2
    }
}

/// Gives `eval` a name that no text can spell.
fn hide_eval(name: &mut String) {
    if name == "eval" {
        "no eval".clone_into(name);
    }
}
