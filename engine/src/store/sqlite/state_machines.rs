//! The SQL of state machines and their revisions. Functions that write check before they write.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::executions::{instant, integer, unsigned};
use super::failure::Failure;
use crate::store::{
    Conflict, NewRevision, NewStateMachine, Revision, RevisionKey, StateMachineCreation,
    StateMachineKey, StateMachineKind, StateMachineRecord, StateMachineStatus, StateMachineUpdate,
    Tagging, Update,
};

pub(super) fn create(
    connection: &Connection,
    new: &NewStateMachine,
) -> Result<StateMachineCreation, Failure> {
    if let Some(other) = by_name(connection, &new.name)? {
        return Ok(StateMachineCreation::NameTaken(other));
    }
    connection
        .prepare_cached(
            "INSERT INTO state_machine (name, kind, status, created_at, tags, revision)
             VALUES (?1, ?2, ?3, ?4, ?5, 0)",
        )?
        .execute(params![
            new.name,
            new.kind,
            StateMachineStatus::Active,
            new.created_at.milliseconds(),
            new.tags,
        ])?;
    let key = StateMachineKey(connection.last_insert_rowid().unsigned_abs());
    let revision = insert_revision(connection, key, &new.revision)?;
    Ok(StateMachineCreation::Created(StateMachineRecord {
        key,
        name: new.name.clone(),
        kind: new.kind,
        status: StateMachineStatus::Active,
        created_at: new.created_at,
        tags: new.tags.clone(),
        revision,
    }))
}

pub(super) fn update(
    connection: &Connection,
    update: &StateMachineUpdate,
) -> Result<Update, Failure> {
    let mut record = existing(connection, update.state_machine)?;
    if record.status != StateMachineStatus::Active || record.revision != update.replaces {
        return Ok(Update::Outdated(record));
    }
    if revision_by_id(connection, record.key, &update.revision.id)?.is_some() {
        return Err(Conflict::RevisionIdTaken(record.key).into());
    }
    record.revision = insert_revision(connection, record.key, &update.revision)?;
    Ok(Update::Updated(record))
}

pub(super) fn tag(
    connection: &Connection,
    key: StateMachineKey,
    replaces: &str,
    tags: &str,
) -> Result<Tagging, Failure> {
    let record = existing(connection, key)?;
    if record.tags != replaces {
        return Ok(Tagging::Outdated(record.tags));
    }
    connection
        .prepare_cached("UPDATE state_machine SET tags = ?2 WHERE key = ?1")?
        .execute(params![integer(record.key.0)?, tags])?;
    Ok(Tagging::Tagged)
}

pub(super) fn delete(
    connection: &Connection,
    key: StateMachineKey,
) -> Result<StateMachineStatus, Failure> {
    let record = existing(connection, key)?;
    let status = if has_open_executions(connection, key)? {
        StateMachineStatus::Deleting
    } else {
        StateMachineStatus::Deleted
    };
    let status = record.status.max(status);
    connection
        .prepare_cached("UPDATE state_machine SET status = ?2 WHERE key = ?1")?
        .execute(params![integer(key.0)?, status])?;
    Ok(status)
}

/// Whether an execution of the state machine runs, or a Map Run of one, whose children are still
/// being stopped.
fn has_open_executions(connection: &Connection, key: StateMachineKey) -> Result<bool, Failure> {
    let has_open = connection
        .prepare_cached(
            "SELECT EXISTS (
                 SELECT 1 FROM execution INDEXED BY execution_by_status
                 WHERE state_machine = ?1 AND status = 0 AND status <> 1 AND map_run IS NULL
             ) OR EXISTS (
                 SELECT 1 FROM map_run INDEXED BY map_run_open
                 JOIN execution ON execution.key = map_run.execution
                 WHERE map_run.status = 0 AND execution.state_machine = ?1
             )",
        )?
        .query_row([integer(key.0)?], |row| row.get(0))?;
    Ok(has_open)
}

pub(super) fn deleting(connection: &Connection) -> Result<Vec<StateMachineRecord>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM state_machine INDEXED BY state_machine_deleting
         WHERE status = 1 ORDER BY key"
    ))?;
    let rows = statement.query_map([], read_record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How the state machine of a revision stands.
pub(super) fn status_of_revision(
    connection: &Connection,
    revision: RevisionKey,
    state_machine: StateMachineKey,
) -> Result<StateMachineStatus, Failure> {
    let status = connection
        .prepare_cached("SELECT status FROM state_machine WHERE key = ?1")?
        .query_row([integer(state_machine.0)?], |row| row.get(0))
        .optional()?
        .ok_or(Conflict::UnknownStateMachine(state_machine))?;
    let owner = connection
        .prepare_cached("SELECT state_machine FROM revision WHERE key = ?1")?
        .query_row([integer(revision.0)?], |row| unsigned(row, 0))
        .optional()?;
    if owner != Some(state_machine.0) {
        return Err(Conflict::UnknownRevision(revision).into());
    }
    Ok(status)
}

pub(super) fn by_name(
    connection: &Connection,
    name: &str,
) -> Result<Option<StateMachineRecord>, Failure> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM state_machine INDEXED BY state_machine_by_name
             WHERE name = ?1 AND status <> 2"
        ))?
        .query_row([name], read_record)
        .optional()?)
}

