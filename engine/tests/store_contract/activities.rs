//! Activities, and the queues of their tasks.

use std::sync::Arc;

use stepwell::store::activity::{ActivityCreation, NewActivity};
use stepwell::store::{Append, NewExecution, QueueChange, Store, Tagging, WaitingTask};

use crate::samples::{append, at, chunk, create, new_execution, record, state_machine};

pub(crate) fn new_activity(name: &str) -> NewActivity {
    NewActivity {
        name: name.to_owned(),
        created_at: at(7),
        tags: "[]".to_owned(),
        encryption: "{}".to_owned(),
    }
}

pub(crate) async fn activity(store: &dyn Store, name: &str) -> NewActivity {
    let new = new_activity(name);
    let created = store.activities().create_activity(new.clone());
    assert_eq!(created.await.unwrap(), ActivityCreation::Created);
    new
}

pub(crate) fn waits(activity: &str, scheduled_at: i64, task: u64) -> WaitingTask {
    WaitingTask {
        activity: activity.to_owned(),
        scheduled_at: at(scheduled_at),
        task,
    }
}

/// The tasks that wait, as (execution, task).
pub(crate) async fn queue(store: &dyn Store, activity: &str, limit: usize) -> Vec<(u64, u64)> {
    let waiting = store.activities().waiting_tasks(activity, limit).await;
    let waiting = waiting.unwrap().into_iter();
    waiting
        .map(|(execution, task)| {
            assert_eq!(task.activity, activity);
            (execution.0, task.task)
        })
        .collect()
}

pub(crate) async fn an_activity_is_found_by_its_name(store: Arc<dyn Store>) {
    let new = activity(&*store, "a").await;
    let activities = store.activities();
    assert_eq!(activities.activity("a").await.unwrap(), Some(new));
    assert_eq!(activities.activity("A").await.unwrap(), None);
}

pub(crate) async fn a_taken_name_answers_with_its_activity(store: Arc<dyn Store>) {
    let first = activity(&*store, "a").await;
    let second = NewActivity {
        created_at: at(8),
        ..new_activity("a")
    };
    let created = store.activities().create_activity(second).await.unwrap();
    assert_eq!(created, ActivityCreation::NameTaken(first));
}

pub(crate) async fn a_deleted_activity_is_gone(store: Arc<dyn Store>) {
    activity(&*store, "a").await;
    let activities = store.activities();
    activities.delete_activity("a").await.unwrap();
    activities.delete_activity("a").await.unwrap();
    assert_eq!(activities.activity("a").await.unwrap(), None);
    assert_eq!(activities.list_activities("", 9).await.unwrap(), []);
    activity(&*store, "a").await;
}

pub(crate) async fn activities_are_listed_by_name(store: Arc<dyn Store>) {
    for name in ["c", "a", "b"] {
        activity(&*store, name).await;
    }
    let list = async |after: &str, limit: usize| {
        let listed = store.activities().list_activities(after, limit).await;
        let names: Vec<String> = listed
            .unwrap()
            .into_iter()
            .map(|found| found.name)
            .collect();
        names.concat()
    };
    assert_eq!(list("", 2).await, "ab");
    assert_eq!(list("b", 2).await, "c");
    assert_eq!(list("c", 2).await, "");
}

pub(crate) async fn tags_of_an_activity_replace_those_they_were_made_from(store: Arc<dyn Store>) {
    activity(&*store, "a").await;
    let activities = store.activities();
    let tag = async |name: &str, replaces: &str, tags: &str| {
        let tagged = activities.tag_activity(name, replaces.to_owned(), tags.to_owned());
        tagged.await.unwrap()
    };
    assert_eq!(tag("a", "[]", "[1]").await, Some(Tagging::Tagged));
    let outdated = Tagging::Outdated("[1]".to_owned());
    assert_eq!(tag("a", "[]", "[2]").await, Some(outdated));
    assert_eq!(tag("b", "[]", "[2]").await, None);
    let found = activities.activity("a").await.unwrap().unwrap();
    assert_eq!(found.tags, "[1]");
}

pub(crate) async fn tasks_wait_in_order(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    for (n, scheduled_at) in [(1, 30), (2, 10), (3, 10)] {
        let new = NewExecution {
            waiting: vec![waits("a", scheduled_at, 3), waits("b", scheduled_at, 2)],
            ..new_execution(record(&machine, n))
        };
        store.create_execution(new).await.unwrap();
    }
    assert_eq!(queue(&*store, "a", 9).await, [(2, 3), (3, 3), (1, 3)]);
    assert_eq!(queue(&*store, "a", 2).await, [(2, 3), (3, 3)]);
    let step = Append {
        queue: vec![
            QueueChange::Remove(waits("a", 10, 3)),
            QueueChange::Add(waits("a", 40, 4)),
        ],
        ..append(&record(&machine, 2), chunk(4, 4))
    };
    store.append(step).await.unwrap();
    assert_eq!(queue(&*store, "a", 9).await, [(3, 3), (1, 3), (2, 4)]);
    assert_eq!(queue(&*store, "b", 9).await, [(2, 2), (3, 2), (1, 2)]);
    assert_eq!(queue(&*store, "c", 9).await, []);
}

pub(crate) async fn a_refused_step_changes_no_queue(store: Arc<dyn Store>) {
    let machine = state_machine(&*store, "machine").await;
    let record = record(&machine, 1);
    create(&*store, record.clone()).await;
    let step = |chunk| Append {
        queue: vec![QueueChange::Add(waits("a", 1, 4))],
        ..append(&record, chunk)
    };
    assert!(store.append(step(chunk(5, 5))).await.is_err());
    assert_eq!(queue(&*store, "a", 9).await, []);
    let again = NewExecution {
        waiting: vec![waits("a", 1, 2)],
        ..new_execution(record.clone())
    };
    let _ = store.create_execution(again).await;
    assert_eq!(queue(&*store, "a", 9).await, []);
    store.append(step(chunk(4, 4))).await.unwrap();
    assert_eq!(queue(&*store, "a", 9).await, [(1, 4)]);
}
