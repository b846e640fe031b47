//! Storms in a row, with what they come to after each; the first that fails ends it with the command that runs it again:
//! `cargo xtask storm`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "telling a person is what this program is for")]

use std::any::Any;
use std::ops::RangeInclusive;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use anonicloud_e2e::storm::{Failure, Storm, Totals};
use clap::Parser;

/// Storms over the real programs
#[derive(Debug, Parser)]
#[command(name = "storm", bin_name = "cargo xtask storm")]
struct Arguments {
    /// Seeds, first and last
    #[arg(long, value_name = "A..B", value_parser = seeds, default_value = "1..20", conflicts_with_all = ["seed", "runs"])]
    seeds: RangeInclusive<u64>,
    /// The first seed; the only one without --runs
    #[arg(long, default_value_if("runs", clap::builder::ArgPredicate::IsPresent, "1"))]
    seed: Option<u64>,
    /// So many seeds in a row
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    runs: Option<u64>,
    /// Devices of the account
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    devices: u32,
    /// Operations of each device
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    operations: u32,
    /// As short as the storms among the tests: of twenty seeds, fourteen with two devices and six with five
    #[arg(long, conflicts_with_all = ["devices", "operations"])]
    short: bool,
    /// Storms that run at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    at_once: u32,
    /// Run all seeds, also when one fails
    #[arg(long)]
    keep_going: bool,
}

impl Arguments {
    fn seeds(&self) -> RangeInclusive<u64> {
        match self.seed {
            Some(first) => first..=first.saturating_add(self.runs.unwrap_or(1) - 1),
            None => self.seeds.clone(),
        }
    }

    fn storm(&self, seed: u64) -> Storm {
        if self.short {
            return Storm::short(seed);
        }
        Storm { seed, devices: self.devices, operations: self.operations }
    }
}

fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let bounds = text.split_once("..").and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    match bounds {
        Some((first, last)) if first <= last => Ok(first..=last),
        _ => Err("seeds are like 1..20".to_owned()),
    }
}

/// What storms have come to so far.
#[derive(Debug)]
struct Series {
    left: RangeInclusive<u64>,
    begun: Instant,
    passed: Totals,
    failed: Vec<Storm>,
    lost: u32,
}

impl Series {
    /// The next seed, unless it is over.
    fn next(&mut self, keep_going: bool) -> Option<u64> {
        if self.failed.is_empty() || keep_going { self.left.next() } else { None }
    }

    /// Takes in what became of a storm, and tells it.
    fn add(&mut self, storm: Storm, begun: Instant, outcome: Result<Totals, Failure>) {
        match outcome {
            Ok(totals) => {
                println!("seed {}: {totals}; 0 lost ({:.1} s)", storm.seed, begun.elapsed().as_secs_f64());
                self.passed += totals;
            }
            Err(Failure { what, lost }) => {
                eprintln!("{what}");
                println!("seed {}: failed, {lost} lost; to run it again: {storm}", storm.seed);
                self.failed.push(storm);
                self.lost += lost;
            }
        }
        let Self { passed, failed, lost, .. } = self;
        let seconds = self.begun.elapsed().as_secs();
        println!("{} storms passed, {} failed: {passed}; {lost} lost ({seconds} s)", passed.runs, failed.len());
    }

    fn end(&self) -> ExitCode {
        self.failed.iter().for_each(|storm| println!("failed; to run it again: {storm}"));
        if self.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (passed, failed) = (Totals::default(), Vec::new());
    let series = Series { left: arguments.seeds(), begun: Instant::now(), passed, failed, lost: 0 };
    let series = Mutex::new(series);
    thread::scope(|scope| {
        for _ in 0..arguments.at_once {
            scope.spawn(|| run(&arguments, &series));
        }
    });
    lock(&series).end()
}

/// Runs storms until none is left.
fn run(arguments: &Arguments, series: &Mutex<Series>) {
    loop {
        let seed = lock(series).next(arguments.keep_going);
        let Some(seed) = seed else { break };
        let (storm, begun) = (arguments.storm(seed), Instant::now());
        let outcome = catch_unwind(|| storm.run()).unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
        lock(series).add(storm, begun, outcome);
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    Failure { what: text.unwrap_or("a thread of the storm panicked").to_owned(), lost: 0 }
}

fn lock(series: &Mutex<Series>) -> MutexGuard<'_, Series> {
    series.lock().unwrap_or_else(PoisonError::into_inner)
}
