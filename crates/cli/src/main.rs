//! `anonicloud`: AnoniCloud on the command line.
//!
//! Enters: arguments, the environment, a terminal. Leaves: answers on stdout, notes and refusals on stderr, an exit
//! code by kind. Never: cryptography or a format of the server's; those are the client library's.
#![forbid(unsafe_code)]

mod again;
mod args;
mod commands;
mod config;
mod context;
mod error;
mod escape;
mod interrupt;
mod passphrase;
mod paths;
mod progress;
mod report;
mod secrets;
mod ui;
mod units;

use std::process::ExitCode;

use again::Again;
use args::{Cli, Parsed};
use context::Context;
use error::CliError;

fn main() -> ExitCode {
    let (cli, again) = match args::parse() {
        Parsed::Run(cli, again) => (cli, again),
        Parsed::Done(code) => return code,
    };
    let ui = config::ui(&cli.global);
    match start(&cli, &again) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let report = error.report();
            if !report.is_silent() {
                ui.refusal(&report);
            }
            report.exit_code()
        }
    }
}

fn start(cli: &Cli, again: &Again) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::Start)?;
    let result = runtime.block_on(run(cli, again));
    // A thread that waits for a line of the terminal would hold the process back.
    runtime.shutdown_background();
    result
}

async fn run(cli: &Cli, again: &Again) -> Result<(), CliError> {
    let mut interrupted = interrupt::listen().map_err(CliError::Start)?;
    let context = tokio::select! {
        biased;
        _ = &mut interrupted => return Err(CliError::Interrupted { done: None, hint: None }),
        context = Context::new(&cli.global) => context?,
    };
    let result = tokio::select! {
        biased;
        _ = interrupted => Err(CliError::Interrupted { done: None, hint: None }),
        result = cli.command.run(&context) => result,
    };
    match result {
        Err(CliError::Interrupted { .. }) if cli.command.ends_by_interrupt() => Ok(()),
        // A hidden prompt sees the press itself.
        Err(CliError::Interrupted { .. }) => {
            Err(CliError::Interrupted { done: context.tally.sentence(), hint: cli.command.after_interrupt(again) })
        }
        result => result,
    }
}
