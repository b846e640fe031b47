//! `cargo xtask bench`: what it needs, then the benchmark itself.

use crate::{
    TaskError, server,
    shell::{self, Shell},
    tools, ui,
};

/// Installs the peers, builds and measures.
///
/// # Errors
/// When something is missing, does not build or fails.
pub(crate) fn run(shell: &Shell, arguments: &[String]) -> Result<(), TaskError> {
    tools::need_packages(shell, tools::COMPILE)?;
    tools::need_packages(shell, tools::BENCH)?;
    ui::step("building");
    server::build(shell)?;
    shell::run(shell.cargo(["build", "--locked", "-p", "anonicloud-bench"]))?;
    Ok(shell::run(shell.command(shell.built("anonicloud-bench"), arguments))?)
}
