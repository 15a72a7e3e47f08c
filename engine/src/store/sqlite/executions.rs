//! The SQL of executions and their journals.
//!
//! Functions that write check before they write. `INDEXED BY` keeps the planner, which knows
//! nothing of the table's size, from another choice: a statement whose index cannot serve it
//! fails in the first test.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};
use stepwell_interpreter::Timestamp;

use super::activities;
use super::failure::Failure;
use super::map_runs;
use super::{owners, state_machines};
use crate::store::execution::JournalEnd;
use crate::store::map_run::{Child, MapRunKey};
use crate::store::{
    Append, Chunk, Conflict, Creation, Epoch, ExecutionCursor, ExecutionFilter, ExecutionKey,
    ExecutionRecord, ExecutionStatus, HistoryRange, NewExecution, Order, RevisionKey,
    StateMachineKey, StateMachineStatus,
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
    owners::check_lease(connection, append.epoch)?;
    let (owner, before, child) = connection
        .prepare_cached(
            "SELECT owner, status, stopped_at, wake_at, map_run, child_index, child_items
             FROM execution WHERE key = ?1",
        )?
        .query_row([key], |row| {
            let standing = (
                row.get(1)?,
                instant_or_none(row, 2)?,
                instant_or_none(row, 3)?,
            );
            Ok((unsigned(row, 0)?, standing, read_child(row, 4)?))
        })
        .optional()?
        .ok_or(Conflict::UnknownExecution(append.execution))?;
    if owner != append.epoch.0 {
        let execution = append.execution;
        return Err(Conflict::HeldByAnother { execution, owner }.into());
    }
    let end = connection
        .prepare_cached(
            "SELECT last, last_history FROM journal WHERE execution = ?1
             ORDER BY first DESC LIMIT 1",
        )?
        .query_row([key], |row| {
            Ok(JournalEnd {
                last: unsigned(row, 0)?,
                last_history: unsigned(row, 1)?,
            })
        })
        .optional()?
        .unwrap_or_default();
    let end = end.followed_by(append.execution, &append.chunk)?;
    integer(end.last.max(end.last_history))?;
    if let Some(letter) = append.letter {
        owners::take_letter(connection, append.execution, letter)?;
    }
    insert_chunk(connection, key, &append.chunk)?;
    for change in &append.queue {
        activities::change_queue(connection, key, change)?;
    }
    if let Some(child) = child {
        map_runs::recount(connection, child, before.0, append.status)?;
    }
    // Most steps change none of this; then its page, and those of its indexes, stay clean.
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

pub(super) fn journal(
    connection: &Connection,
    key: ExecutionKey,
    from: u64,
    bytes_max: usize,
) -> Result<Vec<Chunk>, Failure> {
    let key = integer(key.0)?;
    // Past what an integer can hold there are no events either.
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let start = chunk_of_sequence(connection, key, from)?.map_or(from, |chunk| chunk.first);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {CHUNK_COLUMNS} FROM journal
         WHERE execution = ?1 AND first >= ?2 AND last >= ?3 ORDER BY first"
    ))?;
    let rows = statement.query_map([key, start, from], read_chunk)?;
    take_up_to(bytes_max, rows, |_| Step::Take)
}

pub(super) fn history(
    connection: &Connection,
    key: ExecutionKey,
    range: HistoryRange,
) -> Result<Vec<Chunk>, Failure> {
    if range.is_empty() {
        return Ok(Vec::new());
    }
    let key = integer(key.0)?;
    let (id, sql) = match range.order {
        Order::Ascending => (range.from, "first >= ?2 ORDER BY first"),
        Order::Descending => (range.to, "first <= ?2 ORDER BY first DESC"),
    };
    let Some(start) = chunk_of_history(connection, key, id.max(1))? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {CHUNK_COLUMNS} FROM journal WHERE execution = ?1 AND {sql}"
    ))?;
    let rows = statement.query_map([key, start], read_chunk)?;
    take_up_to(range.bytes_max, rows, |chunk| match range.order {
        Order::Ascending if chunk.first_history > range.to => Step::End,
        Order::Descending if chunk.last_history < range.from => Step::End,
        Order::Ascending | Order::Descending
            if chunk.is_silent() || chunk.last_history < range.from =>
        {
            Step::Skip
        }
        Order::Ascending | Order::Descending => Step::Take,
    })
}

