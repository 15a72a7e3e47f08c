//! State machines and revisions.

use std::sync::Arc;

use stepwell::store::map_run::{MapRunEnd, MapRunStatus};
use stepwell::store::{
    Conflict, Creation, ExecutionRecord, NewStateMachine, Revision, RevisionKey,
    StateMachineCreation, StateMachineKey, StateMachineKind, StateMachineRecord,
    StateMachineStatus, StateMachineUpdate, Store, Tagging, Update,
};

use crate::map_runs::new_map_run;
use crate::samples::{
    all_of, append, at, begin_deletion, check_conflict, chunk, create, end_deletion, ended, keys,
    new_execution, new_state_machine, record, revision, state_machine,
};

pub(crate) async fn a_state_machine_is_found_by_name_and_key(store: Arc<dyn Store>) {
    let new = NewStateMachine {
        kind: StateMachineKind::Express,
        tags: "[1]".to_owned(),
        ..new_state_machine("machine")
    };
    let StateMachineCreation::Created(record) =
        store.create_state_machine(new.clone()).await.unwrap()
    else {
        panic!("the name is free");
    };
    let expected = StateMachineRecord {
        key: record.key,
        name: new.name,
        kind: new.kind,
        status: StateMachineStatus::Active,
        created_at: new.created_at,
        tags: new.tags,
        revision: record.revision,
    };
    assert_eq!(record, expected);
    assert_eq!(
        store.state_machine("machine").await.unwrap(),
        Some(record.clone())
    );
    assert_eq!(
        store.state_machine_by_key(record.key).await.unwrap(),
        Some(record.clone())
    );
    let revision = Revision {
        key: record.revision,
        state_machine: record.key,
        content: new.revision,
    };
    assert_eq!(
        store.revision(record.revision).await.unwrap(),
        Some(revision.clone())
    );
    assert_eq!(
        store.revision_by_id(record.key, "INITIAL").await.unwrap(),
        Some(revision)
    );

    assert_eq!(store.state_machine("other").await.unwrap(), None);
    assert_eq!(
        store
            .state_machine_by_key(StateMachineKey(99))
            .await
            .unwrap(),
        None
    );
    assert_eq!(store.revision(RevisionKey(99)).await.unwrap(), None);
    assert_eq!(
        store.revision_by_id(record.key, "other").await.unwrap(),
        None
    );
}

pub(crate) async fn a_taken_name_answers_with_its_state_machine(store: Arc<dyn Store>) {
    let first = state_machine(&*store, "machine").await;
    let answer = store
        .create_state_machine(new_state_machine("machine"))
        .await
        .unwrap();
    assert_eq!(answer, StateMachineCreation::NameTaken(first));
}

pub(crate) async fn an_update_adds_a_revision(store: Arc<dyn Store>) {
    let before = state_machine(&*store, "machine").await;
    let update = StateMachineUpdate {
        state_machine: before.key,
        replaces: before.revision,
        revision: revision("second"),
    };
    let Update::Updated(after) = store.update_state_machine(update).await.unwrap() else {
        panic!("nobody else updates");
    };
    assert_ne!(after.revision, before.revision);
    assert_eq!(
        after,
        StateMachineRecord {
            revision: after.revision,
            ..before.clone()
        }
    );
    assert_eq!(
        store.state_machine("machine").await.unwrap(),
        Some(after.clone())
    );
    let old = store.revision(before.revision).await.unwrap().unwrap();
    assert_eq!(old.content, revision("INITIAL"));
    let new = store
        .revision_by_id(before.key, "second")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((new.key, new.content), (after.revision, revision("second")));

    let unknown = StateMachineUpdate {
        state_machine: StateMachineKey(99),
        replaces: before.revision,
        revision: revision("third"),
    };
    let answer = store.update_state_machine(unknown).await;
    check_conflict(answer, Conflict::UnknownStateMachine(StateMachineKey(99)));
}

