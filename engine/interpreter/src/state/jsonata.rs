//! States whose expressions are JSONata, of all types: their data flows in one way.
//!
//! `$states.input` goes into `Arguments` or `Items`, the work gives `$states.result`, and `Assign`
//! and `Output` are evaluated from what was there when the state was entered.

use std::sync::Arc;

use stepwell_language::expression::Expression;
use stepwell_language::json::Value;
use stepwell_language::model::{
    Catcher, Choice, Condition, Fail, Map, NumberField, State, StateKind, Task, Template,
    TextField, Transition, Wait, WaitDuration,
};

use crate::chance::Chance;
use crate::data_flow::{self, Scope, Stage};
use crate::event::TaskScheduled;
use crate::failure::Failure;
use crate::fault::Fault;
use crate::payload::Payload;
use crate::query::{Query, unexpected};
use crate::timestamp::Timestamp;

use super::task::culprit;
use super::{Decision, Exit, Moment, wait};

/// Looks at a state that a flow is in.
pub(super) fn decide(
    state: &State,
    raw: &Scope<'_>,
    moment: &Moment<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    let query = Query::new(state, raw, chance);
    match &state.kind {
        StateKind::Task(task) => schedule(state, task, raw, moment, query),
        StateKind::Pass(pass) => leave(state, raw.input, pass.transition, query),
        StateKind::Wait(wait) => wait_until(state, wait, raw, moment, query),
        StateKind::Choice(choice) => choose(state, choice, raw, query),
        StateKind::Parallel(_) => {
            let input = arguments(state, raw, query)?;
            let input = data_flow::within_limit(state, input)?;
            Ok(Decision::OpenBranches { input })
        }
        StateKind::Map(map) => open_map(map, raw, query),
        StateKind::Succeed => leave(state, raw.input, Transition::End, query),
        StateKind::Fail(fail) => Err(failure(fail, query)?),
    }
}

/// Looks at a state whose work has a result, or whose wait is over.
pub(super) fn complete(
    state: &State,
    result: &Payload,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    let transition = state
        .kind
        .transition()
        .expect("a state that does something has a transition");
    if let StateKind::Wait(_) = state.kind {
        return leave(state, raw.input, transition, Query::new(state, raw, chance));
    }
    if let StateKind::Parallel(_) | StateKind::Map(_) = state.kind {
        // Such a result is an array around what ran inside: a loop would nest without end.
        data_flow::check_depth(result.value())?;
    } else {
        raw.see(Stage::Result, result);
    }
    let query = Query::with_result(state, raw, result, chance);
    leave(state, result, transition, query)
}

