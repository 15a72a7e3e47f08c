//! Whether an execution shows no trace of the kills it went through.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use serde_json::Value;
use stepwell_tests::client::Client;

use crate::workload::{Acknowledged, Kind};

/// Asserts that an execution ended as it should.
pub(crate) fn outcome(started: &Acknowledged, found: &DescribeExecutionOutput) {
    assert_eq!(
        found.status(),
        &ExecutionStatus::Succeeded,
        "{started:?}: {found:?}"
    );
    let json = |text: Option<&str>| -> Value {
        serde_json::from_str(text.unwrap_or_default()).expect("payloads are JSON")
    };
    assert_eq!(json(found.input()), started.input, "{started:?}");
    assert_eq!(json(found.output()), started.output, "{started:?}");
}

/// Every event of an execution.
pub(crate) async fn history_of(client: &Client, arn: &str) -> Vec<HistoryEvent> {
    let mut events = Vec::new();
    let mut token = None;
    loop {
        let history = client.get_execution_history().execution_arn(arn);
        let page = history.max_results(1000).set_next_token(token).send().await;
        let page = page.unwrap_or_else(|error| panic!("{arn}: {error:?}"));
        events.extend(page.events);
        token = page.next_token;
        if token.is_none() {
            return events;
        }
    }
}

/// Asserts that a history is in order, and tells each thing once.
pub(crate) fn history(started: &Acknowledged, events: &[HistoryEvent]) {
    let arn = &started.arn;
    for (index, event) in events.iter().enumerate() {
        let id = i64::try_from(index).expect("there are few events") + 1;
        assert_eq!(event.id(), id, "{arn}: ids count from 1");
        let before = event.previous_event_id();
        assert!((0..id).contains(&before), "{arn}: {event:?}");
        let earlier = &events[index.saturating_sub(1)];
        assert!(event.timestamp() >= earlier.timestamp(), "{arn}: {event:?}");
    }
    let kinds: Vec<&str> = events.iter().map(kind).collect();
    assert_eq!(kinds.first(), Some(&"ExecutionStarted"), "{arn}");
    assert_eq!(kinds.last(), Some(&"ExecutionSucceeded"), "{arn}");
    let of_executions = kinds.iter().filter(|kind| kind.starts_with("Execution"));
    assert_eq!(of_executions.count(), 2, "{arn}: one start and one end");
    states_are_left_once(arn, events);
    tasks_are_answered_once(arn, events);
    assert_eq!(counts(&kinds), expected_counts(started), "{arn}");
    if started.kind == Kind::Wait {
        let [_, entered, exited, _] = events else {
            panic!("{arn}: {kinds:?}")
        };
        let waited = exited.timestamp().as_secs_f64() - entered.timestamp().as_secs_f64();
        let seconds = started.input["seconds"].as_f64().expect("it is a number");
        assert!(waited >= seconds, "{arn}: waited {waited} of {seconds}");
    }
}

fn kind(event: &HistoryEvent) -> &str {
    event.r#type().as_str()
}

/// Each state that was entered was left as often.
fn states_are_left_once(arn: &str, events: &[HistoryEvent]) {
    let mut inside: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        if let Some(entered) = event.state_entered_event_details() {
            *inside.entry(entered.name()).or_default() += 1;
        }
        if let Some(exited) = event.state_exited_event_details() {
            let left = inside.get_mut(exited.name());
            let left = left.unwrap_or_else(|| panic!("{arn}: left before entered: {event:?}"));
            *left = left
                .checked_sub(1)
                .unwrap_or_else(|| panic!("{arn}: left twice: {event:?}"));
        }
    }
    assert!(inside.values().all(|inside| *inside == 0), "{arn}");
}

/// Each task that was scheduled was started once, and has one result.
fn tasks_are_answered_once(arn: &str, events: &[HistoryEvent]) {
    let before = |event: &HistoryEvent| {
        let index = usize::try_from(event.previous_event_id() - 1).expect("something was before");
        &events[index]
    };
    let (mut started, mut answered) = (BTreeMap::new(), BTreeMap::new());
    for event in events {
        match kind(event) {
            "TaskStarted" | "LambdaFunctionStarted" => {
                assert!(
                    kind(before(event)).ends_with("Scheduled"),
                    "{arn}: {event:?}"
                );
                *started.entry(before(event).id()).or_default() += 1;
            }
            "TaskSucceeded" | "LambdaFunctionSucceeded" | "TaskFailed" | "LambdaFunctionFailed" => {
                let start = before(event);
                assert!(kind(start).ends_with("Started"), "{arn}: {event:?}");
                *answered.entry(before(start).id()).or_default() += 1;
            }
            _ => {}
        }
    }
    let scheduled = events.iter().filter(|event| is_scheduled(event));
    let once: BTreeMap<i64, usize> = scheduled.map(|event| (event.id(), 1)).collect();
    assert_eq!(started, once, "{arn}: starts by scheduled task");
    assert_eq!(answered, once, "{arn}: results by scheduled task");
}

