//! Executions: started, described, stopped, listed.

use std::sync::Arc;

use stepwell_interpreter::event::{EventKind, ExecutionStarted};
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Chance, Payload, Timestamp, journal};
use stepwell_language::json;

use crate::arn::Arns;
use crate::engine::{Engine, ExecutionHandle};
use crate::error::OperationError;
use crate::executor::{Program, chunk, standing, wake_at};
use crate::store::version::Origin;
use crate::store::{
    Creation, ExecutionCursor, ExecutionFilter, ExecutionRecord, ExecutionStatus, NewExecution,
    Redrive, RevisionKey, StateMachineKind, StateMachineRecord, StateMachineStatus,
};

use super::constraints::Violations;
use super::redrives::RedriveStatus;
use super::{names, paging};

/// A request for [`Engine::start_execution`].
#[derive(Clone, Debug)]
pub struct StartExecution {
    /// What to run: a state machine, a version or an alias; `#<case>` behind the ARN picks a test case of the mock configuration.
    pub state_machine_arn: String,
    /// Its name; absent: one that nobody else has.
    pub name: Option<String>,
    /// Its input as JSON text; absent: `{}`.
    pub input: Option<String>,
    /// `traceHeader`.
    pub trace_header: Option<String>,
}

/// A request for [`Engine::describe_execution`].
#[derive(Clone, Debug)]
pub struct DescribeExecution {
    /// Which.
    pub execution_arn: String,
}

/// How an execution stands.
#[derive(Clone, Debug)]
pub struct ExecutionDescription {
    /// Its ARN.
    pub execution_arn: String,
    /// Its machine's ARN.
    pub state_machine_arn: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: ExecutionStatus,
    /// When it started.
    pub start_date: Timestamp,
    /// When it ended.
    pub stop_date: Option<Timestamp>,
    /// Its input.
    pub input: Payload,
    /// What it gave.
    pub output: Option<Payload>,
    /// The error it ended with.
    pub error: Option<String>,
    /// Why.
    pub cause: Option<String>,
    /// `traceHeader` of the start.
    pub trace_header: Option<String>,
    /// The version it was started by.
    pub version_arn: Option<String>,
    /// The alias it was started by.
    pub alias_arn: Option<String>,
    /// How often it was redriven.
    pub redrive_count: u64,
    /// When it was redriven last.
    pub redrive_date: Option<Timestamp>,
    /// Whether it can be redriven now.
    pub redrive_status: RedriveStatus,
    /// The Map Run that it is a child of.
    pub map_run_arn: Option<String>,
}

/// A request for [`Engine::stop_execution`].
#[derive(Clone, Debug)]
pub struct StopExecution {
    /// Which.
    pub execution_arn: String,
    /// The error to show, up to 256 characters.
    pub error: Option<String>,
    /// The cause to show, up to 32,768 characters.
    pub cause: Option<String>,
}

/// A request for [`Engine::list_executions`].
#[derive(Clone, Debug, Default)]
pub struct ListExecutions {
    /// Of which machine, or started by which of its versions or aliases.
    pub state_machine_arn: String,
    /// Only those that stand like this; not `PendingRedrive`, which only children of Map Runs are.
    pub status_filter: Option<ExecutionStatus>,
    /// Only those that were redriven, or only those that never were.
    pub redriven_filter: Option<bool>,
    /// At most so many, 0 to 1,000; 0 means 100.
    pub max_results: Option<i64>,
    /// Where the page before ended.
    pub next_token: Option<String>,
}

/// A page of executions, the latest start first.
#[derive(Clone, Debug)]
pub struct ListedExecutions {
    /// The page.
    pub executions: Vec<ExecutionSummary>,
    /// Where the next page begins; `None` for the last.
    pub next_token: Option<String>,
}

/// An execution in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExecutionSummary {
    /// Its ARN.
    pub execution_arn: String,
    /// Its machine's ARN.
    pub state_machine_arn: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: ExecutionStatus,
    /// When it started.
    pub start_date: Timestamp,
    /// When it ended.
    pub stop_date: Option<Timestamp>,
    /// The version it was started by.
    pub version_arn: Option<String>,
    /// The alias it was started by.
    pub alias_arn: Option<String>,
    /// How often it was redriven.
    pub redrive_count: u64,
    /// When it was redriven last.
    pub redrive_date: Option<Timestamp>,
    /// The Map Run that it is a child of.
    pub map_run_arn: Option<String>,
    /// How many items it was given there.
    pub item_count: Option<u64>,
}

/// What is to be started.
pub(crate) struct Target {
    pub(super) record: StateMachineRecord,
    revision: RevisionKey,
    origin: Origin,
    test_case: Option<String>,
    pub(super) program: Arc<Program>,
}

