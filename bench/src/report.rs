//! The table for a person, which is Markdown, and the same for a program.

use crate::{
    arguments::Arguments,
    content::SMALL,
    measure::Run,
    peers::{Kind, Program},
    rounds::{Outcome, Row},
    statistics::{Summary, float, median_ratio},
    units::{MIB, size},
    work::Work,
};
use serde::Serialize;
use std::{
    fmt::{self, Display, Formatter},
    io, thread,
};

/// Everything about a run of the benchmark.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    command: String,
    machine: String,
    programs: Vec<Program>,
    size: u64,
    files: u32,
    outcome: Outcome,
}

impl Report {
    /// Puts together what was asked for, on what it ran, and what came out.
    ///
    /// # Errors
    /// When the machine does not tell its number of cores.
    pub(crate) fn new(arguments: &Arguments, programs: Vec<Program>, outcome: Outcome) -> io::Result<Self> {
        let cores = thread::available_parallelism()?;
        let processor = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = model(&processor).unwrap_or("an unnamed processor");
        Ok(Self {
            command: arguments.to_string(),
            machine: format!("{cores} cores of {model}"),
            programs,
            size: arguments.size,
            files: arguments.files,
            outcome,
        })
    }

    fn title(&self, work: Work) -> String {
        let file = size(self.size);
        let files = || format!("{} files of {}", self.files, size(SMALL));
        match work {
            Work::FileUp => format!("{file} file up"),
            Work::FileDown => format!("{file} file down"),
            Work::ChangedByte => format!("one changed byte in {file}, put again"),
            Work::FilesUp => format!("{} up", files()),
            Work::FilesDown => format!("{} down", files()),
        }
    }

    /// Ours against this row, or, for our own rows, our share of the machine's ceiling.
    fn comparison(&self, row: &Row) -> Option<String> {
        if row.peer != Kind::Anonicloud {
            let mut rows = self.outcome.rows.iter();
            let ours = rows.find(|ours| ours.work == row.work && ours.peer == Kind::Anonicloud)?;
            let ratio = median_ratio(&speeds(ours), &speeds(row))?;
            return Some(format!("{ratio:.2} x"));
        }
        if !matches!(row.work, Work::FileUp | Work::FileDown) {
            return None;
        }
        let least = self.outcome.ceilings.iter().map(|it| it.tls.max(it.disk));
        let least: Vec<f64> = least.collect();
        let taken: Vec<f64> = row.runs.iter().map(|run| run.seconds).collect();
        let share = median_ratio(&least, &taken)? * 100.0;
        Some(format!("{share:.0} % of the ceiling"))
    }

    fn write_row(&self, row: &Row, formatter: &mut Formatter<'_>) -> Option<fmt::Result> {
        let seconds = Summary::of(row.runs.iter().map(|run| run.seconds))?;
        let speed = Summary::of(speeds(row))?.median;
        let speed = match row.work {
            Work::FileUp | Work::FileDown => format!("{:.0} MiB/s", speed / MIB),
            Work::FilesUp | Work::FilesDown => format!("{speed:.0} files/s"),
            Work::ChangedByte => String::new(),
        };
        let part = match row.work {
            Work::FilesUp | Work::FilesDown if row.amount != u64::from(self.files) => {
                format!(" (the first {} of them)", row.amount)
            }
            _ => String::new(),
        };
        // Other programs of the machine can only add to it.
        let wire = Summary::of(row.runs.iter().map(|run| float(run.wire)))?.minimum;
        let processor = |of: fn(&Run) -> f64| Summary::of(row.runs.iter().map(of)).map(|it| it.median);
        let peak = |of: fn(&Run) -> u64| row.runs.iter().map(of).max();
        Some(writeln!(
            formatter,
            "| {} | {}{part} | {:.2} / {:.2} | {speed} | {} | {} | {:.1} | {:.2} / {:.2} | {:.0} / {:.0} |",
            self.title(row.work),
            row.peer.title(),
            seconds.minimum,
            seconds.median,
            self.comparison(row).unwrap_or_default(),
            aim(row).unwrap_or_default(),
            wire / MIB,
            processor(|run| run.client_cpu)?,
            processor(|run| run.server_cpu)?,
            float(peak(|run| run.client_peak)?) / MIB,
            float(peak(|run| run.server_peak)?) / MIB,
        ))
    }

