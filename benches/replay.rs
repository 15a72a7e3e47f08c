//! The journal: written down, read back, applied.
//!
//! Throughput is in events.

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use stepwell::interpreter::event::Event;
use stepwell::interpreter::{Execution, Payload, journal};
use stepwell_benches::{
    UNLIMITED, check_succeeded, counted_loop, machine, order, run, started, template_loop,
};

/// A history of nearly AWS's 25,000 events, in chunks as the engine appends them.
fn bench(criterion: &mut Criterion, shape: &str, definition: &Value, input: Value) {
    let machine = machine(definition);
    let started = started(&Payload::from_value(input));
    let mut chains: Vec<Vec<Event>> = Vec::new();
    let whole = run(&machine, &started, |events| chains.push(events));
    let history = whole.last_history_id().0;
    check_succeeded(&whole, history);
    let count: usize = chains.iter().map(Vec::len).sum();
    let chunks: Vec<Vec<u8>> = chains.iter().map(|chain| journal::encode(chain)).collect();
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    eprintln!(
        "replay/{shape}: {count} events in {bytes} bytes, {} each",
        bytes / count
    );

    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(count as u64));
    group.bench_function(format!("encode/{shape}"), |bencher| {
        bencher.iter(|| {
            let written: usize = chains
                .iter()
                .map(|chain| journal::encode(chain).len())
                .sum();
            assert_eq!(written, bytes);
        });
    });
    group.bench_function(format!("decode/{shape}"), |bencher| {
        bencher.iter_with_large_drop(|| {
            let chains: Vec<_> = chunks.iter().map(|chunk| journal::decode(chunk)).collect();
            let read: usize = chains.iter().flatten().map(Vec::len).sum();
            assert_eq!(read, count);
            chains
        });
    });
    group.bench_function(format!("apply/{shape}"), |bencher| {
        bencher.iter_batched(
            || Execution::new(machine.clone(), UNLIMITED),
            |mut execution| {
                for event in chains.iter().flatten() {
                    execution.apply(event).expect("the journal is sound");
                }
                check_succeeded(&execution, history);
                execution
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function(format!("decode_and_apply/{shape}"), |bencher| {
        bencher.iter(|| {
            let mut execution = Execution::new(machine.clone(), UNLIMITED);
            for chunk in &chunks {
                for event in journal::decode(chunk).expect("the chunk is sound") {
                    execution.apply(&event).expect("the journal is sound");
                }
            }
            check_succeeded(&execution, history);
        });
    });
}

fn replay(criterion: &mut Criterion) {
    // Data that only passes through stands in each chunk once.
    bench(criterion, "loop_small", &counted_loop(6_248), json!({}));
    bench(criterion, "loop_1_kib", &counted_loop(6_248), order(1024));
    // Every second state gives out new data of about 1 KiB.
    bench(
        criterion,
        "loop_new_1_kib",
        &template_loop(6_248),
        order(600),
    );
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = replay
}
criterion_main!(benches);
