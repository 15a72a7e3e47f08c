//! Map Runs: described, listed, limited, and their children listed.

use std::sync::Arc;

use stepwell_interpreter::Timestamp;
use stepwell_interpreter::event::EventKind;
use stepwell_interpreter::journal;
use stepwell_language::model::QueryLanguage;

use serde_json::Value;

use crate::arn::{self, Arns};
use crate::engine::Engine;
use crate::error::{OperationError, ValidationReason};
use crate::store::map_run::{
    ChildFilter, Counts, LimitChange, LimitUpdate, MapRunKey, MapRunLimits, MapRunRecord,
    MapRunStatus, NewMapRun,
};
use crate::store::{
    ExecutionCursor, ExecutionKey, ExecutionRecord, ExecutionStatus, Redrive, Revision,
    StateMachineKind,
};

use super::executions::{ExecutionSummary, ListedExecutions};
use super::paging;
use super::state_machines::StateMachineDescription;

/// How a Map Run stands.
#[derive(Clone, Debug, PartialEq)]
pub struct MapRunDescription {
    /// Its ARN.
    pub map_run_arn: String,
    /// That of the execution that asked for it.
    pub execution_arn: String,
    /// How it stands.
    pub status: MapRunStatus,
    /// When it was started.
    pub start_date: Timestamp,
    /// When it ended.
    pub stop_date: Option<Timestamp>,
    /// Its limits.
    pub limits: MapRunLimits,
    /// Its items.
    pub items: MapRunCounts,
    /// Its children.
    pub executions: MapRunCounts,
    /// How often it was redriven.
    pub redrive_count: u64,
    /// When it was redriven last.
    pub redrive_date: Option<Timestamp>,
}

/// How many items or children there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MapRunCounts {
    /// Those that wait to be started.
    pub pending: u64,
    /// Those that were started, by how they stand.
    pub begun: Counts,
    /// All of them.
    pub total: u64,
    /// Those without success that the last redrive could not bring back.
    pub failures_not_redrivable: u64,
}

/// A request for [`Engine::list_map_runs`].
#[derive(Clone, Debug)]
pub struct ListMapRuns {
    /// Of which execution.
    pub execution_arn: String,
    /// At most so many, 0 to 1,000; 0 means 100.
    pub max_results: Option<i64>,
    /// Where the page before ended.
    pub next_token: Option<String>,
}

/// A page of Map Runs, the latest first.
#[derive(Clone, Debug)]
pub struct ListedMapRuns {
    /// The page.
    pub map_runs: Vec<MapRunSummary>,
    /// Where the next page begins; `None` for the last.
    pub next_token: Option<String>,
}

/// A Map Run in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MapRunSummary {
    /// That of the execution that asked for it.
    pub execution_arn: String,
    /// Its ARN.
    pub map_run_arn: String,
    /// That of the state machine of its children.
    pub state_machine_arn: String,
    /// When it was started.
    pub start_date: Timestamp,
    /// When it ended.
    pub stop_date: Option<Timestamp>,
}

/// A request for [`Engine::list_map_run_executions`]: `ListExecutions` with a Map Run.
#[derive(Clone, Debug)]
pub struct ListMapRunExecutions {
    /// Of which Map Run.
    pub map_run_arn: String,
    /// Only those that stand like this.
    pub status_filter: Option<ExecutionStatus>,
    /// Only those that were redriven, or were not.
    pub redriven_filter: Option<bool>,
    /// At most so many, 0 to 1,000; 0 means 100.
    pub max_results: Option<i64>,
    /// Where the page before ended.
    pub next_token: Option<String>,
}

/// A request for [`Engine::update_map_run`]. What is absent stays.
#[derive(Clone, Debug)]
pub struct UpdateMapRun {
    /// Which.
    pub map_run_arn: String,
    /// Its new limits.
    pub limits: LimitChange,
}

