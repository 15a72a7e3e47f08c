//! What is special about a store that is a file: who may open it, and what is left alone.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use futures_util::future::join_all;
use rusqlite::Connection;
use stepwell::store::sqlite::SqliteStore;
use stepwell::store::{Creation, ExecutionKey, Remedy, Store, StoreError};

use crate::samples::{append, chunk, execution, joined, new_execution, record, state_machine};
use crate::versions;

fn file(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

/// A fresh database with the owner of all samples.
async fn opened(path: &Path) -> Arc<dyn Store> {
    joined(Arc::new(SqliteStore::open(path).unwrap())).await
}

/// Opening is refused with this message, after the file's name, and changes nothing.
#[track_caller]
fn check_refused(path: &Path, message: &str) -> StoreError {
    let before = fs::read(path).unwrap();
    let folder = path.parent().unwrap();
    let files = || {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>()
    };
    let mut files_before = files();
    let error = SqliteStore::open(path).err().expect("opening is refused");
    assert_eq!(
        error.to_string(),
        format!("database {} {message}", path.display())
    );
    assert_eq!(fs::read(path).unwrap(), before, "the file was touched");
    let mut files_after = files();
    files_before.sort();
    files_after.sort();
    assert_eq!(files_after, files_before, "a file was left behind");
    error
}

/// A database of ours that was closed, without the lock file beside it.
fn ours(path: &Path) {
    drop(SqliteStore::open(path).unwrap());
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    fs::remove_file(lock).unwrap();
}

#[test]
fn a_text_is_not_a_database() {
    for text in [
        "#",
        "# Notes\n",
        &"A long text that is no database. ".repeat(1000),
    ] {
        let (_folder, path) = file("notes.md");
        fs::write(&path, text).unwrap();
        let error = check_refused(&path, "is not a database");
        assert_eq!(error.remedy(), Remedy::GiveUp);
    }
}

#[test]
fn a_folder_is_not_a_database() {
    let (folder, _) = file("");
    let error = SqliteStore::open(folder.path()).err().unwrap();
    assert!(
        matches!(error, StoreError::NotADatabase { .. }),
        "{error:?}"
    );
}

#[test]
fn a_missing_folder_is_not_created() {
    let (_folder, path) = file("missing");
    let error = SqliteStore::open(&path.join("test.db")).err().unwrap();
    assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
    assert!(!path.exists());
}

#[test]
fn an_empty_file_becomes_a_database() {
    let (_folder, path) = file("test.db");
    fs::write(&path, "").unwrap();
    drop(SqliteStore::open(&path).unwrap());
    assert!(fs::metadata(&path).unwrap().len() > 0);
}

#[test]
fn a_database_of_another_application_is_left_alone() {
    for sql in [
        "CREATE TABLE notes (text)",
        "PRAGMA application_id = 7; CREATE TABLE owner (one)",
    ] {
        let (_folder, path) = file("notes.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        check_refused(&path, "is a database, but not one of Stepwell");
    }
}

#[test]
fn a_newer_version_is_refused() {
    let (_folder, path) = file("test.db");
    ours(&path);
    Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA user_version = 1000")
        .unwrap();
    check_refused(
        &path,
        "was written by a newer Stepwell: its format is 1000, this one knows up to 9",
    );
}

#[tokio::test]
async fn a_file_of_the_first_format_is_brought_forward() {
    let (_folder, path) = file("test.db");
    let store = SqliteStore::open(&path).unwrap();
    let machine = state_machine(&store, "machine").await;
    drop(store);
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "DROP TABLE version; DROP TABLE alias; DROP INDEX execution_by_version;
             DROP INDEX execution_by_alias; DROP INDEX execution_redriven;
             DROP TABLE lease; DROP TABLE letter;
             DROP TABLE activity; DROP TABLE waiting_task;
             ALTER TABLE owner DROP COLUMN opened; ALTER TABLE execution DROP COLUMN owner;
             DROP TABLE map_run; DROP INDEX execution_by_child_index;
             DROP INDEX execution_by_map_run_redriven;
             DROP INDEX execution_by_map_run; DROP INDEX execution_by_map_run_status;
             DROP INDEX execution_by_start; DROP INDEX execution_by_status;
             DROP INDEX state_machine_deleting;
             ALTER TABLE execution DROP COLUMN map_run;
             ALTER TABLE execution DROP COLUMN child_index;
             ALTER TABLE execution DROP COLUMN child_items;
             CREATE INDEX execution_by_start ON execution (state_machine, started_at);
             CREATE INDEX execution_by_status ON execution (state_machine, status, started_at)
                 WHERE status <> 1;
             PRAGMA user_version = 1",
        )
        .unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(versions::publish(&store, &machine).await.number, 1);
}

#[test]
fn a_newer_version_that_only_the_log_tells_is_refused() {
    let (_folder, path) = file("test.db");
    ours(&path);
    // The log stays for as long as this connection, or after a kill.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA user_version = 1000").unwrap();
    let error = SqliteStore::open(&path).err().unwrap();
    assert!(
        matches!(error, StoreError::NewerVersion { found: 1000, .. }),
        "{error:?}"
    );
}

#[test]
fn a_read_only_file_is_refused() {
    let (_folder, path) = file("test.db");
    ours(&path);
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    check_refused(&path, "is read-only");
}

#[test]
fn a_damaged_file_is_refused() {
    let (_folder, path) = file("test.db");
    ours(&path);
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let error = SqliteStore::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_second_owner_is_refused() {
    let (folder, path) = file("test.db");
    let first = opened(&path).await;
    let execution = execution(&*first).await;
    let link = folder.path().join("link.db");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for name in [&path, &link] {
        let error = SqliteStore::open(name).err().unwrap();
        let message = format!("database {} is in use by another process", name.display());
        assert_eq!(error.to_string(), message);
    }
    first.append(append(&execution, chunk(4, 4))).await.unwrap();
    drop(first);
    drop(SqliteStore::open(&link).unwrap());
}

/// The lock on the file is not trusted alone: some network drives have none.
#[tokio::test]
async fn an_owner_that_another_one_followed_writes_nothing() {
    let (_folder, path) = file("test.db");
    let store = opened(&path).await;
    let execution = execution(&*store).await;
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("UPDATE owner SET opened = opened + 1")
        .unwrap();

    let error = store
        .append(append(&execution, chunk(4, 4)))
        .await
        .unwrap_err();
    assert_eq!(error.remedy(), Remedy::StepDown);
    let message = "was taken over by another process: opening 1 was followed by 2";
    assert_eq!(
        error.to_string(),
        format!("database {} {message}", path.display())
    );
    assert_eq!(
        store.last_chunk(execution.key).await.unwrap(),
        Some(chunk(1, 3))
    );
}

#[tokio::test]
async fn many_writes_share_a_commit() {
    const COUNT: u64 = 1000;
    let (_folder, path) = file("test.db");
    let store = opened(&path).await;
    let machine = state_machine(&*store, "machine").await;
    // While somebody else writes, everything waits, and is committed together afterwards.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let before = store.counters();
    let creations = (1..=COUNT).map(|n| store.create_execution(new_execution(record(&machine, n))));
    let release = async {
        tokio::task::yield_now().await;
        other.execute_batch("COMMIT").unwrap();
    };
    let (answers, ()) = tokio::join!(join_all(creations), release);
    assert!(
        answers
            .into_iter()
            .all(|answer| answer.unwrap() == Creation::Created)
    );
    let after = store.counters();
    assert_eq!(after.writes - before.writes, COUNT);
    assert!(after.batches - before.batches <= COUNT / 10, "{after:?}");
    assert!(after.batch_max >= 10, "{after:?}");
}

#[tokio::test]
async fn a_read_does_not_wait_for_a_write() {
    let (_folder, path) = file("test.db");
    let store = opened(&path).await;
    let execution = execution(&*store).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let write = tokio::spawn({
        let store = Arc::clone(&store);
        let append = append(&execution, chunk(4, 4));
        async move { store.append(append).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(
        store.last_chunk(execution.key).await.unwrap(),
        Some(chunk(1, 3))
    );
    assert!(!write.is_finished());
    other.execute_batch("COMMIT").unwrap();
    write.await.unwrap().unwrap();
    assert_eq!(
        store.last_chunk(execution.key).await.unwrap(),
        Some(chunk(4, 4))
    );
}

/// What the process that is killed does: the test below starts this very program again for it.
#[test]
fn killed_owner() {
    let Some(path) = std::env::var_os("STORE_OF_KILLED_OWNER") else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(opened(Path::new(&path)));
    runtime.block_on(execution(&*store));
    // Not `println!`, which the test runner would catch.
    std::io::stdout().write_all(b"ready\n").unwrap();
    std::thread::park();
}

#[tokio::test]
async fn a_killed_owner_leaves_its_writes_and_no_lock() {
    let (_folder, path) = file("test.db");
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite_file::killed_owner", "--nocapture"])
        .env("STORE_OF_KILLED_OWNER", &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    assert!(
        lines
            .map_while(Result::ok)
            .any(|line| line.ends_with("ready"))
    );
    let error = SqliteStore::open(&path).err().unwrap();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");

    owner.kill().unwrap();
    owner.wait().unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(
        store.last_chunk(ExecutionKey(1)).await.unwrap(),
        Some(chunk(1, 3))
    );
}
