//! Downloads that make their target: noted while they run, so that the same request goes on where it was cut.

use std::path::{Path, PathBuf};

use anonicloud_core::tree::name::RemotePath;

use super::folders::is_unfinished;
use crate::client::Client;
use crate::error::OperationError;
use crate::item::ItemKind;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, Table};

/// A download whose target it makes.
#[derive(Debug)]
pub struct BegunGet {
    key: Vec<u8>,
    target: PathBuf,
}

impl BegunGet {
    fn new(remote: &RemotePath, target: &Path) -> Result<Self, OperationError> {
        let target = std::path::absolute(target).map_err(|error| OperationError::local(target, error))?;
        let key = [remote.to_bytes().as_slice(), &[0], target.as_os_str().as_encoded_bytes()].concat();
        Ok(Self { key, target })
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Notes that `target` is about to become what is at `remote`, or finds that it was before and that this was not
    /// finished. `None` when something that no such download made stands there.
    ///
    /// # Errors
    /// When the local state cannot be used; as [`Client::stat`] when it was begun before.
    pub async fn begun_get(&self, remote: &RemotePath, target: &Path) -> Result<Option<BegunGet>, OperationError> {
        let begun = BegunGet::new(remote, target)?;
        if fs_err::symlink_metadata(&begun.target).is_ok() {
            return Ok(self.was_begun(remote, target).await?.then_some(begun));
        }
        let change = StateChange::put(Table::Downloads, &begun.key, Vec::new());
        self.state().apply(vec![change]).await?;
        Ok(Some(begun))
    }

    /// Whether `target` is a folder that a download of `remote` made and did not finish.
    ///
    /// # Errors
    /// As [`Client::begun_get`].
    pub async fn was_begun(&self, remote: &RemotePath, target: &Path) -> Result<bool, OperationError> {
        let begun = BegunGet::new(remote, target)?;
        let Ok(there) = fs_err::symlink_metadata(&begun.target) else {
            return Ok(false);
        };
        let is_noted = self.state().read(Table::Downloads, &begun.key).await?.is_some();
        // One that has other rights by now is not the one that was made: somebody put another in its place. The root has no
        // rights to be given, and nothing is put beside what is in it.
        let may_be_ours = is_noted && (is_unfinished(&there) || remote.is_root());
        // What a cut download of a file left is not under its name: a folder there is somebody else's.
        Ok(may_be_ours && self.stat(remote).await?.kind == ItemKind::Directory)
    }

    /// Forgets a download that is `finished`, or that made nothing.
    ///
    /// # Errors
    /// When the local state cannot be used.
    pub async fn end_get(&self, begun: BegunGet, finished: bool) -> Result<(), OperationError> {
        if finished || fs_err::symlink_metadata(&begun.target).is_err() {
            self.state().apply(vec![StateChange::delete(Table::Downloads, &begun.key)]).await?;
        }
        Ok(())
    }
}
