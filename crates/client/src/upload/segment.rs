//! One segment on its way up: read, named, sealed and sent, or found to be there.

use std::collections::HashMap;
use std::sync::Arc;

use anonicloud_core::content::layout::AllLeaves;
use anonicloud_core::content::pack::Pack;
use anonicloud_core::crypto::public::SegmentHash;
use anonicloud_core::crypto::segment::{SegmentKeys, address_segment, fits_pack, seal_segment, segment_hash};
use anonicloud_proto::api::BlobState;
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, RealmId};
use bytes::Bytes;

use super::content::{LoadError, SegmentContent};
use crate::buffers::{Buffer, Buffers};
use crate::work;

/// What all segments of one file share.
#[derive(Debug)]
pub(crate) struct FileKeys {
    pub(crate) realm: RealmId,
    pub(crate) keys: Arc<SegmentKeys>,
    /// The version that is replaced, whose unchanged segments are kept.
    pub(crate) predecessor: Option<AllLeaves>,
    /// Blobs that the server had of this upload when it was taken up again.
    pub(crate) known: HashMap<BlobId, BlobState>,
}

/// A segment ready for its record, or for the network.
pub(crate) enum Prepared {
    /// The predecessor has the same bytes at the same place.
    Kept,
    /// The server has it.
    Stored { hash: SegmentHash, added: AddedBlob },
    /// It is short: to be placed in a pack.
    Piece { hash: SegmentHash, sealed: Vec<u8> },
    /// To be sent, from `offset` on.
    Blob { hash: SegmentHash, blob: SealedBlob, offset: u64 },
}

/// A whole sealed blob in memory.
#[derive(Debug, Clone)]
pub(crate) struct SealedBlob {
    pub(crate) blob: BlobId,
    pub(crate) hash: StoredHash,
    pub(crate) bytes: Bytes,
}

impl From<Pack> for SealedBlob {
    fn from(pack: Pack) -> Self {
        Self { blob: pack.blob(), hash: *pack.hash(), bytes: Bytes::from(pack.into_bytes()) }
    }
}

impl SealedBlob {
    /// What a commit adds.
    pub(crate) fn added(&self) -> AddedBlob {
        AddedBlob { blob: self.blob, size: self.size() }
    }

    /// Its length.
    pub(crate) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// A prepared segment and its content's length.
pub(crate) struct PreparedSegment {
    pub(crate) index: u64,
    pub(crate) content_len: u64,
    pub(crate) prepared: Prepared,
}

/// Reads segment `index` and seals it unless the server or the predecessor has it.
pub(crate) async fn prepare(
    file: Arc<FileKeys>,
    index: u64,
    content: SegmentContent,
    buffers: Buffers,
) -> Result<PreparedSegment, LoadError> {
    work::run(move || {
        let content = content.load(&buffers)?;
        let content_len = content.len() as u64;
        Ok(PreparedSegment { index, content_len, prepared: seal(&file, index, &content, buffers.take()) })
    })
    .await
}

fn seal(file: &FileKeys, index: u64, content: &[u8], mut sealed: Buffer) -> Prepared {
    if is_kept(file, index, content) {
        return Prepared::Kept;
    }
    let mut offset = 0;
    if !file.known.is_empty() {
        let address = address_segment(&file.keys, index, content);
        if let Some(state) = file.known.get(&address.blob) {
            if state.complete {
                let added = AddedBlob { blob: address.blob, size: state.stored };
                return Prepared::Stored { hash: address.hash, added };
            }
            offset = state.stored;
        }
    }
    let address = seal_segment(&file.keys, index, content, &mut sealed);
    if fits_pack(content.len()) {
        return Prepared::Piece { hash: address.hash, sealed: sealed.to_vec() };
    }
    let blob = SealedBlob { blob: address.blob, hash: StoredHash::of(&sealed), bytes: Bytes::from_owner(sealed) };
    Prepared::Blob { hash: address.hash, offset: offset.min(blob.size()), blob }
}

/// Whether the predecessor's segment can be kept. What lies in a pack is sealed anew: the commit names each kept blob, so that
/// a sweep that came meanwhile cannot have freed it, and the length of that pack is not known here.
fn is_kept(file: &FileKeys, index: u64, content: &[u8]) -> bool {
    if fits_pack(content.len()) {
        return false;
    }
    let Some(kept) = file.predecessor.as_ref().and_then(|leaves| leaves.segment(index)) else {
        return false;
    };
    let same_len = kept.leaf.plain_len == content.len();
    same_len && segment_hash(&kept.source.segment_keys(&file.realm), index, content) == kept.leaf.hash
}
