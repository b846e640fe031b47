//! What is to be done for an entry of this device, given what the tree has at its path.

use std::sync::Arc;

use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::tree::edit::{Before, Edit};
use anonicloud_core::tree::node::{Entry, EntryContent};

use super::assembly::FileTarget;
use super::file::FileTask;
use crate::local::scan::{LocalEntry, LocalKind};

/// The work for one entry.
#[derive(Debug)]
pub(crate) enum Plan {
    /// It is there as it is.
    Unchanged { content: u64 },
    /// The entry alone changes.
    Edit(Edit),
    /// Content is to be sent.
    Send(FileTask),
    /// A folder is there already.
    Present,
    /// Something of another kind stands there.
    InTheWay,
}

/// Compares `local` with what the tree has at its path.
pub(crate) fn plan(local: LocalEntry, found: Option<&Arc<Entry>>) -> Plan {
    let LocalEntry { local: path, remote, attributes, kind } = local;
    let same_time = found.is_some_and(|entry| entry.attributes.mtime == attributes.mtime);
    let same = found.is_some_and(|entry| entry.attributes == attributes);
    let before = Before::of(found.map(Arc::as_ref));
    let set_attributes = |path, before| Plan::Edit(Edit::SetAttributes { path, attributes, before });
    match (kind, found.map(|entry| &entry.content)) {
        (LocalKind::Directory, None) => Plan::Edit(Edit::MakeDirectory { path: remote, attributes }),
        (LocalKind::Directory, Some(EntryContent::Directory { .. })) if same => Plan::Present,
        (LocalKind::Directory, Some(EntryContent::Directory { .. })) => set_attributes(remote, before),
        (LocalKind::Symlink(target), None) => Plan::Edit(Edit::PutSymlink { path: remote, attributes, target, before }),
        (LocalKind::Symlink(target), Some(EntryContent::Symlink { target: there })) => {
            if target == *there && same_time {
                Plan::Unchanged { content: 0 }
            } else {
                Plan::Edit(Edit::PutSymlink { path: remote, attributes, target, before })
            }
        }
        (LocalKind::File { size }, Some(EntryContent::File { size: there, .. })) if size == *there && same_time => {
            if same {
                Plan::Unchanged { content: size }
            } else {
                set_attributes(remote, before)
            }
        }
        (LocalKind::File { .. }, None | Some(EntryContent::File { .. })) => {
            let base = match found.map(|entry| &entry.content) {
                Some(EntryContent::File { version, .. }) => Some(VersionRef::duplicate(version)),
                _ => None,
            };
            let target = FileTarget { path: remote, attributes, base };
            Plan::Send(FileTask { local: path, target, keep: true, attempt: 1 })
        }
        _ => Plan::InTheWay,
    }
}
