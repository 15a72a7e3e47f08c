//! Records of executions: created, brought up to date, found and listed.

use std::sync::Arc;

use stepwell::store::version::StartedBy;
use stepwell::store::{
    Conflict, Creation, ExecutionCursor, ExecutionFilter, ExecutionKey, ExecutionRecord,
    ExecutionStatus, Redrive, RevisionKey, StateMachineKey, Store, Window,
};

use crate::samples::{
    OWNER, all_of, append, at, begin_deletion, check_conflict, chunk, create, end_deletion,
    execution, keys, new_execution, record, state_machine,
};

pub(crate) async fn a_new_execution_is_found_by_key_and_by_name(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let record = ExecutionRecord {
        wake_at: Some(at(99)),
        details: Some("{\"alias\":\"live\"}".to_owned()),
        name: "naïve \u{1F600}".to_owned(),
        ..record(&machine, 1)
    };
    create(&*store, record.clone()).await;
    assert_eq!(
        store.execution(record.key).await.unwrap(),
        Some(record.clone())
    );
    assert_eq!(
        store
            .execution_by_name("machine", &record.name)
            .await
            .unwrap(),
        Some(record)
    );
}

pub(crate) async fn an_unknown_execution_is_none(store: Arc<dyn Store>) {
    execution(&*store).await;
    assert_eq!(store.execution(ExecutionKey(2)).await.unwrap(), None);
    assert_eq!(
        store.execution_by_name("machine", "other").await.unwrap(),
        None
    );
    assert_eq!(
        store
            .execution_by_name("other", "execution-1")
            .await
            .unwrap(),
        None
    );
    assert_eq!(store.last_chunk(ExecutionKey(2)).await.unwrap(), None);
    assert_eq!(store.journal(ExecutionKey(2), 1, 1000).await.unwrap(), []);
}

pub(crate) async fn an_execution_may_be_finished_when_it_is_created(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let record = ExecutionRecord {
        status: ExecutionStatus::Succeeded,
        stopped_at: Some(at(5)),
        ..record(&machine, 1)
    };
    let mut new = new_execution(record.clone());
    new.chunks.push(chunk(4, 9));
    assert_eq!(
        store.create_execution(new).await.unwrap(),
        Creation::Created
    );
    assert_eq!(
        store.execution(record.key).await.unwrap(),
        Some(record.clone())
    );
    let journal = store.journal(record.key, 1, 1000).await.unwrap();
    assert_eq!(journal, [chunk(1, 3), chunk(4, 9)]);
    assert_eq!(
        store.open_executions(ExecutionKey(0), 10).await.unwrap(),
        []
    );
}

pub(crate) async fn a_taken_name_answers_with_its_execution(store: Arc<dyn Store>) {
    let first = execution(&*store).await;
    let second = ExecutionRecord {
        key: ExecutionKey(2),
        ..first.clone()
    };
    let answer = store.create_execution(new_execution(second)).await.unwrap();
    assert_eq!(answer, Creation::NameTaken(first.clone()));
    // The same again, as by a caller who never saw the first answer.
    let answer = store
        .create_execution(new_execution(first.clone()))
        .await
        .unwrap();
    assert_eq!(answer, Creation::NameTaken(first));
    assert_eq!(store.execution(ExecutionKey(2)).await.unwrap(), None);
    assert_eq!(store.last_chunk(ExecutionKey(2)).await.unwrap(), None);
}

pub(crate) async fn one_name_serves_several_state_machines(store: Arc<dyn Store>) {
    let first = state_machine(&*store, "first").await;
    let second = state_machine(&*store, "second").await;
    for (machine, n) in [(&first, 1), (&second, 2)] {
        create(
            &*store,
            ExecutionRecord {
                name: "same".to_owned(),
                ..record(machine, n)
            },
        )
        .await;
    }
    let found = store
        .execution_by_name("second", "same")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.key, ExecutionKey(2));
    assert_eq!(
        keys(&store.list_executions(all_of(&first), 10).await.unwrap()),
        [1]
    );
}

