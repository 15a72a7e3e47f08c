//! What AWS shows of a journal: the entries of `GetExecutionHistory`.
//!
//! A pure projection, one event at a time. Source: the API's history event types.

use serde_json::{Map, Value, json};
use stepwell_language::model::{Resource, State, StateKind, StateMachine};

use crate::event::{Event, EventKind, ExecutionStarted, FailedPhase, TaskScheduled};
use crate::failure::Failure;
use crate::payload::Payload;

/// One event as `GetExecutionHistory` shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// Its id, from 1.
    pub id: u64,
    /// The id of its causal predecessor, 0 for none.
    pub previous_event_id: u64,
    /// Milliseconds since the epoch.
    pub timestamp_milliseconds: i64,
    /// `PassStateEntered`.
    pub event_type: String,
    /// `stateEnteredEventDetails` and what stands in it; `None` for types without details.
    pub details: Option<(&'static str, Map<String, Value>)>,
}

/// How a history is looked at.
#[derive(Clone, Copy, Debug)]
pub struct HistoryView<'a> {
    /// The machine that the execution runs.
    pub machine: &'a StateMachine,
    /// The region that tasks are shown to run in.
    pub region: &'a str,
    /// Whether inputs and outputs are shown.
    pub include_execution_data: bool,
}

impl HistoryEntry {
    /// The entry in the form that the API sends: time in seconds, absent members left out.
    pub fn into_json(self) -> Value {
        let mut entry = Map::new();
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds of our era fit 53 bits"
        )]
        let seconds = self.timestamp_milliseconds as f64 / 1000.0;
        entry.insert("timestamp".to_owned(), json!(seconds));
        entry.insert("type".to_owned(), Value::String(self.event_type));
        entry.insert("id".to_owned(), json!(self.id));
        entry.insert("previousEventId".to_owned(), json!(self.previous_event_id));
        if let Some((name, details)) = self.details {
            entry.insert(name.to_owned(), Value::Object(details));
        }
        Value::Object(entry)
    }
}

