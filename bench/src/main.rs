//! AnoniCloud timed against what a person would pick instead, and under load: `cargo xtask bench`.
//!
//! Enters: sizes and rounds. Leaves: a Markdown table, and JSON if asked. Never: a verdict; wall time is printed, not asserted.

mod arguments;
mod ceiling;
mod content;
mod identity;
mod load;
mod measure;
mod peers;
mod place;
mod report;
mod rounds;
mod service;
mod size;
mod statistics;
mod template;
mod ui;
mod units;
mod work;

use arguments::Arguments;
use clap::Parser as _;
use report::Report;
use std::{env, error::Error, process::ExitCode};

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui::failure(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Checks what is needed, runs all rounds and prints.
///
/// The errors of the parts are only ever shown, so they are not gathered into one more enum.
fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let binaries = env::current_exe()?.parent().map(ToOwned::to_owned).unwrap_or_default();
    if arguments.is_load() {
        let place = place::Place::open(arguments, &binaries, 1)?;
        ui::step(&format!("working in {}", place.folder().display()));
        let table = load::run(arguments, &place, &binaries).map_err(|failed| -> Box<dyn Error> { failed })?;
        ui::result(&table);
        return Ok(());
    }
    if arguments.is_size() {
        let place = place::Place::open(arguments, &binaries, 1)?;
        ui::step(&format!("working in {}", place.folder().display()));
        ui::result(&size::run(arguments, &place, &binaries)?);
        return Ok(());
    }
    let peers = arguments.peers();
    let programs = peers::programs(&peers, &binaries)?;
    let place = place::Place::open(arguments, &binaries, peers.len())?;
    ui::step(&format!("working in {}", place.folder().display()));
    let outcome = rounds::run(arguments, &peers, &place, &binaries)?;
    let report = Report::new(arguments, programs, outcome)?;
    if let Some(file) = &arguments.json {
        fs_err::write(file, serde_json::to_vec_pretty(&report)?)?;
    }
    ui::result(&report.to_string());
    Ok(())
}
