//! What an executor does between its inputs: races, crashes, and what stays in memory.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use stepwell_interpreter::failure::Failure;
use stepwell_interpreter::input::Input;
use stepwell_interpreter::{Payload, Timestamp};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::engine::{Engine, EngineBuilder, ExecutionHandle};
use crate::integrations::{Task, TaskAnswer, TaskFuture, TaskHandler};
use crate::operations::StartExecution;
use crate::store::memory::MemoryStore;
use crate::store::{ExecutionKey, ExecutionStatus};

use super::lock;

#[cfg(feature = "sqlite")]
mod retention;
#[cfg(feature = "sqlite")]
mod map_runs;
mod sharing;
mod deletions;
mod activities;

/// Shows the time that the test sets.
pub(super) struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(Timestamp::EPOCH)))
    }

    pub(super) fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = now.after(by));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            let _ = now.wait_for(|now| *now >= at).await;
        })
    }
}

/// Ends a test that would hang.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work)
        .await
        .expect("it ends")
}

/// Waits until something holds.
async fn eventually(holds: impl Fn() -> bool) {
    soon(async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

async fn start(engine: &Engine, state: Value) -> ExecutionHandle {
    let name = state["Type"].as_str().unwrap();
    let definition = json!({"StartAt": "A", "States": {"A": state}}).to_string();
    let machine = engine
        .create_state_machine(name, &definition)
        .await
        .unwrap();
    engine.start(&machine, json!({})).await.unwrap()
}

async fn engine(builder: EngineBuilder) -> Engine {
    builder.seed([7; 32]).build().await.unwrap()
}

async fn key(engine: &Engine, execution: &ExecutionHandle) -> ExecutionKey {
    engine.find_execution(&execution.arn).await.unwrap().key
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_for_an_execution_that_has_ended_is_answered() {
    let engine = engine(Engine::builder()).await;
    let execution = start(&engine, json!({"Type": "Pass", "End": true})).await;
    let key = key(&engine, &execution).await;
    soon(engine.executor.send(key, Input::Stop(Failure::default()))).await;
    eventually(|| lock(&engine.executor.0.live).is_empty()).await;
}

#[tokio::test]
async fn a_parked_execution_leaves_memory_until_its_time_comes() {
    let clock = ManualClock::new();
    let engine = engine(Engine::builder().clock(clock.clone())).await;
    let wait = json!({"Type": "Wait", "Seconds": 3600, "End": true});
    let execution = start(&engine, wait).await;
    eventually(|| {
        clock.advance(Duration::from_secs(1));
        lock(&engine.executor.0.live).is_empty()
    })
    .await;
    clock.advance(Duration::from_hours(1));
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!({})));
}

/// Holds the list of those that have a driver from when its task runs until it is told to let go.
struct Holder {
    executor: Arc<OnceLock<super::Executor>>,
    let_go: Mutex<Option<mpsc::Receiver<()>>>,
}

impl TaskHandler for Holder {
    fn run(&self, _task: Task) -> TaskFuture {
        let executor = self.executor.get().unwrap().clone();
        let let_go = lock(&self.let_go).take().unwrap();
        let (holds, held) = mpsc::channel();
        std::thread::spawn(move || {
            let list = lock(&executor.0.live);
            holds.send(()).unwrap();
            let_go.recv().unwrap();
            drop(list);
        });
        held.recv().unwrap();
        Box::pin(async { Ok(TaskAnswer::Succeeded(Payload::from_value(json!({})))) })
    }
}

/// Whoever reads timers from the disk leaves out those of executions on the list. So one that comes
/// to rest sets its own no sooner than it leaves the list.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_timer_falls_between_memory_and_disk() {
    const RESOURCE: &str = "arn:aws:states:::sqs:sendMessage";
    let (executor, (let_go, told)) = (Arc::new(OnceLock::new()), mpsc::channel());
    let holder = Holder {
        executor: Arc::clone(&executor),
        let_go: Mutex::new(Some(told)),
    };
    let builder = Engine::builder().clock(ManualClock::new());
    let engine = engine(builder.handler(RESOURCE, holder)).await;
    executor.set(engine.executor.clone()).ok().unwrap();
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Task", "Resource": RESOURCE, "Next": "B",
            "Parameters": {"QueueUrl": "q", "MessageBody": "b"}},
        "B": {"Type": "Wait", "Seconds": 60, "End": true}}})
    .to_string();
    let machine = engine.create_state_machine("m", &definition);
    let machine = machine.await.unwrap();
    engine.start(&machine, json!({})).await.unwrap();
    let shared = &engine.executor.0;
    // Its memory is given up, and it waits for the list.
    eventually(|| shared.warm.len() == 1).await;
    let set = shared.timers.len();
    let_go.send(()).unwrap();
    assert_eq!(set, 0);
    eventually(|| shared.timers.len() == 1).await;
    assert!(lock(&shared.live).is_empty());
}

