//! The SQL of executions.
//!
//! Functions that write check before they write. `INDEXED BY` keeps the planner, which knows
//! nothing of the table's size, from another choice: a statement whose index cannot serve it
//! fails in the first test.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};
use stepwell_interpreter::Timestamp;

use super::activities;
use super::failure::Failure;
use super::journal::insert_chunk;
use super::map_runs;
use super::{owners, state_machines};
use crate::store::execution::JournalEnd;
use crate::store::map_run::{Child, MapRunKey};
use crate::store::{
    Append, Conflict, Creation, Epoch, ExecutionCursor, ExecutionFilter, ExecutionKey,
    ExecutionRecord, ExecutionStatus, NewExecution, RevisionKey, StateMachineKey,
    StateMachineStatus, StoreError,
};

pub(super) fn create(connection: &Connection, new: &NewExecution) -> Result<Creation, Failure> {
    let record = &new.record;
    check_new(new)?;
    owners::check_lease(connection, record.owner)?;
    match state_machines::status_of_revision(connection, record.revision, record.state_machine)? {
        StateMachineStatus::Active => {}
        StateMachineStatus::Deleting | StateMachineStatus::Deleted => {
            return Ok(Creation::StateMachineDeleting);
        }
    }
    if insert(connection, new)? {
        return Ok(Creation::Created);
    }
    let other = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM execution INDEXED BY execution_by_name
             WHERE state_machine = ?1 AND name = ?2"
        ))?
        .query_row(
            params![integer(record.state_machine.0)?, record.name],
            read_record,
        )
        .optional()?;
    match other {
        Some(other) => Ok(Creation::NameTaken(other)),
        None => Err(Conflict::ExecutionKeyTaken(record.key).into()),
    }
}

/// Checks what an execution to be added says of itself.
pub(super) fn check_new(new: &NewExecution) -> Result<(), Failure> {
    let mut end = JournalEnd::default();
    for chunk in &new.chunks {
        end = end.followed_by(new.record.key, chunk)?;
    }
    integer(end.last.max(end.last_history))?;
    integer(new.record.key.0)?;
    Ok(())
}

/// Adds an execution; `false` when its key, its name or its place in a Map Run is taken.
pub(super) fn insert(connection: &Connection, new: &NewExecution) -> Result<bool, Failure> {
    let key = integer(new.record.key.0)?;
    let inserted = insert_record(connection, &new.record)?;
    if inserted == 0 {
        return Ok(false);
    }
    for chunk in &new.chunks {
        insert_chunk(connection, key, chunk)?;
    }
    for task in &new.waiting {
        activities::enqueue(connection, key, task)?;
    }
    Ok(true)
}

/// Adds a record, unless its key, its name or its place in a Map Run is taken; gives the number of
/// rows.
pub(super) fn insert_record(
    connection: &Connection,
    record: &ExecutionRecord,
) -> Result<usize, Failure> {
    let key = integer(record.key.0)?;
    let child = record.child;
    let number = |number: Option<u64>| number.map(integer).transpose();
    Ok(connection
        .prepare_cached(
            "INSERT INTO execution (key, state_machine, revision, name, status, started_at,
                 stopped_at, wake_at, details, owner, map_run, child_index, child_items)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            key,
            integer(record.state_machine.0)?,
            integer(record.revision.0)?,
            record.name,
            record.status,
            record.started_at.milliseconds(),
            record.stopped_at.map(Timestamp::milliseconds),
            record.wake_at.map(Timestamp::milliseconds),
            record.details,
            integer(record.owner.0)?,
            number(child.map(|child| child.map_run.0))?,
            number(child.map(|child| child.index))?,
            number(child.map(|child| child.items))?,
        ])?)
}

