//! What AWS sent to `CloudWatch` Logs while it was recorded, beside what is logged here.

use std::time::Duration;

use serde_json::{Value, json};
use stepwell::Engine;
use stepwell::clock::{Clock, SystemClock};
use stepwell::configuration::{Configuration, Logs};
use stepwell::integrations::mock::MockConfiguration;
use stepwell::operations::StartExecution;
use stepwell_tests::api::Api;
use stepwell_tests::clock::SkippingClock;
use stepwell_tests::conformance;
use stepwell_tests::conformance::case::{self, Case, Machine, Run};
use stepwell_tests::conformance::judge::{self, Verdict};

use super::PATIENCE;

/// Recorded logs that match exactly.
const FLOOR: usize = 14;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_logs_are_written_alike() {
    let Some(folder) = conformance::locate() else {
        conformance::announce_absence("conformance of logs");
        return;
    };
    let modules = conformance::load(&folder).expect("the recorded cases can be read");
    let mut exact = 0;
    for case in modules.iter().flat_map(|module| &module.cases) {
        for machine in case::machines_of(case) {
            for run in machine.runs.iter().map(|&index| &case.runs[index]) {
                let Some(logging) = &run.logging else {
                    continue;
                };
                let logged = tokio::time::timeout(PATIENCE, replay(case, &machine, run, logging));
                let verdict = logged
                    .await
                    .unwrap_or_else(|_| Verdict::failed(format!("no end in {PATIENCE:?}")));
                match verdict.first_difference {
                    None => exact += 1,
                    Some(difference) => println!("{}: {difference}", case.id),
                }
            }
        }
    }
    println!("{exact} recorded logs match");
    assert!(exact >= FLOOR, "{exact} recorded logs match, not {FLOOR}");
}

/// Runs one run of a case, and compares what is in its log afterwards.
async fn replay(case: &Case, machine: &Machine, run: &Run, logging: &Value) -> Verdict {
    let folder = tempfile::tempdir().expect("there is a disk");
    let mocks = MockConfiguration::parse(&case::mock_configuration(case).to_string());
    let engine = Engine::builder()
        .configuration(Configuration {
            logs: Some(Logs {
                directory: Some(folder.path().to_owned()),
                stdout: false,
            }),
            ..Configuration::default()
        })
        .mocks(mocks.expect("no mocks are mocks"))
        .clock(std::sync::Arc::new(SkippingClock::starting_at(
            SystemClock.now(),
        )))
        .build()
        .await
        .expect("an engine in memory can be built");
    let params = json!({
        "name": machine.name,
        "definition": machine.definition,
        "roleArn": "arn:aws:iam::111111111111:role/sfn_role",
        "type": machine.machine_type,
        "loggingConfiguration": logging,
    });
    let created = Api::new(engine.clone())
        .call("CreateStateMachine", &params)
        .await;
    let arn = match created {
        Ok(created) => created["stateMachineArn"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        Err(error) => return Verdict::failed(error.message),
    };
    let start = StartExecution::new(&arn, &run.input);
    let started = engine.start_execution(start).await.expect("it starts");
    let _ = started.outcome().await;
    let expected = case.logged();
    // The last line says that all of them are there.
    loop {
        let lines = lines(folder.path());
        if lines.len() >= expected.len() {
            return judge::judge_log(case, run, &lines);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What stands in the one file of a folder, if it has one.
fn lines(folder: &std::path::Path) -> Vec<Value> {
    let files = std::fs::read_dir(folder).expect("the folder is there");
    let texts = files.map(|file| {
        let path = file.expect("the folder can be read").path();
        std::fs::read_to_string(path).expect("the file can be read")
    });
    let text: String = texts.collect();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}