impl StartExecution {
    /// An execution with a name of the engine's choice.
    pub fn new(state_machine_arn: &str, input: &str) -> Self {
        Self {
            state_machine_arn: state_machine_arn.to_owned(),
            name: None,
            input: Some(input.to_owned()),
            trace_header: None,
        }
    }
}

impl Engine {
    /// `StartExecution`. It is durable when this answers. The same name and input again find the
    /// execution that the first call started, for as long as it runs. An Express execution is never
    /// durable, and each call starts another one.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such machine, invalid name or input, the name is taken, too many
    /// Express executions.
    pub async fn start_execution(
        &self,
        request: StartExecution,
    ) -> Result<ExecutionHandle, OperationError> {
        let input = read_input(request.input.as_deref())?;
        if let Some(name) = &request.name {
            names::check(name)?;
        }
        let mut chance = self.executor.chance();
        let target = self.target(&request.state_machine_arn, &mut chance).await?;
        if target.record.kind == StateMachineKind::Express {
            return self.start_express_execution(request, &target, input, chance);
        }
        let machine = &target.record.name;
        let now = self.executor.now();
        let name = request.name.unwrap_or_else(|| chance.uuid_at(now));
        let execution_arn = self.arns.execution(machine, &name);
        let trace_header = request.trace_header;
        let started = self.beginning(&target, &execution_arn, &name, trace_header, input.clone());
        let mut execution = self.executor.execution(&target.program);
        if started.test_case.is_none() {
            let named = &target.program.activities;
            execution.set_absent_activities(self.executor.absent_activities(named).await?);
        }
        let events = execution.handle(Input::Start(Box::new(started)), now, &mut chance);
        let key = self.executor.next_key();
        let (status, stopped_at) = standing(execution.status());
        let record = ExecutionRecord {
            key,
            state_machine: target.record.key,
            revision: target.revision,
            owner: self.executor.epoch(),
            name,
            status,
            started_at: now,
            stopped_at,
            wake_at: wake_at(&execution),
            details: target.origin.write(),
            child: None,
        };
        let chunks = chunk(&events, execution.last_history_id())
            .into_iter()
            .collect();
        let new = NewExecution {
            record,
            chunks,
            waiting: self.executor.waiting(&execution),
        };
        match self.executor.create(new, execution, events).await? {
            Creation::Created => Ok(self.handle(key, execution_arn, now)),
            Creation::NameTaken(record) => self.again(record, execution_arn, &input).await,
            Creation::StateMachineDeleting => Err(OperationError::StateMachineDeleting(
                request.state_machine_arn,
            )),
        }
    }

    /// `DescribeExecution`.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`], [`OperationError::ExecutionDoesNotExist`].
    pub async fn describe_execution(
        &self,
        request: DescribeExecution,
    ) -> Result<ExecutionDescription, OperationError> {
        let arn = &request.execution_arn;
        let record = match self.find_express_child(arn).await? {
            Some(record) => record,
            None => self.find_execution(arn).await?,
        };
        self.description_of(record, arn).await
    }

    /// `StopExecution`. Returns when it was stopped; one that has ended stays as it is.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`], [`OperationError::ExecutionDoesNotExist`].
    pub async fn stop_execution(
        &self,
        request: StopExecution,
    ) -> Result<Timestamp, OperationError> {
        let arn = &request.execution_arn;
        let record = self.find_execution(arn).await?;
        if let Some(stopped_at) = record.stopped_at {
            return Ok(stopped_at);
        }
        let failure = Failure {
            error: request.error.as_deref().map(Into::into),
            cause: request.cause.as_deref().map(Into::into),
        };
        self.executor.send(record.key, Input::Stop(failure)).await;
        let record = self.find_execution(arn).await?;
        record.stopped_at.ok_or_else(|| OperationError::Journal {
            execution: arn.clone(),
            reason: "it could not be stopped".to_owned(),
        })
    }

