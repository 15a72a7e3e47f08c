//! Executions that ended long ago are removed.

use std::sync::Arc;

use stepwell::store::map_run::{Child, NewChildren};
use stepwell::store::sqlite::SqliteStore;

use stepwell::store::{
    ExecutionKey, ExecutionRecord, ExecutionStatus, Removal, StateMachineRecord, Store,
};

use crate::map_runs::new_map_run;
use crate::samples::{
    OWNER, all_of, append, at, chunk, create, keys, new_execution, record, state_machine,
};
use crate::versions::{new_alias, one, publish, update};

/// A walk that looks at everything at once.
fn before(milliseconds: i64) -> Removal {
    Removal {
        ended_before: at(milliseconds),
        after: None,
        looks_max: 1_000,
        bytes_max: 1_000_000,
    }
}

/// Goes on to the end of the walk; how many are gone, and in how many parts.
async fn walk(store: &dyn Store, mut removal: Removal) -> (u64, usize) {
    let (mut executions, mut parts) = (0, 0);
    loop {
        let removed = store.remove_ended(removal).await.unwrap();
        executions += removed.executions;
        parts += 1;
        assert!(parts < 100, "it does not end");
        if removed.next.is_none() {
            return (executions, parts);
        }
        assert!(removed.next > removal.after, "it goes on");
        removal.after = removed.next;
    }
}

/// An execution with key `n` that started at `n` and ended at `stopped_at`.
fn closed(machine: &StateMachineRecord, n: u64, stopped_at: i64) -> ExecutionRecord {
    ExecutionRecord {
        status: ExecutionStatus::Succeeded,
        stopped_at: Some(at(stopped_at)),
        ..record(machine, n)
    }
}

async fn left(store: &dyn Store, machine: &StateMachineRecord) -> Vec<u64> {
    keys(&store.list_executions(all_of(machine), 100).await.unwrap())
}

pub(crate) async fn what_ended_long_ago_is_gone_with_its_journal(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    for (n, stopped_at) in [(1, 10), (2, 99), (3, 100), (4, 500)] {
        create(&*store, closed(&machine, n, stopped_at)).await;
    }
    create(&*store, record(&machine, 5)).await;
    assert_eq!(walk(&*store, before(100)).await.0, 2);
    assert_eq!(left(&*store, &machine).await, [5, 4, 3]);
    for key in [1, 2].map(ExecutionKey) {
        assert_eq!(store.execution(key).await.unwrap(), None);
        assert_eq!(store.journal(key, 1, 1000).await.unwrap(), []);
        assert_eq!(store.last_chunk(key).await.unwrap(), None);
    }
    assert_eq!(
        store.journal(ExecutionKey(3), 1, 1000).await.unwrap().len(),
        1
    );
    assert_eq!(walk(&*store, before(100)).await.0, 0, "only once");
}

pub(crate) async fn a_removed_name_is_free_again(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    create(&*store, closed(&machine, 1, 10)).await;
    walk(&*store, before(100)).await;
    let name = "execution-1";
    let found = store.execution_by_name("machine", name).await.unwrap();
    assert_eq!(found, None);
    let again = ExecutionRecord {
        name: name.to_owned(),
        ..record(&machine, 2)
    };
    create(&*store, again.clone()).await;
    let found = store.execution_by_name("machine", name).await.unwrap();
    assert_eq!(found, Some(again));
}

pub(crate) async fn what_goes_on_or_may_go_on_is_kept(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    create(&*store, record(&machine, 1)).await;
    let waits = ExecutionRecord {
        status: ExecutionStatus::PendingRedrive,
        ..closed(&machine, 2, 10)
    };
    create(&*store, waits).await;
    let failed = ExecutionRecord {
        status: ExecutionStatus::Failed,
        ..closed(&machine, 3, 10)
    };
    create(&*store, failed.clone()).await;
    // A redrive makes it run again.
    let runs = ExecutionRecord {
        status: ExecutionStatus::Running,
        stopped_at: None,
        ..failed
    };
    store.append(append(&runs, chunk(4, 4))).await.unwrap();
    assert_eq!(walk(&*store, before(100)).await.0, 0);
    assert_eq!(left(&*store, &machine).await, [3, 2, 1]);
}

