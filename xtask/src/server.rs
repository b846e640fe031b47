//! A server of our own on this machine, for the demo and for trying by hand.
//!
//! It speaks plain HTTP, which the server allows on loopback only.

use crate::shell::{self, Shell, ShellError};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

/// Opening a database and binding a port takes milliseconds; a busy machine gets this long.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The server did not come up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartServerError {
    /// There is no port, no program or no process.
    #[error("cannot start the server")]
    Start(#[from] io::Error),
    /// It ended before it listened.
    #[error("the server ended with {0} before it listened")]
    Ended(ExitStatus),
    /// It runs and does not listen.
    #[error("the server does not listen on {0}")]
    Silent(SocketAddr),
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

/// The command that serves a data folder on loopback.
pub(crate) fn command(shell: &Shell, data: &std::path::Path, address: SocketAddr) -> Command {
    let mut command = shell.command(shell.built("anonicloud-server"), ["serve"]);
    command
        .arg("--data")
        .arg(data)
        .arg("--listen")
        .arg(address.to_string());
    command
}

/// A running server, killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
}

impl Server {
    /// Starts a server and waits until it takes connections.
    ///
    /// # Errors
    /// When it cannot start, ends early or does not listen in time.
    pub(crate) fn start(
        shell: &Shell,
        data: &std::path::Path,
        address: SocketAddr,
    ) -> Result<Self, StartServerError> {
        let mut server = Self {
            process: command(shell, data, address).spawn()?,
        };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.process.try_wait()? {
                return Err(StartServerError::Ended(status));
            }
            if started.elapsed() > START_LIMIT {
                return Err(StartServerError::Silent(address));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// SIGKILL: no signal handler runs, nothing is flushed.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub(crate) fn kill(mut self) -> Result<(), io::Error> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, and then there is nobody left to kill.
        if self.process.kill().is_ok() {
            drop(self.process.wait());
        }
    }
}

/// An address on loopback that nobody listens on.
///
/// # Errors
/// When the machine has no free port.
pub(crate) fn free_address() -> Result<SocketAddr, io::Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// `cargo xtask serve`: a server that stays up, on data that stays.
pub(crate) fn serve(shell: &Shell, port: u16) -> Result<(), ShellError> {
    build(shell)?;
    let data: PathBuf = shell.target().join("serve");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    crate::ui::step(&format!(
        "serving {} on http://{address}; Ctrl-C ends it",
        data.display()
    ));
    crate::ui::line(&format!(
        "{} --server http://{address} signup",
        shell.built("anonicloud").display()
    ));
    shell::run(command(shell, &data, address))
}
