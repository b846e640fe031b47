//! Finding entries by path and listing directories, over nodes that are loaded as they are needed.

use std::collections::HashSet;
use std::sync::Arc;

use super::encoding::MalformedNode;
use super::name::{DEPTH_MAX, EntryName, RemotePath};
use super::node::{ChildRef, Entry, EntryContent, NodeBody, NodeId, TreeRoot};
use super::shard::ShardPlace;
use super::store::{Fetch, NodeSource, ReadTreeError, Step, Stop, step};

/// What is at a path.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "a path leads to the root, to an entry or to nothing")]
pub enum Found {
    /// The path is `/`. A tree without entries has it too.
    Root,
    /// An entry.
    Entry(Arc<Entry>),
    /// The component at this place, from 0, is not there.
    Missing(usize),
    /// The component at this place, from 0, is no directory, but the path goes on below it.
    NotDirectory(usize),
}

/// Finds what is at `path` in the tree at `root` (`None` is the empty tree).
///
/// # Errors
/// [`ReadTreeError`] when the tree breaks the format.
pub fn find(root: Option<&TreeRoot>, path: &RemotePath, source: &dyn NodeSource) -> Result<Step<Found>, ReadTreeError> {
    let mut fetch = Fetch::new(source);
    step(match trace(root, path, &mut fetch) {
        Ok(Some(found)) => Ok(found),
        Ok(None) => fetch.finish().map(|()| Found::Root),
        Err(error) => Err(Stop::Fail(error)),
    })
}

/// Walks `path` as far as nodes are there; `None` when one is missing, which `fetch` then wants.
pub(super) fn trace(
    root: Option<&TreeRoot>,
    path: &RemotePath,
    fetch: &mut Fetch<'_>,
) -> Result<Option<Found>, ReadTreeError> {
    let Some(root) = root else {
        return Ok(Some(if path.is_root() { Found::Root } else { Found::Missing(0) }));
    };
    let mut found: Option<Arc<Entry>> = None;
    for (index, name) in path.names().iter().enumerate() {
        let entry = match found.as_deref() {
            None => find_name(NodeId::ROOT, &root.child, name, fetch)?,
            Some(Entry { id, content: EntryContent::Directory { child, .. }, .. }) => {
                find_name(*id, child, name, fetch)?
            }
            Some(_) => return Ok(Some(Found::NotDirectory(index.saturating_sub(1)))),
        };
        match entry {
            NameLookup::Wanted => return Ok(None),
            NameLookup::Absent => return Ok(Some(Found::Missing(index))),
            NameLookup::Found(entry) => found = Some(entry),
        }
    }
    Ok(Some(found.map_or(Found::Root, Found::Entry)))
}

enum NameLookup {
    /// A node is missing.
    Wanted,
    Absent,
    Found(Arc<Entry>),
}

/// The entry `name` of a directory.
fn find_name(id: NodeId, top: &ChildRef, name: &EntryName, fetch: &mut Fetch<'_>) -> Result<NameLookup, ReadTreeError> {
    let mut place = ShardPlace::TOP;
    let mut child = top.duplicate();
    loop {
        let Some(node) = fetch.node(id, place, &child)? else {
            return Ok(NameLookup::Wanted);
        };
        match &node.body {
            NodeBody::List(entries) => {
                let at = entries.binary_search_by(|entry| entry.name.cmp(name)).ok();
                let entry = at.and_then(|at| entries.get(at)).map(Arc::clone);
                return Ok(entry.map_or(NameLookup::Absent, NameLookup::Found));
            }
            NodeBody::Shards(shards) => {
                let nibble = shards.name_key.nibble(name, shards.level);
                let Some(Some(next)) = shards.children.get(usize::from(nibble)) else {
                    return Ok(NameLookup::Absent);
                };
                place = place.below(shards.name_key, nibble);
                child = next.duplicate();
            }
        }
    }
}

/// A directory whose entries can be listed: the root, or one an entry names.
#[derive(Debug)]
pub struct DirectoryRef {
    id: NodeId,
    child: ChildRef,
}

impl DirectoryRef {
    /// The root directory of a tree that is not empty.
    pub fn root(root: &TreeRoot) -> Self {
        Self { id: NodeId::ROOT, child: root.child.duplicate() }
    }

    /// The directory that `entry` is; `None` when it is none.
    pub fn of(entry: &Entry) -> Option<Self> {
        match &entry.content {
            EntryContent::Directory { child, .. } => Some(Self { id: entry.id, child: child.duplicate() }),
            EntryContent::File { .. } | EntryContent::Symlink { .. } => None,
        }
    }

    /// Whether both are one directory with the same node, and so with the same entries all the way down.
    pub fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.child.hash == other.child.hash
    }
}

/// The entries of a directory, all its shards together, ascending by name.
///
/// # Errors
/// [`ReadTreeError`] when the directory breaks the format.
pub fn list(directory: &DirectoryRef, source: &dyn NodeSource) -> Result<Step<Vec<Arc<Entry>>>, ReadTreeError> {
    let mut fetch = Fetch::new(source);
    step(list_now(directory.id, &directory.child, &mut fetch).map_err(Stop::Fail).and_then(|entries| {
        fetch.finish()?;
        Ok(entries)
    }))
}

