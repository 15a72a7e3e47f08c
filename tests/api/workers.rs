//! Many workers of an activity, who die at random: every task is done, and each result counts once.
//!
//! `STEPWELL_WORKER_TASKS` says how many tasks there are; without it a run is small enough for a
//! build without optimisations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::operations::{
    ActivityTask, CreateActivity, GetActivityTask, SendTaskFailure, SendTaskSuccess,
};
use stepwell_tests::clock::ManualClock;
use tokio::sync::watch;

const ACTIVITY: &str = "arn:aws:states:us-east-1:123456789012:activity:work";

/// Workers at a time.
const WORKERS: usize = 100;

/// Tasks of an execution, one after the other.
const STEPS: usize = 5;

/// A chain of tasks, each of which is tried again when its worker is not heard of.
fn definition() -> String {
    let mut states = json!({});
    for step in 0..STEPS {
        let mut state = json!({
            "Type": "Task",
            "Resource": ACTIVITY,
            "HeartbeatSeconds": 30,
            "Parameters": {"execution.$": "$.execution", "sum.$": "$.sum", "step": step},
            "Retry": [{"ErrorEquals": ["States.HeartbeatTimeout", "Again"], "IntervalSeconds": 1,
                "BackoffRate": 1.0, "MaxAttempts": 1000}],
        });
        if step + 1 == STEPS {
            state["End"] = json!(true);
        } else {
            state["Next"] = json!(format!("S{}", step + 1));
        }
        states[format!("S{step}")] = state;
    }
    json!({"StartAt": "S0", "States": states}).to_string()
}

/// What the workers of a run have in common.
struct Workshop {
    engine: Engine,
    choices: AtomicI64,
    /// How often a result of a step was accepted, by execution and step.
    accepted: std::sync::Mutex<BTreeMap<(u64, u64), usize>>,
    deaths: AtomicUsize,
}

impl Workshop {
    /// One of `bound` choices; a seed is not enough where threads take turns, so it only spreads.
    fn choose(&self, bound: u64) -> u64 {
        let seed = self.choices.fetch_add(1, Ordering::Relaxed).unsigned_abs();
        let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % bound
    }

    async fn poll(&self, worker: usize) -> Option<ActivityTask> {
        let request = GetActivityTask {
            activity_arn: ACTIVITY.to_owned(),
            worker_name: Some(format!("worker-{worker}")),
        };
        self.engine.get_activity_task(request).await.unwrap()
    }

    /// Works until there is nothing to do any more. Whoever dies is followed by another.
    async fn work(&self, worker: usize, mut finished: watch::Receiver<bool>) {
        loop {
            let patience = self.choose(20);
            let polled = async {
                if patience == 0 {
                    // It hangs up, with or without a task on its way.
                    for _ in 0..self.choose(8) {
                        tokio::task::yield_now().await;
                    }
                    self.deaths.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                std::future::pending::<()>().await;
            };
            let task = tokio::select! {
                biased;
                _ = finished.wait_for(|finished| *finished) => return,
                task = self.poll(worker) => task,
                () = polled => None,
            };
            if let Some(task) = task {
                self.answer(&task).await;
            }
        }
    }

    async fn answer(&self, task: &ActivityTask) {
        let task_token = task.task_token.clone();
        match self.choose(25) {
            // It dies with the task in its hands.
            0 => drop(self.deaths.fetch_add(1, Ordering::Relaxed)),
            1 => {
                let failure = SendTaskFailure {
                    task_token,
                    error: Some("Again".to_owned()),
                    cause: None,
                };
                self.engine.send_task_failure(failure).await.unwrap();
            }
            choice => {
                let input = task.input.value();
                let number = |member: &str| input[member].as_u64().unwrap();
                let (execution, step) = (number("execution"), number("step"));
                let sum = number("sum") + step + 1;
                let success = || SendTaskSuccess {
                    task_token: task_token.clone(),
                    output: json!({"execution": execution, "sum": sum}).to_string(),
                };
                if self.engine.send_task_success(success()).await.is_ok() {
                    let mut accepted = self.accepted.lock().unwrap();
                    *accepted.entry((execution, step)).or_default() += 1;
                }
                if choice == 2 {
                    let again = self.engine.send_task_success(success()).await;
                    assert_eq!(again.unwrap_err().code(), "TaskTimedOut");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_workers_who_die_at_random_do_every_task_once() {
    let tasks = std::env::var("STEPWELL_WORKER_TASKS").ok();
    let tasks: usize = tasks.map_or(1_000, |tasks| tasks.parse().unwrap());
    let executions = tasks / STEPS;
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let engine = Engine::builder()
        .database(folder.path().join("test.db"))
        .clock(clock.clone())
        .build()
        .await
        .unwrap();
    engine
        .create_activity(CreateActivity::new("work"))
        .await
        .unwrap();
    let machine = engine.create_state_machine("m", &definition()).await;
    let machine = machine.unwrap();
    let workshop = Arc::new(Workshop {
        engine: engine.clone(),
        choices: AtomicI64::new(1),
        accepted: std::sync::Mutex::default(),
        deaths: AtomicUsize::new(0),
    });
    let (finish, finished) = watch::channel(false);
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (workshop, finished) = (Arc::clone(&workshop), finished.clone());
            tokio::spawn(async move { workshop.work(worker, finished).await })
        })
        .collect();
    // Nobody waits for heartbeats that do not come: time runs a hundred times as fast.
    let running = {
        let clock = Arc::clone(&clock);
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            loop {
                tick.tick().await;
                clock.advance(Duration::from_secs(1));
            }
        })
    };
    let mut started = Vec::new();
    for number in 0..executions {
        let input = json!({"execution": number, "sum": 0});
        started.push(engine.start(&machine, input).await.unwrap());
    }
    for (execution, number) in started.iter().zip(0..) {
        let outcome = tokio::time::timeout(Duration::from_secs(120), execution.outcome()).await;
        let outcome = outcome.expect("every task is done").unwrap();
        let sum = STEPS * (STEPS + 1) / 2;
        let expected: Value = json!({"execution": number, "sum": sum});
        assert_eq!(outcome.output, Some(expected), "{outcome:?}");
    }
    finish.send_replace(true);
    running.abort();
    for worker in workers {
        worker.await.unwrap();
    }
    let accepted = workshop.accepted.lock().unwrap();
    assert_eq!(
        accepted.len(),
        executions * STEPS,
        "each result was accepted"
    );
    let twice: Vec<_> = accepted.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let deaths = workshop.deaths.load(Ordering::Relaxed);
    assert!(deaths > executions * STEPS / 50, "{deaths} deaths");
    drop(accepted);
}
