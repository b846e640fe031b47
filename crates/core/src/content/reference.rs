//! References from the tree to what is stored (spec: 2-content, "Packs" and "Version records").

use core::fmt;
use core::ops::Range;
use std::sync::{Arc, OnceLock};

use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, RealmId};
use anonicloud_proto::limits::{PACK_MAX, PACKED_PIECE_MAX};
use anonicloud_proto::suite::Suite;

use crate::crypto::kdf::derive_record_key;
use crate::crypto::public::FileVersionId;
use crate::crypto::random::{Random, make_bytes};
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::{FileKey, WrapKey};
use crate::crypto::segment::SegmentKeys;

/// Where a sealed piece lies: bytes inside a pack (42 bytes encoded).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceRef {
    /// The suite it is sealed in.
    pub suite: Suite,
    /// The pack.
    pub blob: BlobId,
    /// Where it begins in the pack, in bytes.
    pub offset: u32,
    /// Its sealed length in bytes.
    pub length: u32,
}

impl PieceRef {
    /// Length of the encoding in bytes.
    pub const ENCODED_LEN: usize = 2 + BlobId::LEN + 4 + 4;

    /// The bytes to ask for: a range inside the blob.
    pub fn range(&self) -> Range<u64> {
        let start = u64::from(self.offset);
        start..start.saturating_add(u64::from(self.length))
    }

    /// Checks that `piece` is what was referred to, before a key touches it.
    ///
    /// # Errors
    /// [`Rejected`] when it has another length or hash.
    pub fn check(&self, hash: &StoredHash, piece: &[u8]) -> Result<(), Rejected> {
        if u32::try_from(piece.len()) == Ok(self.length) && StoredHash::of(piece) == *hash {
            Ok(())
        } else {
            Err(Rejected)
        }
    }
}

impl Encode for PieceRef {
    fn encode(&self, out: &mut Writer) {
        self.suite.encode(out);
        self.blob.encode(out);
        out.u32(self.offset);
        out.u32(self.length);
    }
}

impl Decode for PieceRef {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let piece = Self {
            suite: Suite::decode(input)?,
            blob: BlobId::decode(input)?,
            offset: input.u32()?,
            length: input.u32()?,
        };
        if in_pack(piece.offset, u64::from(piece.length)) { Ok(piece) } else { Err(DecodeError::NotCanonical) }
    }
}

/// Whether a piece of `length` sealed bytes may begin at `offset` of a pack.
pub(super) fn in_pack(offset: u32, length: u64) -> bool {
    let end = u64::from(offset).saturating_add(length);
    let fits = |bytes: u64, cap: usize| usize::try_from(bytes).is_ok_and(|bytes| bytes <= cap);
    fits(length, PACKED_PIECE_MAX) && fits(end, PACK_MAX)
}

/// Everything below a directory (16 bytes encoded).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Files, symbolic links not counted.
    pub files: u64,
    /// Content bytes of these files.
    pub bytes: u64,
}

impl Totals {
    /// Length of the encoding in bytes.
    pub const ENCODED_LEN: usize = 16;
}

impl Encode for Totals {
    fn encode(&self, out: &mut Writer) {
        out.u64(self.files);
        out.u64(self.bytes);
    }
}

impl Decode for Totals {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { files: input.u64()?, bytes: input.u64()? })
    }
}

/// The key of one file version: what seals its segments, its record and its pages (50 bytes encoded).
pub struct Source {
    suite: Suite,
    version: FileVersionId,
    key: FileKey,
    /// The keys of its segments once they were asked for; copies made later have them too.
    derived: OnceLock<Arc<SegmentKeys>>,
}

impl Source {
    /// Length of the encoding in bytes.
    pub const ENCODED_LEN: usize = 2 + 16 + FileKey::LEN;

    /// A fresh key for a fresh version.
    pub fn make(random: &mut dyn Random) -> Self {
        let version = FileVersionId::from_bytes(make_bytes(random));
        Self::from_parts(Suite::V1, version, FileKey::make(random))
    }

