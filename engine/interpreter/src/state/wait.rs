//! Wait: goes on at a time.

use std::time::Duration;

use stepwell_language::expression::ReferencePath;
use stepwell_language::json::Value;
use stepwell_language::model::{State, Wait, WaitDuration};

use crate::chance::Chance;
use crate::data_flow::{self, Scope};
use crate::evaluate::json_path;
use crate::fault::Fault;
use crate::timestamp::Timestamp;

use super::{Decision, Moment};

/// Seconds that a wait may last when it is only known at run time.
const SECONDS_MAX: u64 = 2_147_483_647;

pub(super) fn decide(
    state: &State,
    wait: &Wait,
    raw: &Scope<'_>,
    moment: &Moment<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    let effective = data_flow::effective(state, raw)?;
    let until = until(wait, &raw.over(&effective), moment)?;
    if until > moment.now {
        return Ok(Decision::WaitUntil(until));
    }
    complete(state, wait, raw, chance)
}

pub(super) fn complete(
    state: &State,
    wait: &Wait,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    let effective = data_flow::select(&state.data_flow.input_path, raw)?;
    let scope = raw.over(&effective);
    let assigned = data_flow::assign(state, state.data_flow.assign.as_ref(), &scope, chance)?;
    let output = data_flow::pass_on(state, &scope)?;
    Ok(Decision::exit(output, assigned, wait.transition))
}

/// When the wait ends.
pub(super) fn until(
    wait: &Wait,
    scope: &Scope<'_>,
    moment: &Moment<'_>,
) -> Result<Timestamp, Fault> {
    match &wait.duration {
        WaitDuration::Seconds(seconds) => after(*seconds, moment),
        WaitDuration::SecondsPath(path) => {
            let value = referenced("SecondsPath", path, scope)?;
            after(seconds(value, path.text())?, moment)
        }
        WaitDuration::Timestamp(text) => {
            let until = Timestamp::parse(text)
                .ok_or_else(|| Fault::runtime(format!("Not a timestamp: {text}")))?;
            bounded(until, moment)
        }
        WaitDuration::TimestampPath(path) => {
            let value = referenced("TimestampPath", path, scope)?;
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let until = Timestamp::parse(&text).ok_or_else(|| {
                Fault::runtime(format!(
                    "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: {} == {text}",
                    path.text()
                ))
            })?;
            bounded(until, moment)
        }
        WaitDuration::SecondsExpression(_) | WaitDuration::TimestampExpression(_) => {
            unreachable!("a JSONPath state has no JSONata")
        }
    }
}

/// The value that the path of a field leads to.
fn referenced<'a>(
    field: &str,
    path: &ReferencePath,
    scope: &'a Scope<'_>,
) -> Result<&'a Value, Fault> {
    json_path::evaluate_reference(path, scope).map_err(|_| {
        Fault::runtime(format!(
            "The {field} parameter does not reference an input value: {}",
            path.text()
        ))
    })
}

/// The number of seconds that `SecondsPath` refers to.
fn seconds(value: &Value, path: &str) -> Result<u64, Fault> {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let Some(seconds) = value.as_i64() else {
        return Err(Fault::runtime(format!(
            "The SecondsPath parameter cannot be parsed as a long value: {path} == {text}"
        )));
    };
    u64::try_from(seconds).map_err(|_| {
        Fault::runtime(format!(
            "The SecondsPath parameter references a negative value: {path} == {text}"
        ))
    })
}

/// Waits count from the moment the state was entered.
pub(super) fn after(seconds: u64, moment: &Moment<'_>) -> Result<Timestamp, Fault> {
    if seconds > SECONDS_MAX {
        return Err(too_long());
    }
    Ok(moment.entered_at.after(Duration::from_secs(seconds)))
}

pub(super) fn bounded(until: Timestamp, moment: &Moment<'_>) -> Result<Timestamp, Fault> {
    if until.since(moment.entered_at) > Duration::from_secs(SECONDS_MAX) {
        return Err(too_long());
    }
    Ok(until)
}

fn too_long() -> Fault {
    Fault::runtime("Wait state delay is too long.")
}