pub(crate) async fn a_taken_key_is_refused(store: Arc<dyn Store>) {
    let first = execution(&*store).await;
    let second = ExecutionRecord {
        name: "other".to_owned(),
        ..first.clone()
    };
    let answer = store.create_execution(new_execution(second)).await;
    check_conflict(answer, Conflict::ExecutionKeyTaken(first.key));
    assert_eq!(store.execution(first.key).await.unwrap(), Some(first));
}

pub(crate) async fn an_unknown_state_machine_or_revision_is_refused(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let other = state_machine(&*store, "other").await;
    let unknown = StateMachineKey(99);
    let new = ExecutionRecord {
        state_machine: unknown,
        ..record(&machine, 1)
    };
    let answer = store.create_execution(new_execution(new)).await;
    check_conflict(answer, Conflict::UnknownStateMachine(unknown));
    for revision in [RevisionKey(99), other.revision] {
        let new = ExecutionRecord {
            revision,
            ..record(&machine, 1)
        };
        let answer = store.create_execution(new_execution(new)).await;
        check_conflict(answer, Conflict::UnknownRevision(revision));
    }
}

pub(crate) async fn a_deleting_state_machine_starts_nothing(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let refused = async || {
        let new = new_execution(record(&machine, 1));
        let answer = store.create_execution(new).await.unwrap();
        assert_eq!(answer, Creation::StateMachineDeleting);
    };
    begin_deletion(&*store, &machine).await;
    refused().await;
    end_deletion(&*store, &machine).await;
    refused().await;
    assert_eq!(store.execution(ExecutionKey(1)).await.unwrap(), None);
}

pub(crate) async fn an_append_brings_the_record_up_to_date(store: Arc<dyn Store>) {
    let mut record = execution(&*store).await;
    record.wake_at = Some(at(50));
    let mut next = append(&record, chunk(4, 4));
    next.details = Some("details".to_owned());
    store.append(next).await.unwrap();
    record.details = Some("details".to_owned());
    assert_eq!(
        store.execution(record.key).await.unwrap(),
        Some(record.clone())
    );

    // Nothing new but events.
    store.append(append(&record, chunk(5, 5))).await.unwrap();
    assert_eq!(
        store.execution(record.key).await.unwrap(),
        Some(record.clone())
    );

    record.wake_at = None;
    record.status = ExecutionStatus::Failed;
    record.stopped_at = Some(at(60));
    store.append(append(&record, chunk(6, 7))).await.unwrap();
    assert_eq!(
        store.execution(record.key).await.unwrap(),
        Some(record.clone())
    );
    assert_eq!(
        store.last_chunk(record.key).await.unwrap(),
        Some(chunk(6, 7))
    );
}

pub(crate) async fn an_append_to_nothing_is_refused(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let answer = store
        .append(append(&record(&machine, 1), chunk(1, 1)))
        .await;
    check_conflict(answer, Conflict::UnknownExecution(ExecutionKey(1)));
}

pub(crate) async fn numbers_beyond_the_limit_are_refused(store: Arc<dyn Store>) {
    let first = execution(&*store).await;
    let machine = store.state_machine("machine").await.unwrap().unwrap();
    let large = ExecutionRecord {
        key: ExecutionKey(u64::MAX),
        ..record(&machine, 2)
    };
    let answer = store.create_execution(new_execution(large)).await;
    check_conflict(answer, Conflict::TooLarge(u64::MAX));
    let answer = store.append(append(&first, chunk(4, u64::MAX))).await;
    check_conflict(answer, Conflict::TooLarge(u64::MAX));
    assert_eq!(
        store.last_chunk(first.key).await.unwrap(),
        Some(chunk(1, 3))
    );
}

