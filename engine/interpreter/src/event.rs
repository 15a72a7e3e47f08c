//! What happened: the facts that make up a journal.
//!
//! Replaying a journal means applying its events one by one; no expression is evaluated again, so
//! an event carries whatever was computed. This module is also the format of the journal on disk,
//! where fields stand without their names: a new one is added as the last, with a default. See
//! [`journal`](crate::journal) for how a run of events is written.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stepwell_language::model::StateName;

use crate::failure::{Failure, FailureClass};
use crate::timestamp::Timestamp;

/// Number of an event in its journal, from 1, without gaps.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Number of an event in the history that AWS shows: 1, 2, 3 …; 0 stands for no event.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct HistoryId(pub u64);

/// A line of control: the main line, a branch of a Parallel, an iteration of a Map.
/// Numbers are given in order and never used again within an execution.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct FlowId(pub u64);

impl FlowId {
    /// The main line.
    pub const MAIN: Self = Self(0);
}

/// Its place in the history that AWS shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct HistoryPlace {
    /// Its id.
    pub id: HistoryId,
    /// The id of its causal predecessor.
    pub previous: HistoryId,
}

/// A recorded fact. `P` is how payloads are held, and `N` how the names of states are: as themselves
/// in memory, as numbers of entries in a chunk's tables in a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event<P = crate::Payload, N = StateName> {
    /// Its number in the journal.
    pub sequence: Sequence,
    /// When it happened.
    pub at: Timestamp,
    /// The flow it belongs to.
    pub flow: FlowId,
    /// Its place in the history; `None` for facts that AWS does not show.
    pub history: Option<HistoryPlace>,
    /// The state it is about; `None` for facts about the whole execution.
    pub state: Option<N>,
    /// What happened.
    pub kind: EventKind<P, N>,
}

