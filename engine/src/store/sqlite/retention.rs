//! The SQL that removes executions that ended long ago, and what deleted state machines leave when
//! their executions are gone. They are looked for on a reader, beside the
//! writes of others; the writer looks again at those that are found.

use rusqlite::{Connection, OptionalExtension, params};

use super::executions::{instant, integer, unsigned};
use super::failure::Failure;
use crate::store::{
    ExecutionCursor, ExecutionKey, Removal, RemovalCursor, Removed, StateMachineKey,
};

/// Executions that are to go, and where the walk goes on behind them.
pub(super) struct Found {
    places: Vec<RemovalCursor>,
    /// Deleted state machines that no execution needs any more.
    state_machines: Vec<StateMachineKey>,
    next: Option<RemovalCursor>,
}

/// Whether a state machine is deleted, and no execution of it is left.
const IS_LEFT_ALONE: &str = "state_machine.status = 2 AND NOT EXISTS (
    SELECT 1 FROM execution INDEXED BY execution_by_name
    WHERE execution.state_machine = state_machine.key)";

/// Whether a state machine has revisions that can go. The highest of all stays, so that its key is
/// not given again.
const HAS_REVISIONS: &str = "EXISTS (
    SELECT 1 FROM revision INDEXED BY revision_by_id
    WHERE revision.state_machine = state_machine.key
        AND revision.key < (SELECT max(key) FROM revision))";

/// Looks at the next executions of the walk.
pub(super) fn find(connection: &Connection, removal: &Removal) -> Result<Found, Failure> {
    let mut place = removal
        .after
        .unwrap_or(RemovalCursor::before_all_of(StateMachineKey(0)));
    let mut state_machines = connection.prepare_cached(&format!(
        "SELECT key, {IS_LEFT_ALONE} AND {HAS_REVISIONS} FROM state_machine
         WHERE key >= ?1 ORDER BY key"
    ))?;
    let mut executions = connection.prepare_cached(
        "SELECT key, started_at, status NOT IN (0, 5) AND ifnull(stopped_at < ?2, 0)
         FROM execution INDEXED BY execution_by_start
         WHERE state_machine = ?1 AND map_run IS NULL AND started_at < ?2
             AND (started_at, key) > (?3, ?4)
         ORDER BY started_at, key",
    )?;
    let mut found = Found {
        places: Vec::new(),
        state_machines: Vec::new(),
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
        if row.get(1)? {
            found.state_machines.push(state_machine);
        }
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
    /// Whether there is nothing to remove.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty() && self.state_machines.is_empty()
    }

    /// What it comes to if there is nothing to remove.
    pub(super) fn nothing_removed(&self) -> Removed {
        Removed {
            executions: 0,
            next: self.next,
        }
    }

    /// Removes them with their journals, their Map Runs and the children of these: those that
    /// still are to go, and as many as fit.
    pub(super) fn remove(
        &self,
        connection: &Connection,
        removal: &Removal,
    ) -> Result<Removed, Failure> {
        let mut is_to_go = connection.prepare_cached(
            "SELECT 1 FROM execution
             WHERE key = ?1 AND stopped_at < ?2 AND status NOT IN (0, 5)",
        )?;
        let mut removed = self.nothing_removed();
        for key in &self.state_machines {
            if !clear(connection, *key, removal.looks_max.max(1))? {
                removed.next = Some(RemovalCursor::before_all_of(*key));
                break;
            }
        }
        let mut broom = Broom {
            connection,
            removal,
            executions: 0,
            bytes: 0,
        };
        for place in &self.places {
            let key = integer(place.execution.key.0)?;
            let ended_before = removal.ended_before.milliseconds();
            if !is_to_go.exists(params![key, ended_before])? {
                continue;
            }
            if broom.sweep(key)? == Swept::NoRoom {
                let place = place.just_before();
                removed.next = Some(removed.next.map_or(place, |next| next.min(place)));
                break;
            }
        }
        removed.executions = broom.executions;
        Ok(removed)
    }
}