impl Engine {
    /// `DescribeMapRun`.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`], [`OperationError::ResourceNotFound`].
    pub async fn describe_map_run(&self, arn: &str) -> Result<MapRunDescription, OperationError> {
        let record = self.find_map_run(arn).await?;
        let execution_arn = self.arn_of_key(record.begun.execution).await?;
        let counts = |begun: Counts, total: u64, failures_not_redrivable| MapRunCounts {
            pending: total.saturating_sub(begun.total()),
            begun,
            total,
            failures_not_redrivable,
        };
        let not_redrivable = record.not_redrivable;
        // How many batches there will be is not known before the items are in them.
        let children = record.begun.children.unwrap_or(record.next_child);
        Ok(MapRunDescription {
            execution_arn,
            status: record.status,
            start_date: record.begun.started_at,
            stop_date: record.stopped_at,
            limits: record.begun.limits,
            items: counts(record.items, record.begun.items, not_redrivable.items),
            executions: counts(record.executions, children, not_redrivable.executions),
            redrive_count: record.redrive.map_or(0, |redrive| redrive.count),
            redrive_date: record.redrive.map(|redrive| redrive.at),
            map_run_arn: record.begun.arn,
        })
    }

    /// `ListMapRuns`, the latest first.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such execution, a page token or size that is none.
    pub async fn list_map_runs(
        &self,
        request: ListMapRuns,
    ) -> Result<ListedMapRuns, OperationError> {
        let execution_arn = request.execution_arn;
        let execution = self.find_execution(&execution_arn).await?.key;
        let size = paging::size(request.max_results)?;
        let arguments = ("ListMapRuns", execution.0);
        let before = match &request.next_token {
            Some(token) => MapRunKey(paging::place(arguments, token)?),
            None => MapRunKey::MAX,
        };
        let runs = self.executor.store().map_runs();
        let mut records = runs.map_runs_of(execution, before, size + 1).await?;
        let has_more = records.len() > size;
        records.truncate(size);
        let last = records.last().filter(|_| has_more);
        let next_token = last.map(|last| paging::token(arguments, &last.key.0));
        let summary = |record: MapRunRecord| MapRunSummary {
            execution_arn: execution_arn.clone(),
            state_machine_arn: arn::labelled(&record.begun.arn).0,
            start_date: record.begun.started_at,
            stop_date: record.stopped_at,
            map_run_arn: record.begun.arn,
        };
        Ok(ListedMapRuns {
            map_runs: records.into_iter().map(summary).collect(),
            next_token,
        })
    }

    /// `UpdateMapRun`. What runs goes on; from now on the new limits hold.
    ///
    /// # Errors
    ///
    /// [`OperationError::InvalidArn`], [`OperationError::ResourceNotFound`],
    /// [`OperationError::ValidationFor`] when nothing is given, or the Map Run has ended.
    pub async fn update_map_run(&self, request: UpdateMapRun) -> Result<(), OperationError> {
        let record = self.find_map_run(&request.map_run_arn).await?;
        if request.limits == LimitChange::default() {
            return Err(OperationError::ValidationFor {
                reason: ValidationReason::MissingRequiredParameter,
                message: "Either the maximum concurrency, the tolerated failure percentage, or the tolerated failure count must be specified".to_owned(),
            });
        }
        let runs = self.executor.store().map_runs();
        match runs.limit(record.key, request.limits).await? {
            LimitUpdate::Updated(_) => {
                let map_run = Arc::from(record.begun.arn);
                self.executor.map_run_changed(&map_run);
                Ok(())
            }
            LimitUpdate::Ended(_) => Err(OperationError::ValidationFor {
                reason: ValidationReason::CannotUpdateCompletedMapRun,
                message: format!(
                    "The Map Run has completed and cannot be updated: '{}'",
                    record.begun.arn
                ),
            }),
        }
    }

