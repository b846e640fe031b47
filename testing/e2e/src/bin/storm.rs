//! Storms in a row, one line each; the first that fails ends it with the command that runs it again: `cargo xtask storm`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "telling a person is what this program is for")]

use std::any::Any;
use std::ops::RangeInclusive;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::Instant;

use anonicloud_e2e::storm::{Storm, Totals};
use clap::Parser;

/// Storms over the real programs
#[derive(Debug, Parser)]
#[command(name = "storm", bin_name = "cargo xtask storm")]
struct Arguments {
    /// Seeds, first and last
    #[arg(long, value_name = "A..B", value_parser = seeds, default_value = "1..20", conflicts_with = "seed")]
    seeds: RangeInclusive<u64>,
    /// One seed
    #[arg(long)]
    seed: Option<u64>,
    /// Devices of the account
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    devices: u32,
    /// Operations of each device
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    operations: u32,
}

fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let bounds = text.split_once("..").and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    match bounds {
        Some((first, last)) if first <= last => Ok(first..=last),
        _ => Err("seeds are like 1..20".to_owned()),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seeds = arguments.seed.map_or(arguments.seeds, |seed| seed..=seed);
    let mut totals = Totals::default();
    for seed in seeds {
        let storm = Storm { seed, devices: arguments.devices, operations: arguments.operations };
        println!("seed {seed}");
        let begun = Instant::now();
        match catch_unwind(|| storm.run()) {
            Ok(Ok(run)) => {
                println!("seed {seed}: {run} ({:.1} s)", begun.elapsed().as_secs_f64());
                totals += run;
            }
            Ok(Err(what)) => return failed(&storm, &what, &totals),
            Err(panic) => return failed(&storm, panic_text(panic.as_ref()), &totals),
        }
    }
    println!("{} storms: {totals}", totals.runs);
    ExitCode::SUCCESS
}

fn failed(storm: &Storm, what: &str, totals: &Totals) -> ExitCode {
    eprintln!("{what}");
    println!("{} storms passed before: {totals}", totals.runs);
    println!("failed; to run it again: {storm}");
    ExitCode::FAILURE
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a thread of the storm panicked")
}
