//! What differs between two trees that were verified: entries by node id and name. Folders with one node are not looked into.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::tree::lookup::{DirectoryRef, Found, find, list};
use anonicloud_core::tree::name::{DEPTH_MAX, EntryName, RemotePath};
use anonicloud_core::tree::node::{Entry, EntryContent, NodeId, TreeRoot};
use anonicloud_core::tree::store::ReadTreeError;

use crate::client::Client;
use crate::error::OperationError;
use crate::item::Item;
use crate::remote::Remote;
use crate::state::LocalState;

/// What became of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It is new. Of a new folder, all that is in it is told too.
    Added,
    /// Its content, time or rights changed. Of a folder, its time or rights.
    Changed,
    /// It is gone, with all that was in it.
    Removed,
    /// It came from here, a folder with all that is in it.
    Moved {
        /// Where it was.
        from: RemotePath,
    },
}

/// One path that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The path; of what is gone, where it was.
    pub path: RemotePath,
    /// What became of it.
    pub kind: ChangeKind,
    /// What is there; of what is gone, what was.
    pub item: Item,
}

/// An entry and the path of it.
#[derive(Debug, Clone)]
struct Placed {
    path: RemotePath,
    entry: Arc<Entry>,
}

impl Placed {
    fn change(&self, kind: ChangeKind) -> Change {
        Change { path: self.path.clone(), kind, item: Item::of(&self.entry) }
    }
}

/// A folder that is in both trees, by its path in the newer one.
struct Pair {
    /// The path in the older tree.
    from: RemotePath,
    path: RemotePath,
    old: Option<DirectoryRef>,
    new: Option<DirectoryRef>,
}

/// What one tree has and the other one may not have.
#[derive(Default)]
struct Side {
    placed: HashMap<NodeId, Placed>,
    /// The folders among it that were looked into, each with what was in it.
    opened: HashMap<NodeId, Vec<NodeId>>,
}

impl Side {
    /// In a tree each thing is in one place.
    fn put(&mut self, placed: Placed) -> Result<(), OperationError> {
        let other = self.placed.insert(placed.entry.id, placed);
        if other.is_some() { Err(Rejected.into()) } else { Ok(()) }
    }

    /// Takes off `id`, and what was found in it: a folder that moved is compared by itself.
    fn take(&mut self, id: NodeId) -> Option<Placed> {
        let taken = self.placed.remove(&id)?;
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let below = self.opened.remove(&id).unwrap_or_default();
            open.extend(below.into_iter().filter(|id| self.placed.remove(id).is_some()));
        }
        Some(taken)
    }

    /// The folders that were not looked into.
    fn unopened(&self) -> Vec<Placed> {
        let unopened =
            |placed: &&Placed| placed.entry.content.is_directory() && !self.opened.contains_key(&placed.entry.id);
        self.placed.values().filter(unopened).cloned().collect()
    }
}

/// What was found so far.
#[derive(Default)]
struct Comparison {
    pairs: Vec<Pair>,
    /// The folders that were pairs.
    paired: HashSet<NodeId>,
    gone: Side,
    come: Side,
    /// What moved was told.
    moved: HashSet<NodeId>,
    changes: Vec<Change>,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// What differs at and below `path`, by path; `None` when the server does not have the older tree any more.
    pub(crate) async fn compare(
        &self,
        path: &RemotePath,
        old: Option<&TreeRoot>,
        new: Option<&TreeRoot>,
    ) -> Result<Option<Vec<Change>>, OperationError> {
        let mut comparison = Comparison::default();
        match path.split() {
            None => {
                let [old, new] = [old, new].map(|root| root.map(DirectoryRef::root));
                comparison.paired.insert(NodeId::ROOT);
                comparison.pairs.push(Pair { from: path.clone(), path: path.clone(), old, new });
            }
            Some((parent, _)) => {
                let Some(old) = unless_gone(self.entry_in(path, old).await)? else { return Ok(None) };
                let new = self.entry_in(path, new).await?;
                comparison.record(&parent, &parent, old.into_iter().collect(), new.into_iter().collect())?;
            }
        }
        self.finish(comparison).await
    }

