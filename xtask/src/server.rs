//! A server of our own on this machine, for the demo and for trying by hand.
//!
//! It speaks plain HTTP, which the server allows on loopback only.

use crate::{
    shell::{self, Shell, ShellError},
    ui,
};
use std::{
    io::{self, BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

/// What the server prints before its address, once it takes connections.
const READY: &str = "listening on http://";

/// The server did not come up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartServerError {
    /// It could not be started at all, or not be read from.
    #[error("cannot start the server")]
    Start(#[from] io::Error),
    /// It ended, or said something else.
    #[error("the server did not say that it listens")]
    NotReady,
}

/// Builds the two binaries that people run.
///
/// # Errors
/// When they do not compile.
pub(crate) fn build(shell: &Shell) -> Result<(), ShellError> {
    let packages = ["-p", "anonicloud-server", "-p", "anonicloud-cli"];
    let mut command = shell.cargo(["build", "--locked", "--bins"]);
    command.args(packages);
    shell::run(command)
}

/// The command that serves a data folder on an address of loopback.
fn command(shell: &Shell, data: &Path, address: SocketAddr) -> Command {
    let mut command = shell.command(shell.built("anonicloud-server"), ["serve"]);
    command.arg("--data-dir").arg(data).arg("--listen").arg(address.to_string());
    command
}

/// A running server, killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a server and waits until it takes connections; port 0 lets it choose one.
    ///
    /// # Errors
    /// When it does not start or does not listen.
    pub(crate) fn start(shell: &Shell, data: &Path, address: SocketAddr) -> Result<Self, StartServerError> {
        let mut command = command(shell, data, address);
        let process = command.args(["--log", "warn"]).stdout(Stdio::piped()).spawn()?;
        let mut server = Self { process, address };
        let mut line = String::new();
        if let Some(output) = server.process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let said = line.trim_end().strip_prefix(READY).and_then(|address| address.parse().ok());
        server.address = said.ok_or(StartServerError::NotReady)?;
        Ok(server)
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it has ended by itself.
    ///
    /// # Errors
    /// When the process cannot be asked.
    pub(crate) fn has_ended(&mut self) -> Result<bool, io::Error> {
        Ok(self.process.try_wait()?.is_some())
    }

    /// SIGKILL: no signal handler runs, nothing is flushed.
    ///
    /// # Errors
    /// When the process cannot be killed or waited for.
    pub(crate) fn kill(&mut self) -> Result<(), io::Error> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, and then there is nobody left to kill.
        drop(self.kill());
    }
}

/// `cargo xtask serve`: a server that stays up, on data that stays.
///
/// # Errors
/// When the binaries do not build or the server fails.
pub(crate) fn serve(shell: &Shell, address: SocketAddr) -> Result<(), ShellError> {
    build(shell)?;
    let data = shell.target().join("serve");
    ui::step(&format!("serving {} until Ctrl-C; in another terminal:", data.display()));
    let client = shell.built("anonicloud");
    ui::line(&format!("{} --server http://{address} signup", client.display()));
    shell::run(command(shell, &data, address))
}
