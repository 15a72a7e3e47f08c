//! Many callers at once.

use std::sync::Arc;

use futures_util::future::join_all;
use stepwell::store::{Creation, ExecutionKey, ExecutionRecord, Store};

use crate::samples::{append, chunk, execution, new_execution, record, state_machine};

pub(crate) async fn many_creations_at_once_are_all_there(store: Arc<dyn Store>) {
    const COUNT: u64 = 500;
    let machine = state_machine(&*store, "machine").await;
    let before = store.counters();
    let creations = (1..=COUNT).map(|n| store.create_execution(new_execution(record(&machine, n))));
    for answer in join_all(creations).await {
        assert_eq!(answer.unwrap(), Creation::Created);
    }
    let open = store.open_executions(ExecutionKey(0), 1000).await.unwrap();
    assert_eq!(open.len() as u64, COUNT);
    let after = store.counters();
    assert_eq!(after.writes - before.writes, COUNT);
    assert!(after.batches > before.batches);
    assert!(after.batches - before.batches <= COUNT);
    assert!(after.batch_max <= COUNT);
}

pub(crate) async fn a_name_is_given_once(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let creations = (1..=50).map(|n| {
        let record = ExecutionRecord {
            name: "same".to_owned(),
            ..record(&machine, n)
        };
        store.create_execution(new_execution(record))
    });
    let answers: Vec<_> = join_all(creations)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let created = answers
        .iter()
        .filter(|answer| **answer == Creation::Created)
        .count();
    assert_eq!(created, 1);
    let winner = store
        .execution_by_name("machine", "same")
        .await
        .unwrap()
        .unwrap();
    for answer in answers {
        match answer {
            Creation::Created => {}
            Creation::NameTaken(other) => assert_eq!(other, winner),
            Creation::StateMachineDeleting => panic!("nobody deletes it"),
        }
    }
}

pub(crate) async fn a_dropped_write_breaks_nothing(store: Arc<dyn Store>) {
    let execution = execution(&*store).await;
    let write = store.append(append(&execution, chunk(4, 4)));
    // Polled once, so that it is on its way.
    futures_util::future::select(write, std::future::ready(())).await;
    // It may have been written or not; the journal has no gap either way.
    let last = store.last_chunk(execution.key).await.unwrap().unwrap().last;
    let answer = store
        .append(append(&execution, chunk(last + 1, last + 1)))
        .await;
    let last = store.last_chunk(execution.key).await.unwrap().unwrap().last;
    let journal = store.journal(execution.key, 1, 1000).await.unwrap();
    assert_eq!(journal.last().unwrap().last, last);
    assert!(answer.is_ok() || last == 4, "{answer:?}");
}
