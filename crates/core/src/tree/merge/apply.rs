//! Carries a plan out on theirs: what moves or goes is taken out, deepest first, then put in, highest first.

use std::collections::HashMap;
use std::sync::Arc;

use anonicloud_proto::hash::StoredHash;

use super::arrive::{Arrival, reach};
use super::both::BothChanges;
use super::conflict::copy_id;
use super::plan::{Plan, What};
use super::{ConflictNaming, MergeInput, MergeNote, Merged};
use crate::tree::dirty::{DirtyDirectory, DirtyTree};
use crate::tree::name::{DEPTH_MAX, EntryName};
use crate::tree::node::{Entry, EntryContent, NodeId};
use crate::tree::opened::DirtyEntry;
use crate::tree::store::{NodeSource, ReadTreeError, Stop};

pub(super) type Work<T> = Result<T, Stop<ReadTreeError>>;

pub(super) struct Merger<'a> {
    /// Hash of the root that both sides began with; zeros for the empty tree.
    base: StoredHash,
    pub(super) both: &'a BothChanges,
    plan: Plan,
    pub(super) tree: DirtyTree,
    pub(super) naming: ConflictNaming<'a>,
    pub(super) source: &'a dyn NodeSource,
    pub(super) notes: Vec<MergeNote>,
    /// What was taken out of theirs.
    hand: HashMap<NodeId, DirtyEntry>,
    /// Where what was put is now.
    pub(super) put: HashMap<NodeId, (NodeId, EntryName)>,
    /// Directories that became one with another.
    pub(super) joined: HashMap<NodeId, NodeId>,
}

impl<'a> Merger<'a> {
    pub(super) fn new(
        both: &'a BothChanges,
        plan: Plan,
        input: MergeInput<'_>,
        naming: ConflictNaming<'a>,
        source: &'a dyn NodeSource,
    ) -> Self {
        let base = input.base.map_or(StoredHash::from_bytes([0; 32]), |root| root.child.hash);
        let tree = DirtyTree::open(input.theirs);
        let (notes, hand, put, joined) = (Vec::new(), HashMap::new(), HashMap::new(), HashMap::new());
        Self { base, both, plan, tree, naming, source, notes, hand, put, joined }
    }

    pub(super) fn run(mut self) -> Work<Merged> {
        self.take_all()?;
        self.attach_all()?;
        for id in core::mem::take(&mut self.plan.refused) {
            self.notes.push(MergeNote::MoveRefused { path: self.path(id).into() });
        }
        self.put_copies()?;
        self.remove_empty()?;
        self.tree.settle(self.source)?;
        Ok(Merged { tree: self.tree, notes: self.notes })
    }

    fn take_all(&mut self) -> Work<()> {
        let mut taken: Vec<_> = self.plan.taken.iter().map(|id| (self.path(*id), *id)).collect();
        taken.sort_by_key(|(path, id)| (core::cmp::Reverse(path.len()), *id));
        for (path, id) in taken {
            let Some((name, above)) = path.split_last() else {
                continue;
            };
            let Some(directory) = reach(&mut self.tree, above, self.source)? else {
                continue;
            };
            // A tree with one id in two places leads astray: then the entry there stays.
            if directory.entry::<ReadTreeError>(name, self.source)?.is_some_and(|entry| entry.id() == id)
                && let Some(entry) = directory.take(name, self.source)?
            {
                self.hand.insert(id, entry);
            }
        }
        Ok(())
    }

    fn attach_all(&mut self) -> Work<()> {
        let mut order: Vec<_> = self.plan.attached.keys().map(|id| (self.plan.depth(*id, self.both), *id)).collect();
        order.sort_unstable();
        for (_, id) in order {
            let Some(attach) = self.plan.attached.remove(&id) else {
                continue;
            };
            let is_new = !matches!(attach.what, What::Taken(..));
            let entry = match attach.what {
                What::Made(attributes) => Some(DirtyEntry::Directory(Box::new(DirtyDirectory::empty(id, attributes)))),
                What::Brought(entry) => Some(DirtyEntry::Kept(entry)),
                What::Taken(attributes, content) => self
                    .hand
                    .remove(&id)
                    .map(|taken| content.map_or(taken, DirtyEntry::Kept).with_attributes(attributes)),
            };
            if let Some(entry) = entry {
                self.arrive(Arrival { parent: attach.parent, name: attach.name, entry, is_new })?;
            }
        }
        Ok(())
    }

    /// Puts our versions beside theirs, where both changed one file.
    fn put_copies(&mut self) -> Work<()> {
        for (id, ours) in core::mem::take(&mut self.plan.copies) {
            let copy = match &ours.entry.content {
                EntryContent::File { version, .. } => copy_id(id, &self.base, version.version().as_bytes()),
                EntryContent::Symlink { target } => copy_id(id, &self.base, target),
                EntryContent::Directory { .. } => continue,
            };
            // Merged before: theirs has it already.
            if self.both.theirs.after.contains_key(&copy) {
                continue;
            }
            let path = self.path(id);
            let Some((name, above)) = path.split_last() else {
                continue;
            };
            if reach(&mut self.tree, above, self.source)?.is_none() {
                continue;
            }
            let (attributes, content) = (ours.entry.attributes, ours.entry.content.duplicate());
            let entry = DirtyEntry::Kept(Arc::new(Entry { id: copy, name: name.clone(), attributes, content }));
            let parent = self.plan.parent(id, self.both).unwrap_or(NodeId::ROOT);
            self.put_beside(above, name, Arrival { parent, name: name.clone(), entry, is_new: true })?;
        }
        Ok(())
    }

    fn remove_empty(&mut self) -> Work<()> {
        let mut paths: Vec<_> = self
            .plan
            .removed_if_empty
            .iter()
            // A directory that ours made under its name is one with it now.
            .filter(|id| self.joined.values().all(|kept| kept != *id))
            .map(|id| self.path(*id))
            .collect();
        paths.sort_by_key(|path| core::cmp::Reverse(path.len()));
        for path in paths {
            let Some((name, above)) = path.split_last() else {
                continue;
            };
            let is_empty = match reach(&mut self.tree, &path, self.source)? {
                Some(directory) => directory.is_empty(self.source)?,
                None => false,
            };
            if is_empty && let Some(directory) = reach(&mut self.tree, above, self.source)? {
                directory.take::<ReadTreeError>(name, self.source)?;
            }
        }
        Ok(())
    }

    /// Where an entry is by now.
    pub(super) fn path(&self, id: NodeId) -> Vec<EntryName> {
        let mut names = Vec::new();
        let mut at = id;
        while at != NodeId::ROOT && names.len() <= DEPTH_MAX.saturating_mul(2) {
            at = self.joined.get(&at).copied().unwrap_or(at);
            let place = self.put.get(&at).map(|(parent, name)| (*parent, name));
            let Some((parent, name)) =
                place.or_else(|| self.both.theirs(at).map(|seen| (seen.parent, &seen.entry.name)))
            else {
                break;
            };
            names.push(name.clone());
            at = parent;
        }
        names.reverse();
        names
    }
}
