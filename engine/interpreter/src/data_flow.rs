//! How data flows through a state: `InputPath` to `OutputPath`, templates, `Assign`.
//!
//! Source: Amazon States Language, "Input and Output Processing".

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use stepwell_language::expression::{Expression, JsonPath, ReferencePath, Root};
use stepwell_language::json::{DEPTH_MAX, Excess, Members, Value};
use stepwell_language::model::{PathField, ResultPath, State, Template};

use crate::chance::Chance;
use crate::evaluate::intrinsics::{self, IntrinsicError};
use crate::evaluate::{Bindings, json_path};
use crate::fault::Fault;
use crate::payload::Payload;
use crate::timestamp::Timestamp;

/// Bytes of all variables of an execution. Source: developer guide, "Passing data between states
/// with variables".
const VARIABLES_SIZE_MAX: usize = 10 * 1024 * 1024;

/// Where an expression finds what it names besides its input.
pub(crate) trait Surroundings {
    /// `Execution` in the context object, where there is one. It holds the execution's input, so
    /// nobody builds it again for each expression.
    fn execution(&self) -> Option<&Value>;
    /// Another member of the context object.
    fn context_member(&self, member: ContextMember) -> Option<Value>;
    /// The variable of this name, the nearest scope's first.
    fn variable(&self, name: &str) -> Option<&Payload>;
    /// Bytes of all variables of the execution.
    fn variables_size(&self) -> usize;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Is shown what the data has become on its way through the state. Only an
    /// [`inspection`](crate::inspection) wants to know.
    fn see(&self, _stage: Stage, _data: &Payload) {}
}

/// How far data has got on its way through a state. Named after the members of `inspectionData`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    /// `InputPath` was applied.
    InputPath,
    /// `Parameters` were filled in.
    Parameters,
    /// `Arguments` were filled in.
    Arguments,
    /// `ItemsPath` was applied.
    ItemsPath,
    /// The work gave this.
    Result,
    /// `ResultSelector` was filled in.
    ResultSelector,
    /// `ResultPath` was applied.
    ResultPath,
}

/// A member of the context object that differs from state to state.
#[derive(Clone, Copy)]
pub(crate) enum ContextMember {
    StateMachine,
    State,
    Task,
    Map,
}

impl ContextMember {
    /// In the order in which the context object has them, after `Execution`.
    const ALL: [Self; 4] = [Self::StateMachine, Self::State, Self::Task, Self::Map];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::StateMachine => "StateMachine",
            Self::State => "State",
            Self::Task => "Task",
            Self::Map => "Map",
        }
    }
}

/// The context object, as far as it has been read. Most expressions read one member; the whole
/// grows with the execution's input, and would make a Map's cost grow with its square.
#[derive(Default)]
pub(crate) struct Context {
    whole: OnceCell<Value>,
    members: [OnceCell<Option<Value>>; ContextMember::ALL.len()],
}

/// What the expressions of one state may read.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// `$`.
    pub(crate) input: &'a Payload,
    surroundings: &'a dyn Surroundings,
    context: &'a Context,
}

impl<'a> Scope<'a> {
    /// A scope over `input`. Members of the context object are built when they are first read,
    /// into `context`.
    pub(crate) fn new(
        input: &'a Payload,
        surroundings: &'a dyn Surroundings,
        context: &'a Context,
    ) -> Self {
        Self {
            input,
            surroundings,
            context,
        }
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.surroundings.now()
    }

    /// Shows what the data has become to whom it may concern.
    pub(crate) fn see(&self, stage: Stage, data: &Payload) {
        self.surroundings.see(stage, data);
    }

    /// The variable of this name, shared.
    pub(crate) fn shared_variable(&self, name: &str) -> Option<&'a Payload> {
        self.surroundings.variable(name)
    }

    /// The same scope over another input.
    pub(crate) fn over<'b>(&self, input: &'b Payload) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope {
            input,
            surroundings: self.surroundings,
            context: self.context,
        }
    }
}

impl Bindings for Scope<'_> {
    fn input(&self) -> &Value {
        self.input.value()
    }

    fn context(&self) -> &Value {
        self.context.whole.get_or_init(|| {
            let execution = self.surroundings.execution().cloned();
            let execution = execution.map(|execution| ("Execution", execution));
            let members = ContextMember::ALL.into_iter().filter_map(|member| {
                let value = self.surroundings.context_member(member)?;
                Some((member.name(), value))
            });
            execution
                .into_iter()
                .chain(members)
                .collect::<Members>()
                .into()
        })
    }

    fn context_member(&self, name: &str) -> Option<&Value> {
        if name == "Execution" {
            return self.surroundings.execution();
        }
        let (member, cell) = ContextMember::ALL
            .into_iter()
            .zip(&self.context.members)
            .find(|(member, _)| member.name() == name)?;
        cell.get_or_init(|| self.surroundings.context_member(member))
            .as_ref()
    }

    fn variable(&self, name: &str) -> Option<&Value> {
        self.surroundings.variable(name).map(Payload::value)
    }
}

