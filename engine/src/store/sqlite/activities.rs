//! The SQL of activities and of the queues of their tasks.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::executions::{instant, integer, unsigned};
use super::failure::Failure;
use crate::store::activity::{
    ActivityCreation, ActivityRecord, ActivityStore, NewActivity, QueueChange, WaitingTask,
};
use crate::store::{ExecutionKey, StoreFuture, Tagging};

impl ActivityStore for SqliteStore {
    fn create_activity(&self, new: NewActivity) -> StoreFuture<'_, ActivityCreation> {
        self.writer
            .write(move |connection| create(connection, &new))
    }

    fn delete_activity(&self, name: &str) -> StoreFuture<'_, ()> {
        let name = name.to_owned();
        self.writer.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM activity WHERE name = ?1")?
                .execute([&name])?;
            Ok(())
        })
    }

    fn activity(&self, name: &str) -> StoreFuture<'_, Option<ActivityRecord>> {
        let name = name.to_owned();
        self.readers
            .read(move |connection| by_name(connection, &name))
    }

    fn list_activities(&self, after: &str, limit: usize) -> StoreFuture<'_, Vec<ActivityRecord>> {
        let after = after.to_owned();
        self.readers
            .read(move |connection| list(connection, &after, limit))
    }

    fn tag_activity(
        &self,
        name: &str,
        replaces: String,
        tags: String,
    ) -> StoreFuture<'_, Option<Tagging>> {
        let name = name.to_owned();
        self.writer
            .write(move |connection| tag(connection, &name, &replaces, &tags))
    }

    fn waiting_tasks(
        &self,
        activity: &str,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(ExecutionKey, WaitingTask)>> {
        let activity = activity.to_owned();
        self.readers
            .read(move |connection| waiting(connection, &activity, limit))
    }
}

/// Puts a task at its place in the queue.
pub(super) fn enqueue(
    connection: &Connection,
    execution: i64,
    task: &WaitingTask,
) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "INSERT INTO waiting_task (activity, scheduled_at, execution, task)
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            task.activity,
            task.scheduled_at.milliseconds(),
            execution,
            integer(task.task)?,
        ])?;
    Ok(())
}

pub(super) fn change_queue(
    connection: &Connection,
    execution: i64,
    change: &QueueChange,
) -> Result<(), Failure> {
    match change {
        QueueChange::Add(task) => enqueue(connection, execution, task),
        QueueChange::Remove(task) => {
            connection
                .prepare_cached(
                    "DELETE FROM waiting_task
                     WHERE activity = ?1 AND scheduled_at = ?2 AND execution = ?3 AND task = ?4",
                )?
                .execute(params![
                    task.activity,
                    task.scheduled_at.milliseconds(),
                    execution,
                    integer(task.task)?,
                ])?;
            Ok(())
        }
    }
}

/// Every task that waits, whatever for, in the order of their executions.
pub(super) fn all_waiting(
    connection: &Connection,
) -> Result<Vec<(ExecutionKey, WaitingTask)>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT activity, scheduled_at, execution, task FROM waiting_task ORDER BY execution, task",
    )?;
    let rows = statement.query_map((), read_waiting)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn create(connection: &Connection, new: &NewActivity) -> Result<ActivityCreation, Failure> {
    if let Some(other) = by_name(connection, &new.name)? {
        return Ok(ActivityCreation::NameTaken(other));
    }
    connection
        .prepare_cached(
            "INSERT INTO activity (name, created_at, tags, encryption) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            new.name,
            new.created_at.milliseconds(),
            new.tags,
            new.encryption,
        ])?;
    Ok(ActivityCreation::Created)
}

fn by_name(connection: &Connection, name: &str) -> Result<Option<ActivityRecord>, Failure> {
    Ok(connection
        .prepare_cached("SELECT name, created_at, tags, encryption FROM activity WHERE name = ?1")?
        .query_row([name], read_activity)
        .optional()?)
}

fn list(
    connection: &Connection,
    after: &str,
    limit: usize,
) -> Result<Vec<ActivityRecord>, Failure> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(
        "SELECT name, created_at, tags, encryption FROM activity
         WHERE name > ?1 ORDER BY name LIMIT ?2",
    )?;
    let rows = statement.query_map(params![after, limit], read_activity)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn tag(
    connection: &Connection,
    name: &str,
    replaces: &str,
    tags: &str,
) -> Result<Option<Tagging>, Failure> {
    let Some(record) = by_name(connection, name)? else {
        return Ok(None);
    };
    if record.tags != replaces {
        return Ok(Some(Tagging::Outdated(record.tags)));
    }
    connection
        .prepare_cached("UPDATE activity SET tags = ?2 WHERE name = ?1")?
        .execute([name, tags])?;
    Ok(Some(Tagging::Tagged))
}

fn waiting(
    connection: &Connection,
    activity: &str,
    limit: usize,
) -> Result<Vec<(ExecutionKey, WaitingTask)>, Failure> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(
        "SELECT activity, scheduled_at, execution, task FROM waiting_task
         WHERE activity = ?1 ORDER BY scheduled_at, execution, task LIMIT ?2",
    )?;
    let rows = statement.query_map(params![activity, limit], read_waiting)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read_activity(row: &Row<'_>) -> rusqlite::Result<ActivityRecord> {
    Ok(ActivityRecord {
        name: row.get(0)?,
        created_at: instant(row, 1)?,
        tags: row.get(2)?,
        encryption: row.get(3)?,
    })
}

fn read_waiting(row: &Row<'_>) -> rusqlite::Result<(ExecutionKey, WaitingTask)> {
    Ok((
        ExecutionKey(unsigned(row, 2)?),
        WaitingTask {
            activity: row.get(0)?,
            scheduled_at: instant(row, 1)?,
            task: unsigned(row, 3)?,
        },
    ))
}
