//! Execution logs: the events of executions as JSON lines, as AWS sends them to `CloudWatch`.
//!
//! A state machine's `loggingConfiguration` says which events go to which log group, and
//! [`Configuration`](crate::configuration::Logs) where log groups are written. [`Logs::take`] is called
//! with events once they are durable and never waits; a thread of its own makes lines of them and
//! writes these. What it cannot keep up with is left out, counted, and said.

mod record;
mod settings;
mod writer;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;

use stepwell_interpreter::Execution;
use stepwell_interpreter::event::Event;
use stepwell_language::model::StateMachine;

use crate::configuration;

pub(crate) use settings::LogSettings;

/// Bytes of events that may wait to be written.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// What an event counts besides the payload that it brings in.
const EVENT_BYTES: usize = 256;

/// Takes events in, for as long as it lives; dropping it writes what still waits.
pub(crate) struct Logs {
    /// The state machines that log, by the address of their definition: each revision has one value
    /// of it, which all its executions share and which is kept here.
    followed: RwLock<HashMap<usize, Followed>>,
    /// `None` while it is dropped.
    batches: Option<mpsc::Sender<Batch>>,
    load: Arc<Load>,
    thread: Option<JoinHandle<()>>,
}

/// A definition whose executions are logged.
#[derive(Clone)]
struct Followed {
    machine: Arc<StateMachine>,
    settings: Arc<LogSettings>,
}

/// Events of one execution, on their way to the writer.
struct Batch {
    followed: Followed,
    execution: Arc<str>,
    /// How often it was redriven when they happened.
    redrive_count: u64,
    events: Vec<Event>,
    bytes: usize,
}

/// What waits, and what was left out.
#[derive(Debug, Default)]
struct Load {
    waiting_bytes: AtomicUsize,
    /// Events that were left out since the writer said so last.
    left_out: AtomicU64,
}

impl Logs {
    /// Logs that go where `places` says. `region` is the one that tasks are shown to run in.
    pub(crate) fn start(places: &configuration::Logs, region: &str) -> std::io::Result<Self> {
        let (batches, queue) = mpsc::channel();
        let load = Arc::<Load>::default();
        let writer = writer::Writer::new(places.clone(), region, Arc::clone(&load));
        let thread = std::thread::Builder::new()
            .name("stepwell-logs".to_owned())
            .spawn(move || writer.run(&queue))?;
        Ok(Self {
            followed: RwLock::default(),
            batches: Some(batches),
            load,
            thread: Some(thread),
        })
    }

    /// From now on the executions of this definition are logged.
    pub(crate) fn follow(&self, machine: &Arc<StateMachine>, settings: LogSettings) {
        let followed = Followed {
            machine: Arc::clone(machine),
            settings: Arc::new(settings),
        };
        let mut all = self
            .followed
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        all.insert(address(machine), followed);
    }

    /// Takes in what happened to an execution. Never waits.
    pub(crate) fn take(&self, execution: &Execution, events: &[Event]) {
        let followed = {
            let all = self.followed.read().unwrap_or_else(PoisonError::into_inner);
            all.get(&address(execution.machine())).cloned()
        };
        let (Some(followed), Some((_, started))) = (followed, execution.started()) else {
            return;
        };
        let level = followed.settings.level;
        let events: Vec<Event> = events
            .iter()
            .filter(|event| level.may_show(&event.kind))
            .cloned()
            .collect();
        if events.is_empty() {
            return;
        }
        let bytes = events
            .iter()
            .map(|event| EVENT_BYTES + event.kind.weight())
            .fold(0, usize::saturating_add);
        let before = self.load.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        // What is larger than the whole queue still goes through an empty one.
        if before > 0 && before.saturating_add(bytes) > WAITING_BYTES_MAX {
            self.load.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            let count = events.len() as u64;
            self.load.left_out.fetch_add(count, Ordering::Relaxed);
            return;
        }
        let batch = Batch {
            followed,
            execution: Arc::clone(&started.execution),
            redrive_count: execution.redrives().map_or(0, |redrives| redrives.count),
            events,
            bytes,
        };
        if let Some(batches) = &self.batches {
            let _ = batches.send(batch);
        }
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn address(machine: &Arc<StateMachine>) -> usize {
    Arc::as_ptr(machine).addr()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stepwell_interpreter::event::ExecutionStarted;
    use stepwell_interpreter::execution::Limits;
    use stepwell_interpreter::input::Input;
    use stepwell_interpreter::{Chance, Payload, Timestamp};
    use stepwell_language::model::ExecutionType;
    use stepwell_language::parse::parse;

    use super::*;

    #[test]
    fn what_the_writer_cannot_keep_up_with_is_left_out_and_counted() {
        let (batches, queue) = mpsc::channel();
        let logs = Logs {
            followed: RwLock::default(),
            batches: Some(batches),
            load: Arc::default(),
            thread: None,
        };
        let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}"#;
        let parsed = parse(definition, ExecutionType::Standard);
        let machine = Arc::new(parsed.into_result().unwrap());
        let mut execution = Execution::new(Arc::clone(&machine), Limits::default());
        let started = ExecutionStarted {
            execution: "arn".into(),
            name: "e".into(),
            state_machine: "arn".into(),
            state_machine_name: "m".into(),
            role: "r".into(),
            version: None,
            alias: None,
            test_case: None,
            trace_header: None,
            child_of: None,
            input: Payload::from_value(json!({})),
        };
        let start = Input::Start(Box::new(started));
        let chance = &mut Chance::from_number(1);
        let events = execution.handle(start, Timestamp::EPOCH, chance);
        logs.take(&execution, &events);
        assert!(queue.try_recv().is_err(), "nobody asked for it");

        let group = "arn:aws:logs:us-east-1:123456789012:log-group:a:*";
        let destination = json!({"cloudWatchLogsLogGroup": {"logGroupArn": group}});
        let configuration = json!({"level": "ALL", "destinations": [destination]});
        let settings = LogSettings::read(&configuration).unwrap().unwrap();
        logs.follow(&machine, settings);
        logs.take(&execution, &events);
        assert_eq!(queue.try_recv().unwrap().events.len(), events.len());

        let waiting = &logs.load.waiting_bytes;
        waiting.store(WAITING_BYTES_MAX, Ordering::Relaxed);
        logs.take(&execution, &events);
        assert!(queue.try_recv().is_err());
        assert_eq!(waiting.load(Ordering::Relaxed), WAITING_BYTES_MAX);
        let left_out = logs.load.left_out.load(Ordering::Relaxed);
        assert_eq!(left_out, events.len() as u64);
    }
}
