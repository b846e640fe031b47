//! The data folder: for its owner alone, one server at a time.

use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err::{File, OpenOptions};
use thiserror::Error;

use crate::store::blob::sync_with_parent;

/// The file of the metadata store of a data folder.
pub(crate) fn metadata_in(folder: &Path) -> PathBuf {
    folder.join("metadata.sqlite")
}

/// The folder of the blob store of a data folder.
pub(crate) fn blobs_in(folder: &Path) -> PathBuf {
    folder.join("blobs")
}

/// Why the folder cannot be used.
#[derive(Debug, Error)]
pub(crate) enum DataFolderError {
    /// Another server has it.
    #[error("another server uses the data folder {}", .0.display())]
    InUse(PathBuf),
    /// The folder or its lock cannot be used.
    #[error("the data folder cannot be used")]
    Io(#[from] io::Error),
}

/// The folder, locked while this lives.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if need be, closes it to others, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, DataFolderError> {
        fs_err::create_dir_all(path)?;
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(path.join("lock"))?;
        match lock.file().try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataFolderError::InUse(path.to_path_buf()));
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        sync_with_parent(path)?;
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    /// The file of the metadata store.
    pub(crate) fn metadata(&self) -> PathBuf {
        metadata_in(&self.path)
    }

    /// Whether the metadata store was ever written.
    pub(crate) fn has_metadata(&self) -> io::Result<bool> {
        match fs_err::metadata(self.metadata()) {
            Ok(metadata) => Ok(metadata.len() > 0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The folder of the blob store.
    pub(crate) fn blobs(&self) -> PathBuf {
        blobs_in(&self.path)
    }

    /// The file of the server's secrets.
    pub(crate) fn secrets(&self) -> PathBuf {
        self.path.join("server.key")
    }
}
