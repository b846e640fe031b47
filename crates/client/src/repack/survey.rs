//! What lives in each pack, and which nodes change when it is brought elsewhere.

use std::collections::{HashMap, HashSet};

use anonicloud_core::content::layout::{PAGE_LEAVES, segment_count};
use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::crypto::segment::{fits_pack, sealed_segment_len};
use anonicloud_core::tree::node::{DirectoryNode, EntryContent, TreeRoot};
use anonicloud_core::tree::store::Wanted;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::limits::SEGMENT_LEN;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::space::reached::NeedsByRecord;
use crate::state::LocalState;

/// Nodes read at once.
const NODES_AT_ONCE: usize = 16;
/// A record that is written anew names the one before it, which the first one of a file did not.
const LONGER_RECORD: u64 = VersionRef::ENCODED_LEN as u64 + SOURCE_LEN;
/// Its kept segments have one key more.
const SOURCE_LEN: u64 = 50;

/// A pack, or another blob, as the tree uses it.
#[derive(Debug, Default)]
pub(super) struct PackUse {
    /// Bytes of pieces in it that live; never fewer than there are.
    pub(super) live: u64,
    /// Bytes that are sent anew to bring them elsewhere, but for nodes.
    pub(super) moving: u64,
    /// Whether something in it cannot be brought elsewhere.
    pub(super) is_pinned: bool,
    /// Its length; zero as long as it is not known, or when it is to stay.
    pub(super) size: u64,
}

/// A node and the packs that have to do with it.
#[derive(Debug)]
pub(super) struct NodeUse {
    pub(super) hash: StoredHash,
    pub(super) length: u64,
    /// The node above it, which comes before it.
    pub(super) parent: Option<u32>,
    /// The packs that it changes for: the one it lies in, and those of its files.
    pub(super) packs: Box<[u32]>,
}

/// All packs and nodes of a tree.
#[derive(Debug, Default)]
pub(super) struct Survey {
    numbers: HashMap<BlobId, u32>,
    pub(super) packs: Vec<(BlobId, PackUse)>,
    pub(super) nodes: Vec<NodeUse>,
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Walks the tree at `root`, at some 100 bytes of memory for each node and each pack.
    pub(super) async fn survey(&self, root: Option<&TreeRoot>) -> Result<Survey, OperationError> {
        let mut survey = Survey::default();
        let mut met = HashSet::new();
        let mut open: Vec<(Option<u32>, Wanted)> = root.map(|root| (None, Wanted::root(root))).into_iter().collect();
        while !open.is_empty() {
            let next = open.split_off(open.len().saturating_sub(NODES_AT_ONCE));
            let nodes = stream::iter(next).map(|(parent, wanted)| async move {
                let (node, change) = self.read_node(&wanted).await?;
                Ok::<_, OperationError>((parent, wanted, node, change))
            });
            let nodes: Vec<_> = nodes.buffered(NODES_AT_ONCE).try_collect().await?;
            let mut changes = Vec::new();
            for (parent, wanted, node, change) in nodes {
                changes.extend(change);
                // In a tree each node is in one place; in anything else this would not end.
                if !met.insert(wanted.child().hash) {
                    continue;
                }
                let needs = self.needs_of_files(&node).await?;
                let number = survey.take_node(parent, &wanted, &node, &needs);
                open.extend(node.children().into_iter().map(|child| (Some(number), child)));
            }
            if !changes.is_empty() {
                self.state().apply(changes).await?;
            }
        }
        Ok(survey)
    }
}

impl Survey {
    /// Notes the length of a blob; of one that the tree does not name, nothing.
    pub(super) fn measure(&mut self, blob: &BlobId, size: u64) {
        let number = self.numbers.get(blob).and_then(|number| usize::try_from(*number).ok());
        if let Some((_, pack)) = number.and_then(|number| self.packs.get_mut(number)) {
            pack.size = size;
        }
    }

