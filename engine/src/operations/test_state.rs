//! `TestState`: one state run by itself, with mocks or with the handlers of this engine.
//!
//! What the state does is the interpreter's [`inspection`](stepwell_interpreter::inspection); here
//! the request is checked, and what the state wants done is done or made up. Nothing is stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stepwell_interpreter::failure::{Failure, name};
use stepwell_interpreter::inspection::{Progress, Report, Setup, StateTest, TestContext, Work};
use stepwell_interpreter::{Chance, Payload, Timestamp};
use stepwell_language::json::{self, Value};
use stepwell_language::model::{
    ExecutionType, Pattern, Resource, Scope, State, StateId, StateKind, StateMachine,
};
use stepwell_language::parse::{parse, parse_state};

use crate::engine::Engine;
use crate::error::OperationError;
use crate::executor::run_caught;
use crate::integrations::{HttpExchange, HttpTrace, Task, TaskAnswer, TaskError};

use super::constraints::Violations;
use super::executions::read_input;
use super::state_machines::check_role;

mod apis;
mod context;
mod mocks;
mod shapes;

use mocks::Mock;

/// A request for [`Engine::test_state`].
#[derive(Clone, Debug, Default)]
pub struct TestState {
    /// A state, or, with `state_name`, a whole state machine.
    pub definition: String,
    /// The role; a Task without a mock needs one, but nothing checks it.
    pub role_arn: Option<String>,
    /// The state's input as JSON text; absent: `{}`.
    pub input: Option<String>,
    /// Whether what an HTTP task sends is shown with what its connection adds.
    pub reveal_secrets: bool,
    /// The variables that have a value, as the JSON text of an object.
    pub variables: Option<String>,
    /// Which state of the definition.
    pub state_name: Option<String>,
    /// What the state's work gives.
    pub mock: Option<MockInput>,
    /// The context object as JSON text; only with a mock.
    pub context: Option<String>,
    /// What came before in the state.
    pub state_configuration: TestStateConfiguration,
}

/// What a state's work gives: a result, or an error.
#[derive(Clone, Debug, Default)]
pub struct MockInput {
    /// The result as JSON text.
    pub result: Option<String>,
    /// The error.
    pub error_output: Option<MockErrorOutput>,
    /// How closely the result is compared with the API that it stands in for.
    pub field_validation_mode: FieldValidationMode,
}

/// A mocked error.
#[derive(Clone, Debug, Default)]
pub struct MockErrorOutput {
    /// Its name.
    pub error: Option<String>,
    /// Why.
    pub cause: Option<String>,
}

/// How closely a mocked result is compared with the API that it stands in for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum FieldValidationMode {
    /// What has to be there must be, and what is there must be right.
    #[default]
    Strict,
    /// What is there must be right.
    Present,
    /// Not at all.
    None,
}

/// What came before in a state that is tested.
#[derive(Clone, Debug, Default)]
pub struct TestStateConfiguration {
    /// Retries that the retrier at hand has made already.
    pub retrier_retry_count: Option<i64>,
    /// The state inside a Map or Parallel that the mocked error comes from.
    pub error_caused_by_state: Option<String>,
    /// Iterations of a Map that failed.
    pub map_iteration_failure_count: Option<i64>,
    /// What a Map's `ItemReader` reads, as it stands in its source.
    pub map_item_reader_data: Option<String>,
}

/// What [`Engine::test_state`] answers.
#[derive(Debug)]
pub struct TestedState {
    /// How the state ended, and what the data became on its way.
    pub report: Report,
    /// What an HTTP task sent and received.
    pub http: Option<HttpExchange>,
}

/// The name of a state that is given without one.
const LONE_STATE: &str = "StateName";

/// How long a test may take. Source: API, `TestState`.
const TIME_MAX: Duration = Duration::from_mins(5);

