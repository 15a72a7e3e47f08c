//! The SQL of Map Runs. Functions that write check before they write.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use stepwell_interpreter::Timestamp;

use super::executions::{self, instant, instant_or_none, integer, unsigned};
use super::failure::Failure;
use super::journal;
use super::{SqliteStore, owners};
use crate::store::map_run::{
    Child, ChildFilter, ChildResult, ChildrenCreation, Counts, LimitChange, LimitUpdate, MapRunEnd,
    MapRunKey, MapRunLimits, MapRunRecord, MapRunRedrive, MapRunStatus, MapRunStore, NewChildren,
    NewMapRun, NotRedrivable, RedriveChoice,
};
use crate::store::{
    Conflict, Epoch, ExecutionCursor, ExecutionKey, ExecutionRecord, ExecutionStatus, StoreFuture,
};

mod redrives;

impl MapRunStore for SqliteStore {
    fn begin(&self, new: NewMapRun) -> StoreFuture<'_, MapRunRecord> {
        self.writer.write(move |connection| begin(connection, &new))
    }

    fn create_children(&self, new: NewChildren) -> StoreFuture<'_, ChildrenCreation> {
        self.writer
            .write(move |connection| create_children(connection, &new))
    }

    fn limit(&self, key: MapRunKey, change: LimitChange) -> StoreFuture<'_, LimitUpdate> {
        self.writer
            .write(move |connection| limit(connection, key, change))
    }

    fn end(&self, key: MapRunKey, end: MapRunEnd) -> StoreFuture<'_, MapRunRecord> {
        self.writer
            .write(move |connection| self::end(connection, key, &end))
    }

    fn redrive(&self, key: MapRunKey, redrive: MapRunRedrive) -> StoreFuture<'_, MapRunRecord> {
        self.writer
            .write(move |connection| redrives::redrive(connection, key, redrive))
    }

    fn choose(&self, key: MapRunKey, choice: RedriveChoice) -> StoreFuture<'_, MapRunRecord> {
        self.writer
            .write(move |connection| redrives::choose(connection, key, &choice))
    }

    fn map_run(&self, key: MapRunKey) -> StoreFuture<'_, Option<MapRunRecord>> {
        self.readers.read(move |connection| by_key(connection, key))
    }

    fn map_run_by_arn(&self, arn: &str) -> StoreFuture<'_, Option<MapRunRecord>> {
        let arn = arn.to_owned();
        self.readers
            .read(move |connection| by_arn(connection, &arn))
    }

    fn map_runs_of(
        &self,
        execution: ExecutionKey,
        before: MapRunKey,
        limit: usize,
    ) -> StoreFuture<'_, Vec<MapRunRecord>> {
        self.readers.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM map_run INDEXED BY map_run_by_execution
                 WHERE execution = ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3"
            ))?;
            let parameters = [
                integer(execution.0)?,
                i64::try_from(before.0).unwrap_or(i64::MAX),
                i64::try_from(limit).unwrap_or(i64::MAX),
            ];
            let rows = statement.query_map(parameters, read_map_run)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn open_map_runs(&self, after: MapRunKey, limit: usize) -> StoreFuture<'_, Vec<MapRunRecord>> {
        self.readers.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM map_run INDEXED BY map_run_open
                 WHERE status = 0 AND key > ?1 ORDER BY key LIMIT ?2"
            ))?;
            let parameters = [
                i64::try_from(after.0).unwrap_or(i64::MAX),
                i64::try_from(limit).unwrap_or(i64::MAX),
            ];
            let rows = statement.query_map(parameters, read_map_run)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn list_children(
        &self,
        filter: ChildFilter,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        self.readers
            .read(move |connection| list_children(connection, filter, limit))
    }

    fn results(
        &self,
        key: MapRunKey,
        from: u64,
        bytes_max: usize,
    ) -> StoreFuture<'_, Vec<ChildResult>> {
        self.readers
            .read(move |connection| results(connection, key, from, bytes_max))
    }
}

fn begin(connection: &Connection, new: &NewMapRun) -> Result<MapRunRecord, Failure> {
    if let Some(other) = by_arn(connection, &new.arn)? {
        return Ok(other);
    }
    let (items, children) = (integer(new.items)?, new.children.map(integer).transpose()?);
    connection
        .prepare_cached(
            "INSERT INTO map_run VALUES (NULL, ?1, ?2, 0, ?3, NULL, NULL, ?4, ?5, ?6, ?7, ?8,
                 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?9, 0, NULL, 0, 0, 0)",
        )?
        .execute(params![
            new.arn,
            integer(new.execution.0)?,
            new.started_at.milliseconds(),
            integer(new.limits.concurrency_max)?,
            new.limits.tolerated_failure_percentage,
            integer(new.limits.tolerated_failure_count)?,
            items,
            children,
            new.kind,
        ])?;
    let key = MapRunKey(connection.last_insert_rowid().unsigned_abs());
    Ok(MapRunRecord::new(key, new.clone()))
}