fn is_scheduled(event: &HistoryEvent) -> bool {
    matches!(kind(event), "TaskScheduled" | "LambdaFunctionScheduled")
}

fn counts(kinds: &[&str]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for kind in kinds {
        *counts.entry((*kind).to_owned()).or_default() += 1;
    }
    counts
}

/// How often each type of event has to be there.
fn expected_counts(started: &Acknowledged) -> BTreeMap<String, usize> {
    let rounds = || {
        let until = started.input["until"].as_u64().expect("it is a number");
        usize::try_from(until).expect("it is small")
    };
    let inner: Vec<(&str, usize)> = match started.kind {
        Kind::Wait => vec![("WaitStateEntered", 1), ("WaitStateExited", 1)],
        Kind::Loop => vec![
            ("ChoiceStateEntered", rounds() + 1),
            ("ChoiceStateExited", rounds() + 1),
            ("PassStateEntered", rounds()),
            ("PassStateExited", rounds()),
            ("SucceedStateEntered", 1),
            ("SucceedStateExited", 1),
        ],
        Kind::Tasks => vec![
            ("LambdaFunctionScheduled", 1),
            ("LambdaFunctionStarted", 1),
            ("LambdaFunctionSucceeded", 1),
            ("MapStateEntered", 1),
            ("MapStateStarted", 1),
            ("MapIterationStarted", 3),
            ("TaskStateEntered", 4),
            ("TaskScheduled", 3),
            ("TaskStarted", 3),
            ("TaskSucceeded", 3),
            ("TaskStateExited", 4),
            ("MapIterationSucceeded", 3),
            ("MapStateSucceeded", 1),
            ("MapStateExited", 1),
        ],
        Kind::Retry => vec![
            ("TaskStateEntered", 1),
            ("LambdaFunctionScheduled", 3),
            ("LambdaFunctionStarted", 3),
            ("LambdaFunctionFailed", 2),
            ("LambdaFunctionSucceeded", 1),
            ("TaskStateExited", 1),
        ],
    };
    let outer = [("ExecutionStarted", 1), ("ExecutionSucceeded", 1)];
    outer
        .into_iter()
        .chain(inner)
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| (kind.to_owned(), count))
        .collect()
}

/// The names of all executions of a machine, in order.
pub(crate) async fn listed(client: &Client, kind: Kind) -> Vec<String> {
    let machine = kind.machine();
    let arn = format!("arn:aws:states:us-east-1:123456789012:stateMachine:{machine}");
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        let list = client.list_executions().state_machine_arn(&arn);
        let page = list.max_results(100).set_next_token(token).send().await;
        let page = page.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        names.extend(page.executions.into_iter().map(|entry| entry.name));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    names.sort();
    names
}

/// What the function noted: the ids of the tasks it was given, by execution.
pub(crate) struct Ledger(BTreeMap<String, Vec<String>>);

impl Ledger {
    /// Reads lines of `<execution>#<task>`.
    pub(crate) fn read(text: &str) -> Self {
        let mut tasks: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in text.lines() {
            let (execution, task) = line.split_once('#').expect("a task has an execution");
            tasks
                .entry(execution.to_owned())
                .or_default()
                .push(task.to_owned());
        }
        Self(tasks)
    }

    /// How often a task was run that had been run before.
    pub(crate) fn repetitions(&self) -> usize {
        let of_execution = |tasks: &Vec<String>| {
            let ids: BTreeSet<&String> = tasks.iter().collect();
            tasks.len() - ids.len()
        };
        self.0.values().map(of_execution).sum()
    }

    /// Asserts that the function was given each task of an execution, under one id, however often.
    pub(crate) fn check(&self, started: &Acknowledged, events: &[HistoryEvent]) {
        let noted = self.0.get(&started.arn).map_or(&[][..], Vec::as_slice);
        let ids: BTreeSet<&String> = noted.iter().collect();
        let scheduled = events.iter().filter(|event| is_scheduled(event)).count();
        assert_eq!(ids.len(), scheduled, "{}: {noted:?}", started.arn);
    }
}
