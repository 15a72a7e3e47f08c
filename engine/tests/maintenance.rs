//! What a check of a database finds, and what a backup has.

#![allow(clippy::unwrap_used, reason = "a failed test is to panic")]

use std::path::Path;

use rusqlite::Connection;
use serde_json::json;
use stepwell::maintenance::LostEnds;
use stepwell::operations::{
    CreateActivity, PublishStateMachineVersion, RedriveExecution, StartExecution,
};
use stepwell::store::StoreError;
use stepwell::store::sqlite::SqliteStore;
use stepwell::{Engine, maintenance};

const DEFINITION: &str = r#"{"StartAt": "A", "States": {
    "A": {"Type": "Pass", "Next": "B"},
    "B": {"Type": "Wait", "Seconds": 0, "End": true}}}"#;

/// A database with so many executions that have ended.
async fn database(file: &Path, executions: usize) {
    fill(file, executions).await;
    put_away(file).await;
}

async fn fill(file: &Path, executions: usize) {
    let engine = Engine::builder().database(file).build().await;
    let engine = engine.expect("the database can be opened");
    let machine = engine.create_state_machine("m", DEFINITION).await;
    let machine = machine.expect("the definition is valid");
    for number in 0..executions {
        let execution = engine.start(&machine, json!(number)).await;
        let execution = execution.expect("it can be started");
        execution.outcome().await.expect("it ends");
    }
    engine.shut_down().await;
}