    fn write_ceiling(
        &self,
        title: &str,
        seconds: impl Iterator<Item = f64>,
        formatter: &mut Formatter<'_>,
    ) -> fmt::Result {
        let Some(seconds) = Summary::of(seconds) else {
            return Ok(());
        };
        writeln!(
            formatter,
            "| {} on this machine at most | {title} | {:.2} / {:.2} | {:.0} MiB/s | | | | | |",
            size(self.size),
            seconds.minimum,
            seconds.median,
            float(self.size) / seconds.median / MIB,
        )
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "`{}` on {}\n", self.command, self.machine)?;
        writeln!(
            formatter,
            "| Work | Who | Seconds, least / median | Speed | Ours is | Aim | MiB on the wire | \
             CPU seconds, client / server | Peak MiB, client / server |"
        )?;
        writeln!(formatter, "|---|---|---|---|---|---|---|---|---|")?;
        let ceilings = &self.outcome.ceilings;
        self.write_ceiling("TLS to a sink", ceilings.iter().map(|it| it.tls), formatter)?;
        self.write_ceiling("dd conv=fsync", ceilings.iter().map(|it| it.disk), formatter)?;
        for row in &self.outcome.rows {
            self.write_row(row, formatter).unwrap_or(Ok(()))?;
        }
        let versions = self.programs.iter().map(|program| program.version.as_str());
        let versions: Vec<&str> = versions.collect();
        write!(formatter, "\n{}; configurations in bench/peers/.", versions.join("; "))
    }
}

/// Bytes or files a second, round by round.
fn speeds(row: &Row) -> Vec<f64> {
    let runs = row.runs.iter();
    runs.map(|run| float(row.amount) / run.seconds).collect()
}

fn aim(row: &Row) -> Option<String> {
    if (row.peer, row.work) == (Kind::Anonicloud, Work::ChangedByte) {
        return Some(format!("at most {} sent", size(2 * SEGMENT)));
    }
    let target = row.peer.target(row.work)?;
    Some(format!("{target:.1} x"))
}

/// The processor's name in the text of `/proc/cpuinfo`.
fn model(processor: &str) -> Option<&str> {
    let line = processor.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim())
}

/// What a changed byte makes the client send again at least: one segment of the file.
const SEGMENT: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ceiling::Ceiling;
    use clap::Parser as _;

    fn row(work: Work, peer: Kind, amount: u64, seconds: &[f64]) -> Row {
        let run = |seconds: &f64| Run {
            seconds: *seconds,
            client_cpu: 0.5,
            server_cpu: 0.25,
            client_peak: 10 << 20,
            server_peak: 20 << 20,
            wire: 3 << 20,
        };
        Row { work, peer, amount, runs: seconds.iter().map(run).collect() }
    }

    fn lines(rows: Vec<Row>) -> Vec<String> {
        let arguments = Arguments::parse_from(["bench", "--size", "64MiB", "--files", "2000"]);
        let ceiling = Ceiling { tls: 0.1, disk: 0.5 };
        let outcome = Outcome { ceilings: vec![ceiling; 2], rows };
        let report = Report::new(&arguments, Vec::new(), outcome).expect("cores are known");
        report.to_string().lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn the_table_sets_ours_beside_a_peer_and_beside_the_ceiling() {
        let lines = lines(vec![
            row(Work::FileUp, Kind::Restic, 64 << 20, &[4.0, 2.0]),
            row(Work::FileUp, Kind::Anonicloud, 64 << 20, &[2.0, 1.0]),
        ]);
        assert!(lines[0].starts_with("`cargo xtask bench --size 64MiB --files 2000 --rounds 3` on "));
        assert!(lines[4].contains("| TLS to a sink | 0.10 / 0.10 | 640 MiB/s |"));
        assert!(lines[5].contains("| dd conv=fsync | 0.50 / 0.50 | 128 MiB/s |"));
        assert_eq!(
            lines[6],
            "| 64 MiB file up | restic to a REST server | 2.00 / 3.00 | 24 MiB/s | 2.00 x | 3.0 x | 3.0 | 0.50 / 0.25 | 10 / 20 |"
        );
        assert_eq!(
            lines[7],
            "| 64 MiB file up | **AnoniCloud** | 1.00 / 1.50 | 48 MiB/s | 38 % of the ceiling |  | 3.0 | 0.50 / 0.25 | 10 / 20 |"
        );
    }

    #[test]
    fn a_peer_that_was_given_fewer_files_is_compared_by_speed_and_says_so() {
        let lines = lines(vec![
            row(Work::FilesUp, Kind::Rclone, 1000, &[10.0]),
            row(Work::FilesUp, Kind::Anonicloud, 2000, &[1.0]),
        ]);
        assert_eq!(
            lines[6],
            "| 2000 files of 4 KiB up | rclone crypt to nginx (the first 1000 of them) | 10.00 / 10.00 | 100 files/s \
             | 20.00 x | 50.0 x | 3.0 | 0.50 / 0.25 | 10 / 20 |"
        );
    }

    #[test]
    fn the_processor_is_named() {
        let processor = "processor : 0\nmodel name\t: Some CPU @ 2 GHz\nflags : a\n";
        assert_eq!(model(processor), Some("Some CPU @ 2 GHz"));
    }
}
