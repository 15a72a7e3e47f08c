//! What an Express execution does beside its caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use stepwell_interpreter::execution::{Mode, Status};
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::Input;
use tokio::sync::Semaphore;

use crate::engine::{Engine, EngineBuilder, ExecutionHandle};
use crate::integrations::TaskError;
use crate::operations::{CreateStateMachine, StartExecution};
use crate::store::{ExecutionStatus, StateMachineKind};

use super::super::lock;
use super::super::tests::ManualClock;
use super::ExpressExecution;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

async fn create(engine: &Engine, definition: &Value) -> String {
    let create = CreateStateMachine {
        kind: StateMachineKind::Express,
        ..CreateStateMachine::new("m", &definition.to_string())
    };
    let created = engine.create_state_machine_with(create).await.unwrap();
    created.state_machine_arn
}

/// An engine whose function counts its calls and ends when the gate lets it.
async fn gated(builder: EngineBuilder) -> (Engine, Arc<Semaphore>, Arc<AtomicUsize>) {
    let (gate, calls) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inner_gate, inner_calls) = (Arc::clone(&gate), Arc::clone(&calls));
    let function = move |_: Value| {
        let (gate, calls) = (Arc::clone(&inner_gate), Arc::clone(&inner_calls));
        async move {
            calls.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            Ok::<_, TaskError>(json!({"done": true}))
        }
    };
    let engine = builder.task(FUNCTION, function).build().await.unwrap();
    (engine, gate, calls)
}

fn task() -> Value {
    json!({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": FUNCTION, "End": true}}})
}

async fn start(engine: &Engine, machine: &str) -> ExecutionHandle {
    let request = StartExecution::new(machine, "{}");
    engine.start_execution(request).await.unwrap()
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, work).await.expect("it ends")
}

async fn eventually(holds: impl Fn() -> bool) {
    soon(async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_needs_to_wait_for_an_execution_to_end() {
    let (engine, gate, calls) = gated(Engine::builder().express_open_max(1)).await;
    let machine = create(&engine, &task()).await;
    {
        let waits = engine.start_sync_execution(StartExecution::new(&machine, "{}"));
        let hung_up = tokio::time::timeout(Duration::from_millis(20), waits).await;
        assert!(hung_up.is_err(), "the function waits");
    }
    eventually(|| calls.load(Ordering::SeqCst) == 1).await;
    let refused = engine.start_execution(StartExecution::new(&machine, "{}"));
    assert_eq!(
        refused.await.err().unwrap().code(),
        "ExecutionLimitExceeded",
        "the first one goes on"
    );
    gate.add_permits(1);
    soon(async {
        while !lock(&engine.executor.0.express.drivers).is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    gate.add_permits(1);
    let outcome = soon(start(&engine, &machine).await.outcome())
        .await
        .unwrap();
    assert_eq!(outcome.status, ExecutionStatus::Succeeded);
    assert_eq!(outcome.output, Some(json!({"done": true})));
    assert_eq!(calls.load(Ordering::SeqCst), 2, "each ran once");
}

#[tokio::test]
async fn an_execution_that_loops_hears_what_comes_from_outside() {
    let engine = Engine::builder().build().await.unwrap();
    let forever = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"},
        "C": {"Type": "Succeed"}}});
    // Nothing leads to the end; a Choice that never holds does for the parser.
    let mut forever = forever;
    forever["States"]["B"] = json!({"Type": "Choice", "Default": "A", "Choices": [
        {"Variable": "$.x", "IsPresent": true, "Next": "C"}]});
    let machine = create(&engine, &forever).await;
    let mut chance = engine.executor.chance();
    let target = engine.target(&machine, &mut chance).await.unwrap();
    let room = engine.executor.express_room().unwrap();
    let request = StartExecution::new(&machine, "{}");
    let input = stepwell_interpreter::Payload::from_value(json!({}));
    let begun = engine.begin(request, &target, input, chance, Mode::Express, room);
    let execution: ExpressExecution = begun.execution;
    execution.post(Input::Stop(Failure::new("Stopped", "by a test")));
    let status = soon(execution.outcome()).await.unwrap();
    assert!(matches!(status, Status::Aborted { .. }), "{status:?}");
}

#[tokio::test]
async fn the_end_of_the_engine_is_the_end_of_its_executions() {
    let (engine, _gate, calls) = gated(Engine::builder()).await;
    let machine = create(&engine, &task()).await;
    let execution = start(&engine, &machine).await;
    eventually(|| calls.load(Ordering::SeqCst) == 1).await;
    engine.executor.stop();
    let outcome = soon(execution.outcome()).await;
    assert_eq!(outcome.unwrap_err().code(), "InternalFailure");
}

#[tokio::test]
async fn five_minutes_are_the_limit() {
    let clock = ManualClock::new();
    let (engine, _gate, calls) = gated(Engine::builder().clock(clock.clone())).await;
    let machine = create(&engine, &task()).await;
    let execution = start(&engine, &machine).await;
    eventually(|| calls.load(Ordering::SeqCst) == 1).await;
    clock.advance(Duration::from_millis(299_999));
    let early = tokio::time::timeout(Duration::from_millis(20), execution.outcome());
    assert!(early.await.is_err(), "it goes on");
    clock.advance(Duration::from_millis(1));
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.status, ExecutionStatus::TimedOut);
    assert_eq!((outcome.output, outcome.error), (None, None));
}
