//! Versions, aliases, and the executions that they started.

use std::sync::Arc;

use stepwell::store::version::{
    AliasChange, AliasCreation, AliasKey, AliasRecord, AliasUpdate, CreationAndVersion, NewAlias,
    NewVersion, Origin, Publication, Route, Routing, StartedBy, UpdateAndVersion, VersionDeletion,
    VersionRecord,
};
use stepwell::store::{
    Conflict, ExecutionCursor, ExecutionFilter, ExecutionStatus, RevisionKey, StateMachineKey,
    StateMachineRecord, StateMachineUpdate, Store,
};

use crate::samples::{
    all_of, append, at, begin_deletion, check_conflict, chunk, create, keys, new_state_machine,
    record, revision, state_machine,
};

pub(crate) fn new_version(description: Option<&str>) -> NewVersion {
    NewVersion {
        description: description.map(str::to_owned),
        created_at: at(9),
        versions_max: 5,
    }
}

pub(crate) fn update(machine: &StateMachineRecord, id: &str) -> StateMachineUpdate {
    StateMachineUpdate {
        state_machine: machine.key,
        replaces: machine.revision,
        revision: revision(id),
    }
}

/// Gives a state machine another revision, and that a version.
async fn publish_next(
    store: &dyn Store,
    machine: &StateMachineRecord,
    id: &str,
) -> (StateMachineRecord, VersionRecord) {
    let updated = store
        .versions()
        .update_and_publish(update(machine, id), new_version(None));
    let UpdateAndVersion::Updated(machine, version) = updated.await.unwrap() else {
        panic!("nobody else updates");
    };
    (machine, version)
}

pub(crate) async fn publish(store: &dyn Store, machine: &StateMachineRecord) -> VersionRecord {
    let published = store
        .versions()
        .publish(machine.key, machine.revision, new_version(None));
    let Publication::Published(version) = published.await.unwrap() else {
        panic!("nobody else updates");
    };
    version
}

pub(crate) fn one(version: u64) -> Routing {
    Routing {
        first: Route {
            version,
            weight: 100,
        },
        second: None,
    }
}

fn two(first: u64, second: u64) -> Routing {
    let route = |version, weight| Route { version, weight };
    Routing {
        first: route(first, 70),
        second: Some(route(second, 30)),
    }
}

pub(crate) fn new_alias(machine: &StateMachineRecord, name: &str, routing: Routing) -> NewAlias {
    NewAlias {
        state_machine: machine.key,
        name: name.to_owned(),
        description: None,
        routing,
        created_at: at(20),
        aliases_max: 3,
    }
}

pub(crate) async fn alias(store: &dyn Store, new: NewAlias) -> AliasRecord {
    let AliasCreation::Created(record) = store.versions().create_alias(new).await.unwrap() else {
        panic!("the name is free");
    };
    record
}

async fn numbers(store: &dyn Store, machine: &StateMachineRecord) -> Vec<u64> {
    let versions = store
        .versions()
        .list_versions(machine.key, u64::MAX, 10)
        .await;
    versions
        .unwrap()
        .iter()
        .map(|record| record.number)
        .collect()
}

async fn names(
    store: &dyn Store,
    machine: &StateMachineRecord,
    version: Option<u64>,
) -> Vec<String> {
    let aliases = store
        .versions()
        .list_aliases(machine.key, version, AliasKey(0), 10)
        .await;
    aliases
        .unwrap()
        .into_iter()
        .map(|record| record.name)
        .collect()
}

