//! Tests of stored content as a whole: what is sealed opens, and nothing else does.

mod pack;
mod properties;
mod record;
mod ticket;
mod write;

use anonicloud_proto::ids::{BlobId, RealmId, SpaceId};
use anonicloud_proto::suite::Suite;

use super::layout::AllLeaves;
use super::record::{VersionRecord, open_record};
use super::reference::{PieceRef, Source, VersionRef};
use super::write::{FileFacts, RecordBuilder};
use crate::crypto::public::SegmentHash;
use crate::crypto::random::Random;

pub(crate) const REALM: RealmId = RealmId::from_bytes([7; 16]);
pub(crate) const SPACE: SpaceId = SpaceId::from_bytes([9; 32]);

/// Bytes that follow from a seed, so that a failing test fails again.
pub(crate) struct SeededRandom(blake3::OutputReader);

impl SeededRandom {
    pub(crate) fn new(seed: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("AnoniCloud model test randomness");
        Self(hasher.update(seed.as_bytes()).finalize_xof())
    }
}

impl Random for SeededRandom {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }
}

/// `bytes` with bit `bit % 8` of byte `at` changed.
pub(crate) fn flip(bytes: &[u8], at: usize, bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[at] ^= 1 << (bit % 8);
    flipped
}

/// A place in a pack for a piece of this length.
pub(crate) fn place(piece: &[u8]) -> PieceRef {
    let length = u32::try_from(piece.len()).unwrap();
    PieceRef { suite: Suite::V1, blob: BlobId::from_bytes([3; 32]), offset: 64, length }
}

/// A hash for segment `index` that no content has.
pub(crate) fn segment_hash(index: u64) -> SegmentHash {
    SegmentHash::from_bytes(*blake3::hash(&index.to_le_bytes()).as_bytes())
}

/// The blob that the tests put segment `index` in.
pub(crate) fn segment_blob(index: u64) -> BlobId {
    BlobId::from_bytes(*blake3::hash(&(!index).to_le_bytes()).as_bytes())
}

/// A record, its pages and the reference to it.
pub(crate) struct Stored {
    pub(crate) reference: VersionRef,
    pub(crate) record: Vec<u8>,
    pub(crate) pages: Vec<Vec<u8>>,
}

impl Stored {
    pub(crate) fn open(&self) -> VersionRecord {
        open_record(&REALM, &SPACE, &self.reference, &self.record).unwrap()
    }

    pub(crate) fn leaves(&self) -> AllLeaves {
        let record = self.open();
        let pages = self.pages.iter().enumerate();
        let pages = pages.map(|(number, page)| record.open_page(number, page).unwrap()).collect();
        record.verify_pages(pages).unwrap()
    }
}

/// The record of a file of `size` bytes, every segment sealed by its own key.
pub(crate) fn fresh(size: u64, random: &mut SeededRandom) -> Stored {
    let facts = FileFacts { size, mtime: -5, predecessor: None };
    let mut builder = RecordBuilder::new(REALM, SPACE, Source::make(random), facts).unwrap();
    for index in 0..super::layout::segment_count(size) {
        builder.push_sealed(segment_hash(index), segment_blob(index), 0).unwrap();
    }
    store(builder, random)
}

pub(crate) fn store(builder: RecordBuilder, random: &mut SeededRandom) -> Stored {
    let sealed = builder.seal_pages(random).unwrap();
    let pages = sealed.pieces().to_vec();
    let placed: Vec<_> = pages.iter().map(|page| place(page)).collect();
    let sealed = sealed.seal_record(&placed, random).unwrap();
    let record = sealed.piece().to_vec();
    let reference = sealed.placed_at(place(&record)).unwrap();
    Stored { reference, record, pages }
}
