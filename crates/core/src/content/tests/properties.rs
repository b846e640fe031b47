use anonicloud_proto::codec::{Decode, Encode};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::suite::Suite;
use proptest::prelude::*;

use crate::content::encoding::encode_secret;
use crate::content::layout::{Layout, Leaf, Page};
use crate::content::record::RecordBody;
use crate::content::reference::{PieceRef, Source, Totals, VersionRef};
use crate::crypto::public::{ContentRoot, FileVersionId, SegmentHash};
use crate::crypto::secret::FileKey;

fn any_piece() -> impl Strategy<Value = PieceRef> {
    (any::<[u8; 32]>(), 0u32..3 << 20, 0u32..=1 << 20).prop_map(|(blob, offset, length)| PieceRef {
        suite: Suite::V1,
        blob: BlobId::from_bytes(blob),
        offset,
        length,
    })
}

fn any_source() -> impl Strategy<Value = Source> {
    any::<([u8; 16], [u8; 32])>().prop_map(|(version, key)| {
        Source::from_parts(Suite::V1, FileVersionId::from_bytes(version), FileKey::from_bytes(key))
    })
}

fn any_version() -> impl Strategy<Value = VersionRef> {
    let hash = any::<[u8; 32]>().prop_map(StoredHash::from_bytes);
    (any_source(), any_piece(), hash).prop_map(|(source, record, hash)| VersionRef::from_parts(source, record, hash))
}

fn any_leaf() -> impl Strategy<Value = Leaf> {
    any::<(u16, [u8; 32], [u8; 32], u32)>().prop_map(|(source, hash, blob, offset)| Leaf {
        source,
        hash: SegmentHash::from_bytes(hash),
        blob: BlobId::from_bytes(blob),
        offset,
    })
}

prop_compose! {
    fn any_record()(
        leaves in proptest::collection::vec(any_leaf(), 0..20),
        pages in proptest::collection::vec(any_piece(), 2..5),
        paged: bool,
        mtime: i64,
        root: [u8; 32],
        predecessor in proptest::option::of(any_version()),
        sources in proptest::collection::vec(any_source(), 0..5),
    ) -> RecordBody {
        let segments = if paged { pages.len() * 4096 } else { leaves.len() };
        let hash = StoredHash::from_bytes(root);
        let pages = pages.into_iter().map(|piece| Page { piece, hash }).collect();
        RecordBody {
            size: u64::try_from(segments).unwrap() << 22,
            mtime,
            root: ContentRoot::from_bytes(root),
            predecessor,
            sources,
            layout: if paged { Layout::Paged(pages) } else { Layout::Inline(leaves) },
        }
    }
}

/// Whatever decodes encodes to the same bytes.
fn decodes_canonically<T: Decode + Encode>(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(value) = T::from_bytes(bytes) {
        prop_assert_eq!(value.to_bytes(), bytes);
    }
    Ok(())
}

proptest! {
    #[test]
    fn references_decode_to_what_was_encoded(version in any_version(), piece in any_piece(), files: u64, bytes: u64) {
        let encoded = version.to_bytes();
        prop_assert_eq!(encoded.len(), VersionRef::ENCODED_LEN);
        prop_assert_eq!(VersionRef::from_bytes(&encoded).unwrap().to_bytes(), encoded);
        prop_assert_eq!(piece.to_bytes().len(), PieceRef::ENCODED_LEN);
        prop_assert_eq!(PieceRef::from_bytes(&piece.to_bytes()), Ok(piece));
        let totals = Totals { files, bytes };
        prop_assert_eq!(totals.to_bytes().len(), Totals::ENCODED_LEN);
        prop_assert_eq!(Totals::from_bytes(&totals.to_bytes()), Ok(totals));
    }

    #[test]
    fn a_record_decodes_to_what_was_encoded(record in any_record()) {
        let encoded = encode_secret(record.capacity(), |out| record.encode(out));
        let decoded = RecordBody::decode(encoded.expose_bytes()).unwrap();
        let again = encode_secret(decoded.capacity(), |out| decoded.encode(out));
        prop_assert_eq!(again.expose_bytes(), encoded.expose_bytes());
    }

    #[test]
    fn a_cut_or_longer_record_is_refused(record in any_record(), at: prop::sample::Index) {
        let encoded = encode_secret(record.capacity(), |out| record.encode(out));
        let bytes = encoded.expose_bytes();
        prop_assert!(RecordBody::decode(&bytes[..at.index(bytes.len())]).is_err());
        prop_assert!(RecordBody::decode(&[bytes, &[0]].concat()).is_err());
    }

    #[test]
    fn a33_any_bytes_are_answered_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        decodes_canonically::<PieceRef>(&bytes)?;
        decodes_canonically::<VersionRef>(&bytes)?;
        decodes_canonically::<Page>(&bytes)?;
        decodes_canonically::<Leaf>(&bytes)?;
        decodes_canonically::<Layout>(&bytes)?;
        // A random start mostly fails: let the counts be reached as well.
        let mut record = vec![0; 49];
        record.extend_from_slice(&bytes);
        for bytes in [&bytes[..], &record] {
            if let Ok(decoded) = RecordBody::decode(bytes) {
                let again = encode_secret(decoded.capacity(), |out| decoded.encode(out));
                prop_assert_eq!(again.expose_bytes(), bytes);
            }
        }
    }
}

#[test]
fn a_piece_outside_of_a_pack_is_refused() {
    let at = |offset, length| PieceRef { suite: Suite::V1, blob: BlobId::from_bytes([0; 32]), offset, length };
    for (piece, fits) in [
        (at(3 << 20, 1 << 20), true),
        (at((3 << 20) + 1, 1 << 20), false),
        (at(0, (1 << 20) + 1), false),
        (at(u32::MAX, u32::MAX), false),
    ] {
        assert_eq!(PieceRef::from_bytes(&piece.to_bytes()).is_ok(), fits, "{piece:?}");
    }
}

#[test]
fn a12_an_unknown_suite_in_a_reference_is_refused() {
    let piece = PieceRef { suite: Suite::V1, blob: BlobId::from_bytes([0; 32]), offset: 0, length: 100 };
    let mut bytes = piece.to_bytes();
    for suite in [0u16, 2, 0x0101, u16::MAX] {
        bytes[..2].copy_from_slice(&suite.to_le_bytes());
        assert!(PieceRef::from_bytes(&bytes).is_err(), "{suite}");
    }
}