/// The entries of a directory as far as nodes are there, ascending by name.
pub(super) fn list_now(id: NodeId, child: &ChildRef, fetch: &mut Fetch<'_>) -> Result<Vec<Arc<Entry>>, ReadTreeError> {
    let lists = fetch.lists(id, ShardPlace::TOP, child)?;
    let entries: Vec<_> = lists.iter().flat_map(|node| node.entries().unwrap_or_default()).collect();
    if lists.len() < 2 {
        return Ok(entries.into_iter().map(Arc::clone).collect());
    }
    let mut ids: Vec<_> = entries.iter().map(|entry| u128::from_be_bytes(*entry.id.as_bytes())).collect();
    ids.sort_unstable();
    if ids.array_windows().any(|[one, next]| one == next) {
        return Err(MalformedNode::NodeId.into());
    }
    Ok(ascending(&entries))
}

/// The entries by name. Most names are told apart by a number that stands beside the entry, so that sorting a large folder does
/// not look at a name in memory for each comparison.
fn ascending(entries: &[&Arc<Entry>]) -> Vec<Arc<Entry>> {
    let shared = shared_prefix(entries);
    let mut keyed: Vec<_> = entries.iter().map(|entry| (key_after(shared, &entry.name), *entry)).collect();
    // Each list is in order: the sort that merges runs has little to do.
    keyed.sort_by(|(one_key, one), (other_key, other)| one_key.cmp(other_key).then_with(|| one.name.cmp(&other.name)));
    keyed.into_iter().map(|(_, entry)| Arc::clone(entry)).collect()
}

/// How many bytes all names begin with.
fn shared_prefix(entries: &[&Arc<Entry>]) -> usize {
    let Some((first, others)) = entries.split_first() else {
        return 0;
    };
    let first = first.name.as_bytes();
    others.iter().fold(first.len(), |shared, entry| {
        let both = first.iter().zip(entry.name.as_bytes()).take(shared);
        both.take_while(|(one, other)| one == other).count()
    })
}

/// The 16 bytes after the first `skipped`, as a number that orders as they do: what a name lacks counts as NUL, which no name holds.
fn key_after(skipped: usize, name: &EntryName) -> u128 {
    let mut key = [0; 16];
    let rest = name.as_bytes().get(skipped..).unwrap_or_default();
    key.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    u128::from_be_bytes(key)
}

/// A directory's path and its entries, ascending by name.
pub type Listed = (RemotePath, Vec<Arc<Entry>>);

/// Walks everything below a directory, one directory at a time, parents before children.
#[derive(Debug)]
pub struct Walk {
    open: Vec<(RemotePath, DirectoryRef)>,
    /// Directories that were met. A graph in which one is in two places has more paths than nodes: no walk of it would end.
    met: HashSet<NodeId>,
}

impl Walk {
    /// A walk of what is below `directory`, whose own path is `path`.
    pub fn new(path: RemotePath, directory: DirectoryRef) -> Self {
        Self { met: HashSet::from([directory.id]), open: vec![(path, directory)] }
    }

    /// The next directory and its entries, ascending by name; `None` at the end. After [`Step::Need`] it stands where it stood, and wants
    /// nodes of directories further on as well, so that a caller can fetch many at once.
    ///
    /// # Errors
    /// [`ReadTreeError`] when the tree breaks the format.
    pub fn next(&mut self, source: &dyn NodeSource) -> Result<Step<Option<Listed>>, ReadTreeError> {
        let Some((path, directory)) = self.open.last() else {
            return Ok(Step::Done(None));
        };
        if path.names().len() > DEPTH_MAX {
            return Err(ReadTreeError::TooDeep);
        }
        let mut fetch = Fetch::new(source);
        let entries = list_now(directory.id, &directory.child, &mut fetch)?;
        if let Err(Stop::Need(mut wanted)) = fetch.finish::<ReadTreeError>() {
            for (_, directory) in self.open.iter().rev().skip(1).take(READ_AHEAD) {
                let mut ahead = Fetch::new(source);
                ahead.lists(directory.id, ShardPlace::TOP, &directory.child)?;
                if let Err(Stop::Need(more)) = ahead.finish::<ReadTreeError>() {
                    wanted.extend(more);
                }
            }
            return Ok(Step::Need(wanted));
        }
        let mut directories = entries.iter().filter(|entry| entry.content.is_directory());
        if directories.any(|entry| !self.met.insert(entry.id)) {
            return Err(MalformedNode::NodeId.into());
        }
        let path = path.clone();
        self.open.pop();
        let below = entries.iter().rev().filter_map(|entry| Some((path.join(&entry.name), DirectoryRef::of(entry)?)));
        self.open.extend(below);
        Ok(Step::Done(Some((path, entries))))
    }
}

/// Directories whose nodes a walk asks for ahead of the one it stands at.
const READ_AHEAD: usize = 64;
