//! Activities, done by workers over HTTP on the same machine.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::operations::{CreateActivity, StartExecution};
use stepwell_benches::{UNLIMITED, order};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::{Scale, row};

/// Tasks of an execution, one after the other.
const STEPS: usize = 10;

/// Executions that are under way for each worker, so that none is without work.
const AHEAD: usize = 2;

/// Tasks of an execution whose answers are timed.
const TIMED: usize = 100;

/// A server with an activity, and a machine whose tasks are all for it.
struct Shop {
    runtime: Runtime,
    engine: Engine,
    activity: String,
    machine: String,
    url: String,
    server: JoinHandle<std::io::Result<()>>,
}

/// A worker with a connection of its own.
#[derive(Clone)]
struct Client {
    client: reqwest::Client,
    url: String,
    poll: String,
}

/// Ten tasks in a row.
pub(crate) fn steps(folder: &Path, scale: Scale) {
    let shop = Shop::open(&folder.join("workers.db"), STEPS);
    let done = Arc::new(AtomicU64::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let work = |_| {
        let (done, client) = (Arc::clone(&done), shop.client());
        shop.runtime.spawn(async move {
            // Without a task the server has sent everybody away.
            while let Some(token) = client.poll().await {
                client.succeed(&token).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let workers: Vec<_> = (0..scale.workers).map(work).collect();
    let start = |_| {
        let (engine, machine) = (shop.engine.clone(), shop.machine.clone());
        let is_over = Arc::clone(&is_over);
        shop.runtime.spawn(async move {
            let input = order(256).to_string();
            while !is_over.load(Ordering::Relaxed) {
                let request = StartExecution::new(&machine, &input);
                let execution = engine.start_execution(request).await.expect("it starts");
                execution.outcome().await.expect("it ends");
            }
        })
    };
    let starters: Vec<_> = (0..scale.workers * AHEAD).map(start).collect();
    std::thread::sleep(scale.time);
    let per_second = done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    is_over.store(true, Ordering::Relaxed);
    for starter in starters {
        starter.abort();
    }
    shop.engine.end_polling();
    for worker in workers {
        shop.runtime.block_on(worker).expect("nobody panics");
    }
    shop.close();
    let what = format!(
        "ten tasks in a row, workers over HTTP, workers: {}",
        scale.workers
    );
    row(&what, format!("{per_second:.0} steps/s"), "3,000 steps/s");
}

/// How long it takes from an answer to the next task: one worker sends the answer while another
/// one polls.
pub(crate) fn latency(folder: &Path, scale: Scale) {
    let shop = Shop::open(&folder.join("latency.db"), TIMED);
    let (sending, polling) = (shop.client(), shop.client());
    let mut took = Vec::new();
    let begun = Instant::now();
    while took.is_empty() || begun.elapsed() < scale.time {
        shop.runtime.block_on(async {
            let request = StartExecution::new(&shop.machine, &order(256).to_string());
            let started = shop.engine.start_execution(request).await;
            started.expect("it starts");
            let mut token = sending.poll().await.expect("there is a task");
            for _ in 1..TIMED {
                let polling = polling.clone();
                let waiting = tokio::spawn(async move { (polling.poll().await, Instant::now()) });
                let asked = Instant::now();
                sending.succeed(&token).await;
                let (next, came) = waiting.await.expect("nobody panics");
                took.push(came.saturating_duration_since(asked));
                token = next.expect("there is a task");
            }
            sending.succeed(&token).await;
        });
    }
    shop.close();
    took.sort_unstable();
    let figure = format!(
        "p50 {:.1?}, p99 {:.1?}",
        took[took.len() / 2],
        took[took.len() * 99 / 100]
    );
    let what = "from SendTaskSuccess to the next GetActivityTask's answer, HTTP";
    row(what, figure, "");
}

impl Shop {
    fn open(file: &Path, steps: usize) -> Self {
        let runtime = Runtime::new().expect("there are threads");
        let (engine, activity, machine, listener) = runtime.block_on(async {
            let engine = Engine::builder()
                .database(file)
                .limits(UNLIMITED)
                .build()
                .await
                .expect("the engine starts");
            let activity = engine.create_activity(CreateActivity::new("work")).await;
            let activity = activity.expect("it is new").activity_arn;
            let definition = chain(&activity, steps).to_string();
            let machine = engine.create_state_machine("load", &definition).await;
            let machine = machine.expect("the definition is valid").arn;
            let listener = TcpListener::bind("127.0.0.1:0").await;
            (engine, activity, machine, listener.expect("a port is free"))
        });
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let serving = stepwell_server::serve(engine.clone(), listener, std::future::pending());
        let server = runtime.spawn(serving);
        Self {
            runtime,
            engine,
            activity,
            machine,
            url,
            server,
        }
    }

    fn client(&self) -> Client {
        Client {
            client: reqwest::Client::new(),
            url: self.url.clone(),
            poll: json!({"activityArn": self.activity, "workerName": "bench"}).to_string(),
        }
    }

    fn close(self) {
        self.server.abort();
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

impl Client {
    /// The token of the next task.
    async fn poll(&self) -> Option<String> {
        let answer = self.call("GetActivityTask", self.poll.clone()).await;
        answer["taskToken"].as_str().map(str::to_owned)
    }

    async fn succeed(&self, token: &str) {
        let body = json!({"taskToken": token, "output": "{\"done\":true}"});
        self.call("SendTaskSuccess", body.to_string()).await;
    }

    async fn call(&self, operation: &str, body: String) -> Value {
        let request = self
            .client
            .post(&self.url)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AWSStepFunctions.{operation}"))
            .body(body);
        let response = request.send().await.expect("the server answers");
        assert_eq!(response.status(), 200);
        let body = response.bytes().await.expect("the answer is whole");
        serde_json::from_slice(&body).expect("an answer is JSON")
    }
}

/// A definition of so many tasks in a row.
fn chain(activity: &str, steps: usize) -> Value {
    let mut states = json!({});
    for step in 0..steps {
        let mut state = json!({"Type": "Task", "Resource": activity, "ResultPath": "$.result"});
        if step + 1 == steps {
            state["End"] = json!(true);
        } else {
            state["Next"] = json!(format!("S{}", step + 1));
        }
        states[format!("S{step}")] = state;
    }
    json!({"StartAt": "S0", "States": states})
}
