//! The real process, killed with SIGKILL at random moments and started again on its file.
//!
//! Every execution whose start was answered has to end as it should, with a history that shows no
//! trace of what the process went through. When it is killed, what was written to the file stays;
//! [`disk`] has the failures of the disk, and power cuts, after which only what was synced stays.
//! `STEPWELL_CRASH_SEED` repeats the choices of a run, though not the moments at which the operating
//! system carries them out.
//!
//! `cargo crash -- --kills 1000` for a long run; a word picks the tests whose names have it.

mod process;
mod faults;
mod chance;
mod workload;
mod judge;
mod disk;
mod workers;
mod map_runs;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use stepwell_tests::client::{self, Client};

use chance::Chance;
use faults::Library;
use judge::Ledger;
use process::{Folder, Process};
use workload::{Acknowledged, Load};

/// Kills of a run without arguments.
const KILLS: usize = 25;

/// Starts that are asked for between two kills, at most.
const REQUESTS: usize = 30;

/// What a run is asked to do.
struct Arguments {
    kills: usize,
    /// A part of the names of the tests to run.
    wanted: String,
}

/// Runs a test if its name is wanted.
macro_rules! run {
    ($wanted:expr, $test:path $(, $argument:expr)*) => {
        if stringify!($test).contains($wanted.as_str()) {
            println!("test {}", stringify!($test));
            $test($($argument),*).await;
        }
    };
}

fn main() -> ExitCode {
    let Some(Arguments { kills, wanted }) = arguments(std::env::args().skip(1)) else {
        eprintln!("usage: cargo crash -- [--kills COUNT] [PART-OF-A-NAME]");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("there are threads");
    runtime.block_on(async {
        run!(wanted, a_second_process_on_the_same_file_is_refused);
        run!(wanted, a_termination_lets_the_process_end_well);
        if let Some(disk) = &Library::build() {
            run!(wanted, disk::a_full_disk_refuses_starts_for_a_while, disk);
            run!(wanted, disk::a_failed_disk_ends_all_answers, disk);
            run!(wanted, disk::writes_that_are_cut_short_are_completed, disk);
            run!(wanted, disk::a_failing_disk_ends_a_start_in_one_line, disk);
            run!(
                wanted,
                disk::all_that_was_acknowledged_survives_power_cuts,
                disk
            );
        }
        run!(wanted, every_acknowledged_execution_survives_kills, kills);
        run!(wanted, workers::lose_nothing_in_kills, kills / 5);
        run!(wanted, map_runs::have_each_item_once_after_kills, kills / 5);
    });
    ExitCode::SUCCESS
}

/// What the arguments ask for. What the test runner adds for other tests means nothing here.
fn arguments(mut arguments: impl Iterator<Item = String>) -> Option<Arguments> {
    let (mut kills, mut wanted) = (KILLS, String::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--kills" => kills = arguments.next()?.parse().ok()?,
            "--nocapture" | "--no-capture" | "--quiet" | "-q" => {}
            word if !word.starts_with('-') => wanted = argument,
            _ => return None,
        }
    }
    Some(Arguments { kills, wanted })
}

async fn every_acknowledged_execution_survives_kills(wanted: usize) {
    let mut chance = Chance::of_this_run();
    let folder = Folder::new(workload::CONFIGURATION);
    folder.write("ledger.sh", workload::LEDGER_SCRIPT);
    let mut load = Load::default();

    let process = Process::start(&folder);
    let (process, client) = process.listening().await;
    workload::create_machines(&client).await;
    process.kill().await;

    let mut kills = 1;
    while kills < wanted {
        let process = Process::start(&folder);
        // A start that is interrupted must do no harm either.
        if chance.one_in(5) {
            polled(chance.below(150)).await;
            process.kill().await;
        } else {
            let (process, client) = process.listening().await;
            kill_under_load(process, &client, &mut load, &mut chance).await;
        }
        kills += 1;
    }

    let (process, client) = Process::start(&folder).listening().await;
    load.run(&client, &mut chance, |_| false, 0).await;
    let acknowledged = load.acknowledged();
    println!(
        "{kills} kills, {} executions acknowledged",
        acknowledged.len()
    );
    assert!(acknowledged.len() > kills, "hardly anything was started");
    judge_all(&client, &acknowledged, &folder).await;
    process.kill().await;
    folder.check_log();
    println!("nothing lost, no result applied twice");
}

