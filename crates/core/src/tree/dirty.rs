//! A tree under change: nodes are opened where something changes, all others keep their references.

use std::sync::Arc;

use super::name::EntryName;
use super::node::{Attributes, Entry, EntryContent, NodeId, TreeRoot};
use super::opened::{DirtyBody, DirtyEntry, DirtyList, DirtyNode};
use super::shard::{FAN_OUT, ShardPlace};
use super::store::{Fetch, NodeSource, ReadTreeError, Stop};
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
    pub(super) fn directory(
        &mut self,
        names: &[EntryName],
        source: &dyn NodeSource,
    ) -> Result<&mut DirtyDirectory, Stop<Blocked>> {
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
        let EntryContent::Directory { totals, child } = &entry.content else {
            return None;
        };
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

    /// Has the list sealed anew that `name` is in, or would be.
    pub(super) fn touch<E: From<ReadTreeError>>(
        &mut self,
        name: &EntryName,
        source: &dyn NodeSource,
    ) -> Result<(), Stop<E>> {
        self.node_for(name, source, true).map(|_| ())
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
        Ok(self.node_for(name, source, true)?.remove(name))
    }

    /// All its entries, taken out.
    pub(super) fn into_entries<E: From<ReadTreeError>>(
        self,
        source: &dyn NodeSource,
    ) -> Result<Vec<(EntryName, DirtyEntry)>, Stop<E>> {
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
