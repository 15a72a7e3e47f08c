//! A state machine as the interpreter runs it: typed, resolved, with nothing left to check.
//!
//! All states of a document stand in one flat list in document order, whatever branch or processor
//! they belong to; names are unique in a document, so a [`StateId`] or a name finds any of them.
//! A [`Scope`] is one `States` map: the document's own, a branch's, a processor's.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::expression::{Expression, JsonPath, JsonataExpression, ReferencePath};
use crate::json::Value;

pub mod http;

mod choice;
mod map;
mod name;
mod references;
mod resource;
mod retry;
mod task;

pub use choice::{Choice, Comparison, Condition, Operand, Order, Rule};
pub use map::{
    Distributed, ExecutionType, ItemBatcher, Map, MapMode, ResultWriter, Transformation,
};
pub use name::{StateName, StateNameError};
pub use resource::{Pattern, Resource};
pub use retry::{Catcher, Jitter, Retrier};
pub use task::Task;

/// A whole definition.
#[derive(Clone, Debug, PartialEq)]
pub struct StateMachine {
    /// The document's `Comment`.
    pub comment: Option<String>,
    /// The language of states that do not name their own.
    pub query_language: QueryLanguage,
    /// Seconds the whole execution may take, 0 to 99,999,999.
    pub timeout_seconds: Option<u64>,
    /// The `States` maps; the document's own comes first.
    pub scopes: Vec<Scope>,
    /// Every state of the document, in document order.
    pub states: IndexMap<StateName, State>,
}

impl StateMachine {
    /// The document's own `States` map.
    pub fn root(&self) -> &Scope {
        &self.scopes[0]
    }

    /// The scope with this id.
    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }

    /// The state with this id.
    pub fn state(&self, id: StateId) -> &State {
        &self.states[id.0 as usize]
    }

    /// The state with this name, in whatever scope it stands.
    pub fn find(&self, name: &str) -> Option<&State> {
        self.states.get(name)
    }
}

/// Number of a state in its document, in document order.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StateId(pub u32);

/// Number of a `States` map in its document; the document's own is [`ScopeId::ROOT`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ScopeId(pub u32);

impl ScopeId {
    /// The document's own `States` map.
    pub const ROOT: Self = Self(0);
}

/// One `States` map with its `StartAt`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The state it starts at.
    pub start_at: StateId,
    /// The Parallel or Map state it belongs to; `None` for the document's own.
    pub owner: Option<StateId>,
    /// Its states, in document order.
    pub states: Vec<StateId>,
    /// JSON pointer of the object that holds `StartAt` and `States`.
    pub location: String,
}

/// In which language a state's expressions are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum QueryLanguage {
    /// Paths, payload templates, intrinsic functions.
    #[default]
    JsonPath,
    /// `{% … %}`.
    Jsonata,
}

/// One state: what all types share, and its [`StateKind`].
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Its number in the document.
    pub id: StateId,
    /// Its name, unique in the document.
    pub name: StateName,
    /// The `States` map it stands in.
    pub scope: ScopeId,
    /// Its `Comment`.
    pub comment: Option<String>,
    /// The language of its expressions, its own or inherited.
    pub query_language: QueryLanguage,
    /// How data flows through it.
    pub data_flow: DataFlow,
    /// What it does.
    pub kind: StateKind,
}

/// The fields that shape a state's input and output. Absent fields have the language's defaults;
/// those that a state type does not accept are never set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataFlow {
    /// `InputPath` (JSONPath).
    pub input_path: PathField,
    /// `Parameters` (JSONPath) or `Arguments` (JSONata).
    pub parameters: Option<Template>,
    /// `ResultSelector` (JSONPath).
    pub result_selector: Option<Template>,
    /// `ResultPath` (JSONPath).
    pub result_path: ResultPath,
    /// `OutputPath` (JSONPath).
    pub output_path: PathField,
    /// `Assign` (both).
    pub assign: Option<Template>,
    /// `Output` (JSONata).
    pub output: Option<Template>,
}

/// A path that may be absent or `null`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PathField {
    /// Absent, or `$`: everything.
    #[default]
    Whole,
    /// `null`: an empty object.
    Nothing,
    /// A path to evaluate.
    Path(JsonPath),
}

/// Where a result goes in the raw input.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ResultPath {
    /// Absent, or `$`: the result replaces the input.
    #[default]
    Replace,
    /// `null`: the result is dropped.
    Discard,
    /// The place to write it to.
    At(ReferencePath),
}

