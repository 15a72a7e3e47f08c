//! Versions and aliases in memory.

use std::collections::BTreeMap;

use super::{Contents, MemoryStore};
use crate::store::version::{
    AliasChange, AliasCreation, AliasKey, AliasRecord, AliasUpdate, CreationAndVersion, NewAlias,
    NewVersion, Origin, Publication, Routing, StartedBy, UpdateAndVersion, VersionDeletion,
    VersionRecord, VersionStore,
};
use crate::store::{
    ExecutionFilter, ExecutionRecord, NewStateMachine, RevisionKey, StateMachineCreation,
    StateMachineKey, StateMachineRecord, StateMachineStatus, StateMachineUpdate, StoreError,
    StoreFuture, Update,
};

/// The versions and aliases of all state machines.
#[derive(Debug, Default)]
pub(super) struct Versions {
    published: BTreeMap<(StateMachineKey, u64), Version>,
    aliases: BTreeMap<AliasKey, AliasRecord>,
    last_alias: u64,
}

/// Deleted versions stay: their numbers are not given again.
#[derive(Debug)]
struct Version {
    record: VersionRecord,
    came_with_the_state_machine: bool,
    is_deleted: bool,
}

impl VersionStore for MemoryStore {
    fn create_and_publish(
        &self,
        new: NewStateMachine,
        version: NewVersion,
    ) -> StoreFuture<'_, CreationAndVersion> {
        self.write(move |contents| {
            Ok(match contents.create_state_machine(new) {
                StateMachineCreation::NameTaken(other) => CreationAndVersion::NameTaken(other),
                StateMachineCreation::Created(record) => {
                    let version = contents.versions.add(&record, version, true);
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
        self.write(move |contents| {
            if contents.versions.count(update.state_machine) >= version.versions_max {
                return Ok(UpdateAndVersion::TooMany);
            }
            Ok(match contents.update_state_machine(update)? {
                Update::Outdated(record) => UpdateAndVersion::Outdated(record),
                Update::Updated(record) => {
                    let version = contents.versions.add(&record, version, false);
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
        self.write(move |contents| {
            let record = contents.existing(state_machine)?.clone();
            if record.status != StateMachineStatus::Active || record.revision != revision {
                return Ok(Publication::Outdated(record));
            }
            let versions = &mut contents.versions;
            let published = versions
                .of(state_machine)
                .find(|version| version.revision == revision)
                .cloned();
            if let Some(published) = published {
                return Ok(Publication::Published(published));
            }
            if versions.count(state_machine) >= version.versions_max {
                return Ok(Publication::TooMany);
            }
            let published = versions.add(&record, version, false);
            Ok(Publication::Published(published))
        })
    }

    fn delete_version(
        &self,
        state_machine: StateMachineKey,
        number: u64,
    ) -> StoreFuture<'_, VersionDeletion> {
        self.write(move |contents| {
            let aliases = contents.versions.aliases_of(state_machine);
            let referring: Vec<String> = aliases
                .filter(|alias| alias.routing.leads_to(number))
                .map(|alias| alias.name.clone())
                .collect();
            if !referring.is_empty() {
                return Ok(VersionDeletion::Referenced(referring));
            }
            let version = contents
                .versions
                .published
                .get_mut(&(state_machine, number));
            if let Some(version) = version {
                version.is_deleted = true;
            }
            Ok(VersionDeletion::Deleted)
        })
    }

    fn version(
        &self,
        state_machine: StateMachineKey,
        number: u64,
    ) -> StoreFuture<'_, Option<VersionRecord>> {
        self.read(move |contents| contents.versions.get(state_machine, number).cloned())
    }

    fn version_of_creation(
        &self,
        state_machine: StateMachineKey,
    ) -> StoreFuture<'_, Option<VersionRecord>> {
        self.read(move |contents| {
            let first = contents.versions.published.get(&(state_machine, 1))?;
            first
                .came_with_the_state_machine
                .then(|| first.record.clone())
        })
    }

    fn list_versions(
        &self,
        state_machine: StateMachineKey,
        before: u64,
        limit: usize,
    ) -> StoreFuture<'_, Vec<VersionRecord>> {
        self.read(move |contents| {
            let versions = contents.versions.of(state_machine).rev();
            versions
                .filter(|version| version.number < before)
                .take(limit)
                .cloned()
                .collect()
        })
    }

    fn create_alias(&self, new: NewAlias) -> StoreFuture<'_, AliasCreation> {
        self.write(move |contents| contents.create_alias(new))
    }

    fn update_alias(&self, update: AliasUpdate) -> StoreFuture<'_, AliasChange> {
        self.write(move |contents| contents.update_alias(update))
    }

    fn delete_alias(&self, state_machine: StateMachineKey, name: &str) -> StoreFuture<'_, ()> {
        let name = name.to_owned();
        self.write(move |contents| {
            let aliases = &mut contents.versions.aliases;
            aliases.retain(|_, alias| alias.state_machine != state_machine || alias.name != name);
            Ok(())
        })
    }

    fn alias(
        &self,
        state_machine: StateMachineKey,
        name: &str,
    ) -> StoreFuture<'_, Option<AliasRecord>> {
        let name = name.to_owned();
        self.read(move |contents| {
            let mut aliases = contents.versions.aliases_of(state_machine);
            aliases.find(|alias| alias.name == name).cloned()
        })
    }

    fn list_aliases(
        &self,
        state_machine: StateMachineKey,
        version: Option<u64>,
        after: AliasKey,
        limit: usize,
    ) -> StoreFuture<'_, Vec<AliasRecord>> {
        self.read(move |contents| {
            let aliases = contents.versions.aliases_of(state_machine);
            aliases
                .filter(|alias| alias.key > after)
                .filter(|alias| version.is_none_or(|version| alias.routing.leads_to(version)))
                .take(limit)
                .cloned()
                .collect()
        })
    }

