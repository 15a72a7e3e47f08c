//! An execution: the state machine of a state machine.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use stepwell_language::json::Value;
use stepwell_language::model::{StateId, StateKind, StateMachine, StateName, Task};

use crate::chance::Chance;
use crate::effect::{Effect, MapRunId, RunTask, TaskId};
use crate::event::{Event, ExecutionStarted, FlowId, HistoryId, Sequence};
use crate::failure::Failure;
use crate::input::Input;
use crate::payload::Payload;
use crate::timestamp::Timestamp;

mod flow;
mod apply;
mod inputs;
mod run;
mod failing;
mod redrive;
mod map_runs;
mod surroundings;

use flow::{Activity, Flow, Position, TaskAttempt, TaskPhase};
use run::Turn;

pub use apply::ReplayError;
pub(crate) use failing::caught;
pub use redrive::Redrives;

/// A running, or ended, execution of a state machine.
///
/// The host creates one with [`new`](Self::new), hands it each [`Input`] through
/// [`handle`](Self::handle), makes the events durable that come back, and then, not before, starts
/// the effects that [`take_effects`](Self::take_effects) has. It sets one timer, for
/// [`wake_at`](Self::wake_at). When [`is_cut`](Self::is_cut) says that a chain was cut at its
/// bound, the host appends and hands in [`Input::Continue`].
///
/// After a crash the host creates a new one, [`apply`](Self::apply)s each event of the journal,
/// starts all [`pending_effects`](Self::pending_effects) and hands in [`Input::Continue`].
#[derive(Debug)]
pub struct Execution {
    machine: Arc<StateMachine>,
    mode: Mode,
    limits: Limits,
    started: Option<(Timestamp, Arc<ExecutionStarted>)>,
    /// `Execution` in the context object, once an expression has read it; all of it comes from
    /// the first event and the last redrive.
    context: OnceLock<Value>,
    status: Status,
    /// Number of the next event.
    sequence: Sequence,
    /// Id of the last event that the history shows.
    history: HistoryId,
    /// Number of the next flow.
    next_flow: FlowId,
    flows: BTreeMap<FlowId, Flow>,
    /// Flows that may be able to go on; looked at in this order.
    ready: VecDeque<FlowId>,
    deadlines: BTreeSet<(Timestamp, FlowId)>,
    tasks: BTreeMap<TaskId, FlowId>,
    map_runs: BTreeMap<MapRunId, FlowId>,
    /// Attempts at each state so far, over all flows.
    attempts: BTreeMap<StateName, u32>,
    effects: Vec<Effect>,
    /// Bytes of all variables of all flows.
    variables_size: usize,
    /// Activities that do not exist at present.
    absent_activities: BTreeSet<Arc<str>>,
    /// Whether its state machine is being deleted.
    is_machine_deleted: bool,
    /// How it was brought back after it had ended; nearly always it never was.
    redrives: Option<Box<Redrives>>,
}

/// How an execution is run: its machine's type and the call that started it decide.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// Durably, with a bounded history, for as long as it takes.
    #[default]
    Standard,
    /// In memory, with a history as long as it gets, for five minutes at most.
    Express,
    /// The same, with a caller who waits for the end.
    ExpressSync,
}

impl Mode {
    /// The longest that an execution may take. Source: quotas, "Maximum execution time".
    pub fn duration_max(self) -> Option<Duration> {
        match self {
            Self::Standard => None,
            Self::Express | Self::ExpressSync => Some(Duration::from_mins(5)),
        }
    }
}

/// Bounds of an execution.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Events in the history; the last of them is then an `ExecutionFailed`.
    pub history_events_max: u64,
    /// Events that one call of `handle` decides before it lets them be appended.
    pub chain_events_max: usize,
    /// Bytes of payload that one call of `handle` decides before it lets them be appended.
    pub chain_bytes_max: usize,
}

impl Default for Limits {
    /// AWS's 25,000 events, in chains of 1,000 events or 4 MiB.
    fn default() -> Self {
        Self {
            history_events_max: 25_000,
            chain_events_max: 1_000,
            chain_bytes_max: 4 << 20,
        }
    }
}

/// Where an execution stands, with what it ended with.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// Not ended.
    Running,
    /// Ended well.
    Succeeded {
        /// When.
        at: Timestamp,
        /// What it gave.
        output: Payload,
    },
    /// Ended with an error.
    Failed {
        /// When.
        at: Timestamp,
        /// Error and cause.
        failure: Failure,
    },
    /// Took too long.
    TimedOut {
        /// When.
        at: Timestamp,
        /// Error and cause.
        failure: Failure,
    },
    /// Was stopped.
    Aborted {
        /// When.
        at: Timestamp,
        /// Error and cause.
        failure: Failure,
    },
}