/// What happened. Named after AWS's history events where there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EventKind<P = crate::Payload, N = StateName> {
    /// The execution began; always the first event.
    ExecutionStarted(Box<ExecutionStarted<P>>),
    /// It ended well.
    ExecutionSucceeded {
        /// What it gave.
        output: P,
    },
    /// It ended with an error.
    ExecutionFailed(Failure),
    /// Somebody stopped it.
    ExecutionAborted(Failure),
    /// It took longer than its machine allows.
    ExecutionTimedOut(Failure),

    /// A flow came to a state.
    StateEntered {
        /// The raw input.
        input: P,
    },
    /// A flow left its state.
    StateExited {
        /// The output, which the next state takes in.
        output: P,
        /// Variables that got a value, by name.
        assigned: Vec<(Arc<str>, P)>,
        /// Where the flow goes; `None` ends it.
        next: Option<N>,
    },
    /// The flow's state was given up because something beside it failed.
    StateAborted,
    /// An expression failed.
    EvaluationFailed {
        /// Error and cause.
        failure: Failure,
        /// The field: `Output/result`.
        location: Option<Arc<str>>,
    },

    /// A Wait state knows when it ends. Not shown by AWS.
    WaitScheduled {
        /// When it ends.
        until: Timestamp,
    },
    /// A failure will be tried again. Whatever ran inside the state is gone. Not shown by AWS.
    RetryScheduled {
        /// The retrier's position in `Retry`.
        retrier: u32,
        /// When the next attempt begins.
        until: Timestamp,
        /// The event of the failure: the next attempt follows from it.
        failed_by: HistoryId,
    },

    /// A task waits to be run.
    TaskScheduled(Box<TaskScheduled<P>>),
    /// Somebody runs it.
    TaskStarted {
        /// The activity worker's name.
        worker: Option<Arc<str>>,
    },
    /// It gave a sign of life. Not shown by AWS.
    TaskHeartbeat,
    /// The service took it and answered; its result is still to come.
    TaskSubmitted {
        /// What the service answered.
        output: P,
    },
    /// It has a result.
    TaskSucceeded {
        /// The result.
        output: P,
    },
    /// It failed.
    TaskFailed {
        /// Error and cause.
        failure: Failure,
        /// At which point.
        phase: FailedPhase,
    },
    /// It took too long, or missed a heartbeat.
    TaskTimedOut {
        /// Error and cause.
        failure: Failure,
        /// Whether a heartbeat was missed.
        heartbeat: bool,
    },

    /// A Parallel state opened its branches; their flows are numbered from `first` on.
    ParallelStarted {
        /// The flow of the first branch.
        first: FlowId,
        /// What each branch takes in.
        input: P,
    },
    /// All branches ended well.
    ParallelSucceeded,
    /// A branch failed, and its failure is not retried.
    ParallelFailed(ChildFailure),

    /// A Map state knows its items.
    MapStarted {
        /// The items: a JSON array.
        items: P,
        /// How many.
        length: u64,
        /// Iterations at a time; `None`: no limit of the definition's.
        concurrency_max: Option<u64>,
    },
    /// An iteration began; it is the flow of this event.
    MapIterationStarted {
        /// The flow of the Map state.
        map: FlowId,
        /// Which item.
        index: u64,
        /// What its first state takes in.
        input: P,
    },
    /// An iteration ended well.
    MapIterationSucceeded {
        /// Which item.
        index: u64,
    },
    /// An iteration failed.
    MapIterationFailed {
        /// Which item.
        index: u64,
    },
    /// An iteration was given up.
    MapIterationAborted {
        /// Which item.
        index: u64,
    },
    /// All iterations ended well.
    MapSucceeded,
    /// An iteration failed, and its failure is not retried.
    MapFailed(ChildFailure),

    /// The execution had ended without success, and goes on from the states that had not ended.
    ExecutionRedriven {
        /// How many times that has happened, this time included.
        redrive_count: u64,
        /// What named the request.
        client_token: Option<Arc<str>>,
    },
    /// A distributed Map has its children run: executions of their own.
    MapRunStarted(Box<MapRunStarted>),
    /// All children have ended, and enough of them well.
    MapRunSucceeded {
        /// Their results.
        output: P,
    },
    /// Too many children failed, or the run could not go on.
    MapRunFailed(ChildFailure),
    /// The run is given up with its state.
    MapRunAborted,
    /// A run that had ended without success goes on, as its execution was redriven.
    MapRunRedriven {
        /// Its ARN.
        map_run: Arc<str>,
        /// How many times that has happened, this time included.
        redrive_count: u64,
    },
}

/// A Map Run as its state asked for it. Its limits may be changed while it runs, which is no
/// event of this execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapRunStarted {
    /// Its ARN.
    pub map_run: Arc<str>,
    /// How many children may run at a time, 0 for no limit of the definition's.
    pub concurrency_max: u64,
    /// Failed items in percent that it survives.
    pub tolerated_failure_percentage: f64,
    /// Failed items that it survives.
    pub tolerated_failure_count: u64,
    /// Items of one child at most, where they come in batches.
    pub batch_items_max: Option<u64>,
    /// Bytes of one child's input at most, where items come in batches.
    pub batch_bytes_max: Option<u64>,
}

/// The failure that a branch or an iteration ended with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChildFailure {
    /// Error and cause.
    pub failure: Failure,
    /// Where it came from.
    pub class: FailureClass,
}

