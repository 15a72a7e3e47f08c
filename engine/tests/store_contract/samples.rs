//! State machines, executions and chunks to test with.

use std::sync::Arc;

use stepwell::interpreter::Timestamp;
use stepwell::store::{
    Append, Chunk, Conflict, Creation, Epoch, ExecutionFilter, ExecutionKey, ExecutionRecord,
    ExecutionStatus, NewExecution, NewRevision, NewStateMachine, StateMachineCreation,
    StateMachineKind, StateMachineRecord, StateMachineStatus, Store, StoreError,
};

pub(crate) fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(milliseconds)
}

pub(crate) fn revision(id: &str) -> NewRevision {
    NewRevision {
        id: id.to_owned(),
        definition: format!("{{\"Comment\": \"{id}\"}}"),
        role: "arn:aws:iam::123456789012:role/test".to_owned(),
        configuration: "{}".to_owned(),
        created_at: at(7),
    }
}

pub(crate) fn new_state_machine(name: &str) -> NewStateMachine {
    NewStateMachine {
        name: name.to_owned(),
        kind: StateMachineKind::Standard,
        created_at: at(7),
        tags: "[]".to_owned(),
        revision: revision("INITIAL"),
    }
}

pub(crate) async fn state_machine(store: &dyn Store, name: &str) -> StateMachineRecord {
    match store
        .create_state_machine(new_state_machine(name))
        .await
        .unwrap()
    {
        StateMachineCreation::Created(record) => record,
        StateMachineCreation::NameTaken(other) => panic!("the name is taken: {other:?}"),
    }
}

/// The owner of all samples: the first one that joins a fresh store.
pub(crate) const OWNER: Epoch = Epoch(1);

/// Gives a fresh store the owner of all samples.
pub(crate) async fn joined(store: Arc<dyn Store>) -> Arc<dyn Store> {
    let epoch = store.owners().join(Timestamp::MAX).await.unwrap();
    assert_eq!(epoch, OWNER);
    store
}

/// A running execution; `n` is its key and when it started.
pub(crate) fn record(machine: &StateMachineRecord, n: u64) -> ExecutionRecord {
    ExecutionRecord {
        key: ExecutionKey(n),
        state_machine: machine.key,
        revision: machine.revision,
        owner: OWNER,
        name: format!("execution-{n}"),
        status: ExecutionStatus::Running,
        started_at: at(i64::try_from(n).unwrap()),
        stopped_at: None,
        wake_at: None,
        details: None,
        child: None,
    }
}

/// The same, ended.
pub(crate) fn ended(machine: &StateMachineRecord, n: u64) -> ExecutionRecord {
    ExecutionRecord {
        status: ExecutionStatus::Succeeded,
        stopped_at: Some(at(i64::try_from(n).unwrap())),
        ..record(machine, n)
    }
}

/// Begins to delete a state machine, of which an execution runs on.
pub(crate) async fn begin_deletion(store: &dyn Store, machine: &StateMachineRecord) {
    create(store, record(machine, LASTING)).await;
    let status = store.delete_state_machine(machine.key).await.unwrap();
    assert_eq!(status, StateMachineStatus::Deleting);
}

/// Ends that execution, and with it the state machine.
pub(crate) async fn end_deletion(store: &dyn Store, machine: &StateMachineRecord) {
    let ended = append(&ended(machine, LASTING), chunk(4, 4));
    store.append(ended).await.unwrap();
    let status = store.delete_state_machine(machine.key).await.unwrap();
    assert_eq!(status, StateMachineStatus::Deleted);
}

/// The key of the execution that a deletion waits for.
const LASTING: u64 = 1_000;

/// A chunk of as many events as history entries.
pub(crate) fn chunk(first: u64, last: u64) -> Chunk {
    Chunk {
        first,
        last,
        first_history: first,
        last_history: last,
        bytes: format!("{first}-{last}").into_bytes(),
    }
}

pub(crate) fn new_execution(record: ExecutionRecord) -> NewExecution {
    NewExecution {
        record,
        chunks: vec![chunk(1, 3)],
        waiting: Vec::new(),
    }
}

pub(crate) async fn create(store: &dyn Store, record: ExecutionRecord) {
    let created = store.create_execution(new_execution(record)).await.unwrap();
    assert_eq!(created, Creation::Created);
}

/// An execution with key 1 and the journal `chunk(1, 3)`.
pub(crate) async fn execution(store: &dyn Store) -> ExecutionRecord {
    let record = record(&state_machine(store, "machine").await, 1);
    create(store, record.clone()).await;
    record
}

pub(crate) fn append(record: &ExecutionRecord, chunk: Chunk) -> Append {
    Append {
        epoch: record.owner,
        execution: record.key,
        chunk,
        status: record.status,
        stopped_at: record.stopped_at,
        wake_at: record.wake_at,
        details: None,
        letter: None,
        queue: Vec::new(),
    }
}

pub(crate) fn all_of(machine: &StateMachineRecord) -> ExecutionFilter {
    ExecutionFilter {
        state_machine: machine.key,
        status: None,
        redriven: None,
        after: None,
    }
}

pub(crate) fn keys(records: &[ExecutionRecord]) -> Vec<u64> {
    records.iter().map(|record| record.key.0).collect()
}

#[track_caller]
pub(crate) fn check_conflict<T: std::fmt::Debug>(
    answer: Result<T, StoreError>,
    expected: Conflict,
) {
    match answer {
        Err(StoreError::Conflict(found)) => assert_eq!(found, expected),
        other => panic!("expected {expected:?}, found {other:?}"),
    }
}
