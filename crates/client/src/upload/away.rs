//! Sources that cannot be looked at now, such as those of a disk that is not mounted: nothing of theirs is given up.

use std::io;
use std::path::Path;

use anonicloud_core::tree::name::RemotePath;

use super::jobs::Job;
use crate::client::Client;
use crate::error::OperationError;
use crate::local::scan::{SkipReason, Skipped};
use crate::remote::Remote;
use crate::state::LocalState;

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Makes sure that the roots of a job are there, before anything of it is ended.
    ///
    /// # Errors
    /// Of a root that cannot be looked at; or that is an empty folder now, though files of it were on their way: a disk may
    /// have been mounted there.
    pub(super) async fn look_at_roots(&self, job: &Job) -> Result<(), OperationError> {
        for source in &job.sources {
            let fail = |error| OperationError::local(&source.local, error);
            let there = fs_err::symlink_metadata(&source.local).map_err(fail)?;
            let is_empty = there.is_dir() && !has_entries(&source.local).map_err(fail)?;
            if is_empty && self.has_begun(job, &source.remote).await? {
                return Err(fail(io::Error::new(
                    io::ErrorKind::NotFound,
                    "the folder is empty, and files of it were on their way",
                )));
            }
        }
        Ok(())
    }

    /// Whether a file below `root` was begun by an earlier run of `job`.
    async fn has_begun(&self, job: &Job, root: &RemotePath) -> Result<bool, OperationError> {
        let packs = self.staged_packs(&job.upload).await?;
        if packs.iter().flat_map(|pack| &pack.files).any(|file| root.contains(&file.path)) {
            return Ok(true);
        }
        Ok(self.tickets_of(job).await?.iter().any(|(path, _)| root.contains(path)))
    }
}

/// Whether the source of `path` could not be looked at or read, so that nobody knows whether it is still to be sent.
pub(super) fn is_away(job: &Job, path: &RemotePath, skipped: &[Skipped]) -> bool {
    let Some((root, local)) = job.local_place(path) else {
        return false;
    };
    let is_unread = |skipped: &Skipped| skipped.code == SkipReason::Unreadable && local.starts_with(&skipped.path);
    if skipped.iter().any(is_unread) {
        return true;
    }
    match fs_err::symlink_metadata(&local) {
        Ok(_) => false,
        Err(error) if is_missing(&error) => !has_entries(root).unwrap_or(false),
        Err(_) => true,
    }
}

/// Whether a failure says that nothing is at the path.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn has_entries(folder: &Path) -> io::Result<bool> {
    Ok(fs_err::read_dir(folder)?.next().is_some())
}
