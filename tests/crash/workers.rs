//! Workers of an activity, whose server is killed while they work, and who die themselves.
//!
//! Each result that a server acknowledged is in its execution's end, and each step has one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_sfn::error::SdkError;
use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};
use stepwell_tests::client::{self, Client};
use stepwell_tests::server::ROLE;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::polled;
use crate::process::{Folder, Process};

const ACTIVITY: &str = "arn:aws:states:us-east-1:123456789012:activity:work";
const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:work";

/// Executions between two kills.
const EXECUTIONS: usize = 12;

/// Tasks of an execution.
const STEPS: usize = 3;

/// Workers at a time.
const WORKERS: usize = 100;

/// A result is a mark that nobody else makes.
#[derive(Default)]
struct Marks {
    next: AtomicUsize,
    /// The marks that a server acknowledged, by execution and step.
    acknowledged: Mutex<BTreeMap<(String, usize), usize>>,
    /// Answers that came too late.
    late: AtomicUsize,
}

pub(crate) async fn lose_nothing_in_kills(kills: usize) {
    let folder = Folder::new("");
    let (mut process, mut client) = Process::start(&folder).listening().await;
    let created = client.create_activity().name("work").send().await;
    created.expect("the activity can be created");
    let create = client.create_state_machine().name("work").role_arn(ROLE);
    let created = create.definition(definition()).send().await;
    created.expect("the machine can be created");

    let (server, servers) = watch::channel(Some(client.clone()));
    let marks = Arc::new(Marks::default());
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        workers.spawn(work(worker, servers.clone(), Arc::clone(&marks)));
    }
    let mut names = Vec::new();
    for kill in 0..=kills {
        for number in 0..EXECUTIONS {
            let name = format!("{kill:03}-{number:03}");
            let input = json!({"execution": name, "marks": []}).to_string();
            let start = client.start_execution().state_machine_arn(MACHINE);
            let started = start.name(&name).input(input).send().await;
            started.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            names.push(name);
        }
        if kill < kills {
            polled(37 * kill % 400).await;
            server.send_replace(None);
            process.kill().await;
            (process, client) = Process::start(&folder).listening().await;
            server.send_replace(Some(client.clone()));
        }
    }
    for name in &names {
        check(&client, name, &marks).await;
    }
    workers.shutdown().await;
    process.kill().await;
    folder.check_log();
    println!(
        "{kills} kills, {} tasks of {WORKERS} workers, {} answers too late: no result lost, none counted twice",
        names.len() * STEPS,
        marks.late.load(Ordering::Relaxed),
    );
}

/// A chain of tasks, each of which adds a mark, and is tried again when its worker is not heard of.
fn definition() -> String {
    let mut states = json!({});
    for step in 0..STEPS {
        let mut state = json!({
            "Type": "Task",
            "Resource": ACTIVITY,
            "HeartbeatSeconds": 1,
            "Retry": [{"ErrorEquals": ["States.HeartbeatTimeout"], "IntervalSeconds": 1,
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

/// Works for whichever server there is.
async fn work(worker: usize, mut servers: watch::Receiver<Option<Client>>, marks: Arc<Marks>) {
    loop {
        let server = servers.wait_for(Option::is_some).await;
        let Some(client) = server.ok().and_then(|server| server.clone()) else {
            return;
        };
        let get = client.get_activity_task().activity_arn(ACTIVITY);
        let get = get.worker_name(format!("worker-{worker}")).send();
        let polled = tokio::select! {
            polled = get => polled,
            _ = servers.wait_for(Option::is_none) => continue,
        };
        let Ok(task) = polled else {
            // The server is gone, and nobody has said so yet.
            tokio::task::yield_now().await;
            continue;
        };
        let (Some(token), Some(input)) = (task.task_token, task.input) else {
            continue;
        };
        let mark = marks.next.fetch_add(1, Ordering::Relaxed);
        if mark.is_multiple_of(23) {
            // It dies with the task in its hands.
            continue;
        }
        let mut output: Value = serde_json::from_str(&input).expect("an input is JSON");
        let name = output["execution"].as_str().unwrap_or_default().to_owned();
        let made = output["marks"].as_array_mut().expect("they are a list");
        let step = made.len();
        made.push(json!(mark));
        let send = client.send_task_success().task_token(token);
        match send.output(output.to_string()).send().await {
            Ok(_) => {
                let mut acknowledged = marks.acknowledged.lock().expect("nobody panics");
                let other = acknowledged.insert((name.clone(), step), mark);
                assert_eq!(other, None, "{name}: step {step} has two results");
            }
            Err(SdkError::ServiceError(refusal)) => match refusal.err() {
                SendTaskSuccessError::TaskTimedOut(_) => {
                    marks.late.fetch_add(1, Ordering::Relaxed);
                }
                refused => panic!("{name}: {refused:?}"),
            },
            // The server is gone; nobody knows whether it counted.
            Err(_) => {}
        }
    }
}

/// Asserts that an execution ended with one mark for each step: the one that was acknowledged.
async fn check(client: &Client, name: &str, marks: &Marks) {
    let arn = format!("arn:aws:states:us-east-1:123456789012:execution:work:{name}");
    let found = client::ended(client, &arn).await;
    assert_eq!(found.status(), &ExecutionStatus::Succeeded, "{found:?}");
    let output: Value = serde_json::from_str(found.output().unwrap_or_default()).expect("is JSON");
    let made = output["marks"].as_array().expect("they are a list");
    assert_eq!(made.len(), STEPS, "{name}: {output}");
    let acknowledged = marks.acknowledged.lock().expect("nobody panics");
    for (mark, step) in made.iter().zip(0..) {
        if let Some(expected) = acknowledged.get(&(name.to_owned(), step)) {
            assert_eq!(mark, &json!(expected), "{name}: the result of step {step}");
        }
    }
}