    fn take_node(&mut self, parent: Option<u32>, wanted: &Wanted, node: &DirectoryNode, needs: &NeedsByRecord) -> u32 {
        let (hash, length) = (wanted.child().hash, u64::from(wanted.child().piece.length));
        let (own, pack) = self.pack(wanted.child().piece.blob);
        pack.live = pack.live.saturating_add(length);
        let mut packs = vec![own];
        for entry in node.entries().unwrap_or_default() {
            if let EntryContent::File { size, version } = &entry.content {
                let needs = needs.get(version.hash()).map(Vec::as_slice).unwrap_or_default();
                self.take_file(*size, version, needs, &mut packs);
            }
        }
        packs.sort_unstable();
        packs.dedup();
        self.nodes.push(NodeUse { hash, length, parent, packs: packs.into_boxed_slice() });
        u32::try_from(self.nodes.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    fn take_file(&mut self, size: u64, version: &VersionRef, needs: &[BlobId], packs: &mut Vec<u32>) {
        let (record, tail) = (u64::from(version.record().length), packed_tail(size));
        let is_paged = segment_count(size) > PAGE_LEAVES as u64;
        let moving = record.saturating_add(tail).saturating_add(LONGER_RECORD);
        let is_tail_beside = tail > 0 && needs.len() as u64 >= segment_count(size);
        // Where exactly a tail lies stands in the record; of several blobs, each counts as if it had it.
        let mut note = |blob, live| {
            let (number, pack) = self.pack(blob);
            pack.live = pack.live.saturating_add(live);
            pack.moving = pack.moving.saturating_add(moving);
            pack.is_pinned |= is_paged;
            packs.push(number);
        };
        note(version.record().blob, if is_tail_beside { record } else { record.saturating_add(tail) });
        if is_tail_beside || is_paged {
            for blob in needs {
                note(*blob, tail);
            }
        }
    }

    fn pack(&mut self, blob: BlobId) -> (u32, &mut PackUse) {
        let next = u32::try_from(self.packs.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(blob).or_insert(next);
        if number == next {
            self.packs.push((blob, PackUse::default()));
        }
        let at = usize::try_from(number).unwrap_or(usize::MAX).min(self.packs.len().saturating_sub(1));
        (number, &mut self.packs[at].1)
    }
}

/// Sealed bytes of the last segment of a file of `size` bytes, if it lies in a pack.
pub(super) fn packed_tail(size: u64) -> u64 {
    let tail = usize::try_from(size % SEGMENT_LEN as u64).unwrap_or_default();
    if tail > 0 && fits_pack(tail) { sealed_segment_len(tail) as u64 } else { 0 }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A survey of packs, each with its length and what lives in it, and of nodes, each with the one above it, its length and
    /// its packs.
    pub(in crate::repack) fn survey_of(packs: &[(u64, u64)], nodes: &[(Option<u32>, u64, &[u32])]) -> Survey {
        let mut survey = Survey::default();
        for (number, (size, live)) in (0..).zip(packs) {
            let (_, pack) = survey.pack(BlobId::from_bytes([number; 32]));
            (pack.size, pack.live, pack.moving) = (*size, *live, *live);
        }
        for (number, (parent, length, packs)) in (0_u8..).zip(nodes) {
            let (hash, packs) = (StoredHash::of(&[number]), packs.to_vec().into_boxed_slice());
            survey.nodes.push(NodeUse { hash, length: *length, parent: *parent, packs });
        }
        survey
    }

    #[test]
    fn a_tail_is_what_a_pack_takes_of_the_last_segment() {
        let segment = SEGMENT_LEN as u64;
        assert_eq!([0, segment, 2 * segment].map(packed_tail), [0; 3]);
        assert!(packed_tail(1) > 1 && packed_tail(segment + 1) == packed_tail(1));
        assert_eq!(packed_tail(segment + (2 << 20)), 0, "a long one is a blob of its own");
    }
}
