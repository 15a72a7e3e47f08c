//! The language: definitions read, expressions evaluated.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use stepwell::interpreter::Chance;
use stepwell::interpreter::evaluate::{Bindings, intrinsics, json_path};
use stepwell::language::expression::{IntrinsicCall, JsonPath};
use stepwell::language::json::Value;
use stepwell::language::model::ExecutionType;
use stepwell::language::parse::parse;
use stepwell_benches::{order, realistic};

/// Throughput is in definitions; one group of a definition is seven states.
fn definitions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("language/parse");
    group.throughput(Throughput::Elements(1));
    for groups in [1, 10, 100] {
        let text = serde_json::to_string_pretty(&realistic(groups)).expect("it is JSON");
        let states = 7 * groups + 2;
        eprintln!("language/parse/states_{states}: {} bytes", text.len());
        group.bench_function(format!("states_{states}"), |bencher| {
            bencher.iter(|| {
                let parsed = parse(&text, ExecutionType::Standard);
                let machine = parsed.into_result().expect("it is valid");
                assert_eq!(machine.states.len(), states);
            });
        });
    }
}

struct Data(Value);

impl Bindings for Data {
    fn input(&self) -> &Value {
        &self.0
    }

    fn context(&self) -> &Value {
        &Value::Null
    }

    fn variable(&self, _: &str) -> Option<&Value> {
        None
    }
}

fn paths(criterion: &mut Criterion) {
    let data = Data(order(1024).into());
    let items = data.0["items"].as_array().expect("it has items");
    let prices: Vec<Value> = items.iter().map(|item| item["price"].clone()).collect();
    let mut group = criterion.benchmark_group("language/json_path");
    for (shape, path, expected) in [
        ("names", "$.customer.name", json!("Ada")),
        ("index", "$.items[3].price", json!(12.5)),
        ("wildcard", "$.items[*].price", json!(prices)),
        ("descendants", "$..price", json!(prices)),
        ("filter", "$.items[?(@.count > 1)].price", json!(prices)),
    ] {
        let path = JsonPath::parse(path).expect("it is a path");
        group.bench_function(shape, |bencher| {
            bencher.iter(|| {
                let value = json_path::evaluate(&path, &data).expect("it selects something");
                assert_eq!(*value, expected);
            });
        });
    }
}

fn intrinsic_calls(criterion: &mut Criterion) {
    let data = Data(order(1024).into());
    let mut group = criterion.benchmark_group("language/intrinsic");
    for (shape, call, expected) in [
        (
            "format",
            "States.Format('order {} of {}', $.id, $.customer.name)",
            json!("order 4711 of Ada"),
        ),
        ("math_add", "States.MathAdd($.id, 1)", json!(4712)),
        (
            "nested",
            "States.ArrayLength(States.StringSplit(States.Format('{},{}', $.id, 'b'), ','))",
            json!(2),
        ),
    ] {
        let call = IntrinsicCall::parse(call).expect("it is a call");
        let mut chance = Chance::from_number(1);
        group.bench_function(shape, |bencher| {
            bencher.iter(|| {
                let value = intrinsics::evaluate(&call, &data, &mut chance);
                assert_eq!(value.expect("it gives a value"), expected);
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = definitions, paths, intrinsic_calls
}
criterion_main!(benches);
