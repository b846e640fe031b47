//! All that a test acts on, removed when it ends.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::bad_disk::BadDisk;
use crate::binaries;
use crate::device::Device;
use crate::disk::SmallDisk;
use crate::server::Server;
use crate::wire::Wire;

/// The password of every account.
pub const PASSWORD: &str = "seven quiet otters juggle warm lanterns";

/// A server in a folder of its own, and the wire to it.
#[derive(Debug)]
pub struct World {
    wire: Wire,
    server: Server,
    // Last, so that it is removed after the server ended.
    folder: TempDir,
}

impl World {
    /// A server with nothing on it.
    pub fn new() -> Self {
        Self::with_options(&[])
    }

    /// A server with nothing on it and more options, such as `--quota 64MiB`, where anybody may sign up without a puzzle.
    pub fn with_options(options: &[&str]) -> Self {
        Self::as_it_is(&[&["--sign-up", "open"], options].concat())
    }

    /// A server with nothing on it and nothing but these options.
    pub fn as_it_is(options: &[&str]) -> Self {
        let folder = make_folder();
        let server = Server::start(folder.path(), options);
        Self::around(server, folder)
    }

    /// A server with nothing on it, whose data is on a disk of `size` bytes.
    pub fn on_small_disk(size: u64) -> (Self, SmallDisk) {
        let folder = make_folder();
        let disk = SmallDisk::new(&folder.path().join("disk"), size);
        let server = Server::start_on(folder.path(), &disk);
        (Self::around(server, folder), disk)
    }

    /// A server with nothing on it, whose data is on a disk of `size` bytes that is slow or fails when told; `seed` says at what.
    pub fn on_bad_disk(size: u64, seed: u64) -> (Self, BadDisk, SmallDisk) {
        let folder = make_folder();
        let small = SmallDisk::new(&folder.path().join("small-disk"), size);
        let disk = BadDisk::mount(&small.path(), &folder.path().join("disk"), seed);
        let server = Server::start_in(folder.path(), disk.place());
        (Self::around(server, folder), disk, small)
    }

    fn around(server: Server, folder: TempDir) -> Self {
        fs_err::write(folder.path().join("password"), PASSWORD).expect("the folder can be written to");
        let wire = Wire::open(server.address());
        Self { wire, server, folder }
    }

    /// The path `name` in the folder of the test.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file that holds [`PASSWORD`].
    pub fn password_file(&self) -> PathBuf {
        self.path("password")
    }

    /// Makes a folder in the folder of the test.
    pub fn folder(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name);
        fs_err::create_dir_all(&path).expect("the folder can be written to");
        path
    }

    /// A device that nobody is signed in on; `name` is also the folder of its state.
    pub fn device(&self, name: &str) -> Device {
        Device::new(self.path(name), self.wire.url())
    }

    /// A device with a new account.
    pub fn sign_up(&self, name: &str, handle: &str) -> Device {
        let device = self.device(name);
        let words = self.path(format!("{handle}.words"));
        device.json(&[
            &"signup",
            &"--handle",
            &handle,
            &"--password-file",
            &self.password_file(),
            &"--recovery-file",
            &words,
        ]);
        device
    }

    /// A device signed in to an account that exists.
    pub fn log_in(&self, name: &str, handle: &str) -> Device {
        let device = self.device(name);
        device.json(&[&"login", &"--handle", &handle, &"--password-file", &self.password_file()]);
        device
    }

    /// What is between the devices and the server.
    pub const fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The server.
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// The server, to change how it starts next.
    pub const fn server_mut(&mut self) -> &mut Server {
        &mut self.server
    }

    /// SIGKILL of the server, and the end of every connection.
    pub fn kill_server(&mut self) {
        self.server.kill();
        self.wire.cut();
    }

    /// Starts the server on the same data; devices reach it where they did before.
    pub fn start_server(&mut self) {
        self.server.start_again();
        self.wire.lead_to(self.server.address());
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

fn make_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("world-").tempdir_in(binaries::scratch());
    folder.expect("the build output can be written to")
}
