//! The store of tests, and of runs that need not outlive the process.
//!
//! It keeps the contract of [`Store`] in ordered maps behind one lock; nothing it holds is durable.

mod activities;
mod versions;
mod retention;
mod map_runs;
mod owners;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use stepwell_interpreter::Timestamp;
use tokio::sync::watch;

use self::activities::Activities;
use self::map_runs::MapRuns;
use self::owners::Owners;
use self::versions::Versions;
use super::execution::JournalEnd;
use super::{
    ActivityStore, Append, Chunk, Conflict, Counters, Creation, ExecutionCursor, ExecutionFilter,
    ExecutionKey, ExecutionRecord, ExecutionStatus, HistoryRange, LetterAnswer, MapRunStore,
    NewExecution, NewRevision, NewStateMachine, Order, OwnerStore, Redrive, Removal, Removed,
    Revision, RevisionKey, StateMachineCreation, StateMachineKey, StateMachineRecord,
    StateMachineStatus, StateMachineUpdate, Store, StoreError, StoreFuture, Tagging, Timer, Update,
    VersionStore,
};

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    contents: Mutex<Contents>,
    /// Changes whenever a letter may have come or been answered.
    post: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Contents {
    state_machines: BTreeMap<StateMachineKey, StateMachineRecord>,
    revisions: BTreeMap<RevisionKey, Revision>,
    executions: BTreeMap<ExecutionKey, Execution>,
    by_name: BTreeMap<(StateMachineKey, String), ExecutionKey>,
    by_start: BTreeSet<(StateMachineKey, ExecutionCursor)>,
    timers: BTreeSet<Timer>,
    owners: Owners,
    versions: Versions,
    activities: Activities,
    map_runs: MapRuns,
    writes: u64,
}