    async fn finish(&self, mut comparison: Comparison) -> Result<Option<Vec<Change>>, OperationError> {
        loop {
            while let Some(Pair { from, path, old, new }) = comparison.pairs.pop() {
                let Some(old) = unless_gone(self.entries(&from, old).await)? else { return Ok(None) };
                let new = self.entries(&path, new).await?;
                comparison.record(&from, &path, old, new)?;
            }
            comparison.match_moved()?;
            if !comparison.pairs.is_empty() {
                continue;
            }
            // What came may lie below what came, or have lain below what went.
            let come = comparison.come.unopened();
            let is_sought = !comparison.come.placed.is_empty();
            let gone = if is_sought { comparison.gone.unopened() } else { Vec::new() };
            if come.is_empty() && gone.is_empty() {
                return Ok(Some(comparison.end()));
            }
            for placed in come {
                let entries = self.entries(&placed.path, DirectoryRef::of(&placed.entry)).await?;
                comparison.open_come(&placed, entries)?;
            }
            for placed in gone {
                let entries = self.entries(&placed.path, DirectoryRef::of(&placed.entry)).await;
                let Some(entries) = unless_gone(entries)? else { return Ok(None) };
                comparison.open_gone(&placed, entries)?;
            }
        }
    }

    async fn entry_in(&self, path: &RemotePath, root: Option<&TreeRoot>) -> Result<Option<Arc<Entry>>, OperationError> {
        match self.walk_steps(|nodes| find(root, path, nodes)).await? {
            Found::Entry(entry) => Ok(Some(entry)),
            _ => Ok(None),
        }
    }

    async fn entries(
        &self,
        path: &RemotePath,
        directory: Option<DirectoryRef>,
    ) -> Result<Vec<Arc<Entry>>, OperationError> {
        if path.names().len() > DEPTH_MAX {
            return Err(ReadTreeError::TooDeep.into());
        }
        match directory {
            None => Ok(Vec::new()),
            Some(directory) => self.walk_steps(|nodes| list(&directory, nodes)).await,
        }
    }
}

impl Comparison {
    /// Compares the entries of one folder by name.
    fn record(
        &mut self,
        from: &RemotePath,
        path: &RemotePath,
        old: Vec<Arc<Entry>>,
        new: Vec<Arc<Entry>>,
    ) -> Result<(), OperationError> {
        let mut old: BTreeMap<EntryName, Arc<Entry>> =
            old.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
        for entry in new {
            let placed = Placed { path: path.join(&entry.name), entry };
            match old.get(&placed.entry.name) {
                Some(before) if is_same_thing(before, &placed.entry) => {
                    self.stayed(from, before, &placed)?;
                    old.remove(&placed.entry.name);
                }
                _ => self.arrived(placed)?,
            }
        }
        old.into_values().try_for_each(|entry| self.went(Placed { path: from.join(&entry.name), entry }))
    }

    /// The same thing under the same name.
    fn stayed(&mut self, from: &RemotePath, before: &Entry, placed: &Placed) -> Result<(), OperationError> {
        if before.attributes != placed.entry.attributes || is_other_content(before, &placed.entry) {
            self.changes.push(placed.change(ChangeKind::Changed));
        }
        self.descend(&from.join(&before.name), before, placed)
    }

    /// Looks into a folder whose node is another one now.
    fn descend(&mut self, from: &RemotePath, before: &Entry, placed: &Placed) -> Result<(), OperationError> {
        if let (EntryContent::Directory { child: old, .. }, EntryContent::Directory { child: new, .. }) =
            (&before.content, &placed.entry.content)
            && old.hash != new.hash
        {
            // In a tree each folder is in one place; anything else has more paths than nodes.
            if !self.paired.insert(placed.entry.id) {
                return Err(Rejected.into());
            }
            let (old, new) = (DirectoryRef::of(before), DirectoryRef::of(&placed.entry));
            self.pairs.push(Pair { from: from.clone(), path: placed.path.clone(), old, new });
        }
        Ok(())
    }

    /// Tells what moved, and looks into the folders among it.
    fn match_moved(&mut self) -> Result<(), OperationError> {
        let mut both = Vec::new();
        both.extend(self.come.placed.keys().filter(|id| self.gone.placed.contains_key(*id)));
        for id in both {
            // What lay in a folder that moved may have been taken off with it.
            if !(self.gone.placed.contains_key(&id) && self.come.placed.contains_key(&id)) {
                continue;
            }
            let (Some(before), Some(placed)) = (self.gone.take(id), self.come.take(id)) else { continue };
            self.moved.insert(id);
            self.changes.push(placed.change(ChangeKind::Moved { from: before.path.clone() }));
            self.descend(&before.path, &before.entry, &placed)?;
        }
        Ok(())
    }

