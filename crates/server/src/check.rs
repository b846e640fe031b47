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
    /// A file cannot be read.
    #[error("a file of the data folder cannot be read")]
    Io(#[from] io::Error),
}

impl CheckError {
    /// What its reader can do.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::NoFolder => "check that --data-dir names the data folder of a server",
            Self::Metadata(_) | Self::Io(_) => "run this as the user who runs the server, and check the disk",
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
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "has no file",
            Self::Length => "has a file of another length",
            Self::Hash => "has other bytes than were stored",
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
}

/// What a check found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    blobs: u64,
    bytes: u64,
    damaged: Vec<Damaged>,
    /// Files that no row names.
    unreferenced: Vec<String>,
}

impl Report {
    /// Whether everything is as it should be.
    pub(crate) const fn is_clean(&self) -> bool {
        self.damaged.is_empty() && self.unreferenced.is_empty()
    }
}

/// Checks, tells how far it is if somebody looks on, and prints what was found.
pub(crate) fn run(arguments: &CheckArguments) -> Result<Report, CheckError> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(check(arguments))?;
    let mut out = io::stdout();
    if arguments.json {
        serde_json::to_writer(&mut out, &report).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        print(&mut out, &report)?;
    }
    Ok(report)
}

fn print(out: &mut impl io::Write, report: &Report) -> io::Result<()> {
    for Damaged { space, blob, file, problem } in &report.damaged {
        writeln!(out, "damaged: blob {blob} of space {space} {problem} ({file})")?;
    }
    for file in &report.unreferenced {
        writeln!(out, "unreferenced: {file}")?;
    }
    let Report { blobs, bytes, damaged, unreferenced } = report;
    let (damaged, unreferenced) = (damaged.len(), unreferenced.len());
    writeln!(out, "{blobs} blobs of {bytes} bytes: {damaged} damaged; {unreferenced} files unreferenced")
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
                self.tell("")?;
                return Ok(());
            };
            after = Some(last.object);
            for row in page {
                report.blobs += 1;
                report.bytes += row.size;
                let problem = self.problem(&row).await?;
                // What is gone since the row was read was removed, with its row first.
                if let Some(problem) = problem
                    && !self.rows.named(&[row.object]).await?.is_empty()
                {
                    let WholeBlob { space, blob, object, .. } = row;
                    let (space, blob, file) = (space.to_string(), blob.to_string(), object.to_string());
                    report.damaged.push(Damaged { space, blob, file, problem });
                }
            }
            self.tell(&format!("{} of {count} blobs, {} MiB", report.blobs, report.bytes >> 20))?;
        }
    }

    async fn problem(&self, row: &WholeBlob) -> Result<Option<Problem>, CheckError> {
        let (files, object) = (self.files.clone(), row.object);
        let found = spawn_blocking(move || files.hash(object)).await.map_err(io::Error::other)??;
        Ok(match found {
            None => Some(Problem::Missing),
            Some((len, _)) if len != row.size => Some(Problem::Length),
            Some((_, hash)) if hash != *row.hash.as_bytes() => Some(Problem::Hash),
            Some(_) => None,
        })
    }

    /// A file is made after its row and goes after it. So one that was seen without a row is on its way out, or nobody's.
    async fn check_files(&self, report: &mut Report) -> Result<(), CheckError> {
        let mut nobodys = Vec::new();
        for first in 0..=u8::MAX {
            let files = self.files.clone();
            let seen = spawn_blocking(move || files.list(first)).await.map_err(io::Error::other)??;
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
    fn tell(&self, line: &str) -> io::Result<()> {
        if !self.is_watched {
            return Ok(());
        }
        let mut out = io::stderr();
        write!(out, "\r{line:<60}{}", if line.is_empty() { "\r" } else { "" })?;
        out.flush()
    }
}
