//! A device of a person: the binary `anonicloud` with local state of its own.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::binaries;
use crate::disk::{SmallDisk, command_in};

/// Arguments of any string-like types: `&[&"put", &path, &"/"]`.
pub type Arguments<'a> = &'a [&'a dyn AsRef<OsStr>];

/// A device. Each of its runs is a process of its own, as a person starts it.
#[derive(Debug, Clone)]
pub struct Device {
    state: PathBuf,
    server: String,
    /// Whose disk its processes see.
    disk_owner: Option<u32>,
    options: Vec<OsString>,
    /// Whether options say where its state and its server are.
    is_told: bool,
}

/// What a run that failed said, with `--json`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests take it apart")]
pub struct Refusal {
    /// The exit code.
    pub exit: Option<i32>,
    /// The stable code.
    pub code: String,
    /// What went wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Device {
    /// A device with its state in `state`, which reaches the server at `server`.
    pub fn new(state: PathBuf, server: String) -> Self {
        Self { state, server, disk_owner: None, options: Vec::new(), is_told: true }
    }

    /// The same device over another address.
    #[must_use]
    pub fn at(mut self, server: String) -> Self {
        self.server = server;
        self
    }

    /// The same device where `disk` is at its place.
    #[must_use]
    pub fn with_disk(mut self, disk: &SmallDisk) -> Self {
        self.disk_owner = Some(disk.owner());
        self
    }

    /// The same device with more options in every run, such as `--retry-for 0`.
    #[must_use]
    pub fn with_options(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(OsString::from));
        self
    }

    /// The same device as a person has it, whose processes find state and server by the config file and where both usually are.
    #[must_use]
    pub fn by_itself(mut self) -> Self {
        self.is_told = false;
        self
    }

    /// Where its local state is.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Loses the local state: keys, journal, queue, everything.
    pub fn lose_state(&self) {
        fs_err::remove_dir_all(&self.state).expect("the state can be removed");
    }

    /// The binary with `arguments`, not started; input and output are the caller's to choose.
    pub fn command(&self, arguments: Arguments<'_>) -> Command {
        let mut command = command_in(self.disk_owner, binaries::find("anonicloud"));
        command.env_clear().env("HOME", &self.state).stdin(Stdio::null());
        if self.is_told {
            command.arg("--server").arg(&self.server).arg("--state-dir").arg(&self.state);
        }
        command.args(&self.options);
        command.args(arguments.iter().map(AsRef::as_ref));
        command
    }

    /// Runs it to its end, however it ends.
    pub fn run(&self, arguments: Arguments<'_>) -> Output {
        self.command(arguments).output().expect("the client starts")
    }

    /// Runs it; it must succeed. Gives its stdout.
    pub fn stdout(&self, arguments: Arguments<'_>) -> Vec<u8> {
        succeeded(self.run(arguments))
    }

    /// Runs it with `--json`; it must succeed. Gives its answer.
    pub fn json(&self, arguments: Arguments<'_>) -> Value {
        let mut command = self.command(arguments);
        let output = command.arg("--json").output().expect("the client starts");
        serde_json::from_slice(&succeeded(output)).expect("an answer in JSON")
    }

    /// Runs it with `--json`; it must be refused. Gives the refusal, which has a sentence and a hint.
    pub fn refusal(&self, arguments: Arguments<'_>) -> Refusal {
        let mut command = self.command(arguments);
        refused(&command.arg("--json").output().expect("the client starts"))
    }

    /// Starts it with `--json` and does not wait.
    pub fn start(&self, arguments: Arguments<'_>) -> Running {
        self.start_reading(arguments, Stdio::null())
    }

    /// Starts it with `--json` on a stdin, and does not wait.
    pub fn start_reading(&self, arguments: Arguments<'_>, input: impl Into<Stdio>) -> Running {
        let mut command = self.command(arguments);
        command.stdin(input);
        Self::start_command(command)
    }

    /// Starts one of its commands with `--json`, and does not wait.
    pub fn start_command(mut command: Command) -> Running {
        let process = command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Running(Some(process.expect("the client starts")))
    }

    /// Bytes that the server has reserved for uploads that are not finished.
    pub fn reserved(&self) -> u64 {
        self.json(&[&"quota"])["reserved"].as_u64().expect("a number of bytes")
    }

    /// Transfers that wait to be finished.
    pub fn waiting(&self) -> usize {
        self.json(&[&"status"])["transfers"].as_array().expect("a list").len()
    }
}

fn succeeded(output: Output) -> Vec<u8> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {said}", output.status);
    output.stdout
}

/// The refusal in the output of a run that failed.
pub fn refused(output: &Output) -> Refusal {
    let said = String::from_utf8_lossy(&output.stderr);
    let refusal: Value = said.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    let text = |field: &str| refusal["error"][field].as_str().unwrap_or_default().to_owned();
    assert!(!text("code").is_empty(), "{} with no refusal: {said}", output.status);
    Refusal { exit: output.status.code(), code: text("code"), message: text("message"), hint: text("hint") }
}

/// A run that has not been waited for; killed when dropped.
#[derive(Debug)]
pub struct Running(Option<Child>);

impl Running {
    /// SIGKILL: no handler runs, nothing is flushed.
    pub fn kill(mut self) {
        self.end();
    }

    /// Sends it a signal, by a name as `INT`.
    pub fn signal(&mut self, name: &str) {
        let process = self.child().id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.expect("kill starts").success(), "our own child can be told");
    }

    /// Waits until it hears Ctrl-C itself, which would end it before.
    pub fn wait_hearing(&mut self) {
        let status = format!("/proc/{}/status", self.child().id());
        let hears = |status: &str| {
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            caught.is_some_and(|caught| u64::from_str_radix(caught.trim(), 16).is_ok_and(|mask| mask & 2 != 0))
        };
        while !hears(&fs_err::read_to_string(&status).expect("our own child can be asked")) {
            assert!(!self.has_ended(), "it waits for nothing");
        }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child().try_wait().expect("our own child can be asked").is_some()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Output {
        let child = self.0.take().expect("it was not waited for");
        child.wait_with_output().expect("our own child can be waited for")
    }

    /// Waits for its end; it must succeed. Gives its answer.
    pub fn json(self) -> Value {
        serde_json::from_slice(&succeeded(self.wait())).expect("an answer in JSON")
    }

    /// Waits for its end; it must be refused.
    pub fn refusal(self) -> Refusal {
        refused(&self.wait())
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().expect("it was not waited for")
    }

    fn end(&mut self) {
        if let Some(mut child) = self.0.take() {
            child.kill().expect("our own child can be killed");
            child.wait().expect("our own child can be waited for");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
