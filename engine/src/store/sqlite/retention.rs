//! The SQL that removes executions that ended long ago. They are looked for on a reader, beside the
//! writes of others; the writer looks again at those that are found.

use rusqlite::{Connection, params};

use super::executions::{instant, integer, unsigned};
use super::failure::Failure;
use crate::store::{
    ExecutionCursor, ExecutionKey, Removal, RemovalCursor, Removed, StateMachineKey,
};

/// Executions that are to go, and where the walk goes on behind them.
pub(super) struct Found {
    pub(super) places: Vec<RemovalCursor>,
    next: Option<RemovalCursor>,
}

/// Looks at the next executions of the walk.
pub(super) fn find(connection: &Connection, removal: &Removal) -> Result<Found, Failure> {
    let mut place = removal
        .after
        .unwrap_or(RemovalCursor::before_all_of(StateMachineKey(0)));
    let mut state_machines =
        connection.prepare_cached("SELECT key FROM state_machine WHERE key >= ?1 ORDER BY key")?;
    let mut executions = connection.prepare_cached(
        "SELECT key, started_at, status NOT IN (0, 5) AND ifnull(stopped_at < ?2, 0)
         FROM execution INDEXED BY execution_by_start
         WHERE state_machine = ?1 AND started_at < ?2 AND (started_at, key) > (?3, ?4)
         ORDER BY started_at, key",
    )?;
    let mut found = Found {
        places: Vec::new(),
        next: None,
    };
    let mut looks = 0;
    let mut keys = state_machines.query([integer(place.state_machine.0)?])?;
    while let Some(row) = keys.next()? {
        let state_machine = StateMachineKey(unsigned(row, 0)?);
        if state_machine != place.state_machine {
            place = RemovalCursor::before_all_of(state_machine);
            if looks >= removal.looks_max {
                found.next = Some(place);
                return Ok(found);
            }
        }
        looks += 1;
        let mut rows = executions.query(params![
            integer(state_machine.0)?,
            removal.ended_before.milliseconds(),
            place.execution.started_at.milliseconds(),
            integer(place.execution.key.0)?,
        ])?;
        while let Some(row) = rows.next()? {
            place.execution = ExecutionCursor {
                key: ExecutionKey(unsigned(row, 0)?),
                started_at: instant(row, 1)?,
            };
            if row.get(2)? {
                found.places.push(place);
            }
            looks += 1;
            if looks > removal.looks_max {
                found.next = Some(place);
                return Ok(found);
            }
        }
    }
    Ok(found)
}

impl Found {
    /// What it comes to if there is nothing to remove.
    pub(super) fn nothing_removed(&self) -> Removed {
        Removed {
            executions: 0,
            next: self.next,
        }
    }

    /// Removes them with their journals: those that still are to go, and as many as fit.
    pub(super) fn remove(
        &self,
        connection: &Connection,
        removal: &Removal,
    ) -> Result<Removed, Failure> {
        let mut size = connection.prepare_cached(
            "SELECT ifnull(sum(length(bytes)), 0) FROM journal WHERE execution = ?1",
        )?;
        let mut execution = connection.prepare_cached(
            "DELETE FROM execution
             WHERE key = ?1 AND stopped_at < ?2 AND status NOT IN (0, 5)",
        )?;
        let mut journal = connection.prepare_cached("DELETE FROM journal WHERE execution = ?1")?;
        let mut removed = self.nothing_removed();
        let mut bytes = 0;
        let mut before = None;
        for place in &self.places {
            let key = integer(place.execution.key.0)?;
            bytes += size.query_row([key], |row| unsigned(row, 0))?;
            if bytes > removal.bytes_max as u64 && before.is_some() {
                removed.next = before;
                break;
            }
            if execution.execute(params![key, removal.ended_before.milliseconds()])? > 0 {
                journal.execute([key])?;
                removed.executions += 1;
            }
            before = Some(*place);
        }
        Ok(removed)
    }
}
