//! Every test of a single state that was recorded from AWS, made again and compared answer for
//! answer.

use serde_json::{Value, json};
use stepwell::{Engine, TaskError};
use stepwell_tests::api::Api;
use stepwell_tests::conformance;
use stepwell_tests::conformance::case::{Case, Kind};
use stepwell_tests::conformance::judge::{self, Verdict};
use stepwell_tests::conformance::references::Calls;
use stepwell_tests::conformance::report::Report;

use super::PATIENCE;

/// Recorded tests of states that match exactly.
const FLOOR: usize = 99;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_tests_of_states_are_answered_alike() {
    let Some(folder) = conformance::locate() else {
        conformance::announce_absence("conformance of tests of states");
        return;
    };
    let modules = conformance::load(&folder).expect("the recorded cases can be read");
    let mut report = Report::new();
    for module in &modules {
        let cases = module.cases.iter();
        for case in cases.filter(|case| case.kind == Kind::TestState) {
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
        "{exact} recorded tests of states match, fewer than the {FLOOR} that did before"
    );
}

/// Makes every call of a case on an engine that has the functions it names.
async fn replay(case: &Case) -> Verdict {
    let mut calls = Calls::new(&case.id);
    let mut verdict = Verdict::exact();
    for (index, call) in case.calls.iter().enumerate() {
        let part = format!("call[{index}] {}: ", call.operation);
        let params = match calls.resolve(&call.params) {
            Ok(params) => params,
            Err(error) => {
                verdict = verdict.and(&part, Verdict::failed(error.to_string()));
                continue;
            }
        };
        let api = Api::new(engine(&params).await);
        let answer = api.call(&call.operation, &params).await;
        calls.record(&call.operation, answer.as_ref().ok());
        let judged = judge::judge_call(case, call, answer.as_ref(), calls.own_arns());
        verdict = verdict.and(&part, judged);
    }
    verdict
}

async fn engine(params: &Value) -> Engine {
    let text = params.to_string();
    let name = text.split("lambda_func_").nth(1).map(|rest| {
        let end = rest.find(|character: char| !character.is_ascii_alphanumeric());
        format!("lambda_func_{}", &rest[..end.unwrap_or(rest.len())])
    });
    let builder = Engine::builder();
    let builder = match name {
        Some(name) => builder.task(
            format!("arn:aws:lambda:us-east-1:111111111111:function:{name}"),
            function,
        ),
        None => builder,
    };
    builder
        .build()
        .await
        .expect("an engine in memory can be built")
}

/// The function that the recordings called: it adds a mark to what it is told, or has nothing to
/// say.
async fn function(input: Value) -> Result<Value, TaskError> {
    Ok(match input.get("inputData").and_then(Value::as_str) {
        Some(text) => json!(format!("{text}!")),
        None => json!({}),
    })
}
