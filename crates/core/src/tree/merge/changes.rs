//! What one side changed since base: entries that differ, by node id. Equal hashes are never descended into.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::tree::lookup::list_now;
use crate::tree::name::EntryName;
use crate::tree::node::{ChildRef, Entry, EntryContent, NodeBody, NodeId};
use crate::tree::shard::{FAN_OUT, ShardPlace};
use crate::tree::store::{Fetch, ReadTreeError};

/// An entry and the directory it is in.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) parent: NodeId,
    pub(super) entry: Arc<Entry>,
}

impl Seen {
    pub(super) fn same_place(&self, other: &Self) -> bool {
        self.parent == other.parent && self.entry.name == other.entry.name
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        self.parent == other.parent && same_entry(&self.entry, &other.entry)
    }

    /// The node, if this is a directory.
    pub(super) fn child(&self) -> Option<&ChildRef> {
        match &self.entry.content {
            EntryContent::Directory { child, .. } => Some(child),
            EntryContent::File { .. } | EntryContent::Symlink { .. } => None,
        }
    }
}

fn same_entry(a: &Entry, b: &Entry) -> bool {
    a.id == b.id && a.name == b.name && a.attributes == b.attributes && same_content(&a.content, &b.content)
}

/// Whether two entries hold the same: one version, wherever its pieces lie, one node, one target.
pub(super) fn same_content(a: &EntryContent, b: &EntryContent) -> bool {
    match (a, b) {
        (EntryContent::File { size, version }, EntryContent::File { size: other_size, version: other }) => {
            let (own, others) = (version.version(), other.version());
            // One version with two records was sealed twice, of two contents; one that was brought elsewhere is as it was.
            size == other_size && own.is_same_content(&others) && (own != others || version.hash() == other.hash())
        }
        (EntryContent::Directory { child, .. }, EntryContent::Directory { child: other, .. }) => {
            child.hash == other.hash
        }
        (EntryContent::Symlink { target }, EntryContent::Symlink { target: other }) => target == other,
        _ => false,
    }
}

/// The entries that differ between base and one side. An entry that was moved or edited is in both maps.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) before: HashMap<NodeId, Seen>,
    pub(super) after: HashMap<NodeId, Seen>,
    /// Directories of base, and of the side, whose entries are all in the maps.
    pub(super) listed_before: HashSet<NodeId>,
    pub(super) listed_after: HashSet<NodeId>,
    compared: HashSet<NodeId>,
}

impl Changes {
    pub(super) fn knows(&self, id: NodeId) -> bool {
        self.before.contains_key(&id) || self.after.contains_key(&id)
    }

    /// Whether this side changed the entry in any way.
    fn touched(&self, id: NodeId) -> bool {
        match (self.before.get(&id), self.after.get(&id)) {
            (Some(before), Some(after)) => !before.same(after),
            (None, None) => false,
            _ => true,
        }
    }

    /// Directories that base did not have.
    pub(super) fn added(&self) -> impl Iterator<Item = &Seen> {
        let new = self.after.iter().filter(|(id, _)| !self.before.contains_key(*id));
        new.map(|(_, seen)| seen).filter(|seen| seen.child().is_some())
    }

    /// Compares the directories that are in both trees, wherever they are in each.
    pub(super) fn follow(&mut self, fetch: &mut Fetch<'_>) -> Result<bool, ReadTreeError> {
        let mut pairs = Vec::new();
        for (id, before) in &self.before {
            let after = self.after.get(id).and_then(Seen::child);
            let (Some(before), Some(after)) = (before.child(), after) else {
                continue;
            };
            let is_listed = self.listed_before.contains(id) || self.listed_after.contains(id);
            if (is_listed || before.hash != after.hash) && !self.compared.contains(id) {
                pairs.push((*id, before.duplicate(), after.duplicate(), is_listed));
            }
        }
        let went_on = !pairs.is_empty();
        for (id, before, after, is_listed) in pairs {
            self.compared.insert(id);
            if is_listed {
                // One half is in the maps whole: the other must be too, or what is the same in both would seem added or removed.
                self.list_before(id, fetch)?;
                self.list_after(id, fetch)?;
            } else {
                self.compare(id, Some(&before), Some(&after), fetch)?;
            }
        }
        Ok(went_on)
    }

    /// Looks into added directories for what the other side touched and this side no longer has in its place.
    pub(super) fn list_added(&mut self, other: &Self, fetch: &mut Fetch<'_>) -> Result<bool, ReadTreeError> {
        let is_missing = |id: &NodeId| !self.after.contains_key(id) && other.touched(*id);
        if !self.before.keys().any(is_missing) {
            return Ok(false);
        }
        let added: Vec<_> = self.added().map(|seen| seen.entry.id).collect();
        let mut went_on = false;
        for id in added {
            went_on |= self.list_after(id, fetch)?;
        }
        Ok(went_on)
    }

