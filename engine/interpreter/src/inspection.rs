//! One state by itself, run and looked into: what `TestState` shows.
//!
//! A [`StateTest`] takes a state through the same code that executions take it through, and keeps
//! what the data became on its way. It writes no events: a test is no execution and leaves nothing
//! behind. What the state would have done outside is the host's to do, or to make up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stepwell_language::json::{Members, Value};
use stepwell_language::model::{MapMode, State, StateId, StateKind, StateMachine, StateName};

use crate::chance::Chance;
use crate::data_flow::{Context, Scope, Stage};
use crate::execution::caught;
use crate::failure::{Failure, name};
use crate::fault::Fault;
use crate::payload::Payload;
use crate::retry::{self, Failed};
use crate::state::{self, Decision, Exit, Moment, culprit};
use crate::timestamp::Timestamp;

mod surroundings;
mod iterations;
mod reader;

use surroundings::{Probe, Seen};

pub use iterations::Tolerance;

/// A state that is being tested.
///
/// The host calls [`begin`](Self::begin) and does what the answer asks for; one of
/// [`wake`](Self::wake), [`succeed`](Self::succeed) and [`fail`](Self::fail) then gives the report.
#[derive(Debug)]
pub struct StateTest {
    machine: Arc<StateMachine>,
    state: StateId,
    setup: Setup,
    entered_at: Timestamp,
    token: Option<Arc<str>>,
    seen: Seen,
    inspection: Inspection,
}

/// What a state is tested with.
#[derive(Debug)]
pub struct Setup {
    /// The raw input.
    pub input: Payload,
    /// The variables that have a value.
    pub variables: BTreeMap<Arc<str>, Payload>,
    /// The context object.
    pub context: TestContext,
    /// Retries that the retrier at hand has made already.
    pub retries: u64,
    /// What a Map's `ItemReader` reads, as it stands in its source.
    pub reader_data: Option<String>,
}

/// Where the context object of a test comes from.
#[derive(Debug)]
pub enum TestContext {
    /// It is this.
    Given(Value),
    /// It is made up, as of an execution of this description.
    Default {
        /// The execution's ARN.
        execution: String,
        /// Its name.
        name: String,
        /// Its role.
        role: Option<String>,
        /// Its machine's ARN.
        state_machine: String,
        /// Its machine's name.
        state_machine_name: String,
    },
}

/// How far a test has got.
#[derive(Debug)]
pub enum Progress {
    /// It is over.
    Ended(Box<Report>),
    /// The state waits until then.
    Waits(Timestamp),
    /// The state wants this done.
    Works(Work),
}

/// What a state wants done outside.
#[derive(Debug)]
pub enum Work {
    /// A task is to be run.
    Task {
        /// What it is given.
        parameters: Payload,
        /// Seconds that it may take.
        timeout_seconds: Option<u64>,
    },
    /// The branches of a Parallel are to be run.
    Branches,
    /// The iterations of a Map are to be run.
    Iterations {
        /// How many.
        count: u64,
        /// How many of them may fail.
        tolerance: Tolerance,
    },
}

/// What became of a tested state.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub status: TestStatus,
    /// What it gave.
    pub output: Option<Payload>,
    /// The error that it met, caught or not.
    pub failure: Option<Failure>,
    /// Where it goes on.
    pub next: Option<StateName>,
    /// What the data became on its way.
    pub inspection: Inspection,
}

/// How a tested state ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TestStatus {
    /// It has an output.
    Succeeded,
    /// Nobody handles its error.
    Failed,
    /// A retrier handles its error.
    Retriable,
    /// A catcher handles its error.
    CaughtError,
}

/// What the data became on its way through a state, as far as it got: `inspectionData`.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// The raw input.
    pub input: Option<Payload>,
    /// After `Arguments`.
    pub after_arguments: Option<Payload>,
    /// After `InputPath`.
    pub after_input_path: Option<Payload>,
    /// After `Parameters`.
    pub after_parameters: Option<Payload>,
    /// What the work gave.
    pub result: Option<Payload>,
    /// After `ResultSelector`.
    pub after_result_selector: Option<Payload>,
    /// After `ResultPath`.
    pub after_result_path: Option<Payload>,
    /// All variables at the end.
    pub variables: Option<Payload>,
    /// Which handler took the error.
    pub error: ErrorDetails,
    /// The items of a Map after `ItemsPath`.
    pub after_items_path: Option<Payload>,
    /// The inputs of a Map's iterations after `ItemSelector`.
    pub after_item_selector: Option<Payload>,
    /// The inputs of a Map's children after `ItemBatcher`.
    pub after_item_batcher: Option<Payload>,
    /// The items of a Map after `ItemsPointer`.
    pub after_items_pointer: Option<Payload>,
    /// How many iterations of a Map may fail.
    pub tolerated_failure_count: Option<u64>,
    /// How many percent of them may.
    pub tolerated_failure_percentage: Option<f64>,
    /// How many iterations of a Map run at a time; 0 for no limit.
    pub max_concurrency: Option<u64>,
}