/// Waits until an engine whose handles are all gone has let go of its file.
async fn put_away(file: &Path) {
    for _ in 0..20 {
        tokio::task::yield_now().await;
        match SqliteStore::open(file) {
            Ok(_) => return,
            Err(StoreError::InUse { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("somebody holds {}", file.display());
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
            "its journal is empty",
        ],
    );
}

/// What was accepted once is read for ever, whatever is refused since.
#[tokio::test]
async fn a_definition_that_would_be_refused_now_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    database(&file, 2).await;
    let connection = Connection::open(&file).unwrap();
    let change = r#"UPDATE revision SET definition = replace(definition, '"Seconds": 0', '"Seconds": 0, "Colour": 1')"#;
    assert_eq!(connection.execute(change, ()).unwrap(), 1);
    drop(connection);
    check(&file, 2, &[]);
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

/// A database with executions that have ended, by a version and without, one of them redriven, two
/// that wait, and one whose task waits for a worker: eight.
async fn spread(file: &Path) {
    database(file, 3).await;
    fill_with_others(file).await;
    put_away(file).await;
}

async fn fill_with_others(file: &Path) {
    let engine = Engine::builder().database(file).build().await.unwrap();
    let arn = engine.state_machine_arn("m");
    let publish = PublishStateMachineVersion {
        state_machine_arn: arn.clone(),
        ..PublishStateMachineVersion::default()
    };
    engine.publish_state_machine_version(publish).await.unwrap();
    let started = StartExecution::new(&format!("{arn}:1"), "{}");
    let execution = engine.start_execution(started).await.unwrap();
    execution.outcome().await.unwrap();
    let waiting = DEFINITION.replace("\"Seconds\": 0", "\"Seconds\": 86400");
    let machine = engine.create_state_machine("w", &waiting).await.unwrap();
    for number in 0..2 {
        engine.start(&machine, json!(number)).await.unwrap();
    }
    let failing = r#"{"StartAt": "F", "States": {"F": {"Type": "Fail"}}}"#;
    engine.create_state_machine("f", failing).await.unwrap();
    let arn = engine.state_machine_arn("f");
    let publish = PublishStateMachineVersion {
        state_machine_arn: arn.clone(),
        ..PublishStateMachineVersion::default()
    };
    engine.publish_state_machine_version(publish).await.unwrap();
    let started = StartExecution::new(&format!("{arn}:1"), "{}");
    let execution = engine.start_execution(started).await.unwrap();
    execution.outcome().await.unwrap();
    let redrive = RedriveExecution {
        execution_arn: execution.arn.clone(),
        client_token: None,
    };
    engine.redrive_execution(redrive).await.unwrap();
    execution.outcome().await.unwrap();
    let activity = engine.create_activity(CreateActivity::new("a")).await;
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Task", "Resource": activity.unwrap().activity_arn, "End": true}}});
    let machine = engine
        .create_state_machine("a", &definition.to_string())
        .await
        .unwrap();
    engine.start(&machine, json!(1)).await.unwrap();
    engine.shut_down().await;
}

/// All that there is of executions, row by row. No journal tells who owned an execution.
fn rows(file: &Path) -> Vec<Vec<rusqlite::types::Value>> {
    let connection = Connection::open(file).unwrap();
    let mut rows = Vec::new();
    for sql in [
        "SELECT key, state_machine, revision, name, status, started_at, stopped_at, wake_at, details
         FROM execution ORDER BY key",
        "SELECT * FROM journal ORDER BY execution, first",
        "SELECT * FROM waiting_task ORDER BY execution, task, activity",
    ] {
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let read = statement.query_map((), |row| (0..columns).map(|at| row.get(at)).collect());
        rows.extend(read.unwrap().map(Result::unwrap));
    }
    rows
}

fn change(file: &Path, changes: &[&str]) {
    let connection = Connection::open(file).unwrap();
    for change in changes {
        let rows = connection.execute(change, ()).unwrap();
        assert!(rows > 0, "{change}");
    }
}

/// Wrecks a database and repairs it: so many rows are found, as this text says, and it is as it was
/// before.
#[track_caller]
fn check_repair(file: &Path, changes: &[&str], findings: usize, text: &str) {
    let before = rows(file);
    change(file, changes);
    assert_ne!(rows(file), before, "{changes:?}");
    let checked = maintenance::check(file).unwrap();
    assert_eq!(checked.findings.len(), findings, "{checked:#?}");
    for finding in &checked.findings {
        assert!(finding.contains(text), "{text:?} is not in {finding:?}");
    }
    let repaired = maintenance::repair(file, LostEnds::Leave).unwrap();
    assert_eq!(repaired.before, checked, "{changes:?}");
    assert_eq!(repaired.after.findings, Vec::<String>::new(), "{changes:?}");
    assert_eq!(rows(file), before, "{changes:?}");
    assert_eq!(maintenance::check(file).unwrap(), repaired.after);
}

/// As many findings as there are chunks.
const CHUNKS: usize = usize::MAX;

/// What is done to the rows of [`spread`], how many findings that makes, and what they say.
const WRECKS: &[(&str, usize, &str)] = &[
    (
        "UPDATE execution SET status = 3 - status WHERE status <> 0",
        5,
        "its record says",
    ),
    (
        "UPDATE execution SET status = 0 WHERE status <> 0",
        5,
        "its record says Running",
    ),
    (
        "UPDATE execution SET status = 99",
        8,
        "its record says status 99, which is none",
    ),
    (
        "UPDATE execution SET stopped_at = 7",
        8,
        "another time of its end",
    ),
    (
        "UPDATE execution SET stopped_at = NULL WHERE status <> 0",
        5,
        "another time of its end",
    ),
    (
        "UPDATE execution SET started_at = 7",
        8,
        "another time of its start",
    ),
    (
        "UPDATE execution SET wake_at = 7",
        8,
        "another time to wake",
    ),
    (
        "UPDATE execution SET wake_at = NULL WHERE wake_at > 0",
        2,
        "another time to wake",
    ),
    ("UPDATE execution SET name = 'x' || key", 8, "another name"),
    (
        "UPDATE execution SET state_machine = state_machine + 1",
        8,
        "another state machine",
    ),
    (
        "UPDATE execution SET details = '{\"version\":7}'",
        8,
        "other details",
    ),
    ("UPDATE execution SET details = 'what?'", 8, "other details"),
    (
        "UPDATE execution SET details = NULL WHERE details IS NOT NULL",
        2,
        "other details",
    ),
    (
        "UPDATE execution SET details = json_remove(details, '$.redrive')
             WHERE details ->> 'redrive' IS NOT NULL",
        1,
        "other details",
    ),
    (
        "UPDATE execution SET details = '{\"redrive\":1}'",
        8,
        "other details",
    ),
    (
        "UPDATE journal SET last = last + 5",
        CHUNKS,
        "is said to be from",
    ),
    (
        "UPDATE journal SET first_history = 0, last_history = 0",
        CHUNKS,
        "is said to be from",
    ),
    ("DELETE FROM execution", 8, "it has a journal and no record"),
    ("DELETE FROM waiting_task", 1, "other tasks of it"),
    (
        "UPDATE waiting_task SET activity = 'b'",
        1,
        "other tasks of it",
    ),
    (
        "UPDATE waiting_task SET scheduled_at = 7",
        1,
        "other tasks of it",
    ),
    (
        "UPDATE waiting_task SET task = task + 1",
        1,
        "other tasks of it",
    ),
    (
        "INSERT INTO waiting_task SELECT activity, 7, execution, task FROM waiting_task",
        1,
        "other tasks of it",
    ),
    (
        "INSERT INTO waiting_task SELECT 'a', 7, key, 1 FROM execution WHERE status = 1",
        4,
        "other tasks of it",
    ),
    (
        "INSERT INTO waiting_task VALUES ('a', 1, 1048575, 2)",
        1,
        "have no execution",
    ),
];

#[tokio::test]
async fn everything_but_the_journal_can_be_rebuilt_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    spread(&file).await;
    let chunks = rows(&file).len() - 8 - 1;
    for (sql, findings, text) in WRECKS {
        let findings = if *findings == CHUNKS {
            chunks
        } else {
            *findings
        };
        check_repair(&file, &[sql], findings, text);
    }
    let all = [
        "DELETE FROM execution WHERE key IN (SELECT max(key) FROM execution WHERE status = 1)",
        "UPDATE execution SET status = 2, name = 'y' || key, details = '[]' WHERE status = 1",
        "UPDATE execution SET wake_at = 1",
        "UPDATE journal SET last_history = last_history + 1",
        "DELETE FROM waiting_task",
    ];
    check_repair(&file, &all, 1 + 3 * 3 + 7 + chunks + 1, "");
}

#[tokio::test]
async fn names_that_were_exchanged_find_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    database(&file, 2).await;
    let exchange = [
        "UPDATE execution SET name = name || '-' WHERE key = (SELECT min(key) FROM execution)",
        "UPDATE execution SET name = (SELECT substr(name, 1, length(name) - 1) FROM execution
             WHERE key = (SELECT min(key) FROM execution))
         WHERE key = (SELECT max(key) FROM execution)",
        "UPDATE execution SET name = 'z' WHERE key = (SELECT min(key) FROM execution)",
    ];
    check_repair(&file, &exchange, 2, "another name");
}