/// What a state does.
#[derive(Clone, Debug, PartialEq)]
pub enum StateKind {
    /// Does work outside.
    Task(Box<Task>),
    /// Passes or injects data.
    Pass(Pass),
    /// Waits for a time.
    Wait(Wait),
    /// Branches on conditions.
    Choice(Choice),
    /// Runs branches side by side.
    Parallel(Parallel),
    /// Runs a processor for each item.
    Map(Box<Map>),
    /// Ends its scope successfully.
    Succeed,
    /// Ends its scope with an error.
    Fail(Fail),
}

impl StateKind {
    /// The value of `Type`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Task(_) => "Task",
            Self::Pass(_) => "Pass",
            Self::Wait(_) => "Wait",
            Self::Choice(_) => "Choice",
            Self::Parallel(_) => "Parallel",
            Self::Map(_) => "Map",
            Self::Succeed => "Succeed",
            Self::Fail(_) => "Fail",
        }
    }

    /// The state's retriers, in order; empty for types that have none.
    pub fn retry(&self) -> &[Retrier] {
        match self {
            Self::Task(task) => &task.retry,
            Self::Parallel(parallel) => &parallel.retry,
            Self::Map(map) => &map.retry,
            Self::Pass(_) | Self::Wait(_) | Self::Choice(_) | Self::Succeed | Self::Fail(_) => &[],
        }
    }

    /// The state's catchers, in order; empty for types that have none.
    pub fn catch(&self) -> &[Catcher] {
        match self {
            Self::Task(task) => &task.catch,
            Self::Parallel(parallel) => &parallel.catch,
            Self::Map(map) => &map.catch,
            Self::Pass(_) | Self::Wait(_) | Self::Choice(_) | Self::Succeed | Self::Fail(_) => &[],
        }
    }

    /// Where the state goes when it succeeds; `None` for Choice, Succeed and Fail.
    pub fn transition(&self) -> Option<Transition> {
        match self {
            Self::Task(task) => Some(task.transition),
            Self::Pass(pass) => Some(pass.transition),
            Self::Wait(wait) => Some(wait.transition),
            Self::Parallel(parallel) => Some(parallel.transition),
            Self::Map(map) => Some(map.transition),
            Self::Choice(_) | Self::Succeed | Self::Fail(_) => None,
        }
    }
}

/// `Next` or `End`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transition {
    /// Go on with this state of the same scope.
    Next(StateId),
    /// End the scope.
    End,
}

/// A Pass state.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass {
    /// `Result`: literal JSON.
    pub result: Option<Value>,
    /// Where it goes.
    pub transition: Transition,
}

/// A Wait state.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// Until when.
    pub duration: WaitDuration,
    /// Where it goes.
    pub transition: Transition,
}

/// The one duration field of a Wait state.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitDuration {
    /// `Seconds`, 0 to 99,999,999.
    Seconds(u64),
    /// `SecondsPath`.
    SecondsPath(ReferencePath),
    /// `Seconds` as a JSONata expression.
    SecondsExpression(JsonataExpression),
    /// `Timestamp`, in RFC 3339.
    Timestamp(String),
    /// `TimestampPath`.
    TimestampPath(ReferencePath),
    /// `Timestamp` as a JSONata expression.
    TimestampExpression(JsonataExpression),
}

/// A Parallel state.
#[derive(Clone, Debug, PartialEq)]
pub struct Parallel {
    /// Its branches, in order.
    pub branches: Vec<ScopeId>,
    /// Its retriers.
    pub retry: Vec<Retrier>,
    /// Its catchers.
    pub catch: Vec<Catcher>,
    /// Where it goes.
    pub transition: Transition,
}

/// A Fail state. Both fields are optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fail {
    /// `Error` or `ErrorPath`.
    pub error: Option<TextField>,
    /// `Cause` or `CausePath`.
    pub cause: Option<TextField>,
}

/// A text that may come from an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum TextField {
    /// The text itself.
    Literal(String),
    /// `…Path`: a path or a string-returning intrinsic call.
    Path(Expression),
    /// A JSONata expression.
    Expression(JsonataExpression),
}

/// A number that may come from an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum NumberField {
    /// The number itself.
    Literal(f64),
    /// `…Path`.
    Path(ReferencePath),
    /// A JSONata expression.
    Expression(JsonataExpression),
}

/// A JSON value with expressions inside: `Parameters`, `Arguments`, `Assign`, ….
#[derive(Clone, Debug, PartialEq)]
pub enum Template {
    /// No expression anywhere inside.
    Literal(Value),
    /// An expression: the value of a `.$` key, or a `{% … %}` string.
    Expression(Expression),
    /// An object, in document order, keys without their `.$`.
    Object(Vec<(Arc<str>, Template)>),
    /// An array.
    Array(Vec<Template>),
}
