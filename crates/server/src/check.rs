//! Checks a data folder, beside the server that uses it or without one: every blob that is whole against its length and
//! hash, every file against the rows. Changes nothing, and reports nothing that a server is just about to do.

use core::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::config::CheckArguments;
use crate::data_folder;
use crate::store::ObjectId;
use crate::store::blob::ObjectFiles;
use crate::store::meta::{Audit, MetaError, WholeBlob};

/// Rows of one query.
const PAGE: u32 = 256;
/// Files that no row names may be going. They are looked for again after this, until so often none of them went.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const LOOKS: u32 = 3;

/// Why nothing can be said about the folder.
#[derive(Debug, Error)]
pub(crate) enum CheckError {
    /// There is no metadata.
    #[error("there is no metadata.sqlite in the data folder")]
    NoFolder,
    /// The metadata cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetaError),
    /// The system gave no thread.
    #[error("the check could not be run")]
    System(#[source] io::Error),
    /// Nobody takes what was found.
    #[error("what was found could not be written")]
    Output(#[source] io::Error),
}

impl CheckError {
    /// What its reader can do.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::NoFolder => "check that --data-dir names the data folder of a server",
            Self::Metadata(_) => "run this as the user who runs the server, and check the disk",
            Self::System(_) => "check the limits of this user, and run it again",
            Self::Output(_) => "check where the output goes, and run it again",
        }
    }
}

/// What is wrong with a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Problem {
    /// It has no file.
    Missing,
    /// Its file has another length.
    Length,
    /// Its bytes have another hash.
    Hash,
    /// Its file cannot be read.
    Unreadable,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "has no file",
            Self::Length => "has a file of another length",
            Self::Hash => "has other bytes than were stored",
            Self::Unreadable => "has a file that cannot be read",
        })
    }
}

/// A blob that is not what was stored.
#[derive(Debug, Serialize)]
struct Damaged {
    space: String,
    blob: String,
    file: String,
    problem: Problem,
    /// Why the file cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

/// A folder of files that cannot be listed.
#[derive(Debug, Serialize)]
struct Unlisted {
    folder: String,
    cause: String,
}

/// What a check found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    blobs: u64,
    bytes: u64,
    damaged: Vec<Damaged>,
    /// Files that no row names.
    unreferenced: Vec<String>,
    /// Folders that may have such files.
    unlisted: Vec<Unlisted>,
}

impl Report {
    /// Whether everything is as it should be.
    pub(crate) const fn is_clean(&self) -> bool {
        self.damaged.is_empty() && self.unreferenced.is_empty() && self.unlisted.is_empty()
    }
}

/// Checks, tells how far it is if somebody looks on, and prints what was found.
pub(crate) fn run(arguments: &CheckArguments) -> Result<Report, CheckError> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(CheckError::System)?;
    let report = runtime.block_on(check(arguments))?;
    write(&mut io::stdout(), &report, arguments.json).map_err(CheckError::Output)?;
    Ok(report)
}

fn write(out: &mut impl io::Write, report: &Report, is_json: bool) -> io::Result<()> {
    if is_json {
        serde_json::to_writer(&mut *out, report)?;
        return writeln!(out);
    }
    for Damaged { space, blob, file, problem, cause } in &report.damaged {
        let cause = cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        writeln!(out, "damaged: blob {blob} of space {space} {problem} ({file}{cause})")?;
    }
    for file in &report.unreferenced {
        writeln!(out, "unreferenced: {file}")?;
    }
    for Unlisted { folder, cause } in &report.unlisted {
        writeln!(out, "unlisted: folder {folder} cannot be read ({cause})")?;
    }
    let Report { blobs, bytes, damaged, unreferenced, unlisted } = report;
    let (damaged, unreferenced, unlisted) = (damaged.len(), unreferenced.len(), unlisted.len());
    write!(out, "{blobs} blobs of {bytes} bytes: {damaged} damaged; {unreferenced} files unreferenced")?;
    writeln!(out, "{}", if unlisted == 0 { String::new() } else { format!("; {unlisted} folders unlisted") })
}

