//! Runs that end in time, or are ended: nothing that a storm starts can hold it up for ever.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often a run is asked whether it has ended.
const ASK: Duration = Duration::from_millis(4);

/// A run with a deadline. Its output goes to files, so that it never waits for a reader; killed when dropped.
#[derive(Debug)]
pub struct Timed {
    child: Child,
    until: Instant,
    output: PathBuf,
    errors: PathBuf,
}

/// How a run ended.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "storms take it apart")]
pub struct Ended {
    /// None when it was over its deadline, and killed.
    pub status: Option<ExitStatus>,
    /// What it wrote to stdout.
    pub output: Vec<u8>,
    /// What it wrote to stderr.
    pub errors: String,
}

impl Ended {
    /// The exit code of a run that ended by itself.
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }
}

impl Timed {
    /// Starts `command`, whose output goes to files that begin with `files`, for at most `deadline`.
    pub fn start(mut command: Command, files: &std::path::Path, deadline: Duration) -> Self {
        let (output, errors) = (files.with_extension("out"), files.with_extension("err"));
        let make = |path: &PathBuf| fs_err::File::create(path).expect("the folder can be written to").into_file();
        command.stdout(make(&output)).stderr(make(&errors)).process_group(0);
        let child = command.spawn().expect("the program starts");
        Self { child, until: Instant::now() + deadline, output, errors }
    }

    /// Starts `command` with nothing to read, and waits for its end.
    pub fn run(mut command: Command, files: &std::path::Path, deadline: Duration) -> Ended {
        command.stdin(Stdio::null());
        Self::start(command, files, deadline).wait()
    }

    /// Whether it has ended, or will not be waited for any longer.
    pub fn is_over(&mut self) -> bool {
        Instant::now() >= self.until || self.child.try_wait().expect("our own child can be asked").is_some()
    }

    /// Waits for its end, or kills it at its deadline.
    pub fn wait(mut self) -> Ended {
        while !self.is_over() {
            thread::sleep(ASK);
        }
        let status = self.child.try_wait().expect("our own child can be asked");
        let output = fs_err::read(&self.output).expect("its output can be read");
        let errors = fs_err::read(&self.errors).expect("its output can be read");
        Ended { status, output, errors: String::from_utf8_lossy(&errors).into_owned() }
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not be.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_by_itself_or_at_its_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let ended = Timed::run(command, &folder.path().join("run"), Duration::from_mins(1));
        assert_eq!((ended.code(), ended.output.as_slice(), ended.errors.as_str()), (Some(3), &b"out\n"[..], "err\n"));
        let mut command = Command::new("sleep");
        command.arg("600");
        let ended = Timed::run(command, &folder.path().join("run"), Duration::from_millis(10));
        assert!(ended.status.is_none());
    }
}