#[derive(Debug)]
struct Execution {
    record: ExecutionRecord,
    journal: Vec<Chunk>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Contents) -> T + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(async move { Ok(read(&self.lock())) })
    }

    fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Contents) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(async move {
            let mut contents = self.lock();
            contents.writes += 1;
            write(&mut contents)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn counters(&self) -> Counters {
        let writes = self.lock().writes;
        Counters {
            writes,
            batches: writes,
            batch_max: writes.min(1),
        }
    }

    fn create_execution(&self, new: NewExecution) -> StoreFuture<'_, Creation> {
        self.write(|contents| contents.create_execution(new))
    }

    fn append(&self, append: Append) -> StoreFuture<'_, ()> {
        let has_letter = append.letter.is_some();
        let appended = self.write(|contents| contents.append(append));
        if has_letter {
            self.then_post(appended)
        } else {
            appended
        }
    }

    fn execution(&self, key: ExecutionKey) -> StoreFuture<'_, Option<ExecutionRecord>> {
        self.read(move |contents| Some(contents.executions.get(&key)?.record.clone()))
    }

    fn execution_by_name(
        &self,
        state_machine: &str,
        name: &str,
    ) -> StoreFuture<'_, Option<ExecutionRecord>> {
        let (state_machine, name) = (state_machine.to_owned(), name.to_owned());
        self.read(move |contents| {
            let state_machines = contents.state_machines.values().rev();
            let mut keys = state_machines
                .filter(|record| record.name == state_machine)
                .filter_map(|record| contents.by_name.get(&(record.key, name.clone())));
            Some(contents.executions[keys.next()?].record.clone())
        })
    }

    fn journal(
        &self,
        key: ExecutionKey,
        from: u64,
        bytes_max: usize,
    ) -> StoreFuture<'_, Vec<Chunk>> {
        self.read(move |contents| {
            let journal = contents.journal(key);
            let start = journal.partition_point(|chunk| chunk.last < from);
            take_up_to(bytes_max, journal[start..].iter())
        })
    }

    fn history(&self, key: ExecutionKey, range: HistoryRange) -> StoreFuture<'_, Vec<Chunk>> {
        self.read(move |contents| {
            let shown = contents.journal(key).iter().filter(|chunk| {
                !range.is_empty()
                    && !chunk.is_silent()
                    && chunk.first_history <= range.to
                    && range.from <= chunk.last_history
            });
            match range.order {
                Order::Ascending => take_up_to(range.bytes_max, shown),
                Order::Descending => take_up_to(range.bytes_max, shown.rev()),
            }
        })
    }

    fn last_chunk(&self, key: ExecutionKey) -> StoreFuture<'_, Option<Chunk>> {
        self.read(move |contents| contents.journal(key).last().cloned())
    }

    fn list_executions(
        &self,
        filter: ExecutionFilter,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        self.read(move |contents| contents.listed(filter).take(limit).cloned().collect())
    }

    fn open_executions(
        &self,
        after: ExecutionKey,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        self.read(move |contents| {
            let records = contents
                .executions
                .values()
                .map(|execution| &execution.record);
            records
                .filter(|record| record.key > after && record.status == ExecutionStatus::Running)
                .take(limit)
                .cloned()
                .collect()
        })
    }

    fn count_open_executions(&self) -> StoreFuture<'_, u64> {
        self.read(|contents| {
            let records = contents.executions.values();
            let open = records.filter(|found| found.record.status == ExecutionStatus::Running);
            open.count() as u64
        })
    }

    fn remove_ended(&self, removal: Removal) -> StoreFuture<'_, Removed> {
        self.write(move |contents| Ok(contents.remove_ended(&removal)))
    }

    fn create_state_machine(&self, new: NewStateMachine) -> StoreFuture<'_, StateMachineCreation> {
        self.write(|contents| Ok(contents.create_state_machine(new)))
    }

    fn update_state_machine(&self, update: StateMachineUpdate) -> StoreFuture<'_, Update> {
        self.write(|contents| contents.update_state_machine(update))
    }

    fn tag_state_machine(
        &self,
        key: StateMachineKey,
        replaces: String,
        tags: String,
    ) -> StoreFuture<'_, Tagging> {
        self.write(move |contents| {
            let record = contents.existing(key)?;
            if record.tags != replaces {
                return Ok(Tagging::Outdated(record.tags.clone()));
            }
            record.tags = tags;
            Ok(Tagging::Tagged)
        })
    }

    fn delete_state_machine(&self, key: StateMachineKey) -> StoreFuture<'_, StateMachineStatus> {
        self.write(move |contents| {
            let status = if contents.has_open_executions(key) {
                StateMachineStatus::Deleting
            } else {
                StateMachineStatus::Deleted
            };
            let record = contents.existing(key)?;
            record.status = record.status.max(status);
            Ok(record.status)
        })
    }

    fn deleting_state_machines(&self) -> StoreFuture<'_, Vec<StateMachineRecord>> {
        self.read(|contents| {
            let records = contents.state_machines.values();
            records
                .filter(|record| record.status == StateMachineStatus::Deleting)
                .cloned()
                .collect()
        })
    }

    fn state_machine(&self, name: &str) -> StoreFuture<'_, Option<StateMachineRecord>> {
        let name = name.to_owned();
        self.read(move |contents| contents.state_machine(&name).cloned())
    }

    fn state_machine_by_key(
        &self,
        key: StateMachineKey,
    ) -> StoreFuture<'_, Option<StateMachineRecord>> {
        self.read(move |contents| contents.state_machines.get(&key).cloned())
    }

    fn list_state_machines(
        &self,
        after: &str,
        limit: usize,
    ) -> StoreFuture<'_, Vec<StateMachineRecord>> {
        let after = after.to_owned();
        self.read(move |contents| {
            let by_name: BTreeMap<_, _> = contents
                .present()
                .map(|record| (record.name.as_str(), record))
                .collect();
            let listed = by_name.values().filter(|record| record.name > after);
            listed
                .take(limit)
                .map(|record| StateMachineRecord::clone(record))
                .collect()
        })
    }

    fn owners(&self) -> &dyn OwnerStore {
        self
    }

    fn versions(&self) -> &dyn VersionStore {
        self
    }

    fn activities(&self) -> &dyn ActivityStore {
        self
    }

    fn map_runs(&self) -> &dyn MapRunStore {
        self
    }

    fn revision(&self, key: RevisionKey) -> StoreFuture<'_, Option<Revision>> {
        self.read(move |contents| contents.revisions.get(&key).cloned())
    }

    fn revision_by_id(
        &self,
        state_machine: StateMachineKey,
        id: &str,
    ) -> StoreFuture<'_, Option<Revision>> {
        let id = id.to_owned();
        self.read(move |contents| contents.revision_by_id(state_machine, &id).cloned())
    }
}

