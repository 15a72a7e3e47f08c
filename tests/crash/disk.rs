//! The real process on a disk that fills up, fails, writes half, or loses its power.

use serde_json::json;
use stepwell_tests::client::{self, Client, PATIENCE, until};
use stepwell_tests::server::ROLE;

use crate::chance::Chance;
use crate::faults::{Faults, Library};
use crate::process::{Folder, Process};
use crate::workload::{self, Load};
use crate::{judge_all, kill_under_load};

/// As often as it is asked.
const ALWAYS: usize = 1_000_000_000;

/// Starts that are asked for at once.
const REQUESTS: usize = 24;

/// Power cuts of a run.
const CUTS: usize = 6;

/// Text of a state that is there to fill the log, so that it is written back and begun anew.
const BALLAST_BYTES: usize = 250_000;

pub(crate) async fn a_full_disk_refuses_starts_for_a_while(library: &Library) {
    let mut chance = Chance::of_this_run();
    let folder = folder_on(library.disk());
    let faults = folder.faults();
    let (process, client) = Process::start(&folder).listening().await;
    workload::create_machines(&client).await;
    let mut load = Load::that_may_be_refused();
    load.run(&client, &mut chance, |_| false, REQUESTS).await;
    assert_eq!(load.refused_count(), 0);

    let full = format!("write -wal ENOSPC 0 {ALWAYS}");
    faults.set(&[&full]);
    let acknowledged = load.acknowledged_count();
    load.run(&client, &mut chance, |_| false, REQUESTS).await;
    assert!(load.refused_count() > 0);
    assert_eq!(load.acknowledged_count(), acknowledged);
    until("a running execution to meet the full disk", || async {
        let log = folder.read("log.txt");
        log.contains("a write is tried again").then_some(())
    })
    .await;
    assert_eq!(process.readiness().await, 200, "it waits for room");
    faults.set(&[]);
    insist(&mut load, &client, &mut chance).await;

    // Full in the middle of a commit, and room soon after.
    for fault in ["ENOSPC", "ENOSPC", "SHORT"] {
        let after = chance.below(60);
        let calls = if fault == "SHORT" { 1 } else { 0 };
        let half = format!("write -wal {fault} {after} {calls}");
        let full = format!(
            "write -wal ENOSPC {} {}",
            after + calls,
            1 + chance.below(40)
        );
        let made = faults.made();
        faults.set(&[&half, &full]);
        while faults.made() == made {
            load.run(&client, &mut chance, |_| false, REQUESTS).await;
        }
        insist(&mut load, &client, &mut chance).await;
    }
    judge_all(&client, &load.acknowledged(), &folder).await;
    println!("{} calls found the disk full", faults.made());
    process.kill().await;
}

pub(crate) async fn a_failed_disk_ends_all_answers(library: &Library) {
    let mut chance = Chance::of_this_run();
    let folder = folder_on(library.disk_that_forgets());
    let faults = folder.faults();
    let (process, client) = Process::start(&folder).listening().await;
    workload::create_machines(&client).await;
    process.terminate().await;
    let mut load = Load::that_may_be_refused();
    for (call, count, is_cut) in [
        ("sync", 1, false),
        ("sync", ALWAYS, true),
        ("write", 1, true),
        ("write", ALWAYS, false),
        ("sync", 1, false),
    ] {
        let (process, client) = Process::start(&folder).listening().await;
        let fault = format!("{call} -wal EIO {} {count}", chance.below(40));
        faults.set(&[&fault]);
        // Whether a start or an execution that runs meets it, it is the last that is written.
        let failed = async {
            while process.readiness().await != 503 {
                load.run(&client, &mut chance, |_| false, REQUESTS).await;
            }
        };
        let failed = tokio::time::timeout(PATIENCE, failed).await;
        failed.unwrap_or_else(|_| panic!("{fault}: the server goes on"));
        let (acknowledged, refused) = (load.acknowledged_count(), load.refused_count());
        load.run(&client, &mut chance, |_| false, REQUESTS).await;
        assert!(load.refused_count() > refused, "{fault}");
        assert_eq!(load.acknowledged_count(), acknowledged, "{fault}");

        faults.set(&[]);
        assert_eq!(process.readiness().await, 503, "{fault}: it stays so");
        process.kill().await;
        if is_cut {
            faults.cut_power(&folder);
        }
        // What is found at the next start is not to be lost later.
        let (process, client) = Process::start(&folder).listening().await;
        insist(&mut load, &client, &mut chance).await;
        assert_eq!(process.readiness().await, 200);
        process.kill().await;
        faults.cut_power(&folder);
    }
    let (process, client) = Process::start(&folder).listening().await;
    judge_all(&client, &load.acknowledged(), &folder).await;
    process.kill().await;
}

pub(crate) async fn writes_that_are_cut_short_are_completed(library: &Library) {
    let mut chance = Chance::of_this_run();
    let folder = folder_on(library.disk());
    let short = ["db", "-wal", "-shm"].map(|file| format!("write {file} SHORT 0 {ALWAYS}"));
    folder.faults().set(&short.each_ref().map(String::as_str));
    let mut load = Load::default();
    let (process, client) = Process::start(&folder).listening().await;
    workload::create_machines(&client).await;
    load.run(&client, &mut chance, |_| false, REQUESTS).await;
    process.kill().await;
    let (process, client) = Process::start(&folder).listening().await;
    load.run(&client, &mut chance, |_| false, REQUESTS).await;
    judge_all(&client, &load.acknowledged(), &folder).await;
    process.terminate().await;
    folder.check_log();
    println!("{} writes were cut short", folder.faults().made());
    assert!(folder.faults().made() > REQUESTS);
}

