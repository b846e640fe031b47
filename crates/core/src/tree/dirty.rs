//! A tree under change: nodes are opened where something changes, all others keep their references.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::encoding::DIRECTORY_LEN;
use super::name::EntryName;
use super::node::{Attributes, ChildRef, DirectoryNode, Entry, EntryContent, NodeBody, NodeId, TreeRoot};
use super::shard::{FAN_OUT, NameKey, ShardPlace};
use super::store::{Fetch, NodeSource, ReadTreeError, Stop, load};
use crate::content::reference::Totals;

/// A tree with changes that are not sealed yet; [`DirtyTree::seal`] makes the nodes of it.
#[derive(Debug)]
pub struct DirtyTree {
    pub(super) root: DirtyDirectory,
}

/// A directory that was opened, or a new one.
#[derive(Debug)]
pub(super) struct DirtyDirectory {
    pub(super) id: NodeId,
    pub(super) attributes: Attributes,
    /// As they were when it was opened.
    pub(super) totals: Totals,
    pub(super) top: DirtyNode,
}

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

/// Why a path does not lead to a directory.
#[derive(Debug)]
pub(super) enum Blocked {
    Read(ReadTreeError),
    /// The component at this place, from 0, is not there.
    Missing(usize),
    /// The component at this place, from 0, is no directory.
    NotDirectory(usize),
}

impl From<ReadTreeError> for Blocked {
    fn from(error: ReadTreeError) -> Self {
        Self::Read(error)
    }
}

impl DirtyTree {
    /// The tree at `root` (`None` is the empty tree), unchanged.
    pub(super) fn open(root: Option<&TreeRoot>) -> Self {
        let attributes = Attributes { mtime: 0, mode: 0 };
        let (totals, top) = match root {
            Some(root) => (root.totals, DirtyNode::closed(root.child.duplicate())),
            None => (Totals::default(), DirtyNode::empty()),
        };
        Self { root: DirtyDirectory { id: NodeId::ROOT, attributes, totals, top } }
    }

    /// The directory that `names` lead to from the root.
    pub(super) fn directory(&mut self, names: &[EntryName], source: &dyn NodeSource) -> Result<&mut DirtyDirectory, Stop<Blocked>> {
        let mut directory = &mut self.root;
        for (index, name) in names.iter().enumerate() {
            directory = match directory.list_for(name, source)?.entry_mut(name) {
                None => return Err(Stop::Fail(Blocked::Missing(index))),
                Some(DirtyEntry::Kept(_)) => return Err(Stop::Fail(Blocked::NotDirectory(index))),
                Some(DirtyEntry::Directory(below)) => below,
            };
        }
        Ok(directory)
    }
}

impl DirtyDirectory {
    /// A new directory without entries.
    pub(super) fn empty(id: NodeId, attributes: Attributes) -> Self {
        Self { id, attributes, totals: Totals::default(), top: DirtyNode::empty() }
    }

