//! The worker of a recorded case's activities, who does what the recording's worker did.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stepwell_tests::api::Api;
use stepwell_tests::clock::ManualClock;
use stepwell_tests::conformance::case::{Case, Machine};
use tokio::task::AbortHandle;

/// The activities of a case, with somebody who works for them until this is dropped.
#[derive(Default)]
pub(crate) struct Worker {
    /// ARNs of the recording, and those that stand for them here.
    arns: Vec<(String, String)>,
    working: Vec<AbortHandle>,
}

impl Worker {
    /// Creates the activities that a case names.
    pub(crate) async fn start(
        case: &Case,
        machine: &Machine,
        api: &Api,
        clock: Arc<ManualClock>,
    ) -> Result<Self, String> {
        let mut worker = Self::default();
        let run = &case.runs[machine.runs[0]];
        for (recorded, name) in &case.activities {
            let created = api.call("CreateActivity", &json!({"name": name})).await;
            let created = created
                .map_err(|error| format!("CreateActivity: {}: {}", error.code, error.message))?;
            let arn = created["activityArn"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            worker.arns.push((recorded.clone(), arn.clone()));
            let mut poll = json!({"activityArn": arn});
            if let Some(name) = run.worker_name() {
                poll["workerName"] = json!(name);
            }
            let answers = answers(run.mocks.as_ref().map(|mocks| json!(mocks)));
            let working = work(api.clone(), poll, answers, Arc::clone(&clock));
            worker.working.push(tokio::spawn(working).abort_handle());
        }
        Ok(worker)
    }

    /// A definition that names the activities that there are here.
    pub(crate) fn rename(&self, definition: &str) -> String {
        let mut definition = definition.to_owned();
        for (recorded, own) in &self.arns {
            definition = definition.replace(recorded, own);
        }
        definition
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        for working in &self.working {
            working.abort();
        }
    }
}

/// What the worker answers, in order: the outcomes of all states, each as often as it says.
fn answers(mocks: Option<Value>) -> VecDeque<Value> {
    let mut answers = VecDeque::new();
    let states = mocks.as_ref().and_then(Value::as_object);
    for outcomes in states.into_iter().flat_map(|states| states.values()) {
        for (attempts, outcome) in outcomes.as_object().into_iter().flatten() {
            let (first, last) = attempts.split_once('-').unwrap_or((attempts, attempts));
            let number = |text: &str| text.parse::<usize>().unwrap_or_default();
            let times = number(last).saturating_sub(number(first)) + 1;
            answers.extend(std::iter::repeat_n(outcome.clone(), times));
        }
    }
    answers
}

async fn work(api: Api, poll: Value, mut answers: VecDeque<Value>, clock: Arc<ManualClock>) {
    loop {
        let Ok(task) = api.call("GetActivityTask", &poll).await else {
            return;
        };
        let Some(token) = task.get("taskToken") else {
            continue;
        };
        let answer = answers.pop_front().unwrap_or_default();
        if let Some(output) = answer.get("Return") {
            let send = json!({"taskToken": token, "output": output.to_string()});
            let _ = api.call("SendTaskSuccess", &send).await;
        } else if let Some(thrown) = answer.get("Throw") {
            if thrown["Error"] == "States.Timeout" {
                // It was not heard of any more.
                clock.advance(Duration::from_hours(1));
                continue;
            }
            let send = json!({
                "taskToken": token, "error": thrown["Error"], "cause": thrown["Cause"],
            });
            let _ = api.call("SendTaskFailure", &send).await;
        }
    }
}
