//! `anonicloud-server`: keeps opaque blobs and commits, holds no key that opens them.
//!
//! Layers, each of which knows only the next: `http` (requests), `service` (rules), `store` (where things are kept).

mod causes;
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

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use self::causes::with_causes;
use self::config::{Command, CommandLine};
use self::run::RunError;

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let result = match command_line.command {
        Command::Serve(arguments) => {
            // No times: a log must not tell when somebody did something.
            tracing_subscriber::fmt()
                .with_writer(io::stderr)
                .with_env_filter(arguments.log.clone())
                .with_ansi(false)
                .without_time()
                .init();
            run::run(&arguments)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says what went wrong and what to do.
fn report(error: &RunError) {
    let text = format!("error: {}\n\nhint: {}", with_causes(error), error.hint());
    // With stderr closed there is nobody to tell.
    drop(writeln!(io::stderr(), "{text}"));
}
