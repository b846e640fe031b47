//! Directory nodes: opened once, kept in memory, and as pieces in the local state for the next process.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::tree::node::DirectoryNode;
use anonicloud_core::tree::store::{NodeSource, Step, Wanted};
use anonicloud_proto::hash::StoredHash;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, Table};

/// Pieces fetched at once.
const IN_FLIGHT: usize = 8;

/// Nodes that this process has opened.
#[derive(Debug, Default)]
pub(crate) struct NodeCache(RefCell<HashMap<StoredHash, Arc<DirectoryNode>>>);

impl NodeCache {
    /// Takes in nodes that were just sealed or opened.
    pub(crate) fn keep(&self, nodes: Vec<(StoredHash, Arc<DirectoryNode>)>) {
        self.0.borrow_mut().extend(nodes);
    }
}

impl NodeSource for NodeCache {
    fn node(&self, hash: &StoredHash) -> Option<Arc<DirectoryNode>> {
        self.0.borrow().get(hash).map(Arc::clone)
    }
}

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
        let pieces = stream::iter(wanted).map(|wanted| self.load_node(wanted));
        let learnt: Vec<Option<StateChange>> = pieces.buffer_unordered(IN_FLIGHT).try_collect().await?;
        let changes: Vec<_> = learnt.into_iter().flatten().collect();
        if !changes.is_empty() {
            self.state().apply(changes).await?;
        }
        Ok(())
    }

    /// Opens one node and takes it into the cache; gives the change that keeps its piece, if it came from the server.
    async fn load_node(&self, wanted: Wanted) -> Result<Option<StateChange>, OperationError> {
        let (node, change) = self.read_node(&wanted).await?;
        self.nodes().keep(vec![(wanted.child().hash, node)]);
        Ok(change)
    }

    /// Opens one node; gives also the change that keeps its piece, if it came from the server.
    pub(super) async fn read_node(
        &self,
        wanted: &Wanted,
    ) -> Result<(Arc<DirectoryNode>, Option<StateChange>), OperationError> {
        let hash = wanted.child().hash;
        if let Some(node) = self.nodes().node(&hash) {
            return Ok((node, None));
        }
        let kept = self.state().read(Table::Nodes, hash.as_bytes()).await?;
        let (piece, change) = if let Some(piece) = kept {
            (piece.to_vec(), None)
        } else {
            let piece = self.fetch_piece(&wanted.child().piece).await?.to_vec();
            let change = StateChange::put(Table::Nodes, hash.as_bytes(), piece.clone());
            (piece, Some(change))
        };
        let opened = wanted.open(self.realm(), &self.door().space(), &piece);
        let node = opened.map_err(|_| OperationError::from(Rejected))?;
        Ok((Arc::new(node), change))
    }
}
