//! Every node of a tree, each once and in no order that means anything: what a sweep walks (spec: 3-spaces, "Sweeps").

use core::fmt;
use std::collections::HashSet;

use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::BlobId;

use super::node::{DirectoryNode, TreeRoot};
use super::store::Wanted;

/// A walk of all nodes. It keeps what it needs to open those that it knows of and did not give yet, never an opened node.
pub struct Reach {
    open: Vec<Wanted>,
    /// Nodes that it knows of, and where they lie: what is in two places is given once, what is stored twice is given twice.
    met: HashSet<(StoredHash, BlobId)>,
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reach({} open, {} met)", self.open.len(), self.met.len())
    }
}

impl Reach {
    /// A walk of the tree at `root`; the empty tree has no node.
    pub fn new(root: Option<&TreeRoot>) -> Self {
        let mut reach = Self { open: Vec::new(), met: HashSet::new() };
        reach.open(root.map(Wanted::root));
        reach
    }

    /// At most `most` nodes to be opened, each of which [`Reach::enter`] takes next; none at the end.
    pub fn next(&mut self, most: usize) -> Vec<Wanted> {
        self.open.split_off(self.open.len().saturating_sub(most))
    }

    /// Takes in an opened node.
    pub fn enter(&mut self, node: &DirectoryNode) {
        self.open(node.children());
    }

    fn open(&mut self, wanted: impl IntoIterator<Item = Wanted>) {
        for wanted in wanted {
            let child = wanted.child();
            if self.met.insert((child.hash, child.piece.blob)) {
                self.open.push(wanted);
            }
        }
    }
}
