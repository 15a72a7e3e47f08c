//! The SQL of redrives of Map Runs.

use rusqlite::{Connection, OptionalExtension, params};
use stepwell_interpreter::Timestamp;

use super::super::executions::integer;
use super::super::failure::Failure;
use super::{existing, held_by, recount};
use crate::store::ExecutionStatus;
use crate::store::map_run::{
    Child, MapRunKey, MapRunRecord, MapRunRedrive, MapRunStatus, RedriveChoice,
};

pub(super) fn redrive(
    connection: &Connection,
    key: MapRunKey,
    redrive: MapRunRedrive,
) -> Result<MapRunRecord, Failure> {
    let before = existing(connection, key)?;
    let mut record = before.clone();
    record.redriven(redrive);
    if record != before {
        connection
            .prepare_cached(
                "UPDATE map_run SET status = ?2, stopped_at = ?3, failure = ?4,
                     redrive_count = ?5, redriven_at = ?6, is_choosing = ?7,
                     executions_not_redrivable = ?8, items_not_redrivable = ?9
                 WHERE key = ?1",
            )?
            .execute(params![
                integer(key.0)?,
                record.status,
                record.stopped_at.map(Timestamp::milliseconds),
                record.failure,
                integer(redrive.count)?,
                redrive.at.milliseconds(),
                record.is_choosing,
                integer(record.not_redrivable.executions)?,
                integer(record.not_redrivable.items)?,
            ])?;
    }
    Ok(record)
}

pub(super) fn choose(
    connection: &Connection,
    key: MapRunKey,
    choice: &RedriveChoice,
) -> Result<MapRunRecord, Failure> {
    let record = held_by(connection, key, choice.epoch)?;
    if record.status != MapRunStatus::Running || !record.is_choosing {
        return Ok(record);
    }
    for child in &choice.children {
        let (map_run, child) = (integer(key.0)?, integer(child.0)?);
        let found: Option<(ExecutionStatus, u64)> = connection
            .prepare_cached(
                "SELECT status, child_items FROM execution WHERE key = ?1 AND map_run = ?2",
            )?
            .query_row([child, map_run], |row| {
                Ok((row.get(0)?, super::unsigned(row, 1)?))
            })
            .optional()?;
        let Some((before, items)) = found.filter(|(before, _)| before.is_unsuccessful()) else {
            continue;
        };
        let now = ExecutionStatus::PendingRedrive;
        connection
            .prepare_cached("UPDATE execution SET status = ?2 WHERE key = ?1")?
            .execute(params![child, now])?;
        let place = Child {
            map_run: key,
            index: 0,
            items,
        };
        recount(connection, place, before, now)?;
    }
    if let Some(rest) = choice.rest {
        connection
            .prepare_cached(
                "UPDATE map_run SET is_choosing = 0, executions_not_redrivable = ?2,
                     items_not_redrivable = ?3
                 WHERE key = ?1",
            )?
            .execute([
                integer(key.0)?,
                integer(rest.executions)?,
                integer(rest.items)?,
            ])?;
    }
    existing(connection, key)
}
