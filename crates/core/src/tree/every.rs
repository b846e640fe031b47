//! Every node of a tree, one at a time: for who looks at all of it and keeps none.

use super::node::{DirectoryNode, Entry, EntryContent, NodeBody};
use super::shard::{FAN_OUT, ShardPlace};
use super::store::Wanted;

impl Wanted {
    /// The top node of the directory that `entry` is; `None` when it is none.
    pub fn directory(entry: &Entry) -> Option<Self> {
        match &entry.content {
            EntryContent::Directory { child, .. } => Some(Self::new(entry.id, ShardPlace::TOP, child)),
            EntryContent::File { .. } | EntryContent::Symlink { .. } => None,
        }
    }
}

impl DirectoryNode {
    /// The nodes that it is split over, from left to right; none of a list.
    pub fn shards(&self) -> Vec<Wanted> {
        match &self.body {
            NodeBody::List(_) => Vec::new(),
            NodeBody::Shards(shards) => (0..FAN_OUT)
                .zip(&*shards.children)
                .filter_map(|(nibble, child)| {
                    let place = self.place.below(shards.name_key, nibble);
                    Some(Wanted::new(self.id, place, child.as_ref()?))
                })
                .collect(),
        }
    }
}
