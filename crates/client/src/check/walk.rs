//! The folders of a tree as the server gives them now: a few nodes at a time, forgotten when they were looked at.

use std::collections::HashSet;
use std::sync::Arc;

use anonicloud_core::content::reference::Totals;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::tree::edit::EditError;
use anonicloud_core::tree::lookup::{Found, find};
use anonicloud_core::tree::name::{DEPTH_MAX, RemotePath};
use anonicloud_core::tree::node::{DirectoryNode, Entry, TreeRoot};
use anonicloud_core::tree::store::{OpenNodeError, Step, Wanted};
use futures::{StreamExt as _, stream};

use super::judge::Fault;
use super::{IN_FLIGHT, Look};
use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::space::nodes::NodeCache;
use crate::state::LocalState;

/// Where a check begins.
pub(super) struct Start {
    pub(super) totals: Totals,
    path: RemotePath,
    at: StartAt,
}

enum StartAt {
    Root(TreeRoot),
    Entry(Arc<Entry>),
}

/// A node that is to be read, and the folder it belongs to.
struct Open {
    folder: RemotePath,
    wanted: Wanted,
    /// Whether it is the folder's first; others are its shards.
    is_first: bool,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// What is at `path`; `None` when the tree is empty, or when what leads there is damaged, which is told.
    pub(super) async fn start_of(&self, path: &RemotePath, look: &Look<'_>) -> Result<Option<Start>, OperationError> {
        let Some(root) = self.root().await? else {
            return if path.is_root() { Ok(None) } else { Err(EditError::NotFound(path.clone()).into()) };
        };
        let nodes = NodeCache::default();
        loop {
            let wanted = match find(Some(&root), path, &nodes)? {
                Step::Need(wanted) => wanted,
                Step::Done(Found::Root) => {
                    return Ok(Some(Start { totals: root.totals, path: path.clone(), at: StartAt::Root(root) }));
                }
                Step::Done(Found::Entry(entry)) => {
                    let totals = entry.content.totals();
                    return Ok(Some(Start { totals, path: path.clone(), at: StartAt::Entry(entry) }));
                }
                Step::Done(Found::Missing(_)) => return Err(EditError::NotFound(path.clone()).into()),
                Step::Done(Found::NotDirectory(_)) => return Err(EditError::NotDirectory(path.clone()).into()),
            };
            for wanted in wanted {
                let hash = wanted.child().hash;
                match self.judged(look, async || self.stored_node(&wanted, look).await).await? {
                    Ok(node) => nodes.keep(vec![(hash, Arc::new(node))]),
                    Err(damage) => {
                        look.tell_folder(path.clone(), damage);
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Reads every folder at and below `start`, and shows `look_at` the entries, a list at a time.
    pub(super) async fn walk_stored(
        &self,
        start: &Start,
        look: &Look<'_>,
        look_at: impl AsyncFn(&RemotePath, &[Arc<Entry>]) -> Result<(), OperationError>,
    ) -> Result<(), OperationError> {
        let first = match &start.at {
            StartAt::Root(root) => Some(Wanted::root(root)),
            StartAt::Entry(entry) => Wanted::directory(entry),
        };
        if let (StartAt::Entry(entry), None) = (&start.at, &first) {
            let folder = start.path.split().map(|(folder, _)| folder).ok_or(Rejected)?;
            return look_at(&folder, std::slice::from_ref(entry)).await;
        }
        let mut open: Vec<_> =
            first.into_iter().map(|wanted| Open { folder: start.path.clone(), wanted, is_first: true }).collect();
        // In a tree each folder is in one place; in anything else this would not end.
        let mut met = HashSet::new();
        while !open.is_empty() {
            let next = open.split_off(open.len().saturating_sub(IN_FLIGHT));
            let nodes = stream::iter(next).map(|next| async move {
                let node = self.judged(look, async || self.stored_node(&next.wanted, look).await).await;
                (next, node)
            });
            // In their order, which the second walk of a sample has too.
            let nodes: Vec<_> = nodes.buffered(IN_FLIGHT).collect().await;
            for (Open { folder, is_first, .. }, node) in nodes {
                let node = match node? {
                    Ok(node) if folder.names().len() <= DEPTH_MAX => node,
                    Ok(_) => return Err(OperationError::TreeTooDeep),
                    Err(damage) => {
                        look.tell_folder(folder, damage);
                        continue;
                    }
                };
                open.extend(node.shards().into_iter().map(|wanted| Open {
                    folder: folder.clone(),
                    wanted,
                    is_first: false,
                }));
                look.report.borrow_mut().folders += u64::from(is_first);
                let Some(entries) = node.entries() else {
                    continue;
                };
                let below = entries.iter().filter_map(|entry| Some((entry, Wanted::directory(entry)?)));
                for (entry, wanted) in below {
                    if !met.insert(entry.id) {
                        return Err(Rejected.into());
                    }
                    open.push(Open { folder: folder.join(&entry.name), wanted, is_first: true });
                }
                look_at(&folder, entries).await?;
            }
        }
        Ok(())
    }

    /// A node out of what the server gives.
    async fn stored_node(&self, wanted: &Wanted, look: &Look<'_>) -> Result<DirectoryNode, Fault> {
        let turn = look.requests.acquire().await.map_err(|_| Rejected)?;
        let piece = self.fetch_piece(&wanted.child().piece).await?;
        drop(turn);
        let opened = wanted.open(self.realm(), &self.door().space(), &piece);
        opened.map_err(|error| match error {
            OpenNodeError::Malformed(_) => Fault::Malformed,
            _ => Rejected.into(),
        })
    }
}
