use super::{REALM, SPACE, SeededRandom, flip, fresh, place, segment_blob, segment_hash};
use crate::content::record::{open_record, wrap_context};
use crate::content::reference::{Source, VersionRef};
use crate::crypto::public::SegmentHash;
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::FileKey;
use crate::crypto::segment;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{RealmId, SpaceId};
use anonicloud_proto::label::Label;

const SEGMENT: u64 = 4 << 20;

fn is_rejected(reference: &VersionRef, piece: &[u8]) -> bool {
    open_record(&REALM, &SPACE, reference, piece).is_err()
}

/// The reference that a parent would hold if `piece` were the record.
fn rehashed(reference: &VersionRef, piece: &[u8]) -> VersionRef {
    VersionRef::from_parts(reference.source().duplicate(), place(piece), StoredHash::of(piece))
}

#[test]
fn leaves_in_the_record_come_back_with_index_length_and_place() {
    let random = &mut SeededRandom::new("inline");
    let stored = fresh(2 * SEGMENT + 5, random);
    assert!(stored.pages.is_empty());
    let record = stored.open();
    assert_eq!((record.size(), record.mtime()), (2 * SEGMENT + 5, -5));
    assert!(record.predecessor().is_none());
    let leaves = stored.leaves();
    assert_eq!(leaves.version(), Some(stored.reference.version()));
    let lens: Vec<_> = leaves.segments().map(|segment| segment.leaf.plain_len).collect();
    assert_eq!(lens, [4 << 20, 4 << 20, 5]);
    for (index, segment) in (0..).zip(leaves.segments()) {
        assert_eq!((segment.leaf.index, segment.leaf.hash), (index, segment_hash(index)));
        assert_eq!((segment.location.blob, segment.location.offset), (segment_blob(index), 0));
        let sealed = segment::sealed_segment_len(segment.leaf.plain_len);
        assert_eq!(segment.location.range(), 0..u64::try_from(sealed).unwrap());
        assert_eq!(segment.source.version(), stored.reference.version());
    }
    assert!(leaves.segment(3).is_none());
}

#[test]
fn a_file_of_no_bytes_has_a_record_and_no_leaves() {
    let stored = fresh(0, &mut SeededRandom::new("empty"));
    assert_eq!(stored.leaves().segments().count(), 0);
}

#[test]
fn more_than_4096_leaves_stand_on_pages() {
    let random = &mut SeededRandom::new("paged");
    assert!(fresh(4096 * SEGMENT, random).pages.is_empty());
    let stored = fresh(8193 * SEGMENT, random);
    assert_eq!(stored.pages.len(), 3);
    let leaves = stored.leaves();
    assert!((0..8193).all(|index| leaves.segment(index).unwrap().leaf.hash == segment_hash(index)));
    assert!(leaves.segment(8193).is_none());
}

#[test]
fn a10_pages_reordered_dropped_doubled_or_of_another_version_are_rejected() {
    let random = &mut SeededRandom::new("pages");
    let stored = fresh(8193 * SEGMENT, random);
    let other = fresh(8193 * SEGMENT, random);
    let record = stored.open();
    let page = |number: usize| record.open_page(number, &stored.pages[number]).unwrap();
    assert!(record.verify_pages(vec![page(0), page(1), page(2)]).is_ok());
    assert!(record.verify_pages(vec![page(1), page(0), page(2)]).is_err());
    assert!(record.verify_pages(vec![page(0), page(1)]).is_err());
    assert!(record.verify_pages(vec![page(0), page(0), page(2)]).is_err());
    assert!(record.verify_pages(vec![]).is_err());
    let foreign = other.open().open_page(2, &other.pages[2]).unwrap();
    assert!(record.verify_pages(vec![page(0), page(1), foreign]).is_err());
    assert!(matches!(record.open_page(0, &stored.pages[1]), Err(Rejected)));
    assert!(matches!(record.open_page(3, &stored.pages[2]), Err(Rejected)));
    for at in 0..300 {
        assert!(record.open_page(2, &flip(&stored.pages[2], at % stored.pages[2].len(), at)).is_err());
    }
}

