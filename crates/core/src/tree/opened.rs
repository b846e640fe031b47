//! The nodes of a tree under change: closed as long as nobody looks into them, lists by name, shards of lists.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::dirty::DirtyDirectory;
use super::encoding::DIRECTORY_LEN;
use super::name::EntryName;
use super::node::{Attributes, ChildRef, DirectoryNode, Entry, NodeBody, NodeId};
use super::shard::{NameKey, ShardPlace};
use super::store::{Fetch, NodeSource, ReadTreeError, Stop, load};
use crate::content::reference::Totals;

/// A node of a directory.
#[derive(Debug)]
pub(super) struct DirtyNode {
    /// Where it is stored, as long as nothing in it changed.
    pub(super) sealed: Option<ChildRef>,
    pub(super) body: DirtyBody,
}

#[derive(Debug)]
pub(super) enum DirtyBody {
    /// Not opened.
    Closed,
    List(DirtyList),
    Shards(Box<DirtyShards>),
}

#[derive(Debug)]
pub(super) struct DirtyShards {
    pub(super) level: u8,
    pub(super) name_key: NameKey,
    pub(super) children: [DirtyNode; 16],
}

/// Entries by name; as many as come, until it is sealed.
#[derive(Debug, Default)]
pub(super) struct DirtyList {
    pub(super) entries: BTreeMap<EntryName, DirtyEntry>,
    /// The names that are not in NFC, by their NFC form.
    unnormalized: BTreeMap<Vec<u8>, EntryName>,
    /// What the entries added up to, and how many they were, when it was opened.
    pub(super) loaded: Totals,
    pub(super) loaded_len: usize,
}

/// An entry under the name its list gives it.
#[derive(Debug)]
pub(super) enum DirtyEntry {
    /// As it is; its own name counts for nothing here.
    Kept(Arc<Entry>),
    /// A directory that was opened, or a new one.
    Directory(Box<DirtyDirectory>),
}

impl DirtyNode {
    /// A node that stays as it is unless it is opened and changed.
    pub(super) const fn closed(child: ChildRef) -> Self {
        Self { sealed: Some(child), body: DirtyBody::Closed }
    }

    /// A list without entries.
    pub(super) fn empty() -> Self {
        Self { sealed: None, body: DirtyBody::List(DirtyList::default()) }
    }

    /// Reads what it holds, unless that is done.
    pub(super) fn open<E: From<ReadTreeError>>(
        &mut self,
        id: NodeId,
        place: ShardPlace,
        source: &dyn NodeSource,
    ) -> Result<(), Stop<E>> {
        if let (DirtyBody::Closed, Some(child)) = (&self.body, &self.sealed) {
            let node = load(source, id, place, child)?;
            self.body = DirtyBody::of(&node);
        }
        Ok(())
    }

    pub(super) fn is_empty(&self, id: NodeId, place: ShardPlace, fetch: &mut Fetch<'_>) -> Result<bool, ReadTreeError> {
        match (&self.body, &self.sealed) {
            (DirtyBody::List(list), _) => Ok(list.entries.is_empty()),
            (DirtyBody::Shards(shards), _) => {
                for (nibble, child) in (0..).zip(&shards.children) {
                    if !child.is_empty(id, place.below(shards.name_key, nibble), fetch)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (DirtyBody::Closed, Some(child)) => {
                let node = fetch.node(id, place, child)?;
                Ok(node.is_none_or(|node| node.entries().is_some_and(<[_]>::is_empty)))
            }
            (DirtyBody::Closed, None) => Ok(true),
        }
    }
}

impl DirtyBody {
    pub(super) fn of(node: &DirectoryNode) -> Self {
        match &node.body {
            NodeBody::List(entries) => {
                let mut list = DirtyList::default();
                for entry in entries {
                    list.loaded = sum(list.loaded, entry.content.totals());
                    list.insert(entry.name.clone(), DirtyEntry::Kept(Arc::clone(entry)));
                }
                list.loaded_len = entries.len();
                Self::List(list)
            }
            NodeBody::Shards(shards) => Self::Shards(Box::new(DirtyShards {
                level: shards.level,
                name_key: shards.name_key,
                children: shards.children.each_ref().map(|child| {
                    child.as_ref().map_or_else(DirtyNode::empty, |child| DirtyNode::closed(child.duplicate()))
                }),
            })),
        }
    }
}

impl DirtyList {
    pub(super) fn insert(&mut self, name: EntryName, entry: DirtyEntry) {
        if let Cow::Owned(key) = name.collision_key() {
            self.unnormalized.insert(key, name.clone());
        }
        self.entries.insert(name, entry);
    }

    pub(super) fn remove(&mut self, name: &EntryName) -> Option<DirtyEntry> {
        if let Cow::Owned(key) = name.collision_key() {
            self.unnormalized.remove(&key);
        }
        self.entries.remove(name)
    }

    /// The entry `name`; a directory is opened by it, its nodes are not.
    pub(super) fn entry_mut(&mut self, name: &EntryName) -> Option<&mut DirtyEntry> {
        let entry = self.entries.get_mut(name)?;
        if let DirtyEntry::Kept(kept) = entry
            && let Some(directory) = DirtyDirectory::of(kept)
        {
            *entry = DirtyEntry::Directory(Box::new(directory));
        }
        Some(entry)
    }

    pub(super) fn collision(&self, name: &EntryName) -> Option<EntryName> {
        let key = name.collision_key();
        let normal = EntryName::new(&key).ok().filter(|other| other != name && self.entries.contains_key(other));
        normal.or_else(|| self.unnormalized.get(&*key).filter(|other| *other != name).cloned())
    }
}

impl DirtyEntry {
    pub(super) fn id(&self) -> NodeId {
        match self {
            Self::Kept(entry) => entry.id,
            Self::Directory(directory) => directory.id,
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        match self {
            Self::Kept(entry) => entry.content.is_directory(),
            Self::Directory(_) => true,
        }
    }

    /// Length of its content's encoding in bytes.
    pub(super) fn content_len(&self) -> usize {
        match self {
            Self::Kept(entry) => entry.content.encoded_len(),
            Self::Directory(_) => DIRECTORY_LEN,
        }
    }

    /// The same entry with other times and rights.
    #[must_use]
    pub(super) fn with_attributes(self, attributes: Attributes) -> Self {
        match self {
            Self::Kept(entry) => Self::Kept(Arc::new(Entry {
                id: entry.id,
                name: entry.name.clone(),
                attributes,
                content: entry.content.duplicate(),
            })),
            Self::Directory(mut directory) => {
                directory.attributes = attributes;
                Self::Directory(directory)
            }
        }
    }
}

/// Totals wrap around: what is added and taken out again leaves no trace, whatever a hostile tree claims.
pub(super) const fn sum(a: Totals, b: Totals) -> Totals {
    Totals { files: a.files.wrapping_add(b.files), bytes: a.bytes.wrapping_add(b.bytes) }
}

/// `a - b`, as [`sum`].
pub(super) const fn difference(a: Totals, b: Totals) -> Totals {
    Totals { files: a.files.wrapping_sub(b.files), bytes: a.bytes.wrapping_sub(b.bytes) }
}