    /// `ListExecutions`, the latest start first; for a version or an alias those that it started.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such machine, a page token or size that is none, or a status that only
    /// children of Map Runs have.
    pub async fn list_executions(
        &self,
        request: ListExecutions,
    ) -> Result<ListedExecutions, OperationError> {
        if request.status_filter == Some(ExecutionStatus::PendingRedrive) {
            let message = "Status filter can only be PENDING_REDRIVE when mapRunArn is specified";
            return Err(OperationError::Validation(message.to_owned()));
        }
        let resolved = self.resolve(&request.state_machine_arn, || 0).await?;
        let by = resolved.started_by();
        let machine = resolved.record;
        if machine.kind == StateMachineKind::Express {
            return Err(OperationError::type_not_supported());
        }
        let size = paging::size(request.max_results)?;
        let status = request.status_filter;
        let redriven = request.redriven_filter;
        let arguments = ("ListExecutions", machine.key.0, status, redriven, &by);
        let after = match &request.next_token {
            Some(token) => {
                let (started_at, key): (Timestamp, u64) = paging::place(arguments, token)?;
                Some(ExecutionCursor {
                    started_at,
                    key: crate::store::ExecutionKey(key),
                })
            }
            None => None,
        };
        let filter = ExecutionFilter {
            state_machine: machine.key,
            status: request.status_filter,
            redriven,
            after,
        };
        let store = self.executor.store();
        let listed = match &by {
            None => store.list_executions(filter, size + 1),
            Some(by) => store
                .versions()
                .list_executions_started_by(filter, by.clone(), size + 1),
        };
        let mut records = listed.await?;
        let has_more = records.len() > size;
        records.truncate(size);
        let last = records.last().filter(|_| has_more);
        let next_token = last.map(|last| paging::token(arguments, &(last.started_at, last.key.0)));
        let summary = |record: ExecutionRecord| {
            let origin = Origin::read(record.details.as_deref());
            let (version_arn, alias_arn) = self.origin_arns(&machine.name, &origin);
            let redrive = Redrive::read(record.details.as_deref());
            ExecutionSummary {
                execution_arn: self.arns.execution(&machine.name, &record.name),
                state_machine_arn: self.arns.state_machine(&machine.name),
                name: record.name,
                status: record.status,
                start_date: record.started_at,
                stop_date: record.stopped_at,
                version_arn,
                alias_arn,
                redrive_count: redrive.map_or(0, |redrive| redrive.count),
                redrive_date: redrive.map(|redrive| redrive.at),
                map_run_arn: None,
                item_count: None,
            }
        };
        let executions = records.into_iter().map(summary).collect();
        Ok(ListedExecutions {
            executions,
            next_token,
        })
    }

    /// The record of the execution with this ARN.
    pub(crate) async fn find_execution(
        &self,
        arn: &str,
    ) -> Result<ExecutionRecord, OperationError> {
        let (state_machine, name) = Arns::parse_execution(arn)?;
        let (machine, label) = match state_machine.split_once('/') {
            Some((machine, label)) => (machine, Some(label)),
            None => (&*state_machine, None),
        };
        let found = if self.arns.is_own(arn) {
            self.executor
                .store()
                .execution_by_name(machine, &name)
                .await?
        } else {
            None
        };
        let found = match found {
            Some(record) if self.has_label(&record, label).await? => Some(record),
            Some(_) | None => None,
        };
        found.ok_or_else(|| OperationError::ExecutionDoesNotExist(arn.to_owned()))
    }