impl Status {
    /// As AWS spells it: `TIMED_OUT`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded { .. } => "SUCCEEDED",
            Self::Failed { .. } => "FAILED",
            Self::TimedOut { .. } => "TIMED_OUT",
            Self::Aborted { .. } => "ABORTED",
        }
    }

    /// What it gave, if it succeeded.
    pub fn output(&self) -> Option<&Payload> {
        match self {
            Self::Succeeded { output, .. } => Some(output),
            Self::Running | Self::Failed { .. } | Self::TimedOut { .. } | Self::Aborted { .. } => {
                None
            }
        }
    }

    /// Error and cause, where the API shows them: the time-out of a whole execution has an error in
    /// its history, but not in its description. So AWS.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed { failure, .. } | Self::Aborted { failure, .. } => Some(failure),
            Self::Running | Self::Succeeded { .. } | Self::TimedOut { .. } => None,
        }
    }
}

/// A task that waits for a worker of its activity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WaitingTask<'a> {
    /// Which.
    pub task: TaskId,
    /// The activity's ARN.
    pub activity: &'a Arc<str>,
    /// Since when.
    pub scheduled_at: Timestamp,
}

impl Execution {
    /// A Standard execution of `machine` that has not begun.
    pub fn new(machine: Arc<StateMachine>, limits: Limits) -> Self {
        Self::in_mode(machine, limits, Mode::Standard)
    }

    /// An execution of `machine` that has not begun. Nobody reads the history of an Express
    /// execution, so its length has no bound.
    pub fn in_mode(machine: Arc<StateMachine>, limits: Limits, mode: Mode) -> Self {
        let history_events_max = match mode {
            Mode::Standard => limits.history_events_max,
            Mode::Express | Mode::ExpressSync => u64::MAX,
        };
        Self {
            machine,
            mode,
            limits: Limits {
                history_events_max,
                ..limits
            },
            started: None,
            context: OnceLock::new(),
            status: Status::Running,
            sequence: Sequence(1),
            history: HistoryId(0),
            next_flow: FlowId::MAIN,
            flows: BTreeMap::new(),
            ready: VecDeque::new(),
            deadlines: BTreeSet::new(),
            tasks: BTreeMap::new(),
            map_runs: BTreeMap::new(),
            attempts: BTreeMap::new(),
            effects: Vec::new(),
            variables_size: 0,
            absent_activities: BTreeSet::new(),
            is_machine_deleted: false,
            redrives: None,
        }
    }

    /// Says which of the activities that the machine names do not exist at present, for the calls of
    /// [`handle`](Self::handle) that follow: no task is scheduled for these.
    pub fn set_absent_activities(&mut self, absent: BTreeSet<Arc<str>>) {
        self.absent_activities = absent;
    }

    /// Says that its state machine is being deleted, for all calls of [`handle`](Self::handle) that
    /// follow: it fails when it would enter its next state or try one again.
    pub fn set_machine_deleted(&mut self) {
        self.is_machine_deleted = true;
    }

    /// Takes `input` in and runs to the next effects; returns the events this led to, in order.
    /// Each is already applied. If they cannot be written, drop this value and replay the
    /// journal: nobody else has seen them.
    ///
    /// An input that no longer matters leads to no events: a result of a task that timed out,
    /// anything for an execution that has ended.
    pub fn handle(&mut self, input: Input, now: Timestamp, chance: &mut Chance) -> Vec<Event> {
        let mut turn = Turn::new(now, chance);
        self.take_in(input, &mut turn);
        self.run(&mut turn);
        turn.into_events()
    }

    /// Takes one event in. `handle` uses the same code for what it decides; replay calls nothing
    /// else.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] when the event cannot follow what came before; the value is then of no use.
    pub fn apply(&mut self, event: &Event) -> Result<(), ReplayError> {
        self.check_and_apply(event)?;
        // Effects of the past are found by `pending_effects`, whatever became of them since.
        self.effects.clear();
        Ok(())
    }

    /// Effects that came up since the last call, to be started once the events are durable.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What the world still owes this execution: the tasks and Map Runs to run. After a replay
    /// these must be started; some may have been started before the crash.
    pub fn pending_effects(&self) -> impl Iterator<Item = Effect> {
        let running = self.is_running().then(|| self.flows.iter());
        running.into_iter().flatten().filter_map(|(id, flow)| {
            if let Some(effect) = self.map_run_effect(*id, flow) {
                return Some(effect);
            }
            let attempt = flow.task()?;
            let visit = flow.visit()?;
            let owed = match attempt.phase {
                TaskPhase::Scheduled => attempt.is_activity,
                // A worker has it; the result comes with its token.
                TaskPhase::Started => !attempt.is_activity,
                TaskPhase::Submitted => false,
            };
            owed.then(|| self.run_task(visit.state, attempt))
        })
    }

    /// When the execution wants [`Input::TimerFired`], if nothing else happens before.
    pub fn wake_at(&self) -> Option<Timestamp> {
        if !self.is_running() {
            return None;
        }
        let flows = self.deadlines.first().map(|(deadline, _)| *deadline);
        self.timeout_at().into_iter().chain(flows).min()
    }

