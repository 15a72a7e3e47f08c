//! Pass: passes its input on, or injects data.

use stepwell_language::model::{Pass, State};

use crate::chance::Chance;
use crate::data_flow::{self, Scope, Stage};
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
    let result = if let Some(result) = &pass.result {
        let result = Payload::from_value(result.clone());
        raw.see(Stage::Result, &result);
        result
    } else {
        raw.see(Stage::InputPath, &effective);
        let parameters = match &flow.parameters {
            Some(parameters) => data_flow::fill(parameters, &raw.over(&effective), chance)?,
            None => effective,
        };
        raw.see(Stage::Parameters, &parameters);
        parameters
    };
    let assigned = data_flow::assign(state, flow.assign.as_ref(), &raw.over(&result), chance)?;
    let output = data_flow::combine(state, result, raw)?;
    Ok(Decision::exit(output, assigned, pass.transition))
}
