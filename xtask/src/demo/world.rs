//! The stage: a temporary folder, a server, a tap on its wire, and two devices.

use super::{DemoError, content, tap::Tap};
use crate::{server::Server, shell::Shell};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The account of the demo.
pub(super) const HANDLE: &str = "demo";
/// Long enough that the client does not refuse it.
const PASSWORD: &str = "seven quiet otters juggle warm lanterns\n";
/// Size of the large file in bytes.
pub(super) const LARGE_FILE_SIZE: u64 = 1 << 30;

/// One of the account's devices: its own state, nothing shared with the other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Device {
    /// Signs up and sends.
    Laptop,
    /// Logs in and gets.
    Phone,
}

/// Everything the demo acts on, removed at its end.
pub(super) struct World<'a> {
    shell: &'a Shell,
    folder: TempDir,
    server: Server,
    tap: Tap,
}

impl<'a> World<'a> {
    /// Makes the content, starts the server and puts the tap before it.
    pub(super) fn new(shell: &'a Shell) -> Result<Self, DemoError> {
        // Beside the build output, which is on a disk: a temporary folder may be in memory.
        let folder = tempfile::Builder::new().prefix("demo-").tempdir_in(shell.target())?;
        let server = Server::start(shell, &data(&folder), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let tap = Tap::open(server.address())?;
        let world = Self { shell, folder, server, tap };
        for name in ["sent", "got"] {
            fs_err::create_dir(world.path(name))?;
        }
        fs_err::write(world.path("password"), PASSWORD)?;
        content::copy_sources(&shell.registry(), &world.sent_folder())?;
        content::write_large_file(&world.sent_large_file(), LARGE_FILE_SIZE)?;
        Ok(world)
    }

    /// Kills the server with SIGKILL.
    pub(super) fn kill_server(&mut self) -> Result<(), DemoError> {
        Ok(self.server.kill()?)
    }

    /// Starts a server again after a kill, on the same data and address.
    pub(super) fn start_server(&mut self) -> Result<(), DemoError> {
        self.server = Server::start(self.shell, &self.data(), self.server.address())?;
        Ok(())
    }

    /// The client on a device, before its subcommand. It reaches the server through the tap.
    pub(super) fn client(&self, device: Device) -> Command {
        let state = match device {
            Device::Laptop => "laptop",
            Device::Phone => "phone",
        };
        let mut command = self.shell.command(self.shell.built("anonicloud"), [""; 0]);
        command.arg("--server").arg(format!("http://{}", self.tap.address()));
        command.arg("--state-dir").arg(self.path(state));
        command
    }

    /// Bytes that clients have sent to the server so far.
    pub(super) fn bytes_sent(&self) -> u64 {
        self.tap.bytes_sent()
    }

    /// The folder to send.
    pub(super) fn sent_folder(&self) -> PathBuf {
        self.path("sent/Sources")
    }

    /// The large file to send.
    pub(super) fn sent_large_file(&self) -> PathBuf {
        self.path("sent/large.bin")
    }

    /// The server's data.
    pub(super) fn data(&self) -> PathBuf {
        data(&self.folder)
    }

    /// A file or folder of the stage.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

fn data(folder: &TempDir) -> PathBuf {
    folder.path().join("server")
}
