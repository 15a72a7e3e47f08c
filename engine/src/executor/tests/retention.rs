//! Closed executions are forgotten when their time is over.

use std::time::Duration;

use serde_json::json;

use super::{ManualClock, engine};
use crate::OperationError;
use crate::engine::Engine;
use crate::operations::{
    CreateActivity, GetActivityTask, GetExecutionHistory, SendTaskSuccess, StartExecution,
};
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

#[tokio::test]
async fn a_token_of_a_removed_execution_is_for_no_task() {
    let clock = ManualClock::new();
    let builder = Engine::builder().clock(clock.clone()).retention(DAY);
    let engine = engine(builder).await;
    let activity = engine.create_activity(CreateActivity::new("a")).await;
    let activity_arn = activity.unwrap().activity_arn;
    let state = json!({"Type": "Task", "Resource": activity_arn, "End": true});
    let definition = json!({"StartAt": "A", "States": {"A": state}}).to_string();
    let machine = engine.create_state_machine("m", &definition).await.unwrap();
    let begin = || {
        let mut request = StartExecution::new(&machine.arn, "{}");
        request.name = Some("one".to_owned());
        engine.start_execution(request)
    };
    let task = async || {
        let get = GetActivityTask {
            activity_arn: activity_arn.clone(),
            worker_name: None,
        };
        let task = super::soon(engine.get_activity_task(get)).await.unwrap();
        task.expect("there is a task").task_token
    };
    let succeed = async |token: &str| {
        let request = SendTaskSuccess {
            task_token: token.to_owned(),
            output: "1".to_owned(),
        };
        super::soon(engine.send_task_success(request)).await
    };
    begin().await.unwrap();
    let first = task().await;
    succeed(&first).await.unwrap();
    clock.advance(2 * DAY);
    assert_eq!(engine.remove_expired_executions().await.unwrap(), 1);
    for _ in 0..2 {
        let refused = succeed(&first).await;
        assert!(matches!(refused, Err(OperationError::TaskDoesNotExist)));
    }
    engine.readiness().unwrap();

    // Another execution has the name now.
    let again = begin().await.unwrap();
    let refused = succeed(&first).await;
    assert!(matches!(refused, Err(OperationError::TaskDoesNotExist)));
    succeed(&task().await).await.unwrap();
    let outcome = super::soon(again.outcome()).await.unwrap();
    assert_eq!(outcome.status, ExecutionStatus::Succeeded);
}