impl Contents {
    fn create_execution(&mut self, new: NewExecution) -> Result<Creation, StoreError> {
        let NewExecution {
            record,
            chunks,
            waiting,
        } = new;
        self.owners.check_lease(record.owner)?;
        check_number(record.key.0)?;
        let mut end = JournalEnd::default();
        for chunk in &chunks {
            end = end.followed_by(record.key, chunk)?;
        }
        check_number(end.last.max(end.last_history))?;
        match self.existing(record.state_machine)?.status {
            StateMachineStatus::Active => {}
            StateMachineStatus::Deleting | StateMachineStatus::Deleted => {
                return Ok(Creation::StateMachineDeleting);
            }
        }
        let revision = self.revisions.get(&record.revision);
        if revision.map(|revision| revision.state_machine) != Some(record.state_machine) {
            return Err(Conflict::UnknownRevision(record.revision).into());
        }
        let name = (record.state_machine, record.name.clone());
        if let Some(key) = self.by_name.get(&name) {
            return Ok(Creation::NameTaken(self.executions[key].record.clone()));
        }
        self.insert_execution(NewExecution {
            record,
            chunks,
            waiting,
        })?;
        Ok(Creation::Created)
    }

    /// Adds an execution that has been looked at.
    fn insert_execution(&mut self, new: NewExecution) -> Result<(), StoreError> {
        let NewExecution {
            record,
            chunks,
            waiting,
        } = new;
        let name = (record.state_machine, record.name.clone());
        if self.executions.contains_key(&record.key) {
            return Err(Conflict::ExecutionKeyTaken(record.key).into());
        }
        self.by_name.insert(name, record.key);
        if record.child.is_none() {
            self.by_start
                .insert((record.state_machine, ExecutionCursor::of(&record)));
        }
        if let Some(at) = record.wake_at {
            self.timers.insert(Timer {
                at,
                execution: record.key,
            });
        }
        self.activities.enqueue(record.key, waiting);
        self.executions.insert(
            record.key,
            Execution {
                record,
                journal: chunks,
            },
        );
        Ok(())
    }

    fn append(&mut self, append: Append) -> Result<(), StoreError> {
        self.owners.check_lease(append.epoch)?;
        let key = append.execution;
        let Some(execution) = self.executions.get_mut(&key) else {
            return Err(Conflict::UnknownExecution(key).into());
        };
        if execution.record.owner != append.epoch {
            return Err(Conflict::HeldByAnother {
                execution: key,
                owner: execution.record.owner.0,
            }
            .into());
        }
        let end = execution
            .journal
            .last()
            .map_or_else(JournalEnd::default, |chunk| JournalEnd {
                last: chunk.last,
                last_history: chunk.last_history,
            });
        let end = end.followed_by(key, &append.chunk)?;
        check_number(end.last.max(end.last_history))?;
        if let Some(letter) = append.letter {
            self.owners.check_letter(key, letter)?;
            self.owners.answer(letter, LetterAnswer::Taken);
        }
        execution.journal.push(append.chunk);
        self.activities.change(key, append.queue);
        let record = &mut execution.record;
        if let Some(at) = record.wake_at {
            self.timers.remove(&Timer { at, execution: key });
        }
        if let Some(at) = append.wake_at {
            self.timers.insert(Timer { at, execution: key });
        }
        self.map_runs
            .recount(record.child, record.status, append.status);
        record.status = append.status;
        record.stopped_at = append.stopped_at;
        record.wake_at = append.wake_at;
        record.details = append.details.or_else(|| record.details.take());
        Ok(())
    }

    /// The executions that a filter lets through, the latest start first.
    fn listed(&self, filter: ExecutionFilter) -> impl Iterator<Item = &ExecutionRecord> {
        let first = ExecutionCursor {
            started_at: Timestamp::from_milliseconds(i64::MIN),
            key: ExecutionKey(0),
        };
        let end = filter.after.unwrap_or(ExecutionCursor {
            started_at: Timestamp::MAX,
            key: ExecutionKey(u64::MAX),
        });
        self.by_start
            .range((filter.state_machine, first)..(filter.state_machine, end))
            .rev()
            .map(|(_, place)| &self.executions[&place.key].record)
            .filter(move |record| filter.status.is_none_or(|status| status == record.status))
            .filter(move |record| {
                let is_redriven = || Redrive::read(record.details.as_deref()).is_some();
                filter
                    .redriven
                    .is_none_or(|redriven| redriven == is_redriven())
            })
    }