pub(super) fn by_key(
    connection: &Connection,
    key: StateMachineKey,
) -> Result<Option<StateMachineRecord>, Failure> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM state_machine WHERE key = ?1"
        ))?
        .query_row([integer(key.0)?], read_record)
        .optional()?)
}

pub(super) fn list(
    connection: &Connection,
    after: &str,
    limit: usize,
) -> Result<Vec<StateMachineRecord>, Failure> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM state_machine INDEXED BY state_machine_by_name
         WHERE name > ?1 AND status <> 2 ORDER BY name LIMIT ?2"
    ))?;
    let rows = statement.query_map(params![after, limit], read_record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn revision(
    connection: &Connection,
    key: RevisionKey,
) -> Result<Option<Revision>, Failure> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {REVISION_COLUMNS} FROM revision WHERE key = ?1"
        ))?
        .query_row([integer(key.0)?], read_revision)
        .optional()?)
}

pub(super) fn revision_by_id(
    connection: &Connection,
    state_machine: StateMachineKey,
    id: &str,
) -> Result<Option<Revision>, Failure> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {REVISION_COLUMNS} FROM revision INDEXED BY revision_by_id
             WHERE state_machine = ?1 AND id = ?2"
        ))?
        .query_row(params![integer(state_machine.0)?, id], read_revision)
        .optional()?)
}

pub(super) fn existing(
    connection: &Connection,
    key: StateMachineKey,
) -> Result<StateMachineRecord, Failure> {
    by_key(connection, key)?.ok_or_else(|| Conflict::UnknownStateMachine(key).into())
}

/// Adds a revision and makes it the current one.
fn insert_revision(
    connection: &Connection,
    state_machine: StateMachineKey,
    revision: &NewRevision,
) -> Result<RevisionKey, Failure> {
    connection
        .prepare_cached(
            "INSERT INTO revision (state_machine, id, role, configuration, created_at, definition)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            integer(state_machine.0)?,
            revision.id,
            revision.role,
            revision.configuration,
            revision.created_at.milliseconds(),
            revision.definition,
        ])?;
    let key = connection.last_insert_rowid();
    connection
        .prepare_cached("UPDATE state_machine SET revision = ?2 WHERE key = ?1")?
        .execute(params![integer(state_machine.0)?, key])?;
    Ok(RevisionKey(key.unsigned_abs()))
}

/// The columns that [`read_record`] reads.
const COLUMNS: &str = "key, name, kind, status, created_at, tags, revision";

fn read_record(row: &Row<'_>) -> rusqlite::Result<StateMachineRecord> {
    Ok(StateMachineRecord {
        key: StateMachineKey(unsigned(row, 0)?),
        name: row.get(1)?,
        kind: row.get(2)?,
        status: row.get(3)?,
        created_at: instant(row, 4)?,
        tags: row.get(5)?,
        revision: RevisionKey(unsigned(row, 6)?),
    })
}

/// The columns that [`read_revision`] reads.
const REVISION_COLUMNS: &str =
    "key, state_machine, id, definition, role, configuration, created_at";

fn read_revision(row: &Row<'_>) -> rusqlite::Result<Revision> {
    Ok(Revision {
        key: RevisionKey(unsigned(row, 0)?),
        state_machine: StateMachineKey(unsigned(row, 1)?),
        content: NewRevision {
            id: row.get(2)?,
            definition: row.get(3)?,
            role: row.get(4)?,
            configuration: row.get(5)?,
            created_at: instant(row, 6)?,
        },
    })
}

/// As the numbers that the first migration lists.
impl ToSql for StateMachineKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number: i64 = match self {
            Self::Standard => 0,
            Self::Express => 1,
        };
        Ok(number.into())
    }
}

impl FromSql for StateMachineKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Standard),
            1 => Ok(Self::Express),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

/// As the numbers that the first migration lists.
impl ToSql for StateMachineStatus {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number: i64 = match self {
            Self::Active => 0,
            Self::Deleting => 1,
            Self::Deleted => 2,
        };
        Ok(number.into())
    }
}

impl FromSql for StateMachineStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Active),
            1 => Ok(Self::Deleting),
            2 => Ok(Self::Deleted),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}