pub(super) fn append(connection: &Connection, append: &Append) -> Result<(), Failure> {
    let key = integer(append.execution.0)?;
    let Some(found) = standing(connection, key, append.epoch)? else {
        owners::check_lease(connection, append.epoch)?;
        return Err(Conflict::UnknownExecution(append.execution).into());
    };
    if !found.has_lease {
        return Err(StoreError::LeaseEnded {
            epoch: append.epoch.0,
        }
        .into());
    }
    if found.owner != append.epoch.0 {
        let (execution, owner) = (append.execution, found.owner);
        return Err(Conflict::HeldByAnother { execution, owner }.into());
    }
    let end = found.end.followed_by(append.execution, &append.chunk)?;
    integer(end.last.max(end.last_history))?;
    if let Some(letter) = append.letter {
        owners::take_letter(connection, append.execution, letter)?;
    }
    insert_chunk(connection, key, &append.chunk)?;
    for change in &append.queue {
        activities::change_queue(connection, key, change)?;
    }
    if let Some(child) = found.child {
        map_runs::recount(connection, child, found.status, append.status)?;
    }
    // Most steps change none of this; then its page, and those of its indexes, stay clean.
    let before = (found.status, found.stopped_at, found.wake_at);
    if before != (append.status, append.stopped_at, append.wake_at) || append.details.is_some() {
        connection
            .prepare_cached(
                "UPDATE execution SET status = ?2, stopped_at = ?3, wake_at = ?4,
                     details = ifnull(?5, details)
                 WHERE key = ?1",
            )?
            .execute(params![
                key,
                append.status,
                append.stopped_at.map(Timestamp::milliseconds),
                append.wake_at.map(Timestamp::milliseconds),
                append.details,
            ])?;
    }
    Ok(())
}

/// What an append is checked against, and what it may change.
struct Standing {
    /// Whether the lease is there of the owner who appends.
    has_lease: bool,
    owner: u64,
    status: ExecutionStatus,
    stopped_at: Option<Timestamp>,
    wake_at: Option<Timestamp>,
    child: Option<Child>,
    end: JournalEnd,
}

/// Reads it in one go, because every step of every execution does.
fn standing(connection: &Connection, key: i64, epoch: Epoch) -> Result<Option<Standing>, Failure> {
    Ok(connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM lease WHERE epoch = ?2), owner, status, stopped_at,
                 wake_at, map_run, child_index, child_items, last, last_history
             FROM execution
             LEFT JOIN journal INDEXED BY journal_by_execution ON journal.execution = ?1
             WHERE key = ?1 ORDER BY first DESC LIMIT 1",
        )?
        .query_row([key, integer(epoch.0)?], |row| {
            let end = match row.get::<_, Option<i64>>(8)? {
                Some(_) => JournalEnd {
                    last: unsigned(row, 8)?,
                    last_history: unsigned(row, 9)?,
                },
                None => JournalEnd::default(),
            };
            Ok(Standing {
                has_lease: row.get(0)?,
                owner: unsigned(row, 1)?,
                status: row.get(2)?,
                stopped_at: instant_or_none(row, 3)?,
                wake_at: instant_or_none(row, 4)?,
                child: read_child(row, 5)?,
                end,
            })
        })
        .optional()?)
}

pub(super) fn by_key(
    connection: &Connection,
    key: ExecutionKey,
) -> Result<Option<ExecutionRecord>, Failure> {
    Ok(connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM execution WHERE key = ?1"))?
        .query_row([integer(key.0)?], read_record)
        .optional()?)
}

pub(super) fn by_name(
    connection: &Connection,
    state_machine: &str,
    name: &str,
) -> Result<Option<ExecutionRecord>, Failure> {
    let mut state_machines = connection.prepare_cached(
        "SELECT key FROM state_machine INDEXED BY state_machine_ever_by_name
         WHERE name = ?1 ORDER BY key DESC",
    )?;
    let mut execution = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM execution INDEXED BY execution_by_name
         WHERE state_machine = ?1 AND name = ?2"
    ))?;
    let mut rows = state_machines.query([state_machine])?;
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let found = execution
            .query_row(params![key, name], read_record)
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

