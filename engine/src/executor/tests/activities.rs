//! Tasks on their way from the queue of an activity to a worker.

use std::task::Poll;

use crate::OperationError;
use crate::operations::{
    ActivityTask, CreateActivity, GetActivityTask, GetExecutionHistory, SendTaskSuccess,
};
use crate::store::Store;
use crate::store::sqlite::SqliteStore;

use super::*;

const ACTIVITY: &str = "arn:aws:states:us-east-1:123456789012:activity:a";

async fn with_activity(builder: EngineBuilder) -> Engine {
    let engine = engine(builder).await;
    let created = engine.create_activity(CreateActivity::new("a")).await;
    assert_eq!(created.unwrap().activity_arn, ACTIVITY);
    engine
}

fn definition() -> String {
    let state = json!({"Type": "Task", "Resource": ACTIVITY, "End": true});
    json!({"StartAt": "A", "States": {"A": state}}).to_string()
}

async fn run(engine: &Engine, input: Value) -> ExecutionHandle {
    let machine = engine.create_state_machine("m", &definition()).await;
    engine.start(&machine.unwrap(), input).await.unwrap()
}

async fn poll(engine: &Engine) -> Result<Option<ActivityTask>, OperationError> {
    let request = GetActivityTask {
        activity_arn: ACTIVITY.to_owned(),
        worker_name: None,
    };
    engine.get_activity_task(request).await
}

async fn task(engine: &Engine) -> ActivityTask {
    let task = soon(poll(engine)).await.unwrap();
    task.expect("there is a task")
}

async fn succeed(engine: &Engine, task: &ActivityTask, output: Value) {
    let request = SendTaskSuccess {
        task_token: task.task_token.clone(),
        output: output.to_string(),
    };
    soon(engine.send_task_success(request)).await.unwrap();
}

async fn events(execution: &ExecutionHandle, engine: &Engine) -> Vec<String> {
    let page = engine.get_execution_history(GetExecutionHistory {
        execution_arn: execution.arn.clone(),
        max_results: None,
        reverse_order: false,
        next_token: None,
        include_execution_data: true,
    });
    let events = page.await.unwrap().events.into_iter();
    events.map(|event| event.event_type).collect()
}

async fn starts(execution: &ExecutionHandle, engine: &Engine) -> usize {
    let events = events(execution, engine).await;
    let starts = events.iter().filter(|event| *event == "ActivityStarted");
    starts.count()
}

