//! `cargo xtask wasm`: that what the browser will run builds for it.

use crate::{
    TaskError,
    shell::{self, Shell},
    tools, ui,
};

const TARGET: &str = "wasm32-unknown-unknown";

/// The packages the browser is made of.
const PACKAGES: [&str; 6] = ["-p", "anonicloud-proto", "-p", "anonicloud-core", "-p", "anonicloud-client"];

/// This is a check, not a product: what it compiles on the way need not be fast.
const UNOPTIMISED: [&str; 4] =
    ["--config", "profile.dev.opt-level=0", "--config", "profile.dev.package.\"*\".opt-level=0"];

/// Chooses the browser's randomness in `getrandom`.
const RANDOMNESS: &str = "--cfg getrandom_backend=\"wasm_js\"";

/// Checks the packages by rustup's target where there is one, and by Debian's Rust where there is none.
///
/// # Errors
/// When a package does not build, or no toolchain for wasm32 can be had.
pub(crate) fn run(shell: &Shell) -> Result<(), TaskError> {
    ui::step("wasm");
    let rustup = shell::succeeds(shell.command("rustup", ["target", "add", TARGET]));
    let mut command = if rustup {
        let mut command = shell.cargo(["check", "--locked", "--target", TARGET]);
        command.env("RUSTFLAGS", RANDOMNESS);
        command
    } else {
        ui::line("rustup has no wasm32 target here: building the standard library with Debian's Rust");
        tools::need_packages(shell, tools::WASM)?;
        let options = ["check", "--locked", "--ignore-rust-version", "--target", TARGET];
        let mut command = shell.foreign("/usr/bin/cargo", options);
        command.arg("-Zbuild-std=std,panic_abort").env("RUSTC_BOOTSTRAP", "1").env("RUSTC", "/usr/bin/rustc");
        command.env("RUSTFLAGS", format!("-C linker=wasm-ld-22 {RANDOMNESS}"));
        command
    };
    // Flags of its own would throw away what other builds left in the shared folder.
    command.args(PACKAGES).args(UNOPTIMISED).env("CARGO_TARGET_DIR", shell.target().join("wasm"));
    Ok(shell::run(command)?)
}
