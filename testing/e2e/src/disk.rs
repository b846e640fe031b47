//! A disk that is small, and full when a test wants it to be.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A file system of its own in memory, in a mount namespace that ends with the test.
#[derive(Debug)]
pub struct SmallDisk {
    shell: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    place: PathBuf,
}

impl SmallDisk {
    /// A disk of `size` bytes; `place` is a folder that nothing else uses.
    pub fn new(place: &Path, size: u64) -> Self {
        fs_err::create_dir_all(place).expect("the folder of the test can be written to");
        // The shell ends when its stdin does, so however the test ends the disk goes.
        let mut shell = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare of util-linux is installed");
        let commands = shell.stdin.take().expect("it was asked for");
        let answers = BufReader::new(shell.stdout.take().expect("it was asked for"));
        let mut disk = Self { shell, commands, answers, place: place.to_path_buf() };
        disk.mount(&format!("-t tmpfs -o size={size} none"));
        disk
    }

    /// Gives it another size.
    pub fn resize(&mut self, size: u64) {
        self.mount(&format!("-o remount,size={size}"));
    }

    /// Its root for processes that were started in it, see [`Self::owner`].
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// The process whose mounts it is among.
    pub fn owner(&self) -> u32 {
        self.shell.id()
    }

    /// Its root as everybody sees it; `SQLite` does not get through it.
    pub fn path(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.shell.id()));
        root.join(self.place.strip_prefix("/").expect("the folder of the test is absolute"))
    }

    fn mount(&mut self, how: &str) {
        let place = self.place.display();
        writeln!(self.commands, "mount {how} '{place}' && echo done").expect("the shell runs");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the shell answers");
        assert_eq!(line, "done\n", "a small disk needs the right to mount in a user namespace, or root");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        self.shell.kill().expect("our own child can be killed");
        self.shell.wait().expect("our own child can be waited for");
    }
}

/// The command `program`, which sees the disk of `owner`, if there is one, at its place.
pub(crate) fn command_in(owner: Option<u32>, program: PathBuf) -> Command {
    let Some(owner) = owner else {
        return Command::new(program);
    };
    let mut command = Command::new("nsenter");
    command.args(["--user", "--mount", "--preserve-credentials"]);
    command.args(["--target", &owner.to_string(), "--"]).arg(program);
    command
}
