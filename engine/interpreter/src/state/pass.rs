//! Pass: passes its input on, or injects data.

use stepwell_language::model::{Pass, State};

use crate::chance::Chance;
use crate::data_flow::{self, Scope};
use crate::fault::Fault;
use crate::payload::Payload;

use super::Decision;

pub(super) fn decide(
    state: &State,
    pass: &Pass,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    let flow = &state.data_flow;
    let effective = data_flow::select(&flow.input_path, raw)?;
    let result = match (&pass.result, &flow.parameters) {
        (Some(result), _) => Payload::from_value(serde_json::Value::clone(result)),
        (None, Some(parameters)) => data_flow::fill(parameters, &raw.over(&effective), chance)?,
        (None, None) => effective,
    };
    let assigned = data_flow::assign(state, flow.assign.as_ref(), &raw.over(&result), chance)?;
    let output = data_flow::combine(state, result, raw)?;
    Ok(Decision::exit(output, assigned, pass.transition))
}
