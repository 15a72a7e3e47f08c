//! A store on a disk that is slow, busy and full at times, and whose machine dies.
//!
//! What lies on the disk is a store in memory, which every machine is given: one after the other,
//! or several at once. A commit is atomic, as SQLite's are: what a cut tears, its log does not take
//! for a commit. What was not committed when the machine died is gone, and nobody is answered any
//! more.

mod owners;
mod map_runs;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use stepwell::store::memory::MemoryStore;
use stepwell::store::{
    ActivityStore, Append, Chunk, Counters, Creation, ExecutionFilter, ExecutionKey,
    ExecutionRecord, HistoryRange, MapRunStore, NewExecution, NewStateMachine, OwnerStore, Removal,
    Removed, Revision, RevisionKey, StateMachineCreation, StateMachineKey, StateMachineRecord,
    StateMachineStatus, StateMachineUpdate, Store, StoreError, StoreFuture, Tagging, Update,
    VersionStore,
};
use tokio::sync::Notify;

use crate::chance::Choices;

/// When the machine dies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Death {
    /// Never.
    Never,
    /// Just before the write with this number, counted over the whole run, is committed.
    Before(u64),
    /// Just after it was, before anybody is answered.
    After(u64),
}

/// What befalls a run besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble {
    /// One write in so many is refused: the disk is busy, or full. 0 for none.
    pub(crate) refused: u64,
    /// One write in so many brings the machine down. 0 for none.
    pub(crate) deadly: u64,
    /// And this one.
    pub(crate) death: Death,
}

/// What outlives the machine.
pub(crate) struct Disk {
    contents: MemoryStore,
    writes: AtomicU64,
    claims: AtomicU64,
    mounts: AtomicU64,
    trouble: Trouble,
    choices: Mutex<Choices>,
}

/// The disk as one machine has it, until that dies.
pub(crate) struct Mounted {
    disk: Arc<Disk>,
    /// Which machine it is, of all that have had the disk.
    number: u64,
    is_dead: AtomicBool,
    died: Notify,
}

impl Disk {
    pub(crate) fn new(trouble: Trouble, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            contents: MemoryStore::new(),
            writes: AtomicU64::new(0),
            claims: AtomicU64::new(0),
            mounts: AtomicU64::new(0),
            trouble,
            choices: Mutex::new(Choices::from_seed(seed)),
        })
    }

    /// Gives the disk to a machine. One that is alone with it ends all leases, as whoever opens a
    /// file does.
    pub(crate) async fn mount(self: &Arc<Self>, is_alone: bool) -> Arc<Mounted> {
        let owners = self.contents.owners();
        let leases = owners.leases().await.expect("memory can be read");
        for lease in leases.iter().filter(|_| is_alone) {
            let left = owners.leave(lease.epoch).await;
            left.expect("memory can be written");
        }
        Arc::new(Mounted {
            disk: Arc::clone(self),
            number: self.mounts.fetch_add(1, Ordering::SeqCst),
            is_dead: AtomicBool::new(false),
            died: Notify::new(),
        })
    }

    /// What lies on the disk.
    pub(crate) fn contents(&self) -> &MemoryStore {
        &self.contents
    }

    /// Writes that were committed, or tried.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// How often an execution was taken over.
    pub(crate) fn claims(&self) -> u64 {
        self.claims.load(Ordering::SeqCst)
    }

    fn below(&self, end: u64) -> u64 {
        let mut choices = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
        choices.below(end)
    }

    fn happens(&self, one_in: u64) -> bool {
        one_in > 0 && self.below(one_in) == 0
    }
}

impl Mounted {
    /// What the machine draws its randomness from: never what another one did, or names would not
    /// be unique.
    pub(crate) fn seed(&self) -> [u8; 32] {
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&self.number.to_le_bytes());
        seed
    }

    /// Completes when the machine dies.
    pub(crate) async fn has_died(&self) {
        if !self.is_dead.load(Ordering::SeqCst) {
            self.died.notified().await;
        }
    }

    /// The machine dies: whoever waits for this owner waits for ever.
    async fn die<T>(&self) -> T {
        self.is_dead.store(true, Ordering::SeqCst);
        self.died.notify_one();
        std::future::pending().await
    }

    fn write<'a, T: Send + 'a>(&'a self, commit: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        Box::pin(async move {
            for _ in 0..self.disk.below(4) {
                tokio::task::yield_now().await;
            }
            if self.is_dead.load(Ordering::SeqCst) {
                return std::future::pending().await;
            }
            let trouble = self.disk.trouble;
            if self.disk.happens(trouble.refused) {
                return Err(refusal(self.disk.below(2) == 0));
            }
            let number = self.disk.writes.fetch_add(1, Ordering::SeqCst) + 1;
            let is_deadly = self.disk.happens(trouble.deadly);
            if matches!(trouble.death, Death::Before(at) if at == number) {
                return self.die().await;
            }
            if is_deadly && self.disk.below(2) == 0 {
                return self.die().await;
            }
            let answer = commit.await;
            if is_deadly || matches!(trouble.death, Death::After(at) if at == number) {
                return self.die().await;
            }
            for _ in 0..self.disk.below(4) {
                tokio::task::yield_now().await;
            }
            if self.is_dead.load(Ordering::SeqCst) {
                return std::future::pending().await;
            }
            answer
        })
    }
}