    /// A fresh key for the content of this version, brought elsewhere.
    #[must_use]
    pub fn make_moved(&self, random: &mut dyn Random) -> Self {
        Self::from_parts(Suite::V1, self.version.make_moved(random), FileKey::make(random))
    }

    /// The key of a version that a reference or a ticket names.
    pub(super) const fn from_parts(suite: Suite, version: FileVersionId, key: FileKey) -> Self {
        Self { suite, version, key, derived: OnceLock::new() }
    }

    /// The suite of all that it seals.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The version.
    pub const fn version(&self) -> FileVersionId {
        self.version
    }

    /// FK itself.
    pub(super) const fn key(&self) -> &FileKey {
        &self.key
    }

    /// A second copy, where two owners need one each.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self { derived: self.derived.clone(), ..self.forget_derived() }
    }

    /// A copy without derived keys, to be kept for long.
    pub(super) fn forget_derived(&self) -> Self {
        Self::from_parts(self.suite, self.version, self.key.duplicate())
    }

    /// The keys of its segments, derived at the first call.
    pub fn segment_keys(&self, realm: &RealmId) -> Arc<SegmentKeys> {
        let derive = || Arc::new(SegmentKeys::derive(&self.key, self.suite, self.version, realm));
        let keys = self.derived.get_or_init(derive);
        if keys.realm() == realm { Arc::clone(keys) } else { derive() }
    }

    /// The key that wraps its record and pages.
    pub(super) fn record_key(&self, realm: &RealmId) -> WrapKey {
        derive_record_key(&self.key, self.suite, &self.version, realm)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, ..)", self.version)
    }
}

impl Encode for Source {
    fn encode(&self, out: &mut Writer) {
        self.suite.encode(out);
        self.version.encode(out);
        out.fixed(self.key.expose_bytes());
    }
}

impl Decode for Source {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let suite = Suite::decode(input)?;
        let version = FileVersionId::decode(input)?;
        Ok(Self::from_parts(suite, version, FileKey::read(input)?))
    }
}

/// A file version as its directory entry refers to it (124 bytes encoded). It holds the version's key.
#[derive(Debug)]
pub struct VersionRef {
    source: Source,
    record: PieceRef,
    hash: StoredHash,
}

impl VersionRef {
    /// Length of the encoding in bytes.
    pub const ENCODED_LEN: usize = Source::ENCODED_LEN + PieceRef::ENCODED_LEN + 32;

    /// The version that `source` seals, whose record lies at `record` and hashes to `hash`.
    pub(super) const fn from_parts(source: Source, record: PieceRef, hash: StoredHash) -> Self {
        Self { source, record, hash }
    }

    /// The version's id: two references to one version have the same.
    pub const fn version(&self) -> FileVersionId {
        self.source.version
    }

    /// The version's key.
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// Where the record lies.
    pub const fn record(&self) -> &PieceRef {
        &self.record
    }

    /// BLAKE3-256 of the record as it is stored.
    pub const fn hash(&self) -> &StoredHash {
        &self.hash
    }

    /// A second copy, where two owners need one each.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::from_parts(self.source.duplicate(), self.record, self.hash)
    }
}

impl Encode for VersionRef {
    fn encode(&self, out: &mut Writer) {
        self.source.encode(out);
        self.record.encode(out);
        self.hash.encode(out);
    }
}

impl Decode for VersionRef {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { source: Source::decode(input)?, record: PieceRef::decode(input)?, hash: StoredHash::decode(input)? })
    }
}

/// An optional reference: one byte, then the reference if there is one.
pub(super) fn encode_base(base: Option<&VersionRef>, out: &mut Writer) {
    match base {
        None => out.u8(0),
        Some(base) => {
            out.u8(1);
            base.encode(out);
        }
    }
}

/// Reads what [`encode_base`] wrote.
pub(super) fn decode_base(input: &mut Reader<'_>) -> Result<Option<VersionRef>, DecodeError> {
    match input.u8()? {
        0 => Ok(None),
        1 => VersionRef::decode(input).map(Some),
        _ => Err(DecodeError::UnknownVariant),
    }
}
