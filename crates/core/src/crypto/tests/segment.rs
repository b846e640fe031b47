//! Segments are released whole, in place, or not at all.

use anonicloud_proto::ids::RealmId;
use anonicloud_proto::limits::{PACKED_PIECE_MAX, SEGMENT_LEN};
use anonicloud_proto::suite::Suite;
use proptest::prelude::*;

use super::SeededRandom;
use crate::crypto::aead::Aes256Gcm;
use crate::crypto::chunked::{self, Message};
use crate::crypto::public::{FileVersionId, SegmentHash};
use crate::crypto::random::Random as _;
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::FileKey;
use crate::crypto::segment::{self, SegmentKeys, SegmentLeaf};

const REALM: RealmId = RealmId::from_bytes([1; 16]);

fn keys(file: u8, version: u8) -> SegmentKeys {
    SegmentKeys::derive(&FileKey::from_bytes([file; 32]), Suite::V1, FileVersionId::from_bytes([version; 16]), &REALM)
}

fn content(len: usize) -> Vec<u8> {
    let mut content = vec![0; len];
    SeededRandom::new("content").fill(&mut content);
    content
}

fn sealed(keys: &SegmentKeys, index: u64, plain: &[u8]) -> (SegmentLeaf, Vec<u8>) {
    let mut out = Vec::new();
    let address = segment::seal_segment(keys, index, plain, &mut out);
    (SegmentLeaf { index, hash: address.hash, plain_len: plain.len() }, out)
}

fn assert_rejected(keys: &SegmentKeys, leaf: &SegmentLeaf, bytes: &[u8]) {
    let mut out = vec![1, 2, 3];
    assert_eq!(segment::open_segment(keys, leaf, bytes, &mut out), Err(Rejected));
    assert!(out.is_empty(), "bytes were released");
}

#[test]
fn every_size_class_opens_to_what_was_sealed() {
    let keys = keys(1, 1);
    let content = content(SEGMENT_LEN);
    let mut out = Vec::new();
    for len in
        [0, 1, 16383, 16384, 16385, (1 << 20) - 1200, (1 << 20) - 1, 1 << 20, 1_500_001, SEGMENT_LEN - 1, SEGMENT_LEN]
    {
        let (leaf, bytes) = sealed(&keys, 7, &content[..len]);
        assert_eq!(bytes.len(), segment::sealed_segment_len(len));
        segment::open_segment(&keys, &leaf, &bytes, &mut out).unwrap();
        assert!(out == content[..len], "{len}");
    }
}

#[test]
fn only_tails_too_large_for_a_pack_are_padded() {
    let full = segment::sealed_segment_len(SEGMENT_LEN);
    assert_eq!(full, chunked::sealed_len(SEGMENT_LEN));
    assert_eq!(segment::sealed_segment_len(SEGMENT_LEN - 1), full);
    assert_eq!(segment::sealed_segment_len(1000), 1000 + 56 + 16);
    let largest = (0..=PACKED_PIECE_MAX).rev().find(|len| segment::fits_pack(*len)).unwrap();
    assert_eq!(segment::sealed_segment_len(largest), PACKED_PIECE_MAX);
    assert!(!segment::fits_pack(largest + 1));
    let sizes: std::collections::BTreeSet<_> =
        (largest + 1..=SEGMENT_LEN).step_by(997).map(segment::sealed_segment_len).collect();
    assert!(sizes.len() < 80, "{} sizes show", sizes.len());
}

#[test]
fn sealing_follows_from_key_index_and_content_alone() {
    let plain = content(50_000);
    let (leaf, bytes) = sealed(&keys(1, 1), 3, &plain);
    let mut reused = vec![9; SEGMENT_LEN];
    let address = segment::seal_segment(&keys(1, 1), 3, &plain, &mut reused);
    assert_eq!((address.hash, &reused), (leaf.hash, &bytes));
    assert_eq!(segment::address_segment(&keys(1, 1), 3, &plain), address);

    let mut edited = plain.clone();
    edited[49_999] ^= 1;
    for (other, other_bytes) in [
        sealed(&keys(1, 1), 3, &edited),
        sealed(&keys(1, 1), 4, &plain),
        sealed(&keys(2, 1), 3, &plain),
        sealed(&keys(1, 2), 3, &plain),
        sealed(&keys(1, 1), 3, &plain[..49_999]),
    ] {
        assert_ne!(other.hash, leaf.hash);
        assert_ne!(other_bytes[..24], bytes[..24], "no key and nonce meet twice");
    }
}

