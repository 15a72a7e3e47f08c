//! Task: has work done outside.

use std::sync::Arc;

use stepwell_language::json::Value;
use stepwell_language::model::{NumberField, Resource, State, StateKind, Task, Template};

use crate::chance::Chance;
use crate::data_flow::{self, Scope, Stage};
use crate::event::TaskScheduled;
use crate::fault::Fault;
use crate::payload::Payload;

use super::{Decision, Moment};

pub(super) fn decide(
    state: &State,
    task: &Task,
    raw: &Scope<'_>,
    moment: &Moment<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    let effective = data_flow::effective(state, raw)?;
    let scope = raw.over(&effective);
    let parameters = match &state.data_flow.parameters {
        Some(parameters) => data_flow::fill(parameters, &scope, chance)?,
        None => effective.clone(),
    };
    raw.see(Stage::Parameters, &parameters);
    data_flow::check_limits(&parameters, Payload::SIZE_MAX, || {
        Fault::data_limit(&culprit(&task.resource), "provided parameters")
    })?;
    let timeout_seconds = seconds(task.timeout_seconds.as_ref(), "TimeoutSecondsPath", &scope)?;
    let heartbeat_seconds = seconds(
        task.heartbeat_seconds.as_ref(),
        "HeartbeatSecondsPath",
        &scope,
    )?;
    Ok(Decision::Schedule(Box::new(TaskScheduled {
        parameters,
        timeout_seconds,
        heartbeat_seconds,
        token: moment.token.cloned(),
        role: role(task.credentials.as_ref(), &scope, chance)?,
    })))
}

/// The exit of a state whose work has a result; Parallel and Map share it.
pub(super) fn complete(
    state: &State,
    result: &Payload,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    let flow = &state.data_flow;
    if let StateKind::Parallel(_) | StateKind::Map(_) = state.kind {
        // Such a result is an array around what ran inside: a loop would nest without end.
        data_flow::check_depth(result.value())?;
    } else {
        raw.see(Stage::Result, result);
    }
    let assigned = data_flow::assign(state, flow.assign.as_ref(), &raw.over(result), chance)?;
    let output = match &flow.result_selector {
        Some(selector) => {
            let selected = data_flow::fill(selector, &raw.over(result), chance)?;
            data_flow::combine(state, selected, raw)?
        }
        None => data_flow::combine(state, result.clone(), raw)?,
    };
    let transition = state
        .kind
        .transition()
        .expect("a state with a result has a transition");
    Ok(Decision::exit(output, assigned, transition))
}

/// How AWS names the resource in a cause: the function's ARN, or the service.
pub(crate) fn culprit(resource: &Resource) -> Arc<str> {
    match resource {
        Resource::Function { arn } | Resource::Activity { arn } => arn.clone(),
        Resource::Service { service, .. } => service.clone(),
    }
}

/// A duration field of a task, in seconds.
fn seconds(
    field: Option<&NumberField>,
    name: &str,
    scope: &Scope<'_>,
) -> Result<Option<u64>, Fault> {
    match field {
        None => Ok(None),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "parsing accepts positive integers only"
        )]
        Some(NumberField::Literal(seconds)) => Ok(Some(*seconds as u64)),
        Some(NumberField::Path(path)) => {
            let value = data_flow::read_reference(path, scope)?;
            match value.as_u64() {
                Some(seconds @ 1..=99_999_999) => Ok(Some(seconds)),
                Some(_) | None => Err(Fault::runtime(format!(
                    "The {name} parameter does not reference a positive integer: {} == {value}",
                    path.text()
                ))),
            }
        }
        Some(NumberField::Expression(_)) => {
            unreachable!("a JSONPath state has no JSONata")
        }
    }
}

/// The role that `Credentials` names.
fn role(
    credentials: Option<&Template>,
    scope: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Option<Arc<str>>, Fault> {
    let Some(credentials) = credentials else {
        return Ok(None);
    };
    let filled = data_flow::fill(credentials, scope, chance)?;
    Ok(filled
        .value()
        .get("RoleArn")
        .and_then(Value::as_str)
        .map(Into::into))
}