pub(crate) async fn a_failing_disk_ends_a_start_in_one_line(library: &Library) {
    let mut chance = Chance::of_this_run();
    let folder = folder_on(library.disk());
    let (process, client) = Process::start(&folder).listening().await;
    workload::create_machines(&client).await;
    let mut load = Load::default();
    load.run(&client, &mut chance, |_| false, REQUESTS).await;
    process.kill().await;
    for fault in [
        "open db EIO",
        "open -wal EIO",
        "open -shm EIO",
        "truncate -shm EIO",
        "write -wal EIO",
        "write -wal ENOSPC",
        "sync -wal EIO",
        "write db EIO",
        "sync db EIO",
    ] {
        // Something that is to be written back.
        folder.faults().set(&[]);
        let (process, _) = Process::start(&folder).listening().await;
        process.kill().await;
        let made = folder.faults().made();
        folder.faults().set(&[&format!("{fault} 0 {ALWAYS}")]);
        let ended = Process::refused(&folder).await;
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(folder.faults().made() > made, "{fault}: {errors}");
        assert_eq!(ended.status.code(), Some(2), "{fault}: {errors}");
        assert_eq!(String::from_utf8_lossy(&ended.stdout), "", "{fault}");
        let is_line = errors.starts_with("asl: database ") && errors.lines().count() == 1;
        assert!(is_line, "{fault}: {errors}");
    }
    folder.faults().set(&[]);
    let (process, client) = Process::start(&folder).listening().await;
    judge_all(&client, &load.acknowledged(), &folder).await;
    process.kill().await;
    folder.check_log();
}

pub(crate) async fn all_that_was_acknowledged_survives_power_cuts(library: &Library) {
    let mut chance = Chance::of_this_run();
    let folder = folder_on(library.disk_that_forgets());
    let faults = folder.faults();
    let (process, client) = Process::start(&folder).listening().await;
    workload::create_machines(&client).await;
    create_ballast(&client).await;
    process.kill().await;
    faults.cut_power(&folder);

    let mut load = Load::default();
    let mut ballast = 0;
    for cut in 0..CUTS {
        // Writing the log back may fail: the log is there until that has succeeded.
        let write_back = match cut {
            1 => format!("sync db EIO 0 {}", 1 + chance.below(2)),
            3 => format!("write db EIO {} 1", chance.below(20)),
            _ => String::new(),
        };
        let (process, client) = Process::start(&folder).listening().await;
        let made = faults.made();
        faults.set(&[&write_back]);
        let enough = ballast + chance.below(4);
        while ballast < enough || (faults.made() == made && !write_back.is_empty()) {
            start_ballast(&client, ballast).await;
            ballast += 1;
        }
        kill_under_load(process, &client, &mut load, &mut chance).await;
        faults.set(&[]);
        faults.cut_power(&folder);
    }
    let (process, client) = Process::start(&folder).listening().await;
    load.run(&client, &mut chance, |_| false, 0).await;
    judge_all(&client, &load.acknowledged(), &folder).await;
    for number in 0..ballast {
        let arn = format!("arn:aws:states:us-east-1:123456789012:execution:ballast:{number}");
        let ended = client::ended(&client, &arn).await;
        let kept = ended.output().map_or(0, str::len);
        assert!(kept > BALLAST_BYTES, "{number}: {kept} bytes came back");
    }
    process.kill().await;
    folder.check_log();
    println!("{CUTS} power cuts, {ballast} large executions");
}

fn folder_on(faults: Faults) -> Folder {
    let folder = Folder::on(faults, workload::CONFIGURATION);
    folder.write("ledger.sh", workload::LEDGER_SCRIPT);
    folder
}

/// Starts what was refused until all of it is acknowledged.
async fn insist(load: &mut Load, client: &Client, chance: &mut Chance) {
    let insisted = async {
        while load.pending_count() > 0 {
            load.run(client, chance, |_| false, 0).await;
        }
    };
    let insisted = tokio::time::timeout(PATIENCE, insisted).await;
    insisted.expect("there is room, so that starts are acknowledged");
}

/// Creates a machine whose executions write much and are asked for with little.
async fn create_ballast(client: &Client) {
    let text = |letter: &str| letter.repeat(BALLAST_BYTES);
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Result": text("a"), "Next": "B"},
        "B": {"Type": "Pass", "Result": text("b"), "Next": "C"},
        "C": {"Type": "Pass", "Result": text("c"), "End": true}}});
    let create = client.create_state_machine().name("ballast");
    let create = create.definition(definition.to_string()).role_arn(ROLE);
    create.send().await.expect("the definition is valid");
}

async fn start_ballast(client: &Client, number: usize) {
    let start = client.start_execution().name(number.to_string());
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:ballast";
    let started = start.state_machine_arn(machine).send().await;
    started.unwrap_or_else(|error| panic!("{number}: {error:?}"));
}