#[test]
fn a18_a_leaf_that_the_content_root_does_not_vouch_for_is_rejected() {
    // Who knows the keys can seal a record, but its root must still be over its leaves.
    let random = &mut SeededRandom::new("root");
    let stored = fresh(SEGMENT, random);
    let source = stored.reference.source();
    let version = source.version();
    let ctx = wrap_context(Label::WrapVersionRecord, &REALM, &SPACE, &version, 0);
    let key = source.record_key(&REALM);
    let suite = stored.reference.record().suite;
    let plain = crate::crypto::wrap::open_piece(suite, &key, &ctx, &stored.record).unwrap();
    let seal = |plain: &[u8]| crate::crypto::wrap::seal_piece(&key, &ctx, plain, [1; 32]);
    let same = seal(plain.expose_bytes());
    assert!(!is_rejected(&rehashed(&stored.reference, &same), &same));
    for at in 0..plain.expose_bytes().len() {
        // The time of the last change is what a writer says it is.
        if (8..16).contains(&at) {
            continue;
        }
        let forged = seal(&flip(plain.expose_bytes(), at, at));
        let blob_or_offset = at >= plain.expose_bytes().len() - 36;
        let rejected = is_rejected(&rehashed(&stored.reference, &forged), &forged);
        assert!(rejected || blob_or_offset, "byte {at}");
    }
}

#[test]
fn a09_every_flipped_bit_is_rejected_by_the_hash_and_without_it_by_the_wrap() {
    let stored = fresh(SEGMENT + 1, &mut SeededRandom::new("flip"));
    for at in 0..stored.record.len() * 8 {
        let flipped = flip(&stored.record, at / 8, at);
        assert!(is_rejected(&stored.reference, &flipped), "bit {at}");
        assert!(is_rejected(&rehashed(&stored.reference, &flipped), &flipped), "bit {at}");
    }
    for len in 0..stored.record.len() {
        let cut = &stored.record[..len];
        assert!(is_rejected(&rehashed(&stored.reference, cut), cut), "length {len}");
    }
}

#[test]
fn a03_a11_another_realm_space_version_or_key_is_rejected() {
    let random = &mut SeededRandom::new("context");
    let stored = fresh(SEGMENT, random);
    let (reference, piece) = (&stored.reference, &stored.record);
    assert!(open_record(&REALM, &SPACE, reference, piece).is_ok());
    assert!(open_record(&RealmId::from_bytes([0; 16]), &SPACE, reference, piece).is_err());
    assert!(open_record(&REALM, &SpaceId::from_bytes([0; 32]), reference, piece).is_err());
    let source = reference.source();
    let with = |source| VersionRef::from_parts(source, *reference.record(), *reference.hash());
    let key = Source::from_parts(source.suite(), source.version(), FileKey::make(random));
    assert!(is_rejected(&with(key), piece));
    let version = crate::crypto::public::FileVersionId::from_bytes([1; 16]);
    let version = Source::from_parts(source.suite(), version, source.key().duplicate());
    assert!(is_rejected(&with(version), piece));
    let other = fresh(SEGMENT, random);
    assert!(is_rejected(reference, &other.record));
}

#[test]
fn a_source_gives_the_keys_of_the_realm_it_is_asked_for() {
    let source = Source::make(&mut SeededRandom::new("keys of two realms"));
    let other = RealmId::from_bytes([9; 16]);
    let hash = |realm: &RealmId| segment_hash_under(&source, realm);
    let first = hash(&REALM);
    assert_ne!(hash(&other), first);
    assert_eq!(hash(&REALM), first);
    assert_eq!(segment_hash_under(&source.duplicate(), &other), hash(&other));
}

fn segment_hash_under(source: &Source, realm: &RealmId) -> SegmentHash {
    segment::segment_hash(&source.segment_keys(realm), 0, b"diary")
}