/// Looks at a future once.
async fn look<T>(work: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|context| {
        Poll::Ready(match std::pin::Pin::new(&mut *work).poll(context) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_worker_who_waits_gets_a_task_as_it_comes() {
    let engine = with_activity(Engine::builder()).await;
    let mut first = Box::pin(poll(&engine));
    let mut second = Box::pin(poll(&engine));
    assert!(look(&mut first).await.is_none());
    assert!(look(&mut second).await.is_none());
    let execution = run(&engine, json!(1)).await;
    let task = soon(first).await.unwrap().unwrap();
    assert_eq!(task.input.value(), &json!(1));
    assert!(look(&mut second).await.is_none(), "one task, one worker");
    succeed(&engine, &task, json!({"done": true})).await;
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!({"done": true})));
}

#[tokio::test]
async fn whoever_hangs_up_before_there_is_work_takes_none() {
    let engine = with_activity(Engine::builder()).await;
    let mut gone = Box::pin(poll(&engine));
    assert!(look(&mut gone).await.is_none());
    drop(gone);
    let execution = run(&engine, json!(1)).await;
    let task = task(&engine).await;
    succeed(&engine, &task, json!(2)).await;
    soon(execution.outcome()).await.unwrap();
    assert_eq!(starts(&execution, &engine).await, 1);
}

#[tokio::test]
async fn a_task_that_did_not_arrive_goes_to_the_next_worker() {
    let engine = with_activity(Engine::builder()).await;
    let mut gone = Box::pin(poll(&engine));
    assert!(look(&mut gone).await.is_none());
    let execution = run(&engine, json!(1)).await;
    // It is written down that the worker has it, and lies before a closed door.
    soon(async {
        while starts(&execution, &engine).await == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    drop(gone);
    let task = task(&engine).await;
    assert_eq!(task.input.value(), &json!(1));
    assert_eq!(starts(&execution, &engine).await, 1, "no second start");
    succeed(&engine, &task, json!(2)).await;
    soon(execution.outcome()).await.unwrap();
}

#[tokio::test]
async fn workers_who_come_and_go_lose_nothing() {
    let engine = with_activity(Engine::builder()).await;
    let executions = 40;
    for number in 0..executions {
        run(&engine, json!(number)).await;
    }
    let mut found = Vec::new();
    let mut patience = 0;
    while found.len() < executions {
        // Each worker waits a little longer than the one before, from not at all on.
        patience = (patience + 1) % 7;
        let mut worker = Box::pin(poll(&engine));
        let mut got = None;
        for _ in 0..patience {
            got = look(&mut worker).await;
            if got.is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        if let Some(task) = got {
            let task = task.unwrap().unwrap();
            found.push(task.input.value().as_u64().unwrap());
            succeed(&engine, &task, json!(null)).await;
        }
    }
    found.sort_unstable();
    let all: Vec<u64> = (0..executions as u64).collect();
    assert_eq!(found, all, "each once");
}

#[tokio::test]
async fn after_a_minute_without_work_a_worker_gets_nothing() {
    let clock = ManualClock::new();
    let engine = with_activity(Engine::builder().clock(clock.clone())).await;
    let mut worker = Box::pin(poll(&engine));
    assert!(look(&mut worker).await.is_none());
    clock.advance(Duration::from_millis(59_999));
    assert!(look(&mut worker).await.is_none());
    clock.advance(Duration::from_millis(1));
    assert_eq!(soon(worker).await.unwrap(), None);
}

#[tokio::test]
async fn a_server_that_goes_keeps_no_worker() {
    let engine = with_activity(Engine::builder()).await;
    let mut worker = Box::pin(poll(&engine));
    assert!(look(&mut worker).await.is_none());
    engine.end_polling();
    assert_eq!(soon(worker).await.unwrap(), None);
    run(&engine, json!(1)).await;
    assert_eq!(soon(poll(&engine)).await.unwrap(), None);
}

#[tokio::test]
async fn a_thousand_workers_may_poll() {
    let engine = with_activity(Engine::builder()).await;
    let mut workers = Vec::new();
    for _ in 0..1_000 {
        let mut worker = Box::pin(poll(&engine));
        assert!(look(&mut worker).await.is_none());
        workers.push(worker);
    }
    let refused = poll(&engine).await;
    assert!(matches!(
        refused,
        Err(OperationError::ActivityWorkerLimitExceeded)
    ));
    workers.pop();
    let mut worker = Box::pin(poll(&engine));
    assert!(look(&mut worker).await.is_none());
}

#[tokio::test]
async fn a_queue_longer_than_what_is_remembered_keeps_its_order() {
    let clock = ManualClock::new();
    let engine = with_activity(Engine::builder().clock(clock.clone())).await;
    let many = 2_500_u64;
    for number in 0..many {
        run(&engine, json!(number)).await;
        clock.advance(Duration::from_millis(1));
    }
    for number in 0..many {
        let task = task(&engine).await;
        assert_eq!(task.input.value(), &json!(number));
        if number % 2 == 0 {
            succeed(&engine, &task, json!(null)).await;
        }
    }
}

#[tokio::test]
async fn what_waits_is_handed_out_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let builder = || Engine::builder().database(&file);
    let first = with_activity(builder()).await;
    for number in 0..3 {
        run(&first, json!(number)).await;
    }
    let started = task(&first).await;
    first.shut_down().await;
    drop(first);

    let second = soon(async {
        loop {
            if let Ok(engine) = builder().build().await {
                return engine;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(
        lock(&second.executor.0.live).len(),
        0,
        "nothing is replayed"
    );
    for number in [1, 2] {
        let task = task(&second).await;
        assert_eq!(task.input.value(), &json!(number));
        succeed(&second, &task, json!(null)).await;
    }
    succeed(&second, &started, json!("from before")).await;
    let again = SendTaskSuccess {
        task_token: started.task_token.clone(),
        output: "1".to_owned(),
    };
    let refused = soon(second.send_task_success(again)).await;
    assert!(matches!(refused, Err(OperationError::TaskTimedOut)));
}

#[tokio::test]
async fn of_many_answers_at_once_one_counts() {
    let engine = with_activity(Engine::builder()).await;
    let execution = run(&engine, json!(1)).await;
    let task = task(&engine).await;
    let answers = (0..20).map(|number| {
        let (engine, task_token) = (engine.clone(), task.task_token.clone());
        tokio::spawn(async move {
            let output = number.to_string();
            let request = SendTaskSuccess { task_token, output };
            engine.send_task_success(request).await
        })
    });
    let mut counted = Vec::new();
    for (answer, number) in answers.collect::<Vec<_>>().into_iter().zip(0..) {
        match soon(answer).await.unwrap() {
            Ok(()) => counted.push(number),
            Err(error) => assert!(matches!(error, OperationError::TaskTimedOut), "{error:?}"),
        }
    }
    assert_eq!(counted.len(), 1);
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!(counted[0])));
}

#[tokio::test]
async fn an_activity_that_goes_takes_its_tasks_along_until_it_comes_back() {
    let engine = with_activity(Engine::builder()).await;
    let execution = run(&engine, json!(1)).await;
    engine.delete_activity(ACTIVITY).await.unwrap();
    let refused = poll(&engine).await;
    assert!(matches!(
        refused,
        Err(OperationError::ActivityDoesNotExist(_))
    ));
    let late = run(&engine, json!(2)).await;
    let outcome = soon(late.outcome()).await.unwrap();
    assert_eq!(outcome.error.as_deref(), Some("States.Runtime"));
    engine
        .create_activity(CreateActivity::new("a"))
        .await
        .unwrap();
    let task = task(&engine).await;
    succeed(&engine, &task, json!(3)).await;
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_gets_the_tasks_of_an_execution_that_another_engine_drives() {
    let folder = tempfile::tempdir().unwrap();
    let file = SqliteStore::open(&folder.path().join("test.db")).unwrap();
    let stores: [Arc<dyn Store>; 2] = [Arc::new(MemoryStore::new()), Arc::new(file)];
    for store in stores {
        let builder = || {
            Engine::builder()
                .store(Arc::clone(&store))
                .lease(Duration::from_secs(15))
        };
        let first = with_activity(builder()).await;
        let second = with_activity(builder()).await;
        let execution = run(&first, json!(1)).await;
        let task = task(&second).await;
        assert_eq!(task.input.value(), &json!(1));
        succeed(&second, &task, json!(2)).await;
        let outcome = soon(execution.outcome()).await.unwrap();
        assert_eq!(outcome.output, Some(json!(2)));
        let record = first.find_execution(&execution.arn).await.unwrap();
        assert_eq!(record.owner, first.executor.epoch(), "nobody took it over");
    }
}
