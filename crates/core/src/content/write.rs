//! Version records, write side (spec: 2-content, "Version records").
//!
//! Each step takes the one before by value: segments, then pages that the caller places in packs, then the record that names
//! them, then the reference that names the record.

use core::fmt;
use std::collections::BTreeMap;

use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, RealmId, SpaceId};
use anonicloud_proto::label::Label;
use anonicloud_proto::limits::PACKED_PIECE_MAX;
use thiserror::Error;

use super::encoding::encode_secret;
use super::layout::{AllLeaves, Layout, Leaf, PAGE_LEAVES, Page, hashes, segment_count, segment_len};
use super::record::{RecordBody, SOURCES_MAX, wrap_context};
use super::reference::{PieceRef, Source, VersionRef};
use crate::crypto::public::{ContentRoot, FileVersionId, SegmentHash};
use crate::crypto::random::{Random, make_bytes};
use crate::crypto::segment::content_root;
use crate::crypto::wrap::{PIECE_OVERHEAD, seal_piece};

/// Why a version record cannot be built. All are the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildRecordError {
    /// Not even the pages of its leaves fit one record.
    #[error("build version record: the file is too large")]
    FileTooLarge,
    /// The segment is not one of this file, or may not lie there.
    #[error("build version record: segment {index} does not belong there")]
    SegmentMisplaced {
        /// Which one.
        index: u64,
    },
    /// The segment is not kept from the predecessor that the record names, or has another length in it.
    #[error("build version record: segment {index} is not the predecessor's")]
    NotKept {
        /// Which one.
        index: u64,
    },
    /// The record has no room for another older key: seal the segment anew.
    #[error("build version record: no room for the key of kept segment {index}")]
    TooManySources {
        /// Which one.
        index: u64,
    },
    /// There are fewer segments than the size asks for.
    #[error("build version record: {found} of {expected} segments are there")]
    SegmentsMissing {
        /// By the size.
        expected: u64,
        /// Handed in.
        found: u64,
    },
    /// A piece was placed with another length, or another number of pages was.
    #[error("build version record: a piece was placed with another length or number")]
    PieceMisplaced,
}

/// Collects the segments of one file version, in order.
pub struct RecordBuilder {
    realm: RealmId,
    space: SpaceId,
    source: Source,
    body: RecordBody,
    leaves: Vec<Leaf>,
    numbers: BTreeMap<FileVersionId, u16>,
    pub(super) sources_max: usize,
}

impl fmt::Debug for RecordBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordBuilder({}, {} segments)", self.source.version(), self.leaves.len())
    }
}

/// What a file is beside its content.
#[derive(Debug)]
pub struct FileFacts {
    /// Content bytes.
    pub size: u64,
    /// When the content last changed, in nanoseconds since 1970 (UTC).
    pub mtime: i64,
    /// The version that this one replaces, if any.
    pub predecessor: Option<VersionRef>,
}

impl RecordBuilder {
    /// Begins the record of the version that `source` seals, in `space`.
    ///
    /// # Errors
    /// [`BuildRecordError::FileTooLarge`] above some 200 TiB.
    pub fn new(realm: RealmId, space: SpaceId, source: Source, facts: FileFacts) -> Result<Self, BuildRecordError> {
        let count = segment_count(facts.size);
        let layout_len = layout_len(count).ok_or(BuildRecordError::FileTooLarge)?;
        let room = (PACKED_PIECE_MAX - PIECE_OVERHEAD - RecordBody::FIXED_LEN).checked_sub(layout_len);
        let room = room.ok_or(BuildRecordError::FileTooLarge)?;
        let body = RecordBody {
            size: facts.size,
            mtime: facts.mtime,
            // Known when all leaves are.
            root: ContentRoot::from_bytes([0; 32]),
            predecessor: facts.predecessor,
            sources: Vec::new(),
            layout: Layout::Inline(Vec::new()),
        };
        let sources_max = (room / Source::ENCODED_LEN).min(SOURCES_MAX);
        Ok(Self { realm, space, source, body, leaves: Vec::new(), numbers: BTreeMap::new(), sources_max })
    }

    /// The index of the segment that comes next.
    pub fn next_index(&self) -> u64 {
        u64::try_from(self.leaves.len()).unwrap_or(u64::MAX)
    }

    /// Adds the next segment, sealed by this version's key: its hash, its blob or pack, and where it begins there.
    ///
    /// # Errors
    /// [`BuildRecordError::SegmentMisplaced`] after the last segment, or at an offset that its kind of blob does not have.
    pub fn push_sealed(&mut self, hash: SegmentHash, blob: BlobId, offset: u32) -> Result<(), BuildRecordError> {
        self.push(Leaf { source: 0, hash, blob, offset })
    }

    /// Adds the next segment as the predecessor has it at the same place, under the key that seals it there.
    ///
    /// # Errors
    /// [`BuildRecordError::NotKept`] when `predecessor` is not the version this record replaces, or its segment has another
    /// length; [`BuildRecordError::TooManySources`] when it must be sealed anew.
    pub fn push_kept(&mut self, predecessor: &AllLeaves) -> Result<(), BuildRecordError> {
        let index = self.next_index();
        let named = self.body.predecessor.as_ref().map(VersionRef::version);
        let kept = predecessor.segment(index).filter(|_| named.is_some() && named == predecessor.version());
        let kept = kept.ok_or(BuildRecordError::NotKept { index })?;
        if segment_len(self.body.size, index) != Some(kept.leaf.plain_len) {
            return Err(BuildRecordError::NotKept { index });
        }
        let source = self.source_number(kept.source).ok_or(BuildRecordError::TooManySources { index })?;
        let (hash, blob, offset) = (kept.leaf.hash, kept.location.blob, kept.location.offset);
        self.push(Leaf { source, hash, blob, offset })
    }