    /// `ListExecutions` of the children of a Map Run, the latest start first.
    ///
    /// # Errors
    ///
    /// [`OperationError`]: no such Map Run, a page token or size that is none.
    pub async fn list_map_run_executions(
        &self,
        request: ListMapRunExecutions,
    ) -> Result<ListedExecutions, OperationError> {
        let map_run = self.find_map_run(&request.map_run_arn).await?;
        let size = paging::size(request.max_results)?;
        let status = request.status_filter;
        let redriven = request.redriven_filter;
        let arguments = (
            "ListExecutions of a Map Run",
            map_run.key.0,
            status,
            redriven,
        );
        let after = match &request.next_token {
            Some(token) => {
                let (started_at, key): (Timestamp, u64) = paging::place(arguments, token)?;
                let key = ExecutionKey(key);
                Some(ExecutionCursor { started_at, key })
            }
            None => None,
        };
        let filter = ChildFilter {
            map_run: map_run.key,
            status,
            redriven,
            after,
        };
        let runs = self.executor.store().map_runs();
        let mut records = runs.list_children(filter, size + 1).await?;
        let has_more = records.len() > size;
        records.truncate(size);
        let last = records.last().filter(|_| has_more);
        let next_token = last.map(|last| paging::token(arguments, &(last.started_at, last.key.0)));
        let NewMapRun { arn, kind, .. } = &map_run.begun;
        let state_machine_arn = arn::labelled(arn).0;
        let summary = |record: ExecutionRecord| {
            let redrive = Redrive::read(record.details.as_deref());
            ExecutionSummary {
                execution_arn: arn::of_child(arn, *kind, &record.name),
                state_machine_arn: state_machine_arn.clone(),
                name: record.name,
                status: record.status,
                start_date: record.started_at,
                stop_date: record.stopped_at,
                version_arn: None,
                alias_arn: None,
                redrive_count: redrive.map_or(0, |redrive| redrive.count),
                redrive_date: redrive.map(|redrive| redrive.at),
                map_run_arn: Some(arn.clone()),
                item_count: record.child.map(|child| child.items),
            }
        };
        Ok(ListedExecutions {
            executions: records.into_iter().map(summary).collect(),
            next_token,
        })
    }

    /// The Map Run with this ARN.
    async fn find_map_run(&self, arn: &str) -> Result<MapRunRecord, OperationError> {
        Arns::check_map_run(arn)?;
        let found = if self.arns.is_own(arn) {
            let runs = self.executor.store().map_runs();
            runs.map_run_by_arn(arn).await?
        } else {
            None
        };
        found.ok_or_else(|| OperationError::ResourceNotFound {
            resource: arn.to_owned(),
        })
    }

    /// The ARN of the execution with this key.
    async fn arn_of_key(&self, key: ExecutionKey) -> Result<String, OperationError> {
        let unreadable = || OperationError::Journal {
            execution: key.to_string(),
            reason: "its record is gone".to_owned(),
        };
        let store = self.executor.store();
        let record = store.execution(key).await?.ok_or_else(unreadable)?;
        if let Some(child) = record.child {
            let run = store.map_runs().map_run(child.map_run).await?;
            let run = run.ok_or_else(unreadable)?;
            return Ok(arn::of_child(&run.begun.arn, run.begun.kind, &record.name));
        }
        let machine = store.state_machine_by_key(record.state_machine).await?;
        let machine = machine.ok_or_else(unreadable)?;
        Ok(self.arns.execution(&machine.name, &record.name))
    }

    /// Whether an execution is the child that an ARN with this label names, or, without a label,
    /// no child.
    pub(super) async fn has_label(
        &self,
        record: &ExecutionRecord,
        label: Option<&str>,
    ) -> Result<bool, OperationError> {
        let (Some(child), Some(label)) = (record.child, label) else {
            return Ok(record.child.is_none() && label.is_none());
        };
        let runs = self.executor.store().map_runs();
        let run = runs.map_run(child.map_run).await?;
        let run = run.filter(|run| run.begun.kind == StateMachineKind::Standard);
        let own = run.as_ref().and_then(|run| arn::label_of(&run.begun.arn));
        Ok(own.is_some_and(|(_, own)| own == label))
    }