pub(super) fn list(
    connection: &Connection,
    filter: ExecutionFilter,
    limit: usize,
) -> Result<Vec<ExecutionRecord>, Failure> {
    const END: ExecutionCursor = ExecutionCursor {
        started_at: Timestamp::MAX,
        key: ExecutionKey(u64::MAX),
    };
    let after = filter.after.unwrap_or(END);
    let state_machine = integer(filter.state_machine.0)?;
    let started_at = after.started_at.milliseconds();
    let key = i64::try_from(after.key.0).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // The index on the status leaves out the successful: they are found by their start.
    let (index, condition) = match filter.status {
        None => ("execution_by_start", ""),
        Some(ExecutionStatus::Succeeded) => ("execution_by_start", "AND status = 1"),
        Some(ExecutionStatus::Running) => ("execution_by_status", "AND status = 0 AND status <> 1"),
        Some(ExecutionStatus::Failed) => ("execution_by_status", "AND status = 2 AND status <> 1"),
        Some(ExecutionStatus::TimedOut) => {
            ("execution_by_status", "AND status = 3 AND status <> 1")
        }
        Some(ExecutionStatus::Aborted) => ("execution_by_status", "AND status = 4 AND status <> 1"),
        Some(ExecutionStatus::PendingRedrive) => {
            ("execution_by_status", "AND status = 5 AND status <> 1")
        }
    };
    let index = match filter.redriven {
        Some(true) => "execution_redriven",
        Some(false) | None => index,
    };
    let redriven = redriven_condition(filter.redriven);
    let sql = format!(
        "SELECT {COLUMNS} FROM execution INDEXED BY {index}
         WHERE state_machine = ?1 AND map_run IS NULL {condition} {redriven} AND (started_at, key) < (?2, ?3)
         ORDER BY started_at DESC, key DESC LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([state_machine, started_at, key, limit], read_record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What a filter asks of redrives, in the words of the index on them.
pub(super) fn redriven_condition(redriven: Option<bool>) -> &'static str {
    match redriven {
        None => "",
        Some(true) => {
            "AND details IS NOT NULL
             AND iif(json_valid(details), details ->> 'redrive', NULL) IS NOT NULL"
        }
        Some(false) => "AND iif(json_valid(details), details ->> 'redrive', NULL) IS NULL",
    }
}

pub(super) fn open(
    connection: &Connection,
    after: ExecutionKey,
    limit: usize,
) -> Result<Vec<ExecutionRecord>, Failure> {
    let after = i64::try_from(after.0).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM execution INDEXED BY execution_open
         WHERE status = 0 AND key > ?1 ORDER BY key LIMIT ?2"
    ))?;
    let rows = statement.query_map([after, limit], read_record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn count_open(connection: &Connection) -> Result<u64, Failure> {
    Ok(connection
        .prepare_cached(
            "SELECT count(*) FROM execution INDEXED BY execution_open WHERE status = 0",
        )?
        .query_row((), |row| unsigned(row, 0))?)
}

/// A number as SQLite holds it.
pub(super) fn integer(number: u64) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|_| Conflict::TooLarge(number).into())
}

/// A number that is never negative.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Ok(Timestamp::from_milliseconds(row.get(column)?))
}

pub(super) fn instant_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row
        .get::<_, Option<i64>>(column)?
        .map(Timestamp::from_milliseconds))
}

/// The columns that [`read_record`] reads.
pub(super) const COLUMNS: &str =
    "key, state_machine, revision, name, status, started_at, stopped_at, wake_at, details, owner,
    map_run, child_index, child_items";

pub(super) fn read_record(row: &Row<'_>) -> rusqlite::Result<ExecutionRecord> {
    Ok(ExecutionRecord {
        key: ExecutionKey(unsigned(row, 0)?),
        state_machine: StateMachineKey(unsigned(row, 1)?),
        revision: RevisionKey(unsigned(row, 2)?),
        name: row.get(3)?,
        status: row.get(4)?,
        started_at: instant(row, 5)?,
        stopped_at: instant_or_none(row, 6)?,
        wake_at: instant_or_none(row, 7)?,
        details: row.get(8)?,
        owner: Epoch(unsigned(row, 9)?),
        child: read_child(row, 10)?,
    })
}

/// Reads whose child an execution is, from three columns.
fn read_child(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Child>> {
    let map_run: Option<i64> = row.get(first)?;
    let Some(map_run) = map_run else {
        return Ok(None);
    };
    Ok(Some(Child {
        map_run: MapRunKey(map_run.unsigned_abs()),
        index: unsigned(row, first + 1)?,
        items: unsigned(row, first + 2)?,
    }))
}

/// As the numbers that the first migration lists.
impl ToSql for ExecutionStatus {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(number_of(*self).into())
    }
}

/// The number of a status.
pub(super) fn number_of(status: ExecutionStatus) -> i64 {
    match status {
        ExecutionStatus::Running => 0,
        ExecutionStatus::Succeeded => 1,
        ExecutionStatus::Failed => 2,
        ExecutionStatus::TimedOut => 3,
        ExecutionStatus::Aborted => 4,
        ExecutionStatus::PendingRedrive => 5,
    }
}

impl FromSql for ExecutionStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Running),
            1 => Ok(Self::Succeeded),
            2 => Ok(Self::Failed),
            3 => Ok(Self::TimedOut),
            4 => Ok(Self::Aborted),
            5 => Ok(Self::PendingRedrive),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}
