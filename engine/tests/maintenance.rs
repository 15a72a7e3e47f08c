//! What a check of a database finds, and what a backup has.

use std::path::Path;

use rusqlite::Connection;
use serde_json::json;
use stepwell::operations::CreateActivity;
use stepwell::store::StoreError;
use stepwell::{Engine, maintenance};

const DEFINITION: &str = r#"{"StartAt": "A", "States": {
    "A": {"Type": "Pass", "Next": "B"},
    "B": {"Type": "Wait", "Seconds": 0, "End": true}}}"#;

/// A database with so many executions that have ended.
async fn database(file: &Path, executions: usize) {
    let engine = Engine::builder().database(file).build().await;
    let engine = engine.expect("the database can be opened");
    let machine = engine.create_state_machine("m", DEFINITION).await;
    let machine = machine.expect("the definition is valid");
    for number in 0..executions {
        let execution = engine.start(&machine, json!(number)).await;
        let execution = execution.expect("it can be started");
        execution.outcome().await.expect("it ends");
    }
}

#[track_caller]
fn check(file: &Path, executions: u64, findings: &[&str]) {
    let checked = maintenance::check(file).expect("the file can be read");
    assert_eq!(checked.executions, executions);
    assert_eq!(checked.findings.len(), findings.len(), "{checked:?}");
    for (found, expected) in checked.findings.iter().zip(findings) {
        assert!(found.contains(expected), "{expected:?} is not in {found:?}");
    }
}

#[tokio::test]
async fn a_sound_database_has_no_findings_and_its_copy_neither() {
    let folder = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join("a.db"), folder.path().join("b.db"));
    database(&file, 3).await;
    check(&file, 3, &[]);
    assert_eq!(
        maintenance::back_up(&file, &copy).unwrap(),
        std::fs::metadata(&copy).unwrap().len()
    );
    check(&copy, 3, &[]);
    // The copy is a database like any other.
    database(&copy, 1).await;
    check(&copy, 4, &[]);
    check(&file, 3, &[]);
}

#[tokio::test]
async fn what_does_not_fit_is_named_with_its_execution() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    database(&file, 4).await;
    let connection = Connection::open(&file).unwrap();
    for change in [
        // Their owner counts them from 1.
        "UPDATE execution SET status = 0 WHERE key & 255 = 1",
        "UPDATE journal SET bytes = substr(bytes, 1, length(bytes) - 1) WHERE execution & 255 = 2",
        "DELETE FROM journal WHERE execution & 255 = 3",
    ] {
        connection.execute(change, ()).unwrap();
    }
    drop(connection);
    check(
        &file,
        4,
        &[
            "its record says Running, its journal Succeeded",
            "the chunk is damaged",
            "its record says Succeeded, its journal Running",
        ],
    );
}

#[tokio::test]
async fn a_queue_that_does_not_fit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let engine = Engine::builder().database(&file).build().await.unwrap();
    let activity = engine.create_activity(CreateActivity::new("a")).await;
    let activity = activity.unwrap().activity_arn;
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Task", "Resource": activity, "End": true}}});
    let machine = engine
        .create_state_machine("m", &definition.to_string())
        .await
        .unwrap();
    engine.start(&machine, json!(1)).await.unwrap();
    drop(engine);
    check(&file, 1, &[]);
    let connection = Connection::open(&file).unwrap();
    let change = "UPDATE waiting_task SET scheduled_at = scheduled_at + 1";
    connection.execute(change, ()).unwrap();
    let change = "INSERT INTO waiting_task VALUES ('a', 1, 7, 2)";
    connection.execute(change, ()).unwrap();
    drop(connection);
    check(
        &file,
        1,
        &[
            "the queues of activities have other tasks of it than its journal",
            "1 tasks in the queues of activities have no execution",
        ],
    );
}

#[tokio::test]
async fn a_backup_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join("a.db"), folder.path().join("b.db"));
    database(&file, 1).await;
    std::fs::write(&copy, "mine").unwrap();
    let error = maintenance::back_up(&file, &copy).unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "mine");
    assert!(maintenance::check(&copy).is_err());
    assert!(maintenance::check(&folder.path().join("none.db")).is_err());
}
