//! Running one command and measuring it.

use crate::{place::Place, service::Service};
use fs_err::File;
use serde::Serialize;
use std::{
    io,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    time::Instant,
};
use wait4::{ResourceUsage, Wait4 as _};

/// What one run took.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Run {
    /// Until the client ended and all it caused was on the disk.
    pub(crate) seconds: f64,
    /// Processor time of the client, in seconds.
    pub(crate) client_cpu: f64,
    /// Processor time of the server's processes together, in seconds.
    pub(crate) server_cpu: f64,
    /// Peak resident memory of the client, in bytes. Never below that of this program when it started the client.
    pub(crate) client_peak: u64,
    /// Peak resident memory of the server's processes together, in bytes.
    pub(crate) server_peak: u64,
    /// Bytes that crossed the loopback device both ways, headers included, whoever sent them.
    pub(crate) wire: u64,
}

/// Why a command could not be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeasureError {
    #[error("cannot run {program}")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("`{command}` ended with {status}; it said:\n{said}")]
    Failed { command: String, status: ExitStatus, said: String },
    #[error("cannot sync the disk")]
    Sync(#[source] io::Error),
}

/// Runs a command against its server, with nothing left to write before, and everything written after.
///
/// # Errors
/// When it cannot start or does not succeed, or the disk fails.
pub(crate) fn measure(command: Command, service: &Service, place: &Place) -> Result<Run, MeasureError> {
    place.sync().map_err(MeasureError::Sync)?;
    service.reset_peak();
    let (wire, server_cpu) = (loopback_bytes(), service.processor_seconds());
    let started = Instant::now();
    let client = run(command, place)?;
    place.sync().map_err(MeasureError::Sync)?;
    Ok(Run {
        seconds: started.elapsed().as_secs_f64(),
        client_cpu: (client.utime + client.stime).as_secs_f64(),
        server_cpu: service.processor_seconds() - server_cpu,
        client_peak: client.maxrss,
        server_peak: service.peak(),
        wire: loopback_bytes().saturating_sub(wire),
    })
}

/// Uses `bytes` of memory for a moment, or half of what there is. In a virtual machine the first touch of memory that the host
/// had taken back costs far more than the next one: without this, whoever comes first pays for all.
///
/// # Errors
/// As [`run`].
pub(crate) fn touch_memory(bytes: u64, place: &Place) -> Result<(), MeasureError> {
    let memory = fs_err::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = bytes.min(available_memory(&memory).unwrap_or_default() / 2);
    let mut command = Command::new("dd");
    command.args(["if=/dev/zero", "of=/dev/null", "count=1", "iflag=fullblock"]).arg(format!("bs={}", bytes.max(1)));
    run(command, place).map(drop)
}

/// Bytes that programs may still take, by the text of `/proc/meminfo`.
fn available_memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes << 10)
}

/// Runs a command to its end and gives what it used.
///
/// # Errors
/// When it cannot start or does not succeed.
pub(crate) fn run(mut command: Command, place: &Place) -> Result<ResourceUsage, MeasureError> {
    let log = place.folder().join("client.log");
    let mut start = || {
        let output = File::create(&log)?.into_file();
        let errors = output.try_clone()?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        command.spawn()?.wait4()
    };
    let ended = start().map_err(|source| MeasureError::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    if ended.status.success() {
        Ok(ended.rusage)
    } else {
        Err(MeasureError::Failed { command: shown(&command), status: ended.status, said: last_lines(&log) })
    }
}

fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

fn last_lines(log: &Path) -> String {
    let said = fs_err::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// What the loopback device has received, which is what was sent over it in both directions.
fn loopback_bytes() -> u64 {
    let devices = fs_err::read_to_string("/proc/net/dev").unwrap_or_default();
    received(&devices, "lo").unwrap_or_default()
}

/// The bytes a device has received, by the text of `/proc/net/dev`.
fn received(devices: &str, device: &str) -> Option<u64> {
    let mut lines = devices.lines().filter_map(|line| line.split_once(':'));
    let (_, counters) = lines.find(|(name, _)| name.trim() == device)?;
    counters.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_found_among_figures() {
        let text = "MemTotal:       24684376 kB\nMemAvailable:      2048 kB\n";
        assert_eq!(available_memory(text), Some(2 << 20));
        assert_eq!(available_memory("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn the_loopback_counter_is_found_among_devices() {
        let devices = "Inter-|   Receive\n face |bytes    packets\n  eth0: 17 1 0\n    lo: 4096  2 0 0\n";
        assert_eq!(received(devices, "lo"), Some(4096));
        assert_eq!(received(devices, "wlan0"), None);
    }
}