/// How the flow leaves a state whose failure is caught by its catcher of this number.
pub(crate) fn caught(
    state: &State,
    (index, catcher): (usize, &Catcher),
    error_output: &Payload,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Exit, Fault> {
    let mut query = Query::with_error_output(state, raw, error_output, chance);
    let field = format!("Catch[{index}]");
    let assigned = query.assign(catcher.assign.as_ref(), &format!("{field}/Assign"))?;
    let output = catcher.output.as_ref();
    let output = query.output(output, &format!("{field}/Output"), error_output)?;
    Ok(Exit {
        output,
        assigned,
        next: Some(catcher.next),
    })
}

/// What the iteration over `item` takes in; the context of `raw` holds the item.
pub(super) fn item_input(
    state: &State,
    map: &Map,
    item: &Value,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Payload, Fault> {
    let Some(selector) = &map.item_selector else {
        return Ok(Payload::from_value(item.clone()));
    };
    let input = Query::new(state, raw, chance).fill(selector, "ItemSelector")?;
    data_flow::within_limit(state, input)
}

/// The exit through `Assign` and `Output`; `passed_on` is the output without the latter.
fn leave(
    state: &State,
    passed_on: &Payload,
    transition: Transition,
    mut query: Query<'_>,
) -> Result<Decision, Fault> {
    let flow = &state.data_flow;
    let assigned = query.assign(flow.assign.as_ref(), "Assign")?;
    let output = query.output(flow.output.as_ref(), "Output", passed_on)?;
    Ok(Decision::exit(output, assigned, transition))
}

fn arguments(state: &State, raw: &Scope<'_>, mut query: Query<'_>) -> Result<Payload, Fault> {
    match &state.data_flow.parameters {
        Some(arguments) => query.fill(arguments, "Arguments"),
        None => Ok(raw.input.clone()),
    }
}

fn schedule(
    state: &State,
    task: &Task,
    raw: &Scope<'_>,
    moment: &Moment<'_>,
    mut query: Query<'_>,
) -> Result<Decision, Fault> {
    let timeout_seconds = seconds(task.timeout_seconds.as_ref(), "TimeoutSeconds", &mut query)?;
    let heartbeat_seconds = seconds(
        task.heartbeat_seconds.as_ref(),
        "HeartbeatSeconds",
        &mut query,
    )?;
    let role = role(task.credentials.as_ref(), &mut query)?;
    let parameters = arguments(state, raw, query)?;
    raw.see(Stage::Arguments, &parameters);
    data_flow::check_limits(&parameters, Payload::SIZE_MAX, || {
        Fault::data_limit(&culprit(&task.resource), "provided parameters")
    })?;
    Ok(Decision::Schedule(Box::new(TaskScheduled {
        parameters,
        timeout_seconds,
        heartbeat_seconds,
        token: moment.token.cloned(),
        role,
    })))
}

/// A duration field of a task, in seconds.
fn seconds(
    field: Option<&NumberField>,
    name: &str,
    query: &mut Query<'_>,
) -> Result<Option<u64>, Fault> {
    let Some(number) = number(field, name, query)? else {
        return Ok(None);
    };
    match whole(number) {
        Some(seconds @ 1..=99_999_999) => Ok(Some(seconds)),
        Some(_) | None => Err(Fault::evaluation(
            Some(name),
            format!("The {name} field must be a positive integer, but was: {number}"),
        )),
    }
}

/// A number, written or computed.
pub(super) fn number(
    field: Option<&NumberField>,
    name: &str,
    query: &mut Query<'_>,
) -> Result<Option<f64>, Fault> {
    match field {
        None => Ok(None),
        Some(NumberField::Literal(number)) => Ok(Some(*number)),
        Some(NumberField::Expression(expression)) => query
            .evaluate_as(expression, &name, "number", number_of)
            .map(Some),
        Some(NumberField::Path(_)) => unreachable!("a JSONata state has no JSONPath"),
    }
}

/// A number itself, not a text of one.
fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

/// A number that is a whole one, not negative.
pub(super) fn whole(number: f64) -> Option<u64> {
    /// 2^53: above, doubles skip whole numbers.
    const END: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, and within the range"
    )]
    (number.fract() == 0.0 && (0.0..END).contains(&number)).then_some(number as u64)
}

/// The role that `Credentials` names.
fn role(credentials: Option<&Template>, query: &mut Query<'_>) -> Result<Option<Arc<str>>, Fault> {
    let Some(credentials) = credentials else {
        return Ok(None);
    };
    let filled = query.fill(credentials, "Credentials")?;
    let role = filled.value().get("RoleArn").and_then(Value::as_str);
    Ok(role.map(Into::into))
}

fn wait_until(
    state: &State,
    wait: &Wait,
    raw: &Scope<'_>,
    moment: &Moment<'_>,
    mut query: Query<'_>,
) -> Result<Decision, Fault> {
    let until = match &wait.duration {
        WaitDuration::SecondsExpression(expression) => {
            let number = query.evaluate_as(expression, &"Seconds", "number", number_of)?;
            let problem = match whole(number) {
                Some(seconds) => {
                    return wait_or_leave(
                        state,
                        wait,
                        raw,
                        moment,
                        wait::after(seconds, moment)?,
                        query,
                    );
                }
                None if number < 0.0 => "references a negative value",
                None => "cannot be parsed as a long value",
            };
            return Err(Fault::evaluation(
                Some("Seconds"),
                format!("The Seconds field {problem}: {number}"),
            )
            .after_entered());
        }
        WaitDuration::TimestampExpression(expression) => {
            let text = query.evaluate_as(expression, &"Timestamp", "string", |value| {
                value.as_str().map(str::to_owned)
            })?;
            let parsed = Timestamp::parse(&text).ok_or_else(|| {
                Fault::evaluation(
                    Some("Timestamp"),
                    format!("The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {text}"),
                )
                .after_entered()
            })?;
            wait::bounded(parsed, moment)?
        }
        WaitDuration::Seconds(_)
        | WaitDuration::Timestamp(_)
        | WaitDuration::SecondsPath(_)
        | WaitDuration::TimestampPath(_) => wait::until(wait, raw, moment)?,
    };
    wait_or_leave(state, wait, raw, moment, until, query)
}

