//! Which segment lies where (spec: 2-content, "Version records"): leaves, inline or on pages, and the check that they are the
//! ones the content root vouches for.

use core::ops::Range;

use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, RealmId};
use anonicloud_proto::limits::{PACKED_PIECE_MAX, SEGMENT_LEN};

use super::reference::{PieceRef, Source, in_pack};
use crate::crypto::public::{ContentRoot, FileVersionId, SegmentHash};
use crate::crypto::rejected::Rejected;
use crate::crypto::segment::{SegmentLeaf, content_root, fits_pack, sealed_segment_len};

/// Leaves on a full page, and the most that stand in a record itself.
pub const PAGE_LEAVES: usize = 4096;

/// Pages that a record names at most: it is one piece long itself.
const PAGES_MAX: usize = PACKED_PIECE_MAX / Page::ENCODED_LEN;

const SEGMENT: u64 = SEGMENT_LEN as u64;

/// Segments that no record has more of.
pub const SEGMENTS_MAX: u64 = PAGES_MAX as u64 * PAGE_LEAVES as u64;

/// Segments of a file of `size` bytes.
pub const fn segment_count(size: u64) -> u64 {
    size.div_ceil(SEGMENT)
}

/// Content bytes of segment `index` in a file of `size` bytes; of one that is not there, nothing.
pub(super) fn segment_len(size: u64, index: u64) -> Option<usize> {
    let left = size.checked_sub(index.checked_mul(SEGMENT)?)?;
    let len = usize::try_from(left.min(SEGMENT)).ok()?;
    (len > 0).then_some(len)
}

/// One segment as a record keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Whose key seals it: 0 is the version itself, k is `sources[k - 1]`.
    pub(super) source: u16,
    /// `s_i`.
    pub(super) hash: SegmentHash,
    /// The blob of its own, or the pack.
    pub(super) blob: BlobId,
    /// Where it begins in the blob.
    pub(super) offset: u32,
}

impl Leaf {
    pub(super) const ENCODED_LEN: usize = 2 + 32 + BlobId::LEN + 4;

    /// Whether it can be segment `index` of a file of `size` bytes in a record with `sources` sources.
    pub(super) fn fits(&self, size: u64, index: u64, sources: usize) -> bool {
        let Some(plain_len) = segment_len(size, index) else {
            return false;
        };
        let placed = if fits_pack(plain_len) {
            u64::try_from(sealed_segment_len(plain_len)).is_ok_and(|len| in_pack(self.offset, len))
        } else {
            self.offset == 0
        };
        placed && usize::from(self.source) <= sources
    }
}

impl Encode for Leaf {
    fn encode(&self, out: &mut Writer) {
        out.u16(self.source);
        self.hash.encode(out);
        self.blob.encode(out);
        out.u32(self.offset);
    }
}

impl Decode for Leaf {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            source: input.u16()?,
            hash: SegmentHash::decode(input)?,
            blob: BlobId::decode(input)?,
            offset: input.u32()?,
        })
    }
}

/// Where a page of leaves lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The piece to fetch.
    pub piece: PieceRef,
    /// BLAKE3-256 of it as it is stored.
    pub hash: StoredHash,
}

impl Page {
    pub(super) const ENCODED_LEN: usize = PieceRef::ENCODED_LEN + 32;
}

impl Encode for Page {
    fn encode(&self, out: &mut Writer) {
        self.piece.encode(out);
        self.hash.encode(out);
    }
}

impl Decode for Page {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { piece: PieceRef::decode(input)?, hash: StoredHash::decode(input)? })
    }
}

/// Leaves in the record, or pages of them.
#[derive(Debug)]
pub(super) enum Layout {
    /// All of them, at most [`PAGE_LEAVES`].
    Inline(Vec<Leaf>),
    /// Where they are, when there are more.
    Paged(Vec<Page>),
}

impl Layout {
    /// Whether it is the layout that a file with `count` segments has.
    pub(super) fn fits(&self, count: u64) -> bool {
        let page = PAGE_LEAVES as u64;
        match self {
            Self::Inline(leaves) => count <= page && u64::try_from(leaves.len()) == Ok(count),
            Self::Paged(pages) => count > page && u64::try_from(pages.len()) == Ok(count.div_ceil(page)),
        }
    }