pub(crate) async fn a_version_stands_for_a_revision(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let published =
        store
            .versions()
            .publish(machine.key, machine.revision, new_version(Some("first")));
    let version = VersionRecord {
        state_machine: machine.key,
        number: 1,
        revision: machine.revision,
        description: Some("first".to_owned()),
        created_at: at(9),
    };
    assert_eq!(
        published.await.unwrap(),
        Publication::Published(version.clone())
    );
    assert_eq!(
        store
            .versions()
            .version(machine.key, 1)
            .await
            .unwrap()
            .as_ref(),
        Some(&version)
    );
    for (key, number) in [
        (machine.key, 2),
        (StateMachineKey(99), 1),
        (machine.key, u64::MAX),
    ] {
        assert_eq!(store.versions().version(key, number).await.unwrap(), None);
    }
    let again = NewVersion {
        created_at: at(10),
        ..new_version(Some("second"))
    };
    let published = store
        .versions()
        .publish(machine.key, machine.revision, again)
        .await;
    assert_eq!(published.unwrap(), Publication::Published(version.clone()));
    assert_eq!(
        store
            .versions()
            .list_versions(machine.key, u64::MAX, 10)
            .await
            .unwrap(),
        [version]
    );
    assert_eq!(
        store
            .versions()
            .version_of_creation(machine.key)
            .await
            .unwrap(),
        None
    );
}

pub(crate) async fn only_the_current_revision_is_published(store: Arc<dyn Store>) {
    let first = state_machine(&*store, "machine").await;
    let (second, _) = publish_next(&*store, &first, "second").await;
    let published = store
        .versions()
        .publish(first.key, first.revision, new_version(None))
        .await;
    assert_eq!(published.unwrap(), Publication::Outdated(second.clone()));
    begin_deletion(&*store, &second).await;
    let published = store
        .versions()
        .publish(second.key, second.revision, new_version(None))
        .await;
    assert!(matches!(published.unwrap(), Publication::Outdated(_)));
    let unknown = StateMachineKey(99);
    let published = store
        .versions()
        .publish(unknown, RevisionKey(1), new_version(None))
        .await;
    check_conflict(published, Conflict::UnknownStateMachine(unknown));
}

pub(crate) async fn a_state_machine_comes_with_a_version(store: Arc<dyn Store>) {
    let new = || new_state_machine("machine");
    let created = store
        .versions()
        .create_and_publish(new(), new_version(Some("first")))
        .await;
    let CreationAndVersion::Created(machine, version) = created.unwrap() else {
        panic!("the name is free");
    };
    assert_eq!((version.number, version.revision), (1, machine.revision));
    assert_eq!(
        store.state_machine("machine").await.unwrap().as_ref(),
        Some(&machine)
    );
    let found = store.versions().version(machine.key, 1).await.unwrap();
    assert_eq!(found.as_ref(), Some(&version));
    let again = store
        .versions()
        .create_and_publish(new(), new_version(None))
        .await;
    assert_eq!(
        again.unwrap(),
        CreationAndVersion::NameTaken(machine.clone())
    );
    assert_eq!(numbers(&*store, &machine).await, [1]);

    store
        .versions()
        .delete_version(machine.key, 1)
        .await
        .unwrap();
    let found = store
        .versions()
        .version_of_creation(machine.key)
        .await
        .unwrap();
    assert_eq!(found, Some(version));
}

pub(crate) async fn an_update_comes_with_a_version(store: Arc<dyn Store>) {
    let first = state_machine(&*store, "machine").await;
    let found = store.state_machine("machine").await.unwrap();
    assert_eq!(found.as_ref(), Some(&first));
    let (second, version) = publish_next(&*store, &first, "second").await;
    assert_eq!((version.number, version.revision), (1, second.revision));
    let found = store.state_machine("machine").await.unwrap();
    assert_eq!(found.as_ref(), Some(&second));
    let outdated = store
        .versions()
        .update_and_publish(update(&first, "third"), new_version(None));
    assert_eq!(
        outdated.await.unwrap(),
        UpdateAndVersion::Outdated(second.clone())
    );
    assert_eq!(numbers(&*store, &second).await, [1]);
    let same = store
        .versions()
        .update_and_publish(update(&second, "second"), new_version(None));
    check_conflict(same.await, Conflict::RevisionIdTaken(second.key));
}

