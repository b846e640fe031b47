//! The programs a command needs beyond Rust itself, and how to get them.
//!
//! Enters: what a command needs. Leaves: that it is there, or the exact command that would install it.

use crate::{
    shell::{self, Shell, ShellError},
    ui,
};
use std::path::PathBuf;

/// A Debian package and the programs by which its presence is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    name: &'static str,
    /// Any one of these on `PATH`, or a path that exists.
    proofs: &'static [&'static str],
}

/// What compiles the C inside aws-lc-sys and sqlite, and links.
pub(crate) const COMPILE: &[Package] = &[Package { name: "gcc", proofs: &["cc"] }];

/// What compiles libFuzzer.
pub(crate) const FUZZ: &[Package] = &[Package { name: "g++", proofs: &["c++"] }];

/// What the end-to-end tests run beside our own programs.
pub(crate) const TEST: &[Package] = &[
    Package { name: "dbus-bin", proofs: &["dbus-send"] },
    Package { name: "dbus-daemon", proofs: &["dbus-daemon"] },
    Package { name: "gnome-keyring", proofs: &["gnome-keyring-daemon"] },
    Package { name: "keyutils", proofs: &["keyctl"] },
    Package { name: "strace", proofs: &["strace"] },
];

/// Debian's Rust, whose standard library can be built for wasm32.
pub(crate) const WASM: &[Package] = &[
    Package { name: "rustc-web", proofs: &["/usr/bin/rustc"] },
    Package { name: "cargo-web", proofs: &["/usr/bin/cargo"] },
    Package { name: "rust-web-src", proofs: &["/usr/lib/rustlib/src/rust/library/core", "/usr/src/rustc-src"] },
    Package { name: "lld-22", proofs: &["wasm-ld-22"] },
];

/// What counts instructions.
pub(crate) const COUNT: &[Package] = &[Package { name: "valgrind", proofs: &["valgrind"] }];

/// What makes a folder of Python programs. Debian's python3 answers without it, so only who tried knows that it is missing.
pub(crate) const PYTHON: &[Package] = &[Package { name: "python3-venv", proofs: &[] }];

/// What `cargo xtask bench` measures against.
pub(crate) const BENCH: &[Package] = &[
    Package { name: "curl", proofs: &["curl"] },
    Package { name: "nginx-light", proofs: &["nginx", "/usr/sbin/nginx"] },
    Package { name: "libnginx-mod-http-dav-ext", proofs: &["/usr/lib/nginx/modules/ngx_http_dav_ext_module.so"] },
    Package { name: "rclone", proofs: &["rclone"] },
    Package { name: "restic", proofs: &["restic"] },
];

/// A cargo subcommand from crates.io.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CargoTool {
    name: &'static str,
    subcommand: &'static str,
    version: &'static str,
}

/// Runs the tests.
pub(crate) const NEXTEST: CargoTool = CargoTool { name: "cargo-nextest", subcommand: "nextest", version: "0.9.143" };
/// Checks licences, sources and banned crates.
pub(crate) const DENY: CargoTool = CargoTool { name: "cargo-deny", subcommand: "deny", version: "0.20.2" };
/// Finds dependencies nobody uses.
pub(crate) const MACHETE: CargoTool = CargoTool { name: "cargo-machete", subcommand: "machete", version: "0.9.2" };
/// Builds and runs fuzz targets.
pub(crate) const CARGO_FUZZ: CargoTool = CargoTool { name: "cargo-fuzz", subcommand: "fuzz", version: "0.13.2" };

/// A program from crates.io of which only this version will do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PinnedProgram {
    name: &'static str,
    version: &'static str,
}

/// Looks for attacks in models of the protocol; what it finds may change with its version.
pub(crate) const VERIFPAL: PinnedProgram = PinnedProgram { name: "verifpal", version: "1.6.7" };

/// Its own profile optimises the whole at once; that takes longer than a minute of work is worth.
const SOON: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2"),
];

