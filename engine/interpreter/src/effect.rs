//! What the world still owes an execution.

use std::fmt;
use std::sync::Arc;

use stepwell_language::model::{Resource, StateName};

use crate::event::{MapRunStarted, Sequence};
use crate::map_run::MapRunItems;
use crate::payload::Payload;
use crate::timestamp::Timestamp;

/// Names an attempt at a task within its execution: the number of the event that scheduled it.
/// A restart does not change it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TaskId(pub Sequence);

impl fmt::Display for TaskId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.0)
    }
}

/// Work for the host, to be started once the events behind it are durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Run a task and bring its result back.
    RunTask(Box<RunTask>),
    /// Nobody wants the result of this task any more.
    CancelTask(TaskId),
    /// Run the children of a distributed Map and bring their results back.
    StartMapRun(Box<StartMapRun>),
    /// Nobody wants the results of this Map Run any more: its children are to be stopped.
    CancelMapRun(Arc<str>),
}

/// How a Map Run was redriven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MapRunRedrive {
    /// How often, from 1.
    pub count: u64,
    /// The last time.
    pub at: Timestamp,
}

impl MapRunRedrive {
    /// Redrives that a Map Run may have. Source: quotas, "Map Run redrives".
    pub const COUNT_MAX: u64 = 1_000;
}

/// Names a Map Run within its execution: the number of the event that started it, or redrove it
/// last.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MapRunId(pub Sequence);

/// A Map Run to start, or to go on with.
#[derive(Clone, Debug, PartialEq)]
pub struct StartMapRun {
    /// Which.
    pub id: MapRunId,
    /// When it was started.
    pub started_at: Timestamp,
    /// What it was started with.
    pub started: Arc<MapRunStarted>,
    /// How it was redriven, if it was.
    pub redrive: Option<MapRunRedrive>,
    /// What its children are given.
    pub items: Arc<MapRunItems>,
}

/// A task to run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunTask {
    /// Which attempt.
    pub id: TaskId,
    /// At which state.
    pub state: StateName,
    /// What is to be called.
    pub resource: Resource,
    /// What it is given.
    pub parameters: Payload,
    /// How many attempts at this state came before in this execution, from 0.
    pub attempts_before: u32,
    /// With which token somebody outside answers.
    pub token: Option<Arc<str>>,
    /// When the attempt times out.
    pub timeout_at: Option<Timestamp>,
}