#[test]
fn moved_reordered_and_foreign_segments_reject() {
    let keys = keys(1, 1);
    let (first, second) = (content(40_000), content(40_001)[1..].to_vec());
    let (leaf, bytes) = sealed(&keys, 0, &first);
    let (other_leaf, other_bytes) = sealed(&keys, 1, &second);
    assert_rejected(&keys, &leaf, &other_bytes);
    assert_rejected(&keys, &other_leaf, &bytes);
    assert_rejected(&keys, &SegmentLeaf { index: 1, ..leaf }, &bytes);
    assert_rejected(&keys, &SegmentLeaf { hash: other_leaf.hash, ..leaf }, &bytes);
    assert_rejected(&keys, &SegmentLeaf { plain_len: 39_999, ..leaf }, &bytes);
    assert_rejected(&keys, &SegmentLeaf { plain_len: usize::MAX, ..leaf }, &bytes);
    assert_rejected(&self::keys(1, 2), &leaf, &bytes);
    assert_rejected(&self::keys(2, 1), &leaf, &bytes);
}

/// What a reader who holds the file key could forge: content under the right salt that is not the content hashed.
#[test]
fn content_that_is_not_the_hashed_one_rejects() {
    let keys = keys(1, 1);
    let plain = content(1 << 21);
    let (leaf, bytes) = sealed(&keys, 0, &plain);
    let mut forged_content = plain;
    forged_content[0] ^= 1;
    let forged = keys.seal_under(0, &leaf.hash, &forged_content);
    assert_eq!(forged.len(), bytes.len());
    assert_rejected(&keys, &leaf, &forged);
}

#[test]
fn padding_that_is_not_zero_rejects() {
    let keys = keys(1, 1);
    let plain = content(1_100_001);
    let (leaf, bytes) = sealed(&keys, 0, &plain);
    let padded_len = (0..2 << 20).find(|len| chunked::sealed_len(*len) == bytes.len()).unwrap();
    let mut padded = plain;
    padded.resize(padded_len, 0);
    assert!(keys.seal_under(0, &leaf.hash, &padded) == bytes, "zeros are what was sealed");
    *padded.last_mut().unwrap() = 1;
    assert_rejected(&keys, &leaf, &keys.seal_under(0, &leaf.hash, &padded));
}

/// One content has one sealed form: not even who holds the key makes another that opens.
#[test]
fn padding_of_another_length_rejects() {
    let keys = keys(1, 1);
    for len in [100, 1_100_001] {
        let plain = content(len);
        let (leaf, _) = sealed(&keys, 0, &plain);
        let mut longer = plain;
        longer.resize(2 << 20, 0);
        let forged = keys.seal_under(0, &leaf.hash, &longer);
        assert_rejected(&keys, &leaf, &forged);
    }
}

/// The salt is part of that form: content sealed right under another one rejects too.
#[test]
fn another_salt_rejects() {
    let keys = keys(1, 1);
    let plain = content(20_000);
    let (leaf, bytes) = sealed(&keys, 0, &plain);
    assert!(keys.seal_under(0, &leaf.hash, &plain) == bytes);
    let forged = keys.seal_under(0, &SegmentHash::from_bytes([7; 32]), &plain);
    assert_rejected(&keys, &leaf, &forged);
}

impl SegmentKeys {
    fn seal_under(&self, index: u64, hash: &SegmentHash, content: &[u8]) -> Vec<u8> {
        let context = [self.version().as_bytes().as_slice(), &index.to_le_bytes()].concat();
        let [_, key, _, _] = self.expose_all();
        let message = Message { key, salt: hash.as_bytes().first_chunk().unwrap(), context: &context };
        let mut out = Vec::new();
        chunked::seal::<Aes256Gcm>(&message, content, content.len(), &mut out);
        out
    }
}

#[test]
fn the_content_root_names_size_count_and_order() {
    let keys = keys(1, 1);
    let hashes: Vec<_> = (0..3).map(|index| segment::segment_hash(&keys, index, b"x")).collect();
    let root = segment::content_root(&keys, 3, &hashes);
    let swapped = [hashes[1], hashes[0], hashes[2]];
    assert_ne!(segment::content_root(&keys, 4, &hashes), root);
    assert_ne!(segment::content_root(&keys, 3, &hashes[..2]), root);
    assert_ne!(segment::content_root(&keys, 3, &swapped), root);
    assert_ne!(segment::content_root(&self::keys(2, 1), 3, &hashes), root);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_flipped_bit_or_cut_rejects(len in 0usize..70_000, at: proptest::sample::Index, bit in 0u32..8, cut: proptest::sample::Index) {
        let keys = keys(1, 1);
        let (leaf, mut bytes) = sealed(&keys, 5, &content(len));
        assert_rejected(&keys, &leaf, &bytes[..cut.index(bytes.len())]);
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        assert_rejected(&keys, &leaf, &bytes);
        bytes[at] ^= 1u8 << bit;
        bytes.push(0);
        assert_rejected(&keys, &leaf, &bytes);
    }
}
