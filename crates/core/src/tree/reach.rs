//! Every node of a tree, each once and in no order that means anything: what a sweep walks (spec: 3-spaces, "Sweeps").

use core::fmt;
use std::collections::HashSet;

use super::encoding::MalformedNode;
use super::node::{DirectoryNode, EntryContent, NodeBody, TreeRoot};
use super::shard::{FAN_OUT, ShardPlace};
use super::store::{PlaceKey, ReadTreeError, Wanted};

/// A walk of all nodes. It keeps what it needs to open those that it knows of and did not give yet, never an opened node.
pub struct Reach {
    open: Vec<Wanted>,
    /// Nodes that it knows of. A graph in which one is in two places has more paths than nodes: no walk of it would end.
    met: HashSet<PlaceKey>,
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reach({} open, {} met)", self.open.len(), self.met.len())
    }
}

impl Reach {
    /// A walk of the tree at `root`; the empty tree has no node.
    pub fn new(root: Option<&TreeRoot>) -> Self {
        let open: Vec<_> = root.map(Wanted::root).into_iter().collect();
        let met = open.iter().map(Wanted::place_key).collect();
        Self { open, met }
    }

    /// At most `most` nodes to be opened, each of which [`Reach::enter`] takes next; none at the end.
    pub fn next(&mut self, most: usize) -> Vec<Wanted> {
        self.open.split_off(self.open.len().saturating_sub(most))
    }

    /// Takes in an opened node.
    ///
    /// # Errors
    /// [`ReadTreeError`] when it leads to a node that another one leads to.
    pub fn enter(&mut self, node: &DirectoryNode) -> Result<(), ReadTreeError> {
        match &node.body {
            NodeBody::List(entries) => {
                for entry in entries {
                    if let EntryContent::Directory { child, .. } = &entry.content {
                        self.open(Wanted::new(entry.id, ShardPlace::TOP, child))?;
                    }
                }
            }
            NodeBody::Shards(shards) => {
                for (nibble, child) in (0..FAN_OUT).zip(&*shards.children) {
                    if let Some(child) = child {
                        self.open(Wanted::new(node.id, node.place.below(shards.name_key, nibble), child))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, wanted: Wanted) -> Result<(), ReadTreeError> {
        if !self.met.insert(wanted.place_key()) {
            return Err(MalformedNode::NodeId.into());
        }
        self.open.push(wanted);
        Ok(())
    }
}
