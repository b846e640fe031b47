//! What a transfer moved, left out and kept twice.

use anonicloud_client::transfer::{Conflict, GetReport, PutReport, Skipped};
use indicatif::HumanBytes;
use serde::Serialize;

use super::{counted, readable_path, readable_remote};

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
    /// Entries that patterns left out, a folder with all below it as one; and patterns that matched nothing.
    pub(crate) left_out: u64,
    pub(crate) patterns_unmatched: Vec<String>,
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
            left_out: report.sifted.left_out,
            patterns_unmatched: report.sifted.unmatched,
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
            left_out: report.sifted.left_out,
            patterns_unmatched: report.sifted.unmatched,
            skipped: Vec::new(),
            conflicts: Vec::new(),
        }
    }
}

impl Moved {
    /// The sum of two.
    pub(crate) fn and(mut self, other: Self) -> Self {
        let Self { files, directories, symlinks, unchanged, bytes, bytes_transferred, left_out, .. } = other;
        let Self { patterns_unmatched, skipped, conflicts, .. } = other;
        self.files += files;
        self.directories += directories;
        self.symlinks += symlinks;
        self.unchanged += unchanged;
        self.bytes += bytes;
        self.bytes_transferred += bytes_transferred;
        self.left_out += left_out;
        self.patterns_unmatched.extend(patterns_unmatched);
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
        if self.left_out > 0 {
            parts.push(format!("{} left out", self.left_out));
        }
        let wire = HumanBytes(self.bytes_transferred);
        format!("{} ({wire} on the wire, {} unchanged)", parts.join(", "), self.unchanged)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An example.
    pub(in crate::report) fn moved() -> Moved {
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
            left_out: 0,
            patterns_unmatched: vec!["*.tmp".to_owned()],
            skipped: vec![skipped],
            conflicts: vec![KeptBoth {
                path: "/notes.txt".to_owned(),
                path_base64: None,
                copy: "/notes (conflict, 7f3a5c01, 2026-11-23).txt".to_owned(),
                copy_base64: None,
            }],
        }
    }

    #[test]
    fn a_transfer_is_told_in_one_sentence() {
        assert_eq!(moved().sentence("sent"), "sent 3 files, 12.00 MiB, 1 folder (4.00 MiB on the wire, 1 unchanged)");
        let both = moved().and(moved());
        assert_eq!((both.files, both.unchanged, both.skipped.len()), (6, 2, 2));
        let one = Moved { files: 1, symlinks: 2, bytes: 5, bytes_transferred: 21, left_out: 4, ..Moved::default() };
        assert_eq!(
            one.sentence("received"),
            "received 1 file, 5 B, 2 links, 4 left out (21 B on the wire, 0 unchanged)"
        );
    }
}
