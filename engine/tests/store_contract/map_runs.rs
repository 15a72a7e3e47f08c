//! Map Runs, their children, and how these are counted.

use std::sync::Arc;

use stepwell::store::map_run::{
    Child, ChildFilter, ChildrenCreation, Counts, LimitChange, LimitUpdate, MapRunEnd, MapRunKey,
    MapRunLimits, MapRunRecord, MapRunRedrive, MapRunStatus, NewChildren, NewMapRun, NotRedrivable,
    RedriveChoice,
};
use stepwell::store::{
    Conflict, Epoch, ExecutionKey, ExecutionRecord, ExecutionStatus, NewExecution, Redrive,
    StateMachineKind, Store,
};

use crate::samples::{
    OWNER, all_of, append, at, check_conflict, chunk, execution, keys, new_execution,
};

pub(crate) fn new_map_run(parent: &ExecutionRecord, arn: &str) -> NewMapRun {
    NewMapRun {
        arn: arn.to_owned(),
        execution: parent.key,
        started_at: at(5),
        limits: MapRunLimits {
            concurrency_max: 2,
            tolerated_failure_percentage: 12.5,
            tolerated_failure_count: 1,
        },
        items: 10,
        children: None,
        kind: StateMachineKind::Express,
    }
}

async fn begin(store: &dyn Store, parent: &ExecutionRecord) -> MapRunRecord {
    let begun = store.map_runs().begin(new_map_run(parent, "run")).await;
    begun.unwrap()
}

/// The child of this number, with two items.
fn child(parent: &ExecutionRecord, run: MapRunKey, index: u64) -> NewExecution {
    new_execution(ExecutionRecord {
        key: ExecutionKey(100 + index),
        name: format!("child-{index}"),
        started_at: at(10 + i64::try_from(index).unwrap()),
        child: Some(Child {
            map_run: run,
            index,
            items: 2,
        }),
        ..parent.clone()
    })
}

fn children(run: MapRunKey, children: Vec<NewExecution>) -> NewChildren {
    NewChildren {
        epoch: OWNER,
        map_run: run,
        children,
    }
}

/// A parent, and its run with three children, of which the last has ended when it was added.
async fn with_children(store: &dyn Store) -> (ExecutionRecord, MapRunRecord) {
    let parent = execution(store).await;
    let run = begin(store, &parent).await;
    let mut made: Vec<_> = (0..3).map(|index| child(&parent, run.key, index)).collect();
    made[2].record.status = ExecutionStatus::Succeeded;
    made[2].record.stopped_at = Some(at(20));
    let created = store.map_runs().create_children(children(run.key, made));
    match created.await.unwrap() {
        ChildrenCreation::Created(run) => (parent, run),
        ChildrenCreation::Outdated(run) => panic!("{run:?}"),
    }
}

fn all(run: MapRunKey) -> ChildFilter {
    ChildFilter {
        map_run: run,
        status: None,
        redriven: None,
        after: None,
    }
}

pub(crate) async fn a_map_run_begins_once(store: Arc<dyn Store>) {
    let parent = execution(&*store).await;
    let run = begin(&*store, &parent).await;
    assert_eq!(run.begun, new_map_run(&parent, "run"));
    assert_eq!((run.next_child, run.is_exhausted()), (0, false));
    assert_eq!(begin(&*store, &parent).await, run);
    let runs = store.map_runs();
    assert_eq!(runs.map_run(run.key).await.unwrap(), Some(run.clone()));
    assert_eq!(runs.map_run_by_arn("run").await.unwrap(), Some(run));
    assert_eq!(runs.map_run_by_arn("other").await.unwrap(), None);
}

pub(crate) async fn children_are_counted_where_they_are_added(store: Arc<dyn Store>) {
    let (_, run) = with_children(&*store).await;
    let executions = Counts {
        running: 2,
        succeeded: 1,
        ..Counts::default()
    };
    let items = Counts {
        running: 4,
        succeeded: 2,
        ..Counts::default()
    };
    assert_eq!((run.executions, run.items), (executions, items));
    assert_eq!((run.next_child, run.next_item), (3, 6));
    let found = store.map_runs().map_run(run.key).await.unwrap();
    assert_eq!(found, Some(run));
}

