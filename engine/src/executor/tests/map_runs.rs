//! Map Runs: what they count, what they survive, and what they leave behind.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::engine::Outcome;
use crate::operations::{
    CreateActivity, DescribeExecution, ExecutionDescription, ExecutionSummary, GetActivityTask,
    ListMapRunExecutions, ListMapRuns, MapRunDescription, SendTaskSuccess, StopExecution,
};
use crate::store::Store;
use crate::store::map_run::{Counts, MapRunStatus};

use super::*;

mod express;
mod redrives;

const RESOURCE: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

/// A distributed Map over its input, with more fields; its children run `inner`.
fn distributed(inner: &Value, more: &Value) -> Value {
    let mut state = json!({
        "Type": "Map",
        "Label": "each",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Inner",
            "States": {"Inner": inner},
        },
        "End": true,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        state[name] = value.clone();
    }
    state
}

async fn start_over(engine: &Engine, state: Value, input: Value) -> ExecutionHandle {
    let definition = json!({"StartAt": "A", "States": {"A": state}}).to_string();
    let machine = engine.create_state_machine("m", &definition).await.unwrap();
    engine.start(&machine, input).await.unwrap()
}

async fn run_of(engine: &Engine, execution: &ExecutionHandle) -> MapRunDescription {
    soon(async {
        loop {
            let list = ListMapRuns {
                execution_arn: execution.arn.clone(),
                max_results: None,
                next_token: None,
            };
            let listed = engine.list_map_runs(list).await.unwrap();
            if let Some(run) = listed.map_runs.first() {
                return engine.describe_map_run(&run.map_run_arn).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
}

/// Waits until a Map Run stands as it should.
async fn until_run(
    engine: &Engine,
    execution: &ExecutionHandle,
    holds: impl Fn(&MapRunDescription) -> bool,
) -> MapRunDescription {
    soon(async {
        loop {
            let run = run_of(engine, execution).await;
            if holds(&run) {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
}

fn pass() -> Value {
    json!({"Type": "Pass", "End": true})
}

fn fail_odd() -> Value {
    json!({"Type": "Pass", "QueryLanguage": "JSONata",
        "Output": "{% $states.input % 2 = 1 ? $error('odd') : $states.input %}", "End": true})
}

/// The children of the latest run of an execution, the latest start first.
async fn children_of(
    engine: &Engine,
    execution: &ExecutionHandle,
    status_filter: Option<ExecutionStatus>,
) -> Vec<ExecutionSummary> {
    let run = run_of(engine, execution).await;
    let list = ListMapRunExecutions {
        map_run_arn: run.map_run_arn,
        status_filter,
        redriven_filter: None,
        max_results: None,
        next_token: None,
    };
    let listed = engine.list_map_run_executions(list).await;
    listed.unwrap().executions
}

async fn describe(engine: &Engine, arn: &str) -> ExecutionDescription {
    let describe = DescribeExecution {
        execution_arn: arn.to_owned(),
    };
    engine.describe_execution(describe).await.unwrap()
}

async fn stop(engine: &Engine, arn: &str) {
    let stop = StopExecution {
        execution_arn: arn.to_owned(),
        error: None,
        cause: None,
    };
    engine.stop_execution(stop).await.unwrap();
}

/// Lets nobody hold anything any more: whoever opens a store ends the leases of those before.
async fn end_leases(store: &dyn Store) {
    for lease in store.owners().leases().await.unwrap() {
        store.owners().leave(lease.epoch).await.unwrap();
    }
}

#[tokio::test]
async fn children_give_their_outputs_in_the_order_of_items() {
    let engine = engine(Engine::builder()).await;
    let items: Vec<u32> = (0..250).collect();
    let state = distributed(&pass(), &json!({"MaxConcurrency": 3}));
    let execution = start_over(&engine, state, json!(items)).await;
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!(items)));
    let run = run_of(&engine, &execution).await;
    assert_eq!(run.status, MapRunStatus::Succeeded);
    let expected = Counts {
        succeeded: 250,
        ..Counts::default()
    };
    assert_eq!(
        (run.items.begun, run.executions.begun),
        (expected, expected)
    );
    assert_eq!((run.items.total, run.items.pending), (250, 0));
}

#[tokio::test]
async fn no_items_give_nothing() {
    let engine = engine(Engine::builder()).await;
    let execution = start_over(&engine, distributed(&pass(), &json!({})), json!([])).await;
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!([])));
}

async fn tolerate(more: &Value) -> (Outcome, MapRunDescription) {
    let engine = engine(Engine::builder()).await;
    let state = distributed(&fail_odd(), more);
    let execution = start_over(&engine, state, json!([0, 1, 2, 3])).await;
    let outcome = soon(execution.outcome()).await.unwrap();
    (outcome, run_of(&engine, &execution).await)
}

#[tokio::test]
async fn failures_count_by_items_against_what_is_tolerated() {
    const EXCEEDED: &str = "States.ExceedToleratedFailureThreshold";
    for (more, is_survived) in [
        (json!({}), false),
        (json!({"ToleratedFailureCount": 1}), false),
        (json!({"ToleratedFailureCount": 2}), true),
        (json!({"ToleratedFailurePercentage": 49}), false),
        (json!({"ToleratedFailurePercentage": 50}), true),
        (
            json!({"ToleratedFailurePercentage": 50, "ToleratedFailureCount": 1}),
            false,
        ),
    ] {
        let (outcome, run) = tolerate(&more).await;
        assert_eq!(outcome.output.is_some(), is_survived, "{more}");
        if is_survived {
            assert_eq!(run.status, MapRunStatus::Succeeded);
            assert_eq!(run.items.begun.failed, 2);
            let output = outcome.output.unwrap();
            assert_eq!(output[2], json!(2));
            assert_eq!(output[1]["Status"], "FAILED", "{output}");
            assert_eq!(output[1]["Error"], "States.QueryEvaluationError");
        } else {
            assert_eq!(outcome.error.as_deref(), Some(EXCEEDED), "{more}");
            assert_eq!(run.status, MapRunStatus::Failed);
        }
    }
}

#[tokio::test]
async fn results_that_are_too_large_together_fail_the_state() {
    let engine = engine(Engine::builder()).await;
    let wide = json!({"Type": "Pass", "Result": "x".repeat(3_000), "End": true});
    let items = vec![0; 100];
    let execution = start_over(&engine, distributed(&wide, &json!({})), json!(items)).await;
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.error.as_deref(), Some("States.DataLimitExceeded"));
    assert_eq!(
        run_of(&engine, &execution).await.status,
        MapRunStatus::Failed
    );
}

#[tokio::test]
async fn results_take_the_form_that_is_asked_for() {
    for (transformation, expected) in [("COMPACT", json!([[1], [2]])), ("FLATTEN", json!([1, 2]))] {
        let engine = engine(Engine::builder()).await;
        let writer = json!({"WriterConfig":
            {"OutputType": "JSON", "Transformation": transformation}});
        let state = distributed(&pass(), &json!({"ResultWriter": writer}));
        let execution = start_over(&engine, state, json!([[1], [2]])).await;
        let outcome = soon(execution.outcome()).await.unwrap();
        assert_eq!(outcome.output, Some(expected));
    }
}

/// Holds tasks up until a number of them may go on; counts those that run at a time.
#[derive(Clone)]
struct Gate {
    open: watch::Sender<bool>,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    begun: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Gate {
    fn new() -> Self {
        Self {
            open: watch::Sender::new(false),
            running: Arc::default(),
            most: Arc::default(),
            begun: Arc::default(),
        }
    }
}

impl TaskHandler for Gate {
    fn run(&self, task: Task) -> TaskFuture {
        let gate = self.clone();
        Box::pin(async move {
            *lock(&gate.begun)
                .entry(task.parameters.text().to_owned())
                .or_default() += 1;
            let running = gate.running.fetch_add(1, Ordering::SeqCst) + 1;
            gate.most.fetch_max(running, Ordering::SeqCst);
            let mut open = gate.open.subscribe();
            let _ = open.wait_for(|open| *open).await;
            gate.running.fetch_sub(1, Ordering::SeqCst);
            Ok(TaskAnswer::Succeeded(task.parameters))
        })
    }
}

fn task() -> Value {
    json!({"Type": "Task", "Resource": RESOURCE, "End": true})
}

#[tokio::test]
async fn no_more_children_run_at_a_time_than_allowed() {
    let gate = Gate::new();
    let engine = engine(Engine::builder().handler(RESOURCE, gate.clone())).await;
    let state = distributed(&task(), &json!({"MaxConcurrency": 2}));
    let execution = start_over(&engine, state, json!([1, 2, 3, 4, 5])).await;
    let run = until_run(&engine, &execution, |run| run.items.begun.running == 2).await;
    assert_eq!((run.items.pending, run.items.total), (3, 5));
    gate.open.send_replace(true);
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!([1, 2, 3, 4, 5])));
    assert!(gate.most.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_stopped_execution_stops_its_children() {
    let gate = Gate::new();
    let engine = engine(Engine::builder().handler(RESOURCE, gate.clone())).await;
    let execution = start_over(&engine, distributed(&task(), &json!({})), json!([1, 2])).await;
    until_run(&engine, &execution, |run| run.items.begun.running == 2).await;
    stop(&engine, &execution.arn).await;
    let run = until_run(&engine, &execution, |run| {
        run.status != MapRunStatus::Running
    })
    .await;
    assert_eq!(run.status, MapRunStatus::Aborted);
    assert_eq!(run.items.begun.aborted, 2);
    eventually(|| lock(&engine.executor.0.map_runs.0).is_empty()).await;
}

#[tokio::test]
async fn a_map_run_goes_on_after_a_restart_and_counts_each_child_once() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let gate = Gate::new();
    let before = Engine::builder()
        .store(Arc::clone(&store))
        .handler(RESOURCE, gate.clone());
    let before = engine(before).await;
    let items: Vec<u32> = (0..40).collect();
    let state = distributed(&task(), &json!({"MaxConcurrency": 7}));
    let started = start_over(&before, state, json!(items)).await;
    until_run(&before, &started, |run| run.items.begun.running == 7).await;
    let arn = started.arn.clone();
    drop((before, started));
    end_leases(&*store).await;
    gate.open.send_replace(true);
    let after = Engine::builder()
        .store(Arc::clone(&store))
        .handler(RESOURCE, gate.clone());
    let after = engine(after).await;
    let execution = after.execution(&arn).await.unwrap();
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!(items)));
    let run = run_of(&after, &execution).await;
    assert_eq!(run.executions.begun.succeeded, 40);
    assert_eq!(run.executions.begun.total(), 40);
    assert_eq!(lock(&gate.begun).len(), 40);
}

#[tokio::test]
async fn children_are_described_and_hidden_from_their_machine() {
    let engine = engine(Engine::builder()).await;
    let mut inner = distributed(&pass(), &json!({"Label": "inner"}));
    inner["ItemProcessor"]["StartAt"] = json!("Deep");
    inner["ItemProcessor"]["States"] = json!({"Deep": pass()});
    let execution = start_over(&engine, distributed(&inner, &json!({})), json!([[1], [2]])).await;
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!([[1], [2]])));
    let run = run_of(&engine, &execution).await;
    let listed = children_of(&engine, &execution, Some(ExecutionStatus::Succeeded)).await;
    assert_eq!(listed.len(), 2);
    let child = &listed[0];
    assert!(
        child.execution_arn.contains(":execution:m/each:"),
        "{child:?}"
    );
    let described = describe(&engine, &child.execution_arn).await;
    assert_eq!(described.map_run_arn, Some(run.map_run_arn));
    let machine = engine
        .describe_state_machine_for_execution(&child.execution_arn)
        .await
        .unwrap();
    assert_eq!(machine.label.as_deref(), Some("each"));
    let definition: Value = serde_json::from_str(&machine.definition).unwrap();
    assert_eq!(definition["StartAt"], "Inner");
    let without_label = child.execution_arn.replace("m/each", "m");
    assert!(engine.execution(&without_label).await.is_err());
}

