//! An entry comes into a directory: it takes its name, becomes one with a directory of that name, or stands beside what has it.

use super::MergeNote;
use super::apply::{Merger, Work};
use super::changes::same_content;
use super::conflict::conflict_name;
use crate::tree::dirty::{Blocked, DirtyDirectory, DirtyTree};
use crate::tree::name::{EntryName, RemotePath};
use crate::tree::node::NodeId;
use crate::tree::opened::DirtyEntry;
use crate::tree::store::{NodeSource, ReadTreeError, Stop};

/// An entry on its way into a directory.
pub(super) struct Arrival {
    pub(super) parent: NodeId,
    pub(super) name: EntryName,
    pub(super) entry: DirtyEntry,
    /// Whether theirs never had it.
    pub(super) is_new: bool,
}

impl Merger<'_> {
    /// Puts an entry into its directory, and what is in it when it becomes one with a directory that is there.
    pub(super) fn arrive(&mut self, first: Arrival) -> Work<()> {
        let mut open = vec![first];
        while let Some(mut arrival) = open.pop() {
            arrival.parent = self.joined.get(&arrival.parent).copied().unwrap_or(arrival.parent);
            let mut path = self.path(arrival.parent);
            if reach(&mut self.tree, &path, self.source)?.is_none() {
                // Its directory is no directory in theirs: only one id on two entries leads here. Nothing is lost for that.
                (arrival.parent, path) = (NodeId::ROOT, Vec::new());
            }
            let Some(directory) = reach(&mut self.tree, &path, self.source)? else {
                continue;
            };
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
        let Some(directory) = reach(&mut self.tree, path, self.source)? else {
            return Ok(());
        };
        let Some(there) = directory.entry::<ReadTreeError>(name, self.source)? else {
            return Ok(());
        };
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
        let Some(directory) = reach(&mut self.tree, path, self.source)? else {
            return Ok(());
        };
        let id = arrival.entry.id();
        directory.put(&arrival.name, arrival.entry, self.source)?;
        self.put.insert(id, (arrival.parent, arrival.name));
        Ok(())
    }

    /// Puts an entry under the first conflict name that is free.
    pub(super) fn put_beside(&mut self, path: &[EntryName], name: &EntryName, mut arrival: Arrival) -> Work<()> {
        let Some(directory) = reach(&mut self.tree, path, self.source)? else {
            return Ok(());
        };
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
}

/// The directory at a path; `None` when there is none.
pub(super) fn reach<'t>(
    tree: &'t mut DirtyTree,
    path: &[EntryName],
    source: &dyn NodeSource,
) -> Work<Option<&'t mut DirtyDirectory>> {
    match tree.directory(path, source) {
        Ok(directory) => Ok(Some(directory)),
        Err(Stop::Need(wanted)) => Err(Stop::Need(wanted)),
        Err(Stop::Fail(Blocked::Read(error))) => Err(Stop::Fail(error)),
        Err(Stop::Fail(Blocked::Missing(_) | Blocked::NotDirectory(_))) => Ok(None),
    }
}