/// Closed parents with a Map Run each, the first child of which has one too; and how many
/// executions that is.
async fn families(store: &dyn Store, machine: &StateMachineRecord, children: u64) -> u64 {
    for parent in [10, 20] {
        let record = closed(machine, parent, 50);
        create(store, record.clone()).await;
        let first = map_run_of(store, &record, parent * 10, children).await;
        map_run_of(store, &first, parent * 100, 2).await;
    }
    2 * (1 + children + 2)
}

/// A Map Run of so many children, the first of which it returns.
async fn map_run_of(
    store: &dyn Store,
    parent: &ExecutionRecord,
    first: u64,
    count: u64,
) -> ExecutionRecord {
    let arn = format!("run-{first}");
    let begun = store.map_runs().begin(new_map_run(parent, &arn));
    let map_run = begun.await.unwrap().key;
    let child = |index: u64| ExecutionRecord {
        key: ExecutionKey(first + index),
        name: format!("child-{}", first + index),
        child: Some(Child {
            map_run,
            index,
            items: 1,
        }),
        ..parent.clone()
    };
    let children = NewChildren {
        epoch: OWNER,
        map_run,
        children: (0..count)
            .map(|index| new_execution(child(index)))
            .collect(),
    };
    store.map_runs().create_children(children).await.unwrap();
    child(0)
}

pub(crate) async fn children_of_map_runs_go_with_their_parents(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let count = families(&*store, &machine, 5).await;
    create(&*store, record(&machine, 30)).await;
    // The walk may be at the same place again while it is at the children.
    let mut removal = Removal {
        looks_max: 3,
        ..before(100)
    };
    let (mut executions, mut parts) = (0, 0);
    loop {
        let removed = store.remove_ended(removal).await.unwrap();
        assert!(removed.next.is_none() || removed.next >= removal.after);
        (executions, parts) = (executions + removed.executions, parts + 1);
        assert!(parts < 100, "it does not end");
        removal.after = removed.next;
        if removed.next.is_none() {
            break;
        }
    }
    assert_eq!(executions, count);
    assert_eq!(left(&*store, &machine).await, [30]);
    for key in [10, 20, 100, 104, 200, 204, 1000, 1001, 2000, 2001] {
        let key = ExecutionKey(key);
        assert_eq!(store.execution(key).await.unwrap(), None);
        assert_eq!(store.journal(key, 1, 1000).await.unwrap(), []);
    }
    for arn in ["run-100", "run-1000", "run-200", "run-2000"] {
        let found = store.map_runs().map_run_by_arn(arn).await.unwrap();
        assert_eq!(found, None);
    }
    let begun = store
        .map_runs()
        .begin(new_map_run(&record(&machine, 30), "new"));
    let key = begun.await.unwrap().key;
    assert!(key.0 > 4, "a key is never given again");
}

pub(crate) async fn a_parent_stays_while_a_child_runs(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let parent = closed(&machine, 1, 10);
    create(&*store, parent.clone()).await;
    let runs = ExecutionRecord {
        status: ExecutionStatus::Running,
        stopped_at: None,
        ..parent.clone()
    };
    let child = map_run_of(&*store, &runs, 100, 1).await;
    assert_eq!(walk(&*store, before(100)).await.0, 0);
    let ended = ExecutionRecord {
        status: ExecutionStatus::Aborted,
        stopped_at: Some(at(20)),
        ..child
    };
    store.append(append(&ended, chunk(4, 4))).await.unwrap();
    assert_eq!(walk(&*store, before(100)).await.0, 2);
}

pub(crate) async fn a_walk_goes_in_small_parts(store: Arc<dyn Store>) {
    let machines = [
        state_machine(&*store, "one").await,
        state_machine(&*store, "none").await,
        state_machine(&*store, "two").await,
    ];
    for n in 1..=12 {
        let machine = &machines[if n % 3 == 0 { 2 } else { 0 }];
        let ended_at = if n % 2 == 0 { 50 } else { 500 };
        create(&*store, closed(machine, n, ended_at)).await;
    }
    let small = Removal {
        looks_max: 1,
        ..before(100)
    };
    let (executions, parts) = walk(&*store, small).await;
    assert_eq!(executions, 6);
    assert!(parts >= 12, "{parts}");
    assert_eq!(left(&*store, &machines[0]).await, [11, 7, 5, 1]);
    assert_eq!(left(&*store, &machines[2]).await, [9, 3]);
}

