//! A flow and where it stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use stepwell_language::model::{ScopeId, StateId};

use crate::effect::{MapRunId, MapRunRedrive, TaskId};
use crate::event::{FlowId, HistoryId, MapRunStarted};
use crate::payload::Payload;
use crate::retry::Failed;
use crate::timestamp::Timestamp;

/// A line of control: the main line, a branch, an iteration.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Flow {
    /// The flow whose Parallel or Map state this one runs in, and its number there.
    pub(super) parent: Option<(FlowId, u64)>,
    /// The states it runs through.
    pub(super) scope: ScopeId,
    /// The history event that the next one follows from.
    pub(super) previous: HistoryId,
    /// Variables assigned in this flow.
    pub(super) variables: BTreeMap<Arc<str>, Payload>,
    /// Where it stands.
    pub(super) position: Position,
    /// The deadline that the execution has on its list for this flow.
    pub(super) armed: Option<Timestamp>,
}

/// Where a flow stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Position {
    /// About to enter a state.
    Before {
        /// The state.
        state: StateId,
        /// Its raw input.
        input: Payload,
    },
    /// Inside a state.
    In(Box<Visit>),
    /// Past its last state.
    Ended {
        /// What it gave.
        output: Payload,
    },
}

/// A stay in a state, from its entered event to its exited event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Visit {
    /// The state.
    pub(super) state: StateId,
    /// Its raw input.
    pub(super) input: Payload,
    /// The entered event.
    pub(super) entered: HistoryId,
    /// What the entered event followed from.
    pub(super) before: HistoryId,
    /// When it was entered.
    pub(super) entered_at: Timestamp,
    /// Retries made by each retrier.
    pub(super) retries: Vec<u64>,
    /// What it is doing.
    pub(super) activity: Activity,
}

/// What a state is doing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Activity {
    /// Nothing yet: it is to be looked at.
    Entered,
    /// Waiting for a time.
    Waiting {
        /// Which.
        until: Timestamp,
    },
    /// Waiting for its next attempt.
    Retrying {
        /// When that begins.
        until: Timestamp,
    },
    /// Having a task done.
    Task(TaskAttempt),
    /// Running branches.
    Branches(Branches),
    /// Running iterations.
    Iterations(Iterations),
    /// About to have a Map Run started.
    Items(Items),
    /// Having a Map Run done.
    MapRun(Box<MapRun>),
    /// Its Map Run has ended.
    MapRunEnded {
        /// What it gave, or why it failed.
        outcome: Result<Payload, Box<Failed>>,
        /// The event that says so.
        ended: HistoryId,
        /// The run.
        run: Box<MapRun>,
    },
    /// Its Map Run had ended without success, and is to be redriven.
    MapRunLeft(Box<MapRun>),
    /// Its work has a result, which is to be processed.
    Succeeded {
        /// The result.
        result: Payload,
    },
    /// It failed, and who handles it is to be found out.
    Failed(Box<Failing>),
}

/// A failure whose handler is to be found, with what a redrive goes on from if there is none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failing {
    /// The failure.
    pub(super) failed: Failed,
    /// What the state was doing: the outputs of a Parallel or Map so far.
    pub(super) before: Activity,
    /// The flows inside that were given up, by their numbers.
    pub(super) inside: Vec<(FlowId, Flow)>,
}

/// An attempt at a task.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TaskAttempt {
    /// Which.
    pub(super) id: TaskId,
    /// What the resource is given.
    pub(super) parameters: Payload,
    /// With which token somebody outside answers.
    pub(super) token: Option<Arc<str>>,
    /// How many attempts at this state came before, in the whole execution.
    pub(super) attempts_before: u32,
    /// How far it got.
    pub(super) phase: TaskPhase,
    /// Whether it starts when a worker takes it up, rather than at once.
    pub(super) is_activity: bool,
    /// When it was scheduled.
    pub(super) scheduled_at: Timestamp,
    /// Seconds it may take.
    pub(super) timeout_seconds: Option<u64>,
    /// When it times out. A task of an activity has all the time there is until a worker takes it
    /// up.
    pub(super) timeout_at: Option<Timestamp>,
    /// Seconds between signs of life.
    pub(super) heartbeat_seconds: Option<u64>,
    /// When a sign of life is due.
    pub(super) heartbeat_at: Option<Timestamp>,
}