    /// Looks into removed directories that the other side touched.
    pub(super) fn list_removed(&mut self, other: &Self, fetch: &mut Fetch<'_>) -> Result<bool, ReadTreeError> {
        let removed = self.before.keys().filter(|id| !self.after.contains_key(*id) && other.touched(**id));
        let removed: Vec<_> = removed.copied().collect();
        let mut went_on = false;
        for id in removed {
            went_on |= self.list_before(id, fetch)?;
        }
        Ok(went_on)
    }

    fn list_before(&mut self, id: NodeId, fetch: &mut Fetch<'_>) -> Result<bool, ReadTreeError> {
        let Some(child) = self.before.get(&id).and_then(Seen::child).map(ChildRef::duplicate) else {
            return Ok(false);
        };
        let is_new = self.listed_before.insert(id);
        if is_new {
            let entries = list_now(id, &child, fetch)?.into_iter();
            self.before.extend(entries.map(|entry| (entry.id, Seen { parent: id, entry })));
        }
        Ok(is_new)
    }

    pub(super) fn list_after(&mut self, id: NodeId, fetch: &mut Fetch<'_>) -> Result<bool, ReadTreeError> {
        let Some(child) = self.after.get(&id).and_then(Seen::child).map(ChildRef::duplicate) else {
            return Ok(false);
        };
        let is_new = self.listed_after.insert(id);
        if is_new {
            let entries = list_now(id, &child, fetch)?.into_iter();
            self.after.extend(entries.map(|entry| (entry.id, Seen { parent: id, entry })));
        }
        Ok(is_new)
    }

    /// Compares one directory, shard by shard as long as both are split in the same way.
    pub(super) fn compare(
        &mut self,
        id: NodeId,
        before: Option<&ChildRef>,
        after: Option<&ChildRef>,
        fetch: &mut Fetch<'_>,
    ) -> Result<(), ReadTreeError> {
        let mut open = vec![(ShardPlace::TOP, before.map(ChildRef::duplicate), after.map(ChildRef::duplicate))];
        while let Some((place, before, after)) = open.pop() {
            let (before, after) = (before.as_ref(), after.as_ref());
            if before.map(|child| child.hash) == after.map(|child| child.hash) {
                continue;
            }
            let old = before.map_or(Ok(None), |child| fetch.node(id, place, child))?;
            let new = after.map_or(Ok(None), |child| fetch.node(id, place, child))?;
            if let (Some(NodeBody::Shards(old)), Some(NodeBody::Shards(new))) =
                (old.as_ref().map(|node| &node.body), new.as_ref().map(|node| &node.body))
                && old.name_key == new.name_key
            {
                let name_key = new.name_key;
                let pairs = (0..FAN_OUT).zip(old.children.iter().zip(&*new.children));
                open.extend(pairs.map(|(nibble, (old, new))| {
                    let duplicate = |child: &Option<ChildRef>| child.as_ref().map(ChildRef::duplicate);
                    (place.below(name_key, nibble), duplicate(old), duplicate(new))
                }));
                continue;
            }
            let [old, new] = [lists(id, place, before, fetch)?, lists(id, place, after, fetch)?];
            self.record(id, &old, &new);
        }
        Ok(())
    }

    fn record(&mut self, parent: NodeId, old: &Entries, new: &Entries) {
        let differing = |one: &Entries, other: &Entries| {
            let differs = |entry: &&Arc<Entry>| other.get(&entry.name).is_none_or(|same| !same_entry(entry, same));
            let seen = one.values().filter(differs).map(|entry| (entry.id, Seen { parent, entry: Arc::clone(entry) }));
            seen.collect::<Vec<_>>()
        };
        self.before.extend(differing(old, new));
        self.after.extend(differing(new, old));
    }
}

type Entries = BTreeMap<EntryName, Arc<Entry>>;

fn lists(
    id: NodeId,
    place: ShardPlace,
    child: Option<&ChildRef>,
    fetch: &mut Fetch<'_>,
) -> Result<Entries, ReadTreeError> {
    let Some(child) = child else {
        return Ok(Entries::new());
    };
    let lists = fetch.lists(id, place, child)?;
    let entries = lists.iter().flat_map(|node| node.entries().unwrap_or_default());
    Ok(entries.map(|entry| (entry.name.clone(), Arc::clone(entry))).collect())
}
