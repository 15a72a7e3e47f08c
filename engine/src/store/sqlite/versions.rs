//! The SQL of versions and aliases. Functions that write check before they write.

use rusqlite::{Connection, OptionalExtension, Row, params};
use stepwell_interpreter::Timestamp;

use super::executions::{self, instant, integer, unsigned};
use super::failure::Failure;
use super::{SqliteStore, state_machines};
use crate::store::version::{
    AliasChange, AliasCreation, AliasKey, AliasRecord, AliasUpdate, CreationAndVersion, NewAlias,
    NewVersion, Publication, Route, Routing, StartedBy, UpdateAndVersion, VersionDeletion,
    VersionRecord, VersionStore,
};
use crate::store::{
    ExecutionCursor, ExecutionFilter, ExecutionRecord, NewStateMachine, RevisionKey,
    StateMachineCreation, StateMachineKey, StateMachineRecord, StateMachineStatus,
    StateMachineUpdate, StoreFuture, Update,
};

impl VersionStore for SqliteStore {
    fn create_and_publish(
        &self,
        new: NewStateMachine,
        version: NewVersion,
    ) -> StoreFuture<'_, CreationAndVersion> {
        self.change(move |connection| {
            Ok(match state_machines::create(connection, &new)? {
                StateMachineCreation::NameTaken(other) => CreationAndVersion::NameTaken(other),
                StateMachineCreation::Created(record) => {
                    let version = insert_version(connection, &record, &version, true)?;
                    CreationAndVersion::Created(record, version)
                }
            })
        })
    }

    fn update_and_publish(
        &self,
        update: StateMachineUpdate,
        version: NewVersion,
    ) -> StoreFuture<'_, UpdateAndVersion> {
        self.change(move |connection| {
            if count_versions(connection, update.state_machine)? >= version.versions_max {
                return Ok(UpdateAndVersion::TooMany);
            }
            Ok(match state_machines::update(connection, &update)? {
                Update::Outdated(record) => UpdateAndVersion::Outdated(record),
                Update::Updated(record) => {
                    let version = insert_version(connection, &record, &version, false)?;
                    UpdateAndVersion::Updated(record, version)
                }
            })
        })
    }

    fn publish(
        &self,
        state_machine: StateMachineKey,
        revision: RevisionKey,
        version: NewVersion,
    ) -> StoreFuture<'_, Publication> {
        self.writer
            .write(move |connection| publish(connection, state_machine, revision, &version))
    }

    fn delete_version(
        &self,
        state_machine: StateMachineKey,
        number: u64,
    ) -> StoreFuture<'_, VersionDeletion> {
        self.writer
            .write(move |connection| delete_version(connection, state_machine, number))
    }

    fn version(
        &self,
        state_machine: StateMachineKey,
        number: u64,
    ) -> StoreFuture<'_, Option<VersionRecord>> {
        self.readers
            .read(move |connection| version(connection, state_machine, number))
    }

    fn version_of_creation(
        &self,
        state_machine: StateMachineKey,
    ) -> StoreFuture<'_, Option<VersionRecord>> {
        self.readers.read(move |connection| {
            Ok(connection
                .prepare_cached(&format!(
                    "SELECT {VERSION_COLUMNS} FROM version
                     WHERE state_machine = ?1 AND number = 1 AND with_creation = 1"
                ))?
                .query_row([integer(state_machine.0)?], read_version)
                .optional()?)
        })
    }

    fn list_versions(
        &self,
        state_machine: StateMachineKey,
        before: u64,
        limit: usize,
    ) -> StoreFuture<'_, Vec<VersionRecord>> {
        self.readers.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {VERSION_COLUMNS} FROM version
                 WHERE state_machine = ?1 AND number < ?2 AND deleted = 0
                 ORDER BY number DESC LIMIT ?3"
            ))?;
            let key = integer(state_machine.0)?;
            let rows = statement.query_map([key, bounded(before), limited(limit)], read_version)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn create_alias(&self, new: NewAlias) -> StoreFuture<'_, AliasCreation> {
        self.writer
            .write(move |connection| create_alias(connection, &new))
    }

    fn update_alias(&self, update: AliasUpdate) -> StoreFuture<'_, AliasChange> {
        self.writer
            .write(move |connection| update_alias(connection, &update))
    }

    fn delete_alias(&self, state_machine: StateMachineKey, name: &str) -> StoreFuture<'_, ()> {
        let name = name.to_owned();
        self.writer.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM alias WHERE state_machine = ?1 AND name = ?2")?
                .execute(params![integer(state_machine.0)?, name])?;
            Ok(())
        })
    }

    fn alias(
        &self,
        state_machine: StateMachineKey,
        name: &str,
    ) -> StoreFuture<'_, Option<AliasRecord>> {
        let name = name.to_owned();
        self.readers
            .read(move |connection| alias(connection, state_machine, &name))
    }

    fn list_aliases(
        &self,
        state_machine: StateMachineKey,
        version: Option<u64>,
        after: AliasKey,
        limit: usize,
    ) -> StoreFuture<'_, Vec<AliasRecord>> {
        self.readers.read(move |connection| {
            let mut aliases = aliases_of(connection, state_machine)?;
            aliases.retain(|alias| {
                alias.key > after && version.is_none_or(|version| alias.routing.leads_to(version))
            });
            aliases.truncate(limit);
            Ok(aliases)
        })
    }

    fn list_executions_started_by(
        &self,
        filter: ExecutionFilter,
        by: StartedBy,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        self.readers
            .read(move |connection| list_started_by(connection, filter, &by, limit))
    }
}