#[tokio::test]
async fn a_repaired_database_goes_on_and_what_is_damaged_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    database(&file, 2).await;
    change(
        &file,
        &[
            "UPDATE journal SET bytes = substr(bytes, 1, length(bytes) - 1)
             WHERE execution = (SELECT min(key) FROM execution)",
            "DELETE FROM execution WHERE key = (SELECT min(key) FROM execution)",
            "UPDATE execution SET status = 0, stopped_at = NULL",
        ],
    );
    let repaired = maintenance::repair(&file, LostEnds::Leave).unwrap();
    assert_eq!(repaired.before.findings.len(), 3, "{repaired:#?}");
    assert_eq!(repaired.after.findings.len(), 1, "{repaired:#?}");
    assert!(repaired.after.findings[0].contains("the chunk is damaged"));
    database(&file, 1).await;
    assert_eq!(maintenance::check(&file).unwrap().executions, 2);
}

#[tokio::test]
async fn an_execution_whose_end_is_lost_runs_again_only_if_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    spread(&file).await;
    // It waits, and its record says that it has ended: the chunk that said so is gone.
    let ended = "UPDATE execution SET status = 1, stopped_at = 5, wake_at = 7
                 WHERE key = (SELECT min(key) FROM execution WHERE wake_at > 0)";
    change(&file, &[ended]);
    let lost = "its record says Succeeded, but its journal has lost its end";
    check(&file, 8, &[lost]);
    let before = rows(&file);
    let repaired = maintenance::repair(&file, LostEnds::Leave).unwrap();
    assert_eq!(repaired.rows, 0, "{repaired:#?}");
    assert_eq!(repaired.after, repaired.before);
    assert_eq!(rows(&file), before);
    // Nor does a status that there is not make it run.
    let unknown = "UPDATE execution SET status = 99 WHERE wake_at = 7";
    change(&file, &[unknown]);
    let before = rows(&file);
    let repaired = maintenance::repair(&file, LostEnds::Leave).unwrap();
    assert_eq!(repaired.after.findings.len(), 1, "{repaired:#?}");
    assert!(repaired.after.findings[0].contains("has lost its end"));
    assert_eq!(rows(&file), before);

    let repaired = maintenance::repair(&file, LostEnds::Reopen).unwrap();
    assert_eq!(repaired.before.findings.len(), 1, "{repaired:#?}");
    assert_eq!(repaired.after.findings, Vec::<String>::new());
    let status = "SELECT count(*) FROM execution WHERE status = 0 AND stopped_at IS NULL";
    let open = Connection::open(&file).unwrap();
    let open: i64 = open.query_row(status, (), |row| row.get(0)).unwrap();
    assert_eq!(open, 3);
}

