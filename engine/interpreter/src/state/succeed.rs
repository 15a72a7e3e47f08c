//! Succeed: ends its scope with its effective input.

use stepwell_language::model::{State, Transition};

use crate::data_flow::{self, Scope};
use crate::fault::Fault;

use super::Decision;

pub(super) fn decide(state: &State, raw: &Scope<'_>) -> Result<Decision, Fault> {
    let effective = data_flow::effective(state, raw)?;
    let output = data_flow::pass_on(state, &raw.over(&effective))?;
    Ok(Decision::exit(output, Vec::new(), Transition::End))
}
