//! Choice: goes where the first rule that holds says.

use stepwell_language::model::{Choice, Condition, State, StateId, Template, Transition};

use crate::chance::Chance;
use crate::data_flow::{self, Scope};
use crate::fault::Fault;

use super::comparison::Looked;
use super::{Decision, comparison};

pub(super) fn decide(
    state: &State,
    choice: &Choice,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    let effective = data_flow::effective(state, raw)?;
    let scope = raw.over(&effective);
    let mut last = None;
    for rule in &choice.rules {
        if holds(&rule.condition, &scope, &mut last)? {
            return exit(state, rule.assign.as_ref(), rule.next, &scope, chance);
        }
    }
    match choice.default {
        Some(default) => exit(
            state,
            state.data_flow.assign.as_ref(),
            default,
            &scope,
            chance,
        ),
        None => Err(no_match()),
    }
}

/// No rule holds, and there is no `Default`.
pub(super) fn no_match() -> Fault {
    Fault::runtime(
        "Failed to transition out of the state. The state does not point to a next state.",
    )
}

fn exit(
    state: &State,
    assign: Option<&Template>,
    next: StateId,
    scope: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    let assigned = data_flow::assign(state, assign, scope, chance)?;
    let output = data_flow::pass_on(state, scope)?;
    Ok(Decision::exit(output, assigned, Transition::Next(next)))
}

/// Whether a condition holds. `And` and `Or` stop at the first that decides. Rules tend to ask for
/// one variable many times over: the value found last is kept.
fn holds<'a>(
    condition: &'a Condition,
    scope: &'a Scope<'_>,
    last: &mut Option<Looked<'a>>,
) -> Result<bool, Fault> {
    match condition {
        Condition::And(conditions) => {
            for condition in conditions {
                if !holds(condition, scope, last)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Condition::Or(conditions) => {
            for condition in conditions {
                if holds(condition, scope, last)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Condition::Not(condition) => Ok(!holds(condition, scope, last)?),
        Condition::Compare {
            variable,
            comparison,
        } => {
            if last.as_ref().is_none_or(|last| !last.is_of(variable)) {
                *last = Some(Looked::new(variable, scope));
            }
            let looked = last.as_ref().expect("it was just looked up");
            comparison::holds(looked, comparison, scope)
        }
        Condition::Constant(constant) => Ok(*constant),
        Condition::Jsonata(_) => unreachable!("a JSONPath state has no JSONata"),
    }
}