#[tokio::test]
async fn a_database_with_an_owner_is_not_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let engine = Engine::builder().database(&file).build().await.unwrap();
    let error = maintenance::repair(&file, LostEnds::Leave).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(engine);
    let none = folder.path().join("none.db");
    assert!(maintenance::repair(&none, LostEnds::Leave).is_err());
    assert!(!none.exists());
    std::fs::write(&none, "").unwrap();
    let error = maintenance::repair(&none, LostEnds::Leave).unwrap_err();
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
    assert_eq!(std::fs::metadata(&none).unwrap().len(), 0);
}

/// A distributed Map of three items, whose children pass.
const DISTRIBUTED: &str = r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
    "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}}"#;

#[tokio::test]
async fn the_counts_of_a_map_run_are_those_of_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let engine = Engine::builder().database(&file).build().await.unwrap();
    let machine = engine.create_state_machine("m", DISTRIBUTED).await.unwrap();
    let execution = engine.start(&machine, json!([1, 2, 3])).await.unwrap();
    execution.outcome().await.unwrap();
    drop((execution, engine));
    put_away(&file).await;
    check(&file, 4, &[]);

    let wrecks = [
        "UPDATE map_run SET executions_succeeded = 7, items_failed = 1",
        "UPDATE execution SET status = 2 WHERE map_run IS NOT NULL AND child_index = 1",
    ];
    for wreck in wrecks {
        change(&file, &[wreck]);
        assert!(!maintenance::check(&file).unwrap().findings.is_empty());
        let repaired = maintenance::repair(&file, LostEnds::Leave).unwrap();
        assert_eq!(repaired.after.findings, Vec::<String>::new(), "{wreck}");
        let counts = "SELECT count(*) FROM map_run WHERE executions_succeeded = 3
            AND items_succeeded = 3 AND items_failed = 0 AND executions_failed = 0";
        let connection = Connection::open(&file).unwrap();
        let right: i64 = connection.query_row(counts, (), |row| row.get(0)).unwrap();
        assert_eq!(right, 1, "{wreck}");
    }
    // A child whose record is gone has its place in no journal.
    change(&file, &["DELETE FROM execution WHERE child_index = 1"]);
    let repaired = maintenance::repair(&file, LostEnds::Leave).unwrap();
    assert!(repaired.after.findings[0].contains("a child of a Map Run"));
}
