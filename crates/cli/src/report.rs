//! The answers for programs (`--json`): one object a command, each shape in this file.
//!
//! Names that are not UTF-8 come twice: readable with replacement characters, and exact in base64 in a field of their
//! own, which is left out when the readable form is exact. Fields are added, never renamed.

use std::path::Path;

use anonicloud_client::item::{Item, ItemKind};
use anonicloud_client::path::RemotePath;
use anonicloud_client::transfer::{Conflict, GetReport, Job, PutReport, Skipped};
use data_encoding::BASE64;
use indicatif::HumanBytes;
use serde::Serialize;

use crate::units;

/// `signup` and `login`.
#[derive(Debug, Serialize)]
pub(crate) struct SignedIn<'a> {
    pub(crate) handle: &'a str,
    pub(crate) server: &'a str,
    /// Where `signup --recovery-file` wrote the words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_file: Option<String>,
    /// What `signup --generate-password` made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<&'a str>,
}

/// `logout`.
#[derive(Debug, Serialize)]
pub(crate) struct SignedOut {
    /// Whether the server knows that this device is gone.
    pub(crate) server_told: bool,
}

/// `whoami`.
#[derive(Debug, Serialize)]
pub(crate) struct Identity<'a> {
    pub(crate) handle: &'a str,
    pub(crate) account_id: &'a str,
    pub(crate) device_id: &'a str,
    pub(crate) server: &'a str,
    pub(crate) devices: usize,
}

/// `quota`, in bytes as the server counts them.
#[derive(Debug, Serialize)]
pub(crate) struct Space {
    pub(crate) used: u64,
    pub(crate) reserved: u64,
    pub(crate) quota: u64,
    pub(crate) free: u64,
}

/// `ls` and `tree`.
#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    pub(crate) items: Vec<Listed>,
}

/// One file, folder or link; the answer of `stat`.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path_base64: Option<String>,
    pub(crate) kind: &'static str,
    /// Content bytes; of a folder, of all below it.
    pub(crate) size: u64,
    /// Of a folder, files below it.
    pub(crate) files: u64,
    /// UTC, to the second.
    pub(crate) modified: String,
    pub(crate) mtime_ns: i64,
    /// Octal.
    pub(crate) mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_base64: Option<String>,
}

impl Listed {
    /// `item` under the name `path`.
    pub(crate) fn new(path: &[u8], item: &Item) -> Self {
        let (path, path_base64) = readable(path);
        let (target, target_base64) = item.target.as_deref().map(readable).unzip();
        Self {
            path,
            path_base64,
            kind: kind(item.kind),
            size: item.size,
            files: item.files,
            modified: units::utc(item.mtime_ns),
            mtime_ns: item.mtime_ns,
            mode: format!("{:04o}", item.mode),
            target,
            target_base64: target_base64.flatten(),
        }
    }
}

/// `du`.
#[derive(Debug, Serialize)]
pub(crate) struct Usage {
    pub(crate) totals: Vec<UsageOf>,
}

/// What a path holds.
#[derive(Debug, Serialize)]
pub(crate) struct UsageOf {
    pub(crate) path: String,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// `mkdir`, `mv`, `cp` and `rm`: the paths that are there now, or for `rm` are no more.
#[derive(Debug, Serialize)]
pub(crate) struct Changed {
    pub(crate) paths: Vec<String>,
}

/// `put` and `get`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Moved {
    pub(crate) files: u64,
    pub(crate) directories: u64,
    pub(crate) symlinks: u64,
    /// Files and links that were the same on both sides already.
    pub(crate) unchanged: u64,
    /// Content bytes of `files`.
    pub(crate) bytes: u64,
    /// Encrypted bytes that went over the wire in this run.
    pub(crate) bytes_transferred: u64,
    pub(crate) skipped: Vec<SkippedFile>,
    /// Sent files that another device changed meanwhile: both versions are kept.
    pub(crate) conflicts: Vec<KeptBoth>,
}

/// A file whose two versions are kept.
#[derive(Debug, Serialize)]
pub(crate) struct KeptBoth {
    /// Where the other device's version is.
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path_base64: Option<String>,
    /// Where the version is that was sent.
    pub(crate) copy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) copy_base64: Option<String>,
}