impl HistoryView<'_> {
    /// What AWS shows of an event; `None` for events that it does not show.
    pub fn entry(&self, event: &Event) -> Option<HistoryEntry> {
        let place = event.history.filter(|_| !event.kind.is_hidden())?;
        let state = event
            .state
            .as_ref()
            .and_then(|name| self.machine.find(name));
        let (event_type, details) = self.project(event, state);
        Some(HistoryEntry {
            id: place.id.0,
            previous_event_id: place.previous.0,
            timestamp_milliseconds: event.at.milliseconds(),
            event_type,
            details,
        })
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event, and nothing else"
    )]
    fn project(&self, event: &Event, state: Option<&State>) -> (String, Details) {
        let name = event.state.as_deref().unwrap_or_default();
        let state_type = state.map_or("Pass", |state| state.kind.type_name());
        match &event.kind {
            EventKind::ExecutionStarted(started) => {
                let details = self.started(started);
                (
                    "ExecutionStarted".to_owned(),
                    Some(("executionStartedEventDetails", details)),
                )
            }
            EventKind::ExecutionSucceeded { output } => {
                let details = self.data(Map::new(), "output", output);
                (
                    "ExecutionSucceeded".to_owned(),
                    Some(("executionSucceededEventDetails", details)),
                )
            }
            EventKind::ExecutionFailed(failure) => {
                failed("ExecutionFailed", "executionFailedEventDetails", failure)
            }
            EventKind::ExecutionAborted(failure) => {
                failed("ExecutionAborted", "executionAbortedEventDetails", failure)
            }
            EventKind::ExecutionTimedOut(failure) => failed(
                "ExecutionTimedOut",
                "executionTimedOutEventDetails",
                failure,
            ),
            EventKind::StateEntered { input } => {
                let details = self.data(object([("name", json!(name))]), "input", input);
                (
                    format!("{state_type}StateEntered"),
                    Some(("stateEnteredEventDetails", details)),
                )
            }
            EventKind::StateExited {
                output, assigned, ..
            } => {
                let mut details = self.data(object([("name", json!(name))]), "output", output);
                if !assigned.is_empty() && self.include_execution_data {
                    let variables = assigned
                        .iter()
                        .map(|(name, value)| (name.to_string(), json!(value.text())))
                        .collect();
                    details.insert("assignedVariables".to_owned(), Value::Object(variables));
                    details.insert("assignedVariablesDetails".to_owned(), truncated());
                }
                (
                    format!("{state_type}StateExited"),
                    Some(("stateExitedEventDetails", details)),
                )
            }
            EventKind::StateAborted => (format!("{state_type}StateAborted"), None),
            EventKind::EvaluationFailed { failure, location } => {
                let mut details = failure_details(failure);
                if let Some(location) = location {
                    details.insert("location".to_owned(), json!(**location));
                }
                details.insert("state".to_owned(), json!(name));
                (
                    "EvaluationFailed".to_owned(),
                    Some(("evaluationFailedEventDetails", details)),
                )
            }
            EventKind::TaskScheduled(_)
            | EventKind::TaskStarted { .. }
            | EventKind::TaskSubmitted { .. }
            | EventKind::TaskSucceeded { .. }
            | EventKind::TaskFailed { .. }
            | EventKind::TaskTimedOut { .. } => self.project_task(&event.kind, state),
            EventKind::ParallelStarted { .. } => ("ParallelStateStarted".to_owned(), None),
            EventKind::ParallelSucceeded => ("ParallelStateSucceeded".to_owned(), None),
            EventKind::ParallelFailed(_) => ("ParallelStateFailed".to_owned(), None),
            EventKind::MapStarted { length, .. } => {
                let details = object([("length", json!(length))]);
                (
                    "MapStateStarted".to_owned(),
                    Some(("mapStateStartedEventDetails", details)),
                )
            }
            EventKind::MapIterationStarted { index, .. } => iteration(
                "MapIterationStarted",
                "mapIterationStartedEventDetails",
                name,
                *index,
            ),
            EventKind::MapIterationSucceeded { index } => iteration(
                "MapIterationSucceeded",
                "mapIterationSucceededEventDetails",
                name,
                *index,
            ),
            EventKind::MapIterationFailed { index } => iteration(
                "MapIterationFailed",
                "mapIterationFailedEventDetails",
                name,
                *index,
            ),
            EventKind::MapIterationAborted { index } => iteration(
                "MapIterationAborted",
                "mapIterationAbortedEventDetails",
                name,
                *index,
            ),
            EventKind::MapSucceeded => ("MapStateSucceeded".to_owned(), None),
            EventKind::MapFailed(_) => ("MapStateFailed".to_owned(), None),
            EventKind::ExecutionRedriven { redrive_count, .. } => {
                let details = object([("redriveCount", json!(redrive_count))]);
                (
                    "ExecutionRedriven".to_owned(),
                    Some(("executionRedrivenEventDetails", details)),
                )
            }
            EventKind::MapRunStarted(started) => {
                let details = object([("mapRunArn", json!(*started.map_run))]);
                (
                    "MapRunStarted".to_owned(),
                    Some(("mapRunStartedEventDetails", details)),
                )
            }
            EventKind::MapRunSucceeded { .. } => ("MapRunSucceeded".to_owned(), None),
            EventKind::MapRunFailed(child) => {
                failed("MapRunFailed", "mapRunFailedEventDetails", &child.failure)
            }
            EventKind::MapRunAborted => ("MapRunAborted".to_owned(), None),
            EventKind::MapRunRedriven {
                map_run,
                redrive_count,
            } => {
                let details = object([
                    ("mapRunArn", json!(**map_run)),
                    ("redriveCount", json!(redrive_count)),
                ]);
                (
                    "MapRunRedriven".to_owned(),
                    Some(("mapRunRedrivenEventDetails", details)),
                )
            }
            EventKind::WaitScheduled { .. }
            | EventKind::RetryScheduled { .. }
            | EventKind::TaskHeartbeat => unreachable!("what is hidden has no entry"),
        }
    }

    fn started(&self, started: &ExecutionStarted) -> Map<String, Value> {
        let mut details = self.data(Map::new(), "input", &started.input);
        details.insert("roleArn".to_owned(), json!(*started.role));
        if let Some(alias) = &started.alias {
            details.insert("stateMachineAliasArn".to_owned(), json!(**alias));
        }
        if let Some(version) = &started.version {
            details.insert("stateMachineVersionArn".to_owned(), json!(**version));
        }
        details
    }

    fn project_task(&self, kind: &EventKind, state: Option<&State>) -> (String, Details) {
        let resource = state.and_then(|state| match &state.kind {
            StateKind::Task(task) => Some(&task.resource),
            StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Choice(_)
            | StateKind::Parallel(_)
            | StateKind::Map(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => None,
        });
        match resource {
            Some(Resource::Function { arn }) => self.project_function(kind, arn),
            Some(Resource::Activity { arn }) => self.project_activity(kind, arn),
            Some(Resource::Service {
                service,
                action,
                pattern,
                ..
            }) => {
                let action = format!("{action}{}", pattern.suffix());
                self.project_service(kind, service, &action)
            }
            None => self.project_service(kind, "", ""),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the caller hands in task events only"
    )]
    fn project_function(&self, kind: &EventKind, arn: &str) -> (String, Details) {
        let name = |suffix: &str| format!("LambdaFunction{suffix}");
        match kind {
            EventKind::TaskScheduled(task) => {
                let mut details = self.data(
                    object([("resource", json!(arn))]),
                    "input",
                    &task.parameters,
                );
                timeout(&mut details, task);
                credentials(&mut details, task);
                (
                    name("Scheduled"),
                    Some(("lambdaFunctionScheduledEventDetails", details)),
                )
            }
            EventKind::TaskSucceeded { output } | EventKind::TaskSubmitted { output } => {
                let details = self.data(Map::new(), "output", output);
                (
                    name("Succeeded"),
                    Some(("lambdaFunctionSucceededEventDetails", details)),
                )
            }
            EventKind::TaskFailed { failure, phase } => {
                let (suffix, member) = match phase {
                    FailedPhase::Schedule => {
                        ("ScheduleFailed", "lambdaFunctionScheduleFailedEventDetails")
                    }
                    FailedPhase::Start => ("StartFailed", "lambdaFunctionStartFailedEventDetails"),
                    FailedPhase::Submit | FailedPhase::Run => {
                        ("Failed", "lambdaFunctionFailedEventDetails")
                    }
                };
                (name(suffix), Some((member, failure_details(failure))))
            }
            EventKind::TaskTimedOut { failure, .. } => (
                name("TimedOut"),
                Some((
                    "lambdaFunctionTimedOutEventDetails",
                    failure_details(failure),
                )),
            ),
            _ => (name("Started"), None),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the caller hands in task events only"
    )]
    fn project_activity(&self, kind: &EventKind, arn: &str) -> (String, Details) {
        let name = |suffix: &str| format!("Activity{suffix}");
        match kind {
            EventKind::TaskScheduled(task) => {
                let mut details = self.data(
                    object([("resource", json!(arn))]),
                    "input",
                    &task.parameters,
                );
                timeout(&mut details, task);
                heartbeat(&mut details, task);
                (
                    name("Scheduled"),
                    Some(("activityScheduledEventDetails", details)),
                )
            }
            EventKind::TaskSucceeded { output } | EventKind::TaskSubmitted { output } => {
                let details = self.data(Map::new(), "output", output);
                (
                    name("Succeeded"),
                    Some(("activitySucceededEventDetails", details)),
                )
            }
            EventKind::TaskFailed { failure, phase } => {
                let (suffix, member) = match phase {
                    FailedPhase::Schedule => {
                        ("ScheduleFailed", "activityScheduleFailedEventDetails")
                    }
                    FailedPhase::Start | FailedPhase::Submit | FailedPhase::Run => {
                        ("Failed", "activityFailedEventDetails")
                    }
                };
                (name(suffix), Some((member, failure_details(failure))))
            }
            EventKind::TaskTimedOut { failure, .. } => (
                name("TimedOut"),
                Some(("activityTimedOutEventDetails", failure_details(failure))),
            ),
            EventKind::TaskStarted {
                worker: Some(worker),
            } => {
                let details = object([("workerName", json!(**worker))]);
                (
                    name("Started"),
                    Some(("activityStartedEventDetails", details)),
                )
            }
            _ => (
                name("Started"),
                Some(("activityStartedEventDetails", Map::new())),
            ),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the caller hands in task events only"
    )]
    fn project_service(&self, kind: &EventKind, service: &str, action: &str) -> (String, Details) {
        let mut details = object([
            ("resourceType", json!(service)),
            ("resource", json!(action)),
        ]);
        let (event_type, member) = match kind {
            EventKind::TaskScheduled(task) => {
                details.insert("region".to_owned(), json!(self.region));
                if self.include_execution_data {
                    details.insert("parameters".to_owned(), json!(task.parameters.text()));
                }
                timeout(&mut details, task);
                heartbeat(&mut details, task);
                credentials(&mut details, task);
                ("TaskScheduled", "taskScheduledEventDetails")
            }
            EventKind::TaskSubmitted { output } => {
                details = self.data(details, "output", output);
                ("TaskSubmitted", "taskSubmittedEventDetails")
            }
            EventKind::TaskSucceeded { output } => {
                details = self.data(details, "output", output);
                ("TaskSucceeded", "taskSucceededEventDetails")
            }
            EventKind::TaskFailed { failure, phase } => {
                details.extend(failure_details(failure));
                match phase {
                    FailedPhase::Start => ("TaskStartFailed", "taskStartFailedEventDetails"),
                    FailedPhase::Submit => ("TaskSubmitFailed", "taskSubmitFailedEventDetails"),
                    FailedPhase::Schedule | FailedPhase::Run => {
                        ("TaskFailed", "taskFailedEventDetails")
                    }
                }
            }
            EventKind::TaskTimedOut { failure, .. } => {
                details.extend(failure_details(failure));
                ("TaskTimedOut", "taskTimedOutEventDetails")
            }
            _ => ("TaskStarted", "taskStartedEventDetails"),
        };
        (event_type.to_owned(), Some((member, details)))
    }

    /// Adds a payload as JSON text, with what says that it is whole.
    fn data(
        &self,
        mut details: Map<String, Value>,
        member: &str,
        payload: &Payload,
    ) -> Map<String, Value> {
        if self.include_execution_data {
            details.insert(member.to_owned(), json!(payload.text()));
            details.insert(format!("{member}Details"), truncated());
        }
        details
    }
}

