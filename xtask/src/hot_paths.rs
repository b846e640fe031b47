//! `cargo xtask hot-paths`: how many instructions one round of each hot path of `core` takes, by callgrind.
//!
//! Counts, unlike times, are the same on a busy machine. They follow from the program, its libraries and the instructions
//! that valgrind knows, so a new compiler or library may move them: `--accept` writes them down anew.

use std::{collections::BTreeMap, io, process::Stdio};

use crate::{
    TaskError, check,
    shell::{self, Shell, ShellError},
    tools, ui,
};

/// What is counted, by the names that the program takes.
const PATHS: [&str; 6] =
    ["seal-segment", "open-segment", "pack-small-files", "edit-folder", "list-folder", "merge-folders"];
/// Rounds of the longer of the two runs, beside the one of the shorter: what lies before the rounds cancels out.
const ROUNDS: u64 = 4;
/// By how many percent a count may move either way. Hash tables are seeded anew in each run and move it by less than one.
const TOLERANCE: u64 = 5;
/// Where the counts are written down.
const FILE: &str = "bench/hot-paths.txt";

/// Why there are no counts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CountError {
    /// The program or valgrind failed.
    #[error(transparent)]
    Shell(#[from] ShellError),
    /// valgrind said something else than how much it counted.
    #[error("valgrind of {path} printed no count:\n{output}")]
    NoCount { path: &'static str, output: String },
    /// The file of counts cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// It holds something else.
    #[error("{FILE}: `{line}` is not a name and a count")]
    Malformed { line: String },
}

/// Counts, and compares with what is written down or, with `accept`, writes it down.
///
/// # Errors
/// When something is missing or fails, or a count moved by more than the tolerance.
pub(crate) fn run(shell: &Shell, accept: bool) -> Result<(), TaskError> {
    tools::need_packages(shell, tools::COMPILE)?;
    tools::need_packages(shell, tools::COUNT)?;
    ui::step("instructions of the hot paths");
    // As `xtask test` builds them, so that nothing is compiled twice.
    shell::run(shell.cargo(["build", "--workspace", "--locked", "--bins", "--tests"]))?;
    let mut counts = BTreeMap::new();
    for path in PATHS {
        let (one, more) = (count(shell, path, 1)?, count(shell, path, 1 + ROUNDS)?);
        let round = more.saturating_sub(one) / ROUNDS;
        ui::line(&format!("{path}: {round}"));
        counts.insert(path.to_owned(), round);
    }
    let file = shell.root().join(FILE);
    if accept {
        fs_err::write(file, written(&counts)).map_err(CountError::File)?;
        return Ok(());
    }
    let expected = parse(&fs_err::read_to_string(file).map_err(CountError::File)?)?;
    check::conclude("hot paths", &moved(&expected, &counts))
}

/// All instructions of a run of `rounds`.
fn count(shell: &Shell, path: &'static str, rounds: u64) -> Result<u64, CountError> {
    let program = shell.built("anonicloud-hot-paths");
    let mut command = shell.command("valgrind", ["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(program).args([path, &rounds.to_string()]).stdout(Stdio::null());
    let output = shell::capture_stderr(command)?;
    let output = String::from_utf8_lossy(&output).into_owned();
    let counted = output.lines().find_map(|line| line.split_once("Collected :"));
    let counted = counted.and_then(|(_, number)| number.trim().parse().ok());
    counted.ok_or(CountError::NoCount { path, output })
}

fn written(counts: &BTreeMap<String, u64>) -> String {
    let lines: Vec<_> = counts.iter().map(|(path, count)| format!("{path} {count}\n")).collect();
    lines.concat()
}

fn parse(text: &str) -> Result<BTreeMap<String, u64>, CountError> {
    let pair = |line: &str| {
        let (path, count) = line.split_once(' ')?;
        Some((path.to_owned(), count.parse().ok()?))
    };
    text.lines().map(|line| pair(line).ok_or_else(|| CountError::Malformed { line: line.to_owned() })).collect()
}

/// A line for each count that is not what was written down. Fewer instructions are told too: else the next that come back
/// would go unnoticed.
fn moved(expected: &BTreeMap<String, u64>, counts: &BTreeMap<String, u64>) -> Vec<String> {
    let paths: std::collections::BTreeSet<_> = expected.keys().chain(counts.keys()).collect();
    let line = |path: &&String| match (expected.get(*path), counts.get(*path)) {
        (Some(expected), Some(count)) if expected.abs_diff(*count) * 100 <= expected * TOLERANCE => None,
        (Some(expected), Some(count)) => Some(format!(
            "{path} takes {count} instructions a round instead of {expected}; if it has to, `cargo xtask hot-paths --accept`"
        )),
        _ => Some(format!("{path} is counted or written down, not both; `cargo xtask hot-paths --accept`")),
    };
    paths.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
        pairs.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect()
    }

    #[test]
    fn a_count_that_moves_is_found_either_way() {
        let expected = counts(&[("a", 1000), ("b", 1000), ("c", 1000)]);
        assert!(moved(&expected, &counts(&[("a", 1050), ("b", 950), ("c", 1000)])).is_empty());
        assert_eq!(moved(&expected, &counts(&[("a", 1051), ("b", 949), ("c", 1000)])).len(), 2);
        assert_eq!(moved(&expected, &counts(&[("a", 1000), ("b", 1000), ("d", 1)])).len(), 2);
    }

    #[test]
    fn what_is_written_is_read() {
        let some = counts(&[("seal-segment", 12), ("open-segment", 0)]);
        assert_eq!(parse(&written(&some)).expect("it was written by us"), some);
        assert!(matches!(parse("seal-segment\n"), Err(CountError::Malformed { .. })));
        assert!(matches!(parse("seal-segment x\n"), Err(CountError::Malformed { .. })));
    }
}
