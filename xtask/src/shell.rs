//! Starting other programs.
//!
//! Enters: a program and its arguments. Leaves: success, its output, or an error that shows the whole command.

use std::{
    env,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

/// What the toolchain that runs xtask puts into the environment and another toolchain must not inherit.
const TOOLCHAIN_VARIABLES: [&str; 6] =
    ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "RUST_RECURSION_COUNT", "LD_LIBRARY_PATH"];

/// A program that did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShellError {
    /// It could not be started at all.
    #[error("cannot start `{command}`")]
    Start {
        command: String,
        #[source]
        source: io::Error,
    },
    /// It ran and failed.
    #[error("`{command}` ended with {status}")]
    Failed { command: String, status: ExitStatus },
    /// Without it there is no place for build output.
    #[error("HOME is not set")]
    NoHome,
    /// Only cargo says which checkout this is about.
    #[error("CARGO_MANIFEST_DIR is not set: run it as `cargo xtask`")]
    NoCargo,
}

/// Where commands run and where they build.
#[derive(Debug)]
pub(crate) struct Shell {
    root: PathBuf,
    target: PathBuf,
    cargo_home: PathBuf,
}

impl Shell {
    /// Finds the repository's root, and a target folder that outlives a checkout.
    ///
    /// # Errors
    /// Without `HOME` there is no such folder; without `CARGO_MANIFEST_DIR`, which cargo sets, no root.
    #[expect(clippy::disallowed_methods, reason = "this is where xtask reads its environment")]
    pub(crate) fn new() -> Result<Self, ShellError> {
        // Of this run, not of the build: checkouts share what they build, this program too.
        let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(ShellError::NoCargo)?);
        let root = manifest.parent().unwrap_or(&manifest).to_path_buf();
        let home = PathBuf::from(env::var_os("HOME").ok_or(ShellError::NoHome)?);
        let folder = |name, default| env::var_os(name).map_or_else(|| home.join(default), |folder| root.join(folder));
        let target = folder("CARGO_TARGET_DIR", ".cache/anonicloud-target");
        let cargo_home = folder("CARGO_HOME", ".cargo");
        Ok(Self { root, target, cargo_home })
    }

    /// The root of the repository.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder all builds of this machine share.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// A program that this workspace builds.
    pub(crate) fn built(&self, program: &str) -> PathBuf {
        self.target.join("debug").join(program)
    }

    /// Where cargo keeps what it fetched.
    pub(crate) fn cargo_home(&self) -> &Path {
        &self.cargo_home
    }

    /// Where cargo keeps the sources of all dependencies.
    pub(crate) fn registry(&self) -> PathBuf {
        self.cargo_home.join("registry/src")
    }

    /// `cargo` of the toolchain that runs xtask.
    pub(crate) fn cargo<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        self.command("cargo", arguments)
    }

    /// Any program, in the root of the repository.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        // By it some subcommands tell whether cargo runs them, and it stands for xtask here.
        command.env_remove("CARGO_PKG_NAME");
        command
    }

    /// A program that brings its own toolchain: it inherits nothing of ours.
    pub(crate) fn foreign<S: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = self.command(program, arguments);
        for variable in TOOLCHAIN_VARIABLES {
            command.env_remove(variable);
        }
        command
    }
}

/// Runs a command whose output a person reads.
///
/// # Errors
/// When it cannot start or does not succeed.
pub(crate) fn run(mut command: Command) -> Result<(), ShellError> {
    let status = command.status().map_err(|source| ShellError::Start { command: shown(&command), source })?;
    if status.success() { Ok(()) } else { Err(ShellError::Failed { command: shown(&command), status }) }
}

/// Runs a command and gives what it wrote to stdout; its stderr goes to the person.
///
/// # Errors
/// When it cannot start or does not succeed.
pub(crate) fn capture(mut command: Command) -> Result<Vec<u8>, ShellError> {
    command.stderr(Stdio::inherit());
    let output = command.output().map_err(|source| ShellError::Start { command: shown(&command), source })?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(ShellError::Failed { command: shown(&command), status: output.status })
    }
}

/// Runs a command and gives what it wrote to stderr.
///
/// # Errors
/// When it cannot start or does not succeed.
pub(crate) fn capture_stderr(mut command: Command) -> Result<Vec<u8>, ShellError> {
    let output = command.output().map_err(|source| ShellError::Start { command: shown(&command), source })?;
    if output.status.success() {
        Ok(output.stderr)
    } else {
        Err(ShellError::Failed { command: shown(&command), status: output.status })
    }
}

/// Whether a command starts and succeeds; nothing it writes is shown.
pub(crate) fn succeeds(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_whole_command() {
        let shell = Shell::new().expect("HOME is set");
        let error = run(shell.command("false", ["one", "two"])).expect_err("false fails");
        assert!(error.to_string().starts_with("`false one two` ended with"), "{error}");
        assert!(matches!(run(shell.command("no-such-program", [""])), Err(ShellError::Start { .. })));
    }

    #[test]
    fn output_is_captured_and_probes_tell_success_from_failure() {
        let shell = Shell::new().expect("HOME is set");
        assert_eq!(capture(shell.command("echo", ["hi"])).expect("echo succeeds"), b"hi\n");
        assert!(succeeds(shell.command("true", [""; 0])));
        assert!(!succeeds(shell.command("false", [""; 0])));
    }

    #[test]
    fn a_foreign_toolchain_inherits_nothing_of_ours() {
        let shell = Shell::new().expect("HOME is set");
        let command = shell.foreign("cargo", ["check"]);
        let mut removed = command.get_envs().filter(|(_, value)| value.is_none());
        assert!(removed.any(|(name, _)| name == "RUSTUP_TOOLCHAIN"));
    }
}