type Details = Option<(&'static str, Map<String, Value>)>;

fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn truncated() -> Value {
    json!({ "truncated": false })
}

fn failure_details(failure: &Failure) -> Map<String, Value> {
    let mut details = Map::new();
    if let Some(error) = &failure.error {
        details.insert("error".to_owned(), json!(**error));
    }
    if let Some(cause) = &failure.cause {
        details.insert("cause".to_owned(), json!(**cause));
    }
    details
}

fn failed(event_type: &str, member: &'static str, failure: &Failure) -> (String, Details) {
    (
        event_type.to_owned(),
        Some((member, failure_details(failure))),
    )
}

fn iteration(event_type: &str, member: &'static str, name: &str, index: u64) -> (String, Details) {
    let details = object([("name", json!(name)), ("index", json!(index))]);
    (event_type.to_owned(), Some((member, details)))
}

/// A member of a scheduled event: how long the task may take, where the definition says so.
fn timeout(details: &mut Map<String, Value>, task: &TaskScheduled) {
    if let Some(seconds) = task.timeout_seconds {
        details.insert("timeoutInSeconds".to_owned(), json!(seconds));
    }
}

/// The time between signs of life, which the event of a function has no member for.
fn heartbeat(details: &mut Map<String, Value>, task: &TaskScheduled) {
    if let Some(seconds) = task.heartbeat_seconds {
        details.insert("heartbeatInSeconds".to_owned(), json!(seconds));
    }
}

/// The role of `Credentials`, which the event of an activity has no member for.
fn credentials(details: &mut Map<String, Value>, task: &TaskScheduled) {
    if let Some(role) = &task.role {
        details.insert("taskCredentials".to_owned(), json!({ "roleArn": **role }));
    }
}