    fn open_come(&mut self, folder: &Placed, entries: Vec<Arc<Entry>>) -> Result<(), OperationError> {
        self.come.opened.insert(folder.entry.id, entries.iter().map(|entry| entry.id).collect());
        entries.into_iter().try_for_each(|entry| self.arrived(Placed { path: folder.path.join(&entry.name), entry }))
    }

    fn open_gone(&mut self, folder: &Placed, entries: Vec<Arc<Entry>>) -> Result<(), OperationError> {
        self.gone.opened.insert(folder.entry.id, entries.iter().map(|entry| entry.id).collect());
        entries.into_iter().try_for_each(|entry| self.went(Placed { path: folder.path.join(&entry.name), entry }))
    }

    fn arrived(&mut self, placed: Placed) -> Result<(), OperationError> {
        if self.moved.contains(&placed.entry.id) { Ok(()) } else { self.come.put(placed) }
    }

    fn went(&mut self, placed: Placed) -> Result<(), OperationError> {
        if self.moved.contains(&placed.entry.id) { Ok(()) } else { self.gone.put(placed) }
    }

    /// All changes, by path. Of what is gone, the folder stands for what was in it.
    fn end(mut self) -> Vec<Change> {
        self.changes.extend(self.come.placed.values().map(|placed| placed.change(ChangeKind::Added)));
        let gone: HashSet<&RemotePath> = self.gone.placed.values().map(|placed| &placed.path).collect();
        let tops = self.gone.placed.values().filter(|placed| {
            let above = placed.path.split().map(|(parent, _)| parent);
            !above.is_some_and(|parent| gone.contains(&parent))
        });
        self.changes.extend(tops.map(|placed| placed.change(ChangeKind::Removed)));
        self.changes.sort_by_cached_key(|change| change.path.to_bytes());
        self.changes
    }
}

/// What was read of the older tree; `None` when the server does not have it.
pub(super) fn unless_gone<T>(read: Result<T, OperationError>) -> Result<Option<T>, OperationError> {
    match read {
        Err(error) if error.is_not_found() => Ok(None),
        read => read.map(Some),
    }
}

/// Whether two entries under one name are one thing that changed: the same node, or files of two versions.
fn is_same_thing(one: &Entry, other: &Entry) -> bool {
    one.id == other.id || !(one.content.is_directory() || other.content.is_directory())
}

/// Whether two entries that are no folders hold something else.
pub(super) fn is_other_content(one: &Entry, other: &Entry) -> bool {
    match (&one.content, &other.content) {
        (EntryContent::File { size, version: one }, EntryContent::File { size: other_size, version: other }) => {
            size != other_size || !one.version().is_same_content(&other.version())
        }
        (EntryContent::Symlink { target: one }, EntryContent::Symlink { target: other }) => one != other,
        (EntryContent::Directory { .. }, EntryContent::Directory { .. }) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use anonicloud_core::content::reference::{PieceRef, Totals};
    use anonicloud_core::crypto::secret::DirectoryKey;
    use anonicloud_core::tree::node::{Attributes, ChildRef};
    use anonicloud_proto::hash::StoredHash;
    use anonicloud_proto::ids::BlobId;
    use anonicloud_proto::suite::Suite;

    use super::*;

    fn folder(name: &str, content: u8) -> Arc<Entry> {
        let blob = BlobId::from_bytes([content; 32]);
        let child = ChildRef {
            piece: PieceRef { suite: Suite::V1, blob, offset: 0, length: 1 },
            hash: StoredHash::of(&[content]),
            key: DirectoryKey::from_bytes([content; 32]),
        };
        Arc::new(Entry {
            id: NodeId::from_bytes([1; 16]),
            name: EntryName::new(name.as_bytes()).unwrap(),
            attributes: Attributes { mtime: 0, mode: 0o755 },
            content: EntryContent::Directory { totals: Totals::default(), child },
        })
    }

    /// A graph in which each folder is in the next one twice has few nodes and paths without end.
    #[test]
    fn a_folder_that_is_in_two_places_is_looked_into_once() {
        let mut comparison = Comparison::default();
        let mut record = |path: &str| {
            let path = RemotePath::parse(path.as_bytes()).unwrap();
            comparison.record(&path, &path, vec![folder("in", 1)], vec![folder("in", 2)])
        };
        record("/one").unwrap();
        assert!(matches!(record("/two"), Err(OperationError::Rejected(_))));
    }
}
