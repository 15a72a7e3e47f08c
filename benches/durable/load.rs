//! Load on an engine with a file of its own, for a while.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stepwell::operations::{CreateStateMachine, StartExecution};
use stepwell::store::sqlite::SqliteStore;
use stepwell::store::{StateMachineKind, Store};
use stepwell::{Engine, TaskError};
use stepwell_benches::{FUNCTION, UNLIMITED, order};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A state machine with the engine that runs it.
pub(crate) struct Load {
    pub(crate) runtime: Runtime,
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn Store>,
    /// Its ARN.
    pub(crate) machine: String,
    /// What clients of the server ask for.
    target: &'static str,
}

/// How it went.
pub(crate) struct Figure {
    per_second: f64,
    commits_each: f64,
    p50: Duration,
    p99: Duration,
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:.0}/s, {:.3} commits each, p50 {:.1?}, p99 {:.1?}",
            self.per_second, self.commits_each, self.p50, self.p99
        )
    }
}

impl Load {
    pub(crate) fn open(file: &Path, definition: &Value) -> Self {
        Self::of_kind(file, definition, StateMachineKind::Standard)
    }

    /// An Express machine, whose executions the clients of the server wait for.
    pub(crate) fn express(file: &Path, definition: &Value) -> Self {
        Self::of_kind(file, definition, StateMachineKind::Express)
    }

    fn of_kind(file: &Path, definition: &Value, kind: StateMachineKind) -> Self {
        let runtime = Runtime::new().expect("there are threads");
        let store = SqliteStore::open(file).expect("the file can be opened");
        let store: Arc<dyn Store> = Arc::new(store);
        let (engine, machine) = runtime.block_on(async {
            let done = |_: Value| async { Ok::<_, TaskError>(json!({"done": true})) };
            let engine = Engine::builder()
                .store(Arc::clone(&store))
                .task(FUNCTION, done)
                .limits(UNLIMITED)
                .build()
                .await
                .expect("the engine starts");
            let create = CreateStateMachine {
                kind,
                ..CreateStateMachine::new("load", &definition.to_string())
            };
            let machine = engine.create_state_machine_with(create).await;
            let machine = machine.expect("the definition is valid");
            (engine, machine.state_machine_arn)
        });
        Self {
            runtime,
            engine,
            store,
            machine,
            target: match kind {
                StateMachineKind::Standard => "AWSStepFunctions.StartExecution",
                StateMachineKind::Express => "AWSStepFunctions.StartSyncExecution",
            },
        }
    }

    /// Callers of the library that each start one execution after the other, and wait for its end
    /// where it does not end with its start.
    pub(crate) fn library(&self, callers: usize, time: Duration, waits: bool) -> Figure {
        let input = order(256).to_string();
        self.measure(callers, time, |_| {
            let (engine, machine) = (self.engine.clone(), self.machine.clone());
            let input = input.clone();
            move || {
                let request = StartExecution::new(&machine, &input);
                let engine = engine.clone();
                async move {
                    let execution = engine.start_execution(request).await.expect("it starts");
                    if waits {
                        execution.outcome().await.expect("it ends");
                    }
                }
            }
        })
    }

    /// Clients of the server, each with a connection.
    pub(crate) fn http(&self, clients: usize, time: Duration) -> Figure {
        let listening = TcpListener::bind("127.0.0.1:0");
        let listener = self.runtime.block_on(listening).expect("a port is free");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let engine = self.engine.clone();
        let never = std::future::pending();
        let server = self
            .runtime
            .spawn(stepwell_server::serve(engine, listener, never));
        let input = order(256).to_string();
        let body = json!({"stateMachineArn": self.machine, "input": input}).to_string();
        let figure = self.measure(clients, time, |_| {
            let (client, url, body) = (reqwest::Client::new(), url.clone(), body.clone());
            let target = self.target;
            move || {
                let request = client
                    .post(&url)
                    .header("content-type", "application/x-amz-json-1.0")
                    .header("x-amz-target", target)
                    .body(body.clone());
                async move {
                    let response = request.send().await.expect("the server answers");
                    assert_eq!(response.status(), 200);
                    response.bytes().await.expect("the answer is whole");
                }
            }
        });
        server.abort();
        figure
    }

    /// One execution, from its start to its end: how long it took, and what it gave out.
    pub(crate) fn once(&self, input: &Value) -> (Duration, Value) {
        let request = StartExecution::new(&self.machine, &input.to_string());
        self.runtime.block_on(async {
            let begun = Instant::now();
            let execution = self
                .engine
                .start_execution(request)
                .await
                .expect("it starts");
            let outcome = execution.outcome().await.expect("it ends");
            (begun.elapsed(), outcome.output.expect("it succeeds"))
        })
    }

    /// Lets everybody do one thing after the other until the time is over.
    fn measure<M, F, W>(&self, count: usize, time: Duration, make: M) -> Figure
    where
        M: Fn(usize) -> F,
        F: Fn() -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let acts: Vec<F> = (0..count).map(make).collect();
        let before = self.store.counters().batches;
        let begun = Instant::now();
        let everybody: Vec<_> = acts
            .into_iter()
            .map(|act| {
                self.runtime.spawn(async move {
                    let mut took = Vec::new();
                    while begun.elapsed() < time {
                        let asked = Instant::now();
                        act().await;
                        took.push(asked.elapsed());
                    }
                    took
                })
            })
            .collect();
        let mut took = Vec::new();
        for one in everybody {
            took.extend(self.runtime.block_on(one).expect("nobody panics"));
        }
        let seconds = begun.elapsed().as_secs_f64();
        took.sort_unstable();
        let done = took.len() as f64;
        Figure {
            per_second: done / seconds,
            commits_each: (self.store.counters().batches - before) as f64 / done,
            p50: took[took.len() / 2],
            p99: took[took.len() * 99 / 100],
        }
    }
}