fn publish(
    connection: &Connection,
    state_machine: StateMachineKey,
    revision: RevisionKey,
    new: &NewVersion,
) -> Result<Publication, Failure> {
    let record = state_machines::existing(connection, state_machine)?;
    if record.status != StateMachineStatus::Active || record.revision != revision {
        return Ok(Publication::Outdated(record));
    }
    let published = connection
        .prepare_cached(&format!(
            "SELECT {VERSION_COLUMNS} FROM version
             WHERE state_machine = ?1 AND revision = ?2 AND deleted = 0"
        ))?
        .query_row(
            [integer(state_machine.0)?, integer(revision.0)?],
            read_version,
        )
        .optional()?;
    if let Some(published) = published {
        return Ok(Publication::Published(published));
    }
    if count_versions(connection, state_machine)? >= new.versions_max {
        return Ok(Publication::TooMany);
    }
    let published = insert_version(connection, &record, new, false)?;
    Ok(Publication::Published(published))
}

fn delete_version(
    connection: &Connection,
    state_machine: StateMachineKey,
    number: u64,
) -> Result<VersionDeletion, Failure> {
    let aliases = aliases_of(connection, state_machine)?.into_iter();
    let referring: Vec<String> = aliases
        .filter(|alias| alias.routing.leads_to(number))
        .map(|alias| alias.name)
        .collect();
    if !referring.is_empty() {
        return Ok(VersionDeletion::Referenced(referring));
    }
    connection
        .prepare_cached("UPDATE version SET deleted = 1 WHERE state_machine = ?1 AND number = ?2")?
        .execute([integer(state_machine.0)?, bounded(number)])?;
    Ok(VersionDeletion::Deleted)
}

fn version(
    connection: &Connection,
    state_machine: StateMachineKey,
    number: u64,
) -> Result<Option<VersionRecord>, Failure> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {VERSION_COLUMNS} FROM version
             WHERE state_machine = ?1 AND number = ?2 AND deleted = 0"
        ))?
        .query_row([integer(state_machine.0)?, bounded(number)], read_version)
        .optional()?)
}

fn count_versions(connection: &Connection, key: StateMachineKey) -> Result<u64, Failure> {
    Ok(connection
        .prepare_cached("SELECT count(*) FROM version WHERE state_machine = ?1 AND deleted = 0")?
        .query_row([integer(key.0)?], |row| unsigned(row, 0))?)
}