pub(crate) async fn an_outdated_update_changes_nothing(store: Arc<dyn Store>) {
    let before = state_machine(&*store, "machine").await;
    let update = |id| StateMachineUpdate {
        state_machine: before.key,
        replaces: before.revision,
        revision: revision(id),
    };
    store.update_state_machine(update("second")).await.unwrap();
    let now = store.state_machine("machine").await.unwrap().unwrap();
    let answer = store.update_state_machine(update("third")).await.unwrap();
    assert_eq!(answer, Update::Outdated(now.clone()));
    assert_eq!(
        store.revision_by_id(before.key, "third").await.unwrap(),
        None
    );

    begin_deletion(&*store, &now).await;
    let update = StateMachineUpdate {
        replaces: now.revision,
        ..update("third")
    };
    let deleting = StateMachineRecord {
        status: StateMachineStatus::Deleting,
        ..now
    };
    let answer = store.update_state_machine(update).await.unwrap();
    assert_eq!(answer, Update::Outdated(deleting));
}

pub(crate) async fn a_revision_id_is_used_once(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let update = StateMachineUpdate {
        state_machine: machine.key,
        replaces: machine.revision,
        revision: revision("INITIAL"),
    };
    let answer = store.update_state_machine(update).await;
    check_conflict(answer, Conflict::RevisionIdTaken(machine.key));
    assert_eq!(store.state_machine("machine").await.unwrap(), Some(machine));
}

pub(crate) async fn tags_belong_to_no_revision(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let tags = "[\"new\"]".to_owned();
    let tagged = store.tag_state_machine(machine.key, machine.tags.clone(), tags);
    assert_eq!(tagged.await.unwrap(), Tagging::Tagged);
    let tagged = StateMachineRecord {
        tags: "[\"new\"]".to_owned(),
        ..machine
    };
    assert_eq!(store.state_machine("machine").await.unwrap(), Some(tagged));
    let unknown = StateMachineKey(99);
    let answer = store.tag_state_machine(unknown, String::new(), String::new());
    check_conflict(answer.await, Conflict::UnknownStateMachine(unknown));
}

pub(crate) async fn tags_replace_those_they_were_made_from(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let tag = |before: &str, after: &str| {
        store.tag_state_machine(machine.key, before.to_owned(), after.to_owned())
    };
    assert_eq!(tag("[]", "[1]").await.unwrap(), Tagging::Tagged);
    let outdated = Tagging::Outdated("[1]".to_owned());
    assert_eq!(tag("[]", "[2]").await.unwrap(), outdated);
    assert_eq!(tag("[1]", "[2]").await.unwrap(), Tagging::Tagged);
}

pub(crate) async fn a_deleted_state_machine_frees_its_name(store: Arc<dyn Store>) {
    let first = state_machine(&*store, "machine").await;
    begin_deletion(&*store, &first).await;
    let deleting = StateMachineRecord {
        status: StateMachineStatus::Deleting,
        ..first.clone()
    };
    assert_eq!(
        store.state_machine("machine").await.unwrap(),
        Some(deleting.clone())
    );
    let answer = store
        .create_state_machine(new_state_machine("machine"))
        .await
        .unwrap();
    assert_eq!(answer, StateMachineCreation::NameTaken(deleting));

    end_deletion(&*store, &first).await;
    assert_eq!(store.state_machine("machine").await.unwrap(), None);
    assert_eq!(store.list_state_machines("", 10).await.unwrap(), []);
    let second = state_machine(&*store, "machine").await;
    assert_ne!(second.key, first.key);
    assert_ne!(second.revision, first.revision);
    assert_eq!(store.state_machine("machine").await.unwrap(), Some(second));
}