/// A future that its caller has lost patience with after `polls` looks at it.
async fn give_up_after<T>(polls: usize, work: impl Future<Output = T>) {
    let mut work = std::pin::pin!(work);
    for _ in 0..polls {
        if work.as_mut().now_or_never().is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn an_execution_goes_on_when_its_starter_has_gone_away() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("stepwell.db");
    let engine = engine(Engine::builder().database(database)).await;
    let wait = json!({"Type": "Wait", "SecondsPath": "$.seconds", "End": true});
    let definition = json!({"StartAt": "A", "States": {"A": wait}}).to_string();
    let machine = engine.create_state_machine("m", &definition).await.unwrap();
    let mut found = 0;
    for polls in 0..8 {
        let name = format!("e{polls}");
        let mut request = StartExecution::new(&machine.arn, r#"{"seconds": 1}"#);
        request.name = Some(name.clone());
        give_up_after(polls, engine.start_execution(request)).await;
        if let Ok(execution) = engine.execution(&engine.execution_arn("m", &name)).await {
            found += 1;
            let outcome = soon(execution.outcome()).await.unwrap();
            assert_eq!(outcome.output, Some(json!({"seconds": 1})), "{name}");
        }
    }
    assert!(found > 0);
}

/// Hands every task to a service that will answer with the task's token.
struct Submitter;

impl TaskHandler for Submitter {
    fn run(&self, _task: Task) -> TaskFuture {
        let answer = TaskAnswer::Submitted(Payload::from_value(json!({})));
        Box::pin(std::future::ready(Ok(answer)))
    }
}

#[tokio::test]
async fn an_execution_that_waits_for_a_callback_leaves_memory() {
    const RESOURCE: &str = "arn:aws:states:::sqs:sendMessage.waitForTaskToken";
    let clock = ManualClock::new();
    let builder = Engine::builder().clock(clock.clone());
    let engine = engine(builder.handler(RESOURCE, Submitter)).await;
    let task = json!({"Type": "Task", "Resource": RESOURCE, "End": true});
    let execution = start(&engine, task).await;
    eventually(|| {
        clock.advance(Duration::from_secs(1));
        lock(&engine.executor.0.live).is_empty()
    })
    .await;
    let description = execution.describe().await.unwrap();
    assert_eq!(description.status, ExecutionStatus::Running);
}

/// Panics before there is any future that could.
struct Panicker;

impl TaskHandler for Panicker {
    fn run(&self, _task: Task) -> TaskFuture {
        panic!("a bug")
    }
}

#[tokio::test]
async fn a_panic_in_a_handler_or_an_observer_ends_no_driver() {
    const RESOURCE: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let builder = Engine::builder().observer(|_, _| panic!("a bug"));
    let engine = engine(builder.handler(RESOURCE, Panicker)).await;
    let task = json!({"Type": "Task", "Resource": RESOURCE, "End": true});
    let execution = start(&engine, task).await;
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.error.as_deref(), Some("States.TaskFailed"));
}

#[tokio::test]
async fn whoever_waited_for_an_end_leaves_nothing_behind() {
    let engine = engine(Engine::builder()).await;
    let watchers = || lock(&engine.executor.0.watchers).len();
    let ended = start(&engine, json!({"Type": "Pass", "End": true})).await;
    soon(ended.outcome()).await.unwrap();
    assert_eq!(watchers(), 0);
    let wait = json!({"Type": "Wait", "Seconds": 60, "End": true});
    let waiting = start(&engine, wait).await;
    give_up_after(2, waiting.outcome()).await;
    assert_eq!(watchers(), 0);
}

/// Counts the tasks that were begun, and finishes none.
#[derive(Clone, Default)]
struct Endless(Arc<AtomicUsize>);

impl TaskHandler for Endless {
    fn run(&self, _task: Task) -> TaskFuture {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn an_engine_that_is_dropped_lets_go_of_its_store() {
    const RESOURCE: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let store = Arc::new(MemoryStore::new());
    let begun = Endless::default();
    let builder = Engine::builder().store(store.clone());
    let engine = engine(builder.handler(RESOURCE, begun.clone())).await;
    let task = json!({"Type": "Task", "Resource": RESOURCE, "End": true});
    let execution = start(&engine, task).await;
    eventually(|| begun.0.load(Ordering::SeqCst) == 1).await;
    drop((engine, execution));
    eventually(|| Arc::strong_count(&store) == 1).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_execution_is_set_aside_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let clock = ManualClock::new();
    let first = engine(Engine::builder().database(&file).clock(clock.clone())).await;
    let wait = json!({"Type": "Wait", "Seconds": 3600, "End": true});
    let poisoned = start(&first, wait.clone()).await.arn;
    let sound = start(&first, wait).await.arn;
    drop(first);
    let connection = rusqlite::Connection::open(&file).unwrap();
    let damage = "UPDATE journal SET bytes = zeroblob(20)
        WHERE execution = (SELECT min(key) FROM execution)";
    assert_eq!(connection.execute(damage, ()).unwrap(), 1);
    drop(connection);

    let second = engine(Engine::builder().database(&file).clock(clock.clone())).await;
    let before = second.execution(&poisoned).await.unwrap();
    let waiting = tokio::spawn(async move { before.outcome().await });
    clock.advance(Duration::from_hours(2));
    let sound = second.execution(&sound).await.unwrap();
    assert_eq!(
        soon(sound.outcome()).await.unwrap().status,
        ExecutionStatus::Succeeded
    );
    eventually(|| !lock(&second.executor.0.set_aside).is_empty()).await;
    // Whoever waited learns it, and whoever comes later.
    assert!(soon(waiting).await.unwrap().is_err());
    let after = second.execution(&poisoned).await.unwrap();
    assert!(soon(after.outcome()).await.is_err());
    assert!(second.readiness().is_ok());
}
