//! What a listing shows of an entry.

use anonicloud_core::tree::node::{Entry, EntryContent};

pub use anonicloud_core::content::reference::Totals;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemKind {
    /// A file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
}

/// An entry of the tree without its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// The name's exact bytes; of the root, none.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: ItemKind,
    /// Content bytes; of a folder, of all below it.
    pub size: u64,
    /// Files; of a folder, all below it.
    pub files: u64,
    /// Nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Permission bits.
    pub mode: u16,
    /// Of a symlink, the target's exact bytes.
    pub target: Option<Vec<u8>>,
}

impl Item {
    /// What a listing shows of `entry`.
    pub(crate) fn of(entry: &Entry) -> Self {
        let (kind, size, files, target) = match &entry.content {
            EntryContent::File { size, .. } => (ItemKind::File, *size, 1, None),
            EntryContent::Directory { totals, .. } => (ItemKind::Directory, totals.bytes, totals.files, None),
            EntryContent::Symlink { target } => (ItemKind::Symlink, 0, 0, Some(target.clone())),
        };
        Self {
            name: entry.name.as_bytes().to_vec(),
            kind,
            size,
            files,
            mtime_ns: entry.attributes.mtime,
            mode: entry.attributes.mode,
            target,
        }
    }

    /// The root folder, which has no entry.
    pub(crate) const fn root(totals: Totals) -> Self {
        Self {
            name: Vec::new(),
            kind: ItemKind::Directory,
            size: totals.bytes,
            files: totals.files,
            mtime_ns: 0,
            mode: 0o700,
            target: None,
        }
    }
}
