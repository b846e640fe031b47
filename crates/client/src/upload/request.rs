//! What is asked of an upload, and what it reports.

use std::path::PathBuf;

use anonicloud_core::tree::edit::Conflict;
use anonicloud_core::tree::name::RemotePath;

use crate::local::scan::Skipped;

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
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// What another device changed meanwhile: its version keeps the path, the one sent here has another.
    pub conflicts: Vec<Conflict>,
}
