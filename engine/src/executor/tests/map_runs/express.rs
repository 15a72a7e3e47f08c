//! Express children: run in memory, kept in the store.

use stepwell_interpreter::Timestamp;

use crate::OperationError;
use crate::operations::RedriveExecution;

use super::*;

fn express(inner: &Value, more: &Value) -> Value {
    let mut state = distributed(inner, more);
    state["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] = json!("EXPRESS");
    state
}

#[tokio::test]
async fn express_children_give_their_outputs_and_are_counted() {
    let engine = engine(Engine::builder()).await;
    let items: Vec<u32> = (0..250).collect();
    let state = express(&pass(), &json!({}));
    let execution = start_over(&engine, state, json!(items)).await;
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!(items)));
    let run = run_of(&engine, &execution).await;
    assert_eq!(run.executions.begun.succeeded, 250);
    assert_eq!(run.executions.begun.total(), 250);
}

#[tokio::test]
async fn express_children_can_be_described_and_listed_and_nothing_else() {
    let gate = Gate::new();
    gate.open.send_replace(true);
    let engine = engine(Engine::builder().handler(RESOURCE, gate)).await;
    let execution = start_over(&engine, express(&task(), &json!({})), json!([[7]])).await;
    soon(execution.outcome()).await.unwrap();
    let run = run_of(&engine, &execution).await;
    let children = children_of(&engine, &execution, None).await;
    let arn = &children[0].execution_arn;
    let prefix = run.map_run_arn.replace(":mapRun:", ":express:");
    assert_eq!(*arn, format!("{prefix}:{}", children[0].name));
    let described = describe(&engine, arn).await;
    assert_eq!(described.status, ExecutionStatus::Succeeded);
    assert_eq!(described.execution_arn, *arn);
    assert_eq!(described.output, Some(Payload::from_value(json!([7]))));
    assert_eq!(described.input, Payload::from_value(json!([7])));
    assert_eq!(described.map_run_arn.as_deref(), Some(&*run.map_run_arn));
    let refused = engine.describe_state_machine_for_execution(arn).await;
    let message = "Invalid Arn: 'Resource type not valid in this context: express'";
    assert_eq!(refused.unwrap_err().to_string(), message);
    let redrive = RedriveExecution {
        execution_arn: arn.clone(),
        client_token: None,
    };
    let refused = engine.redrive_execution(redrive).await;
    assert_eq!(refused.unwrap_err().to_string(), message);
    // It has no other name.
    let name = &children[0].name;
    let standard = execution.arn.replace(":m:", ":m/each:");
    let standard = standard.replace(&execution.arn[execution.arn.len() - 36..], name);
    for other in [
        standard,
        arn.replace("/each:", "/other:"),
        arn.replace(":m/", ":n/"),
        arn.replace(&**name, "none"),
    ] {
        let describe = DescribeExecution {
            execution_arn: other.clone(),
        };
        let found = engine.describe_execution(describe).await;
        assert!(
            matches!(found, Err(OperationError::ExecutionDoesNotExist(_))),
            "{other}: {found:?}"
        );
    }
}

#[tokio::test]
async fn no_more_express_children_run_at_a_time_than_allowed() {
    let gate = Gate::new();
    let builder = Engine::builder().handler(RESOURCE, gate.clone());
    let engine = engine(builder.express_open_max(3)).await;
    let state = express(&task(), &json!({}));
    let execution = start_over(&engine, state, json!([1, 2, 3, 4, 5])).await;
    until_run(&engine, &execution, |run| run.items.begun.running == 3).await;
    // They keep no other Express execution out.
    assert!(engine.executor.express_room().is_some());
    gate.open.send_replace(true);
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!([1, 2, 3, 4, 5])));
    assert!(gate.most.load(Ordering::SeqCst) <= 3);
    assert!(
        lock(&engine.executor.0.live).is_empty(),
        "none has a driver"
    );
}

#[tokio::test]
async fn express_children_that_fail_count_against_what_is_tolerated() {
    let engine = engine(Engine::builder()).await;
    let state = express(&fail_odd(), &json!({"ToleratedFailureCount": 1}));
    let execution = start_over(&engine, state, json!([0, 1, 2])).await;
    let output = soon(execution.outcome()).await.unwrap().output.unwrap();
    assert_eq!((&output[0], &output[2]), (&json!(0), &json!(2)));
    assert_eq!(output[1]["Status"], "FAILED", "{output}");
    let arn = output[1]["ExecutionArn"].as_str().unwrap();
    assert!(arn.contains(":express:m/each:"), "{arn}");
    assert_eq!(output[1]["Input"], "1");
}