/// Kills the process after some acknowledged starts, or after some milliseconds.
pub(crate) async fn kill_under_load(
    process: Process,
    client: &Client,
    load: &mut Load,
    chance: &mut Chance,
) {
    if chance.one_in(2) {
        let enough = load.acknowledged_count() + 1 + chance.below(REQUESTS);
        load.run(
            client,
            chance,
            |acknowledged| acknowledged >= enough,
            REQUESTS,
        )
        .await;
        process.kill().await;
    } else {
        let time = chance.below(1500);
        let killed = async {
            polled(time).await;
            process.kill().await;
        };
        tokio::join!(killed, load.run(client, chance, |_| false, REQUESTS));
    }
}

/// Lets some milliseconds pass, looking at the clock.
async fn polled(milliseconds: usize) {
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    for _ in 0..milliseconds {
        tick.tick().await;
    }
}

/// Asserts that every acknowledged execution ends as it should, and that there are no others.
pub(crate) async fn judge_all(
    client: &Client,
    acknowledged: &BTreeMap<String, Acknowledged>,
    folder: &Folder,
) {
    let mut histories = Vec::new();
    for started in acknowledged.values() {
        let described = client::ended(client, &started.arn).await;
        judge::outcome(started, &described);
        let events = judge::history_of(client, &started.arn).await;
        judge::history(started, &events);
        histories.push((started, events));
    }
    let ledger = Ledger::read(&folder.read("ledger.txt"));
    println!("{} tasks were run again", ledger.repetitions());
    for (started, events) in &histories {
        ledger.check(started, events);
    }
    for kind in workload::KINDS {
        let listed = judge::listed(client, kind).await;
        let asked: Vec<&str> = acknowledged
            .values()
            .filter(|started| started.kind == kind)
            .map(|started| started.name.as_str())
            .collect();
        assert_eq!(listed, asked, "{kind:?}: the executions that there are");
    }
}

async fn a_second_process_on_the_same_file_is_refused() {
    let folder = Folder::new(workload::CONFIGURATION);
    let (first, client) = Process::start(&folder).listening().await;
    let second = Process::refused(&folder).await;
    assert_eq!(second.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&second.stdout), "");
    let line = format!(
        "asl: database {} is in use by another process\n",
        folder.database().display()
    );
    assert_eq!(String::from_utf8_lossy(&second.stderr), line);

    let listed = client.list_state_machines().send().await;
    listed.expect("the first process is not disturbed");
    first.kill().await;
    let (third, _) = Process::start(&folder).listening().await;
    third.kill().await;
}

async fn a_termination_lets_the_process_end_well() {
    let folder = Folder::new(workload::CONFIGURATION);
    folder.write("ledger.sh", workload::LEDGER_SCRIPT);
    let (process, client) = Process::start(&folder).listening().await;
    workload::create_machines(&client).await;
    let name = "one".to_owned();
    let request = workload::Request::new(workload::Kind::Wait, name, 1);
    let started = request.start(&client).await;
    let started = started.expect("the process runs");
    let status = process.terminate().await;
    assert_eq!(status.code(), Some(0));

    let (process, client) = Process::start(&folder).listening().await;
    let described = client::ended(&client, &started.arn).await;
    judge::outcome(&started, &described);
    let events = judge::history_of(&client, &started.arn).await;
    judge::history(&started, &events);
    process.kill().await;
}
