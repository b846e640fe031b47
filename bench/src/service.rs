//! A server that runs beside the measurements.

use crate::statistics::float;
use fs_err::File;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A started server; ended when dropped.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    log: PathBuf,
}

/// Why a server did not come up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartServiceError {
    #[error("cannot start {program}")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("{program} did not come up; it said:\n{said}")]
    Silent { program: String, said: String },
    #[error("no free port on 127.0.0.1")]
    Port(#[source] io::Error),
}

impl Service {
    /// Starts a server that was told its port, and waits until that answers.
    ///
    /// # Errors
    /// When the program cannot start, ends, or does not answer in time.
    pub(crate) fn on_port(command: Command, log: PathBuf, port: u16) -> Result<Self, StartServiceError> {
        let answers = |_: &str| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok().then_some(());
        Self::start(command, log, answers).map(|(service, ())| service)
    }

    /// Starts a server and waits until `ready` finds in its output what it looks for.
    ///
    /// # Errors
    /// When the program cannot start, ends, or says nothing of the kind in time.
    pub(crate) fn start<T>(
        mut command: Command,
        log: PathBuf,
        ready: impl Fn(&str) -> Option<T>,
    ) -> Result<(Self, T), StartServiceError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut spawn = || {
            let output = File::create(&log)?.into_file();
            let errors = output.try_clone()?;
            command.stdin(Stdio::null()).stdout(output).stderr(errors);
            command.spawn()
        };
        let child = spawn().map_err(|source| StartServiceError::Start { program: program.clone(), source })?;
        let mut service = Self { child, log };
        let started = Instant::now();
        loop {
            let said = fs_err::read_to_string(&service.log).unwrap_or_default();
            if let Some(found) = ready(&said) {
                return Ok((service, found));
            }
            if started.elapsed() > PATIENCE || !matches!(service.child.try_wait(), Ok(None)) {
                return Err(StartServiceError::Silent { program, said });
            }
            thread::sleep(PAUSE);
        }
    }

    /// Makes the peak memory start anew from what is in use now.
    pub(crate) fn reset_peak(&self) {
        for process in self.processes() {
            // A kernel that does not know this leaves the peak of the server's whole life, which is no less.
            drop(fs_err::write(format!("/proc/{process}/clear_refs"), "5"));
        }
    }

    /// The peak resident memory of the server's processes together, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        let status = |process| fs_err::read_to_string(format!("/proc/{process}/status"));
        let processes = self.processes().into_iter();
        processes.filter_map(|process| high_water_mark(&status(process).ok()?)).sum()
    }

    /// Processor time that the server's processes have used so far, in seconds.
    pub(crate) fn processor_seconds(&self) -> f64 {
        let status = |process| fs_err::read_to_string(format!("/proc/{process}/stat"));
        let processes = self.processes().into_iter();
        let ticks: u64 = processes.filter_map(|process| processor_ticks(&status(process).ok()?)).sum();
        float(ticks) / TICKS_PER_SECOND
    }

    /// The server and its workers.
    fn processes(&self) -> Vec<u32> {
        let server = self.child.id();
        let workers = fs_err::read_to_string(format!("/proc/{server}/task/{server}/children"));
        let mut processes = vec![server];
        processes
            .extend(workers.unwrap_or_default().split_whitespace().filter_map(|process| process.parse::<u32>().ok()));
        processes
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Asked first, since a killed nginx leaves its workers behind.
        let asked = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let started = Instant::now();
        while asked.is_ok() && started.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(PAUSE);
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port of 127.0.0.1 that nobody listens on at the moment.
///
/// # Errors
/// When there is none.
pub(crate) fn free_port() -> Result<u16, StartServiceError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(StartServiceError::Port)
}

/// `VmHWM` of a `/proc/PID/status`, in bytes.
fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kib.checked_mul(1024)
}

/// `utime` and `stime` of a `/proc/PID/stat` together, for all threads of the process.
fn processor_ticks(stat: &str) -> Option<u64> {
    // The name in parentheses may hold spaces; the state after it is the third field, utime the fourteenth.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    user.checked_add(times.next()?.parse().ok()?)
}

/// The log of a server that lies in `folder`.
pub(crate) fn log_in(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

/// What Linux counts in for programs, on every processor since 2.6 (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read_in_bytes() {
        let status = "Name:\tnginx\nVmPeak:\t  99 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(high_water_mark(status), Some(2 << 20));
        assert_eq!(high_water_mark("Name:\tzombie\n"), None);
    }

    #[test]
    fn processor_time_is_that_in_user_and_kernel_mode() {
        let stat = "7 (a (bad) name) S 1 7 7 0 -1 4194560 10 0 0 0 250 50 9 9 20 0 2 0 100 0 0";
        assert_eq!(processor_ticks(stat), Some(300));
        assert_eq!(processor_ticks("7 (short) S 1"), None);
    }

    #[test]
    fn a_server_that_ends_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such luck; exit 1"]);
        let error = Service::start(command, log_in(folder.path()), |_| None::<()>).expect_err("it never gets ready");
        assert!(error.to_string().contains("no such luck"), "{error}");
    }
}