    fn push(&mut self, leaf: Leaf) -> Result<(), BuildRecordError> {
        let index = self.next_index();
        if !leaf.fits(self.body.size, index, self.body.sources.len()) {
            return Err(BuildRecordError::SegmentMisplaced { index });
        }
        self.leaves.push(leaf);
        Ok(())
    }

    /// The number of `source` among the sources, where it is put if it is new. Only sources that a leaf names get in: a key
    /// that nothing needs any more is not carried on.
    fn source_number(&mut self, source: &Source) -> Option<u16> {
        if let Some(number) = self.numbers.get(&source.version()) {
            return Some(*number);
        }
        if self.body.sources.len() >= self.sources_max {
            return None;
        }
        self.body.sources.push(source.duplicate());
        let number = u16::try_from(self.body.sources.len()).ok()?;
        self.numbers.insert(source.version(), number);
        Some(number)
    }

    /// Seals the pages of leaves, if there are too many for the record itself.
    ///
    /// # Errors
    /// [`BuildRecordError::SegmentsMissing`] before the last segment was added.
    pub fn seal_pages(mut self, random: &mut dyn Random) -> Result<SealedPages, BuildRecordError> {
        let (expected, found) = (segment_count(self.body.size), self.next_index());
        if expected != found {
            return Err(BuildRecordError::SegmentsMissing { expected, found });
        }
        let keys = self.source.segment_keys(&self.realm);
        self.body.root = content_root(&keys, self.body.size, &hashes(&self.leaves));
        let leaves = core::mem::take(&mut self.leaves);
        let mut pages = Vec::new();
        if leaves.len() > PAGE_LEAVES {
            let key = self.source.record_key(&self.realm);
            let version = self.source.version();
            for (number, leaves) in (0..).zip(leaves.chunks(PAGE_LEAVES)) {
                let ctx = wrap_context(Label::WrapLeafPage, &self.realm, &self.space, &version, number);
                let capacity = leaves.len().saturating_mul(Leaf::ENCODED_LEN).saturating_add(4);
                let plain = encode_secret(capacity, |out| out.list(leaves));
                pages.push(seal_piece(&key, &ctx, plain.expose_bytes(), make_bytes(random)));
            }
            self.body.layout = Layout::Paged(Vec::new());
        } else {
            self.body.layout = Layout::Inline(leaves);
        }
        Ok(SealedPages { record: self, pages })
    }
}

/// Bytes of the layout of a file with `count` segments.
fn layout_len(count: u64) -> Option<usize> {
    let count = usize::try_from(count).ok()?;
    let items = if count > PAGE_LEAVES {
        count.div_ceil(PAGE_LEAVES).checked_mul(Page::ENCODED_LEN)?
    } else {
        count.checked_mul(Leaf::ENCODED_LEN)?
    };
    items.checked_add(1 + 4)
}

/// The sealed pages of a record, to be placed in packs.
#[derive(Debug)]
pub struct SealedPages {
    record: RecordBuilder,
    pages: Vec<Vec<u8>>,
}

impl SealedPages {
    /// The pages in order; none when the leaves stand in the record.
    pub fn pieces(&self) -> &[Vec<u8>] {
        &self.pages
    }

    /// Seals the record; `placed` says where each page went, in order.
    ///
    /// # Errors
    /// [`BuildRecordError::PieceMisplaced`] when a place has another length than its page, or their numbers differ.
    pub fn seal_record(self, placed: &[PieceRef], random: &mut dyn Random) -> Result<SealedRecord, BuildRecordError> {
        let Self { record: RecordBuilder { realm, space, source, mut body, .. }, pages } = self;
        if placed.len() != pages.len() {
            return Err(BuildRecordError::PieceMisplaced);
        }
        if let Layout::Paged(named) = &mut body.layout {
            for (piece, page) in placed.iter().zip(&pages) {
                let hash = StoredHash::of(page);
                piece.check(&hash, page).map_err(|_| BuildRecordError::PieceMisplaced)?;
                named.push(Page { piece: *piece, hash });
            }
        }
        let plain = encode_secret(body.capacity(), |out| body.encode(out));
        let version = source.version();
        let ctx = wrap_context(Label::WrapVersionRecord, &realm, &space, &version, 0);
        let piece = seal_piece(&source.record_key(&realm), &ctx, plain.expose_bytes(), make_bytes(random));
        Ok(SealedRecord { source, piece })
    }
}

/// A sealed record, to be placed in a pack.
#[derive(Debug)]
pub struct SealedRecord {
    source: Source,
    piece: Vec<u8>,
}

impl SealedRecord {
    /// The bytes to place.
    pub fn piece(&self) -> &[u8] {
        &self.piece
    }

    /// The reference for the directory entry, now that the record lies at `placed`.
    ///
    /// # Errors
    /// [`BuildRecordError::PieceMisplaced`] when the place has another length than the record.
    pub fn placed_at(self, placed: PieceRef) -> Result<VersionRef, BuildRecordError> {
        let hash = StoredHash::of(&self.piece);
        placed.check(&hash, &self.piece).map_err(|_| BuildRecordError::PieceMisplaced)?;
        Ok(VersionRef::from_parts(self.source.forget_derived(), placed, hash))
    }
}