pub(crate) async fn executions_are_listed_latest_start_first(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    // 2 and 3 start together; 5 starts first.
    for (n, started_at) in [(1, 10), (2, 20), (3, 20), (4, 30), (5, -5)] {
        create(
            &*store,
            ExecutionRecord {
                started_at: at(started_at),
                ..record(&machine, n)
            },
        )
        .await;
    }
    let mut filter = all_of(&machine);
    assert_eq!(
        keys(&store.list_executions(filter, 10).await.unwrap()),
        [4, 3, 2, 1, 5]
    );

    let mut listed = Vec::new();
    loop {
        let page = store.list_executions(filter, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.after = Some(ExecutionCursor::of(last));
        listed.extend(keys(&page));
    }
    assert_eq!(listed, [4, 3, 2, 1, 5]);
}

pub(crate) async fn pages_stay_put_while_executions_start(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    for n in 1..=4 {
        create(&*store, record(&machine, n)).await;
    }
    let first = store.list_executions(all_of(&machine), 2).await.unwrap();
    create(&*store, record(&machine, 5)).await;
    let filter = ExecutionFilter {
        after: first.last().map(ExecutionCursor::of),
        ..all_of(&machine)
    };
    let second = store.list_executions(filter, 2).await.unwrap();
    assert_eq!((keys(&first), keys(&second)), (vec![4, 3], vec![2, 1]));
}

pub(crate) async fn a_status_filters_the_list(store: Arc<dyn Store>) {
    use ExecutionStatus::{Aborted, Failed, PendingRedrive, Running, Succeeded, TimedOut};
    let machine = state_machine(&*store, "machine").await;
    let statuses = [
        Running,
        Succeeded,
        Failed,
        TimedOut,
        Aborted,
        PendingRedrive,
    ];
    for (status, n) in statuses.into_iter().cycle().zip(1..=12) {
        create(
            &*store,
            ExecutionRecord {
                status,
                ..record(&machine, n)
            },
        )
        .await;
    }
    for (status, n) in statuses.into_iter().zip(1..) {
        let mut filter = ExecutionFilter {
            status: Some(status),
            ..all_of(&machine)
        };
        let page = store.list_executions(filter, 10).await.unwrap();
        assert_eq!(keys(&page), [n + 6, n], "{status:?}");
        assert!(page.iter().all(|record| record.status == status));
        filter.after = page.first().map(ExecutionCursor::of);
        assert_eq!(
            keys(&store.list_executions(filter, 10).await.unwrap()),
            [n],
            "{status:?}"
        );
    }
}

pub(crate) async fn only_running_executions_are_open(store: Arc<dyn Store>) {
    assert_eq!(store.count_open_executions().await.unwrap(), 0);
    let machine = state_machine(&*store, "machine").await;
    for n in [3, 1, 4, 2] {
        create(
            &*store,
            ExecutionRecord {
                wake_at: Some(at(9)),
                ..record(&machine, n)
            },
        )
        .await;
    }
    let stopped = ExecutionRecord {
        status: ExecutionStatus::Aborted,
        wake_at: None,
        ..record(&machine, 3)
    };
    store.append(append(&stopped, chunk(4, 4))).await.unwrap();

    let page = store.open_executions(ExecutionKey(0), 2).await.unwrap();
    assert_eq!(keys(&page), [1, 2]);
    assert_eq!(page[0].wake_at, Some(at(9)));
    assert_eq!(
        keys(&store.open_executions(ExecutionKey(2), 2).await.unwrap()),
        [4]
    );
    assert_eq!(store.open_executions(ExecutionKey(4), 2).await.unwrap(), []);
}

pub(crate) async fn a_redriven_execution_runs_again(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let mut record = ExecutionRecord {
        wake_at: Some(at(7)),
        details: Some("{\"alias\":\"live\"}".to_owned()),
        ..record(&machine, 1)
    };
    create(&*store, record.clone()).await;
    let timers = async || {
        let window = Window {
            after: None,
            until: at(99),
            limit: 10,
        };
        let timers = store.owners().timers(OWNER, window, at(0)).await.unwrap();
        timers.into_iter().map(|timer| timer.at).collect::<Vec<_>>()
    };
    let statuses = [
        ExecutionStatus::Failed,
        ExecutionStatus::TimedOut,
        ExecutionStatus::Aborted,
        ExecutionStatus::Failed,
    ];
    for (status, count) in statuses.into_iter().zip(1..) {
        let of_status = |status| ExecutionFilter {
            status: Some(status),
            ..all_of(&machine)
        };
        record.status = status;
        record.stopped_at = Some(at(9));
        record.wake_at = None;
        let next = append(&record, chunk(2 + 2 * count, 2 + 2 * count));
        store.append(next).await.unwrap();
        assert_eq!(
            store.open_executions(ExecutionKey(0), 10).await.unwrap(),
            []
        );
        assert_eq!(timers().await, []);
        let ended = store.list_executions(of_status(status), 10).await.unwrap();
        assert_eq!(ended, [record.clone()]);

        let redrive = Redrive {
            count,
            at: at(10),
            open_before_milliseconds: 9,
        };
        record.status = ExecutionStatus::Running;
        record.stopped_at = None;
        record.wake_at = Some(at(20));
        record.details = Some(redrive.write(record.details.as_deref()));
        let mut next = append(&record, chunk(3 + 2 * count, 3 + 2 * count));
        next.details.clone_from(&record.details);
        store.append(next).await.unwrap();
        let open = store.open_executions(ExecutionKey(0), 10).await.unwrap();
        assert_eq!(open, [record.clone()]);
        assert_eq!(timers().await, [at(20)]);
        for (status, expected) in [(ExecutionStatus::Running, 1), (status, 0)] {
            let listed = store.list_executions(of_status(status), 10).await;
            assert_eq!(listed.unwrap().len(), expected, "{status:?}");
        }
        let by = StartedBy::Alias("live".to_owned());
        let of_alias = store
            .versions()
            .list_executions_started_by(all_of(&machine), by, 10);
        assert_eq!(of_alias.await.unwrap(), [record.clone()]);
        let read = Redrive::read(record.details.as_deref());
        assert_eq!(read, Some(redrive));
    }
}

pub(crate) async fn redrives_filter_the_list(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let redrive = Redrive {
        count: 1,
        at: at(10),
        open_before_milliseconds: 9,
    };
    let live = "{\"alias\":\"live\"}";
    for (n, status, details) in [
        (1, ExecutionStatus::Failed, None),
        (2, ExecutionStatus::Failed, Some(redrive.write(None))),
        (
            3,
            ExecutionStatus::Succeeded,
            Some(redrive.write(Some(live))),
        ),
        (4, ExecutionStatus::Succeeded, Some(live.to_owned())),
        (5, ExecutionStatus::Running, Some(redrive.write(None))),
        (6, ExecutionStatus::Running, Some("no JSON".to_owned())),
    ] {
        let record = ExecutionRecord {
            status,
            details,
            ..record(&machine, n)
        };
        create(&*store, record).await;
    }
    let list = async |redriven, status, limit| {
        let filter = ExecutionFilter {
            redriven,
            status,
            ..all_of(&machine)
        };
        keys(&store.list_executions(filter, limit).await.unwrap())
    };
    assert_eq!(list(Some(true), None, 10).await, [5, 3, 2]);
    assert_eq!(list(Some(true), None, 2).await, [5, 3]);
    assert_eq!(list(Some(false), None, 10).await, [6, 4, 1]);
    assert_eq!(list(None, None, 10).await.len(), 6);
    for (status, n) in [
        (ExecutionStatus::Failed, 2),
        (ExecutionStatus::Succeeded, 3),
        (ExecutionStatus::Running, 5),
    ] {
        assert_eq!(list(Some(true), Some(status), 10).await, [n], "{status:?}");
    }
    assert_eq!(
        list(Some(false), Some(ExecutionStatus::Failed), 10).await,
        [1]
    );
    for (redriven, n) in [(true, 3), (false, 4)] {
        let filter = ExecutionFilter {
            redriven: Some(redriven),
            ..all_of(&machine)
        };
        let by = StartedBy::Alias("live".to_owned());
        let listed = store.versions().list_executions_started_by(filter, by, 10);
        assert_eq!(keys(&listed.await.unwrap()), [n]);
    }
}
