//! `cargo xtask demo`: the promise, before your eyes, on real programs.
//!
//! A server and two devices in a temporary folder: sign up, send a folder and a large file, kill both sides in the
//! middle, go on, get everything on the other device, compare, and look at what the server has of it.

mod compare;
mod content;
mod steps;
mod tap;
mod world;

use crate::{
    TaskError, server,
    shell::{Shell, ShellError},
    tools, ui,
};
use std::io;
use world::World;

/// The demo did not show what it promises.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// A program failed.
    #[error(transparent)]
    Shell(#[from] ShellError),
    /// The server did not come up.
    #[error(transparent)]
    Server(#[from] server::StartServerError),
    /// A file or a connection of the demo itself failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came back is not what was sent.
    #[error(transparent)]
    Compare(#[from] compare::CompareTreesError),
    /// The upload was over before it could be killed.
    #[error("the upload ended with {0} before it was killed")]
    NotInterrupted(std::process::ExitStatus),
    /// cargo has no sources yet, so there is no folder to send.
    #[error("cargo's registry holds no sources")]
    NoSources,
}

/// Runs the whole demo.
///
/// # Errors
/// When a step fails, and so a promise is not kept.
pub(crate) fn run(shell: &Shell) -> Result<(), TaskError> {
    tools::need_packages(shell, tools::COMPILE)?;
    ui::step("building");
    server::build(shell)?;
    Ok(play(shell)?)
}

fn play(shell: &Shell) -> Result<(), DemoError> {
    let mut world = World::new(shell)?;
    steps::sign_up(&world)?;
    steps::send_folder(&world)?;
    steps::send_large_file_through_kills(&mut world)?;
    steps::get_on_the_second_device(&world)?;
    steps::show_both_sides(&world)
}