pub(crate) async fn executions_outlive_their_state_machine(store: Arc<dyn Store>) {
    let first = state_machine(&*store, "machine").await;
    for n in [1, 2] {
        create(&*store, ended(&first, n)).await;
    }
    store.delete_state_machine(first.key).await.unwrap();
    let found = store
        .execution_by_name("machine", "execution-1")
        .await
        .unwrap()
        .unwrap();
    let definition = store
        .revision(found.revision)
        .await
        .unwrap()
        .unwrap()
        .content
        .definition;
    assert_eq!(definition, revision("INITIAL").definition);
    assert_eq!(
        keys(&store.list_executions(all_of(&first), 10).await.unwrap()),
        [2, 1]
    );

    // Its successor begins anew, and hides executions of the same name only.
    let second = state_machine(&*store, "machine").await;
    assert_eq!(
        store.list_executions(all_of(&second), 10).await.unwrap(),
        []
    );
    let again = ExecutionRecord {
        name: "execution-1".to_owned(),
        ..record(&second, 3)
    };
    let answer = store
        .create_execution(new_execution(again.clone()))
        .await
        .unwrap();
    assert_eq!(answer, Creation::Created);
    let found = store
        .execution_by_name("machine", "execution-1")
        .await
        .unwrap();
    assert_eq!(found, Some(again));
    let found = store
        .execution_by_name("machine", "execution-2")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.state_machine, first.key);
}

pub(crate) async fn state_machines_are_listed_by_name(store: Arc<dyn Store>) {
    for name in ["b", "a", "C", "d", "é"] {
        state_machine(&*store, name).await;
    }
    let mut names = Vec::new();
    let mut after = String::new();
    loop {
        let page = store.list_state_machines(&after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after.clone_from(&last.name);
        names.extend(page.into_iter().map(|record| record.name));
    }
    assert_eq!(names, ["C", "a", "b", "d", "é"]);
}

pub(crate) async fn a_state_machine_is_deleted_when_nothing_of_it_runs(store: Arc<dyn Store>) {
    use StateMachineStatus::{Deleted, Deleting};
    let idle = state_machine(&*store, "idle").await;
    let machine = state_machine(&*store, "machine").await;
    let other = state_machine(&*store, "other").await;
    for (machine, n) in [(&machine, 1), (&machine, 2), (&other, 3)] {
        create(&*store, record(machine, n)).await;
    }
    let delete = |key| store.delete_state_machine(key);
    let deleting = async || {
        let records = store.deleting_state_machines().await.unwrap();
        let keys = records.into_iter().map(|record| record.key);
        keys.collect::<Vec<_>>()
    };
    assert_eq!(delete(idle.key).await.unwrap(), Deleted);
    assert_eq!(delete(idle.key).await.unwrap(), Deleted);
    assert_eq!(deleting().await, []);

    for n in [1, 2] {
        assert_eq!(delete(machine.key).await.unwrap(), Deleting);
        assert_eq!(deleting().await, [machine.key]);
        let found = store.state_machine("machine").await.unwrap().unwrap();
        assert_eq!((found.key, found.status), (machine.key, Deleting));
        let ended = append(&ended(&machine, n), chunk(4, 4));
        store.append(ended).await.unwrap();
    }
    // Nobody has looked since.
    assert_eq!(deleting().await, [machine.key]);
    assert_eq!(delete(machine.key).await.unwrap(), Deleted);
    assert_eq!(deleting().await, []);
    assert_eq!(store.state_machine("machine").await.unwrap(), None);
    state_machine(&*store, "machine").await;
    let found = store.state_machine("other").await.unwrap().unwrap();
    assert_eq!(found, other, "it is not touched");
    check_conflict(
        delete(StateMachineKey(99)).await,
        Conflict::UnknownStateMachine(StateMachineKey(99)),
    );
}

pub(crate) async fn a_deletion_waits_for_map_runs(store: Arc<dyn Store>) {
    use StateMachineStatus::{Deleted, Deleting};
    let machine = state_machine(&*store, "machine").await;
    let parent = record(&machine, 1);
    create(&*store, parent.clone()).await;
    let run = store.map_runs().begin(new_map_run(&parent, "run"));
    let run = run.await.unwrap().key;
    let ended = append(&ended(&machine, 1), chunk(4, 4));
    store.append(ended).await.unwrap();
    let delete = || store.delete_state_machine(machine.key);
    assert_eq!(delete().await.unwrap(), Deleting);
    let end = MapRunEnd {
        status: MapRunStatus::Aborted,
        stopped_at: at(10),
        failure: None,
    };
    store.map_runs().end(run, end).await.unwrap();
    assert_eq!(delete().await.unwrap(), Deleted);
}
