//! Versions and aliases of state machines as a store sees them, and the part of the contract of
//! [`Store`](super::Store) that keeps them.
//!
//! A version is a number that stands for a revision, an alias a name that stands for one or two
//! versions. Both belong to one state machine and are out of reach once it is deleted.

use serde::{Deserialize, Serialize};
use stepwell_interpreter::Timestamp;

use super::{
    ExecutionFilter, ExecutionRecord, NewStateMachine, RevisionKey, StateMachineKey,
    StateMachineRecord, StateMachineUpdate, StoreFuture,
};

/// Keeps versions and aliases. What [`Store`](super::Store) promises holds here too.
pub trait VersionStore: Send + Sync {
    /// Adds a state machine together with the first version of its first revision.
    fn create_and_publish(
        &self,
        new: NewStateMachine,
        version: NewVersion,
    ) -> StoreFuture<'_, CreationAndVersion>;

    /// Gives a state machine a new revision together with a version of it.
    ///
    /// # Errors
    ///
    /// As [`Store::update_state_machine`](super::Store::update_state_machine).
    fn update_and_publish(
        &self,
        update: StateMachineUpdate,
        version: NewVersion,
    ) -> StoreFuture<'_, UpdateAndVersion>;

    /// Gives the current revision of a state machine a version, unless it has one.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::Conflict) when the state machine is unknown.
    fn publish(
        &self,
        state_machine: StateMachineKey,
        revision: RevisionKey,
        version: NewVersion,
    ) -> StoreFuture<'_, Publication>;

    /// Takes a version away, unless an alias stands for it. Its number is never given again;
    /// one that is not there is fine.
    fn delete_version(
        &self,
        state_machine: StateMachineKey,
        number: u64,
    ) -> StoreFuture<'_, VersionDeletion>;

    /// The version with this number.
    fn version(
        &self,
        state_machine: StateMachineKey,
        number: u64,
    ) -> StoreFuture<'_, Option<VersionRecord>>;

    /// The version that came with the state machine, also if it was deleted since.
    fn version_of_creation(
        &self,
        state_machine: StateMachineKey,
    ) -> StoreFuture<'_, Option<VersionRecord>>;

    /// At most `limit` versions with numbers below `before`, the highest first.
    fn list_versions(
        &self,
        state_machine: StateMachineKey,
        before: u64,
        limit: usize,
    ) -> StoreFuture<'_, Vec<VersionRecord>>;

    /// Adds an alias.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::Conflict) when the state machine is unknown.
    fn create_alias(&self, new: NewAlias) -> StoreFuture<'_, AliasCreation>;

    /// Changes what an alias stands for, or how it is described.
    ///
    /// # Errors
    ///
    /// [`Conflict`](super::Conflict) when the state machine is unknown.
    fn update_alias(&self, update: AliasUpdate) -> StoreFuture<'_, AliasChange>;

    /// Takes an alias away; one that is not there is fine.
    fn delete_alias(&self, state_machine: StateMachineKey, name: &str) -> StoreFuture<'_, ()>;

    /// The alias of this name.
    fn alias(
        &self,
        state_machine: StateMachineKey,
        name: &str,
    ) -> StoreFuture<'_, Option<AliasRecord>>;

    /// At most `limit` aliases with keys above `after`, the first created first; with a `version`
    /// only those that stand for it.
    fn list_aliases(
        &self,
        state_machine: StateMachineKey,
        version: Option<u64>,
        after: AliasKey,
        limit: usize,
    ) -> StoreFuture<'_, Vec<AliasRecord>>;

    /// As [`Store::list_executions`](super::Store::list_executions), but only those that were
    /// started by a version or an alias, as the [`Origin`] in their details says.
    fn list_executions_started_by(
        &self,
        filter: ExecutionFilter,
        by: StartedBy,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>>;
}

/// A version to be added.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewVersion {
    /// What it is for.
    pub description: Option<String>,
    /// When it is published.
    pub created_at: Timestamp,
    /// So many versions a state machine has at most.
    pub versions_max: u64,
}

/// A number that stands for a revision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VersionRecord {
    /// Its state machine.
    pub state_machine: StateMachineKey,
    /// Its number, from 1.
    pub number: u64,
    /// What it stands for.
    pub revision: RevisionKey,
    /// What it is for.
    pub description: Option<String>,
    /// When it was published.
    pub created_at: Timestamp,
}

