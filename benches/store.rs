//! The stores: executions added, journals appended to. Throughput is in writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stepwell::interpreter::Timestamp;
use stepwell::store::memory::MemoryStore;
use stepwell::store::sqlite::SqliteStore;
use stepwell::store::{
    Append, Chunk, Creation, Epoch, ExecutionKey, ExecutionRecord, ExecutionStatus, NewExecution,
    NewRevision, NewStateMachine, StateMachineCreation, StateMachineKind, StateMachineRecord,
    Store,
};
use stepwell_benches::now;
use tokio::runtime::Runtime;

/// A journal of ten states, as it is stored.
const CHUNK_BYTES: usize = 2_048;

/// A store with a state machine, and the key of the next execution.
#[derive(Clone)]
struct Subject {
    store: Arc<dyn Store>,
    machine: Arc<StateMachineRecord>,
    owner: Epoch,
    next_key: Arc<AtomicU64>,
}

impl Subject {
    async fn new(store: Arc<dyn Store>) -> Self {
        let text = str::to_owned;
        let created = store.create_state_machine(NewStateMachine {
            name: text("bench"),
            kind: StateMachineKind::Standard,
            created_at: now(),
            tags: text("[]"),
            revision: NewRevision {
                id: text("INITIAL"),
                definition: text("{}"),
                role: text("arn:aws:iam::123456789012:role/bench"),
                configuration: text("{}"),
                created_at: now(),
            },
        });
        let owner = store.owners().join(Timestamp::MAX).await;
        let owner = owner.expect("the store works");
        match created.await.expect("the store works") {
            StateMachineCreation::Created(machine) => Self {
                store,
                machine: Arc::new(machine),
                owner,
                next_key: Arc::new(AtomicU64::new(1)),
            },
            StateMachineCreation::NameTaken(_) => unreachable!("the store is new"),
        }
    }

    /// Adds an execution and returns its key.
    async fn create(&self, status: ExecutionStatus) -> ExecutionKey {
        let key = ExecutionKey(self.next_key.fetch_add(1, Ordering::Relaxed));
        let stopped_at: Option<Timestamp> = (status != ExecutionStatus::Running).then(now);
        let created = self.store.create_execution(NewExecution {
            record: ExecutionRecord {
                owner: self.owner,
                key,
                state_machine: self.machine.key,
                revision: self.machine.revision,
                name: format!("4a0e2d2e-0c4c-4b64-9d53-{:012}", key.0),
                status,
                started_at: now(),
                stopped_at,
                wake_at: None,
                details: None,
                child: None,
            },
            chunks: vec![chunk(1)],
            waiting: Vec::new(),
        });
        assert_eq!(created.await.expect("the store works"), Creation::Created);
        key
    }

    async fn append(&self, execution: ExecutionKey, number: u64) {
        let appended = self.store.append(Append {
            epoch: self.owner,
            execution,
            chunk: chunk(number),
            status: ExecutionStatus::Running,
            stopped_at: None,
            wake_at: None,
            details: None,
            letter: None,
            queue: Vec::new(),
        });
        appended.await.expect("the store works");
    }
}

/// The `number`th chunk of a journal, from 1.
fn chunk(number: u64) -> Chunk {
    let (first, last) = (number * 20 - 19, number * 20);
    Chunk {
        first,
        last,
        first_history: first,
        last_history: last,
        bytes: vec![b'x'; CHUNK_BYTES],
    }
}

fn store(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("there are threads");
    let folder = tempfile::tempdir().expect("there is a disk");
    let sqlite = SqliteStore::open(&folder.path().join("bench.db")).expect("it opens");
    let stores: [(&str, Arc<dyn Store>); 2] = [
        ("memory", Arc::new(MemoryStore::new())),
        ("sqlite", Arc::new(sqlite)),
    ];
    for (name, store) in stores {
        let subject = runtime.block_on(Subject::new(store));
        let mut group = criterion.benchmark_group("store");
        for writers in [1_usize, 64] {
            let before = subject.store.counters();
            group.throughput(Throughput::Elements(writers as u64));
            group.bench_function(format!("create/{name}_batch_{writers}"), |bencher| {
                bencher.iter(|| {
                    runtime.block_on(together(writers, |_| {
                        let subject = subject.clone();
                        async move {
                            subject.create(ExecutionStatus::Succeeded).await;
                        }
                    }));
                });
            });
            group.bench_function(format!("append/{name}_batch_{writers}"), |bencher| {
                let keys: Vec<ExecutionKey> = (0..writers)
                    .map(|_| runtime.block_on(subject.create(ExecutionStatus::Running)))
                    .collect();
                let mut number = 1;
                bencher.iter(|| {
                    number += 1;
                    runtime.block_on(together(writers, |writer| {
                        let (subject, key) = (subject.clone(), keys[writer]);
                        async move { subject.append(key, number).await }
                    }));
                });
            });
            let after = subject.store.counters();
            eprintln!(
                "store/{name}: {} writes in {} batches from {writers} writers",
                after.writes - before.writes,
                after.batches - before.batches
            );
        }
    }
}

/// Runs this many futures at once.
async fn together<F>(count: usize, future: impl Fn(usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks: Vec<_> = (0..count)
        .map(|number| tokio::spawn(future(number)))
        .collect();
    for task in tasks {
        task.await.expect("no write fails");
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = store
}
criterion_main!(benches);