pub(crate) async fn a_child_is_added_once(store: Arc<dyn Store>) {
    let (parent, run) = with_children(&*store).await;
    for index in [2, 4] {
        let mut again = child(&parent, run.key, index);
        again.record.key = ExecutionKey(200);
        "again".clone_into(&mut again.record.name);
        let created = store
            .map_runs()
            .create_children(children(run.key, vec![again]));
        let expected = ChildrenCreation::Outdated(run.clone());
        assert_eq!(created.await.unwrap(), expected, "child {index}");
    }
    assert_eq!(store.execution(ExecutionKey(200)).await.unwrap(), None);
}

pub(crate) async fn only_the_owner_of_the_parent_adds_children(store: Arc<dyn Store>) {
    let parent = execution(&*store).await;
    let run = begin(&*store, &parent).await;
    let other = store.owners().join(at(1_000)).await.unwrap();
    let mut made = children(run.key, vec![child(&parent, run.key, 0)]);
    made.epoch = other;
    made.children[0].record.owner = other;
    let held = Conflict::HeldByAnother {
        execution: parent.key,
        owner: OWNER.0,
    };
    check_conflict(store.map_runs().create_children(made).await, held);
    let unknown = children(MapRunKey(9), Vec::new());
    let created = store.map_runs().create_children(unknown).await;
    check_conflict(created, Conflict::UnknownMapRun(MapRunKey(9)));
    assert_ne!(other, Epoch(0));
}

pub(crate) async fn the_end_of_a_child_is_counted_with_its_last_append(store: Arc<dyn Store>) {
    let (parent, run) = with_children(&*store).await;
    let record = child(&parent, run.key, 0).record;
    store.append(append(&record, chunk(4, 4))).await.unwrap();
    let ended = ExecutionRecord {
        status: ExecutionStatus::Failed,
        stopped_at: Some(at(30)),
        ..record
    };
    store.append(append(&ended, chunk(5, 5))).await.unwrap();
    let again = store.append(append(&ended, chunk(5, 5))).await;
    assert!(again.is_err(), "the same end is not written twice");
    let run = store.map_runs().map_run(run.key).await.unwrap().unwrap();
    assert_eq!((run.executions.running, run.executions.failed), (1, 1));
    assert_eq!((run.items.running, run.items.failed), (2, 2));
    assert_eq!(run.executions.total(), 3);
}

pub(crate) async fn children_are_listed_with_their_run_alone(store: Arc<dyn Store>) {
    let (parent, run) = with_children(&*store).await;
    let machine = store.state_machine("machine").await.unwrap().unwrap();
    let listed = store.list_executions(all_of(&machine), 10).await.unwrap();
    assert_eq!(keys(&listed), [parent.key.0]);
    let runs = store.map_runs();
    let listed = runs.list_children(all(run.key), 2).await.unwrap();
    assert_eq!(keys(&listed), [102, 101], "the latest start first");
    let after = listed.last().map(stepwell::store::ExecutionCursor::of);
    let rest = ChildFilter {
        after,
        ..all(run.key)
    };
    assert_eq!(keys(&runs.list_children(rest, 2).await.unwrap()), [100]);
    for (status, expected) in [
        (ExecutionStatus::Running, vec![101, 100]),
        (ExecutionStatus::Succeeded, vec![102]),
        (ExecutionStatus::Failed, vec![]),
    ] {
        let filter = ChildFilter {
            status: Some(status),
            ..all(run.key)
        };
        let listed = runs.list_children(filter, 10).await.unwrap();
        assert_eq!(keys(&listed), expected, "{status:?}");
    }
    let found = store.execution_by_name("machine", "child-1").await.unwrap();
    assert_eq!(found.unwrap().child.unwrap().index, 1);
}

pub(crate) async fn results_come_in_the_order_of_items(store: Arc<dyn Store>) {
    let (parent, run) = with_children(&*store).await;
    let record = child(&parent, run.key, 1).record;
    store.append(append(&record, chunk(4, 4))).await.unwrap();
    let runs = store.map_runs();
    let results = runs.results(run.key, 0, usize::MAX).await.unwrap();
    let places: Vec<_> = results
        .iter()
        .map(|result| (result.record.key.0, result.first.last, result.last.last))
        .collect();
    assert_eq!(places, [(100, 3, 3), (101, 3, 4), (102, 3, 3)]);
    assert_eq!(runs.results(run.key, 1, 1).await.unwrap().len(), 1);
    assert!(runs.results(run.key, 3, 1).await.unwrap().is_empty());
}

