//! What a tree had that another one has not: after a server was put back from a backup, what is lost there.
//!
//! Enters: the tree that this device knew, and one that was verified just now. Leaves: what of the first the second does not have at
//! its path. Never: a change of what the local state keeps of the first, while nobody said that it may go.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::tree::lookup::{DirectoryRef, list};
use anonicloud_core::tree::name::{DEPTH_MAX, RemotePath};
use anonicloud_core::tree::node::{Entry, TreeRoot};
use anonicloud_core::tree::store::{ReadTreeError, Step};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::changes::{is_other_content, unless_gone};
use crate::client::Client;
use crate::error::OperationError;
use crate::item::{Item, Totals};
use crate::remote::Remote;
use crate::state::LocalState;

/// Nodes read at once.
const IN_FLIGHT: usize = 8;
/// Entries that are named; others are counted.
const NAMED_MAX: usize = 1 << 16;

/// How the server lacks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// Nothing is there.
    Missing,
    /// Something else is there, or the same with other times or rights.
    Changed,
    /// A folder of which this device has not read what was in it, and the server does not have that any more.
    Unread,
}

/// An entry that this device knew, and that the server does not have at its path as it was.
#[derive(Debug)]
#[non_exhaustive]
pub struct Lost {
    /// Where it was.
    pub path: RemotePath,
    /// How it is lost.
    pub loss: Loss,
    /// What it was.
    pub item: Item,
}

/// All that is lost, as far as this device had read it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Losses {
    /// Up to 65,536 of them, by path.
    pub named: Vec<Lost>,
    /// How many more there are.
    pub more: u64,
}

impl Losses {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.more.saturating_add(self.named.len() as u64)
    }

    fn push(&mut self, path: RemotePath, loss: Loss, entry: Option<&Entry>) {
        if self.named.len() == NAMED_MAX {
            self.more = self.more.saturating_add(1);
            return;
        }
        let item = entry.map_or_else(|| Item::root(Totals::default()), Item::of);
        self.named.push(Lost { path, loss, item });
    }
}

/// A folder of the tree that was known, and the one at its path now.
struct Pair {
    path: RemotePath,
    /// None for the root.
    entry: Option<Arc<Entry>>,
    loss: Option<Loss>,
    old: DirectoryRef,
    new: Option<DirectoryRef>,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// What the tree at `old` has and the one at `new` has not. Folders with one node are not looked into.
    pub(super) async fn find_lost(
        &self,
        old: Option<&TreeRoot>,
        new: Option<&TreeRoot>,
    ) -> Result<Losses, OperationError> {
        let mut losses = Losses::default();
        let new = new.map(DirectoryRef::root);
        let root =
            old.map(DirectoryRef::root).map(|old| Pair { path: RemotePath::root(), entry: None, loss: None, old, new });
        let mut open: Vec<Pair> = root.into_iter().collect();
        // In a tree each folder is in one place; in anything else this would not end.
        let mut met = HashSet::new();
        while let Some(Pair { path, entry, loss, old, new }) = open.pop() {
            if path.names().len() > DEPTH_MAX {
                return Err(ReadTreeError::TooDeep.into());
            }
            if entry.as_ref().is_some_and(|entry| !met.insert(entry.id)) {
                return Err(Rejected.into());
            }
            let entries = unless_gone(self.list_aside(&old).await)?;
            if let Some(loss) = if entries.is_none() { Some(Loss::Unread) } else { loss } {
                losses.push(path.clone(), loss, entry.as_deref());
            }
            let there = match &new {
                // What the server cannot give is not there.
                Some(new) => unless_gone(self.list_aside(new).await)?.unwrap_or_default(),
                None => Vec::new(),
            };
            let there: HashMap<Cow<'_, [u8]>, &Arc<Entry>> =
                there.iter().map(|entry| (entry.name.collision_key(), entry)).collect();
            for entry in entries.unwrap_or_default() {
                let there = there.get(&entry.name.collision_key()).copied();
                let (path, loss) = (path.join(&entry.name), loss_of(&entry, there));
                match DirectoryRef::of(&entry) {
                    None => loss.into_iter().for_each(|loss| losses.push(path.clone(), loss, Some(&entry))),
                    Some(old) => {
                        let new = there.and_then(|there| DirectoryRef::of(there));
                        if loss.is_some() || !new.as_ref().is_some_and(|new| new.is_same(&old)) {
                            open.push(Pair { path, entry: Some(entry), loss, old, new });
                        }
                    }
                }
            }
            self.nodes().shrink();
        }
        losses.named.sort_by_cached_key(|lost| lost.path.to_bytes());
        Ok(losses)
    }

    /// The entries of a folder; the local state keeps what it kept.
    async fn list_aside(&self, directory: &DirectoryRef) -> Result<Vec<Arc<Entry>>, OperationError> {
        loop {
            let wanted = match list(directory, self.nodes())? {
                Step::Done(entries) => return Ok(entries),
                Step::Need(wanted) => wanted,
            };
            let read = stream::iter(&wanted).map(|wanted| async move {
                Ok::<_, OperationError>((wanted.child().hash, self.read_node(wanted).await?.0))
            });
            let read: Vec<_> = read.buffer_unordered(IN_FLIGHT).try_collect().await?;
            self.nodes().keep(read);
        }
    }
}

/// What became of `entry`, when `there` has its name now.
fn loss_of(entry: &Entry, there: Option<&Arc<Entry>>) -> Option<Loss> {
    let Some(there) = there else { return Some(Loss::Missing) };
    let is_same = entry.name == there.name && entry.attributes == there.attributes && !is_other_content(entry, there);
    (!is_same).then_some(Loss::Changed)
}