impl From<Conflict> for KeptBoth {
    fn from(conflict: Conflict) -> Self {
        let (path, path_base64) = readable_remote(&conflict.path);
        let (copy, copy_base64) = readable_remote(&conflict.copy);
        Self { path, path_base64, copy, copy_base64 }
    }
}

/// A file that was left out.
#[derive(Debug, Serialize)]
pub(crate) struct SkippedFile {
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path_base64: Option<String>,
    pub(crate) code: &'static str,
    pub(crate) reason: String,
}

impl From<Skipped> for SkippedFile {
    fn from(skipped: Skipped) -> Self {
        let (path, path_base64) = readable_path(&skipped.path);
        Self { path, path_base64, code: skipped.code.as_str(), reason: skipped.message }
    }
}

impl From<PutReport> for Moved {
    fn from(report: PutReport) -> Self {
        Self {
            files: report.files,
            directories: report.directories,
            symlinks: report.symlinks,
            unchanged: report.unchanged,
            bytes: report.bytes,
            bytes_transferred: report.bytes_sent,
            skipped: report.skipped.into_iter().map(SkippedFile::from).collect(),
            conflicts: report.conflicts.into_iter().map(KeptBoth::from).collect(),
        }
    }
}

impl From<GetReport> for Moved {
    fn from(report: GetReport) -> Self {
        Self {
            files: report.files,
            directories: report.directories,
            symlinks: report.symlinks,
            unchanged: report.unchanged,
            bytes: report.bytes,
            bytes_transferred: report.bytes_fetched,
            skipped: Vec::new(),
            conflicts: Vec::new(),
        }
    }
}

impl Moved {
    /// The sum of two.
    pub(crate) fn and(mut self, other: Self) -> Self {
        let Self { files, directories, symlinks, unchanged, bytes, bytes_transferred, skipped, conflicts } = other;
        self.files += files;
        self.directories += directories;
        self.symlinks += symlinks;
        self.unchanged += unchanged;
        self.bytes += bytes;
        self.bytes_transferred += bytes_transferred;
        self.skipped.extend(skipped);
        self.conflicts.extend(conflicts);
        self
    }

    /// The same for a person, for example `sent 3 files, 12.00 MiB, 1 folder (4.01 MiB on the wire, 1 unchanged)`.
    pub(crate) fn sentence(&self, verb: &str) -> String {
        let mut parts = vec![format!("{verb} {}", counted(self.files, "file")), HumanBytes(self.bytes).to_string()];
        if self.directories > 0 {
            parts.push(counted(self.directories, "folder"));
        }
        if self.symlinks > 0 {
            parts.push(counted(self.symlinks, "link"));
        }
        let wire = HumanBytes(self.bytes_transferred);
        format!("{} ({wire} on the wire, {} unchanged)", parts.join(", "), self.unchanged)
    }
}

/// `status`.
#[derive(Debug, Serialize)]
pub(crate) struct Queue {
    pub(crate) transfers: Vec<Transfer>,
}

/// An upload that waits to be finished.
#[derive(Debug, Serialize)]
pub(crate) struct Transfer {
    /// For `cancel`.
    pub(crate) id: String,
    pub(crate) sources: Vec<TransferSource>,
}

/// A part of an upload.
#[derive(Debug, Serialize)]
pub(crate) struct TransferSource {
    pub(crate) local: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) local_base64: Option<String>,
    pub(crate) remote: String,
}

impl From<&Job> for Transfer {
    fn from(job: &Job) -> Self {
        let sources = job.sources().iter().map(|source| {
            let (local, local_base64) = readable_path(&source.local);
            TransferSource { local, local_base64, remote: source.remote.to_string() }
        });
        Self { id: job.id(), sources: sources.collect() }
    }
}

/// `resume`.
#[derive(Debug, Serialize)]
pub(crate) struct Resumed {
    /// Transfers that are finished now.
    pub(crate) transfers: usize,
    #[serde(flatten)]
    pub(crate) moved: Moved,
}

/// `cancel`.
#[derive(Debug, Serialize)]
pub(crate) struct Cancelled<'a> {
    pub(crate) cancelled: &'a str,
}

/// `3 files`, `1 file`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// How programs and people call a kind.
pub(crate) const fn kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::File => "file",
        ItemKind::Directory => "folder",
        ItemKind::Symlink => "link",
        _ => "other",
    }
}

