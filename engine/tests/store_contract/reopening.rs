//! What a durable store keeps when its owner is gone. `open` opens the same one each time.

use std::sync::Arc;

use stepwell::store::sqlite::SqliteStore;
use stepwell::store::{
    Append, ExecutionKey, ExecutionStatus, StateMachineRecord, Store, StoreError, Timer,
};

use crate::samples::{all_of, append, at, chunk, create, execution, keys, record, state_machine};
use crate::versions;

#[tokio::test]
async fn sqlite_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    everything_is_there_again(|| Arc::new(SqliteStore::open(&path).unwrap())).await;
}

#[tokio::test]
async fn sqlite_counts_its_owners() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    each_owner_has_a_higher_epoch(|| Arc::new(SqliteStore::open(&path).unwrap())).await;
}

async fn everything_is_there_again(open: impl Fn() -> Arc<dyn Store>) {
    let store = open();
    assert_eq!(store.execution_key_max(), ExecutionKey(0));
    let machine = state_machine(&*store, "machine").await;
    for n in [1, 2, 7] {
        create(&*store, record(&machine, n)).await;
    }
    let mut parked = record(&machine, 2);
    parked.wake_at = Some(at(50));
    store
        .append(append(&*store, &parked, chunk(4, 4)))
        .await
        .unwrap();
    let mut done = record(&machine, 1);
    done.status = ExecutionStatus::Succeeded;
    done.stopped_at = Some(at(9));
    store
        .append(append(&*store, &done, chunk(4, 6)))
        .await
        .unwrap();
    let revision = store.revision(machine.revision).await.unwrap();
    let version = versions::publish(&*store, &machine).await;
    let live = versions::new_alias(&machine, "live", versions::one(1));
    let live = versions::alias(&*store, live).await;
    let tags = "[7]".to_owned();
    let tagged = store.tag_state_machine(machine.key, machine.tags.clone(), tags.clone());
    tagged.await.unwrap();
    let machine = StateMachineRecord { tags, ..machine };
    drop(store);

    let store = open();
    assert_eq!(store.execution_key_max(), ExecutionKey(7));
    assert_eq!(
        store.state_machine("machine").await.unwrap().as_ref(),
        Some(&machine)
    );
    assert_eq!(store.revision(machine.revision).await.unwrap(), revision);
    let found = store.versions().version(machine.key, 1).await.unwrap();
    assert_eq!(found, Some(version));
    let found = store.versions().alias(machine.key, "live").await.unwrap();
    assert_eq!(found, Some(live));
    assert_eq!(
        keys(&store.list_executions(all_of(&machine), 10).await.unwrap()),
        [7, 2, 1]
    );
    assert_eq!(
        keys(&store.open_executions(ExecutionKey(0), 10).await.unwrap()),
        [2, 7]
    );
    assert_eq!(store.execution(ExecutionKey(1)).await.unwrap(), Some(done));
    let journal = store.journal(ExecutionKey(1), 1, 1000).await.unwrap();
    assert_eq!(journal, [chunk(1, 3), chunk(4, 6)]);
    let timer = Timer {
        at: at(50),
        execution: ExecutionKey(2),
    };
    assert_eq!(store.next_timer().await.unwrap(), Some(timer));
    store
        .append(append(&*store, &parked, chunk(5, 5)))
        .await
        .unwrap();
}

async fn each_owner_has_a_higher_epoch(open: impl Fn() -> Arc<dyn Store>) {
    let store = open();
    let first = store.epoch();
    let execution = execution(&*store).await;
    drop(store);
    let store = open();
    assert!(store.epoch() > first);
    let stale = Append {
        epoch: first,
        ..append(&*store, &execution, chunk(4, 4))
    };
    let answer = store.append(stale).await;
    assert!(
        matches!(answer, Err(StoreError::StaleOwner { .. })),
        "{answer:?}"
    );
    store
        .append(append(&*store, &execution, chunk(4, 4)))
        .await
        .unwrap();
}