    fn list_executions_started_by(
        &self,
        filter: ExecutionFilter,
        by: StartedBy,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        self.read(move |contents| {
            let listed = contents.listed(filter);
            listed
                .filter(|record| Origin::read(record.details.as_deref()).is(&by))
                .take(limit)
                .cloned()
                .collect()
        })
    }
}

impl Versions {
    /// Forgets the versions and aliases of a state machine.
    pub(super) fn clear(&mut self, key: StateMachineKey) {
        self.published.retain(|(of, _), _| *of != key);
        self.aliases.retain(|_, alias| alias.state_machine != key);
    }

    /// The versions of a state machine that are there, by number.
    fn of(&self, key: StateMachineKey) -> impl DoubleEndedIterator<Item = &VersionRecord> {
        let versions = self.published.range((key, 0)..=(key, u64::MAX));
        versions
            .filter(|(_, version)| !version.is_deleted)
            .map(|(_, version)| &version.record)
    }

    fn get(&self, key: StateMachineKey, number: u64) -> Option<&VersionRecord> {
        let version = self.published.get(&(key, number))?;
        (!version.is_deleted).then_some(&version.record)
    }

    fn count(&self, key: StateMachineKey) -> u64 {
        self.of(key).count() as u64
    }

    fn add(
        &mut self,
        machine: &StateMachineRecord,
        new: NewVersion,
        came_with_the_state_machine: bool,
    ) -> VersionRecord {
        let key = machine.key;
        let ever = self.published.range((key, 0)..=(key, u64::MAX));
        let record = VersionRecord {
            state_machine: key,
            number: ever.last().map_or(0, |((_, number), _)| *number) + 1,
            revision: machine.revision,
            description: new.description,
            created_at: new.created_at,
        };
        let version = Version {
            record: record.clone(),
            came_with_the_state_machine,
            is_deleted: false,
        };
        self.published.insert((key, record.number), version);
        record
    }

    /// The aliases of a state machine, the first created first.
    fn aliases_of(&self, key: StateMachineKey) -> impl Iterator<Item = &AliasRecord> {
        let aliases = self.aliases.values();
        aliases.filter(move |alias| alias.state_machine == key)
    }

    /// The first version that a routing leads to and that is not there.
    fn missing(&self, key: StateMachineKey, routing: &Routing) -> Option<u64> {
        let mut numbers = routing.routes().map(|route| route.version);
        numbers.find(|number| self.get(key, *number).is_none())
    }
}

impl Contents {
    fn create_alias(&mut self, new: NewAlias) -> Result<AliasCreation, StoreError> {
        let key = new.state_machine;
        if self.existing(key)?.status != StateMachineStatus::Active {
            return Ok(AliasCreation::StateMachineDeleting);
        }
        let versions = &mut self.versions;
        if let Some(number) = versions.missing(key, &new.routing) {
            return Ok(AliasCreation::UnknownVersion(number));
        }
        let named = versions
            .aliases_of(key)
            .find(|alias| alias.name == new.name);
        if let Some(other) = named {
            return Ok(AliasCreation::NameTaken(other.clone()));
        }
        if versions.aliases_of(key).count() as u64 >= new.aliases_max {
            return Ok(AliasCreation::TooMany);
        }
        versions.last_alias += 1;
        let record = AliasRecord {
            key: AliasKey(versions.last_alias),
            state_machine: key,
            name: new.name,
            description: new.description,
            routing: new.routing,
            created_at: new.created_at,
            updated_at: new.created_at,
        };
        versions.aliases.insert(record.key, record.clone());
        Ok(AliasCreation::Created(record))
    }

    fn update_alias(&mut self, update: AliasUpdate) -> Result<AliasChange, StoreError> {
        let key = update.state_machine;
        if self.existing(key)?.status != StateMachineStatus::Active {
            return Ok(AliasChange::StateMachineDeleting);
        }
        let missing = update
            .routing
            .and_then(|routing| self.versions.missing(key, &routing));
        let mut aliases = self.versions.aliases.values_mut();
        let named = aliases.find(|alias| alias.state_machine == key && alias.name == update.name);
        let Some(alias) = named else {
            return Ok(AliasChange::Unknown);
        };
        if let Some(number) = missing {
            return Ok(AliasChange::UnknownVersion(number));
        }
        alias.description = update.description.or_else(|| alias.description.take());
        alias.routing = update.routing.unwrap_or(alias.routing);
        alias.updated_at = update.updated_at;
        Ok(AliasChange::Updated(alias.clone()))
    }
}
