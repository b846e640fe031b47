//! Which blobs the files of the tree need: known since they were sent from here, or read from their records once, then remembered.
//!
//! Enters: an opened node. Leaves: every blob that its files refer to. Never: a blob less than that; what cannot be read is an
//! error, and nothing is swept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use anonicloud_core::content::layout::AllLeaves;
use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::tree::node::{DirectoryNode, Entry, EntryContent};
use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::limits::{COMMIT_BLOBS_MAX, PACK_MAX};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::client::Client;
use crate::error::OperationError;
use crate::remote::Remote;
use crate::state::{LocalState, StateChange, Table};

/// Records fetched at once.
const IN_FLIGHT: usize = 8;
/// A pack of which this many records are wanted is fetched whole.
const WHOLE_FROM: usize = 8;
/// Records of one pack, each of which is longer than its hash.
const RECORDS_MAX: usize = PACK_MAX / 32;

/// A file version by the hash of its record, and the blobs that it needs beside the pack of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) record: StoredHash,
    pub(crate) blobs: Vec<BlobId>,
}

impl Needs {
    /// What `version` needs, among `blobs`.
    pub(crate) fn of(version: &VersionRef, mut blobs: Vec<BlobId>) -> Self {
        blobs.sort_unstable();
        blobs.dedup();
        blobs.retain(|blob| *blob != version.record().blob);
        Self { record: *version.hash(), blobs }
    }
}

/// Per record, by its hash, the blobs that it needs beside the pack that it lies in.
pub(crate) type NeedsByRecord = HashMap<StoredHash, Vec<BlobId>>;

/// What is remembered of the records in one pack. A record never moves and never changes.
#[derive(Debug, PartialEq, Eq, Default)]
struct ReachedPack(Vec<Needs>);

impl Encode for Needs {
    fn encode(&self, out: &mut Writer) {
        self.record.encode(out);
        out.list(&self.blobs);
    }
}

impl Decode for Needs {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { record: StoredHash::decode(input)?, blobs: input.list(COMMIT_BLOBS_MAX)? })
    }
}

impl Encode for ReachedPack {
    fn encode(&self, out: &mut Writer) {
        out.list(&self.0);
    }
}

impl Decode for ReachedPack {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.list(RECORDS_MAX).map(Self)
    }
}

/// The change that remembers what the records in a new pack need.
pub(crate) fn remember(pack: &BlobId, needs: Vec<Needs>) -> StateChange {
    StateChange::put(Table::Reached, pack.as_bytes(), ReachedPack(needs).to_bytes())
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Every blob that the files of `node` need.
    pub(super) async fn reach_files(&self, node: &DirectoryNode) -> Result<Vec<BlobId>, OperationError> {
        let mut blobs = Vec::new();
        for (pack, versions) in by_pack(node) {
            blobs.push(pack);
            blobs.extend(self.reach_records(&pack, &versions).await?.into_values().flatten());
        }
        Ok(blobs)
    }

    /// What the files of `node` need beside the packs of their records, by the hashes of these.
    pub(crate) async fn needs_of_files(&self, node: &DirectoryNode) -> Result<NeedsByRecord, OperationError> {
        let mut needs = NeedsByRecord::new();
        for (pack, versions) in by_pack(node) {
            needs.extend(self.reach_records(&pack, &versions).await?);
        }
        Ok(needs)
    }

    /// What the versions need whose records lie in `pack`.
    async fn reach_records(&self, pack: &BlobId, versions: &[&VersionRef]) -> Result<NeedsByRecord, OperationError> {
        let kept = self.state().read(Table::Reached, pack.as_bytes()).await?;
        // What cannot be decoded is found out anew.
        let mut kept = kept.and_then(|row| ReachedPack::from_bytes(&row).ok()).unwrap_or_default().0;
        let unknown: Vec<&VersionRef> = {
            let known: HashMap<&StoredHash, &Needs> = kept.iter().map(|needs| (&needs.record, needs)).collect();
            versions.iter().filter(|version| !known.contains_key(version.hash())).copied().collect()
        };
        if !unknown.is_empty() {
            if unknown.len() >= WHOLE_FROM {
                self.fetch_pack(pack).await?;
            }
            let read = stream::iter(unknown).map(|version| self.read_needs(version));
            let read: Vec<Needs> = read.buffer_unordered(IN_FLIGHT).try_collect().await?;
            kept.extend(read);
            self.state().apply(vec![remember(pack, kept.clone())]).await?;
        }
        let wanted: HashSet<&StoredHash> = versions.iter().map(|version| version.hash()).collect();
        kept.retain(|needs| wanted.contains(&needs.record));
        Ok(kept.into_iter().map(|needs| (needs.record, needs.blobs)).collect())
    }

    async fn read_needs(&self, version: &VersionRef) -> Result<Needs, OperationError> {
        let (pages, leaves) = self.read_version(version).await?;
        Ok(Needs::of(version, pages.into_iter().chain(blobs_of(&leaves)).collect()))
    }

    /// Every blob of a version that may be gone already: then none.
    pub(crate) async fn needs_if_there(&self, version: &VersionRef) -> Result<Vec<BlobId>, OperationError> {
        match self.read_needs(version).await {
            Ok(needs) => Ok(needs.blobs.into_iter().chain([version.record().blob]).collect()),
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The versions of the files of `node`, by the packs of their records.
fn by_pack(node: &DirectoryNode) -> BTreeMap<BlobId, Vec<&VersionRef>> {
    let mut packs: BTreeMap<BlobId, Vec<&VersionRef>> = BTreeMap::new();
    for version in node.entries().unwrap_or_default().iter().filter_map(version_of) {
        packs.entry(version.record().blob).or_default().push(version);
    }
    packs
}

fn version_of(entry: &Arc<Entry>) -> Option<&VersionRef> {
    match &entry.content {
        EntryContent::File { version, .. } => Some(version),
        EntryContent::Directory { .. } | EntryContent::Symlink { .. } => None,
    }
}

fn blobs_of(leaves: &AllLeaves) -> impl Iterator<Item = BlobId> + '_ {
    leaves.segments().map(|segment| segment.location.blob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_comes_back() {
        let needs = |number: u8, blobs: &[u8]| Needs {
            record: StoredHash::of(&[number]),
            blobs: blobs.iter().map(|blob| BlobId::from_bytes([*blob; 32])).collect(),
        };
        let pack = ReachedPack(vec![needs(1, &[]), needs(2, &[3, 4])]);
        assert_eq!(ReachedPack::from_bytes(&pack.to_bytes()).as_ref(), Ok(&pack));
    }
}