    /// The directory that `entry` is; `None` when it is none.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let EntryContent::Directory { totals, child } = &entry.content else { return None };
        let top = DirtyNode::closed(child.duplicate());
        Some(Self { id: entry.id, attributes: entry.attributes, totals: *totals, top })
    }

    /// The list that `name` is in, or would be.
    pub(super) fn list_for<E: From<ReadTreeError>>(
        &mut self,
        name: &EntryName,
        source: &dyn NodeSource,
    ) -> Result<&mut DirtyList, Stop<E>> {
        self.node_for(name, source, false)
    }

    /// The same, about to be changed.
    fn node_for<E: From<ReadTreeError>>(
        &mut self,
        name: &EntryName,
        source: &dyn NodeSource,
        change: bool,
    ) -> Result<&mut DirtyList, Stop<E>> {
        let mut place = ShardPlace::TOP;
        let mut node = &mut self.top;
        loop {
            node.open(self.id, place, source)?;
            if change {
                node.sealed = None;
            }
            match &mut node.body {
                DirtyBody::List(list) => return Ok(list),
                DirtyBody::Shards(shards) => {
                    let nibble = shards.name_key.nibble(name, shards.level);
                    place = place.below(shards.name_key, nibble);
                    node = shards.children.get_mut(usize::from(nibble)).expect("a nibble is below 16");
                }
                DirtyBody::Closed => return Err(ReadTreeError::Misplaced.into()),
            }
        }
    }

    /// The entry `name`.
    pub(super) fn entry<E: From<ReadTreeError>>(
        &mut self,
        name: &EntryName,
        source: &dyn NodeSource,
    ) -> Result<Option<&DirtyEntry>, Stop<E>> {
        Ok(self.list_for(name, source)?.entries.get(name))
    }

    /// Another name in the directory that is the same text as `name`.
    pub(super) fn collision<E: From<ReadTreeError>>(
        &mut self,
        name: &EntryName,
        source: &dyn NodeSource,
    ) -> Result<Option<EntryName>, Stop<E>> {
        // In a sharded directory only the shards of the forms that systems write are searched, not every mixture of them.
        for form in [Some(name.clone()), name.composed(), name.decomposed()].into_iter().flatten() {
            let found = self.list_for(&form, source)?.collision(name);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Puts an entry under `name`, in place of the one that had it.
    pub(super) fn put<E: From<ReadTreeError>>(
        &mut self,
        name: &EntryName,
        entry: DirtyEntry,
        source: &dyn NodeSource,
    ) -> Result<(), Stop<E>> {
        let list = self.node_for(name, source, true)?;
        list.insert(name.clone(), entry);
        Ok(())
    }

    /// Takes the entry `name` out.
    pub(super) fn take<E: From<ReadTreeError>>(
        &mut self,
        name: &EntryName,
        source: &dyn NodeSource,
    ) -> Result<Option<DirtyEntry>, Stop<E>> {
        if self.entry(name, source)?.is_none() {
            return Ok(None);
        }
        let list = self.node_for(name, source, true)?;
        if let std::borrow::Cow::Owned(key) = name.collision_key() {
            list.unnormalized.remove(&key);
        }
        Ok(list.entries.remove(name))
    }

    /// All its entries, taken out.
    pub(super) fn into_entries<E: From<ReadTreeError>>(self, source: &dyn NodeSource) -> Result<Vec<(EntryName, DirtyEntry)>, Stop<E>> {
        let mut entries = Vec::new();
        let mut fetch = Fetch::new(source);
        let mut open = vec![(ShardPlace::TOP, self.top)];
        while let Some((place, node)) = open.pop() {
            match (node.body, node.sealed) {
                (DirtyBody::List(list), _) => entries.extend(list.entries),
                (DirtyBody::Shards(shards), _) => {
                    let below = (0..FAN_OUT).zip(shards.children);
                    open.extend(below.map(|(nibble, child)| (place.below(shards.name_key, nibble), child)));
                }
                (DirtyBody::Closed, Some(child)) => {
                    for node in fetch.lists(self.id, place, &child)? {
                        let kept = node.entries().unwrap_or_default().iter().map(Arc::clone);
                        entries.extend(kept.map(|entry| (entry.name.clone(), DirtyEntry::Kept(entry))));
                    }
                }
                (DirtyBody::Closed, None) => {}
            }
        }
        fetch.finish()?;
        Ok(entries)
    }

    /// Whether it has no entry.
    pub(super) fn is_empty<E: From<ReadTreeError>>(&mut self, source: &dyn NodeSource) -> Result<bool, Stop<E>> {
        self.top.open(self.id, ShardPlace::TOP, source)?;
        // Shards hold more than a list may, unless all of it was just taken out of them.
        let mut fetch = Fetch::new(source);
        let empty = self.top.is_empty(self.id, ShardPlace::TOP, &mut fetch)?;
        fetch.finish()?;
        Ok(empty)
    }
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
    pub(super) fn open<E: From<ReadTreeError>>(&mut self, id: NodeId, place: ShardPlace, source: &dyn NodeSource) -> Result<(), Stop<E>> {
        if let (DirtyBody::Closed, Some(child)) = (&self.body, &self.sealed) {
            let node = load(source, id, place, child)?;
            self.body = DirtyBody::of(&node);
        }
        Ok(())
    }

    fn is_empty(&self, id: NodeId, place: ShardPlace, fetch: &mut Fetch<'_>) -> Result<bool, ReadTreeError> {
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
        if let std::borrow::Cow::Owned(key) = name.collision_key() {
            self.unnormalized.insert(key, name.clone());
        }
        self.entries.insert(name, entry);
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

    fn collision(&self, name: &EntryName) -> Option<EntryName> {
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