/// What `InputPath` or `OutputPath` selects from the scope's input.
pub(crate) fn select(field: &PathField, scope: &Scope<'_>) -> Result<Payload, Fault> {
    match field {
        PathField::Whole => Ok(scope.input.clone()),
        PathField::Nothing => Ok(Payload::from_value(Members::new())),
        PathField::Path(path) => read(path, scope),
    }
}

/// What a path selects; a definite one that selects nothing is a fault.
fn read(path: &JsonPath, scope: &Scope<'_>) -> Result<Payload, Fault> {
    check_input(path, scope)?;
    match json_path::evaluate(path, scope) {
        Ok(Cow::Borrowed(value)) if std::ptr::eq(value, scope.input()) => Ok(scope.input.clone()),
        Ok(value) => Ok(Payload::from_value(value.into_owned())),
        Err(error) => Err(Fault::runtime(format!(
            "Invalid path '{}' : {error}",
            path.text()
        ))),
    }
}

/// Refuses a path into an input that is null: AWS applies none to it, not even `$`.
pub(crate) fn check_input(path: &JsonPath, scope: &Scope<'_>) -> Result<(), Fault> {
    if matches!(path.root(), Root::Input) && scope.input().is_null() {
        return Err(Fault::runtime(
            "Unable to apply Path transformation to null or empty input.",
        ));
    }
    Ok(())
}

/// What a reference path names.
pub(crate) fn read_reference<'a>(
    path: &ReferencePath,
    scope: &'a Scope<'_>,
) -> Result<&'a Value, Fault> {
    json_path::evaluate_reference(path, scope)
        .map_err(|error| Fault::runtime(format!("Invalid path '{}' : {error}", path.text())))
}

