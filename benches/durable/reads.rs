//! What is asked of a database with many executions, and what asking costs those who write.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stepwell::clock::{Clock, SystemClock};
use stepwell::interpreter::event::Event;
use stepwell::interpreter::{Payload, Timestamp, journal};
use stepwell::operations::{DescribeExecution, GetExecutionHistory, ListExecutions};
use stepwell::store::{
    Chunk, Creation, Epoch, ExecutionRecord, ExecutionStatus, NewExecution, StateMachineRecord,
};
use stepwell_benches::{machine, order, run, started, ten_states};

use crate::load::Load;
use crate::{Scale, row};

/// Over which the executions have been started, so that none is old enough to be removed.
const DAYS: i64 = 30;

/// Writes that are under way at a time.
const WRITERS: u64 = 512;

/// One in so many has failed.
const FAILED_EACH: u64 = 100;

/// How far into the list the deep page lies.
const DEPTH_PAGES: usize = 1_000;

pub(crate) fn reads(folder: &Path, scale: Scale) {
    let load = Load::open(&folder.join("reads.db"), &ten_states());
    fill(&load, scale.executions);
    let count = scale.executions;
    let ask = |what: &str, figure: String| {
        row(&format!("of {count} executions: {what}"), figure, "");
    };
    let page = |status| ListExecutions {
        state_machine_arn: load.machine.clone(),
        status_filter: status,
        ..ListExecutions::default()
    };
    for (what, status) in [
        ("the first 100", None),
        ("the first 100 that failed", Some(ExecutionStatus::Failed)),
        ("those that run, none", Some(ExecutionStatus::Running)),
    ] {
        let list = || load.engine.list_executions(page(status));
        ask(what, timed(&load, scale.time, |_| list()));
    }
    let deep = deep_token(&load, page(None));
    let list = |token| ListExecutions {
        next_token: token,
        ..page(None)
    };
    ask(
        "100 from deep in the list",
        timed(&load, scale.time, |_| {
            load.engine.list_executions(list(deep.clone()))
        }),
    );
    ask(
        "one described",
        timed(&load, scale.time, |number| {
            let execution_arn = arn(&load, scattered(number, count));
            load.engine
                .describe_execution(DescribeExecution { execution_arn })
        }),
    );
    ask(
        "the history of one, 22 events",
        timed(&load, scale.time, |number| {
            load.engine
                .get_execution_history(history(&load, scattered(number, count)))
        }),
    );
    beside_writers(&load, scale);
}

