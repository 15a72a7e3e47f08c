//! Many executions at once: parked for a time, or cut down in the middle of their work.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stepwell::clock::{Clock, SystemClock};
use stepwell::interpreter::Timestamp;
use stepwell::operations::StartExecution;
use stepwell::{Engine, TaskError};
use stepwell_benches::{FUNCTION, Successes};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::row;

/// Starts that are under way at a time.
const CALLERS: usize = 64;

/// The system's clock, which can be set forward.
#[derive(Clone, Default)]
struct ForwardClock {
    offset: Arc<AtomicI64>,
    changed: Arc<Notify>,
}

impl Clock for ForwardClock {
    fn now(&self) -> Timestamp {
        let offset = self.offset.load(Ordering::SeqCst);
        Timestamp::from_milliseconds(SystemClock.now().milliseconds() + offset)
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let changed = self.changed.notified();
                let left = at.since(self.now());
                if left.is_zero() {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(left.min(Duration::from_secs(60))) => {}
                    () = changed => {}
                }
            }
        })
    }
}

/// Executions that wait for a day: what they cost, how fast a start finds them, and how fast they
/// go on when the day is over.
pub(crate) fn parked(folder: &Path, count: usize) {
    let runtime = Runtime::new().expect("there are threads");
    let file = folder.join("parked.db");
    let clock = ForwardClock::default();
    let ended = Successes::default();
    let open = async || {
        let observer = ended.observer();
        Engine::builder()
            .database(&file)
            .clock(Arc::new(clock.clone()))
            .observer(move |execution, events| observer(execution, events))
            .build()
            .await
            .expect("the engine starts")
    };
    let wait = json!({"Type": "Wait", "Seconds": 86_400, "End": true});
    let definition = json!({"StartAt": "W", "States": {"W": wait}});
    runtime.block_on(async {
        let engine = open().await;
        let begun = Instant::now();
        start(&engine, &definition, count).await;
        let rate = count as f64 / begun.elapsed().as_secs_f64();
        row(
            &format!("{count} executions started that park"),
            format!("{rate:.0}/s"),
            "",
        );
        drop(engine);

        let before = resident();
        let begun = Instant::now();
        let engine = open().await;
        let ready = begun.elapsed();
        let more = resident().saturating_sub(before) >> 20;
        row(
            "a start that finds them, until it is ready",
            format!("{ready:.2?}"),
            "10 s for 1,000,000",
        );
        let figure = format!(
            "{} MiB, {more} of them since it was opened",
            resident() >> 20
        );
        row(
            "memory of the process with them parked",
            figure,
            "below 1 GiB for 1,000,000",
        );

        let begun = Instant::now();
        clock.offset.fetch_add(2 * 86_400_000, Ordering::SeqCst);
        clock.changed.notify_waiters();
        while ended.count() < count as u64 {
            tokio::task::yield_now().await;
            std::thread::sleep(Duration::from_millis(1));
        }
        let rate = count as f64 / begun.elapsed().as_secs_f64();
        row("all of them due at once", format!("{rate:.0}/s"), "5,000/s");
        drop(engine);
    });
}

/// Executions whose tasks are under way when the process ends: how long until all are again.
pub(crate) fn recovery(folder: &Path, count: usize) {
    let runtime = Runtime::new().expect("there are threads");
    let file = folder.join("recovery.db");
    let calls = Arc::new(AtomicU64::new(0));
    let open = async || {
        let calls = Arc::clone(&calls);
        let never = move |_: Value| {
            calls.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<Result<Value, TaskError>>()
        };
        let builder = Engine::builder().database(&file).task(FUNCTION, never);
        builder.build().await.expect("the engine starts")
    };
    let task = json!({"Type": "Task", "Resource": FUNCTION, "End": true});
    let definition = json!({"StartAt": "T", "States": {"T": task}});
    runtime.block_on(async {
        let engine = open().await;
        start(&engine, &definition, count).await;
        called(&calls, count).await;
        // All drivers end where they stand, as in a crash.
        drop(engine);
        calls.store(0, Ordering::SeqCst);
        let begun = Instant::now();
        let engine = open().await;
        called(&calls, count).await;
        let took = begun.elapsed();
        let what = format!("{count} executions with a task under way, all going again");
        row(&what, format!("{took:.2?}"), "5 s for 10,000");
        drop(engine);
    });
}

async fn called(calls: &AtomicU64, count: usize) {
    while calls.load(Ordering::SeqCst) < count as u64 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn start(engine: &Engine, definition: &Value, count: usize) {
    let definition = definition.to_string();
    let created = engine.create_state_machine("many", &definition);
    let machine = created.await.expect("the definition is valid").arn;
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (engine, machine) = (engine.clone(), machine.clone());
            let each = count / CALLERS + usize::from(caller < count % CALLERS);
            tokio::spawn(async move {
                for _ in 0..each {
                    let request = StartExecution::new(&machine, "{}");
                    engine.start_execution(request).await.expect("it starts");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no caller panics");
    }
}

/// Bytes of memory that the process holds; 0 where the system does not tell.
pub(crate) fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|line| line.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}