    /// What a start call names: a state machine or a part of it, and a test case of the mock
    /// configuration. Where an alias stands for two versions, chance decides.
    pub(crate) async fn target(
        &self,
        arn: &str,
        chance: &mut Chance,
    ) -> Result<Target, OperationError> {
        let test_case = Arns::parse_state_machine(arn)?.test_case;
        let arn = arn.split('#').next().unwrap_or_default();
        let draw = || u8::try_from(chance.integer(0, 100)).unwrap_or_default();
        let resolved = self.resolve(arn, draw).await?;
        let origin = resolved.origin();
        let record = resolved.record;
        if record.status != StateMachineStatus::Active {
            return Err(OperationError::StateMachineDeleting(arn.to_owned()));
        }
        if let Some(case) = &test_case {
            self.check_test_case(&record.name, case)?;
        }
        let program = self
            .executor
            .program(resolved.revision)
            .await
            .map_err(|error| OperationError::Journal {
                execution: arn.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Target {
            record,
            revision: resolved.revision,
            origin,
            test_case,
            program,
        })
    }

    /// The first event of an execution that goes to `target`.
    pub(super) fn beginning(
        &self,
        target: &Target,
        execution_arn: &str,
        name: &str,
        trace_header: Option<String>,
        input: Payload,
    ) -> ExecutionStarted {
        let machine = &target.record.name;
        let (version, alias) = self.origin_arns(machine, &target.origin);
        ExecutionStarted {
            execution: execution_arn.into(),
            name: name.into(),
            state_machine: self.arns.state_machine(machine).into(),
            state_machine_name: machine.as_str().into(),
            role: Arc::clone(&target.program.role),
            version: version.map(Into::into),
            alias: alias.map(Into::into),
            test_case: target.test_case.as_deref().map(Into::into),
            trace_header: trace_header.map(Into::into),
            input,
            child_of: None,
        }
    }

    /// The ARNs of the version and the alias that started an execution.
    fn origin_arns(&self, machine: &str, origin: &Origin) -> (Option<String>, Option<String>) {
        let version = origin
            .version
            .map(|number| self.arns.version(machine, number));
        let alias = origin.alias.as_deref();
        (version, alias.map(|alias| self.arns.alias(machine, alias)))
    }

    fn check_test_case(&self, machine: &str, case: &str) -> Result<(), OperationError> {
        match self.executor.mocks() {
            Some(mocks) if mocks.test_cases(machine).any(|known| known == case) => Ok(()),
            Some(_) | None => Err(OperationError::Validation(format!(
                "The mock configuration has no test case '{case}' for the state machine '{machine}'"
            ))),
        }
    }

    /// The name of a start call is taken: fine if it is the same call again.
    async fn again(
        &self,
        record: ExecutionRecord,
        arn: String,
        input: &Payload,
    ) -> Result<ExecutionHandle, OperationError> {
        if record.status == ExecutionStatus::Running {
            let (key, started_at) = (record.key, record.started_at);
            let description = self.description_of(record, &arn).await?;
            if description.input == *input {
                return Ok(self.handle(key, arn, started_at));
            }
        }
        Err(OperationError::ExecutionAlreadyExists(arn))
    }

    async fn description_of(
        &self,
        record: ExecutionRecord,
        arn: &str,
    ) -> Result<ExecutionDescription, OperationError> {
        let store = self.executor.store();
        let unreadable = |reason: String| OperationError::Journal {
            execution: arn.to_owned(),
            reason,
        };
        let first = store.journal(record.key, 1, 1).await?;
        let chunk = first
            .first()
            .ok_or_else(|| unreadable("it is empty".to_owned()))?;
        let events =
            journal::decode(&chunk.bytes).map_err(|error| unreadable(error.to_string()))?;
        let Some(EventKind::ExecutionStarted(started)) = events.first().map(|event| &event.kind)
        else {
            return Err(unreadable("it does not begin with a start".to_owned()));
        };
        let redrive = Redrive::read(record.details.as_deref());
        let mut description = ExecutionDescription {
            redrive_count: redrive.map_or(0, |redrive| redrive.count),
            redrive_date: redrive.map(|redrive| redrive.at),
            redrive_status: self.redrive_status(&record).await?,
            execution_arn: arn.to_owned(),
            state_machine_arn: started.state_machine.to_string(),
            name: record.name.clone(),
            status: record.status,
            start_date: record.started_at,
            stop_date: record.stopped_at,
            input: started.input.clone(),
            output: None,
            error: None,
            cause: None,
            trace_header: started.trace_header.as_deref().map(str::to_owned),
            version_arn: started.version.as_deref().map(str::to_owned),
            alias_arn: started.alias.as_deref().map(str::to_owned),
            map_run_arn: started
                .child_of
                .as_ref()
                .map(|child_of| child_of.map_run.to_string()),
        };
        if record.stopped_at.is_some()
            && let Some(last) = store.last_chunk(record.key).await?
        {
            let events =
                journal::decode(&last.bytes).map_err(|error| unreadable(error.to_string()))?;
            if let Some(event) = events.last() {
                description.ended_with(&event.kind);
            }
        }
        Ok(description)
    }
}

impl ExecutionDescription {
    /// Fills in what the last event says.
    fn ended_with(&mut self, kind: &EventKind) {
        if let EventKind::ExecutionSucceeded { output } = kind {
            self.output = Some(output.clone());
        }
        // The time-out of a whole execution has an error in its history, but not here: so AWS.
        if let EventKind::ExecutionFailed(failure) | EventKind::ExecutionAborted(failure) = kind {
            self.error = failure.error.as_deref().map(str::to_owned);
            self.cause = failure.cause.as_deref().map(str::to_owned);
        }
    }
}

/// Reads the input of an execution; its text is kept as it was written.
pub(super) fn read_input(text: Option<&str>) -> Result<Payload, OperationError> {
    let text = text.unwrap_or("{}");
    let refused = |reason: &str| OperationError::InvalidExecutionInput(reason.to_owned());
    if text.is_empty() {
        return Err(refused("Invalid execution input."));
    }
    let mut violations = Violations::default();
    violations.hidden_size(Some(text), "input", Payload::SIZE_MAX);
    violations.finish()?;
    let value = json::read_value(text).map_err(|error| refused(&error.to_string()))?;
    let text: Arc<str> = Arc::from(text.trim());
    Ok(Payload::from_parts(&*text, value))
}