pub(crate) async fn version_numbers_never_come_back(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    assert_eq!(publish(&*store, &machine).await.number, 1);
    let (machine, second) = publish_next(&*store, &machine, "second").await;
    assert_eq!(second.number, 2);
    for _ in 0..2 {
        let deleted = store
            .versions()
            .delete_version(machine.key, 2)
            .await
            .unwrap();
        assert_eq!(deleted, VersionDeletion::Deleted);
    }
    assert_eq!(
        store.versions().version(machine.key, 2).await.unwrap(),
        None
    );
    assert_eq!(publish(&*store, &machine).await.number, 3);
    assert_eq!(numbers(&*store, &machine).await, [3, 1]);
    let other = state_machine(&*store, "other").await;
    assert_eq!(publish(&*store, &other).await.number, 1);
}

pub(crate) async fn versions_have_a_limit(store: Arc<dyn Store>) {
    let mut machine = state_machine(&*store, "machine").await;
    for id in ["1", "2", "3", "4", "5"] {
        (machine, _) = publish_next(&*store, &machine, id).await;
    }
    let sixth = store
        .versions()
        .update_and_publish(update(&machine, "6"), new_version(None));
    assert_eq!(sixth.await.unwrap(), UpdateAndVersion::TooMany);
    assert_eq!(
        store.state_machine("machine").await.unwrap().as_ref(),
        Some(&machine)
    );
    assert_eq!(publish(&*store, &machine).await.number, 5, "it is there");
    let updated = store.update_state_machine(update(&machine, "6")).await;
    updated.unwrap();
    let machine = store.state_machine("machine").await.unwrap().unwrap();
    let sixth = store
        .versions()
        .publish(machine.key, machine.revision, new_version(None));
    assert_eq!(sixth.await.unwrap(), Publication::TooMany);
    store
        .versions()
        .delete_version(machine.key, 2)
        .await
        .unwrap();
    assert_eq!(publish(&*store, &machine).await.number, 6);
}

pub(crate) async fn versions_are_listed_highest_first(store: Arc<dyn Store>) {
    let mut machine = state_machine(&*store, "machine").await;
    for id in ["1", "2", "3", "4"] {
        (machine, _) = publish_next(&*store, &machine, id).await;
    }
    store
        .versions()
        .delete_version(machine.key, 3)
        .await
        .unwrap();
    let page = async |before, limit| {
        let page = store
            .versions()
            .list_versions(machine.key, before, limit)
            .await
            .unwrap();
        page.iter().map(|record| record.number).collect::<Vec<_>>()
    };
    assert_eq!(page(u64::MAX, 10).await, [4, 2, 1]);
    assert_eq!(page(u64::MAX, 2).await, [4, 2]);
    assert_eq!(page(2, 2).await, [1]);
    assert!(page(1, 2).await.is_empty());
}

pub(crate) async fn an_alias_stands_for_versions(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    publish(&*store, &machine).await;
    let (machine, _) = publish_next(&*store, &machine, "second").await;
    let new = NewAlias {
        description: Some("for all".to_owned()),
        ..new_alias(&machine, "live", two(1, 2))
    };
    let live = alias(&*store, new.clone()).await;
    let expected = AliasRecord {
        key: live.key,
        state_machine: machine.key,
        name: "live".to_owned(),
        description: Some("for all".to_owned()),
        routing: two(1, 2),
        created_at: at(20),
        updated_at: at(20),
    };
    assert_eq!(live, expected);
    let found = store.versions().alias(machine.key, "live").await.unwrap();
    assert_eq!(found.as_ref(), Some(&live));
    let other = NewAlias {
        routing: one(1),
        ..new
    };
    let taken = store.versions().create_alias(other).await.unwrap();
    assert_eq!(taken, AliasCreation::NameTaken(live));
    assert_eq!(
        store.versions().alias(machine.key, "dead").await.unwrap(),
        None
    );
    assert_eq!(
        store
            .versions()
            .alias(StateMachineKey(99), "live")
            .await
            .unwrap(),
        None
    );
}