/// Each count with the status of the executions that it counts.
const COUNTS: [(&str, ExecutionStatus); 6] = [
    ("running", ExecutionStatus::Running),
    ("succeeded", ExecutionStatus::Succeeded),
    ("failed", ExecutionStatus::Failed),
    ("timed_out", ExecutionStatus::TimedOut),
    ("aborted", ExecutionStatus::Aborted),
    ("pending_redrive", ExecutionStatus::PendingRedrive),
];

/// The counts of a row of `map_run`, each beside what its children come to. The statuses are the
/// first parameters.
fn counted(join: &str, separator: &str) -> String {
    let terms = COUNTS.iter().enumerate().map(|(index, (name, _))| {
        let children = |what: &str| {
            format!(
                "(SELECT {what} FROM execution
                  WHERE execution.map_run = map_run.key AND execution.status = ?{})",
                index + 1
            )
        };
        let executions = children("count(*)");
        let items = children("ifnull(sum(child_items), 0)");
        format!("executions_{name} {join} {executions}{separator}items_{name} {join} {items}")
    });
    terms.collect::<Vec<_>>().join(separator)
}

/// The Map Runs whose counts are not those of their children.
pub(super) fn miscounted(connection: &Connection) -> Result<Vec<(MapRunKey, String)>, Failure> {
    let sql = format!(
        "SELECT key, arn FROM map_run WHERE {} ORDER BY key",
        counted("<>", " OR ")
    );
    let mut statement = connection.prepare(&sql)?;
    let statuses = params_from_iter(COUNTS.map(|(_, status)| status));
    let rows = statement.query_map(statuses, |row| {
        Ok((MapRunKey(unsigned(row, 0)?), row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Counts the children of a Map Run again.
pub(super) fn count_again(connection: &Connection, key: MapRunKey) -> Result<(), Failure> {
    let [running, succeeded, failed, timed_out, aborted, pending] =
        COUNTS.map(|(_, status)| status);
    let sql = format!("UPDATE map_run SET {} WHERE key = ?7", counted("=", ", "));
    let key = integer(key.0)?;
    connection.execute(
        &sql,
        params![running, succeeded, failed, timed_out, aborted, pending, key],
    )?;
    Ok(())
}

fn create_children(
    connection: &Connection,
    new: &NewChildren,
) -> Result<ChildrenCreation, Failure> {
    let mut record = held_by(connection, new.map_run, new.epoch)?;
    if !record.is_followed_by(&new.children) {
        return Ok(ChildrenCreation::Outdated(record));
    }
    for child in &new.children {
        executions::check_new(child)?;
    }
    for child in &new.children {
        if !executions::insert(connection, child)? {
            // Keys and names are new: this takes back what was written, and is said in the log.
            return Err(rusqlite::Error::StatementChangedRows(0).into());
        }
        if let Some(place) = child.record.child {
            record.add(place, child.record.status);
        }
    }
    connection
        .prepare_cached("UPDATE map_run SET next_child = ?2, next_item = ?3 WHERE key = ?1")?
        .execute([
            integer(record.key.0)?,
            integer(record.next_child)?,
            integer(record.next_item)?,
        ])?;
    write_counts(connection, &record)?;
    Ok(ChildrenCreation::Created(record))
}

/// The Map Run, if its execution belongs to this owner.
fn held_by(connection: &Connection, key: MapRunKey, epoch: Epoch) -> Result<MapRunRecord, Failure> {
    owners::check_lease(connection, epoch)?;
    let record = existing(connection, key)?;
    let parent = record.begun.execution;
    let owner = connection
        .prepare_cached("SELECT owner FROM execution WHERE key = ?1")?
        .query_row([integer(parent.0)?], |row| unsigned(row, 0))
        .optional()?
        .ok_or(Conflict::UnknownExecution(parent))?;
    if owner != epoch.0 {
        return Err(Conflict::HeldByAnother {
            execution: parent,
            owner,
        }
        .into());
    }
    Ok(record)
}

/// A child stands otherwise than before.
pub(super) fn recount(
    connection: &Connection,
    child: Child,
    before: ExecutionStatus,
    now: ExecutionStatus,
) -> Result<(), Failure> {
    if before == now {
        return Ok(());
    }
    let (before, now) = (column(before), column(now));
    connection
        .prepare_cached(&format!(
            "UPDATE map_run SET executions_{before} = executions_{before} - 1,
                 executions_{now} = executions_{now} + 1,
                 items_{before} = items_{before} - ?2, items_{now} = items_{now} + ?2
             WHERE key = ?1"
        ))?
        .execute([integer(child.map_run.0)?, integer(child.items)?])?;
    Ok(())
}

fn limit(
    connection: &Connection,
    key: MapRunKey,
    change: LimitChange,
) -> Result<LimitUpdate, Failure> {
    let mut record = existing(connection, key)?;
    if record.status != MapRunStatus::Running {
        return Ok(LimitUpdate::Ended(record));
    }
    let limits = change.of(record.begun.limits);
    connection
        .prepare_cached(
            "UPDATE map_run SET concurrency_max = ?2, tolerated_failure_percentage = ?3,
                 tolerated_failure_count = ?4
             WHERE key = ?1",
        )?
        .execute(params![
            integer(key.0)?,
            integer(limits.concurrency_max)?,
            limits.tolerated_failure_percentage,
            integer(limits.tolerated_failure_count)?,
        ])?;
    record.begun.limits = limits;
    Ok(LimitUpdate::Updated(record))
}

fn end(connection: &Connection, key: MapRunKey, end: &MapRunEnd) -> Result<MapRunRecord, Failure> {
    let mut record = existing(connection, key)?;
    if record.status != MapRunStatus::Running {
        return Ok(record);
    }
    connection
        .prepare_cached(
            "UPDATE map_run SET status = ?2, stopped_at = ?3, failure = ?4 WHERE key = ?1",
        )?
        .execute(params![
            integer(key.0)?,
            end.status,
            end.stopped_at.milliseconds(),
            end.failure,
        ])?;
    record.status = end.status;
    record.stopped_at = Some(end.stopped_at);
    record.failure.clone_from(&end.failure);
    Ok(record)
}

fn write_counts(connection: &Connection, record: &MapRunRecord) -> Result<(), Failure> {
    let Counts {
        running,
        succeeded,
        failed,
        timed_out,
        aborted,
        pending_redrive,
    } = record.executions;
    let items = record.items;
    connection
        .prepare_cached(
            "UPDATE map_run SET executions_running = ?2, executions_succeeded = ?3,
                 executions_failed = ?4, executions_timed_out = ?5, executions_aborted = ?6,
                 executions_pending_redrive = ?7, items_running = ?8, items_succeeded = ?9,
                 items_failed = ?10, items_timed_out = ?11, items_aborted = ?12,
                 items_pending_redrive = ?13
             WHERE key = ?1",
        )?
        .execute(params![
            integer(record.key.0)?,
            integer(running)?,
            integer(succeeded)?,
            integer(failed)?,
            integer(timed_out)?,
            integer(aborted)?,
            integer(pending_redrive)?,
            integer(items.running)?,
            integer(items.succeeded)?,
            integer(items.failed)?,
            integer(items.timed_out)?,
            integer(items.aborted)?,
            integer(items.pending_redrive)?,
        ])?;
    Ok(())
}

fn existing(connection: &Connection, key: MapRunKey) -> Result<MapRunRecord, Failure> {
    by_key(connection, key)?.ok_or_else(|| Conflict::UnknownMapRun(key).into())
}

fn by_key(connection: &Connection, key: MapRunKey) -> Result<Option<MapRunRecord>, Failure> {
    Ok(connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM map_run WHERE key = ?1"))?
        .query_row([integer(key.0)?], read_map_run)
        .optional()?)
}

fn by_arn(connection: &Connection, arn: &str) -> Result<Option<MapRunRecord>, Failure> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM map_run INDEXED BY map_run_by_arn WHERE arn = ?1"
        ))?
        .query_row([arn], read_map_run)
        .optional()?)
}

fn list_children(
    connection: &Connection,
    filter: ChildFilter,
    limit: usize,
) -> Result<Vec<ExecutionRecord>, Failure> {
    let end = ExecutionCursor {
        started_at: Timestamp::MAX,
        key: ExecutionKey(u64::MAX),
    };
    let after = filter.after.unwrap_or(end);
    let (index, condition) = match filter.status {
        None => ("execution_by_map_run", String::new()),
        Some(ExecutionStatus::Succeeded) => ("execution_by_map_run", "AND status = 1".to_owned()),
        Some(
            status @ (ExecutionStatus::Running
            | ExecutionStatus::Failed
            | ExecutionStatus::TimedOut
            | ExecutionStatus::Aborted
            | ExecutionStatus::PendingRedrive),
        ) => (
            "execution_by_map_run_status",
            format!(
                "AND status = {} AND status <> 1",
                executions::number_of(status)
            ),
        ),
    };
    let index = match filter.redriven {
        Some(true) => "execution_by_map_run_redriven",
        Some(false) | None => index,
    };
    let redriven = executions::redriven_condition(filter.redriven);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM execution INDEXED BY {index}
         WHERE map_run IS NOT NULL AND map_run = ?1 {condition} {redriven}
             AND (started_at, key) < (?2, ?3)
         ORDER BY started_at DESC, key DESC LIMIT ?4",
        executions::COLUMNS
    ))?;
    let parameters = [
        integer(filter.map_run.0)?,
        after.started_at.milliseconds(),
        i64::try_from(after.key.0).unwrap_or(i64::MAX),
        i64::try_from(limit).unwrap_or(i64::MAX),
    ];
    let rows = statement.query_map(parameters, executions::read_record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn results(
    connection: &Connection,
    key: MapRunKey,
    from: u64,
    bytes_max: usize,
) -> Result<Vec<ChildResult>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM execution INDEXED BY execution_by_child_index
         WHERE map_run IS NOT NULL AND map_run = ?1 AND child_index >= ?2 ORDER BY child_index",
        executions::COLUMNS
    ))?;
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let rows = statement.query_map([integer(key.0)?, from], executions::read_record)?;
    let mut weight: usize = 0;
    let mut results = Vec::new();
    for record in rows {
        let record = record?;
        let first = journal::first_chunk(connection, record.key)?;
        let last = journal::last_chunk(connection, record.key)?;
        let (Some(first), Some(last)) = (first, last) else {
            continue;
        };
        weight = weight.saturating_add(first.weight() + last.weight());
        if weight > bytes_max && !results.is_empty() {
            break;
        }
        results.push(ChildResult {
            record,
            first,
            last,
        });
    }
    Ok(results)
}