pub(crate) async fn limits_change_until_the_end(store: Arc<dyn Store>) {
    let (_, run) = with_children(&*store).await;
    let runs = store.map_runs();
    let change = LimitChange {
        concurrency_max: Some(7),
        tolerated_failure_percentage: None,
        tolerated_failure_count: Some(0),
    };
    let LimitUpdate::Updated(run) = runs.limit(run.key, change).await.unwrap() else {
        panic!("it has not ended");
    };
    let expected = MapRunLimits {
        concurrency_max: 7,
        tolerated_failure_percentage: 12.5,
        tolerated_failure_count: 0,
    };
    assert_eq!(run.begun.limits, expected);
    let end = MapRunEnd {
        status: MapRunStatus::Failed,
        stopped_at: at(40),
        failure: Some("why".to_owned()),
    };
    let ended = runs.end(run.key, end.clone()).await.unwrap();
    assert_eq!(ended.status, MapRunStatus::Failed);
    assert_eq!(ended.failure.as_deref(), Some("why"));
    let later = MapRunEnd {
        status: MapRunStatus::Succeeded,
        ..end
    };
    assert_eq!(runs.end(run.key, later).await.unwrap(), ended);
    let late = runs.limit(run.key, change).await.unwrap();
    assert_eq!(late, LimitUpdate::Ended(ended));
}

pub(crate) async fn open_map_runs_are_found(store: Arc<dyn Store>) {
    let parent = execution(&*store).await;
    let runs = store.map_runs();
    let first = begin(&*store, &parent).await;
    let second = runs.begin(new_map_run(&parent, "second")).await.unwrap();
    let key = |records: Vec<MapRunRecord>| -> Vec<_> {
        records.into_iter().map(|record| record.key).collect()
    };
    let open = runs.open_map_runs(MapRunKey(0), 10).await.unwrap();
    assert_eq!(key(open), [first.key, second.key]);
    let of = runs
        .map_runs_of(parent.key, MapRunKey::MAX, 10)
        .await
        .unwrap();
    assert_eq!(key(of), [second.key, first.key]);
    let of = runs.map_runs_of(parent.key, second.key, 10).await.unwrap();
    assert_eq!(key(of), [first.key]);
    let end = MapRunEnd {
        status: MapRunStatus::Aborted,
        stopped_at: at(40),
        failure: None,
    };
    runs.end(first.key, end).await.unwrap();
    let open = runs.open_map_runs(MapRunKey(0), 10).await.unwrap();
    assert_eq!(key(open), [second.key]);
}

/// A run that failed, with one child that failed, one that runs and one that succeeded.
async fn failed(store: &dyn Store) -> (ExecutionRecord, MapRunRecord) {
    let (parent, run) = with_children(store).await;
    let ended = ExecutionRecord {
        status: ExecutionStatus::Failed,
        stopped_at: Some(at(30)),
        ..child(&parent, run.key, 0).record
    };
    store.append(append(&ended, chunk(4, 4))).await.unwrap();
    let end = MapRunEnd {
        status: MapRunStatus::Failed,
        stopped_at: at(40),
        failure: Some("why".to_owned()),
    };
    let run = store.map_runs().end(run.key, end).await.unwrap();
    (parent, run)
}

fn redrive(count: u64) -> MapRunRedrive {
    MapRunRedrive { count, at: at(50) }
}