/// What became of a state machine that was to be created with a version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CreationAndVersion {
    /// Both were added.
    Created(StateMachineRecord, VersionRecord),
    /// This one has the name, active or about to be deleted. Nothing was written.
    NameTaken(StateMachineRecord),
}

/// What became of an update with a version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UpdateAndVersion {
    /// The state machine has the new revision, and that has a version.
    Updated(StateMachineRecord, VersionRecord),
    /// As [`Update::Outdated`](super::Update::Outdated).
    Outdated(StateMachineRecord),
    /// The state machine has as many versions as it may. Nothing was written.
    TooMany,
}

/// What became of a revision that was to have a version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Publication {
    /// It has this one, new or from before.
    Published(VersionRecord),
    /// The state machine has another revision, or is no longer active: this is how it stands.
    /// Nothing was written.
    Outdated(StateMachineRecord),
    /// The state machine has as many versions as it may. Nothing was written.
    TooMany,
}

/// What became of a version that was to go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum VersionDeletion {
    /// It is not there any more.
    Deleted,
    /// These aliases stand for it, the first created first. Nothing was written.
    Referenced(Vec<String>),
}

/// Number of an alias, given by its store and never given again.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AliasKey(pub u64);

/// A version that an alias stands for, and how often.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Route {
    /// The version's number.
    pub version: u64,
    /// Of 100 starts so many.
    pub weight: u8,
}

/// What an alias stands for: one or two versions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Routing {
    /// The first.
    pub first: Route,
    /// The second.
    pub second: Option<Route>,
}

/// An alias to be added.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewAlias {
    /// Its state machine.
    pub state_machine: StateMachineKey,
    /// Its name, unique among the aliases of its state machine.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it stands for.
    pub routing: Routing,
    /// When it is created.
    pub created_at: Timestamp,
    /// So many aliases a state machine has at most.
    pub aliases_max: u64,
}

/// A name that stands for one or two versions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AliasRecord {
    /// Its key.
    pub key: AliasKey,
    /// Its state machine.
    pub state_machine: StateMachineKey,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it stands for.
    pub routing: Routing,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What became of a [`NewAlias`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AliasCreation {
    /// It was added.
    Created(AliasRecord),
    /// This one has the name. Nothing was written.
    NameTaken(AliasRecord),
    /// The state machine has no version of this number. Nothing was written.
    UnknownVersion(u64),
    /// The state machine is no longer active. Nothing was written.
    StateMachineDeleting,
    /// The state machine has as many aliases as it may. Nothing was written.
    TooMany,
}

/// A change of an alias. What is absent stays.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AliasUpdate {
    /// Its state machine.
    pub state_machine: StateMachineKey,
    /// Its name.
    pub name: String,
    /// What it is for from now on.
    pub description: Option<String>,
    /// What it stands for from now on.
    pub routing: Option<Routing>,
    /// When it is changed.
    pub updated_at: Timestamp,
}

/// What became of an [`AliasUpdate`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AliasChange {
    /// This is how it stands now.
    Updated(AliasRecord),
    /// There is no such alias. Nothing was written.
    Unknown,
    /// The state machine has no version of this number. Nothing was written.
    UnknownVersion(u64),
    /// The state machine is no longer active. Nothing was written.
    StateMachineDeleting,
}

/// What the executions to be listed were started by.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum StartedBy {
    /// This version, directly or through an alias.
    Version(u64),
    /// This alias.
    Alias(String),
}

/// What an execution was started by, as [`ExecutionRecord::details`] holds it. Whoever adds other
/// details keeps these members.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Origin {
    /// The version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}

impl Routing {
    /// The versions, in order.
    pub fn routes(&self) -> impl Iterator<Item = Route> + use<> {
        std::iter::once(self.first).chain(self.second)
    }

    /// Whether it stands for a version.
    pub fn leads_to(&self, version: u64) -> bool {
        self.routes().any(|route| route.version == version)
    }
}

impl Origin {
    /// The details of an execution; `None` when nothing is to be said.
    pub fn write(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        Some(serde_json::to_string(self).expect("numbers and texts can be written"))
    }

    /// Reads it from the details of an execution; whatever says nothing of it is no origin.
    pub fn read(details: Option<&str>) -> Self {
        let read = details.and_then(|details| serde_json::from_str(details).ok());
        read.unwrap_or_default()
    }

    /// Whether `by` is what it names.
    pub(super) fn is(&self, by: &StartedBy) -> bool {
        match by {
            StartedBy::Version(number) => self.version == Some(*number),
            StartedBy::Alias(name) => self.alias.as_deref() == Some(name),
        }
    }
}