fn refusal(is_full: bool) -> StoreError {
    let place = "the disk".into();
    let source = Arc::new(std::io::Error::other("so it was chosen"));
    if is_full {
        StoreError::Full { place, source }
    } else {
        StoreError::Busy { place, source }
    }
}

impl Store for Mounted {
    fn counters(&self) -> Counters {
        self.disk.contents.counters()
    }

    fn create_execution(&self, new: NewExecution) -> StoreFuture<'_, Creation> {
        self.write(self.disk.contents.create_execution(new))
    }

    fn append(&self, append: Append) -> StoreFuture<'_, ()> {
        self.write(self.disk.contents.append(append))
    }

    fn execution(&self, key: ExecutionKey) -> StoreFuture<'_, Option<ExecutionRecord>> {
        self.disk.contents.execution(key)
    }

    fn execution_by_name(
        &self,
        state_machine: &str,
        name: &str,
    ) -> StoreFuture<'_, Option<ExecutionRecord>> {
        self.disk.contents.execution_by_name(state_machine, name)
    }

    fn journal(
        &self,
        key: ExecutionKey,
        from: u64,
        bytes_max: usize,
    ) -> StoreFuture<'_, Vec<Chunk>> {
        self.disk.contents.journal(key, from, bytes_max)
    }

    fn history(&self, key: ExecutionKey, range: HistoryRange) -> StoreFuture<'_, Vec<Chunk>> {
        self.disk.contents.history(key, range)
    }

    fn last_chunk(&self, key: ExecutionKey) -> StoreFuture<'_, Option<Chunk>> {
        self.disk.contents.last_chunk(key)
    }

    fn list_executions(
        &self,
        filter: ExecutionFilter,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        self.disk.contents.list_executions(filter, limit)
    }

    fn open_executions(
        &self,
        after: ExecutionKey,
        limit: usize,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        self.disk.contents.open_executions(after, limit)
    }

    fn count_open_executions(&self) -> StoreFuture<'_, u64> {
        self.disk.contents.count_open_executions()
    }

    fn remove_ended(&self, removal: Removal) -> StoreFuture<'_, Removed> {
        self.write(self.disk.contents.remove_ended(removal))
    }

    fn create_state_machine(&self, new: NewStateMachine) -> StoreFuture<'_, StateMachineCreation> {
        self.disk.contents.create_state_machine(new)
    }

    fn update_state_machine(&self, update: StateMachineUpdate) -> StoreFuture<'_, Update> {
        self.disk.contents.update_state_machine(update)
    }

    fn tag_state_machine(
        &self,
        key: StateMachineKey,
        replaces: String,
        tags: String,
    ) -> StoreFuture<'_, Tagging> {
        self.disk.contents.tag_state_machine(key, replaces, tags)
    }

    fn delete_state_machine(&self, key: StateMachineKey) -> StoreFuture<'_, StateMachineStatus> {
        self.write(self.disk.contents.delete_state_machine(key))
    }

    fn deleting_state_machines(&self) -> StoreFuture<'_, Vec<StateMachineRecord>> {
        self.disk.contents.deleting_state_machines()
    }

    fn state_machine(&self, name: &str) -> StoreFuture<'_, Option<StateMachineRecord>> {
        self.disk.contents.state_machine(name)
    }

    fn state_machine_by_key(
        &self,
        key: StateMachineKey,
    ) -> StoreFuture<'_, Option<StateMachineRecord>> {
        self.disk.contents.state_machine_by_key(key)
    }

    fn list_state_machines(
        &self,
        after: &str,
        limit: usize,
    ) -> StoreFuture<'_, Vec<StateMachineRecord>> {
        self.disk.contents.list_state_machines(after, limit)
    }

    fn owners(&self) -> &dyn OwnerStore {
        self
    }

    fn map_runs(&self) -> &dyn MapRunStore {
        self
    }

    fn versions(&self) -> &dyn VersionStore {
        self.disk.contents.versions()
    }

    fn activities(&self) -> &dyn ActivityStore {
        self.disk.contents.activities()
    }

    fn revision(&self, key: RevisionKey) -> StoreFuture<'_, Option<Revision>> {
        self.disk.contents.revision(key)
    }

    fn revision_by_id(
        &self,
        state_machine: StateMachineKey,
        id: &str,
    ) -> StoreFuture<'_, Option<Revision>> {
        self.disk.contents.revision_by_id(state_machine, id)
    }
}
