//! The server as a process: started, killed, started again on the same data.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::binaries;

/// What the server prints before its address, once it takes connections.
const READY: &str = "listening on ";

/// A server on loopback; killed when dropped.
#[derive(Debug)]
pub struct Server {
    data: PathBuf,
    log: PathBuf,
    options: Vec<String>,
    /// Largest file that the process may write, in 1,024 bytes; none for no limit.
    file_limit: Option<u64>,
    process: Option<Child>,
    address: SocketAddr,
}

impl Server {
    /// Starts a server in `folder`: its data is in `folder/data`, its log, of every level, in `folder/log`.
    pub fn start(folder: &Path, options: &[&str]) -> Self {
        let mut server = Self {
            data: folder.join("data"),
            log: folder.join("log"),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            file_limit: None,
            process: None,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        };
        server.start_again();
        server
    }

    /// Starts the server after a kill, on the same data; it has another port then.
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "the server runs already");
        let log = fs_err::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log);
        let mut command = limited(binaries::find("anonicloud-server"), self.file_limit);
        let process = command
            .args([
                "serve",
                "--log",
                "trace",
                "--listen",
                "127.0.0.1:0",
                "--data-dir",
            ])
            .arg(&self.data)
            .args(&self.options)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.expect("the log can be written to").into_file())
            .spawn();
        let process = self.process.insert(process.expect("the server starts"));
        let mut line = String::new();
        let output = process.stdout.take().expect("its output was asked for");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the server prints");
        let url = line.trim_end().strip_prefix(READY);
        let address = url
            .and_then(|url| url.split_once("://"))
            .and_then(|(_, address)| address.parse().ok());
        self.address = address.unwrap_or_else(|| {
            std::panic::panic_any(format!(
                "the server does not listen: {line:?} {}",
                self.log()
            ))
        });
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("our own child can be killed");
            process.wait().expect("our own child can be waited for");
        }
    }

    /// From the next start on, no file of the server grows beyond `bytes`, as on a disk that is full; `None` for no limit.
    pub fn limit_files(&mut self, bytes: Option<u64>) {
        self.file_limit = bytes.map(|bytes| bytes / 1024);
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
        file.and_then(|mut file| file.read_to_string(&mut text))
            .expect("the log can be read");
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The command `program`, whose files cannot grow beyond `kibibytes`: writing more fails, as it does on a full disk.
pub(crate) fn limited(program: PathBuf, kibibytes: Option<u64>) -> Command {
    let Some(kibibytes) = kibibytes else {
        return Command::new(program);
    };
    let mut command = Command::new("/bin/bash");
    // Without the trap the signal for it would end the process.
    command
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f {kibibytes}; exec \"$0\" \"$@\""
        ))
        .arg(program);
    command
}
