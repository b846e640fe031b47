//! Large directories that became small: shards that hold few entries together become one list again (spec: 3-spaces, "Directories").

use super::dirty::{DirtyDirectory, DirtyTree};
use super::encoding::entry_len;
use super::node::{NodeBody, NodeId};
use super::opened::{DirtyBody, DirtyEntry, DirtyList, DirtyNode, DirtyShards, sum};
use super::seal::NODE_LEN_MAX;
use super::shard::ShardPlace;
use super::store::{Fetch, NodeSource, ReadTreeError, Stop};

/// Shards with this many entries or fewer together become one list.
const MERGED_MAX: usize = 1024;

impl DirtyTree {
    /// Joins shards everywhere that entries were taken out. It may have to look into shards that did not change.
    pub(super) fn settle<E: From<ReadTreeError>>(&mut self, source: &dyn NodeSource) -> Result<(), Stop<E>> {
        let mut fetch = Fetch::new(source);
        settle_directory(&mut self.root, &mut fetch)?;
        fetch.finish()
    }
}

fn settle_directory(directory: &mut DirtyDirectory, fetch: &mut Fetch<'_>) -> Result<(), ReadTreeError> {
    settle_node(directory.id, ShardPlace::TOP, &mut directory.top, fetch)
}

fn settle_node(
    id: NodeId,
    place: ShardPlace,
    node: &mut DirtyNode,
    fetch: &mut Fetch<'_>,
) -> Result<(), ReadTreeError> {
    match &mut node.body {
        DirtyBody::Closed => Ok(()),
        DirtyBody::List(list) => {
            for entry in list.entries.values_mut() {
                if let DirtyEntry::Directory(directory) = entry {
                    settle_directory(directory, fetch)?;
                }
            }
            Ok(())
        }
        DirtyBody::Shards(shards) => {
            for (nibble, child) in (0..).zip(&mut shards.children) {
                settle_node(id, place.below(shards.name_key, nibble), child, fetch)?;
            }
            if node.sealed.is_none() && shards.shrank() && shards.is_small(id, place, fetch)? {
                let list = shards.join(id, place, fetch)?;
                node.body = DirtyBody::List(list);
            }
            Ok(())
        }
    }
}

impl DirtyShards {
    fn shrank(&self) -> bool {
        self.children.iter().any(|child| match &child.body {
            DirtyBody::List(list) => list.entries.len() < list.loaded_len,
            DirtyBody::Closed | DirtyBody::Shards(_) => false,
        })
    }

    /// Whether all entries fit one list well; `false` as long as nodes are missing, which are wanted then.
    fn is_small(&self, id: NodeId, place: ShardPlace, fetch: &mut Fetch<'_>) -> Result<bool, ReadTreeError> {
        let (mut entries, mut bytes, mut known) = (0_usize, 0_usize, 0_usize);
        for child in &self.children {
            match &child.body {
                DirtyBody::List(list) => {
                    entries = entries.saturating_add(list.entries.len());
                    bytes = bytes.saturating_add(list.encoded_len());
                    known = known.saturating_add(1);
                }
                DirtyBody::Shards(_) => return Ok(false),
                DirtyBody::Closed => {}
            }
        }
        // Shards are about as large as each other: no more are fetched than it takes to see that they are too many.
        let left = MERGED_MAX.saturating_add(1).saturating_sub(entries);
        let mut asks = known.saturating_mul(left).div_ceil(entries.max(1));
        let mut whole = true;
        for (nibble, child) in (0..).zip(&self.children) {
            let (DirtyBody::Closed, Some(sealed)) = (&child.body, &child.sealed) else {
                continue;
            };
            if entries > MERGED_MAX || asks == 0 {
                return Ok(false);
            }
            let Some(node) = fetch.node(id, place.below(self.name_key, nibble), sealed)? else {
                whole = false;
                asks = asks.saturating_sub(1);
                continue;
            };
            let NodeBody::List(list) = &node.body else {
                return Ok(false);
            };
            entries = entries.saturating_add(list.len());
            let lens = list.iter().map(|entry| entry_len(&entry.name, entry.content.encoded_len()));
            bytes = lens.fold(bytes, usize::saturating_add);
        }
        Ok(whole && entries <= MERGED_MAX && bytes <= NODE_LEN_MAX / 2)
    }

    fn join(&mut self, id: NodeId, place: ShardPlace, fetch: &mut Fetch<'_>) -> Result<DirtyList, ReadTreeError> {
        let mut joined = DirtyList::default();
        for (nibble, child) in (0..).zip(&mut self.children) {
            if let (DirtyBody::Closed, Some(sealed)) = (&child.body, &child.sealed)
                && let Some(node) = fetch.node(id, place.below(self.name_key, nibble), sealed)?
            {
                child.body = DirtyBody::of(&node);
            }
            if let DirtyBody::List(list) = core::mem::replace(&mut child.body, DirtyBody::Closed) {
                joined.loaded = sum(joined.loaded, list.loaded);
                // At least what it had, so that the shards above see that this part shrank.
                joined.loaded_len = joined.loaded_len.saturating_add(list.loaded_len);
                for (name, entry) in list.entries {
                    joined.insert(name, entry);
                }
            }
        }
        Ok(joined)
    }
}

impl DirtyList {
    fn encoded_len(&self) -> usize {
        let lens = self.entries.iter().map(|(name, entry)| entry_len(name, entry.content_len()));
        lens.fold(0, usize::saturating_add)
    }
}
