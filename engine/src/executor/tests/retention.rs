//! Closed executions are forgotten when their time is over.

use std::time::Duration;

use serde_json::json;

use super::{ManualClock, engine};
use crate::engine::Engine;
use crate::operations::{GetExecutionHistory, StartExecution};
use crate::store::ExecutionStatus;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn closed_executions_are_kept_for_ninety_days() {
    let clock = ManualClock::new();
    let engine = engine(Engine::builder().clock(clock.clone())).await;
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Wait", "SecondsPath": "$.seconds", "End": true}}});
    let definition = definition.to_string();
    let machine = engine.create_state_machine("m", &definition).await.unwrap();
    let start = |name: &str, seconds: u64| {
        let mut request =
            StartExecution::new(&machine.arn, &json!({"seconds": seconds}).to_string());
        request.name = Some(name.to_owned());
        engine.start_execution(request)
    };
    let closed = start("closed", 0).await.unwrap();
    super::soon(async {
        while closed.describe().await.unwrap().status == ExecutionStatus::Running {
            clock.advance(Duration::from_millis(1));
            tokio::task::yield_now().await;
        }
    })
    .await;
    let open = start("open", 99_999_999).await.unwrap();
    clock.advance(89 * DAY);
    assert_eq!(engine.remove_expired_executions().await.unwrap(), 0);
    assert!(start("closed", 0).await.is_err(), "the name is taken");

    clock.advance(2 * DAY);
    assert_eq!(engine.remove_expired_executions().await.unwrap(), 1);
    let error = closed.describe().await.unwrap_err();
    assert_eq!(error.code(), "ExecutionDoesNotExist");
    let history = GetExecutionHistory {
        execution_arn: closed.arn.clone(),
        max_results: None,
        reverse_order: false,
        next_token: None,
        include_execution_data: true,
    };
    let error = engine.get_execution_history(history).await.unwrap_err();
    assert_eq!(error.code(), "ExecutionDoesNotExist");
    let status = open.describe().await.unwrap().status;
    assert_eq!(status, ExecutionStatus::Running);
    let again = start("closed", 0).await.unwrap();
    assert_eq!(again.arn, closed.arn, "the name is free");
}

#[tokio::test]
async fn the_period_may_be_another() {
    let clock = ManualClock::new();
    let builder = Engine::builder().clock(clock.clone()).retention(DAY);
    let engine = engine(builder).await;
    let execution = super::start(&engine, json!({"Type": "Pass", "End": true})).await;
    assert_eq!(engine.remove_expired_executions().await.unwrap(), 0);
    clock.advance(DAY + Duration::from_millis(1));
    assert_eq!(engine.remove_expired_executions().await.unwrap(), 1);
    assert!(execution.describe().await.is_err());
}