/// The columns that [`read_map_run`] reads.
const COLUMNS: &str = "key, arn, execution, status, started_at, stopped_at, failure,
    concurrency_max, tolerated_failure_percentage, tolerated_failure_count, items, children,
    next_child, next_item, executions_running, executions_succeeded, executions_failed,
    executions_timed_out, executions_aborted, executions_pending_redrive, items_running,
    items_succeeded, items_failed, items_timed_out, items_aborted, items_pending_redrive, kind,
    redrive_count, redriven_at, is_choosing, executions_not_redrivable, items_not_redrivable";

fn read_map_run(row: &Row<'_>) -> rusqlite::Result<MapRunRecord> {
    let children: Option<i64> = row.get(11)?;
    Ok(MapRunRecord {
        key: MapRunKey(unsigned(row, 0)?),
        begun: NewMapRun {
            arn: row.get(1)?,
            execution: ExecutionKey(unsigned(row, 2)?),
            started_at: instant(row, 4)?,
            limits: MapRunLimits {
                concurrency_max: unsigned(row, 7)?,
                tolerated_failure_percentage: row.get(8)?,
                tolerated_failure_count: unsigned(row, 9)?,
            },
            items: unsigned(row, 10)?,
            children: children.map(i64::unsigned_abs),
            kind: row.get(26)?,
        },
        status: row.get(3)?,
        stopped_at: instant_or_none(row, 5)?,
        failure: row.get(6)?,
        next_child: unsigned(row, 12)?,
        next_item: unsigned(row, 13)?,
        executions: read_counts(row, 14)?,
        items: read_counts(row, 20)?,
        redrive: match (unsigned(row, 27)?, instant_or_none(row, 28)?) {
            (count, Some(at)) => Some(MapRunRedrive { count, at }),
            (_, None) => None,
        },
        is_choosing: row.get(29)?,
        not_redrivable: NotRedrivable {
            executions: unsigned(row, 30)?,
            items: unsigned(row, 31)?,
        },
    })
}

fn read_counts(row: &Row<'_>, first: usize) -> rusqlite::Result<Counts> {
    Ok(Counts {
        running: unsigned(row, first)?,
        succeeded: unsigned(row, first + 1)?,
        failed: unsigned(row, first + 2)?,
        timed_out: unsigned(row, first + 3)?,
        aborted: unsigned(row, first + 4)?,
        pending_redrive: unsigned(row, first + 5)?,
    })
}

/// How the columns of a status are named.
fn column(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Running => "running",
        ExecutionStatus::Succeeded => "succeeded",
        ExecutionStatus::Failed => "failed",
        ExecutionStatus::TimedOut => "timed_out",
        ExecutionStatus::Aborted => "aborted",
        ExecutionStatus::PendingRedrive => "pending_redrive",
    }
}

/// As the numbers that the migration lists.
impl ToSql for MapRunStatus {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number: i64 = match self {
            Self::Running => 0,
            Self::Succeeded => 1,
            Self::Failed => 2,
            Self::Aborted => 3,
        };
        Ok(number.into())
    }
}

impl FromSql for MapRunStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Running),
            1 => Ok(Self::Succeeded),
            2 => Ok(Self::Failed),
            3 => Ok(Self::Aborted),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}