pub(crate) async fn an_alias_needs_its_versions(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    publish(&*store, &machine).await;
    for (routing, missing) in [(one(2), 2), (two(1, 7), 7), (two(u64::MAX, 1), u64::MAX)] {
        let refused = store
            .versions()
            .create_alias(new_alias(&machine, "live", routing))
            .await;
        assert_eq!(refused.unwrap(), AliasCreation::UnknownVersion(missing));
    }
    assert_eq!(
        store.versions().alias(machine.key, "live").await.unwrap(),
        None
    );
    let stranger = NewAlias {
        state_machine: StateMachineKey(99),
        ..new_alias(&machine, "live", one(1))
    };
    let refused = store.versions().create_alias(stranger).await;
    check_conflict(refused, Conflict::UnknownStateMachine(StateMachineKey(99)));
    begin_deletion(&*store, &machine).await;
    let refused = store
        .versions()
        .create_alias(new_alias(&machine, "live", one(1)))
        .await;
    assert_eq!(refused.unwrap(), AliasCreation::StateMachineDeleting);
}

pub(crate) async fn a_version_with_an_alias_stays(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    publish(&*store, &machine).await;
    let (machine, _) = publish_next(&*store, &machine, "second").await;
    alias(&*store, new_alias(&machine, "zero", one(2))).await;
    alias(&*store, new_alias(&machine, "both", two(1, 2))).await;
    let referenced = |names: &[&str]| {
        VersionDeletion::Referenced(names.iter().map(|name| (*name).to_owned()).collect())
    };
    let delete = |number| store.versions().delete_version(machine.key, number);
    assert_eq!(delete(1).await.unwrap(), referenced(&["both"]));
    assert_eq!(delete(2).await.unwrap(), referenced(&["zero", "both"]));
    assert_eq!(numbers(&*store, &machine).await, [2, 1]);
    for _ in 0..2 {
        store
            .versions()
            .delete_alias(machine.key, "both")
            .await
            .unwrap();
    }
    assert_eq!(delete(1).await.unwrap(), VersionDeletion::Deleted);
    assert_eq!(names(&*store, &machine, None).await, ["zero"]);
}

pub(crate) async fn an_alias_is_updated_in_parts(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    publish(&*store, &machine).await;
    let (machine, _) = publish_next(&*store, &machine, "second").await;
    let live = alias(&*store, new_alias(&machine, "live", two(1, 2))).await;
    let nothing = AliasUpdate {
        state_machine: machine.key,
        name: "live".to_owned(),
        description: None,
        routing: None,
        updated_at: at(30),
    };
    let described = AliasUpdate {
        description: Some("for all".to_owned()),
        ..nothing.clone()
    };
    let expected = AliasRecord {
        description: Some("for all".to_owned()),
        updated_at: at(30),
        ..live
    };
    let changed = store.versions().update_alias(described).await.unwrap();
    assert_eq!(changed, AliasChange::Updated(expected.clone()));
    let routed = AliasUpdate {
        routing: Some(one(2)),
        updated_at: at(31),
        ..nothing.clone()
    };
    let expected = AliasRecord {
        routing: one(2),
        updated_at: at(31),
        ..expected
    };
    let changed = store.versions().update_alias(routed).await.unwrap();
    assert_eq!(changed, AliasChange::Updated(expected.clone()));
    let found = store.versions().alias(machine.key, "live").await.unwrap();
    assert_eq!(found, Some(expected));

    let unknown = AliasUpdate {
        name: "dead".to_owned(),
        ..nothing.clone()
    };
    let changed = store.versions().update_alias(unknown).await.unwrap();
    assert_eq!(changed, AliasChange::Unknown);
    let astray = AliasUpdate {
        routing: Some(two(2, 3)),
        ..nothing.clone()
    };
    let changed = store.versions().update_alias(astray).await.unwrap();
    assert_eq!(changed, AliasChange::UnknownVersion(3));
    begin_deletion(&*store, &machine).await;
    let changed = store.versions().update_alias(nothing).await.unwrap();
    assert_eq!(changed, AliasChange::StateMachineDeleting);
}

