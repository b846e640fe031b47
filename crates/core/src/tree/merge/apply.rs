//! Carries a plan out on theirs: what moves or goes is taken out, deepest first, then put in, highest first.

use std::collections::HashMap;
use std::sync::Arc;

use super::changes::{BothChanges, same_content};
use super::conflict::{conflict_name, copy_id};
use super::plan::{Plan, What};
use super::{ConflictNaming, MergeNote, Merged};
use crate::tree::dirty::{Blocked, DirtyDirectory, DirtyEntry, DirtyTree};
use crate::tree::name::{DEPTH_MAX, EntryName, RemotePath};
use crate::tree::node::{Entry, EntryContent, NodeId};
use crate::tree::store::{NodeSource, ReadTreeError, Stop};

type Work<T> = Result<T, Stop<ReadTreeError>>;

pub(super) struct Merger<'a> {
    both: &'a BothChanges,
    plan: Plan,
    tree: DirtyTree,
    naming: ConflictNaming<'a>,
    source: &'a dyn NodeSource,
    notes: Vec<MergeNote>,
    /// What was taken out of theirs.
    hand: HashMap<NodeId, DirtyEntry>,
    /// Where what was put is now.
    put: HashMap<NodeId, (NodeId, EntryName)>,
    /// Directories that became one with another.
    joined: HashMap<NodeId, NodeId>,
}

/// An entry on its way into a directory.
struct Arrival {
    parent: NodeId,
    name: EntryName,
    entry: DirtyEntry,
    /// Whether theirs never had it.
    is_new: bool,
}