/// Which handler took an error.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ErrorDetails {
    /// The catcher's place in `Catch`.
    pub catch_index: Option<usize>,
    /// The place in `Retry` of the retrier that the error matches, with attempts left or not.
    pub retry_index: Option<usize>,
    /// How long it would wait.
    pub retry_backoff: Option<Duration>,
}

impl StateTest {
    /// A test of a state, which is entered now.
    pub fn new(
        machine: Arc<StateMachine>,
        state: StateId,
        setup: Setup,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Self {
        let has_token = match &machine.state(state).kind {
            StateKind::Task(task) => task.resource.has_task_token(),
            StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Choice(_)
            | StateKind::Parallel(_)
            | StateKind::Map(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => false,
        };
        let inspection = Inspection {
            input: Some(setup.input.clone()),
            ..Inspection::default()
        };
        Self {
            machine,
            state,
            setup,
            entered_at: now,
            token: has_token.then(|| chance.uuid().into()),
            seen: Seen::default(),
            inspection,
        }
    }

    /// Takes the state to where it needs something from outside, or to its end.
    pub fn begin(&mut self, now: Timestamp, chance: &mut Chance) -> Progress {
        match self.enter(now, chance) {
            Ok(Decision::Exit(exit)) => Progress::Ended(self.succeeded(exit)),
            Ok(Decision::WaitUntil(until)) => Progress::Waits(until),
            Ok(Decision::Schedule(task)) => Progress::Works(Work::Task {
                parameters: task.parameters,
                timeout_seconds: task.timeout_seconds,
            }),
            Ok(Decision::OpenBranches { .. }) => Progress::Works(Work::Branches),
            Ok(Decision::OpenMap {
                items,
                concurrency_max,
                ..
            }) => self.open_map(&items, concurrency_max, now, chance),
            Err(fault) => Progress::Ended(self.resolve(fault.into_unplaced(), now, chance)),
        }
    }

    /// The state's wait is over.
    pub fn wake(&mut self, now: Timestamp, chance: &mut Chance) -> Box<Report> {
        let input = self.setup.input.clone();
        self.complete(&input, now, chance)
    }

    /// The state's work has this result.
    pub fn succeed(
        &mut self,
        result: &Payload,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Box<Report> {
        if let StateKind::Task(task) = &self.tested().kind
            && result.size() > Payload::SIZE_MAX
        {
            let fault = Fault::data_limit(&culprit(&task.resource), "returned a result");
            return self.resolve(fault.into_unplaced(), now, chance);
        }
        self.complete(result, now, chance)
    }

    /// The state's work failed.
    pub fn fail(&mut self, failure: Failure, now: Timestamp, chance: &mut Chance) -> Box<Report> {
        self.resolve(Failed::by_name(failure.within_limits()), now, chance)
    }

    /// More iterations of the state, a Map, failed than it tolerates.
    pub fn exceed_tolerance(&mut self, now: Timestamp, chance: &mut Chance) -> Box<Report> {
        let cause = "The specified tolerated failure threshold was exceeded";
        let failure = Failure::new(name::EXCEED_TOLERATED_FAILURE_THRESHOLD, cause);
        self.resolve(Failed::by_name(failure), now, chance)
    }

    /// The state under test.
    fn tested(&self) -> &State {
        self.machine.state(self.state)
    }

    fn enter(&self, now: Timestamp, chance: &mut Chance) -> Result<Decision, Fault> {
        let state = self.tested();
        let context = Context::default();
        let probe = Probe::new(self, now);
        let raw = Scope::new(&self.setup.input, &probe, &context);
        if let (StateKind::Map(map), Some(data)) = (&state.kind, &self.setup.reader_data)
            && let MapMode::Distributed(distributed) = &map.mode
            && let Some(reader) = &distributed.item_reader
        {
            let items = reader::read(state, reader, data, &raw, chance)?;
            return Ok(Decision::OpenMap {
                length: items.value().as_array().map_or(0, <[_]>::len) as u64,
                items,
                concurrency_max: state::concurrency(state, map, &raw, chance)?,
            });
        }
        let moment = Moment {
            now,
            entered_at: self.entered_at,
            token: self.token.as_ref(),
        };
        state::decide(state, &raw, &moment, chance)
    }

    fn complete(&mut self, result: &Payload, now: Timestamp, chance: &mut Chance) -> Box<Report> {
        let decided = {
            let context = Context::default();
            let probe = Probe::new(self, now);
            let raw = Scope::new(&self.setup.input, &probe, &context);
            state::complete(self.tested(), result, &raw, chance)
        };
        match decided {
            Ok(Decision::Exit(exit)) => self.succeeded(exit),
            Ok(
                Decision::WaitUntil(_)
                | Decision::Schedule(_)
                | Decision::OpenBranches { .. }
                | Decision::OpenMap { .. },
            ) => unreachable!("a state whose work is done is left"),
            Err(fault) => self.resolve(fault.into_unplaced(), now, chance),
        }
    }

    fn succeeded(&mut self, exit: Exit) -> Box<Report> {
        self.report(TestStatus::Succeeded, None, Some(exit))
    }

    /// Finds out who handles a failure: the state itself, or a Parallel or Map around it.
    fn resolve(&mut self, failed: Failed, now: Timestamp, chance: &mut Chance) -> Box<Report> {
        let mut handler = Some(self.state);
        let mut failed = failed;
        while let Some(id) = handler {
            let machine = Arc::clone(&self.machine);
            let state = machine.state(id);
            match self.handle(state, &failed, now, chance) {
                Handled::Retried => {
                    return self.report(TestStatus::Retriable, Some(failed.failure), None);
                }
                Handled::Caught(exit) => {
                    let failure = Some(failed.failure);
                    return self.report(TestStatus::CaughtError, failure, Some(exit));
                }
                Handled::Broken(fault) => failed = fault.into_unplaced(),
                Handled::Not => {}
            }
            handler = machine.scope(state.scope).owner.filter(|owner| {
                // The children of a distributed Map fail by themselves.
                !matches!(&machine.state(*owner).kind, StateKind::Map(map) if map.mode != MapMode::Inline)
            });
        }
        self.report(TestStatus::Failed, Some(failed.failure), None)
    }

    /// What a state does about a failure.
    fn handle(
        &mut self,
        state: &State,
        failed: &Failed,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Handled {
        let retriers = state.kind.retry();
        let used = vec![self.setup.retries; retriers.len()];
        if let Some((index, _)) = retry::matching_retrier(retriers, failed) {
            self.inspection.error.retry_index = Some(index);
        }
        if let Some((_, retrier)) = retry::choose_retrier(retriers, failed, &used) {
            let backoff = retry::delay(retrier, self.setup.retries, chance);
            self.inspection.error.retry_backoff = Some(backoff);
            return Handled::Retried;
        }
        let Some((index, catcher)) = retry::choose_catcher(state.kind.catch(), failed) else {
            return Handled::Not;
        };
        self.inspection.error.catch_index = Some(index);
        let context = Context::default();
        let probe = Probe::new(self, now);
        let raw = Scope::new(&self.setup.input, &probe, &context);
        match caught(state, (index, catcher), &failed.failure, &raw, chance) {
            Ok(exit) => Handled::Caught(exit),
            Err(fault) => Handled::Broken(fault),
        }
    }

    fn report(
        &mut self,
        status: TestStatus,
        failure: Option<Failure>,
        exit: Option<Exit>,
    ) -> Box<Report> {
        let mut inspection = std::mem::take(&mut self.inspection);
        let mut seen = self.seen.take();
        inspection.after_arguments = seen.remove(&Stage::Arguments);
        inspection.after_input_path = seen.remove(&Stage::InputPath);
        inspection.after_parameters = seen.remove(&Stage::Parameters);
        inspection.result = seen.remove(&Stage::Result);
        inspection.after_result_selector = seen.remove(&Stage::ResultSelector);
        inspection.after_result_path = seen.remove(&Stage::ResultPath);
        inspection.after_items_path = seen.remove(&Stage::ItemsPath);
        let (output, assigned, next) = match exit {
            Some(exit) => (Some(exit.output), exit.assigned, exit.next),
            None => (None, Vec::new(), None),
        };
        let mut variables = std::mem::take(&mut self.setup.variables);
        variables.extend(assigned);
        if !variables.is_empty() {
            let variables: Members = variables
                .iter()
                .map(|(name, value)| (name.clone(), value.value().clone()))
                .collect();
            inspection.variables = Some(Payload::from_value(variables));
        }
        Box::new(Report {
            status,
            output,
            failure,
            next: next.map(|next| self.machine.state(next).name.clone()),
            inspection,
        })
    }
}

/// What a state did about a failure.
enum Handled {
    Retried,
    Caught(Exit),
    /// It would have caught it, but that failed too.
    Broken(Fault),
    Not,
}

#[cfg(test)]
mod tests;
