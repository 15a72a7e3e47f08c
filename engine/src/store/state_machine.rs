//! State machines as a store sees them: a record under a name, and revisions that never change.

use std::fmt;

use stepwell_interpreter::Timestamp;

/// Number of a state machine, given by its store and never given again: a state machine that takes
/// the name of a deleted one is another.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StateMachineKey(pub u64);

/// `42`.
impl fmt::Display for StateMachineKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Number of a revision, given by its store, unique across state machines and never given again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RevisionKey(pub u64);

/// `42`.
impl fmt::Display for RevisionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The type of a state machine.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum StateMachineKind {
    /// Durable, each step at most once unless it is retried.
    Standard,
    /// Short and fast.
    Express,
}

/// How a state machine stands; it only ever moves down this list.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum StateMachineStatus {
    /// It can be started.
    Active,
    /// It has its name still, but cannot be started any more.
    Deleting,
    /// Only its executions remember it.
    Deleted,
}

/// What a store knows of a state machine besides its revisions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StateMachineRecord {
    /// Its key.
    pub key: StateMachineKey,
    /// Its name, unique among those that are not deleted.
    pub name: String,
    /// Its type.
    pub kind: StateMachineKind,
    /// How it stands.
    pub status: StateMachineStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its tags. The store does not look inside.
    pub tags: String,
    /// Its current revision.
    pub revision: RevisionKey,
}

/// A state machine to be added.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewStateMachine {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: StateMachineKind,
    /// When it is created.
    pub created_at: Timestamp,
    /// Its tags.
    pub tags: String,
    /// Its first revision.
    pub revision: NewRevision,
}

/// What became of a [`NewStateMachine`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StateMachineCreation {
    /// It was added.
    Created(StateMachineRecord),
    /// This one has the name, active or about to be deleted. Nothing was written.
    NameTaken(StateMachineRecord),
}

/// What became of new tags.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Tagging {
    /// The state machine has them.
    Tagged,
    /// The state machine has other tags than those to be replaced: these. Nothing was written.
    Outdated(String),
}

/// A revision to be added.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewRevision {
    /// Its id, unique among the revisions of its state machine.
    pub id: String,
    /// The definition, letter for letter.
    pub definition: String,
    /// ARN of the role.
    pub role: String,
    /// Logging, tracing and encryption. The store does not look inside.
    pub configuration: String,
    /// When it is created.
    pub created_at: Timestamp,
}

/// What executions run: it never changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revision {
    /// Its key.
    pub key: RevisionKey,
    /// Its state machine.
    pub state_machine: StateMachineKey,
    /// What it says.
    pub content: NewRevision,
}

/// A new revision for a state machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StateMachineUpdate {
    /// The state machine.
    pub state_machine: StateMachineKey,
    /// The revision that the new one was made from: two updates at once cannot undo each other.
    pub replaces: RevisionKey,
    /// The new revision.
    pub revision: NewRevision,
}

/// What became of a [`StateMachineUpdate`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Update {
    /// The state machine has the new revision.
    Updated(StateMachineRecord),
    /// The state machine has another revision than the one to be replaced, or is no longer active:
    /// this is how it stands. Nothing was written.
    Outdated(StateMachineRecord),
}
