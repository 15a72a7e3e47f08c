//! What each type of state decides.
//!
//! A state is looked at twice at most: [`decide`] when a flow has entered it, and again after each
//! retry delay; [`complete`] when the work it asked for has a result. Both only read; what they
//! decide becomes events in [`execution`](crate::execution).

use std::sync::Arc;

use stepwell_language::model::{QueryLanguage, State, StateId, StateKind, Transition};

use crate::chance::Chance;
use crate::data_flow::Scope;
use crate::event::TaskScheduled;
use crate::fault::Fault;
use crate::payload::Payload;
use crate::timestamp::Timestamp;

mod pass;
mod task;
mod choice;
mod comparison;
mod wait;
mod succeed;
mod fail;
mod parallel;
mod map;
mod map_run;
mod jsonata;

pub(crate) use jsonata::caught;
pub(crate) use map::{INLINE_CONCURRENCY_MAX, concurrency, item_context, item_input};
pub(crate) use map_run::{BatchLimits, BatchMaker, batch_input, limits};
pub(crate) use task::culprit;

/// What happens next in a state that was entered.
#[derive(Debug)]
pub(crate) enum Decision {
    /// The flow leaves it.
    Exit(Exit),
    /// The flow waits.
    WaitUntil(Timestamp),
    /// A task is to be run.
    Schedule(Box<TaskScheduled>),
    /// Branches are to be run, each with this input.
    OpenBranches {
        /// What each branch takes in.
        input: Payload,
    },
    /// Iterations are to be run.
    OpenMap {
        /// A JSON array.
        items: Payload,
        /// Its length.
        length: u64,
        /// Iterations at a time, where the definition says so.
        concurrency_max: Option<u64>,
    },
}

/// How a flow leaves a state.
#[derive(Debug)]
pub(crate) struct Exit {
    /// The state's output.
    pub(crate) output: Payload,
    /// Variables that get a value.
    pub(crate) assigned: Vec<(Arc<str>, Payload)>,
    /// The next state; `None` ends the flow.
    pub(crate) next: Option<StateId>,
}

impl Decision {
    fn exit(output: Payload, assigned: Vec<(Arc<str>, Payload)>, transition: Transition) -> Self {
        let next = match transition {
            Transition::Next(next) => Some(next),
            Transition::End => None,
        };
        Self::Exit(Exit {
            output,
            assigned,
            next,
        })
    }
}

/// What a state may know besides its data.
pub(crate) struct Moment<'a> {
    /// The time.
    pub(crate) now: Timestamp,
    /// When the state was entered.
    pub(crate) entered_at: Timestamp,
    /// The token of the task that is about to be scheduled.
    pub(crate) token: Option<&'a Arc<str>>,
}

/// Looks at a state that a flow is in; `raw` is a scope over the state's raw input.
pub(crate) fn decide(
    state: &State,
    raw: &Scope<'_>,
    moment: &Moment<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    if state.query_language == QueryLanguage::Jsonata {
        return jsonata::decide(state, raw, moment, chance);
    }
    match &state.kind {
        StateKind::Task(task) => task::decide(state, task, raw, moment, chance),
        StateKind::Pass(pass) => pass::decide(state, pass, raw, chance),
        StateKind::Wait(wait) => wait::decide(state, wait, raw, moment, chance),
        StateKind::Choice(choice) => choice::decide(state, choice, raw, chance),
        StateKind::Parallel(_) => parallel::decide(state, raw, chance),
        StateKind::Map(map) => map::decide(state, map, raw),
        StateKind::Succeed => succeed::decide(state, raw),
        StateKind::Fail(fail) => Err(fail::decide(fail, raw, chance)?),
    }
}

/// Looks at a state whose work has a result.
pub(crate) fn complete(
    state: &State,
    result: &Payload,
    raw: &Scope<'_>,
    chance: &mut Chance,
) -> Result<Decision, Fault> {
    if state.query_language == QueryLanguage::Jsonata {
        return jsonata::complete(state, result, raw, chance);
    }
    match &state.kind {
        StateKind::Task(_) | StateKind::Parallel(_) | StateKind::Map(_) => {
            task::complete(state, result, raw, chance)
        }
        StateKind::Wait(wait) => wait::complete(state, wait, raw, chance),
        StateKind::Pass(_) | StateKind::Choice(_) | StateKind::Succeed | StateKind::Fail(_) => {
            unreachable!("a {} state does no work outside", state.kind.type_name())
        }
    }
}