pub(crate) async fn a_map_run_is_redriven_once_for_each_number(store: Arc<dyn Store>) {
    let (_, before) = failed(&*store).await;
    let runs = store.map_runs();
    let run = runs.redrive(before.key, redrive(1)).await.unwrap();
    assert_eq!((run.status, run.stopped_at), (MapRunStatus::Running, None));
    assert_eq!(
        (run.redrive, run.failure.as_deref()),
        (Some(redrive(1)), None)
    );
    assert!(run.is_choosing);
    assert_eq!(runs.map_run(run.key).await.unwrap(), Some(run.clone()));
    assert_eq!(
        runs.redrive(run.key, redrive(2)).await.unwrap(),
        run,
        "it runs"
    );
    let end = MapRunEnd {
        status: MapRunStatus::Succeeded,
        stopped_at: at(60),
        failure: None,
    };
    let ended = runs.end(run.key, end).await.unwrap();
    assert_eq!(runs.redrive(run.key, redrive(1)).await.unwrap(), ended);
    let again = runs.redrive(run.key, redrive(2)).await.unwrap();
    assert_eq!(again.status, MapRunStatus::Succeeded);
    assert_eq!(
        (again.redrive, again.stopped_at),
        (Some(redrive(2)), Some(at(60)))
    );
    assert_eq!(runs.map_run(run.key).await.unwrap(), Some(again));
    let unknown = runs.redrive(MapRunKey(9), redrive(1)).await;
    check_conflict(unknown, Conflict::UnknownMapRun(MapRunKey(9)));
}

pub(crate) async fn children_are_chosen_for_a_redrive_until_it_has_them(store: Arc<dyn Store>) {
    let (parent, run) = failed(&*store).await;
    let runs = store.map_runs();
    let choice = RedriveChoice {
        epoch: OWNER,
        children: [100, 101, 102, 999].map(ExecutionKey).to_vec(),
        rest: None,
    };
    let early = runs.choose(run.key, choice.clone()).await.unwrap();
    assert_eq!(early, run, "it was not redriven");
    runs.redrive(run.key, redrive(1)).await.unwrap();
    let chosen = runs.choose(run.key, choice.clone()).await.unwrap();
    let executions = Counts {
        running: 1,
        succeeded: 1,
        pending_redrive: 1,
        ..Counts::default()
    };
    assert_eq!(chosen.executions, executions);
    assert_eq!((chosen.items.pending_redrive, chosen.items.failed), (2, 0));
    let waiting = ChildFilter {
        status: Some(ExecutionStatus::PendingRedrive),
        ..all(run.key)
    };
    let listed = runs.list_children(waiting, 10).await.unwrap();
    assert_eq!(keys(&listed), [100]);
    assert_eq!(listed[0].stopped_at, Some(at(30)));
    let rest = NotRedrivable {
        executions: 1,
        items: 2,
    };
    let last = RedriveChoice {
        children: Vec::new(),
        rest: Some(rest),
        ..choice.clone()
    };
    let chosen = runs.choose(run.key, last).await.unwrap();
    assert_eq!((chosen.is_choosing, chosen.not_redrivable), (false, rest));
    assert_eq!(runs.map_run(run.key).await.unwrap(), Some(chosen.clone()));
    assert_eq!(runs.choose(run.key, choice).await.unwrap(), chosen);
    // Its turn has come: it runs, and is found among those that were redriven.
    let mut again = append(&child(&parent, run.key, 0).record, chunk(5, 5));
    let redriven = Redrive {
        count: 1,
        at: at(51),
        open_before_milliseconds: 1,
    };
    again.details = Some(redriven.write(None));
    store.append(again).await.unwrap();
    for (wanted, expected) in [(true, vec![100]), (false, vec![102, 101])] {
        let filter = ChildFilter {
            redriven: Some(wanted),
            ..all(run.key)
        };
        let listed = runs.list_children(filter, 10).await.unwrap();
        assert_eq!(keys(&listed), expected, "{wanted}");
    }
    let run = runs.map_run(run.key).await.unwrap().unwrap();
    assert_eq!(
        (run.executions.running, run.executions.pending_redrive),
        (2, 0)
    );
}

pub(crate) async fn only_the_owner_of_the_parent_chooses_children(store: Arc<dyn Store>) {
    let (parent, run) = failed(&*store).await;
    let runs = store.map_runs();
    runs.redrive(run.key, redrive(1)).await.unwrap();
    let other = RedriveChoice {
        epoch: store.owners().join(at(1_000)).await.unwrap(),
        children: vec![ExecutionKey(100)],
        rest: None,
    };
    let held = Conflict::HeldByAnother {
        execution: parent.key,
        owner: OWNER.0,
    };
    check_conflict(runs.choose(run.key, other).await, held);
    let found = runs.map_run(run.key).await.unwrap().unwrap();
    assert_eq!(found.executions.pending_redrive, 0);
}
