//! Segments and packs.

use std::hint::black_box;

use anonicloud_core::content::pack::PackBuilder;
use anonicloud_core::content::reference::Source;
use anonicloud_core::content::write::{FileFacts, RecordBuilder};
use anonicloud_core::crypto::segment::{SegmentLeaf, open_segment, seal_segment};
use anonicloud_proto::ids::{RealmId, SpaceId};
use anonicloud_proto::limits::SEGMENT_LEN;
use anonicloud_testkit::random::SeededRandom;

const REALM: RealmId = RealmId::from_bytes([1; 16]);
const SPACE: SpaceId = SpaceId::from_bytes([2; 32]);
const SMALL_FILES: usize = 64;
const SMALL_FILE_LEN: usize = 4096;

/// Seals the same segment again into the same buffer.
pub(crate) fn seal_segments() -> impl FnMut() {
    let mut random = SeededRandom::new("hot path: seal a segment");
    let keys = Source::make(&mut random).segment_keys(&REALM);
    let plain = random.bytes(SEGMENT_LEN);
    let mut sealed = Vec::new();
    move || {
        black_box(seal_segment(&keys, 0, &plain, &mut sealed));
    }
}

/// Opens the same segment again into the same buffer.
pub(crate) fn open_segments() -> impl FnMut() {
    let mut random = SeededRandom::new("hot path: open a segment");
    let keys = Source::make(&mut random).segment_keys(&REALM);
    let plain = random.bytes(SEGMENT_LEN);
    let mut sealed = Vec::new();
    let address = seal_segment(&keys, 0, &plain, &mut sealed);
    let leaf = SegmentLeaf { index: 0, hash: address.hash, plain_len: SEGMENT_LEN };
    let mut opened = Vec::new();
    move || open_segment(&keys, &leaf, &sealed, &mut opened).expect("what was sealed opens")
}

/// Seals small files as an upload does: content and record of each into the open pack.
pub(crate) fn pack_small_files() -> impl FnMut() {
    let mut random = SeededRandom::new("hot path: pack small files");
    let files: Vec<_> = (0..SMALL_FILES).map(|_| random.bytes(SMALL_FILE_LEN)).collect();
    let mut sealed = Vec::new();
    move || {
        let mut pack = PackBuilder::make(&mut random);
        for plain in &files {
            let source = Source::make(&mut random);
            let keys = source.segment_keys(&REALM);
            let facts = FileFacts { size: SMALL_FILE_LEN as u64, mtime: 0, predecessor: None };
            let mut record = RecordBuilder::new(REALM, SPACE, source, facts).expect("the file is small");
            let address = seal_segment(&keys, 0, plain, &mut sealed);
            let placed = pack.add(&sealed).expect("the pack has room");
            record.push_sealed(address.hash, placed.blob, placed.offset).expect("it is the only segment");
            let pages = record.seal_pages(&mut random).expect("it is whole");
            let record = pages.seal_record(&[], &mut random).expect("it has no pages");
            let placed = pack.add(record.piece()).expect("the pack has room");
            black_box(record.placed_at(placed).expect("it was placed as it is"));
        }
        black_box(pack.finish(&mut random));
    }
}
