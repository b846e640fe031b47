//! `cargo xtask fuzz`: hostile bytes against every parser of what comes from the other side, by libFuzzer.
//!
//! The targets are in fuzz/, a workspace of its own, since they are built with other flags than all else.

use crate::{
    TaskError,
    shell::{self, Shell},
    tools, ui,
};

/// No sanitizer: there is no unsafe code to watch, and without one the stable compiler will do.
const BUILD: [&str; 3] = ["--sanitizer", "none", "--release"];
/// Megabytes that a run may take. What one input may allocate is in fuzz/src/lib.rs.
const MEMORY: u32 = 512;
/// Bytes of an input: more than a link of a sigchain, a page of leaves in its first entries, and a commit's floor.
const INPUT: u32 = 64 << 10;

/// Runs each of `chosen`, or all targets, for so many seconds. What they find of worth for later runs goes to the target folder,
/// not to fuzz/corpus; an input that fails is left in fuzz/artifacts.
///
/// # Errors
/// When something is missing, does not build, or a target fails, or one that was chosen does not exist.
pub(crate) fn run(shell: &Shell, seconds: u32, chosen: &[String]) -> Result<(), TaskError> {
    tools::need_packages(shell, tools::COMPILE)?;
    tools::need_packages(shell, tools::FUZZ)?;
    tools::need_cargo_tool(shell, tools::CARGO_FUZZ)?;
    let manifest = "--manifest-path=fuzz/Cargo.toml";
    ui::step("form of the fuzz targets");
    shell::run(shell.cargo(["fmt", manifest, "--check"]))?;
    // cargo-fuzz has no `--locked`.
    shell::run(shell.cargo(["fetch", manifest, "--locked", "--quiet"]))?;
    let list = shell::capture(shell.cargo(["fuzz", "list"]))?;
    let list = String::from_utf8_lossy(&list).into_owned();
    if let Some(name) = chosen.iter().find(|name| list.lines().all(|target| target != name.as_str())) {
        return Err(TaskError::NoFuzzTarget {
            name: name.clone(),
            targets: list.split_whitespace().collect::<Vec<_>>().join(", "),
        });
    }
    ui::step("building the fuzz targets");
    shell::run(shell.cargo(["fuzz", "build"].iter().chain(&BUILD)))?;
    for target in list.lines().filter(|target| chosen.is_empty() || chosen.iter().any(|name| name == target)) {
        ui::step(&format!("hostile {target}"));
        let found = shell.target().join("fuzz-corpus").join(target);
        fs_err::create_dir_all(&found).map_err(TaskError::FuzzFolder)?;
        let mut command = shell.cargo(["fuzz", "run"].iter().chain(&BUILD));
        command.arg(target).arg(&found).arg(format!("fuzz/corpus/{target}")).arg("--");
        command.arg(format!("-max_total_time={seconds}"));
        command.args([format!("-rss_limit_mb={MEMORY}"), format!("-max_len={INPUT}"), "-verbosity=0".to_owned()]);
        command.args(["-print_final_stats=1"]);
        shell::run(command)?;
    }
    Ok(())
}
