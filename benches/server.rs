//! The server: durable starts over HTTP. Server and clients share the process and its processors.
//!
//! Throughput is in executions.

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use stepwell::Engine;
use stepwell::store::Store;
use stepwell::store::sqlite::SqliteStore;
use stepwell_benches::{Successes, order, report_commits, ten_states};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Each of the clients sends this many requests, one after the other, over one connection.
const EACH: usize = 8;

async fn send(clients: &[reqwest::Client], url: &str, body: &str) {
    let clients: Vec<_> = clients
        .iter()
        .map(|client| {
            let (client, url, body) = (client.clone(), url.to_owned(), body.to_owned());
            tokio::spawn(async move {
                for _ in 0..EACH {
                    let request = client
                        .post(&url)
                        .header("content-type", "application/x-amz-json-1.0")
                        .header("x-amz-target", "AWSStepFunctions.StartExecution")
                        .body(body.clone());
                    let response = request.send().await.expect("the server answers");
                    assert_eq!(response.status(), 200);
                    response.bytes().await.expect("the answer is whole");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("no client panics");
    }
}

fn http(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("there are threads");
    let folder = tempfile::tempdir().expect("there is a disk");
    let store = SqliteStore::open(&folder.path().join("bench.db")).expect("it opens");
    let store: Arc<dyn Store> = Arc::new(store);
    let successes = Successes::default();
    let observer = successes.observer();
    let (url, body) = runtime.block_on(async {
        let engine = Engine::builder()
            .store(Arc::clone(&store))
            .observer(move |execution, events| observer(execution, events))
            .build()
            .await
            .expect("the engine starts");
        let definition = ten_states().to_string();
        let machine = engine.create_state_machine("ten-states", &definition).await;
        let machine = machine.expect("the definition is valid");
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let input = order(256).to_string();
        let body = json!({"stateMachineArn": machine.arn, "input": input}).to_string();
        tokio::spawn(stepwell_server::serve(
            engine,
            listener,
            std::future::pending(),
        ));
        (url, body)
    });

    let mut group = criterion.benchmark_group("server/start");
    for count in [1_usize, 64] {
        let clients: Vec<_> = (0..count).map(|_| reqwest::Client::new()).collect();
        let executions = (count * EACH) as u64;
        let before = (store.counters().batches, successes.count());
        group.throughput(Throughput::Elements(executions));
        group.bench_function(format!("clients_{count}"), |bencher| {
            bencher.iter(|| {
                let before = successes.count();
                runtime.block_on(send(&clients, &url, &body));
                assert_eq!(successes.count() - before, executions);
            });
        });
        let batches = store.counters().batches - before.0;
        let ended = successes.count() - before.1;
        report_commits(&format!("server/start/clients_{count}"), ended, batches);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = http
}
criterion_main!(benches);