pub(crate) async fn aliases_are_listed_as_they_were_created(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    publish(&*store, &machine).await;
    let (machine, _) = publish_next(&*store, &machine, "second").await;
    let mut keys = Vec::new();
    for (name, routing) in [("c", one(1)), ("a", two(2, 1)), ("b", one(2))] {
        keys.push(alias(&*store, new_alias(&machine, name, routing)).await.key);
    }
    let fourth = store
        .versions()
        .create_alias(new_alias(&machine, "d", one(1)))
        .await;
    assert_eq!(fourth.unwrap(), AliasCreation::TooMany);
    assert_eq!(names(&*store, &machine, None).await, ["c", "a", "b"]);
    assert_eq!(names(&*store, &machine, Some(1)).await, ["c", "a"]);
    assert_eq!(names(&*store, &machine, Some(2)).await, ["a", "b"]);
    assert!(names(&*store, &machine, Some(3)).await.is_empty());
    let page = store
        .versions()
        .list_aliases(machine.key, None, keys[0], 1)
        .await;
    assert_eq!(page.unwrap()[0].name, "a");
    let page = store
        .versions()
        .list_aliases(machine.key, None, keys[2], 1)
        .await;
    assert!(page.unwrap().is_empty());
    let other = state_machine(&*store, "other").await;
    assert!(names(&*store, &other, None).await.is_empty());
}

pub(crate) async fn executions_are_listed_by_what_started_them(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let other = state_machine(&*store, "other").await;
    let origin = |version, alias: Option<&str>| Origin {
        version,
        alias: alias.map(str::to_owned),
    };
    let origins = [
        origin(None, None),
        origin(Some(1), None),
        origin(Some(1), Some("live")),
        origin(Some(2), Some("live")),
        origin(Some(2), Some("test")),
    ];
    for (n, origin) in (1..).zip(&origins) {
        let mut record = record(&machine, n);
        record.details = origin.write();
        create(&*store, record).await;
        assert_eq!(Origin::read(origin.write().as_deref()), *origin);
    }
    let mut stranger = record(&other, 6);
    stranger.details = origins[1].write();
    create(&*store, stranger).await;
    let mut ended = record(&machine, 4);
    ended.status = ExecutionStatus::Succeeded;
    ended.stopped_at = Some(at(50));
    store.append(append(&ended, chunk(4, 4))).await.unwrap();
    let mut odd = record(&machine, 7);
    odd.details = Some("no JSON".to_owned());
    create(&*store, odd).await;

    let list = async |filter: ExecutionFilter, by: StartedBy, limit| {
        let listed = store
            .versions()
            .list_executions_started_by(filter, by, limit)
            .await;
        keys(&listed.unwrap())
    };
    let all = all_of(&machine);
    let alias = |name: &str| StartedBy::Alias(name.to_owned());
    assert_eq!(list(all, StartedBy::Version(1), 10).await, [3, 2]);
    assert_eq!(list(all, StartedBy::Version(2), 10).await, [5, 4]);
    assert!(list(all, StartedBy::Version(u64::MAX), 10).await.is_empty());
    assert_eq!(list(all, alias("live"), 10).await, [4, 3]);
    assert!(list(all, alias("1"), 10).await.is_empty());
    let running = ExecutionFilter {
        status: Some(ExecutionStatus::Running),
        ..all
    };
    assert_eq!(list(running, alias("live"), 10).await, [3]);
    assert_eq!(list(all, alias("live"), 1).await, [4]);
    let rest = ExecutionFilter {
        after: Some(ExecutionCursor::of(&record(&machine, 4))),
        ..all
    };
    assert_eq!(list(rest, alias("live"), 10).await, [3]);
}
