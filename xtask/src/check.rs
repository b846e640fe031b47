//! `cargo xtask check`: everything that is judged without running it, cheapest first.

use crate::{
    TaskError, crypto_crates, house, layers,
    shell::{self, Shell},
    tools, ui, unused_pub, wasm,
};

/// Runs every check; the first that fails ends it.
///
/// # Errors
/// When a tool is missing or a check fails.
pub(crate) fn run(shell: &Shell) -> Result<(), TaskError> {
    tools::need_packages(shell, tools::COMPILE)?;
    ui::step("format");
    shell::run(shell.cargo(["fmt", "--all", "--check"]))?;
    house::run(shell)?;
    layers::run(shell)?;
    unused_pub::run(shell)?;
    crypto_crates::run(shell)?;
    dependencies(shell)?;
    ui::step("lints");
    shell::run(shell.cargo(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    ui::step("documentation");
    let mut command = shell.cargo(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    shell::run(command)?;
    wasm::run(shell)
}

/// Prints what a check found.
///
/// # Errors
/// When it found anything.
pub(crate) fn conclude(check: &'static str, findings: &[String]) -> Result<(), TaskError> {
    for finding in findings {
        ui::finding(finding);
    }
    if findings.is_empty() { Ok(()) } else { Err(TaskError::Found { check, count: findings.len() }) }
}

fn dependencies(shell: &Shell) -> Result<(), TaskError> {
    tools::need_cargo_tool(shell, tools::DENY)?;
    ui::step("licences, banned crates, sources");
    shell::run(shell.cargo(["deny", "--locked", "check", "--deny", "warnings", "licenses", "bans", "sources"]))?;
    tools::need_cargo_tool(shell, tools::MACHETE)?;
    ui::step("unused dependencies");
    Ok(shell::run(shell.cargo(["machete"]))?)
}
