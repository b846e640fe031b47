//! The file system on which the keyring of the system keeps what it is given (spec: 1-accounts, "Device key").
//!
//! Enters: the folder that programs of this user keep their data in. Leaves: nothing. Never: another file system, which may not answer.

use core::time::Duration;
use std::io;
use std::path::{Path, PathBuf};

use fs_err::File;

use crate::error::OperationError;
use crate::work;

/// How long the disk may take to write what waits.
const PATIENCE: Duration = Duration::from_mins(1);

/// An open folder of that file system: failures to write from here on are told by [`KeyringDisk::sync`].
#[derive(Debug)]
pub(super) struct KeyringDisk {
    path: PathBuf,
    folder: File,
}

impl KeyringDisk {
    /// That of `data`, or of what is there of the path to it.
    pub(super) fn open(data: &Path) -> Result<Self, OperationError> {
        let path = data.ancestors().find(|path| path.is_dir()).unwrap_or(data).to_owned();
        let folder = File::open(&path).map_err(|failure| OperationError::local(&path, failure))?;
        Ok(Self { path, folder })
    }

    /// Has all that waits to be written to it on the disk.
    pub(super) async fn sync(self) -> Result<(), OperationError> {
        let Self { path, folder } = self;
        // On a thread of its own: whoever gives up is not held back.
        in_time(&path, work::run(move || Ok(rustix::fs::syncfs(&folder)?))).await
    }
}

async fn in_time(path: &Path, work: impl Future<Output = io::Result<()>>) -> Result<(), OperationError> {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|failure| OperationError::local(path, failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_does_not_answer_is_a_failure() {
        let waited = in_time(Path::new("/home"), core::future::pending()).await;
        let timed_out = |failure: &io::Error| failure.kind() == io::ErrorKind::TimedOut;
        assert!(matches!(&waited, Err(OperationError::Local { failure, .. }) if timed_out(failure)), "{waited:?}");
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_yet_is_where_its_parent_is() {
        let there = tempfile::tempdir().unwrap();
        let disk = KeyringDisk::open(&there.path().join("none/share")).unwrap();
        assert_eq!(disk.path, there.path());
        disk.sync().await.unwrap();
    }
}