    pub(super) fn encoded_len(&self) -> usize {
        let items = match self {
            Self::Inline(leaves) => leaves.len().saturating_mul(Leaf::ENCODED_LEN),
            Self::Paged(pages) => pages.len().saturating_mul(Page::ENCODED_LEN),
        };
        items.saturating_add(1 + 4)
    }
}

impl Encode for Layout {
    fn encode(&self, out: &mut Writer) {
        match self {
            Self::Inline(leaves) => {
                out.u8(0);
                out.list(leaves);
            }
            Self::Paged(pages) => {
                out.u8(1);
                out.list(pages);
            }
        }
    }
}

impl Decode for Layout {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u8()? {
            0 => input.list(PAGE_LEAVES).map(Self::Inline),
            1 => input.list(PAGES_MAX).map(Self::Paged),
            _ => Err(DecodeError::UnknownVariant),
        }
    }
}

/// Where a sealed segment lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafLocation {
    /// The blob of its own, or the pack.
    pub blob: BlobId,
    /// Where it begins in the blob, in bytes.
    pub offset: u32,
    /// Its sealed length in bytes, padding included.
    pub sealed_len: u64,
}

impl LeafLocation {
    /// The bytes to ask for: a range inside the blob.
    pub fn range(&self) -> Range<u64> {
        let start = u64::from(self.offset);
        start..start.saturating_add(self.sealed_len)
    }
}

/// All that it takes to fetch and open one segment.
#[derive(Debug, Clone, Copy)]
pub struct PlacedSegment<'a> {
    /// Whose keys seal it; [`Source::segment_keys`] derives them, once for all segments of one source.
    pub source: &'a Source,
    /// What opening it must give.
    pub leaf: SegmentLeaf,
    /// Where it lies.
    pub location: LeafLocation,
}

/// All leaves of a version, checked against its content root: nothing else makes this value.
#[derive(Debug)]
pub struct AllLeaves {
    sources: Vec<Source>,
    size: u64,
    leaves: Vec<Leaf>,
}

impl AllLeaves {
    /// Checks `leaves` against the content root of the version that `sources` begins with.
    pub(super) fn verify(
        realm: &RealmId,
        sources: Vec<Source>,
        size: u64,
        leaves: Vec<Leaf>,
        root: &ContentRoot,
    ) -> Result<Self, Rejected> {
        let own = sources.first().ok_or(Rejected)?;
        let older = sources.len().saturating_sub(1);
        let fit = (0..).zip(&leaves).all(|(index, leaf)| leaf.fits(size, index, older));
        let complete = u64::try_from(leaves.len()) == Ok(segment_count(size));
        if fit && complete && content_root(&own.segment_keys(realm), size, &hashes(&leaves)) == *root {
            Ok(Self { sources, size, leaves })
        } else {
            Err(Rejected)
        }
    }

    /// The version.
    pub fn version(&self) -> Option<FileVersionId> {
        self.sources.first().map(Source::version)
    }

    /// Content bytes of the file.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The segment at `index`; of one that is not there, nothing.
    pub fn segment(&self, index: u64) -> Option<PlacedSegment<'_>> {
        let leaf = self.leaves.get(usize::try_from(index).ok()?)?;
        let plain_len = segment_len(self.size, index)?;
        Some(PlacedSegment {
            source: self.sources.get(usize::from(leaf.source))?,
            leaf: SegmentLeaf { index, hash: leaf.hash, plain_len },
            location: LeafLocation {
                blob: leaf.blob,
                offset: leaf.offset,
                sealed_len: u64::try_from(sealed_segment_len(plain_len)).ok()?,
            },
        })
    }

    /// All segments in order.
    pub fn segments(&self) -> impl Iterator<Item = PlacedSegment<'_>> {
        (0..segment_count(self.size)).filter_map(|index| self.segment(index))
    }
}

/// The segment hashes of `leaves`, in order.
pub(super) fn hashes(leaves: &[Leaf]) -> Vec<SegmentHash> {
    leaves.iter().map(|leaf| leaf.hash).collect()
}