pub(super) fn last_chunk(
    connection: &Connection,
    key: ExecutionKey,
) -> Result<Option<Chunk>, Failure> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {CHUNK_COLUMNS} FROM journal WHERE execution = ?1 ORDER BY first DESC LIMIT 1"
        ))?
        .query_row([integer(key.0)?], read_chunk)
        .optional()?)
}

/// The first chunk of a journal.
pub(super) fn first_chunk(
    connection: &Connection,
    key: ExecutionKey,
) -> Result<Option<Chunk>, Failure> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {CHUNK_COLUMNS} FROM journal WHERE execution = ?1 ORDER BY first LIMIT 1"
        ))?
        .query_row([integer(key.0)?], read_chunk)
        .optional()?)
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

/// The columns that [`read_chunk`] reads.
pub(super) const CHUNK_COLUMNS: &str = "first, last, first_history, last_history, bytes";

pub(super) fn read_chunk(row: &Row<'_>) -> rusqlite::Result<Chunk> {
    Ok(Chunk {
        first: unsigned(row, 0)?,
        last: unsigned(row, 1)?,
        first_history: unsigned(row, 2)?,
        last_history: unsigned(row, 3)?,
        bytes: row.get(4)?,
    })
}

fn insert_chunk(connection: &Connection, key: i64, chunk: &Chunk) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "INSERT INTO journal (execution, first, last, first_history, last_history, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            key,
            integer(chunk.first)?,
            integer(chunk.last)?,
            integer(chunk.first_history)?,
            integer(chunk.last_history)?,
            chunk.bytes,
        ])?;
    Ok(())
}

/// Where a chunk lies, without its bytes.
struct Place {
    first: i64,
    last: i64,
    first_history: u64,
}

/// The last chunk that begins at `sequence` or before.
fn chunk_of_sequence(
    connection: &Connection,
    key: i64,
    sequence: i64,
) -> Result<Option<Place>, Failure> {
    Ok(connection
        .prepare_cached(
            "SELECT first, last, first_history FROM journal
             WHERE execution = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
        )?
        .query_row([key, sequence], |row| {
            Ok(Place {
                first: row.get(0)?,
                last: row.get(1)?,
                first_history: unsigned(row, 2)?,
            })
        })
        .optional()?)
}

/// Where the last chunk begins whose history begins at `id` or before. History ids grow with
/// sequence numbers, so a binary search finds it without an index that every append would pay for.
fn chunk_of_history(connection: &Connection, key: i64, id: u64) -> Result<Option<i64>, Failure> {
    let mut found = None;
    let mut low = 1;
    let mut high = chunk_of_sequence(connection, key, i64::MAX)?.map_or(0, |chunk| chunk.last);
    while low <= high {
        let middle = low + (high - low) / 2;
        let Some(chunk) = chunk_of_sequence(connection, key, middle)? else {
            break;
        };
        if chunk.first_history <= id {
            found = Some(chunk.first);
            low = chunk.last.saturating_add(1);
        } else {
            high = chunk.first - 1;
        }
    }
    Ok(found)
}

/// What to do with a chunk of a history.
pub(super) enum Step {
    Take,
    Skip,
    End,
}

/// Takes chunks, at least one, for as long as they stay within `bytes_max` together.
pub(super) fn take_up_to(
    bytes_max: usize,
    chunks: impl Iterator<Item = rusqlite::Result<Chunk>>,
    step: impl Fn(&Chunk) -> Step,
) -> Result<Vec<Chunk>, Failure> {
    let mut taken = Vec::new();
    let mut weight: usize = 0;
    for chunk in chunks {
        let chunk = chunk?;
        match step(&chunk) {
            Step::Take => {}
            Step::Skip => continue,
            Step::End => break,
        }
        weight = weight.saturating_add(chunk.weight());
        if weight > bytes_max && !taken.is_empty() {
            break;
        }
        taken.push(chunk);
    }
    Ok(taken)
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