    /// The record of the Express child that an ARN names: all that can be done with one is to
    /// describe it. `None` for the ARN of anything else.
    pub(super) async fn find_express_child(
        &self,
        arn: &str,
    ) -> Result<Option<ExecutionRecord>, OperationError> {
        let Some((map_run, name)) = arn::express_child(arn) else {
            return Ok(None);
        };
        let absent = || OperationError::ExecutionDoesNotExist(arn.to_owned());
        let machine = arn::label_of(&map_run).map_or("", |(machine, _)| machine);
        if !self.arns.is_own(arn) {
            return Err(absent());
        }
        let store = self.executor.store();
        let run = store.map_runs().map_run_by_arn(&map_run).await?;
        let run = run.filter(|run| run.begun.kind == StateMachineKind::Express);
        let run = run.ok_or_else(absent)?;
        let found = store.execution_by_name(machine, name).await?;
        let found = found.filter(|found| found.child.is_some_and(|child| child.map_run == run.key));
        found.map(Some).ok_or_else(absent)
    }

    /// Makes the description of a child's state machine out of that of its whole document: the
    /// processor of the Map state is a state machine of its own.
    pub(super) async fn describe_processor(
        &self,
        record: &ExecutionRecord,
        revision: &Revision,
        description: &mut StateMachineDescription,
    ) -> Result<(), OperationError> {
        let unreadable = |reason: &str| OperationError::Journal {
            execution: record.name.clone(),
            reason: reason.to_owned(),
        };
        let chunks = self.executor.store().journal(record.key, 1, 1).await?;
        let events = chunks
            .first()
            .and_then(|chunk| journal::decode(&chunk.bytes).ok());
        let child_of = events
            .iter()
            .flatten()
            .find_map(|event| {
                if let EventKind::ExecutionStarted(started) = &event.kind {
                    return started.child_of.clone();
                }
                None
            })
            .ok_or_else(|| unreadable("it does not say whose child it is"))?;
        let program = self.executor.program(revision.key).await;
        let program = program.map_err(|error| unreadable(&error.to_string()))?;
        let language = program.machine.find(&child_of.state);
        let language =
            language.map_or(program.machine.query_language, |state| state.query_language);
        let definition = serde_json::from_str(&revision.content.definition)
            .ok()
            .and_then(|document: Value| processor(&document, &child_of.state, language));
        let (state_machine_arn, name) = arn::labelled(&child_of.map_run);
        description.definition = definition.ok_or_else(|| unreadable("its state is gone"))?;
        description.variable_references =
            super::state_machines::variable_references(&description.definition, description.kind);
        description.state_machine_arn = state_machine_arn;
        description.name = name;
        description.label = arn::label_of(&child_of.map_run).map(|(_, label)| label.to_owned());
        description.map_run_arn = Some(child_of.map_run.to_string());
        Ok(())
    }
}

/// The processor of a Map state as a definition, wherever the state stands in its document. A
/// query language that it inherits is its own then.
fn processor(value: &Value, state: &str, inherited: QueryLanguage) -> Option<String> {
    if let Some(map) = value.get("States").and_then(|states| states.get(state)) {
        let found = map.get("ItemProcessor").or_else(|| map.get("Iterator"));
        let mut processor = found?.as_object()?.clone();
        processor.shift_remove("ProcessorConfig");
        if inherited == QueryLanguage::Jsonata {
            let language = processor.entry("QueryLanguage");
            language.or_insert_with(|| Value::from("JSONata"));
        }
        return Some(Value::Object(processor).to_string());
    }
    match value {
        Value::Array(elements) => elements
            .iter()
            .find_map(|inner| processor(inner, state, inherited)),
        Value::Object(members) => members
            .values()
            .find_map(|inner| processor(inner, state, inherited)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
