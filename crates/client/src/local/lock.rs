//! One process at a time transfers with a state folder, and one repacks.

use std::fs::TryLockError;
use std::path::Path;

use fs_err::{File, OpenOptions};

use crate::error::OperationError;

/// Held while a process transfers or repacks; the system lets go of it however the process ends.
#[derive(Debug)]
pub(crate) struct TransferLock(#[expect(dead_code, reason = "held for its lock alone")] File);

impl TransferLock {
    /// Takes the lock of the state folder `dir`.
    ///
    /// # Errors
    /// [`OperationError::Busy`] when another process has it.
    pub(crate) fn take(dir: &Path) -> Result<Self, OperationError> {
        Self::take_file(dir, "transfer.lock")
    }

    /// Takes the lock of who repacks with the state folder `dir`; transfers go on beside it.
    ///
    /// # Errors
    /// [`OperationError::Busy`] when another process has it.
    pub(crate) fn take_to_repack(dir: &Path) -> Result<Self, OperationError> {
        Self::take_file(dir, "repack.lock")
    }

    fn take_file(dir: &Path, name: &str) -> Result<Self, OperationError> {
        let path = dir.join(name);
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        let file = opened.map_err(|error| OperationError::local(&path, error))?;
        match file.file().try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OperationError::Busy),
            Err(TryLockError::Error(error)) => Err(OperationError::local(&path, error)),
        }
    }
}
