//! The SQL of journals.
//!
//! `INDEXED BY` is for the same reason as in [`executions`](super::executions).

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::executions::{integer, unsigned};
use super::failure::Failure;
use crate::store::{Chunk, ExecutionKey, HistoryRange, Order};

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
        "SELECT {CHUNK_COLUMNS} FROM journal INDEXED BY journal_by_execution
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
        "SELECT {CHUNK_COLUMNS} FROM journal INDEXED BY journal_by_execution
         WHERE execution = ?1 AND {sql}"
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
            "SELECT {CHUNK_COLUMNS} FROM journal INDEXED BY journal_by_execution
             WHERE execution = ?1 ORDER BY first DESC LIMIT 1"
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
            "SELECT {CHUNK_COLUMNS} FROM journal INDEXED BY journal_by_execution
             WHERE execution = ?1 ORDER BY first LIMIT 1"
        ))?
        .query_row([integer(key.0)?], read_chunk)
        .optional()?)
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

pub(super) fn insert_chunk(
    connection: &Connection,
    key: i64,
    chunk: &Chunk,
) -> Result<(), Failure> {
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
            "SELECT first, last, first_history FROM journal INDEXED BY journal_by_execution
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
