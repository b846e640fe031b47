//! `cargo xtask storm`: builds the programs, then runs storms over them.

use crate::{
    TaskError, server,
    shell::{self, Shell},
    tools, ui,
};

/// Builds what is needed and runs the storms.
///
/// # Errors
/// When something does not build or a storm fails.
pub(crate) fn run(shell: &Shell, arguments: &[String]) -> Result<(), TaskError> {
    tools::need_packages(shell, tools::COMPILE)?;
    ui::step("building");
    server::build(shell)?;
    shell::run(shell.cargo(["build", "--locked", "-p", "anonicloud-e2e", "--bins"]))?;
    Ok(shell::run(shell.command(shell.built("anonicloud-storm"), arguments))?)
}
