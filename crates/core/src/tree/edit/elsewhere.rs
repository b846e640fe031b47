//! Pieces that are brought elsewhere, while what anybody sees stays as it is. What is not there any more needs no bringing.

use std::sync::Arc;

use anonicloud_proto::hash::StoredHash;

use super::EditError;
use super::apply::Editor;
use crate::content::reference::VersionRef;
use crate::tree::dirty::DirtyDirectory;
use crate::tree::name::{EntryName, RemotePath};
use crate::tree::node::{Entry, EntryContent};
use crate::tree::opened::DirtyEntry;
use crate::tree::store::Stop;

impl Editor<'_> {
    /// Puts `version` in the place of the same content whose record hashes to `from`.
    pub(super) fn move_record(
        &mut self,
        path: &RemotePath,
        from: &StoredHash,
        version: &VersionRef,
    ) -> Result<(), Stop<EditError>> {
        let source = self.source;
        let Some((directory, name)) = self.parent_if_there(path)? else {
            return Ok(());
        };
        let Some(DirtyEntry::Kept(there)) = directory.entry::<EditError>(name, source)? else {
            return Ok(());
        };
        let EntryContent::File { size, version: old } = &there.content else {
            return Ok(());
        };
        if old.hash() != from || !old.version().is_same_content(&version.version()) {
            return Ok(());
        }
        let moved = Entry {
            id: there.id,
            name: there.name.clone(),
            attributes: there.attributes,
            content: EntryContent::File { size: *size, version: version.duplicate() },
        };
        directory.put(name, DirtyEntry::Kept(Arc::new(moved)), source)
    }

    /// Has the node sealed anew that `path` is in.
    pub(super) fn reseal(&mut self, path: &RemotePath) -> Result<(), Stop<EditError>> {
        let source = self.source;
        match self.parent_if_there(path)? {
            Some((directory, name)) => directory.touch(name, source),
            None => Ok(()),
        }
    }

    fn parent_if_there<'p>(
        &mut self,
        path: &'p RemotePath,
    ) -> Result<Option<(&mut DirtyDirectory, &'p EntryName)>, Stop<EditError>> {
        match self.parent(path) {
            Ok(parent) => Ok(Some(parent)),
            Err(Stop::Fail(EditError::NotFound(_) | EditError::NotDirectory(_))) => Ok(None),
            Err(stop) => Err(stop),
        }
    }
}
