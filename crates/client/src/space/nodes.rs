//! Directory nodes: opened once, kept in memory, and as pieces in the local state for the next process.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::tree::node::DirectoryNode;
use anonicloud_core::tree::store::{NodeSource, Step, Wanted};
use anonicloud_proto::hash::StoredHash;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::kept;
use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, Table};
use crate::work;

/// Pieces fetched at once.
const IN_FLIGHT: usize = 8;
/// Pieces fetched before they are kept.
const FETCHED_AT_ONCE: usize = 64;
/// Pieces read from the local state at once, and opened together.
const READ_AT_ONCE: usize = 16;
/// Groups of them that are opened at once.
const OPENED_AT_ONCE: usize = 4;
/// Entries in memory from which on a walk begins anew.
const ENTRIES_MAX: usize = 1 << 17;

/// Nodes that this process has opened.
#[derive(Debug, Default)]
pub(crate) struct NodeCache {
    nodes: RefCell<HashMap<StoredHash, Arc<DirectoryNode>>>,
    entries: Cell<usize>,
    /// Whether the local state keeps others than before.
    kept_more: Cell<bool>,
}

impl NodeCache {
    /// Takes in nodes that were just sealed or opened.
    pub(crate) fn keep(&self, nodes: Vec<(StoredHash, Arc<DirectoryNode>)>) {
        let entries = nodes.iter().map(|(_, node)| node.entries().map_or(1, <[_]>::len));
        self.entries.set(self.entries.get() + entries.sum::<usize>());
        self.nodes.borrow_mut().extend(nodes);
    }

    /// Says that the local state keeps more of them.
    pub(crate) fn kept_more(&self) {
        self.kept_more.set(true);
    }

    /// Whether the local state keeps more of them than when this was asked last.
    pub(super) fn take_kept_more(&self) -> bool {
        self.kept_more.take()
    }

    /// Lets go of all nodes when they are many. What is not committed yet must not be wanted any more.
    pub(crate) fn shrink(&self) {
        if self.entries.get() > ENTRIES_MAX {
            self.nodes.borrow_mut().clear();
            self.entries.set(0);
        }
    }
}

impl NodeSource for NodeCache {
    fn node(&self, hash: &StoredHash) -> Option<Arc<DirectoryNode>> {
        self.nodes.borrow().get(hash).map(Arc::clone)
    }
}

/// An opened node, and the change that keeps its piece, if it came from the server.
pub(crate) type ReadNode = (Arc<DirectoryNode>, Option<StateChange>);

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Runs a step of the tree until it is done, loading what it needs.
    pub(crate) async fn walk_steps<T, E: Into<OperationError>>(
        &self,
        mut step: impl FnMut(&NodeCache) -> Result<Step<T>, E>,
    ) -> Result<T, OperationError> {
        loop {
            match step(self.nodes()).map_err(Into::into)? {
                Step::Done(value) => return Ok(value),
                Step::Need(wanted) => self.load_nodes(wanted).await?,
            }
        }
    }

    async fn load_nodes(&self, wanted: Vec<Wanted>) -> Result<(), OperationError> {
        let mut wanted = wanted.into_iter();
        let groups = std::iter::from_fn(|| {
            let group: Vec<_> = wanted.by_ref().take(READ_AT_ONCE).collect();
            Some(group).filter(|group| !group.is_empty())
        });
        let opened = stream::iter(groups).map(|group| self.open_kept(group)).buffer_unordered(OPENED_AT_ONCE);
        let missing: Vec<Wanted> = opened.try_concat().await?;
        if !missing.is_empty() && self.is_offline() {
            return Err(OperationError::NotKept);
        }
        for missing in missing.chunks(FETCHED_AT_ONCE) {
            let pieces = stream::iter(missing).map(|wanted| self.learn_node(wanted));
            let learnt: Vec<StateChange> = pieces.buffer_unordered(IN_FLIGHT).try_collect().await?;
            self.state().apply(learnt).await?;
            self.nodes().kept_more();
        }
        Ok(())
    }

    /// Opens one node for a walk that meets each once, and leaves the cache as it is.
    pub(crate) async fn read_node(&self, wanted: &Wanted) -> Result<ReadNode, OperationError> {
        let hash = wanted.child().hash;
        if let Some(node) = self.nodes().node(&hash) {
            return Ok((node, None));
        }
        let row = self.state().read(Table::Nodes, &wanted.place_key()).await?;
        if let Some(piece) = row.as_deref().and_then(|row| kept::piece_of(row, &hash)) {
            return Ok((self.open_node(wanted, piece)?, None));
        }
        if self.is_offline() {
            return Err(OperationError::NotKept);
        }
        let (node, change) = self.fetch_node(wanted).await?;
        Ok((node, Some(change)))
    }

    /// Opens the nodes that the local state keeps, beside what else goes on; gives the others.
    async fn open_kept(&self, wanted: Vec<Wanted>) -> Result<Vec<Wanted>, OperationError> {
        let keys: Vec<_> = wanted.iter().map(Wanted::place_key).collect();
        let rows = self.state().read_all(Table::Nodes, &keys).await?;
        let (realm, space) = (*self.realm(), self.door().space());
        let open = move || {
            let (mut nodes, mut missing) = (Vec::with_capacity(wanted.len()), Vec::new());
            for (wanted, row) in wanted.into_iter().zip(rows) {
                let hash = wanted.child().hash;
                match row.as_deref().and_then(|row| kept::piece_of(row, &hash)) {
                    Some(piece) => {
                        let node = wanted.open(&realm, &space, piece).map_err(|_| Rejected)?;
                        nodes.push((hash, Arc::new(node)));
                    }
                    None => missing.push(wanted),
                }
            }
            Ok::<_, Rejected>((nodes, missing))
        };
        let (nodes, missing) = if keys.len() == 1 { open()? } else { work::run(open).await? };
        self.nodes().keep(nodes);
        Ok(missing)
    }

    /// Fetches and opens a node and takes it into the cache; gives the change that keeps its piece.
    async fn learn_node(&self, wanted: &Wanted) -> Result<StateChange, OperationError> {
        let (node, change) = self.fetch_node(wanted).await?;
        self.nodes().keep(vec![(wanted.child().hash, node)]);
        Ok(change)
    }

    /// Fetches and opens a node; gives also the change that keeps its piece.
    async fn fetch_node(&self, wanted: &Wanted) -> Result<(Arc<DirectoryNode>, StateChange), OperationError> {
        let piece = self.fetch_piece(&wanted.child().piece).await?;
        let node = self.open_node(wanted, &piece)?;
        Ok((node, kept::keep_node(&wanted.place_key(), &wanted.child().hash, &piece)))
    }

    fn open_node(&self, wanted: &Wanted, piece: &[u8]) -> Result<Arc<DirectoryNode>, OperationError> {
        let opened = wanted.open(self.realm(), &self.door().space(), piece);
        let node = opened.map_err(|_| OperationError::from(Rejected))?;
        Ok(Arc::new(node))
    }
}
