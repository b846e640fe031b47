//! Copies by reference: the same file versions under new ids.

use std::collections::HashSet;
use std::sync::Arc;

use super::EditError;
use crate::crypto::random::Random;
use crate::tree::dirty::DirtyDirectory;
use crate::tree::encoding::MalformedNode;
use crate::tree::name::DEPTH_MAX;
use crate::tree::node::{Attributes, ChildRef, Entry, EntryContent, NodeId};
use crate::tree::opened::{DirtyBody, DirtyEntry, DirtyList, DirtyNode};
use crate::tree::shard::ShardPlace;
use crate::tree::store::{Fetch, NodeSource, ReadTreeError, Stop};

/// A second entry like `entry`, with all below it, for a place that many names below the root; its nodes must be there, and
/// all that are not are wanted at once.
pub(super) fn copy(
    entry: &DirtyEntry,
    depth: usize,
    source: &dyn NodeSource,
    random: &mut dyn Random,
) -> Result<DirtyEntry, Stop<EditError>> {
    let mut copier = Copier { fetch: Fetch::new(source), random, met: HashSet::new() };
    let copied = copier.entry(entry, depth)?;
    copier.fetch.finish()?;
    Ok(copied)
}

struct Copier<'a> {
    fetch: Fetch<'a>,
    random: &'a mut dyn Random,
    /// Directories that were met: in a tree each is in one place.
    met: HashSet<NodeId>,
}

impl Copier<'_> {
    fn entry(&mut self, entry: &DirtyEntry, depth: usize) -> Result<DirtyEntry, ReadTreeError> {
        if entry.is_directory() && !self.met.insert(entry.id()) {
            return Err(MalformedNode::NodeId.into());
        }
        let entry = match entry {
            DirtyEntry::Kept(entry) => entry,
            DirtyEntry::Directory(directory) => {
                let mut list = DirtyList::default();
                self.node(directory.id, ShardPlace::TOP, &directory.top, (&mut list, depth))?;
                return Ok(self.directory(directory.attributes, list));
            }
        };
        let content = match &entry.content {
            EntryContent::Directory { child, .. } => {
                let mut list = DirtyList::default();
                self.stored(entry.id, ShardPlace::TOP, child, (&mut list, depth))?;
                return Ok(self.directory(entry.attributes, list));
            }
            content => content.duplicate(),
        };
        let (id, name) = (NodeId::make(self.random), entry.name.clone());
        Ok(DirtyEntry::Kept(Arc::new(Entry { id, name, attributes: entry.attributes, content })))
    }

    fn directory(&mut self, attributes: Attributes, list: DirtyList) -> DirtyEntry {
        let mut directory = DirtyDirectory::empty(NodeId::make(self.random), attributes);
        directory.top.body = DirtyBody::List(list);
        DirtyEntry::Directory(Box::new(directory))
    }

    fn node(&mut self, id: NodeId, place: ShardPlace, node: &DirtyNode, into: Target<'_>) -> Result<(), ReadTreeError> {
        let (list, depth) = into;
        match (&node.body, &node.sealed) {
            (DirtyBody::List(entries), _) => {
                for (name, entry) in &entries.entries {
                    list.insert(name.clone(), self.entry(entry, below(depth)?)?);
                }
                Ok(())
            }
            (DirtyBody::Shards(shards), _) => (0..).zip(&shards.children).try_for_each(|(nibble, child)| {
                self.node(id, place.below(shards.name_key, nibble), child, (&mut *list, depth))
            }),
            (DirtyBody::Closed, Some(child)) => self.stored(id, place, child, (list, depth)),
            (DirtyBody::Closed, None) => Ok(()),
        }
    }

    fn stored(
        &mut self,
        id: NodeId,
        place: ShardPlace,
        child: &ChildRef,
        into: Target<'_>,
    ) -> Result<(), ReadTreeError> {
        let (list, depth) = into;
        for node in self.fetch.lists(id, place, child)? {
            for entry in node.entries().unwrap_or_default() {
                let copied = self.entry(&DirtyEntry::Kept(Arc::clone(entry)), below(depth)?)?;
                list.insert(entry.name.clone(), copied);
            }
        }
        Ok(())
    }
}

/// The list that copies go into, and how deep it is.
type Target<'a> = (&'a mut DirtyList, usize);

fn below(depth: usize) -> Result<usize, ReadTreeError> {
    if depth < DEPTH_MAX { Ok(depth.saturating_add(1)) } else { Err(ReadTreeError::TooDeep) }
}
