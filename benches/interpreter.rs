//! The interpreter alone: no journal, no store, no clock.
//!
//! Throughput is in states entered, which is what AWS bills as transitions.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Value;
use stepwell::interpreter::Payload;
use stepwell_benches::{
    check_succeeded, choice, counted_loop, jsonata_chain, machine, map, numbers, order, parallel,
    pass_chain, run, started, template_chain,
};

/// One benchmark: `definition` over `input` enters `states` states and shows `events` events.
fn bench(
    criterion: &mut Criterion,
    operation: &str,
    shape: impl std::fmt::Display,
    (definition, input): (&Value, Value),
    (states, events): (usize, usize),
) {
    let machine = machine(definition);
    let started = started(&Payload::from_value(input));
    let mut group = criterion.benchmark_group(format!("interpreter/{operation}"));
    group.throughput(Throughput::Elements(states as u64));
    group.bench_function(BenchmarkId::from_parameter(shape), |bencher| {
        bencher.iter(|| {
            let execution = run(&machine, &started, |events| drop(black_box(events)));
            check_succeeded(&execution, events as u64);
        });
    });
}

/// A start, an end, and two events for each state.
fn plain(states: usize) -> (usize, usize) {
    (states, 2 + 2 * states)
}

fn transitions(criterion: &mut Criterion) {
    // Does a step cost more the longer the history is?
    for length in [10, 100, 1_000, 10_000] {
        let definition = pass_chain(length);
        let shape = format!("chain_{length}");
        let workload = (&definition, order(1024));
        bench(criterion, "pass", shape, workload, plain(length));
    }
    let rounds = 1_000;
    bench(
        criterion,
        "loop",
        format!("rounds_{rounds}"),
        (&counted_loop(rounds), order(1024)),
        plain(2 + 2 * rounds),
    );
    bench(
        criterion,
        "template",
        "chain_100",
        (&template_chain(100), order(1024)),
        plain(100),
    );
    for (operation, over_items) in [("jsonata", false), ("jsonata_over_items", true)] {
        let definition = jsonata_chain(100, over_items);
        let workload = (&definition, order(1024));
        bench(criterion, operation, "chain_100", workload, plain(100));
    }
}

fn choices(criterion: &mut Criterion) {
    for rules in [1, 20, 100] {
        let definition = choice(rules);
        let mut input = order(1024);
        input["number"] = (rules - 1).into();
        let shape = format!("rules_{rules}");
        bench(criterion, "choice", shape, (&definition, input), plain(3));
    }
    // What the Choice itself costs is the difference from this.
    let workload = (&pass_chain(2), order(1024));
    bench(
        criterion,
        "choice",
        "two_passes_without",
        workload,
        plain(2),
    );
}

/// Does an iteration cost more the wider the Map is?
fn maps(criterion: &mut Criterion) {
    for (operation, with_context) in [("map", false), ("map_with_context", true)] {
        for width in [10, 100, 1_000, 10_000] {
            let definition = map(with_context);
            let shape = format!("width_{width}");
            let workload = (&definition, numbers(width));
            // Each iteration begins and succeeds; the Map itself enters, starts, succeeds, exits.
            let counts = (1 + width, 2 + 4 + 4 * width);
            bench(criterion, operation, shape, workload, counts);
        }
    }
}

/// Does a step cost more the more branches are open?
fn parallels(criterion: &mut Criterion) {
    for branches in [10, 100, 1_000, 10_000] {
        let definition = parallel(branches);
        let shape = format!("branches_{branches}");
        let workload = (&definition, serde_json::json!({}));
        // The Parallel itself enters, starts, succeeds, exits.
        let counts = (1 + branches, 2 + 4 + 2 * branches);
        bench(criterion, "parallel", shape, workload, counts);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = transitions, choices, maps, parallels
}
criterion_main!(benches);
