//! The real executor in a made-up world: a clock that jumps, handlers that choose, a disk that
//! fails, a machine that dies.
//!
//! Each seed makes a state machine with a few executions and runs it undisturbed first. Then it
//! runs it again, once for each commit with a death just before it and once with one just after,
//! and a few times with troubles at random, on one machine and on two that share the disk and take
//! over from each other. Whatever happens, each acknowledged execution has to
//! end, in the way and with the history of the undisturbed run; those that fail are redriven, and the
//! same holds for what becomes of them. In runs of its own the state machine is deleted while they run:
//! they end, and it is gone. No task may be run before its
//! event is on the disk, and each result must be accepted once. Map Runs have each item once, in
//! children that have ended and are counted as they did; an Express child may run again, but not
//! before its beginning is on the disk.
//!
//! `cargo simulate -- --seeds 1000` for a long run, `--seed 17` to see one again.

mod chance;
mod clock;
mod disk;
mod handler;
mod machines;
mod map_runs;
mod run;
mod deletions;

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Runtime};

use disk::{Death, Trouble};
use run::{Plan, Run};

/// Seeds of a run without arguments.
const SEEDS: u64 = 15;

/// Runs of each seed with troubles at random.
const ROUNDS: u64 = 5;

/// What was seen.
#[derive(Debug, Default)]
struct Totals {
    runs: u64,
    executions: u64,
    writes: u64,
    deaths: u64,
    claims: u64,
    tasks: u64,
    redrives: u64,
    deletions: u64,
    children: u64,
    children_redriven: u64,
}

impl Totals {
    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.executions += other.executions;
        self.writes += other.writes;
        self.deaths += other.deaths;
        self.claims += other.claims;
        self.tasks += other.tasks;
        self.redrives += other.redrives;
        self.deletions += other.deletions;
        self.children += other.children;
        self.children_redriven += other.children_redriven;
    }
}

fn main() -> ExitCode {
    let seeds = match arguments(std::env::args().skip(1)) {
        Ok(seeds) => seeds,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    let totals = match simulate_all(&seeds) {
        Ok(totals) => totals,
        Err((seed, problem)) => {
            eprintln!("seed {seed}: {problem}\nagain: cargo simulate -- --seed {seed}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "{} runs of {} executions: {} writes, {} deaths, {} times taken over, {} tasks run, {} redrives, {} deletions, {} children of Map Runs, {} of them redriven; nothing lost, nothing twice",
        totals.runs,
        totals.executions,
        totals.writes,
        totals.deaths,
        totals.claims,
        totals.tasks,
        totals.redrives,
        totals.deletions,
        totals.children,
        totals.children_redriven
    );
    ExitCode::SUCCESS
}

/// The seeds that the arguments ask for. What the test runner adds for other tests means nothing
/// here.
fn arguments(mut arguments: impl Iterator<Item = String>) -> Result<Vec<u64>, String> {
    let usage = "usage: cargo simulate -- [--seeds COUNT | --seed NUMBER]";
    let mut seeds = (0..SEEDS).collect();
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let number = arguments.next().and_then(|text| text.parse().ok());
            number.ok_or_else(|| usage.to_owned())
        };
        match argument.as_str() {
            "--seeds" => seeds = (0..number()?).collect(),
            "--seed" => seeds = vec![number()?],
            "--nocapture" | "--no-capture" | "--quiet" | "-q" => {}
            _ => return Err(usage.to_owned()),
        }
    }
    Ok(seeds)
}

/// Worlds know nothing of each other, so every processor runs some. Gives the first seed that
/// failed, with its problem.
fn simulate_all(seeds: &[u64]) -> Result<Totals, (u64, String)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut totals = Totals::default();
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(problem) = simulate(*seed, &mut totals) {
                next.store(seeds.len(), Ordering::Relaxed);
                return Err((*seed, problem));
            }
        }
        Ok(totals)
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut totals = Totals::default();
        let mut problems = Vec::new();
        for worker in workers {
            match worker.join().expect("a world does not panic") {
                Ok(part) => totals.add(&part),
                Err(problem) => problems.push(problem),
            }
        }
        match problems.into_iter().min() {
            Some(problem) => Err(problem),
            None => Ok(totals),
        }
    })
}

fn simulate(seed: u64, totals: &mut Totals) -> Result<(), String> {
    let plan = Plan::from_seed(seed);
    let quiet = Trouble {
        refused: 0,
        deadly: 0,
        death: Death::Never,
    };
    let undisturbed = run(&plan, quiet, 1, totals)?;
    let mut disturbed = |trouble: Trouble, machines: u64| {
        let run = run(&plan, trouble, machines, totals)
            .map_err(|problem| format!("{trouble:?}, machines: {machines}: {problem}"))?;
        if run.endings == undisturbed.endings {
            return Ok(());
        }
        Err(format!(
            "{trouble:?}, machines: {machines}: another ending\nundisturbed {:#?}\ndisturbed {:#?}",
            undisturbed.endings, run.endings
        ))
    };
    for write in 1..=undisturbed.writes {
        for death in [Death::Before(write), Death::After(write)] {
            disturbed(Trouble { death, ..quiet }, 1)?;
        }
    }
    for round in 0..ROUNDS {
        let trouble = Trouble {
            refused: 4 + round,
            deadly: 6 + round,
            death: Death::Never,
        };
        disturbed(trouble, 1)?;
        disturbed(trouble, 2)?;
    }
    simulate_deletions(&plan, quiet, totals)
}

/// The same with a deletion, whose endings depend on when it comes.
fn simulate_deletions(plan: &Plan, quiet: Trouble, totals: &mut Totals) -> Result<(), String> {
    let mut delete = |trouble: Trouble, machines: u64| {
        let deletion = runtime()?
            .block_on(deletions::delete(plan, trouble, machines))
            .map_err(|problem| format!("deleted, {trouble:?}, machines: {machines}: {problem}"))?;
        totals.runs += 1;
        totals.executions += deletion.executions;
        totals.writes += deletion.writes;
        totals.deaths += deletion.deaths;
        totals.deletions += 1;
        Ok::<_, String>(deletion.writes)
    };
    for write in 1..=delete(quiet, 1)? {
        // What differs between the two was seen above; seeds have other writes at each place.
        let death = if write % 2 == 0 {
            Death::Before(write)
        } else {
            Death::After(write)
        };
        delete(Trouble { death, ..quiet }, 1)?;
    }
    for machines in [1, 2] {
        let trouble = Trouble {
            refused: 4,
            deadly: 6,
            death: Death::Never,
        };
        delete(trouble, machines)?;
    }
    Ok(())
}

/// One run in a world of its own.
fn run(plan: &Plan, trouble: Trouble, machines: u64, totals: &mut Totals) -> Result<Run, String> {
    let run = runtime()?.block_on(plan.run(trouble, machines))?;
    totals.runs += 1;
    totals.executions += run.endings.len() as u64;
    totals.writes += run.writes;
    totals.deaths += run.deaths;
    totals.claims += run.claims;
    totals.tasks += run.calls;
    totals.redrives += run.redrives();
    let (children, redriven) = run.children();
    totals.children += children;
    totals.children_redriven += redriven;
    Ok(run)
}

/// A world whose clock jumps whenever nobody has anything to do.
fn runtime() -> Result<Runtime, String> {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| error.to_string())
}
