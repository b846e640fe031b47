//! The only printing of xtask.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "telling a person is what this module is for")]

use crate::TaskError;
use std::error::Error as _;

/// Announces a step.
pub(crate) fn step(title: &str) {
    println!("==> {title}");
}

/// One line under a step.
pub(crate) fn line(text: &str) {
    println!("    {text}");
}

/// Two texts beside each other.
pub(crate) fn columns(left: &str, right: &str) {
    println!("    {left:<48.48} | {right}");
}

/// One finding of a check.
pub(crate) fn finding(text: &str) {
    eprintln!("{text}");
}

/// The error that ends the command, with its causes.
pub(crate) fn failure(error: &TaskError) {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