/// Removes the revisions, versions and aliases of a deleted state machine, `limit` of each at most;
/// tells whether that was all.
fn clear(connection: &Connection, key: StateMachineKey, limit: usize) -> Result<bool, Failure> {
    let arguments = params![integer(key.0)?, i64::try_from(limit).unwrap_or(i64::MAX)];
    let mut is_left_alone = connection.prepare_cached(&format!(
        "SELECT 1 FROM state_machine WHERE key = ?1 AND {IS_LEFT_ALONE}"
    ))?;
    if !is_left_alone.exists([integer(key.0)?])? {
        return Ok(true);
    }
    let aliases = connection
        .prepare_cached(
            "DELETE FROM alias WHERE key IN (
                 SELECT key FROM alias INDEXED BY alias_by_name
                 WHERE state_machine = ?1 LIMIT ?2)",
        )?
        .execute(arguments)?;
    let versions = connection
        .prepare_cached(
            "DELETE FROM version WHERE state_machine = ?1 AND number IN (
                 SELECT number FROM version WHERE state_machine = ?1 LIMIT ?2)",
        )?
        .execute(arguments)?;
    if aliases == limit || versions == limit {
        return Ok(false);
    }
    // Last, because they tell that there is something to do.
    let revisions = connection
        .prepare_cached(
            "DELETE FROM revision WHERE key IN (
                 SELECT key FROM revision INDEXED BY revision_by_id
                 WHERE state_machine = ?1 AND key < (SELECT max(key) FROM revision) LIMIT ?2)",
        )?
        .execute(arguments)?;
    Ok(revisions < limit)
}

/// Removes executions until what one transaction takes is gone.
struct Broom<'a> {
    connection: &'a Connection,
    removal: &'a Removal,
    executions: u64,
    bytes: u64,
}

/// What became of an execution.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Swept {
    /// It is gone, with everything inside.
    Gone,
    /// Something inside goes on: it stays.
    Kept,
    /// Not all of it is gone.
    NoRoom,
}

impl Broom<'_> {
    /// Removes an execution: first what is inside, so that it is found again if there is no room
    /// for all of that.
    fn sweep(&mut self, key: i64) -> Result<Swept, Failure> {
        let swept = self.sweep_inside(key)?;
        if swept != Swept::Gone {
            return Ok(swept);
        }
        let bytes = self
            .connection
            .prepare_cached(
                "SELECT ifnull(sum(length(bytes)), 0)
                 FROM journal INDEXED BY journal_by_execution WHERE execution = ?1",
            )?
            .query_row([key], |row| unsigned(row, 0))?;
        let is_full = self.bytes + bytes > self.removal.bytes_max as u64
            || self.executions >= self.removal.looks_max.max(1) as u64;
        if is_full && self.executions > 0 {
            return Ok(Swept::NoRoom);
        }
        let deleted = self
            .connection
            .prepare_cached("DELETE FROM execution WHERE key = ?1 AND status NOT IN (0, 5)")?
            .execute([key])?;
        if deleted == 0 {
            return Ok(Swept::Kept);
        }
        self.connection
            .prepare_cached(
                "DELETE FROM journal INDEXED BY journal_by_execution WHERE execution = ?1",
            )?
            .execute([key])?;
        self.executions += 1;
        self.bytes += bytes;
        Ok(Swept::Gone)
    }

    fn sweep_inside(&mut self, execution: i64) -> Result<Swept, Failure> {
        let mut map_runs = self.connection.prepare_cached(
            "SELECT key FROM map_run INDEXED BY map_run_by_execution WHERE execution = ?1",
        )?;
        let mut children = self.connection.prepare_cached(
            "SELECT key FROM execution INDEXED BY execution_by_map_run
             WHERE map_run = ?1 ORDER BY started_at, key
             LIMIT 1",
        )?;
        let runs: Vec<i64> = map_runs
            .query_map([execution], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for run in runs {
            loop {
                let child = children.query_row([run], |row| row.get(0)).optional()?;
                let Some(child) = child else { break };
                let swept = self.sweep(child)?;
                if swept != Swept::Gone {
                    return Ok(swept);
                }
            }
            self.connection
                .prepare_cached("DELETE FROM map_run WHERE key = ?1")?
                .execute([run])?;
        }
        Ok(Swept::Gone)
    }
}
