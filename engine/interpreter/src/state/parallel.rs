//! Parallel: runs its branches side by side, each with the same input.

use stepwell_language::model::State;

use crate::chance::Chance;
use crate::data_flow::{self, Scope};
use crate::fault::Fault;

use super::Decision;

pub(super) fn decide(
    state: &State,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    let effective = data_flow::select(&state.data_flow.input_path, raw)?;
    let input = match &state.data_flow.parameters {
        Some(parameters) => data_flow::fill(parameters, &raw.over(&effective), chance)?,
        None => effective,
    };
    let input = data_flow::within_limit(state, input)?;
    Ok(Decision::OpenBranches { input })
}