    fn journal(&self, key: ExecutionKey) -> &[Chunk] {
        self.executions
            .get(&key)
            .map_or(&[], |execution| &execution.journal)
    }

    fn create_state_machine(&mut self, new: NewStateMachine) -> StateMachineCreation {
        if let Some(other) = self.state_machine(&new.name) {
            return StateMachineCreation::NameTaken(other.clone());
        }
        let key = StateMachineKey(self.state_machines.len() as u64 + 1);
        let record = StateMachineRecord {
            key,
            name: new.name,
            kind: new.kind,
            status: StateMachineStatus::Active,
            created_at: new.created_at,
            tags: new.tags,
            revision: self.insert_revision(key, new.revision),
        };
        self.state_machines.insert(key, record.clone());
        StateMachineCreation::Created(record)
    }

    fn update_state_machine(&mut self, update: StateMachineUpdate) -> Result<Update, StoreError> {
        let key = update.state_machine;
        let record = self.existing(key)?.clone();
        if record.status != StateMachineStatus::Active || record.revision != update.replaces {
            return Ok(Update::Outdated(record));
        }
        if self.revision_by_id(key, &update.revision.id).is_some() {
            return Err(Conflict::RevisionIdTaken(key).into());
        }
        let revision = self.insert_revision(key, update.revision);
        let record = self.existing(key)?;
        record.revision = revision;
        Ok(Update::Updated(record.clone()))
    }

    fn insert_revision(
        &mut self,
        state_machine: StateMachineKey,
        content: NewRevision,
    ) -> RevisionKey {
        let highest = self.revisions.keys().next_back();
        let key = RevisionKey(highest.map_or(0, |highest| highest.0) + 1);
        self.revisions.insert(
            key,
            Revision {
                key,
                state_machine,
                content,
            },
        );
        key
    }

    /// Whether an execution of the state machine runs, or a Map Run of one, whose children are still
    /// being stopped.
    fn has_open_executions(&self, key: StateMachineKey) -> bool {
        let is_of = |execution: &ExecutionRecord| execution.state_machine == key;
        let mut executions = self.executions.values().map(|execution| &execution.record);
        executions.any(|execution| {
            is_of(execution)
                && execution.status == ExecutionStatus::Running
                && execution.child.is_none()
        }) || self.map_runs.open().any(|execution| {
            let parent = self.executions.get(&execution);
            parent.is_some_and(|parent| is_of(&parent.record))
        })
    }

    fn existing(&mut self, key: StateMachineKey) -> Result<&mut StateMachineRecord, StoreError> {
        self.state_machines
            .get_mut(&key)
            .ok_or_else(|| Conflict::UnknownStateMachine(key).into())
    }

    fn state_machine(&self, name: &str) -> Option<&StateMachineRecord> {
        self.present().find(|record| record.name == name)
    }

    /// The state machines that have their names still.
    fn present(&self) -> impl Iterator<Item = &StateMachineRecord> {
        self.state_machines
            .values()
            .filter(|record| record.status != StateMachineStatus::Deleted)
    }

    fn revision_by_id(&self, state_machine: StateMachineKey, id: &str) -> Option<&Revision> {
        self.revisions
            .values()
            .find(|revision| revision.state_machine == state_machine && revision.content.id == id)
    }
}

/// Other stores hold numbers as signed integers; a test is to find what they cannot hold.
fn check_number(number: u64) -> Result<(), StoreError> {
    match i64::try_from(number) {
        Ok(_) => Ok(()),
        Err(_) => Err(Conflict::TooLarge(number).into()),
    }
}

/// Takes chunks, at least one, for as long as they stay within `bytes_max` together.
fn take_up_to<'a>(bytes_max: usize, chunks: impl Iterator<Item = &'a Chunk>) -> Vec<Chunk> {
    let mut weight: usize = 0;
    let mut taken = Vec::new();
    for chunk in chunks {
        weight = weight.saturating_add(chunk.weight());
        if weight > bytes_max && !taken.is_empty() {
            break;
        }
        taken.push(chunk.clone());
    }
    taken
}
