//! Every execution that was recorded from AWS, run again and compared event for event; and every
//! sequence of calls, in [`api`], and every test of a single state, in [`test_state`].
//!
//! The cases are not part of the project: they are read from where `STEPWELL_CONFORMANCE` says, or
//! from beside the project. The number of exact matches is a floor that only rises.

mod api;
mod worker;
mod logs;
mod test_state;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::clock::{Clock, SystemClock};
use stepwell::integrations::mock::MockConfiguration;
use stepwell_tests::api::Api;
use stepwell_tests::clock::{ManualClock, SkippingClock};
use stepwell_tests::conformance;
use stepwell_tests::conformance::case::{self, Case, Kind, Machine};
use stepwell_tests::conformance::judge::{self, Verdict};
use stepwell_tests::conformance::report::Report;
use worker::Worker;

/// Recorded executions in JSONPath that match exactly, of those that can be run by now.
const FLOOR: usize = 324;

/// How long a case may take before it counts as hung, in real time.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_executions_are_reproduced() {
    let Some(folder) = conformance::locate() else {
        conformance::announce_absence("conformance");
        return;
    };
    let modules = conformance::load(&folder).expect("the recorded cases can be read");
    let mut report = Report::new();
    for module in &modules {
        for case in module
            .cases
            .iter()
            .filter(|case| case.kind == Kind::Execution)
        {
            if let Some(reason) = out_of_reach(case) {
                report.leave_out(&module.name, case, reason);
                continue;
            }
            let run = tokio::time::timeout(PATIENCE, replay(case)).await;
            let verdict =
                run.unwrap_or_else(|_| Some(Verdict::failed(format!("no end in {PATIENCE:?}"))));
            match verdict {
                Some(verdict) => report.add(&module.name, case, verdict),
                None => report.leave_out(&module.name, case, "nothing to compare"),
            }
        }
    }
    println!("{report}");
    let exact = report.totals().passed;
    assert!(
        exact >= FLOOR,
        "{exact} recorded executions match, fewer than the {FLOOR} that did before"
    );
}

/// Why a case cannot be run yet; `None` for the others.
fn out_of_reach(case: &Case) -> Option<&'static str> {
    let machines = case::machines_of(case);
    let mentions = |word: &str| {
        machines
            .iter()
            .any(|machine| machine.definition.contains(word))
    };
    if case.superseded.is_some() {
        Some("superseded")
    } else if mentions("ItemReader") {
        Some("item readers")
    } else if case
        .requires
        .iter()
        .any(|needed| needed == "distributed-map-child-tasks")
    {
        Some("results of children that were not recorded")
    } else if case
        .mock_limits
        .iter()
        .any(|limit| limit == "no_history_for_mocks")
    {
        Some("no mocks")
    } else {
        None
    }
}

/// Runs every run of a case; `None` when there is nothing to compare.
async fn replay(case: &Case) -> Option<Verdict> {
    let mut verdicts = Vec::new();
    for machine in case::machines_of(case) {
        match Replay::create(case, &machine).await {
            Ok(replay) => {
                for &index in &machine.runs {
                    if case.runs[index].is_compared() {
                        verdicts.push((index, replay.run(index).await));
                    }
                }
            }
            Err(reason) => verdicts.push((machine.runs[0], Verdict::failed(reason))),
        }
    }
    judge::combine(verdicts)
}

/// A state machine of a case, ready to be started.
struct Replay<'a> {
    case: &'a Case,
    engine: Engine,
    api: Api,
    arn: String,
    _worker: Worker,
}

impl<'a> Replay<'a> {
    async fn create(case: &'a Case, machine: &Machine) -> Result<Self, String> {
        let mocks = MockConfiguration::parse(&case::mock_configuration(case).to_string())
            .map_err(|error| format!("mock configuration: {error}"))?;
        // A run that was recorded unfinished has to be looked at before its time has come.
        let is_unfinished = case.runs.iter().any(judge::is_unfinished);
        let of_worker = Arc::new(ManualClock::default());
        let clock: Arc<dyn Clock> = match (is_unfinished, case.activities.is_empty()) {
            (true, _) => Arc::new(SystemClock),
            (false, true) => Arc::new(SkippingClock::starting_at(SystemClock.now())),
            // Time must not run away while a worker waits.
            (false, false) => Arc::clone(&of_worker) as Arc<dyn Clock>,
        };
        let engine = Engine::builder()
            .mocks(mocks)
            .clock(clock)
            .build()
            .await
            .expect("an engine in memory can be built");
        let api = Api::new(engine.clone());
        let worker = Worker::start(case, machine, &api, of_worker).await?;
        let params = json!({
            "name": machine.name,
            "definition": worker.rename(&machine.definition),
            "roleArn": "arn:aws:iam::111111111111:role/sfn_role",
            "type": machine.machine_type,
        });
        let created = api
            .call("CreateStateMachine", &params)
            .await
            .map_err(|error| format!("CreateStateMachine: {}: {}", error.code, error.message))?;
        let arn = created["stateMachineArn"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        Ok(Self {
            case,
            engine,
            api,
            arn,
            _worker: worker,
        })
    }

    async fn run(&self, index: usize) -> Verdict {
        let run = &self.case.runs[index];
        let mut target = self.arn.clone();
        if run.mocks(self.case).is_some() {
            target = format!("{target}#{}", case::TEST_CASE);
        }
        let mut params = json!({"stateMachineArn": target});
        if let Some(input) = run.filled_input(chrono::Utc::now()) {
            params["input"] = Value::String(input);
        }
        if run.sync {
            let ended = self.api.call("StartSyncExecution", &params).await;
            return match ended {
                Ok(ended) => judge::judge_run(self.case, run, None, None, Some(ended)),
                Err(error) => Verdict::failed(format!(
                    "StartSyncExecution: {}: {}",
                    error.code, error.message
                )),
            };
        }
        let started = match self.api.call("StartExecution", &params).await {
            Ok(started) => started,
            Err(error) => {
                return Verdict::failed(format!(
                    "StartExecution: {}: {}",
                    error.code, error.message
                ));
            }
        };
        let arn = started["executionArn"].as_str().unwrap_or_default();
        if judge::is_unfinished(run) {
            api::settle(&self.api, arn).await;
        } else {
            let execution = self
                .engine
                .execution(arn)
                .await
                .expect("it was just started");
            let _ = execution.outcome().await;
        }
        let describe = self
            .api
            .call("DescribeExecution", &json!({"executionArn": arn}))
            .await
            .ok();
        let history = self.history(arn, run).await;
        judge::judge_run(self.case, run, describe, history, None)
    }

    async fn history(&self, arn: &str, run: &case::Run) -> Option<Value> {
        let mut params = json!({"executionArn": arn, "maxResults": 1000});
        if run.include_execution_data == Some(false) {
            params["includeExecutionData"] = json!(false);
        }
        if run.reverse_order {
            params["reverseOrder"] = json!(true);
        }
        let mut events = Vec::new();
        loop {
            let page = self.api.call("GetExecutionHistory", &params).await.ok()?;
            events.extend(page["events"].as_array()?.iter().cloned());
            match page.get("nextToken") {
                Some(token) => params["nextToken"] = token.clone(),
                None => return Some(json!({"events": events})),
            }
        }
    }
}
