//! The only printing of the benchmark: results to stdout, everything else to stderr.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "telling a person is what this module is for")]

use std::error::Error;

/// What the benchmark does now.
pub(crate) fn step(text: &str) {
    eprintln!("{text}");
}

/// The finished table.
pub(crate) fn result(text: &str) {
    println!("{text}");
}

/// The error that ends the run, with its causes.
pub(crate) fn failure(error: &dyn Error) {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