    /// Whether the last chain was cut at its bound, so that [`Input::Continue`] is wanted.
    pub fn is_cut(&self) -> bool {
        self.is_running() && !self.ready.is_empty()
    }

    /// Where it stands.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// How it is run. A child of a Map Run learns that from its first event.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether it has not ended.
    pub fn is_running(&self) -> bool {
        self.status == Status::Running
    }

    /// Whether this task still wants a result.
    pub fn is_open(&self, task: TaskId) -> bool {
        self.tasks.contains_key(&task)
    }

    /// Whether this Map Run still wants a result.
    pub fn is_map_run_open(&self, map_run: MapRunId) -> bool {
        self.map_runs.contains_key(&map_run)
    }

    /// The token of an open task.
    pub fn task_token(&self, task: TaskId) -> Option<&Arc<str>> {
        self.attempt(task)?.token.as_ref()
    }

    /// What an open task is given.
    pub fn task_parameters(&self, task: TaskId) -> Option<&Payload> {
        Some(&self.attempt(task)?.parameters)
    }

    /// Whether this task waits for a worker of its activity to take it up.
    pub fn is_waiting(&self, task: TaskId) -> bool {
        self.attempt(task).is_some_and(TaskAttempt::is_waiting)
    }

    /// The tasks that wait for workers of their activities, in the order of their numbers.
    pub fn waiting_tasks(&self) -> impl Iterator<Item = WaitingTask<'_>> {
        self.tasks.iter().filter_map(|(task, flow)| {
            let flow = self.flows.get(flow)?;
            let attempt = flow.task().filter(|attempt| attempt.is_waiting())?;
            Some(WaitingTask {
                task: *task,
                activity: self.task_of(flow.visit()?.state).resource.arn(),
                scheduled_at: attempt.scheduled_at,
            })
        })
    }

    fn attempt(&self, task: TaskId) -> Option<&TaskAttempt> {
        self.flows.get(self.tasks.get(&task)?)?.task()
    }

    /// What it was started with, and when; `None` before the first event.
    pub fn started(&self) -> Option<(Timestamp, &Arc<ExecutionStarted>)> {
        self.started.as_ref().map(|(at, started)| (*at, started))
    }

    /// The machine it runs.
    pub fn machine(&self) -> &Arc<StateMachine> {
        &self.machine
    }

    /// Number of the next event.
    pub fn next_sequence(&self) -> Sequence {
        self.sequence
    }

    /// Id of the last event that the history shows.
    pub fn last_history_id(&self) -> HistoryId {
        self.history
    }

    /// Roughly the bytes that it keeps in memory. Data that several flows share counts for each.
    pub fn retained_bytes(&self) -> usize {
        /// What an execution, or a flow, takes without its data.
        const FRAME: usize = 1 << 10;
        let flows = self
            .flows
            .values()
            .map(|flow| FRAME + flow.retained_bytes());
        flows.fold(FRAME + self.variables_size, usize::saturating_add)
    }

    /// The names of the states that it is in, in flow order; none once it has ended.
    pub fn current_states(&self) -> impl Iterator<Item = &StateName> {
        let running = self.is_running().then(|| self.flows.values());
        running
            .into_iter()
            .flatten()
            .filter_map(|flow| Some(&self.machine.state(flow.visit()?.state).name))
    }

    fn timeout_at(&self) -> Option<Timestamp> {
        let begun_at = self.begun_at()?;
        // The document's limit is for the execution of the document, not for a Map's children.
        let of_definition = match &self.started.as_ref()?.1.child_of {
            Some(_) => None,
            None => self.machine.timeout_seconds.map(Duration::from_secs),
        };
        let duration = of_definition
            .into_iter()
            .chain(self.mode.duration_max())
            .min()?;
        Some(begun_at.after(duration))
    }

    fn start(&self) -> &Arc<ExecutionStarted> {
        &self
            .started
            .as_ref()
            .expect("the first event starts the execution")
            .1
    }

    fn flow(&self, id: FlowId) -> &Flow {
        self.flows
            .get(&id)
            .expect("a flow that is being run exists")
    }

    /// The definition of the Task state that an attempt belongs to.
    fn task_of(&self, state: StateId) -> &Task {
        match &self.machine.state(state).kind {
            StateKind::Task(task) => task,
            StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Choice(_)
            | StateKind::Parallel(_)
            | StateKind::Map(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => unreachable!("only Task states have attempts"),
        }
    }

    fn run_task(&self, state: StateId, attempt: &TaskAttempt) -> Effect {
        Effect::RunTask(Box::new(RunTask {
            id: attempt.id,
            state: self.machine.state(state).name.clone(),
            resource: self.task_of(state).resource.clone(),
            parameters: attempt.parameters.clone(),
            attempts_before: attempt.attempts_before,
            token: attempt.token.clone(),
            timeout_at: attempt.timeout_at,
        }))
    }
}