fn wait_or_leave(
    state: &State,
    wait: &Wait,
    raw: &Scope<'_>,
    moment: &Moment<'_>,
    until: Timestamp,
    query: Query<'_>,
) -> Result<Decision, Fault> {
    if until > moment.now {
        return Ok(Decision::WaitUntil(until));
    }
    leave(state, raw.input, wait.transition, query)
}

fn choose(
    state: &State,
    choice: &Choice,
    raw: &Scope<'_>,
    mut query: Query<'_>,
) -> Result<Decision, Fault> {
    for (index, rule) in choice.rules.iter().enumerate() {
        let holds = match &rule.condition {
            Condition::Constant(holds) => *holds,
            Condition::Jsonata(expression) => {
                let field = format_args!("Choices[{index}]/Condition").to_string();
                query.evaluate_as(expression, &field, "boolean", Value::as_bool)?
            }
            Condition::And(_)
            | Condition::Or(_)
            | Condition::Not(_)
            | Condition::Compare { .. } => {
                unreachable!("a JSONata state has no comparisons")
            }
        };
        if holds {
            let field = format!("Choices[{index}]");
            let assigned = query.assign(rule.assign.as_ref(), &format!("{field}/Assign"))?;
            let output = rule.output.as_ref();
            let output = query.output(output, &format!("{field}/Output"), raw.input)?;
            return Ok(Decision::exit(
                output,
                assigned,
                Transition::Next(rule.next),
            ));
        }
    }
    match choice.default {
        Some(default) => leave(state, raw.input, Transition::Next(default), query),
        None => Err(super::choice::no_match()),
    }
}

fn open_map(map: &Map, raw: &Scope<'_>, mut query: Query<'_>) -> Result<Decision, Fault> {
    let items = items(map, raw, &mut query)?;
    let length = items.value().as_array().map_or(0, <[_]>::len) as u64;
    let concurrency_max = concurrency(map, &mut query)?;
    Ok(Decision::OpenMap {
        items,
        length,
        concurrency_max,
    })
}

/// `MaxConcurrency`; `None` where the definition sets no limit, or a limit of zero.
pub(super) fn concurrency(map: &Map, query: &mut Query<'_>) -> Result<Option<u64>, Fault> {
    let limit = count(map.max_concurrency.as_ref(), "MaxConcurrency", query)?;
    Ok(limit.filter(|limit| *limit > 0))
}

/// A number that counts something.
pub(super) fn count(
    field: Option<&NumberField>,
    name: &str,
    query: &mut Query<'_>,
) -> Result<Option<u64>, Fault> {
    let Some(number) = number(field, name, query)? else {
        return Ok(None);
    };
    whole(number).map(Some).ok_or_else(|| {
        let cause = if number < 0.0 {
            format!("{name} cannot be negative.")
        } else {
            format!("The {name} field must be a non-negative integer, but was: {number}")
        };
        Fault::evaluation(Some(name), cause)
    })
}

/// What the iterations run over: an array.
fn items(map: &Map, raw: &Scope<'_>, query: &mut Query<'_>) -> Result<Payload, Fault> {
    let items = match &map.items {
        Some(template) => query.fill(template, "Items")?,
        None => raw.input.clone(),
    };
    if items.value().is_array() {
        return Ok(items);
    }
    Err(match &map.items {
        Some(Template::Expression(Expression::Jsonata(expression))) => {
            unexpected(expression, &"Items", "array", items.value())
        }
        Some(_) | None => Fault::evaluation(
            None,
            format!("Map state input must be an array but was: {}", items.text()),
        ),
    })
}

/// The failure that a Fail state stands for; an error when it cannot be told.
fn failure(fail: &Fail, mut query: Query<'_>) -> Result<Fault, Fault> {
    let error = text(fail.error.as_ref(), "Error", &mut query)?;
    let cause = text(fail.cause.as_ref(), "Cause", &mut query)?;
    Ok(Fault::plain(Failure { error, cause }))
}

fn text(
    field: Option<&TextField>,
    name: &str,
    query: &mut Query<'_>,
) -> Result<Option<Arc<str>>, Fault> {
    match field {
        None => Ok(None),
        Some(TextField::Literal(text)) => Ok(Some(text.as_str().into())),
        Some(TextField::Expression(expression)) => query
            .evaluate_as(expression, &name, "string", |value| {
                value.as_str().map(Arc::from)
            })
            .map(Some),
        Some(TextField::Path(_)) => unreachable!("a JSONata state has no JSONPath"),
    }
}