impl Engine {
    /// `TestState`: runs one state by itself. Work is mocked, or done by this engine's handlers.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: the definition, the input, the mock or anything else of the request
    /// breaks a rule. That the state fails is no error.
    pub async fn test_state(&self, request: TestState) -> Result<TestedState, OperationError> {
        let now = self.executor.now();
        let mut chance = self.executor.chance();
        let Prepared {
            mut test,
            state,
            mock,
        } = self.prepare(&request, now, &mut chance)?;
        let deadline = now.after(TIME_MAX);
        let mut http = None;
        let report = match test.begin(now, &mut chance) {
            Progress::Ended(report) => report,
            Progress::Waits(until) => {
                self.executor.sleep_until(until.min(deadline)).await;
                let now = self.executor.now();
                if until > deadline {
                    test.fail(Failure::without_cause(name::TIMEOUT), now, &mut chance)
                } else {
                    test.wake(now, &mut chance)
                }
            }
            Progress::Works(Work::Task {
                parameters,
                timeout_seconds,
            }) if mock.is_none() => {
                let trace = HttpTrace::new(request.reveal_secrets);
                let until = match timeout_seconds.map(Duration::from_secs) {
                    Some(timeout) => now.after(timeout).min(deadline),
                    None => deadline,
                };
                let task = self.task(&state, parameters, until, now, &mut chance);
                let outcome = self.run(task, until, &trace).await;
                http = trace.take();
                let now = self.executor.now();
                match outcome {
                    Ok(result) => test.succeed(&result, now, &mut chance),
                    Err(failure) => test.fail(failure, now, &mut chance),
                }
            }
            Progress::Works(work) => {
                let failures = request.state_configuration.map_iteration_failure_count;
                if let Work::Iterations { count, tolerance } = work
                    && let Some(failures) = failures.and_then(|count| u64::try_from(count).ok())
                {
                    if failures > count {
                        return Err(invalid(
                            "Map iteration failure count must be less than or equal to the number of Map iterations",
                        ));
                    }
                    if tolerance.is_exceeded(failures, count) && is_result(mock.as_ref()) {
                        let report = test.exceed_tolerance(now, &mut chance);
                        return Ok(TestedState {
                            report: *report,
                            http,
                        });
                    }
                }
                match mock {
                    Some(Mock::Result(result)) => test.succeed(&result, now, &mut chance),
                    Some(Mock::Failed(failure)) => test.fail(failure, now, &mut chance),
                    None => unreachable!("a state that needs a mock has one"),
                }
            }
        };
        Ok(TestedState {
            report: *report,
            http,
        })
    }

