//! Engines that share a store: one reaches what the other drives, and goes on when it is gone.

use std::path::Path;

use crate::operations::{ListMapRuns, StopExecution, UpdateMapRun};
use crate::store::Store;
use crate::store::map_run::LimitChange;
use crate::store::sqlite::SqliteStore;

use super::*;

const LEASE: Duration = Duration::from_secs(15);
const TOKEN: &str = "arn:aws:states:::sqs:sendMessage.waitForTaskToken";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

/// Stores that can be shared.
fn stores(folder: &Path) -> Vec<Arc<dyn Store>> {
    let file = SqliteStore::open(&folder.join("test.db")).unwrap();
    vec![Arc::new(MemoryStore::new()), Arc::new(file)]
}

async fn sharing(
    store: &Arc<dyn Store>,
    clock: &Arc<ManualClock>,
    handler: impl TaskHandler + Clone,
) -> Engine {
    let builder = Engine::builder()
        .store(Arc::clone(store))
        .clock(Arc::clone(clock) as Arc<dyn Clock>)
        .handler(TOKEN, Submitter)
        .handler(FUNCTION, handler)
        .lease(LEASE);
    engine(builder).await
}

async fn stop(engine: &Engine, arn: &str) -> Result<Timestamp, crate::OperationError> {
    let request = StopExecution {
        execution_arn: arn.to_owned(),
        error: Some("Enough".to_owned()),
        cause: None,
    };
    soon(engine.stop_execution(request)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_stopped_through_an_engine_that_does_not_drive_it() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()) {
        let clock = ManualClock::new();
        let first = sharing(&store, &clock, Endless::default()).await;
        let second = sharing(&store, &clock, Endless::default()).await;
        for resource in [FUNCTION, TOKEN] {
            let task = json!({"Type": "Task", "Resource": resource, "End": true});
            let definition = json!({"StartAt": "A", "States": {"A": task}}).to_string();
            let name = if resource == TOKEN {
                "token"
            } else {
                "function"
            };
            let machine = first.create_state_machine(name, &definition).await.unwrap();
            let execution = first.start(&machine, json!({})).await.unwrap();

            stop(&second, &execution.arn).await.unwrap();
            let there = second.execution(&execution.arn).await.unwrap();
            let outcome = soon(there.outcome()).await.unwrap();
            assert_eq!(outcome.status, ExecutionStatus::Aborted);
            assert_eq!(outcome.error.as_deref(), Some("Enough"));
            let record = first.find_execution(&execution.arn).await.unwrap();
            assert_eq!(record.owner, first.executor.epoch(), "nobody took it over");
            // What comes too late is answered too.
            let key = record.key;
            let late = second.executor.send(key, Input::Stop(Failure::default()));
            assert_eq!(soon(late).await, Some(false));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_goes_on_with_what_another_one_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()) {
        let clock = ManualClock::new();
        let begun = Endless::default();
        let first = sharing(&store, &clock, begun.clone()).await;
        let task = json!({"Type": "Task", "Resource": FUNCTION, "End": true});
        let working = start(&first, task).await;
        let wait = json!({"Type": "Wait", "Seconds": 3600, "End": true});
        let waiting = start(&first, wait).await;
        eventually(|| begun.0.load(Ordering::SeqCst) == 1).await;
        // It is cut off: it neither works nor renews its lease, and does not say so.
        first.executor.stop();
        first.end_duties();

        let again = Endless::default();
        let second = sharing(&store, &clock, again.clone()).await;
        let held = second.find_execution(&working.arn).await.unwrap();
        assert_eq!(held.owner, first.executor.epoch());
        assert_eq!(again.0.load(Ordering::SeqCst), 0);
        eventually(|| {
            clock.advance(Duration::from_secs(1));
            again.0.load(Ordering::SeqCst) == 1
        })
        .await;
        let taken = second.find_execution(&working.arn).await.unwrap();
        assert_eq!(taken.owner, second.executor.epoch());

        clock.advance(Duration::from_hours(2));
        let waited = second.execution(&waiting.arn).await.unwrap();
        let outcome = soon(waited.outcome()).await.unwrap();
        assert_eq!(outcome.status, ExecutionStatus::Succeeded);
        stop(&second, &working.arn).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_dropped_leaves_at_once() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock = ManualClock::new();
    let first = sharing(&store, &clock, Endless::default()).await;
    drop(first);
    let leases = async || store.owners().leases().await.unwrap().len();
    soon(async {
        while leases().await > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_whose_lease_was_ended_steps_down() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock = ManualClock::new();
    let engine = sharing(&store, &clock, Endless::default()).await;
    store.owners().leave(engine.executor.epoch()).await.unwrap();
    eventually(|| {
        clock.advance(Duration::from_secs(1));
        engine.readiness().is_err()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_redriven_once_by_whichever_engine_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()) {
        let clock = ManualClock::new();
        let first = sharing(&store, &clock, Endless::default()).await;
        let second = sharing(&store, &clock, Endless::default()).await;
        let wait = json!({"Type": "Wait", "Seconds": 3600, "End": true});
        let here = start(&first, wait).await;
        let there = second.execution(&here.arn).await.unwrap();
        for redrives in 1..4 {
            stop(&first, &here.arn).await.unwrap();
            let calls: Vec<_> = [&here, &there]
                .into_iter()
                .cycle()
                .take(16)
                .cloned()
                .map(|handle| tokio::spawn(async move { handle.redrive().await }))
                .collect();
            let mut done = 0;
            for call in calls {
                match soon(call).await.unwrap() {
                    Ok(_) => done += 1,
                    Err(crate::OperationError::ExecutionNotRedrivable(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(done, 1);
            assert_eq!(there.describe().await.unwrap().redrive_count, redrives);
        }
        for handle in [here, there] {
            let ended = tokio::spawn(async move { handle.outcome().await });
            eventually(|| {
                clock.advance(Duration::from_secs(10));
                ended.is_finished()
            })
            .await;
            let outcome = ended.await.unwrap().unwrap();
            assert_eq!(outcome.status, ExecutionStatus::Succeeded);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_run_takes_new_limits_from_an_engine_that_does_not_run_it() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()) {
        let clock = ManualClock::new();
        let first = sharing(&store, &clock, Endless::default()).await;
        let second = sharing(&store, &clock, Endless::default()).await;
        let each = json!({
            "Type": "Map",
            "MaxConcurrency": 1,
            "Label": "each",
            "ItemsPath": "$.items",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Inner",
                "States": {"Inner": {"Type": "Task", "Resource": FUNCTION, "End": true}},
            },
            "End": true,
        });
        let definition = json!({"StartAt": "A", "States": {"A": each}}).to_string();
        let machine = first.create_state_machine("m", &definition).await.unwrap();
        let input = json!({"items": [1, 2, 3]});
        let execution = first.start(&machine, input).await.unwrap();
        let list = || ListMapRuns {
            execution_arn: execution.arn.clone(),
            max_results: None,
            next_token: None,
        };
        let running = async |wanted: u64| {
            loop {
                let listed = second.list_map_runs(list()).await.unwrap();
                if let Some(run) = listed.map_runs.first() {
                    let run = second.describe_map_run(&run.map_run_arn).await.unwrap();
                    if run.items.begun.running == wanted {
                        return run.map_run_arn;
                    }
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let map_run_arn = soon(running(1)).await;
        let limits = LimitChange {
            concurrency_max: Some(3),
            ..LimitChange::default()
        };
        let update = UpdateMapRun {
            map_run_arn,
            limits,
        };
        second.update_map_run(update).await.unwrap();
        soon(running(3)).await;
    }
}
