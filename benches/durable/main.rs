//! The durable core beside its targets: one run, one table.
//!
//! `cargo bench -p stepwell-benches --bench durable`, or with `-- starts tasks` the parts that are
//! named; `reads` must be, because it first writes ten million executions. Everything is durable, and the load is made in the process that carries it; a million
//! parked executions have a process of their own, whose memory is theirs.

mod load;
mod workers;
mod parked;
mod reads;
mod map_runs;

use std::path::Path;
use std::time::Duration;

use stepwell_benches::{map, numbers, order, task_chain, template_chain, ten_states};

use load::Load;

/// How large a run is.
#[derive(Clone, Copy)]
struct Scale {
    /// How long each load goes on.
    time: Duration,
    parked: usize,
    running: usize,
    map_width: u32,
    workers: usize,
    /// In the database that is read from.
    executions: u64,
    children: usize,
}

impl Scale {
    const BENCH: Self = Self {
        time: Duration::from_secs(4),
        parked: 1_000_000,
        running: 10_000,
        map_width: 10_000,
        workers: 64,
        executions: 10_000_000,
        children: 50_000,
    };
    /// Does it still work? Asked by `cargo test`.
    const TEST: Self = Self {
        time: Duration::from_millis(50),
        parked: 50,
        running: 20,
        map_width: 100,
        workers: 4,
        executions: 1_000,
        children: 20,
    };

    fn of_arguments() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        if arguments.iter().any(|argument| argument == "--bench") {
            Self::BENCH
        } else {
            Self::TEST
        }
    }
}

/// Tells the process of the parked executions from the first one.
const PARKED: &str = "STEPWELL_BENCH_PARKED";

fn main() {
    let scale = Scale::of_arguments();
    let folder = tempfile::tempdir().expect("there is a disk");
    let folder = folder.path();
    if std::env::var_os(PARKED).is_some() {
        parked::parked(folder, scale.parked);
        return;
    }
    println!("| what | figure | target |\n|---|---|---|");
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_test = scale.executions == Scale::TEST.executions;
    for (name, part) in PARTS {
        let is_wanted = match name {
            "reads" => is_test,
            _ => named.is_empty(),
        };
        if is_wanted || named.iter().any(|wanted| wanted == name) {
            part(folder, scale);
        }
    }
}

/// Writes rows of the table.
type Part = fn(&Path, Scale);

/// What can be named on the command line, in the order of the table.
const PARTS: [(&str, Part); 10] = [
    ("starts", starts),
    ("express", express),
    ("tasks", tasks),
    ("workers", workers),
    ("maps", maps),
    ("map_runs", |folder, scale| {
        map_runs::children(folder, scale.children);
    }),
    ("bytes", bytes),
    ("recovery", |folder, scale| {
        parked::recovery(folder, scale.running);
    }),
    ("parked", |_, _| parked_alone()),
    ("reads", reads::reads),
];

fn parked_alone() {
    let program = std::env::current_exe().expect("this is a program");
    let status = std::process::Command::new(program)
        .args(std::env::args().skip(1))
        .env(PARKED, "1")
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

fn row(what: &str, figure: impl std::fmt::Display, target: &str) {
    println!("| {what} | {figure} | {target} |");
}

/// How often the disk confirms a small write, one after the other.
fn syncs_per_second(folder: &Path, time: Duration) -> f64 {
    use std::io::Write;

    let mut file = std::fs::File::create(folder.join("syncs")).expect("there is room");
    let begun = std::time::Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < time {
        file.write_all(&[1; 8192]).expect("there is room");
        file.sync_data().expect("the disk works");
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

fn starts(folder: &Path, scale: Scale) {
    let syncs = syncs_per_second(folder, scale.time);
    row(
        "the disk alone: fdatasync/s of 8 KiB",
        format!("{syncs:.0}"),
        "",
    );
    let load = Load::open(&folder.join("starts.db"), &ten_states());
    let half = format!("half of the disk: {:.0}/s", syncs / 2.0);
    for (callers, target) in [(64, "20,000/s"), (1, half.as_str())] {
        let figure = load.library(callers, scale.time, false);
        let what = format!("ten states, start to end, library, callers: {callers}");
        row(&what, figure, target);
    }
    let many = "10,000/s, below 0.1 commits each, p99 below 50 ms";
    for (clients, target) in [(64, many), (1, half.as_str())] {
        let figure = load.http(clients, scale.time);
        let what = format!("ten states, start to end, HTTP, clients: {clients}");
        row(&what, figure, target);
    }
}

/// The same states without a journal.
fn express(folder: &Path, scale: Scale) {
    let load = Load::express(&folder.join("express.db"), &ten_states());
    for clients in [64, 1] {
        let figure = load.http(clients, scale.time);
        let what = format!("ten states, synchronous Express, HTTP, clients: {clients}");
        row(&what, figure, "");
    }
}

fn tasks(folder: &Path, scale: Scale) {
    let load = Load::open(&folder.join("tasks.db"), &task_chain(10));
    let figure = load.library(64, scale.time, true);
    let what = "ten tasks in a row, closures, callers: 64";
    row(what, figure, "2,000/s, which are 20,000 steps/s");
}

fn workers(folder: &Path, scale: Scale) {
    workers::steps(folder, scale);
    workers::latency(folder, scale);
}

fn maps(folder: &Path, scale: Scale) {
    let load = Load::open(&folder.join("maps.db"), &map(false));
    let each = |width: u32| load.once(&numbers(width as usize)).0 / width;
    each(100);
    let (narrow, wide) = (each(100), each(scale.map_width));
    let figure = format!(
        "{narrow:.2?} an item of 100, {wide:.2?} of {}",
        scale.map_width
    );
    row("an inline Map, from start to end", figure, "within 2 ×");
}

/// Bytes on the disk for states that each give out new data.
fn bytes(folder: &Path, scale: Scale) {
    const STATES: u64 = 20;
    let file = folder.join("bytes.db");
    let load = Load::open(&file, &template_chain(STATES as usize));
    let input = order(1024);
    let mut payloads = 0;
    for _ in 0..scale.map_width / 10 {
        let (_, output) = load.once(&input);
        payloads += STATES * output.to_string().len() as u64;
    }
    drop(load);
    let copy = folder.join("bytes-copy.db");
    let size = stepwell::maintenance::back_up(&file, &copy).expect("it can be copied");
    let figure = format!("{:.2} × the payload", size as f64 / payloads as f64);
    row(
        "disk for states that each give out 2 KiB of new data",
        figure,
        "1.5 ×",
    );
}