fn insert_version(
    connection: &Connection,
    machine: &StateMachineRecord,
    new: &NewVersion,
    is_with_creation: bool,
) -> Result<VersionRecord, Failure> {
    let number = connection
        .prepare_cached(
            "INSERT INTO version (state_machine, number, revision, description, created_at,
                 with_creation, deleted)
             SELECT ?1, ifnull(max(number), 0) + 1, ?2, ?3, ?4, ?5, 0
             FROM version WHERE state_machine = ?1
             RETURNING number",
        )?
        .query_row(
            params![
                integer(machine.key.0)?,
                integer(machine.revision.0)?,
                new.description,
                new.created_at.milliseconds(),
                is_with_creation,
            ],
            |row| unsigned(row, 0),
        )?;
    Ok(VersionRecord {
        state_machine: machine.key,
        number,
        revision: machine.revision,
        description: new.description.clone(),
        created_at: new.created_at,
    })
}

fn create_alias(connection: &Connection, new: &NewAlias) -> Result<AliasCreation, Failure> {
    let machine = state_machines::existing(connection, new.state_machine)?;
    if machine.status != StateMachineStatus::Active {
        return Ok(AliasCreation::StateMachineDeleting);
    }
    if let Some(number) = missing(connection, machine.key, &new.routing)? {
        return Ok(AliasCreation::UnknownVersion(number));
    }
    if let Some(other) = alias(connection, machine.key, &new.name)? {
        return Ok(AliasCreation::NameTaken(other));
    }
    if aliases_of(connection, machine.key)?.len() as u64 >= new.aliases_max {
        return Ok(AliasCreation::TooMany);
    }
    let Routing { first, second } = new.routing;
    connection
        .prepare_cached(
            "INSERT INTO alias (state_machine, name, description, version, weight,
                 other_version, other_weight, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        )?
        .execute(params![
            integer(machine.key.0)?,
            new.name,
            new.description,
            integer(first.version)?,
            first.weight,
            second.map(|route| integer(route.version)).transpose()?,
            second.map(|route| route.weight),
            new.created_at.milliseconds(),
        ])?;
    Ok(AliasCreation::Created(AliasRecord {
        key: AliasKey(connection.last_insert_rowid().unsigned_abs()),
        state_machine: machine.key,
        name: new.name.clone(),
        description: new.description.clone(),
        routing: new.routing,
        created_at: new.created_at,
        updated_at: new.created_at,
    }))
}

fn update_alias(connection: &Connection, update: &AliasUpdate) -> Result<AliasChange, Failure> {
    let machine = state_machines::existing(connection, update.state_machine)?;
    if machine.status != StateMachineStatus::Active {
        return Ok(AliasChange::StateMachineDeleting);
    }
    let Some(mut record) = alias(connection, machine.key, &update.name)? else {
        return Ok(AliasChange::Unknown);
    };
    if let Some(routing) = &update.routing
        && let Some(number) = missing(connection, machine.key, routing)?
    {
        return Ok(AliasChange::UnknownVersion(number));
    }
    record.description = update.description.clone().or(record.description);
    record.routing = update.routing.unwrap_or(record.routing);
    record.updated_at = update.updated_at;
    let Routing { first, second } = record.routing;
    connection
        .prepare_cached(
            "UPDATE alias SET description = ?2, version = ?3, weight = ?4, other_version = ?5,
                 other_weight = ?6, updated_at = ?7
             WHERE key = ?1",
        )?
        .execute(params![
            integer(record.key.0)?,
            record.description,
            integer(first.version)?,
            first.weight,
            second.map(|route| integer(route.version)).transpose()?,
            second.map(|route| route.weight),
            record.updated_at.milliseconds(),
        ])?;
    Ok(AliasChange::Updated(record))
}