impl EventKind {
    /// Bytes of payload that the event brings in, to keep chains within bounds. An event that
    /// only repeats what another brought in counts nothing.
    pub fn weight(&self) -> usize {
        match self {
            Self::StateExited {
                output, assigned, ..
            } => assigned
                .iter()
                .map(|(_, value)| value.size())
                .fold(output.size(), usize::saturating_add),
            Self::TaskSubmitted { output }
            | Self::TaskSucceeded { output }
            | Self::MapRunSucceeded { output } => output.size(),
            Self::TaskScheduled(task) => task.parameters.size(),
            Self::MapStarted { items, .. } => items.size(),
            Self::ParallelStarted { input, .. } | Self::MapIterationStarted { input, .. } => {
                input.size()
            }
            Self::ExecutionStarted(_)
            | Self::ExecutionSucceeded { .. }
            | Self::ExecutionFailed(_)
            | Self::ExecutionAborted(_)
            | Self::ExecutionTimedOut(_)
            | Self::StateEntered { .. }
            | Self::StateAborted
            | Self::EvaluationFailed { .. }
            | Self::WaitScheduled { .. }
            | Self::RetryScheduled { .. }
            | Self::TaskStarted { .. }
            | Self::TaskHeartbeat
            | Self::TaskFailed { .. }
            | Self::TaskTimedOut { .. }
            | Self::ParallelSucceeded
            | Self::ParallelFailed(_)
            | Self::MapIterationSucceeded { .. }
            | Self::MapIterationFailed { .. }
            | Self::MapIterationAborted { .. }
            | Self::MapSucceeded
            | Self::MapFailed(_)
            | Self::ExecutionRedriven { .. }
            | Self::MapRunStarted(_)
            | Self::MapRunFailed(_)
            | Self::MapRunAborted
            | Self::MapRunRedriven { .. } => 0,
        }
    }

    /// Whether AWS has no event like this, so that the history never shows it.
    pub(crate) fn is_hidden(&self) -> bool {
        matches!(
            self,
            Self::WaitScheduled { .. } | Self::RetryScheduled { .. } | Self::TaskHeartbeat
        )
    }

    /// Whether this ends the execution.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::ExecutionSucceeded { .. }
                | Self::ExecutionFailed(_)
                | Self::ExecutionAborted(_)
                | Self::ExecutionTimedOut(_)
        )
    }
}

/// The first event of a journal: all that an execution has to know about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionStarted<P = crate::Payload> {
    /// The execution's ARN.
    pub execution: Arc<str>,
    /// The execution's name.
    pub name: Arc<str>,
    /// The state machine's ARN, without version or alias.
    pub state_machine: Arc<str>,
    /// The state machine's name.
    pub state_machine_name: Arc<str>,
    /// The role it runs under; nothing checks it.
    pub role: Arc<str>,
    /// The version it was started by.
    pub version: Option<Arc<str>>,
    /// The alias it was started by.
    pub alias: Option<Arc<str>>,
    /// The test case of the mock configuration that stands in for its tasks.
    pub test_case: Option<Arc<str>>,
    /// The trace header of the start call.
    pub trace_header: Option<Arc<str>>,
    /// Its input.
    pub input: P,
    /// The Map Run that it is a child of.
    #[serde(default)]
    pub child_of: Option<ChildOf>,
}

/// The Map Run that an execution is a child of. Such an execution runs the processor of a Map state
/// of its machine.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ChildOf {
    /// The Map Run's ARN.
    pub map_run: Arc<str>,
    /// The Map state.
    pub state: Arc<str>,
    /// Which child it is, from 0.
    pub index: u64,
}

/// What a task needs to be run, and run again after a crash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskScheduled<P = crate::Payload> {
    /// What the resource is given.
    pub parameters: P,
    /// Seconds the attempt may take, where the definition says so.
    pub timeout_seconds: Option<u64>,
    /// Seconds between signs of life, where the definition says so.
    pub heartbeat_seconds: Option<u64>,
    /// The token with which somebody outside answers.
    pub token: Option<Arc<str>>,
    /// The role of `Credentials`.
    pub role: Option<Arc<str>>,
}

/// At which point a task failed: AWS has an event type for each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub enum FailedPhase {
    /// It could not be scheduled: `LambdaFunctionScheduleFailed`, `ActivityScheduleFailed`.
    Schedule,
    /// It could not be started: `TaskStartFailed`, `LambdaFunctionStartFailed`.
    Start,
    /// The service refused it: `TaskSubmitFailed`.
    Submit,
    /// It ran and failed.
    #[default]
    Run,
}