pub(crate) async fn long_journals_are_removed_one_by_one(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    for n in 1..=3 {
        create(&*store, closed(&machine, n, 10)).await;
    }
    let little = Removal {
        bytes_max: 1,
        ..before(100)
    };
    let removed = store.remove_ended(little).await.unwrap();
    assert_eq!(removed.executions, 1);
    assert_eq!(left(&*store, &machine).await, [3, 2]);
    assert_eq!(walk(&*store, little).await.0, 2);
}

pub(crate) async fn executions_of_deleted_state_machines_are_removed_too(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    create(&*store, closed(&machine, 1, 10)).await;
    store.delete_state_machine(machine.key).await.unwrap();
    assert_eq!(walk(&*store, before(100)).await.0, 1);
    assert_eq!(store.execution(ExecutionKey(1)).await.unwrap(), None);
}

pub(crate) async fn revisions_go_with_the_last_execution_of_a_deleted_state_machine(
    store: Arc<dyn Store>,
) {
    let machine = state_machine(&*store, "machine").await;
    let versions = store.versions();
    for revision in 0..5 {
        let now = store.state_machine("machine").await.unwrap().unwrap();
        publish(&*store, &now).await;
        let update = update(&now, &format!("revision-{revision}"));
        store.update_state_machine(update).await.unwrap();
    }
    let live = new_alias(&machine, "live", one(1));
    versions.create_alias(live).await.unwrap();
    create(&*store, closed(&machine, 1, 10)).await;
    let other = state_machine(&*store, "other").await;
    store.delete_state_machine(machine.key).await.unwrap();

    // As many parts as it takes, of which each removes two.
    let part = |milliseconds| Removal {
        looks_max: 2,
        ..before(milliseconds)
    };
    let first = async || store.revision(machine.revision).await.unwrap();
    assert_eq!(walk(&*store, part(5)).await.0, 0);
    assert!(first().await.is_some(), "its execution needs it");
    assert_eq!(walk(&*store, part(100)).await.0, 1);
    let mut removal = part(100);
    loop {
        removal.after = store.remove_ended(removal).await.unwrap().next;
        if removal.after.is_none() {
            break;
        }
    }
    assert_eq!(first().await, None);
    for id in ["INITIAL", "revision-0", "revision-4"] {
        let found = store.revision_by_id(machine.key, id).await.unwrap();
        assert_eq!(found, None, "{id}");
    }
    assert_eq!(versions.version(machine.key, 1).await.unwrap(), None);
    assert_eq!(versions.alias(machine.key, "live").await.unwrap(), None);
    assert!(store.revision(other.revision).await.unwrap().is_some());

    // What is the last of all stays, so that its key is not given again.
    store.delete_state_machine(other.key).await.unwrap();
    walk(&*store, before(100)).await;
    let next = state_machine(&*store, "next").await;
    assert!(next.revision > other.revision && next.key > other.key);
    walk(&*store, before(100)).await;
    assert_eq!(store.revision(other.revision).await.unwrap(), None);
    assert!(store.revision(next.revision).await.unwrap().is_some());
}

#[tokio::test]
async fn a_walk_that_was_cut_off_has_removed_whole_executions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = SqliteStore::open(&path).unwrap();
    store.owners().join(at(i64::MAX)).await.unwrap();
    let machine = state_machine(&store, "machine").await;
    for n in 1..=10 {
        create(&store, closed(&machine, n, 10)).await;
    }
    let part = Removal {
        looks_max: 4,
        ..before(100)
    };
    let removed = store.remove_ended(part).await.unwrap().executions;
    assert!((1..10).contains(&removed), "{removed}");
    // Its answer is lost, and the next part never comes.
    drop(store.remove_ended(part));
    drop(store);

    let store = SqliteStore::open(&path).unwrap();
    for key in (1..=10).map(ExecutionKey) {
        let found = store.execution(key).await.unwrap();
        let journal = store.journal(key, 1, 1000).await.unwrap();
        assert_eq!(found.is_some(), !journal.is_empty(), "{key}");
    }
    assert_eq!(walk(&store, part).await.0, 10 - removed);
    assert_eq!(left(&store, &machine).await, [0; 0]);
}
