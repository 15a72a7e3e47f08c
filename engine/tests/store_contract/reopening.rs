//! What a durable store keeps when its owner is gone. `open` opens the same one each time.

use std::sync::Arc;

use stepwell::interpreter::Timestamp;
use stepwell::store::sqlite::SqliteStore;
use stepwell::store::{
    Claim, ExecutionKey, ExecutionRecord, ExecutionStatus, LetterKey, NewExecution,
    StateMachineRecord, Store, StoreError, Timer, Window,
};

use crate::samples::{
    OWNER, all_of, append, at, chunk, create, joined, keys, new_execution, record, state_machine,
};
use crate::{activities, versions};

#[tokio::test]
async fn sqlite_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    everything_is_there_again(|| Arc::new(SqliteStore::open(&path).unwrap())).await;
}

async fn everything_is_there_again(open: impl Fn() -> Arc<dyn Store>) {
    let store = joined(open()).await;
    let machine = state_machine(&*store, "machine").await;
    for n in [1, 2, 7] {
        create(&*store, record(&machine, n)).await;
    }
    let mut parked = record(&machine, 2);
    parked.wake_at = Some(at(50));
    store.append(append(&parked, chunk(4, 4))).await.unwrap();
    let mut done = record(&machine, 1);
    done.status = ExecutionStatus::Succeeded;
    done.stopped_at = Some(at(9));
    store.append(append(&done, chunk(4, 6))).await.unwrap();
    let delivered = store.owners().deliver(parked.key, b"hear".to_vec()).await;
    delivered.unwrap();
    let revision = store.revision(machine.revision).await.unwrap();
    let version = versions::publish(&*store, &machine).await;
    let live = versions::new_alias(&machine, "live", versions::one(1));
    let live = versions::alias(&*store, live).await;
    let tags = "[7]".to_owned();
    let tagged = store.tag_state_machine(machine.key, machine.tags.clone(), tags.clone());
    tagged.await.unwrap();
    let machine = StateMachineRecord { tags, ..machine };
    let new = activities::activity(&*store, "a").await;
    let waiting = NewExecution {
        waiting: vec![activities::waits("a", 5, 2)],
        ..new_execution(record(&machine, 8))
    };
    store.create_execution(waiting).await.unwrap();
    drop(store);

    let store = open();
    let found = store.activities().activity("a").await.unwrap();
    assert_eq!(found, Some(new));
    assert_eq!(activities::queue(&*store, "a", 9).await, [(8, 2)]);
    assert_eq!(store.owners().leases().await.unwrap(), []);
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
        [8, 7, 2, 1]
    );
    assert_eq!(
        keys(&store.open_executions(ExecutionKey(0), 10).await.unwrap()),
        [2, 7, 8]
    );
    assert_eq!(store.execution(ExecutionKey(1)).await.unwrap(), Some(done));
    let journal = store.journal(ExecutionKey(1), 1, 1000).await.unwrap();
    assert_eq!(journal, [chunk(1, 3), chunk(4, 6)]);
    check_that_nothing_is_held(&*store, parked).await;
}

/// The next owner finds the timer of the only execution that waits, and may have it.
async fn check_that_nothing_is_held(store: &dyn Store, mut parked: ExecutionRecord) {
    let timer = Timer {
        at: at(50),
        execution: parked.key,
    };
    let owners = store.owners();
    let next = owners.join(Timestamp::MAX).await.unwrap();
    assert!(next > OWNER);
    let window = Window {
        after: None,
        until: at(50),
        limit: 10,
    };
    let timers = owners.timers(next, window, at(0)).await.unwrap();
    assert_eq!(timers, [timer]);
    let letters = owners.inbox(next, LetterKey(0), at(0), 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    // Whoever wrote before has no lease any more, and nothing is held.
    let stale = store.append(append(&parked, chunk(5, 5))).await;
    assert!(
        matches!(stale, Err(StoreError::LeaseEnded { epoch: 1 })),
        "{stale:?}"
    );
    let claim = owners.claim(next, parked.key, at(0)).await.unwrap();
    assert_eq!(claim, Claim::Claimed);
    parked.owner = next;
    store.append(append(&parked, chunk(5, 5))).await.unwrap();
}
