//! Deletions of state machines that a crash, or another engine, comes in between.

use crate::store::{StateMachineStatus, Store};

use super::*;

const LEASE: Duration = Duration::from_secs(15);

/// Waits an hour, and would go on.
fn definition() -> String {
    let states = json!({
        "A": {"Type": "Wait", "Seconds": 3600, "Next": "B"},
        "B": {"Type": "Pass", "End": true}});
    json!({"StartAt": "A", "States": states}).to_string()
}

fn on(store: &Arc<dyn Store>, clock: &Arc<ManualClock>) -> EngineBuilder {
    Engine::builder()
        .store(Arc::clone(store))
        .clock(Arc::clone(clock) as Arc<dyn Clock>)
}

/// An engine with an execution that waits, and the ARN of that.
async fn waiting(builder: EngineBuilder) -> (Engine, String) {
    let engine = engine(builder).await;
    let machine = engine.create_state_machine("m", &definition()).await;
    let machine = machine.unwrap();
    let arn = engine.start(&machine, json!({})).await.unwrap().arn.clone();
    (engine, arn)
}

/// The end of an execution whose state machine was deleted.
async fn check_failed(engine: &Engine, arn: &str) {
    let execution = engine.execution(arn).await.unwrap();
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.status, ExecutionStatus::Failed);
    assert_eq!(outcome.error.as_deref(), Some("States.Runtime"));
    let cause = "State machine m has been deleted.";
    assert_eq!(outcome.cause.as_deref(), Some(cause));
}

/// The engine goes; whoever comes next need not wait for its lease.
async fn leave(engine: Engine, store: &Arc<dyn Store>) {
    drop(engine);
    soon(async {
        while !store.owners().leases().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

async fn is_gone(store: &Arc<dyn Store>) {
    soon(async {
        while store.state_machine("m").await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_goes_on_after_a_restart() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock = ManualClock::new();
    let (engine, execution) = waiting(on(&store, &clock)).await;
    let arn = engine.state_machine_arn("m");
    engine.delete_state_machine(&arn).await.unwrap();
    leave(engine, &store).await;

    let engine = super::engine(on(&store, &clock)).await;
    let described = engine.describe_state_machine(&arn).await.unwrap();
    assert_eq!(described.status, StateMachineStatus::Deleting);
    clock.advance(Duration::from_hours(2));
    check_failed(&engine, &execution).await;
    is_gone(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_last_execution_leaves_no_state_machine_behind() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock = ManualClock::new();
    let (engine, execution) = waiting(on(&store, &clock)).await;
    // It is deleted by somebody who then notices no end.
    let machine = store.state_machine("m").await.unwrap().unwrap();
    store.delete_state_machine(machine.key).await.unwrap();
    clock.advance(Duration::from_hours(2));
    let execution = engine.execution(&execution).await.unwrap();
    soon(execution.outcome()).await.unwrap();
    drop(execution);
    assert!(store.state_machine("m").await.unwrap().is_some());
    leave(engine, &store).await;

    let _engine = super::engine(on(&store, &clock)).await;
    is_gone(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_learns_what_another_one_deletes() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock = ManualClock::new();
    let (driving, execution) = waiting(on(&store, &clock).lease(LEASE)).await;
    let other = engine(on(&store, &clock).lease(LEASE)).await;
    let arn = other.state_machine_arn("m");
    other.delete_state_machine(&arn).await.unwrap();
    eventually(|| !driving.executor.0.deletions.is_empty()).await;
    let handle = driving.execution(&execution).await.unwrap();
    let ended = tokio::spawn(async move { handle.outcome().await });
    eventually(|| {
        clock.advance(LEASE / 2);
        ended.is_finished()
    })
    .await;
    check_failed(&driving, &execution).await;
    is_gone(&store).await;
    eventually(|| {
        let engines = [&driving, &other];
        engines
            .iter()
            .all(|engine| engine.executor.0.deletions.is_empty())
    })
    .await;
}
