//! What differs between two trees that were verified: entries by node id and name. Folders with one node are not looked into.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::tree::lookup::{DirectoryRef, Found, find, list};
use anonicloud_core::tree::name::{EntryName, RemotePath};
use anonicloud_core::tree::node::{Entry, EntryContent, NodeId, TreeRoot};

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

/// What was found so far.
#[derive(Default)]
struct Comparison {
    pairs: Vec<Pair>,
    gone: HashMap<NodeId, Placed>,
    come: HashMap<NodeId, Placed>,
    changes: Vec<Change>,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// What differs at and below `path`, by path.
    pub(crate) async fn compare(
        &self,
        path: &RemotePath,
        old: Option<&TreeRoot>,
        new: Option<&TreeRoot>,
    ) -> Result<Vec<Change>, OperationError> {
        let mut comparison = Comparison::default();
        match path.split() {
            None => {
                let [old, new] = [old, new].map(|root| root.map(DirectoryRef::root));
                comparison.pairs.push(Pair { from: path.clone(), path: path.clone(), old, new });
            }
            Some((parent, _)) => {
                let (old, new) = (self.entry_in(path, old).await?, self.entry_in(path, new).await?);
                comparison.record(&parent, &parent, old.into_iter().collect(), new.into_iter().collect());
            }
        }
        self.finish(comparison).await
    }

    async fn finish(&self, mut comparison: Comparison) -> Result<Vec<Change>, OperationError> {
        // In a tree each folder is in one place; in anything else this would not end.
        let (mut met_old, mut met_new) = (HashSet::new(), HashSet::new());
        loop {
            while let Some(Pair { from, path, old, new }) = comparison.pairs.pop() {
                let (old, new) = (self.entries(old).await?, self.entries(new).await?);
                comparison.record(&from, &path, old, new);
            }
            comparison.match_moved();
            // What came may lie below what came, or have lain below what went.
            let come: Vec<_> = comparison.come.values().filter(|come| is_new(&mut met_new, come)).cloned().collect();
            let is_sought = !comparison.come.is_empty();
            let gone = comparison.gone.values().filter(|gone| is_sought && is_new(&mut met_old, gone));
            let gone: Vec<_> = gone.cloned().collect();
            if come.is_empty() && gone.is_empty() {
                return Ok(comparison.end());
            }
            for placed in come {
                for entry in self.entries(DirectoryRef::of(&placed.entry)).await? {
                    comparison.arrived(Placed { path: placed.path.join(&entry.name), entry })?;
                }
            }
            for placed in gone {
                for entry in self.entries(DirectoryRef::of(&placed.entry)).await? {
                    comparison.went(Placed { path: placed.path.join(&entry.name), entry })?;
                }
            }
        }
    }

    async fn entry_in(&self, path: &RemotePath, root: Option<&TreeRoot>) -> Result<Option<Arc<Entry>>, OperationError> {
        match self.walk_steps(|nodes| find(root, path, nodes)).await? {
            Found::Entry(entry) => Ok(Some(entry)),
            _ => Ok(None),
        }
    }

    async fn entries(&self, directory: Option<DirectoryRef>) -> Result<Vec<Arc<Entry>>, OperationError> {
        match directory {
            None => Ok(Vec::new()),
            Some(directory) => self.walk_steps(|nodes| list(&directory, nodes)).await,
        }
    }
}

impl Comparison {
    /// Compares the entries of one folder by name.
    fn record(&mut self, from: &RemotePath, path: &RemotePath, old: Vec<Arc<Entry>>, new: Vec<Arc<Entry>>) {
        let mut old: BTreeMap<EntryName, Arc<Entry>> =
            old.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
        for entry in new {
            let before = old.remove(&entry.name);
            let placed = Placed { path: path.join(&entry.name), entry };
            match before {
                Some(before) if is_same_thing(&before, &placed.entry) => self.stayed(from, &before, &placed),
                before => {
                    if let Some(entry) = before {
                        self.gone.insert(entry.id, Placed { path: from.join(&entry.name), entry });
                    }
                    self.come.insert(placed.entry.id, placed);
                }
            }
        }
        let gone = old.into_values().map(|entry| (entry.id, Placed { path: from.join(&entry.name), entry }));
        self.gone.extend(gone);
    }