/// How far a task got.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum TaskPhase {
    /// Nobody has taken it up.
    Scheduled,
    /// Somebody runs it.
    Started,
    /// The service took it; its result is to come.
    Submitted,
}

/// The branches of a Parallel state.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Branches {
    /// The flow of the first; the others follow.
    pub(super) first: FlowId,
    /// What each gave, once it ended.
    pub(super) outputs: Vec<Option<Payload>>,
    /// How many have not ended.
    pub(super) open: usize,
}

/// The iterations of a Map state.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Iterations {
    /// The items: a JSON array.
    pub(super) items: Payload,
    /// What each gave, once it ended.
    pub(super) outputs: Vec<Option<Payload>>,
    /// The next to start.
    pub(super) next: u64,
    /// Iterations at a time.
    pub(super) concurrency_max: u64,
    /// Those that run, by their number.
    pub(super) open: BTreeMap<u64, FlowId>,
    /// How many ended.
    pub(super) ended: u64,
    /// The event that says that the last one to end did; the Map's end follows from it.
    pub(super) last_succeeded: HistoryId,
}

impl TaskAttempt {
    /// Whether it waits for a worker of its activity.
    pub(super) fn is_waiting(&self) -> bool {
        self.is_activity && self.phase == TaskPhase::Scheduled
    }
}

/// What a distributed Map runs over.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Items {
    /// The items: a JSON array.
    pub(super) items: Payload,
    /// Children at a time, where the definition says so.
    pub(super) concurrency_max: Option<u64>,
}

/// A Map Run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MapRun {
    /// Which.
    pub(super) id: MapRunId,
    /// When it was started.
    pub(super) started_at: Timestamp,
    /// What it was started with.
    pub(super) started: Arc<MapRunStarted>,
    /// How it was redriven, if it was.
    pub(super) redrive: Option<MapRunRedrive>,
    /// The items: a JSON array.
    pub(super) items: Payload,
}

impl Flow {
    /// The visit, when the flow is inside a state.
    pub(super) fn visit(&self) -> Option<&Visit> {
        match &self.position {
            Position::In(visit) => Some(visit),
            Position::Before { .. } | Position::Ended { .. } => None,
        }
    }

    /// The visit, to change it.
    pub(super) fn visit_mut(&mut self) -> Option<&mut Visit> {
        match &mut self.position {
            Position::In(visit) => Some(visit),
            Position::Before { .. } | Position::Ended { .. } => None,
        }
    }

    /// Bytes of the variables assigned in this flow.
    pub(super) fn variables_size(&self) -> usize {
        self.variables.values().map(Payload::size).sum()
    }

    /// The task attempt, when the flow waits for one.
    pub(super) fn task(&self) -> Option<&TaskAttempt> {
        match &self.visit()?.activity {
            Activity::Task(attempt) => Some(attempt),
            Activity::Entered
            | Activity::Waiting { .. }
            | Activity::Retrying { .. }
            | Activity::Branches(_)
            | Activity::Iterations(_)
            | Activity::Items(_)
            | Activity::MapRun(_)
            | Activity::MapRunEnded { .. }
            | Activity::MapRunLeft(_)
            | Activity::Succeeded { .. }
            | Activity::Failed(_) => None,
        }
    }

    /// The Map Run, while the flow waits for one.
    pub(super) fn map_run(&self) -> Option<&MapRun> {
        match &self.visit()?.activity {
            Activity::MapRun(run) => Some(run),
            Activity::Entered
            | Activity::Waiting { .. }
            | Activity::Retrying { .. }
            | Activity::Task(_)
            | Activity::Branches(_)
            | Activity::Iterations(_)
            | Activity::Items(_)
            | Activity::MapRunEnded { .. }
            | Activity::MapRunLeft(_)
            | Activity::Succeeded { .. }
            | Activity::Failed(_) => None,
        }
    }