    /// Checks the request.
    fn prepare(
        &self,
        request: &TestState,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Result<Prepared, OperationError> {
        check_lengths(request)?;
        let (machine, id) = find_state(request)?;
        let machine = Arc::new(machine);
        let state = machine.state(id);
        let mock = if let Some(mock) = &request.mock {
            Some(mocks::read(state, mock, request.reveal_secrets).map_err(invalid)?)
        } else {
            check_without_mock(request, state)?;
            None
        };
        check_cause(request, &machine, state)?;
        let context = match &request.context {
            Some(text) => TestContext::Given(context::read(text, state).map_err(invalid)?),
            None => self.made_up_context(request, now, chance),
        };
        let configuration = &request.state_configuration;
        let setup = Setup {
            input: read_input(request.input.as_deref())?,
            variables: read_variables(request.variables.as_deref())?,
            retries: retries(configuration, &context),
            context,
            reader_data: configuration.map_item_reader_data.clone(),
        };
        Ok(Prepared {
            state: state.clone(),
            test: StateTest::new(machine, id, setup, now, chance),
            mock,
        })
    }

    fn made_up_context(
        &self,
        request: &TestState,
        now: Timestamp,
        chance: &mut Chance,
    ) -> TestContext {
        let (machine, name) = (chance.uuid_at(now), chance.uuid_at(now));
        let state_machine = self.arns.state_machine(&machine);
        TestContext::Default {
            execution: format!(
                "{}:{name}",
                state_machine.replacen(":stateMachine:", ":express:", 1)
            ),
            name,
            role: request.role_arn.clone(),
            state_machine,
            state_machine_name: machine,
        }
    }

    fn task(
        &self,
        state: &State,
        parameters: Payload,
        until: Timestamp,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Task {
        let StateKind::Task(task) = &state.kind else {
            unreachable!("only Task states run tasks")
        };
        let machine = chance.uuid_at(now);
        let execution = self.arns.execution(&machine, &chance.uuid_at(now));
        Task {
            id: format!("{execution}#1").into(),
            execution: execution.into(),
            state_machine: machine.into(),
            state: state.name.clone(),
            resource: task.resource.clone(),
            parameters,
            attempts_before: 0,
            token: None,
            timeout: Some(until.since(now)),
            test_case: None,
        }
    }

    /// Lets a handler do a task, for as long as it may.
    async fn run(
        &self,
        task: Task,
        until: Timestamp,
        trace: &HttpTrace,
    ) -> Result<Payload, Failure> {
        let handlers = self.executor.handlers();
        let work = run_caught(async { handlers.run_traced(task, trace).await });
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = self.executor.sleep_until(until) => {
                return Err(Failure::without_cause(name::TIMEOUT));
            }
        };
        match outcome {
            Ok(TaskAnswer::Succeeded(result) | TaskAnswer::Submitted(result)) => Ok(result),
            Err(TaskError { error, .. }) if error == name::TIMEOUT => {
                Err(Failure::without_cause(name::TIMEOUT))
            }
            Err(TaskError { error, cause }) => Err(Failure {
                error: Some(error.into()),
                cause: cause.map(Into::into),
            }),
        }
    }
}

/// A request that was checked.
struct Prepared {
    test: StateTest,
    state: State,
    mock: Option<Mock>,
}

fn invalid(message: impl Into<String>) -> OperationError {
    OperationError::Validation(message.into())
}

fn is_result(mock: Option<&Mock>) -> bool {
    matches!(mock, Some(Mock::Result(_)))
}

fn check_lengths(request: &TestState) -> Result<(), OperationError> {
    let mut violations = Violations::default();
    let configuration = &request.state_configuration;
    let texts = [
        ("input", &request.input),
        ("variables", &request.variables),
        ("context", &request.context),
        (
            "stateConfiguration.mapItemReaderData",
            &configuration.map_item_reader_data,
        ),
    ];
    for (member, text) in texts {
        violations.hidden_size(text.as_deref(), member, Payload::SIZE_MAX);
    }
    let name = request.state_name.as_deref();
    violations.hidden_length(name, "stateName", 1..=80);
    let cause = configuration.error_caused_by_state.as_deref();
    violations.hidden_length(cause, "stateConfiguration.errorCausedByState", 1..=80);
    if let Some(mock) = &request.mock {
        violations.hidden_size(mock.result.as_deref(), "mock.result", Payload::SIZE_MAX);
        if let Some(output) = &mock.error_output {
            let (error, cause) = (output.error.as_deref(), output.cause.as_deref());
            let (error_max, cause_max) = (Failure::ERROR_LENGTH_MAX, Failure::CAUSE_LENGTH_MAX);
            violations.hidden_length(error, "mock.errorOutput.error", 0..=error_max);
            violations.hidden_length(cause, "mock.errorOutput.cause", 0..=cause_max);
        }
    }
    let counts = [
        ("retrierRetryCount", configuration.retrier_retry_count),
        (
            "mapIterationFailureCount",
            configuration.map_iteration_failure_count,
        ),
    ];
    for (member, count) in counts {
        if let Some(count) = count {
            let member = format!("stateConfiguration.{member}");
            violations.range(count, &member, &(0..=i64::MAX));
        }
    }
    violations.finish()?;
    request.role_arn.as_deref().map_or(Ok(()), check_role)
}

/// The state under test, and the machine around it.
fn find_state(request: &TestState) -> Result<(StateMachine, StateId), OperationError> {
    let definition = &request.definition;
    let parsed = match &request.state_name {
        Some(_) => parse(definition, ExecutionType::Standard),
        None => parse_state(definition, LONE_STATE, ExecutionType::Standard),
    };
    let machine = parsed
        .into_result()
        .map_err(OperationError::InvalidDefinition)?;
    let name = request.state_name.as_deref().unwrap_or(LONE_STATE);
    let state = machine.find(name);
    let id = state.map(|state| state.id);
    id.map(|id| (machine, id))
        .ok_or_else(|| invalid("State not found in definition"))
}

/// What a test cannot do without a mock.
fn check_without_mock(request: &TestState, state: &State) -> Result<(), OperationError> {
    let unmocked = |what: &str| {
        Err(invalid(format!(
            "TestState does not support {what} when a mock is not specified."
        )))
    };
    let configuration = &request.state_configuration;
    if configuration.map_iteration_failure_count.is_some() {
        return unmocked("MapIterationFailureCount");
    }
    if configuration.map_item_reader_data.is_some() {
        return unmocked("MapItemReaderData");
    }
    if configuration.error_caused_by_state.is_some() {
        return unmocked("ErrorCausedByState");
    }
    if request.context.is_some() {
        return unmocked("Context");
    }
    match &state.kind {
        StateKind::Map(_) | StateKind::Parallel(_) => Err(OperationError::Untestable(
            "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]",
        )),
        StateKind::Task(task) => match &task.resource {
            Resource::Activity { .. } => unmocked("Activity tasks"),
            Resource::Service {
                pattern: Pattern::Sync | Pattern::Sync2,
                ..
            } => unmocked("the '.sync' service integration pattern"),
            Resource::Service {
                pattern: Pattern::WaitForTaskToken,
                ..
            } => unmocked("the '.waitForTaskToken' service integration pattern"),
            Resource::Function { .. } | Resource::Service { .. } => match &request.role_arn {
                Some(_) => Ok(()),
                None => Err(invalid(
                    "RoleArn must be specified when testing a Task state",
                )),
            },
        },
        StateKind::Pass(_)
        | StateKind::Wait(_)
        | StateKind::Choice(_)
        | StateKind::Succeed
        | StateKind::Fail(_) => Ok(()),
    }
}

/// An error comes from a state that is somewhere inside the one under test, or from that itself.
fn check_cause(
    request: &TestState,
    machine: &StateMachine,
    state: &State,
) -> Result<(), OperationError> {
    let Some(cause) = &request.state_configuration.error_caused_by_state else {
        return Ok(());
    };
    let mut at = machine.find(cause);
    while let Some(inner) = at {
        if inner.id == state.id {
            return Ok(());
        }
        let scope: &Scope = machine.scope(inner.scope);
        at = scope.owner.map(|owner| machine.state(owner));
    }
    Err(invalid(format!(
        "State '{cause}' specified in ErrorCausedByState is not found in the definition"
    )))
}

/// Retries so far: as the configuration says, or the context object.
fn retries(configuration: &TestStateConfiguration, context: &TestContext) -> u64 {
    let in_context = match context {
        TestContext::Given(context) => context.pointer("/State/RetryCount").and_then(Value::as_u64),
        TestContext::Default { .. } => None,
    };
    let configured = configuration.retrier_retry_count;
    configured
        .and_then(|count| u64::try_from(count).ok())
        .or(in_context)
        .unwrap_or(0)
}

fn read_variables(text: Option<&str>) -> Result<BTreeMap<Arc<str>, Payload>, OperationError> {
    let Some(text) = text else {
        return Ok(BTreeMap::new());
    };
    match json::read_value(text) {
        Ok(Value::Object(members)) => Ok(members
            .iter()
            .map(|(name, value)| (name.clone(), Payload::from_value(value.clone())))
            .collect()),
        Ok(_) => Err(invalid("Variables must be a JSON object")),
        Err(error) => Err(invalid(format!("Variables must be valid JSON: {error}"))),
    }
}