/// A template, filled in from the scope.
pub(crate) fn fill(
    template: &Template,
    scope: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Payload, Fault> {
    Ok(Payload::from_value(fill_value(
        template, "", scope, chance,
    )?))
}

fn fill_value(
    template: &Template,
    field: &str,
    scope: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Value, Fault> {
    match template {
        Template::Literal(value) => Ok(value.clone()),
        Template::Expression(expression) => evaluate(expression, field, scope, chance),
        Template::Object(entries) => {
            let mut object = Members::with_capacity(entries.len());
            for (key, entry) in entries {
                object.insert(key.clone(), fill_value(entry, key, scope, chance)?);
            }
            Ok(object.into())
        }
        Template::Array(elements) => elements
            .iter()
            .map(|element| fill_value(element, field, scope, chance))
            .collect::<Result<_, _>>()
            .map(Value::Array),
    }
}

/// The value of a `.$` key of a template.
fn evaluate(
    expression: &Expression,
    field: &str,
    scope: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Value, Fault> {
    evaluate_field(expression, &format_args!("{field}.$"), scope, chance)
}

/// The value of an expression in the field that AWS calls `field`.
pub(crate) fn evaluate_field(
    expression: &Expression,
    field: &dyn fmt::Display,
    scope: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Value, Fault> {
    match expression {
        Expression::Path(path) => {
            check_input(path, scope)?;
            match json_path::evaluate(path, scope) {
                Ok(value) => Ok(value.into_owned()),
                Err(error) if error.is_index_past_end() => Ok(Value::Null),
                Err(_) => Err(path_not_found(path, field, scope)),
            }
        }
        Expression::Intrinsic(call) => {
            intrinsics::evaluate(call, scope, chance).map_err(|error| match &error {
                IntrinsicError::PathNotFound { path, .. } => {
                    Fault::runtime(error.cause(&root_text(path, scope)))
                }
                IntrinsicError::Failed { .. } => {
                    Fault::prefixed(error.error_name(), error.to_string())
                }
            })
        }
        Expression::Jsonata(_) => unreachable!("a JSONPath state has no JSONata"),
    }
}

fn path_not_found(path: &JsonPath, field: &dyn fmt::Display, scope: &Scope<'_>) -> Fault {
    Fault::runtime(format!(
        "The JSONPath '{}' specified for the field '{field}' could not be found in the input '{}'",
        path.text(),
        root_text(path, scope),
    ))
}

/// The JSON text in which a path is looked up.
fn root_text(path: &JsonPath, scope: &Scope<'_>) -> String {
    let root = match path.root() {
        Root::Input => Some(scope.input()),
        Root::Context => Some(scope.context()),
        Root::Variable(name) => scope.variable(name),
    };
    root.unwrap_or(&Value::Null).to_string()
}

/// The variables that `Assign` of `state`, or of one of its rules or catchers, gives a value, in
/// document order.
pub(crate) fn assign(
    state: &State,
    template: Option<&Template>,
    scope: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Vec<(Arc<str>, Payload)>, Fault> {
    let assigned: Vec<(Arc<str>, Payload)> = match template {
        None => Vec::new(),
        Some(Template::Object(entries)) => entries
            .iter()
            .map(|(name, entry)| {
                let value = Payload::from_value(fill_value(entry, name, scope, chance)?);
                Ok((name.clone(), value))
            })
            .collect::<Result<_, Fault>>()?,
        Some(Template::Literal(value)) => value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), Payload::from_value(value.clone())))
            .collect(),
        Some(Template::Expression(_) | Template::Array(_)) => {
            unreachable!("parsing accepts nothing but an object for Assign")
        }
    };
    check_variables(state, scope, &assigned)?;
    Ok(assigned)
}

/// Refuses variables that are too large: those of one `Assign` may be as large as a state's
/// output, and all of an execution have a limit together.
pub(crate) fn check_variables(
    state: &State,
    scope: &Scope<'_>,
    assigned: &[(Arc<str>, Payload)],
) -> Result<(), Fault> {
    let mut size = 0;
    for (_, value) in assigned {
        check_limits(value, Payload::SIZE_MAX - size, || Fault::own_output(state))?;
        size += value.size();
    }
    if size > 0 && scope.surroundings.variables_size() + size > VARIABLES_SIZE_MAX {
        return Err(Fault::variables());
    }
    Ok(())
}

/// What `InputPath` selects from the raw input.
pub(crate) fn effective(state: &State, raw: &Scope<'_>) -> Result<Payload, Fault> {
    let effective = select(&state.data_flow.input_path, raw)?;
    raw.see(Stage::InputPath, &effective);
    Ok(effective)
}

/// The output of a state that passes its effective input on.
pub(crate) fn pass_on(state: &State, effective: &Scope<'_>) -> Result<Payload, Fault> {
    let output = select(&state.data_flow.output_path, effective)?;
    within_limit(state, output)
}

/// The output of a state with a result: `ResultPath` into the raw input, then `OutputPath`.
pub(crate) fn combine(state: &State, result: Payload, raw: &Scope<'_>) -> Result<Payload, Fault> {
    raw.see(Stage::ResultSelector, &result);
    let combined = place(&state.data_flow.result_path, result, raw.input)?;
    raw.see(Stage::ResultPath, &combined);
    let output = select(&state.data_flow.output_path, &raw.over(&combined))?;
    within_limit(state, output)
}

/// The raw input with a result written into it.
pub(crate) fn place(
    result_path: &ResultPath,
    result: Payload,
    raw: &Payload,
) -> Result<Payload, Fault> {
    match result_path {
        ResultPath::Replace => Ok(result),
        ResultPath::Discard => Ok(raw.clone()),
        ResultPath::At(path) => {
            let mut value = raw.value().clone();
            json_path::write(&mut value, path, result.value().clone())
                .map_err(|error| Fault::reference_path(&error.step, raw.value()))?;
            Ok(Payload::from_value(value))
        }
    }
}

/// `output`, unless it is too large for the state to give out.
pub(crate) fn within_limit(state: &State, output: Payload) -> Result<Payload, Fault> {
    check_limits(&output, Payload::SIZE_MAX, || Fault::own_output(state))?;
    Ok(output)
}

/// Refuses data that is too large, or nests too deep: templates, variables and the results of
/// Parallel and Map wrap data in data, and a loop of them could build what cannot be read again.
/// It is looked at once, where it leaves a state: how deep it nests shows while it is written.
pub(crate) fn check_limits(
    payload: &Payload,
    size_max: usize,
    too_large: impl FnOnce() -> Fault,
) -> Result<(), Fault> {
    payload.check(size_max).map_err(|excess| match excess {
        Excess::Size => too_large(),
        Excess::Depth => too_deep(),
    })
}

/// Refuses a result that nests so deep that reading it again would exhaust the stack.
pub(crate) fn check_depth(value: &Value) -> Result<(), Fault> {
    if depth_exceeds(value, DEPTH_MAX) {
        return Err(too_deep());
    }
    Ok(())
}

fn too_deep() -> Fault {
    Fault::runtime(format!(
        "The data nests deeper than the limit of {DEPTH_MAX} levels."
    ))
}

fn depth_exceeds(value: &Value, levels: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(elements) => {
            levels == 0
                || elements
                    .iter()
                    .any(|element| depth_exceeds(element, levels - 1))
        }
        Value::Object(entries) => {
            levels == 0
                || entries
                    .values()
                    .any(|entry| depth_exceeds(entry, levels - 1))
        }
    }
}
