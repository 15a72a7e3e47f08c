//! A host without a world: tasks are answered by a script, time jumps to the next deadline.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use stepwell_interpreter::effect::{Effect, RunTask};
use stepwell_interpreter::event::{Event, ExecutionStarted};
use stepwell_interpreter::execution::{Limits, Status};
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::history::HistoryView;
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Chance, Execution, Payload, Timestamp};
use stepwell_language::model::{ExecutionType, StateMachine};
use stepwell_language::parse::parse;

/// What becomes of a task.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// It has this result.
    Return(Value),
    /// It fails with this error.
    Throw(&'static str),
    /// Nobody ever answers.
    Silence,
}

/// An execution with its host.
pub(crate) struct World {
    pub(crate) execution: Execution,
    pub(crate) journal: Vec<Event>,
    pub(crate) now: Timestamp,
    chance: Chance,
    answers: VecDeque<Answer>,
    limits: Limits,
}

/// The machine of a definition that has to be valid.
#[track_caller]
pub(crate) fn machine(definition: &Value) -> Arc<StateMachine> {
    let parsed = parse(&definition.to_string(), ExecutionType::Standard);
    Arc::new(parsed.into_result().expect("the definition is valid"))
}

/// Its history, which is what a failing test wants to see.
impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.history()).finish()
    }
}

impl World {
    /// An execution of `definition` that has been started with `input` and has run to its first
    /// effects.
    #[track_caller]
    pub(crate) fn start(definition: &Value, input: Value, answers: &[Answer]) -> Self {
        Self::with_limits(definition, input, answers, Limits::default())
    }

    #[track_caller]
    pub(crate) fn with_limits(
        definition: &Value,
        input: Value,
        answers: &[Answer],
        limits: Limits,
    ) -> Self {
        let mut world = Self {
            execution: Execution::new(machine(definition), limits),
            journal: Vec::new(),
            now: Timestamp::EPOCH,
            chance: Chance::from_number(7),
            answers: answers.iter().cloned().collect(),
            limits,
        };
        world.handle(Input::Start(Box::new(ExecutionStarted {
            execution: "arn:aws:states:us-east-1:123456789012:execution:m:e".into(),
            name: "e".into(),
            state_machine: "arn:aws:states:us-east-1:123456789012:stateMachine:m".into(),
            state_machine_name: "m".into(),
            role: "arn:aws:iam::123456789012:role/r".into(),
            version: None,
            alias: None,
            test_case: None,
            trace_header: None,
            input: Payload::from_value(input),
            child_of: None,
        })));
        world
    }

    /// Hands an input in; chains that are cut at their bound go on.
    pub(crate) fn handle(&mut self, input: Input) {
        let mut input = Some(input);
        while let Some(next) = input.take() {
            self.journal
                .extend(self.execution.handle(next, self.now, &mut self.chance));
            if self.execution.is_cut() {
                input = Some(Input::Continue);
            }
        }
    }

    /// Redrives it, with new answers for its tasks, and lets it run.
    pub(crate) fn redrive(mut self, answers: &[Answer]) -> Self {
        self.answers = answers.iter().cloned().collect();
        self.execution.take_effects();
        self.handle(Input::Redrive { client_token: None });
        self.run()
    }

    /// Answers the first open tasks and stops the execution.
    pub(crate) fn stop(mut self) -> Self {
        let effects = self.execution.take_effects();
        for effect in effects {
            if let Effect::RunTask(task) = effect
                && let Some(input) = self.answer(&task)
            {
                self.handle(input);
            }
        }
        self.handle(Input::Stop(Failure::new("Stopped", "by hand")));
        self
    }

    /// Answers tasks and lets time pass until nothing more happens.
    pub(crate) fn run(mut self) -> Self {
        loop {
            let effects = self.execution.take_effects();
            let tasks: Vec<RunTask> = effects
                .into_iter()
                .filter_map(|effect| match effect {
                    Effect::RunTask(task) => Some(*task),
                    Effect::CancelTask(_) | Effect::StartMapRun(_) | Effect::CancelMapRun(_) => {
                        None
                    }
                })
                .collect();
            let mut is_answered = false;
            for task in tasks {
                if let Some(input) = self.answer(&task) {
                    self.handle(input);
                    is_answered = true;
                }
            }
            if is_answered {
                continue;
            }
            match self.execution.wake_at() {
                Some(at) => {
                    self.now = self.now.max(at);
                    self.handle(Input::TimerFired);
                }
                None => return self,
            }
        }
    }

    fn answer(&mut self, task: &RunTask) -> Option<Input> {
        let task = task.id;
        match self.answers.pop_front().unwrap_or(Answer::Silence) {
            Answer::Return(output) => Some(Input::TaskSucceeded {
                task,
                output: Payload::from_value(output),
            }),
            Answer::Throw(error) => Some(Input::TaskFailed {
                task,
                failure: Failure::new(error, "because"),
            }),
            Answer::Silence => None,
        }
    }

    /// The same execution, brought back from the first `kept` events of its journal.
    pub(crate) fn resume(&self, kept: usize) -> Execution {
        let mut execution = Execution::new(Arc::clone(self.execution.machine()), self.limits);
        for event in &self.journal[..kept] {
            execution
                .apply(event)
                .expect("its own journal can be replayed");
        }
        execution
    }

    /// The history in short: `id<-previous Type[index]`, one event per line.
    pub(crate) fn history(&self) -> Vec<String> {
        let view = HistoryView {
            machine: self.execution.machine(),
            region: "us-east-1",
            include_execution_data: true,
        };
        self.journal
            .iter()
            .filter_map(|event| view.entry(event))
            .map(|entry| {
                let index = entry
                    .details
                    .as_ref()
                    .and_then(|(_, details)| details.get("index"))
                    .map(|index| format!("[{index}]"))
                    .unwrap_or_default();
                format!(
                    "{}<-{} {}{index}",
                    entry.id, entry.previous_event_id, entry.event_type
                )
            })
            .collect()
    }

    /// What it ended with: its output, or `Error: cause`.
    pub(crate) fn outcome(&self) -> Result<Value, String> {
        match self.execution.status() {
            Status::Succeeded { output, .. } => Ok(output.value().into()),
            Status::Running => Err("still running".to_owned()),
            Status::Failed { failure, .. }
            | Status::TimedOut { failure, .. }
            | Status::Aborted { failure, .. } => Err(format!(
                "{}: {}",
                failure.error.as_deref().unwrap_or("-"),
                failure.cause.as_deref().unwrap_or("-")
            )),
        }
    }
}
