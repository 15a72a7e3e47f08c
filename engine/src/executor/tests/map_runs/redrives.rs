//! Redriven executions go on with their Map Runs.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use stepwell_interpreter::execution::Limits;

use crate::OperationError;
use crate::integrations::TaskError;
use crate::operations::{GetExecutionHistory, RedriveExecution, RedriveStatus};

use super::*;

/// Fails for some of its inputs until it is mended, and counts how often each comes.
#[derive(Clone, Default)]
struct Fragile {
    broken: Arc<Mutex<BTreeSet<u64>>>,
    is_held: Arc<AtomicBool>,
    changed: Arc<tokio::sync::Notify>,
    times: Arc<Mutex<BTreeMap<u64, u64>>>,
}

impl Fragile {
    fn new(broken: &[u64]) -> Self {
        Self {
            broken: Arc::new(Mutex::new(broken.iter().copied().collect())),
            ..Self::default()
        }
    }

    fn mend(&self) {
        lock(&self.broken).clear();
    }

    /// Whether nobody gets an answer for now.
    fn hold(&self, is_held: bool) {
        self.is_held.store(is_held, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    fn times(&self, input: u64) -> u64 {
        lock(&self.times).get(&input).copied().unwrap_or(0)
    }
}

impl TaskHandler for Fragile {
    fn run(&self, task: Task) -> TaskFuture {
        let own = self.clone();
        Box::pin(async move {
            let input = task.parameters.value().as_u64().unwrap();
            *lock(&own.times).entry(input).or_default() += 1;
            loop {
                let changed = own.changed.notified();
                if !own.is_held.load(Ordering::SeqCst) {
                    break;
                }
                changed.await;
            }
            if lock(&own.broken).contains(&input) {
                return Err(TaskError::new("No", "it is broken"));
            }
            Ok(TaskAnswer::Succeeded(task.parameters))
        })
    }
}

fn of_kind(kind: &str, more: &Value) -> Value {
    let mut state = distributed(&task(), more);
    state["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] = json!(kind);
    state
}

async fn redrive(engine: &Engine, arn: &str) -> Result<(), OperationError> {
    let request = RedriveExecution {
        execution_arn: arn.to_owned(),
        client_token: None,
    };
    engine.redrive_execution(request).await.map(|_| ())
}

async fn history(engine: &Engine, arn: &str) -> Vec<String> {
    let request = GetExecutionHistory {
        execution_arn: arn.to_owned(),
        reverse_order: false,
        include_execution_data: false,
        max_results: None,
        next_token: None,
    };
    let entries = engine.get_execution_history(request).await.unwrap().events;
    entries.into_iter().map(|entry| entry.event_type).collect()
}

const KINDS: [&str; 2] = ["STANDARD", "EXPRESS"];

#[tokio::test]
async fn what_failed_goes_on_and_what_succeeded_is_kept() {
    for kind in KINDS {
        let fragile = Fragile::new(&[1, 3]);
        let engine = engine(Engine::builder().handler(RESOURCE, fragile.clone())).await;
        // One at a time: the others have not begun when it is too much.
        let more = json!({"MaxConcurrency": 1, "ToleratedFailureCount": 1});
        let state = of_kind(kind, &more);
        let execution = start_over(&engine, state, json!([0, 1, 2, 3, 4, 5])).await;
        let outcome = soon(execution.outcome()).await.unwrap();
        let exceeded = "States.ExceedToleratedFailureThreshold";
        assert_eq!(outcome.error.as_deref(), Some(exceeded));
        let first = run_of(&engine, &execution).await;
        assert_eq!((first.items.begun.failed, first.items.pending), (2, 2));
        let failed = children_of(&engine, &execution, Some(ExecutionStatus::Failed)).await;
        let child = describe(&engine, &failed[0].execution_arn).await;
        assert_eq!(child.redrive_status, RedriveStatus::RedrivableByMapRun);
        let alone = redrive(&engine, &failed[0].execution_arn).await;
        assert!(alone.is_err(), "{kind}");
        fragile.mend();
        redrive(&engine, &execution.arn).await.unwrap();
        let outcome = soon(execution.outcome()).await.unwrap();
        assert_eq!(outcome.output, Some(json!([0, 1, 2, 3, 4, 5])), "{kind}");
        let run = run_of(&engine, &execution).await;
        assert_eq!(run.map_run_arn, first.map_run_arn);
        assert_eq!(
            (run.status, run.redrive_count),
            (MapRunStatus::Succeeded, 1)
        );
        assert!(run.redrive_date.is_some());
        let succeeded = Counts {
            succeeded: 6,
            ..Counts::default()
        };
        assert_eq!(run.executions.begun, succeeded, "{kind}");
        let times: Vec<_> = (0..6).map(|input| fragile.times(input)).collect();
        assert_eq!(times, [1, 2, 1, 2, 1, 1], "{kind}");
        let child = describe(&engine, &failed[0].execution_arn).await;
        assert_eq!(child.status, ExecutionStatus::Succeeded);
        assert_eq!(child.redrive_count, 1);
        let children = children_of(&engine, &execution, None).await;
        let redriven = children.iter().filter(|child| child.redrive_count == 1);
        assert_eq!((children.len(), redriven.count()), (6, 2), "{kind}");
        let history = history(&engine, &execution.arn).await;
        let expected = [
            "ExecutionRedriven",
            "MapRunRedriven",
            "MapRunSucceeded",
            "MapStateSucceeded",
            "MapStateExited",
            "ExecutionSucceeded",
        ];
        assert!(
            history.ends_with(&expected.map(str::to_owned)),
            "{history:?}"
        );
    }
}

#[tokio::test]
async fn a_run_is_redriven_while_it_is_still_being_given_up() {
    for kind in KINDS {
        let fragile = Fragile::default();
        fragile.hold(true);
        let engine = engine(Engine::builder().handler(RESOURCE, fragile.clone())).await;
        let execution = start_over(&engine, of_kind(kind, &json!({})), json!([0, 1, 2])).await;
        let first = until_run(&engine, &execution, |run| run.items.begun.running == 3).await;
        for count in 1..=3 {
            stop(&engine, &execution.arn).await;
            redrive(&engine, &execution.arn).await.unwrap();
            until_run(&engine, &execution, |run| {
                run.redrive_count == count && run.items.begun.running == 3
            })
            .await;
        }
        fragile.hold(false);
        let outcome = soon(execution.outcome()).await.unwrap();
        assert_eq!(outcome.output, Some(json!([0, 1, 2])), "{kind}");
        let run = run_of(&engine, &execution).await;
        assert_eq!(run.map_run_arn, first.map_run_arn);
        assert_eq!(run.executions.begun.succeeded, 3);
        assert_eq!(run.executions.begun.total(), 3);
        eventually(|| lock(&engine.executor.0.map_runs.0).is_empty()).await;
    }
}

#[tokio::test]
async fn children_wait_for_their_turn() {
    for kind in KINDS {
        let fragile = Fragile::new(&[0, 1, 2]);
        let engine = engine(Engine::builder().handler(RESOURCE, fragile.clone())).await;
        let state = of_kind(
            kind,
            &json!({"ToleratedFailureCount": 2, "MaxConcurrency": 1}),
        );
        let execution = start_over(&engine, state, json!([0, 1, 2])).await;
        soon(execution.outcome()).await.unwrap();
        fragile.hold(true);
        redrive(&engine, &execution.arn).await.unwrap();
        let run = until_run(&engine, &execution, |run| run.items.begun.running == 1).await;
        assert_eq!(run.items.begun.pending_redrive, 2, "{kind}");
        let waiting = children_of(&engine, &execution, Some(ExecutionStatus::PendingRedrive)).await;
        assert_eq!(waiting.len(), 2);
        let child = describe(&engine, &waiting[0].execution_arn).await;
        assert_eq!(child.status, ExecutionStatus::PendingRedrive);
        // Given up again, they still wait; the next redrive takes them up.
        stop(&engine, &execution.arn).await;
        let aborted = |run: &MapRunDescription| run.status == MapRunStatus::Aborted;
        let run = until_run(&engine, &execution, aborted).await;
        let begun = run.items.begun;
        assert_eq!((begun.pending_redrive, begun.aborted), (2, 1), "{kind}");
        fragile.mend();
        fragile.hold(false);
        redrive(&engine, &execution.arn).await.unwrap();
        let outcome = soon(execution.outcome()).await.unwrap();
        assert_eq!(outcome.output, Some(json!([0, 1, 2])), "{kind}");
    }
}

#[tokio::test]
async fn a_redrive_goes_on_after_a_restart() {
    for kind in KINDS {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let fragile = Fragile::new(&[0, 1, 2, 3]);
        let builder = || {
            let builder = Engine::builder().store(Arc::clone(&store));
            builder.handler(RESOURCE, fragile.clone())
        };
        let before = engine(builder()).await;
        let more = json!({"MaxConcurrency": 2, "ToleratedFailureCount": 3});
        let started = start_over(&before, of_kind(kind, &more), json!([0, 1, 2, 3, 4])).await;
        soon(started.outcome()).await.unwrap();
        fragile.mend();
        fragile.hold(true);
        redrive(&before, &started.arn).await.unwrap();
        until_run(&before, &started, |run| run.items.begun.running == 2).await;
        let arn = started.arn.clone();
        drop((before, started));
        end_leases(&*store).await;
        fragile.hold(false);
        let after = engine(builder()).await;
        let execution = after.execution(&arn).await.unwrap();
        let outcome = soon(execution.outcome()).await.unwrap();
        assert_eq!(outcome.output, Some(json!([0, 1, 2, 3, 4])), "{kind}");
        let run = run_of(&after, &execution).await;
        assert_eq!(run.executions.begun.succeeded, 5, "{kind}");
        assert_eq!(run.executions.begun.total(), 5);
        assert_eq!(run.redrive_count, 1);
    }
}

#[tokio::test]
async fn what_cannot_be_redriven_is_counted_and_stays_as_it_is() {
    let fragile = Fragile::new(&[0]);
    // Room for the parent to be redriven, and none for its child.
    let limits = Limits {
        history_events_max: 11,
        ..Limits::default()
    };
    let builder = Engine::builder().handler(RESOURCE, fragile.clone());
    let engine = engine(builder.limits(limits)).await;
    let mut state = of_kind("STANDARD", &json!({}));
    state["ItemProcessor"]["States"] = json!({
        "Inner": {"Type": "Pass", "Next": "Second"},
        "Second": {"Type": "Pass", "Next": "Third"},
        "Third": task(),
    });
    let execution = start_over(&engine, state, json!([0])).await;
    soon(execution.outcome()).await.unwrap();
    let failed = children_of(&engine, &execution, None).await;
    let child = describe(&engine, &failed[0].execution_arn).await;
    let limit = "Execution history event limit exceeded".to_owned();
    assert_eq!(child.redrive_status, RedriveStatus::NotRedrivable(limit));
    fragile.mend();
    redrive(&engine, &execution.arn).await.unwrap();
    soon(execution.outcome()).await.unwrap();
    let run = run_of(&engine, &execution).await;
    assert_eq!((run.status, run.redrive_count), (MapRunStatus::Failed, 1));
    assert_eq!(run.items.failures_not_redrivable, 1);
    assert_eq!(run.executions.failures_not_redrivable, 1);
    assert_eq!((run.items.begun.failed, run.items.total), (1, 1));
    assert_eq!(fragile.times(0), 1);
}

#[tokio::test]
async fn results_that_were_too_large_are_those_of_a_new_run() {
    let engine = engine(Engine::builder()).await;
    let wide = json!({"Type": "Pass", "Result": "x".repeat(3_000), "End": true});
    let items = vec![0; 100];
    let execution = start_over(&engine, distributed(&wide, &json!({})), json!(items)).await;
    soon(execution.outcome()).await.unwrap();
    let first = run_of(&engine, &execution).await;
    redrive(&engine, &execution.arn).await.unwrap();
    soon(execution.outcome()).await.unwrap();
    let second = run_of(&engine, &execution).await;
    assert_ne!(first.map_run_arn, second.map_run_arn);
    assert_eq!(second.redrive_count, 0);
}