/// A tool that is missing and could not be installed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallToolError {
    /// Neither root nor password-less sudo.
    #[error("missing system packages and no right to install them; run: {command}")]
    NoRight { command: String },
    /// The package manager or cargo failed.
    #[error("cannot install {what}")]
    Install {
        what: String,
        #[source]
        source: ShellError,
    },
}

/// Makes sure that all packages are installed.
///
/// # Errors
/// When one is missing and apt-get may not run, or fails.
pub(crate) fn need_packages(shell: &Shell, packages: &[Package]) -> Result<(), InstallToolError> {
    let missing: Vec<&str> = packages.iter().filter(|package| !present(shell, package)).map(|it| it.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let right: &[&str] = if shell::capture(shell.command("id", ["-u"])).is_ok_and(|id| id == b"0\n") {
        &[]
    } else if shell::succeeds(shell.command("sudo", ["-n", "true"])) {
        &["sudo", "-n"]
    } else {
        return Err(InstallToolError::NoRight { command: format!("sudo apt-get install -y {}", missing.join(" ")) });
    };
    ui::step(&format!("installing {}", missing.join(" ")));
    apt_get(shell, right, &["update", "-qq"])
        .and_then(|()| {
            let options = ["install", "-y", "-qq", "--no-install-recommends"];
            apt_get(shell, right, &[&options, missing.as_slice()].concat())
        })
        .map_err(|source| InstallToolError::Install { what: missing.join(" "), source })
}

fn apt_get(shell: &Shell, right: &[&str], arguments: &[&str]) -> Result<(), ShellError> {
    let mut words = right.to_vec();
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    words.extend(arguments);
    let (program, rest) = words.split_first().map_or(("apt-get", arguments), |(program, rest)| (*program, rest));
    shell::run(shell.command(program, rest))
}

fn present(shell: &Shell, package: &Package) -> bool {
    package.proofs.iter().any(|proof| {
        if proof.starts_with('/') {
            return fs_err::exists(proof).unwrap_or(false);
        }
        shell::succeeds(shell.command("sh", ["-c", "command -v \"$0\"", proof]))
    })
}

/// Makes sure that a cargo subcommand answers; any version that is there will do.
///
/// # Errors
/// When it is missing and `cargo install` fails.
pub(crate) fn need_cargo_tool(shell: &Shell, tool: CargoTool) -> Result<(), InstallToolError> {
    if shell::succeeds(shell.cargo([tool.subcommand, "--version"])) {
        return Ok(());
    }
    let what = format!("{}@{}", tool.name, tool.version);
    ui::step(&format!("installing {what}"));
    shell::run(shell.cargo(["install", "--locked", &what])).map_err(|source| InstallToolError::Install { what, source })
}

/// Makes sure that a program is in the target folder, in its version, and gives its path.
///
/// # Errors
/// When it is missing and `cargo install` fails.
pub(crate) fn need_program(shell: &Shell, program: PinnedProgram) -> Result<PathBuf, InstallToolError> {
    let what = format!("{}@{}", program.name, program.version);
    let root = shell.target().join("tools").join(&what);
    let path = root.join("bin").join(program.name);
    if fs_err::exists(&path).unwrap_or(false) {
        return Ok(path);
    }
    ui::step(&format!("installing {what}"));
    // It asks for a Rust that is newer than what it needs.
    let mut command = shell.cargo(["install", "--locked", "--ignore-rust-version", &what, "--root"]);
    command.arg(&root).envs(SOON);
    shell::run(command).map_err(|source| InstallToolError::Install { what, source })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_is_told_by_any_proof() {
        let shell = Shell::new().expect("HOME is set");
        let package = |proofs| Package { name: "some-package", proofs };
        assert!(present(&shell, &package(&["no-such-program", "sh"])));
        assert!(present(&shell, &package(&["/"])));
        assert!(!present(&shell, &package(&["no-such-program", "/no/such/file"])));
    }
}
