//! The engine as a library: durable executions on a SQLite file, from the call to the end.
//!
//! Throughput is in executions for `start`, in task states for `tasks`.

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use stepwell::store::Store;
use stepwell::store::sqlite::SqliteStore;
use stepwell::{Engine, TaskError};
use stepwell_benches::{FUNCTION, Successes, report_commits, start_from, task_chain, ten_states};
use tokio::runtime::Runtime;

async fn work(_: Value) -> Result<Value, TaskError> {
    Ok(json!({"done": true}))
}

fn durable(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("there are threads");
    let folder = tempfile::tempdir().expect("there is a disk");
    let store = SqliteStore::open(&folder.path().join("bench.db")).expect("it opens");
    let store: Arc<dyn Store> = Arc::new(store);
    let successes = Successes::default();
    let observer = successes.observer();
    let (engine, start, tasks) = runtime.block_on(async {
        let engine = Engine::builder()
            .store(Arc::clone(&store))
            .task(FUNCTION, work)
            .observer(move |execution, events| observer(execution, events))
            .build()
            .await
            .expect("the engine starts");
        let create = async |name: &str, definition: Value| {
            let definition = definition.to_string();
            let created = engine.create_state_machine(name, &definition).await;
            created.expect("the definition is valid").arn
        };
        let start = create("ten-states", ten_states()).await;
        let tasks = create("ten-tasks", task_chain(10)).await;
        (engine, start, tasks)
    });

    for (operation, machine, steps) in [("start", &start, 1), ("tasks", &tasks, 10)] {
        let has_tasks = steps > 1;
        for (callers, each) in [(1, 8), (64, 8)] {
            let count = (callers * each) as u64;
            let (writes, ended) = (store.counters(), successes.count());
            let mut group = criterion.benchmark_group(format!("engine/{operation}"));
            group.throughput(Throughput::Elements(count * steps));
            group.bench_function(format!("callers_{callers}"), |bencher| {
                bencher.iter(|| {
                    let before = successes.count();
                    runtime.block_on(start_from(&engine, machine, callers, each, has_tasks));
                    assert_eq!(successes.count() - before, count);
                });
            });
            group.finish();
            let batches = store.counters().batches - writes.batches;
            let executions = successes.count() - ended;
            report_commits(
                &format!("engine/{operation}/callers_{callers}"),
                executions,
                batches,
            );
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = durable
}
criterion_main!(benches);
