//! The server as a process: started, killed, started again on the same data.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::binaries;
use crate::disk::{SmallDisk, command_in};

/// What the server prints before its address, once it takes connections.
const READY: &str = "listening on ";
/// For how long a start is waited for.
const START_DEADLINE: Duration = Duration::from_mins(2);

/// A server on loopback; killed when dropped.
#[derive(Debug)]
pub struct Server {
    data: PathBuf,
    log: PathBuf,
    options: Vec<String>,
    /// Whose disk its process sees.
    disk_owner: Option<u32>,
    process: Option<Child>,
    address: SocketAddr,
}

impl Server {
    /// Starts a server in `folder`: its data is in `folder/data`, its log, of every level, in `folder/log`.
    pub fn start(folder: &Path, options: &[&str]) -> Self {
        Self::start_with_data(folder, folder.join("data"), None, options)
    }

    /// The same with its data on `disk`.
    pub fn start_on(folder: &Path, disk: &SmallDisk) -> Self {
        Self::start_with_data(folder, disk.place().join("data"), Some(disk.owner()), &["--sign-up", "open"])
    }

    /// The same with its data in `place`.
    pub fn start_in(folder: &Path, place: &Path) -> Self {
        Self::start_with_data(folder, place.join("data"), None, &["--sign-up", "open"])
    }

    fn start_with_data(folder: &Path, data: PathBuf, disk_owner: Option<u32>, options: &[&str]) -> Self {
        let mut server = Self {
            data,
            disk_owner,
            log: folder.join("log"),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            process: None,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        };
        server.start_again();
        server
    }

    /// Starts the server after a kill, on the same data; it has another port then.
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "the server runs already");
        let log = fs_err::OpenOptions::new().create(true).append(true).open(&self.log);
        let mut command = command_in(self.disk_owner, binaries::find("anonicloud-server"));
        let process = command
            .args(["serve", "--log", "trace", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&self.data)
            .args(&self.options)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.expect("the log can be written to").into_file())
            .spawn();
        let process = self.process.insert(process.expect("the server starts"));
        let output = process.stdout.take().expect("its output was asked for");
        let line = first_line(output).unwrap_or_default();
        let url = line.trim_end().strip_prefix(READY);
        let address: Option<SocketAddr> =
            url.and_then(|url| url.split_once("://")).and_then(|(_, address)| address.parse().ok());
        let log = self.log();
        assert!(address.is_some(), "the server does not listen: {log}");
        self.address = address.unwrap_or(self.address);
    }

    /// The check of its data folder, not started.
    pub fn check_command(&self) -> Command {
        let mut command = command_in(self.disk_owner, binaries::find("anonicloud-server"));
        command.args(["check", "--data-dir"]).arg(&self.data).env_clear().stdin(Stdio::null());
        command
    }

    /// What `admin` does with `arguments` on its data folder, whether it runs or not.
    pub fn admin(&self, arguments: &[&str]) -> Output {
        let mut command = command_in(self.disk_owner, binaries::find("anonicloud-server"));
        command.args(["admin", "--data-dir"]).arg(&self.data).args(arguments).env_clear();
        command.output().expect("the program starts")
    }

    /// The same, which must succeed. Gives its stdout.
    pub fn administer(&self, arguments: &[&str]) -> String {
        let output = self.admin(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", output.status);
        String::from_utf8(output.stdout).expect("an answer is text")
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("our own child can be killed");
            process.wait().expect("our own child can be waited for");
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// All that it logged.
    pub fn log(&self) -> String {
        let mut text = String::new();
        let file = fs_err::File::open(&self.log);
        file.and_then(|mut file| file.read_to_string(&mut text)).expect("the log can be read");
        text
    }
}

/// What a server says first; none when it says nothing for far longer than a start takes.
fn first_line(output: ChildStdout) -> Option<String> {
    let (said, line) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        // Nobody may be there to hear it any more.
        drop(read.map(|_| said.send(line)));
    });
    line.recv_timeout(START_DEADLINE).ok()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
