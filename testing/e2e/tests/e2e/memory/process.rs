//! A process that signs in, works, signs out and stays.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anonicloud_e2e::world::World;

pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts it for Alice, with its state in the folder of the world.
    pub(super) fn start(world: &World, options: &[&str]) -> Self {
        fs_err::write(world.path("up"), "dear diary").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_anonicloud-signs-out"));
        command.arg("--server").arg(world.wire().url()).arg("--folder").arg(world.path(""));
        command.args(["--handle", "alice"]).args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    pub(super) fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