/// The first version that a routing leads to and that is not there.
fn missing(
    connection: &Connection,
    state_machine: StateMachineKey,
    routing: &Routing,
) -> Result<Option<u64>, Failure> {
    for route in routing.routes() {
        if version(connection, state_machine, route.version)?.is_none() {
            return Ok(Some(route.version));
        }
    }
    Ok(None)
}

fn alias(
    connection: &Connection,
    state_machine: StateMachineKey,
    name: &str,
) -> Result<Option<AliasRecord>, Failure> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {ALIAS_COLUMNS} FROM alias INDEXED BY alias_by_name
             WHERE state_machine = ?1 AND name = ?2"
        ))?
        .query_row(params![integer(state_machine.0)?, name], read_alias)
        .optional()?)
}

/// The aliases of a state machine, the first created first. They are few.
fn aliases_of(
    connection: &Connection,
    state_machine: StateMachineKey,
) -> Result<Vec<AliasRecord>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ALIAS_COLUMNS} FROM alias INDEXED BY alias_by_name
         WHERE state_machine = ?1 ORDER BY key"
    ))?;
    let rows = statement.query_map([integer(state_machine.0)?], read_alias)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn list_started_by(
    connection: &Connection,
    filter: ExecutionFilter,
    by: &StartedBy,
    limit: usize,
) -> Result<Vec<ExecutionRecord>, Failure> {
    let (index, member) = match by {
        StartedBy::Version(_) => ("execution_by_version", "version"),
        StartedBy::Alias(_) => ("execution_by_alias", "alias"),
    };
    let columns = executions::COLUMNS;
    let redriven = executions::redriven_condition(filter.redriven);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {columns} FROM execution INDEXED BY {index}
         WHERE state_machine = ?1 AND details IS NOT NULL
             AND iif(json_valid(details), details ->> '{member}', NULL) = ?2
             AND (started_at, key) < (?3, ?4) AND (?5 IS NULL OR status = ?5) {redriven}
         ORDER BY started_at DESC, key DESC LIMIT ?6"
    ))?;
    let after = filter.after.unwrap_or(ExecutionCursor {
        started_at: Timestamp::MAX,
        key: crate::store::ExecutionKey(u64::MAX),
    });
    let name: rusqlite::types::Value = match by {
        StartedBy::Version(number) => bounded(*number).into(),
        StartedBy::Alias(name) => name.clone().into(),
    };
    let rows = statement.query_map(
        params![
            integer(filter.state_machine.0)?,
            name,
            after.started_at.milliseconds(),
            bounded(after.key.0),
            filter.status,
            limited(limit),
        ],
        executions::read_record,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A number to look for. There are none above what SQLite can hold.
fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The columns that [`read_version`] reads.
const VERSION_COLUMNS: &str = "state_machine, number, revision, description, created_at";

fn read_version(row: &Row<'_>) -> rusqlite::Result<VersionRecord> {
    Ok(VersionRecord {
        state_machine: StateMachineKey(unsigned(row, 0)?),
        number: unsigned(row, 1)?,
        revision: RevisionKey(unsigned(row, 2)?),
        description: row.get(3)?,
        created_at: instant(row, 4)?,
    })
}

/// The columns that [`read_alias`] reads.
const ALIAS_COLUMNS: &str = "key, state_machine, name, description, version, weight, \
                             other_version, other_weight, created_at, updated_at";

fn read_alias(row: &Row<'_>) -> rusqlite::Result<AliasRecord> {
    let other: Option<i64> = row.get(6)?;
    let second = match other {
        Some(_) => Some(Route {
            version: unsigned(row, 6)?,
            weight: row.get(7)?,
        }),
        None => None,
    };
    Ok(AliasRecord {
        key: AliasKey(unsigned(row, 0)?),
        state_machine: StateMachineKey(unsigned(row, 1)?),
        name: row.get(2)?,
        description: row.get(3)?,
        routing: Routing {
            first: Route {
                version: unsigned(row, 4)?,
                weight: row.get(5)?,
            },
            second,
        },
        created_at: instant(row, 8)?,
        updated_at: instant(row, 9)?,
    })
}