/// A local path, readable and, if that is not exact, in base64.
fn readable_path(path: &Path) -> (String, Option<String>) {
    readable(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}

/// A path in the cloud, in the same way.
fn readable_remote(path: &RemotePath) -> (String, Option<String>) {
    readable(&path.to_bytes())
}

fn readable(bytes: &[u8]) -> (String, Option<String>) {
    match core::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), Some(BASE64.encode(bytes))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved() -> Moved {
        let skipped = SkippedFile {
            path: "secret\u{fffd}.txt".to_owned(),
            path_base64: Some("c2VjcmV0/y50eHQ=".to_owned()),
            code: "local_denied",
            reason: "permission denied".to_owned(),
        };
        Moved {
            files: 3,
            directories: 1,
            symlinks: 0,
            unchanged: 1,
            bytes: 12 << 20,
            bytes_transferred: 4 << 20,
            skipped: vec![skipped],
            conflicts: vec![KeptBoth {
                path: "/notes.txt".to_owned(),
                path_base64: None,
                copy: "/notes (conflict, 7f3a5c01, 2026-11-23).txt".to_owned(),
                copy_base64: None,
            }],
        }
    }

    fn listed() -> Listed {
        let (target, target_base64) = readable(b"../caf\xe9");
        Listed {
            path: "Photos/caf\u{e9}".to_owned(),
            path_base64: None,
            kind: "link",
            size: 0,
            files: 0,
            modified: units::utc(1_795_426_200_123_456_789),
            mtime_ns: 1_795_426_200_123_456_789,
            mode: "0777".to_owned(),
            target: Some(target),
            target_base64,
        }
    }

    /// One example of every answer for programs: a change of a shape shows here.
    #[test]
    fn shapes_for_programs_are_as_they_were() {
        let signed_in = SignedIn {
            handle: "alice",
            server: "https://cloud.example.org",
            recovery_file: Some("words".to_owned()),
            password: Some("six random words stand in here"),
        };
        let identity = Identity {
            handle: "alice",
            account_id: "00112233445566778899aabbccddeeff",
            device_id: "ffeeddccbbaa99887766554433221100",
            server: "https://cloud.example.org",
            devices: 2,
        };
        let source = TransferSource {
            local: "/home/alice/film.mkv".to_owned(),
            local_base64: None,
            remote: "/Videos/film.mkv".to_owned(),
        };
        let transfer = Transfer { id: "7f3a".to_owned(), sources: vec![source] };
        let of = UsageOf { path: "/".to_owned(), files: 3, bytes: 12 << 20 };
        let shapes = serde_json::json!({
            "signup, login": signed_in,
            "logout": SignedOut { server_told: true },
            "whoami": identity,
            "quota": Space { used: 1, reserved: 2, quota: 10, free: 7 },
            "ls, tree": Listing { items: vec![listed()] },
            "stat": listed(),
            "du": Usage { totals: vec![of] },
            "mkdir, mv, cp, rm": Changed { paths: vec!["/Photos".to_owned()] },
            "put, get": moved(),
            "resume": Resumed { transfers: 1, moved: moved() },
            "status": Queue { transfers: vec![transfer] },
            "cancel": Cancelled { cancelled: "7f3a" },
        });
        insta::assert_json_snapshot!("json-answers", shapes);
    }

    #[test]
    fn a_transfer_is_told_in_one_sentence() {
        assert_eq!(moved().sentence("sent"), "sent 3 files, 12.00 MiB, 1 folder (4.00 MiB on the wire, 1 unchanged)");
        let both = moved().and(moved());
        assert_eq!((both.files, both.unchanged, both.skipped.len()), (6, 2, 2));
        let one = Moved { files: 1, symlinks: 2, bytes: 5, bytes_transferred: 21, ..Moved::default() };
        assert_eq!(one.sentence("received"), "received 1 file, 5 B, 2 links (21 B on the wire, 0 unchanged)");
    }

    #[test]
    fn bytes_that_are_no_text_come_twice() {
        assert_eq!(readable("gr\u{fc}n".as_bytes()), ("gr\u{fc}n".to_owned(), None));
        assert_eq!(readable(b"a\xff"), ("a\u{fffd}".to_owned(), Some("Yf8=".to_owned())));
    }
}
