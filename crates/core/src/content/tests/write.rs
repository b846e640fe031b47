use super::{REALM, SPACE, SeededRandom, Stored, fresh, place, segment_blob, segment_hash, store};
use crate::content::reference::{PieceRef, Source, VersionRef};
use crate::content::write::{BuildRecordError, FileFacts, RecordBuilder};

const SEGMENT: u64 = 4 << 20;

/// A version on top of `before` that keeps its segments but those in `changed`.
fn edited(before: &Stored, changed: &[u64], random: &mut SeededRandom) -> Stored {
    let leaves = before.leaves();
    let facts = FileFacts { size: leaves.size(), mtime: 1, predecessor: Some(before.reference.duplicate()) };
    let mut builder = RecordBuilder::new(REALM, SPACE, Source::make(random), facts).unwrap();
    for segment in leaves.segments() {
        let index = segment.leaf.index;
        if changed.contains(&index) {
            builder.push_sealed(segment_hash(index + 1000), segment_blob(index + 1000), 0).unwrap();
        } else {
            builder.push_kept(&leaves).unwrap();
        }
    }
    store(builder, random)
}

#[test]
fn kept_segments_name_the_version_whose_key_seals_them_however_old() {
    let random = &mut SeededRandom::new("keep");
    let first = fresh(4 * SEGMENT + 7, random);
    let second = edited(&first, &[1], random);
    let third = edited(&second, &[2], random);
    let owners: Vec<_> = third.leaves().segments().map(|segment| segment.source.version()).collect();
    let (a, b, c) = (first.reference.version(), second.reference.version(), third.reference.version());
    assert_eq!(owners, [a, b, c, a, a]);
    let kept = third.leaves();
    let (was, is) = (first.leaves(), kept.segment(4).unwrap());
    assert_eq!(was.segment(4).unwrap().location, is.location);
    assert_eq!(was.segment(4).unwrap().leaf, is.leaf);
    assert_eq!(third.open().predecessor().map(VersionRef::version), Some(b));
    // What nothing keeps any more is not carried on.
    let fourth = edited(&third, &[0, 3, 4], random);
    assert!(fourth.leaves().segments().all(|segment| segment.source.version() != a));
    // One key went, that of the third version came.
    assert_eq!(third.record.len(), fourth.record.len());
}

#[test]
fn what_is_not_the_predecessors_is_not_kept() {
    let random = &mut SeededRandom::new("refuse");
    let (first, other) = (fresh(2 * SEGMENT + 7, random), fresh(2 * SEGMENT + 7, random));
    let begin = |size, random: &mut SeededRandom| {
        let facts = FileFacts { size, mtime: 1, predecessor: Some(first.reference.duplicate()) };
        RecordBuilder::new(REALM, SPACE, Source::make(random), facts).unwrap()
    };
    let error = begin(2 * SEGMENT, random).push_kept(&other.leaves());
    assert_eq!(error, Err(BuildRecordError::NotKept { index: 0 }));
    let mut shorter = begin(2 * SEGMENT + 6, random);
    assert_eq!(shorter.push_kept(&first.leaves()), Ok(()));
    assert_eq!(shorter.push_kept(&first.leaves()), Ok(()));
    assert_eq!(shorter.push_kept(&first.leaves()), Err(BuildRecordError::NotKept { index: 2 }));
    let error = shorter.seal_pages(random).unwrap_err();
    assert_eq!(error, BuildRecordError::SegmentsMissing { expected: 3, found: 2 });
}

#[test]
fn a_caller_cannot_misplace_segments_pages_or_records() {
    let random = &mut SeededRandom::new("misplace");
    let facts = |size| FileFacts { size, mtime: 0, predecessor: None };
    let begin = |size, random: &mut SeededRandom| RecordBuilder::new(REALM, SPACE, Source::make(random), facts(size));
    let mut one = begin(SEGMENT, random).unwrap();
    let misplaced = Err(BuildRecordError::SegmentMisplaced { index: 0 });
    assert_eq!(one.push_sealed(segment_hash(0), segment_blob(0), 1), misplaced, "a blob of its own has no offset");
    assert_eq!(one.push_sealed(segment_hash(0), segment_blob(0), 0), Ok(()));
    let misplaced = Err(BuildRecordError::SegmentMisplaced { index: 1 });
    assert_eq!(one.push_sealed(segment_hash(1), segment_blob(1), 0), misplaced, "after the last");
    let mut tail = begin(10, random).unwrap();
    let misplaced = Err(BuildRecordError::SegmentMisplaced { index: 0 });
    assert_eq!(tail.push_sealed(segment_hash(0), segment_blob(0), 4 << 20), misplaced, "past the end of a pack");
    assert_eq!(begin(u64::MAX, random).unwrap_err(), BuildRecordError::FileTooLarge);

    let pages = one.seal_pages(random).unwrap();
    assert_eq!(pages.seal_record(&[place(b"x")], random).unwrap_err(), BuildRecordError::PieceMisplaced);
    let record = tail.push_sealed(segment_hash(0), segment_blob(0), 100).map(|()| tail);
    let record = record.unwrap().seal_pages(random).unwrap().seal_record(&[], random).unwrap();
    let wrong = PieceRef { length: 1, ..place(record.piece()) };
    assert_eq!(record.placed_at(wrong).unwrap_err(), BuildRecordError::PieceMisplaced);
}

#[test]
fn sources_run_out_before_a_record_outgrows_its_piece() {
    let random = &mut SeededRandom::new("sources");
    let facts = |predecessor| FileFacts { size: 4096 * SEGMENT, mtime: 0, predecessor };
    let builder = RecordBuilder::new(REALM, SPACE, Source::make(random), facts(None)).unwrap();
    assert!(builder.sources_max > 10_000);
    let most = crate::content::record::RecordBody::FIXED_LEN
        + builder.sources_max * Source::ENCODED_LEN
        + 4096 * crate::content::layout::Leaf::ENCODED_LEN
        + 5
        + crate::crypto::wrap::PIECE_OVERHEAD;
    assert!(most <= 1 << 20);
    assert!(most + Source::ENCODED_LEN > 1 << 20);
}