async fn check(arguments: &CheckArguments) -> Result<Report, CheckError> {
    let metadata = data_folder::metadata_in(&arguments.data_dir);
    if !metadata.is_file() {
        return Err(CheckError::NoFolder);
    }
    let checker = Checker {
        rows: Audit::open(&metadata).await?,
        files: ObjectFiles::at(&data_folder::blobs_in(&arguments.data_dir)),
        is_watched: io::stderr().is_terminal(),
    };
    let mut report = Report::default();
    checker.check_blobs(&mut report).await?;
    checker.check_files(&mut report).await?;
    Ok(report)
}

struct Checker {
    rows: Audit,
    files: ObjectFiles,
    is_watched: bool,
}

impl Checker {
    async fn check_blobs(&self, report: &mut Report) -> Result<(), CheckError> {
        let count = self.rows.count().await?;
        let mut after = None;
        loop {
            let page = self.rows.page(after, PAGE).await?;
            let Some(last) = page.last() else {
                self.tell("");
                return Ok(());
            };
            after = Some(last.object);
            for row in page {
                report.blobs += 1;
                report.bytes += row.size;
                let problem = self.problem(&row).await?;
                // What is gone since the row was read was removed, with its row first.
                if let Some((problem, cause)) = problem
                    && !self.rows.named(&[row.object]).await?.is_empty()
                {
                    let WholeBlob { space, blob, object, .. } = row;
                    let (space, blob, file) = (space.to_string(), blob.to_string(), object.to_string());
                    report.damaged.push(Damaged { space, blob, file, problem, cause });
                }
            }
            self.tell(&format!("{} of {count} blobs, {} MiB", report.blobs, report.bytes >> 20));
        }
    }

    /// What is wrong with a blob, and why it cannot be read if that is it.
    async fn problem(&self, row: &WholeBlob) -> Result<Option<(Problem, Option<String>)>, CheckError> {
        let (files, object) = (self.files.clone(), row.object);
        let problem = match on_thread(move || files.hash(object)).await? {
            Err(error) => return Ok(Some((Problem::Unreadable, Some(error.kind().to_string())))),
            Ok(None) => Problem::Missing,
            Ok(Some((len, _))) if len != row.size => Problem::Length,
            Ok(Some((_, hash))) if hash != *row.hash.as_bytes() => Problem::Hash,
            Ok(Some(_)) => return Ok(None),
        };
        Ok(Some((problem, None)))
    }

    /// A file is made after its row and goes after it. So one that was seen without a row is on its way out, or nobody's.
    async fn check_files(&self, report: &mut Report) -> Result<(), CheckError> {
        let mut nobodys = Vec::new();
        for first in 0..=u8::MAX {
            let files = self.files.clone();
            let seen = match on_thread(move || files.list(first)).await? {
                Ok(seen) => seen,
                Err(error) => {
                    let (folder, cause) = (format!("{first:02x}"), error.kind().to_string());
                    report.unlisted.push(Unlisted { folder, cause });
                    continue;
                }
            };
            let named = self.rows.named(&seen).await?;
            nobodys.extend(seen.into_iter().filter(|object| !named.contains(object)));
        }
        let mut looks = 0;
        while looks < LOOKS && !nobodys.is_empty() {
            sleep(LOOK_AGAIN).await;
            let before = nobodys.len();
            nobodys.retain(|object| self.files.has(*object));
            looks = if nobodys.len() < before { 0 } else { looks + 1 };
        }
        report.unreferenced = nobodys.iter().map(ObjectId::to_string).collect();
        Ok(())
    }

    /// Writes a line over the one before.
    fn tell(&self, line: &str) {
        if self.is_watched {
            let mut out = io::stderr();
            let written = write!(out, "\r{line:<60}{}", if line.is_empty() { "\r" } else { "" });
            // Who no longer looks on is told what was found all the same.
            drop(written.and_then(|()| out.flush()));
        }
    }
}

/// Runs what waits for the disk.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CheckError> {
    spawn_blocking(work).await.map_err(|error| CheckError::System(io::Error::other(error)))
}