#[tokio::test]
async fn a_stopped_execution_stops_its_express_children() {
    let gate = Gate::new();
    let engine = engine(Engine::builder().handler(RESOURCE, gate.clone())).await;
    let execution = start_over(&engine, express(&task(), &json!({})), json!([1, 2])).await;
    until_run(&engine, &execution, |run| run.items.begun.running == 2).await;
    stop(&engine, &execution.arn).await;
    let run = until_run(&engine, &execution, |run| run.items.begun.aborted == 2).await;
    assert_eq!(run.items.begun.total(), 2);
    until_run(&engine, &execution, |run| {
        run.status == MapRunStatus::Aborted
    })
    .await;
    eventually(|| lock(&engine.executor.0.map_runs.0).is_empty()).await;
}

#[tokio::test]
async fn an_express_child_has_five_minutes() {
    let clock = ManualClock::new();
    let builder = Engine::builder().handler(RESOURCE, Gate::new());
    let engine = engine(builder.clock(clock.clone())).await;
    let state = express(&task(), &json!({"ToleratedFailurePercentage": 100}));
    let execution = start_over(&engine, state, json!([1])).await;
    until_run(&engine, &execution, |run| run.items.begun.running == 1).await;
    clock.advance(Duration::from_secs(299));
    assert_eq!(run_of(&engine, &execution).await.items.begun.running, 1);
    clock.advance(Duration::from_secs(1));
    soon(execution.outcome()).await.unwrap();
    let run = run_of(&engine, &execution).await;
    assert_eq!(run.items.begun.timed_out, 1);
    let children = children_of(&engine, &execution, None).await;
    let expected = Timestamp::EPOCH.after(Duration::from_mins(5));
    assert_eq!(children[0].stop_date, Some(expected));
}

#[tokio::test]
async fn express_children_run_again_after_a_restart_and_are_counted_once() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let gate = Gate::new();
    let builder = || {
        let builder = Engine::builder().store(Arc::clone(&store));
        builder.handler(RESOURCE, gate.clone())
    };
    let before = engine(builder()).await;
    let items: Vec<u32> = (0..40).collect();
    let state = express(&task(), &json!({"MaxConcurrency": 7}));
    let started = start_over(&before, state, json!(items)).await;
    until_run(&before, &started, |run| run.items.begun.running == 7).await;
    eventually(|| gate.running.load(Ordering::SeqCst) == 7).await;
    let arn = started.arn.clone();
    drop((before, started));
    end_leases(&*store).await;
    gate.open.send_replace(true);
    let after = engine(builder()).await;
    let execution = after.execution(&arn).await.unwrap();
    let outcome = soon(execution.outcome()).await.unwrap();
    assert_eq!(outcome.output, Some(json!(items)));
    let run = run_of(&after, &execution).await;
    assert_eq!(run.executions.begun.succeeded, 40);
    assert_eq!(run.executions.begun.total(), 40);
    let begun = lock(&gate.begun);
    let twice = begun.values().filter(|times| **times == 2).count();
    assert_eq!((begun.len(), twice), (40, 7), "{begun:?}");
}

#[tokio::test]
async fn express_children_that_nobody_wants_after_a_restart_are_not_run_again() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let gate = Gate::new();
    let builder = || {
        let builder = Engine::builder().store(Arc::clone(&store));
        builder.handler(RESOURCE, gate.clone())
    };
    let before = engine(builder()).await;
    let state = express(&task(), &json!({}));
    let started = start_over(&before, state, json!([1, 2])).await;
    until_run(&before, &started, |run| run.items.begun.running == 2).await;
    eventually(|| gate.running.load(Ordering::SeqCst) == 2).await;
    // Its end is durable, and the process ends before it gets to its run.
    let key = key(&before, &started).await;
    before.executor.0.map_runs.stop();
    soon(before.executor.send(key, Input::Stop(Failure::default()))).await;
    let arn = started.arn.clone();
    drop((before, started));
    end_leases(&*store).await;
    let after = engine(builder()).await;
    let execution = after.execution(&arn).await.unwrap();
    let run = until_run(&after, &execution, |run| {
        run.status == MapRunStatus::Aborted
    })
    .await;
    assert_eq!(run.items.begun.aborted, 2);
    assert!(lock(&gate.begun).values().all(|times| *times == 1));
}