#[tokio::test]
async fn workers_get_the_tasks_of_children() {
    let engine = engine(Engine::builder()).await;
    let created = engine.create_activity(CreateActivity::new("a")).await;
    let activity_arn = created.unwrap().activity_arn;
    let inner = json!({"Type": "Task", "Resource": activity_arn, "End": true});
    let execution = start_over(&engine, distributed(&inner, &json!({})), json!([1, 2])).await;
    for _ in 0..2 {
        let request = GetActivityTask {
            activity_arn: activity_arn.clone(),
            worker_name: None,
        };
        let task = soon(engine.get_activity_task(request)).await.unwrap();
        let task = task.expect("there is a task");
        let answer = SendTaskSuccess {
            task_token: task.task_token,
            output: json!([task.input.value()]).to_string(),
        };
        soon(engine.send_task_success(answer)).await.unwrap();
    }
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!([[1], [2]])));
}

#[tokio::test]
async fn children_fail_for_an_activity_that_does_not_exist() {
    let engine = engine(Engine::builder()).await;
    let absent = "arn:aws:states:us-east-1:123456789012:activity:none";
    let inner = json!({"Type": "Task", "Resource": absent, "End": true});
    let state = distributed(&inner, &json!({"ToleratedFailurePercentage": 100}));
    let execution = start_over(&engine, state, json!([1])).await;
    soon(execution.outcome()).await.unwrap();
    assert_eq!(run_of(&engine, &execution).await.items.begun.failed, 1);
}