/// What starts cost while two others read without a pause.
fn beside_writers(load: &Load, scale: Scale) {
    let what = |readers: u8| {
        let count = scale.executions;
        format!("with {count} executions: ten states, library, callers: 64, readers: {readers}")
    };
    row(&what(0), load.library(64, scale.time, false), "");
    let is_over = Arc::new(AtomicBool::new(false));
    let read = Arc::new(AtomicU64::new(0));
    let readers: Vec<_> = (0..2)
        .map(|reader| {
            let (is_over, read) = (Arc::clone(&is_over), Arc::clone(&read));
            let (engine, machine) = (load.engine.clone(), load.machine.clone());
            let arns: Vec<_> = (0..1_000)
                .map(|number| history(load, scattered(2 * number + reader, scale.executions)))
                .collect();
            load.runtime.spawn(async move {
                for asked in arns.iter().cycle() {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let history = engine.get_execution_history(asked.clone()).await;
                    history.expect("it is there");
                    let list = ListExecutions {
                        state_machine_arn: machine.clone(),
                        ..ListExecutions::default()
                    };
                    engine.list_executions(list).await.expect("it is there");
                    read.fetch_add(2, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let figure = load.library(64, scale.time, false);
    is_over.store(true, Ordering::Relaxed);
    for reader in readers {
        load.runtime.block_on(reader).expect("no reader panics");
    }
    let rate = read.load(Ordering::Relaxed) as f64 / scale.time.as_secs_f64();
    row(&what(2), format!("{figure}, {rate:.0} reads/s"), "");
}

/// Writes executions that have ended, all with the journal of the same one.
fn fill(load: &Load, count: u64) {
    let machine = machine(&ten_states());
    let mut events: Vec<Event> = Vec::new();
    let input = Payload::from_value(order(256));
    let execution = run(&machine, &started(&input), |chain| events.extend(chain));
    let history = execution.last_history_id().0;
    let chunk = Chunk {
        first: 1,
        last: events.last().expect("it ran").sequence.0,
        first_history: 1,
        last_history: history,
        bytes: journal::encode(&events),
    };
    let begun = Instant::now();
    load.runtime.block_on(async {
        let owner = load.store.owners().join(Timestamp::MAX).await;
        let owner = owner.expect("the store works");
        let machine = load.store.state_machine("load").await;
        let machine = Arc::new(machine.expect("the store works").expect("it was created"));
        let now = SystemClock.now();
        let writers = (0..WRITERS).map(|writer| {
            let (store, chunk) = (Arc::clone(&load.store), chunk.clone());
            let machine = Arc::clone(&machine);
            tokio::spawn(async move {
                let mut number = writer;
                while number < count {
                    let created = store.create_execution(NewExecution {
                        record: record(&machine, owner, number, count, now),
                        chunks: vec![chunk.clone()],
                        waiting: Vec::new(),
                    });
                    assert_eq!(created.await.expect("there is room"), Creation::Created);
                    number += WRITERS;
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("no writer panics");
        }
    });
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    row(
        &format!("{count} executions written to the store"),
        format!("{rate:.0}/s"),
        "",
    );
}

fn record(
    machine: &StateMachineRecord,
    owner: Epoch,
    number: u64,
    count: u64,
    now: Timestamp,
) -> ExecutionRecord {
    const DAY_MILLISECONDS: i64 = 86_400_000;
    let part = (count - number) as f64 / count as f64;
    let ago = (DAYS * DAY_MILLISECONDS) as f64 * part;
    let started_at = Timestamp::from_milliseconds(now.milliseconds() - ago as i64);
    ExecutionRecord {
        key: owner.execution_key(number + 1),
        state_machine: machine.key,
        revision: machine.revision,
        owner,
        name: name(number),
        status: match number % FAILED_EACH {
            0 => ExecutionStatus::Failed,
            _ => ExecutionStatus::Succeeded,
        },
        started_at,
        stopped_at: Some(started_at),
        wake_at: None,
        details: None,
        child: None,
    }
}

fn name(number: u64) -> String {
    format!("order-{number}")
}

/// The numbers of executions that lie far from each other, one after the other.
fn scattered(number: u64, count: u64) -> u64 {
    const FAR: u64 = 7_368_787;
    number.wrapping_mul(FAR) % count
}

fn arn(load: &Load, number: u64) -> String {
    let prefix = load.machine.replace(":stateMachine:", ":execution:");
    format!("{prefix}:{}", name(number))
}

fn history(load: &Load, number: u64) -> GetExecutionHistory {
    GetExecutionHistory {
        execution_arn: arn(load, number),
        max_results: None,
        reverse_order: false,
        next_token: None,
        include_execution_data: true,
    }
}

/// The token of a page far behind the first.
fn deep_token(load: &Load, first: ListExecutions) -> Option<String> {
    load.runtime.block_on(async {
        let mut asked = ListExecutions {
            max_results: Some(1_000),
            ..first
        };
        for _ in 0..DEPTH_PAGES {
            let page = load.engine.list_executions(asked.clone()).await;
            match page.expect("it can be listed").next_token {
                Some(token) => asked.next_token = Some(token),
                None => break,
            }
        }
        asked.next_token
    })
}

/// Asks one time after the other.
fn timed<T, E, F>(load: &Load, time: Duration, ask: impl Fn(u64) -> F) -> String
where
    E: std::fmt::Debug,
    F: Future<Output = Result<T, E>>,
{
    let mut took = Vec::new();
    load.runtime.block_on(async {
        let begun = Instant::now();
        for number in 0.. {
            let asked = Instant::now();
            ask(number).await.expect("it is there");
            took.push(asked.elapsed());
            if begun.elapsed() >= time / 2 {
                break;
            }
        }
    });
    took.sort_unstable();
    format!(
        "p50 {:.1?}, p99 {:.1?}",
        took[took.len() / 2],
        took[took.len() * 99 / 100]
    )
}
