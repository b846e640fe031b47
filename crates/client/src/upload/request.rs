//! What is asked of an upload, and what it reports.

use std::path::PathBuf;

use anonicloud_core::tree::edit::Conflict;
use anonicloud_core::tree::name::RemotePath;
use anonicloud_proto::limits::{COMMIT_BLOBS_MAX, SEGMENT_LEN};

use super::jobs::Job;
use crate::error::OperationError;
use crate::local::scan::Skipped;
use crate::local::sieve::Sifted;

/// Content bytes of the largest file: all of its blobs go into one commit, with room for packs and nodes.
pub(crate) const FILE_MAX: u64 = (COMMIT_BLOBS_MAX - BLOBS_BESIDE) as u64 * SEGMENT_LEN as u64;
/// Blobs of a commit that are left for packs.
pub(super) const BLOBS_BESIDE: usize = 1 << 13;

/// Something to send.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a program names all its sources")]
pub enum PutSource {
    /// A file, folder or symlink of this device, and the path it gets.
    Path {
        /// On this device.
        local: PathBuf,
        /// What it becomes.
        remote: RemotePath,
    },
    /// Standard input, as a file.
    Stdin {
        /// What it becomes.
        remote: RemotePath,
    },
}

/// What going on with all queued transfers did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ResumeReport {
    /// Of each transfer that came to its end.
    pub reports: Vec<PutReport>,
    /// The transfers that did not, and why; they stay queued.
    pub failed: Vec<(Job, OperationError)>,
}

/// What going on with an upload of another device did.
#[derive(Debug)]
#[non_exhaustive]
pub struct AdoptReport {
    /// Where the file is now.
    pub path: RemotePath,
    /// What was sent.
    pub report: PutReport,
}

/// What an upload did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct PutReport {
    /// Files that have a new version.
    pub files: u64,
    /// Folders made.
    pub directories: u64,
    /// Symlinks made or changed.
    pub symlinks: u64,
    /// Files and symlinks that were there as they are.
    pub unchanged: u64,
    /// Content bytes of the new versions.
    pub bytes: u64,
    /// Sealed bytes that went over the wire in blobs.
    pub bytes_sent: u64,
    /// What the patterns did.
    pub sifted: Sifted,
    /// What could not be sent.
    pub skipped: Vec<Skipped>,
    /// What another device changed meanwhile: its version keeps the path, the one sent here has another.
    pub conflicts: Vec<Conflict>,
}