    /// The same thing under the same name.
    fn stayed(&mut self, from: &RemotePath, before: &Entry, placed: &Placed) {
        if before.attributes != placed.entry.attributes || is_other_content(before, &placed.entry) {
            self.changes.push(placed.change(ChangeKind::Changed));
        }
        self.descend(&from.join(&before.name), before, placed);
    }

    /// Looks into a folder whose node is another one now.
    fn descend(&mut self, from: &RemotePath, before: &Entry, placed: &Placed) {
        if let (EntryContent::Directory { child: old, .. }, EntryContent::Directory { child: new, .. }) =
            (&before.content, &placed.entry.content)
            && old.hash != new.hash
        {
            let (old, new) = (DirectoryRef::of(before), DirectoryRef::of(&placed.entry));
            self.pairs.push(Pair { from: from.clone(), path: placed.path.clone(), old, new });
        }
    }

    /// Tells what moved, and looks into the folders among it.
    fn match_moved(&mut self) {
        let moved: Vec<NodeId> = self.come.keys().filter(|id| self.gone.contains_key(*id)).copied().collect();
        for id in moved {
            let (Some(before), Some(placed)) = (self.gone.remove(&id), self.come.remove(&id)) else { continue };
            self.changes.push(placed.change(ChangeKind::Moved { from: before.path.clone() }));
            self.descend(&before.path, &before.entry, &placed);
        }
    }

    fn arrived(&mut self, placed: Placed) -> Result<(), OperationError> {
        let other = self.come.insert(placed.entry.id, placed);
        if other.is_some() { Err(Rejected.into()) } else { Ok(()) }
    }

    fn went(&mut self, placed: Placed) -> Result<(), OperationError> {
        let other = self.gone.insert(placed.entry.id, placed);
        if other.is_some() { Err(Rejected.into()) } else { Ok(()) }
    }

    /// All changes, by path. Of what is gone, the folder stands for what was in it.
    fn end(mut self) -> Vec<Change> {
        self.changes.extend(self.come.values().map(|placed| placed.change(ChangeKind::Added)));
        let gone: HashSet<&RemotePath> = self.gone.values().map(|placed| &placed.path).collect();
        let tops = self.gone.values().filter(|placed| {
            let above = placed.path.split().map(|(parent, _)| parent);
            !above.is_some_and(|parent| gone.contains(&parent))
        });
        self.changes.extend(tops.map(|placed| placed.change(ChangeKind::Removed)));
        self.changes.sort_by_cached_key(|change| change.path.to_bytes());
        self.changes
    }
}

/// A folder that was not looked into.
fn is_new(met: &mut HashSet<NodeId>, placed: &Placed) -> bool {
    placed.entry.content.is_directory() && met.insert(placed.entry.id)
}

/// Whether two entries under one name are one thing that changed: the same node, or files of two versions.
fn is_same_thing(one: &Entry, other: &Entry) -> bool {
    one.id == other.id || !(one.content.is_directory() || other.content.is_directory())
}

/// Whether two entries that are no folders hold something else.
fn is_other_content(one: &Entry, other: &Entry) -> bool {
    match (&one.content, &other.content) {
        (EntryContent::File { version: one, .. }, EntryContent::File { version: other, .. }) => {
            one.version() != other.version()
        }
        (EntryContent::Symlink { target: one }, EntryContent::Symlink { target: other }) => one != other,
        (EntryContent::Directory { .. }, EntryContent::Directory { .. }) => false,
        _ => true,
    }
}