    /// When time alone makes the flow go on.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match &self.visit()?.activity {
            Activity::Waiting { until } | Activity::Retrying { until } => Some(*until),
            Activity::Task(attempt) => attempt
                .timeout_at
                .into_iter()
                .chain(attempt.heartbeat_at)
                .min(),
            Activity::Entered
            | Activity::Branches(_)
            | Activity::Iterations(_)
            | Activity::Items(_)
            | Activity::MapRun(_)
            | Activity::MapRunEnded { .. }
            | Activity::MapRunLeft(_)
            | Activity::Succeeded { .. }
            | Activity::Failed(_) => None,
        }
    }

    /// Roughly the bytes of data that it keeps in memory.
    pub(super) fn retained_bytes(&self) -> usize {
        match &self.position {
            Position::Before { input, .. } => input.size(),
            Position::Ended { output } => output.size(),
            Position::In(visit) => visit.input.size() + visit.activity.retained_bytes(),
        }
    }

    /// Whether the flow can go on without anything from outside.
    pub(super) fn is_runnable(&self) -> bool {
        match &self.position {
            Position::Before { .. } | Position::Ended { .. } => true,
            Position::In(visit) => match &visit.activity {
                Activity::Entered
                | Activity::Items(_)
                | Activity::MapRunEnded { .. }
                | Activity::MapRunLeft(_)
                | Activity::Succeeded { .. }
                | Activity::Failed(_) => true,
                Activity::Task(attempt) => {
                    attempt.phase == TaskPhase::Scheduled && !attempt.is_activity
                }
                Activity::Branches(branches) => branches.open == 0,
                Activity::Iterations(iterations) => {
                    iterations.ended == iterations.outputs.len() as u64 || iterations.has_room()
                }
                Activity::Waiting { .. } | Activity::Retrying { .. } | Activity::MapRun(_) => false,
            },
        }
    }
}

impl Activity {
    fn retained_bytes(&self) -> usize {
        let outputs = |outputs: &[Option<Payload>]| {
            let sizes = outputs.iter().flatten().map(Payload::size);
            sizes.fold(size_of_val(outputs), usize::saturating_add)
        };
        match self {
            Self::Task(attempt) => attempt.parameters.size(),
            Self::Branches(branches) => outputs(&branches.outputs),
            Self::Iterations(iterations) => iterations.items.size() + outputs(&iterations.outputs),
            Self::Succeeded { result } => result.size(),
            Self::Failed(failing) => {
                let inside = failing.inside.iter();
                let inside = inside.map(|(_, flow)| flow.retained_bytes());
                inside.fold(failing.before.retained_bytes(), usize::saturating_add)
            }
            Self::Items(items) => items.items.size(),
            Self::MapRun(run) | Self::MapRunLeft(run) => run.items.size(),
            Self::MapRunEnded { outcome, run, .. } => {
                run.items.size() + outcome.as_ref().map_or(0, Payload::size)
            }
            Self::Entered | Self::Waiting { .. } | Self::Retrying { .. } => 0,
        }
    }
}

impl Visit {
    /// The state failed. What it had got to is kept until the failure is retried or caught;
    /// `inside` are the flows that ran in it.
    pub(super) fn fail(&mut self, failed: Failed, inside: Vec<(FlowId, Flow)>) {
        let (before, mut given_up) = match std::mem::replace(&mut self.activity, Activity::Entered)
        {
            Activity::Failed(failing) => (failing.before, failing.inside),
            before @ (Activity::Branches(_)
            | Activity::Iterations(_)
            | Activity::MapRunLeft(_)
            | Activity::Succeeded { .. }) => (before, Vec::new()),
            Activity::MapRun(run) | Activity::MapRunEnded { run, .. } => {
                (Activity::MapRunLeft(run), Vec::new())
            }
            Activity::Entered
            | Activity::Waiting { .. }
            | Activity::Retrying { .. }
            | Activity::Task(_)
            | Activity::Items(_) => (Activity::Entered, Vec::new()),
        };
        given_up.extend(inside);
        self.activity = Activity::Failed(Box::new(Failing {
            failed,
            before,
            inside: given_up,
        }));
    }
}

impl Iterations {
    /// Whether another iteration may start.
    pub(super) fn has_room(&self) -> bool {
        self.next < self.outputs.len() as u64 && (self.open.len() as u64) < self.concurrency_max
    }
}
