//! Every sequence of API calls that was recorded from AWS, made again and compared answer for answer.
//!
//! Modules whose operations are not built are left out by name.

use serde_json::Value;
use stepwell::Engine;
use stepwell::integrations::mock::MockConfiguration;
use stepwell_tests::api::Api;
use stepwell_tests::conformance;
use stepwell_tests::conformance::case::{Call, Case, Kind};
use stepwell_tests::conformance::judge::{self, Verdict};
use stepwell_tests::conformance::references::Calls;
use stepwell_tests::conformance::report::Report;

use super::PATIENCE;

/// Recorded sequences of calls that match exactly, of those that can be made by now.
const FLOOR: usize = 153;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_calls_are_answered_alike() {
    let Some(folder) = conformance::locate() else {
        conformance::announce_absence("conformance of calls");
        return;
    };
    let modules = conformance::load(&folder).expect("the recorded cases can be read");
    let mut report = Report::new();
    for module in &modules {
        for case in module.cases.iter().filter(|case| case.kind == Kind::Api) {
            if case.superseded.is_some() {
                report.leave_out(&module.name, case, "superseded");
                continue;
            }
            let replayed = tokio::time::timeout(PATIENCE, replay(case)).await;
            let verdict =
                replayed.unwrap_or_else(|_| Verdict::failed(format!("no end in {PATIENCE:?}")));
            report.add(&module.name, case, verdict);
        }
    }
    println!("{report}");
    let exact = report.totals().passed;
    assert!(
        exact >= FLOOR,
        "{exact} recorded sequences of calls match, fewer than the {FLOOR} that did before"
    );
}

/// Makes every call of a case on an engine of its own.
async fn replay(case: &Case) -> Verdict {
    // With mocks a definition may name what nothing here runs, as on AWS.
    let mocks = MockConfiguration::parse(r#"{"StateMachines": {}}"#).expect("no mocks are mocks");
    let engine = Engine::builder()
        .mocks(mocks)
        .build()
        .await
        .expect("an engine in memory can be built");
    let api = Api::new(engine.clone());
    let mut calls = Calls::new(&case.id);
    let mut verdict = Verdict::exact();
    let mut refusal = String::new();
    for (index, call) in case.calls.iter().enumerate() {
        let part = format!("call[{index}] {}: ", call.operation);
        let answered = answer(&engine, &api, case, call, &mut calls, &mut refusal).await;
        verdict = verdict.and(&part, answered);
    }
    verdict
}

async fn answer(
    engine: &Engine,
    api: &Api,
    case: &Case,
    call: &Call,
    calls: &mut Calls,
    refusal: &mut String,
) -> Verdict {
    let params = match calls.resolve(&call.params) {
        Ok(params) => params,
        Err(error) => {
            calls.record(&call.operation, None);
            return match call.expect {
                Some(_) => Verdict::failed(format!("{error}{refusal}")),
                None => Verdict::exact(),
            };
        }
    };
    if call.operation.starts_with('@') {
        wait(engine, api, &call.operation, &params).await;
        calls.record(&call.operation, None);
        return Verdict::exact();
    }
    let answer = api.call(&call.operation, &params).await;
    calls.record(&call.operation, answer.as_ref().ok());
    if let Err(error) = &answer {
        // A call that refers to what this one was to give tells why there is nothing.
        *refusal = format!(", after {}: {}", call.operation, error.message);
    }
    judge::judge_call(case, call, answer.as_ref(), calls.own_arns())
}

/// Waits as the recorder did. What a listing shows is there at once: reads see every write.
async fn wait(engine: &Engine, api: &Api, operation: &str, params: &Value) {
    let Some(arn) = params.get("execution_arn").and_then(Value::as_str) else {
        return;
    };
    let begun = ["@await_on_execution_events", "@await_execution_started"];
    if begun.contains(&operation) {
        settle(api, arn).await;
    } else if let Ok(execution) = engine.execution(arn).await {
        let _ = execution.outcome().await;
    }
}

/// Waits until an execution writes nothing more.
pub(super) async fn settle(api: &Api, arn: &str) {
    let params = serde_json::json!({"executionArn": arn, "maxResults": 1000});
    let mut before = None;
    loop {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        let history = api.call("GetExecutionHistory", &params).await.ok();
        if history == before {
            return;
        }
        before = history;
    }
}