impl<'a> Merger<'a> {
    pub(super) fn new(both: &'a BothChanges, plan: Plan, tree: DirtyTree, naming: ConflictNaming<'a>, source: &'a dyn NodeSource) -> Self {
        let (notes, hand, put, joined) = (Vec::new(), HashMap::new(), HashMap::new(), HashMap::new());
        Self { both, plan, tree, naming, source, notes, hand, put, joined }
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
            let Some((name, above)) = path.split_last() else { continue };
            let Some(directory) = reach(&mut self.tree, above, self.source)? else { continue };
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
            let Some(attach) = self.plan.attached.remove(&id) else { continue };
            let is_new = !matches!(attach.what, What::Taken(..));
            let entry = match attach.what {
                What::Made(attributes) => Some(DirtyEntry::Directory(Box::new(DirtyDirectory::empty(id, attributes)))),
                What::Brought(entry) => Some(DirtyEntry::Kept(entry)),
                What::Taken(attributes, content) => self.hand.remove(&id).map(|taken| {
                    content.map_or(taken, DirtyEntry::Kept).with_attributes(attributes)
                }),
            };
            if let Some(entry) = entry {
                self.arrive(Arrival { parent: attach.parent, name: attach.name, entry, is_new })?;
            }
        }
        Ok(())
    }

    /// Puts an entry into its directory, and what is in it when it becomes one with a directory that is there.
    fn arrive(&mut self, first: Arrival) -> Work<()> {
        let mut open = vec![first];
        while let Some(mut arrival) = open.pop() {
            arrival.parent = self.joined.get(&arrival.parent).copied().unwrap_or(arrival.parent);
            let mut path = self.path(arrival.parent);
            if reach(&mut self.tree, &path, self.source)?.is_none() {
                // Its directory is no directory in theirs: only one id on two entries leads here. Nothing is lost for that.
                (arrival.parent, path) = (NodeId::ROOT, Vec::new());
            }
            let Some(directory) = reach(&mut self.tree, &path, self.source)? else { continue };
            let taken_by = match directory.entry::<ReadTreeError>(&arrival.name, self.source)? {
                Some(_) => Some(arrival.name.clone()),
                None => directory.collision::<ReadTreeError>(&arrival.name, self.source)?,
            };
            match taken_by {
                Some(other) => self.meet(&path, &other, arrival, &mut open)?,
                None => self.put_at(&path, arrival)?,
            }
        }
        Ok(())
    }

    /// An entry meets one that has its name.
    fn meet(&mut self, path: &[EntryName], name: &EntryName, arrival: Arrival, open: &mut Vec<Arrival>) -> Work<()> {
        let Some(directory) = reach(&mut self.tree, path, self.source)? else { return Ok(()) };
        let Some(there) = directory.entry::<ReadTreeError>(name, self.source)? else { return Ok(()) };
        if there.is_directory() && arrival.entry.is_directory() {
            let (kept, gone) = (there.id(), arrival.entry.id());
            // Where it is may not be in the changes: a new directory of theirs that nothing made us look into.
            self.put.insert(kept, (arrival.parent, name.clone()));
            if kept != gone {
                self.joined.insert(gone, kept);
            }
            return self.join(kept, arrival, open);
        }
        let is_same = matches!((there, &arrival.entry), (DirtyEntry::Kept(there), DirtyEntry::Kept(new)) if same_content(&there.content, &new.content));
        if is_same && (arrival.is_new || there.id() == arrival.entry.id()) {
            return Ok(());
        }
        self.put_beside(path, name, arrival)
    }

    /// Sends the entries of a directory into the one it becomes one with.
    fn join(&mut self, kept: NodeId, arrival: Arrival, open: &mut Vec<Arrival>) -> Work<()> {
        let directory = match arrival.entry {
            DirtyEntry::Directory(directory) => Some(*directory),
            DirtyEntry::Kept(entry) => DirtyDirectory::of(&entry),
        };
        let entries = directory.map_or(Ok(Vec::new()), |directory| directory.into_entries(self.source))?;
        for (name, entry) in entries.into_iter().rev() {
            // What theirs has of it by now, it has where it wants it.
            if !(arrival.is_new && self.both.theirs.after.contains_key(&entry.id())) {
                open.push(Arrival { parent: kept, name, entry, is_new: arrival.is_new });
            }
        }
        Ok(())
    }

    fn put_at(&mut self, path: &[EntryName], arrival: Arrival) -> Work<()> {
        let Some(directory) = reach(&mut self.tree, path, self.source)? else { return Ok(()) };
        let id = arrival.entry.id();
        directory.put(&arrival.name, arrival.entry, self.source)?;
        self.put.insert(id, (arrival.parent, arrival.name));
        Ok(())
    }

    /// Puts an entry under the first conflict name that is free.
    fn put_beside(&mut self, path: &[EntryName], name: &EntryName, mut arrival: Arrival) -> Work<()> {
        let Some(directory) = reach(&mut self.tree, path, self.source)? else { return Ok(()) };
        let mut counter = 1_usize;
        arrival.name = loop {
            let free = conflict_name(&arrival.name, self.naming, counter);
            let there = directory.entry::<ReadTreeError>(&free, self.source)?.map(DirtyEntry::id);
            if there == Some(arrival.entry.id()) {
                return Ok(());
            }
            if there.is_none() && directory.collision::<ReadTreeError>(&free, self.source)?.is_none() {
                break free;
            }
            counter = counter.saturating_add(1);
        };
        let directory = RemotePath::from(path.to_vec());
        self.notes.push(MergeNote::Conflict { path: directory.join(name), copy: directory.join(&arrival.name) });
        self.put_at(path, arrival)
    }

    /// Puts our versions beside theirs, where both changed one file.
    fn put_copies(&mut self) -> Work<()> {
        for (id, ours) in core::mem::take(&mut self.plan.copies) {
            let copy = match &ours.entry.content {
                EntryContent::File { version, .. } => copy_id(id, version.version().as_bytes()),
                EntryContent::Symlink { target } => copy_id(id, target),
                EntryContent::Directory { .. } => continue,
            };
            // Merged before: theirs has it already.
            if self.both.theirs.after.contains_key(&copy) {
                continue;
            }
            let path = self.path(id);
            let Some((name, above)) = path.split_last() else { continue };
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
        let mut paths: Vec<_> = self.plan.removed_if_empty.iter().map(|id| self.path(*id)).collect();
        paths.sort_by_key(|path| core::cmp::Reverse(path.len()));
        for path in paths {
            let Some((name, above)) = path.split_last() else { continue };
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
    fn path(&self, id: NodeId) -> Vec<EntryName> {
        let mut names = Vec::new();
        let mut at = id;
        while at != NodeId::ROOT && names.len() <= DEPTH_MAX.saturating_mul(2) {
            at = self.joined.get(&at).copied().unwrap_or(at);
            let place = self.put.get(&at).map(|(parent, name)| (*parent, name));
            let Some((parent, name)) = place.or_else(|| self.both.theirs(at).map(|seen| (seen.parent, &seen.entry.name))) else { break };
            names.push(name.clone());
            at = parent;
        }
        names.reverse();
        names
    }
}

/// The directory at a path; `None` when there is none.
fn reach<'t>(tree: &'t mut DirtyTree, path: &[EntryName], source: &dyn NodeSource) -> Work<Option<&'t mut DirtyDirectory>> {
    match tree.directory(path, source) {
        Ok(directory) => Ok(Some(directory)),
        Err(Stop::Need(wanted)) => Err(Stop::Need(wanted)),
        Err(Stop::Fail(Blocked::Read(error))) => Err(Stop::Fail(error)),
        Err(Stop::Fail(Blocked::Missing(_) | Blocked::NotDirectory(_))) => Ok(None),
    }
}
