//! What stood at a path when an edit of it was planned; what came there since is not to be lost.

use crate::crypto::public::FileVersionId;
use crate::tree::node::{Entry, EntryContent};
use crate::tree::opened::DirtyEntry;

/// What stood at a path when an edit of it was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the kinds of entries, none, and any")]
pub enum Before {
    /// Nothing.
    Nothing,
    /// A file with this version, wherever its pieces were brought since.
    File(FileVersionId),
    /// A link to this target.
    Symlink(Vec<u8>),
    /// A directory, whatever is in it.
    Directory,
    /// Whatever it is: nothing of it is to be kept.
    Anything,
}

impl Before {
    /// What `entry` holds; `None` for no entry.
    pub fn of(entry: Option<&Entry>) -> Self {
        match entry.map(|entry| &entry.content) {
            None => Self::Nothing,
            Some(EntryContent::File { version, .. }) => Self::File(version.version()),
            Some(EntryContent::Symlink { target }) => Self::Symlink(target.clone()),
            Some(EntryContent::Directory { .. }) => Self::Directory,
        }
    }

    /// Whether `entry` holds this.
    pub(super) fn is(&self, entry: &DirtyEntry) -> bool {
        match (self, entry) {
            (Self::Anything, _) | (Self::Directory, DirtyEntry::Directory(_)) => true,
            (_, DirtyEntry::Directory(_)) => false,
            (Self::File(version), DirtyEntry::Kept(entry)) => match &entry.content {
                EntryContent::File { version: there, .. } => there.version().is_same_content(version),
                EntryContent::Directory { .. } | EntryContent::Symlink { .. } => false,
            },
            (_, DirtyEntry::Kept(entry)) => *self == Self::of(Some(entry)),
        }
    }
}
