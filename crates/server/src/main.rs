//! `anonicloud-server`: keeps opaque blobs and commits, holds no key that opens them.
//!
//! Layers, each of which knows only the next: `http` (requests), `service` (rules), `store` (where things are kept).

mod admin;
mod causes;
mod check;
mod clock;
mod config;
mod data_folder;
mod http;
mod jobs;
mod opaque;
mod random;
mod run;
mod secrets;
mod service;
mod store;

use core::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::causes::with_causes;
use self::config::{Command, CommandLine};
use self::run::RunError;

/// How the process ends when nothing can be said of the folder that it was to check, or nobody takes it.
const UNCHECKED: u8 = 2;

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let result = match command_line.command {
        Command::Serve(arguments) => {
            log_to_stderr(arguments.log);
            run::run(&arguments)
        }
        Command::Check(arguments) => {
            return match check::run(&arguments) {
                Ok(report) if report.is_clean() => ExitCode::SUCCESS,
                Ok(_) => ExitCode::FAILURE,
                Err(error) => {
                    report(&error, error.hint());
                    ExitCode::from(UNCHECKED)
                }
            };
        }
        Command::Admin(arguments) => {
            return match admin::run(&arguments) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    report(&error, error.hint());
                    ExitCode::FAILURE
                }
            };
        }
        Command::Openapi => {
            let written = io::stdout().write_all(http::document().as_bytes());
            written.map_err(RunError::from)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error, error.hint());
            ExitCode::FAILURE
        }
    }
}

/// Logs without times, since a log must not tell when somebody did something, and only what this crate says: libraries
/// name addresses and headers.
fn log_to_stderr(level: LevelFilter) {
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false).without_time();
    let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    tracing_subscriber::registry().with(lines.with_filter(own)).init();
}

/// Says what went wrong and what to do.
fn report(error: &dyn Error, hint: &str) {
    let text = format!("error: {}\n\nhint: {hint}", with_causes(error));
    // With stderr closed there is nobody to tell.
    drop(writeln!(io::stderr(), "{text}"));
}
