//! Content segments (spec: 2-content, "Segments").
//!
//! `s_i = BLAKE3-keyed(K_siv, u64 i | u32 len | P_i)`; the sealed segment is Cobblestone-256 under `K_enc` with salt
//! `s_i[..24]` and context `fv_id | u64 i`; its blob is named `BLAKE3-keyed(K_addr, u64 i | s_i)`. All of it follows from the
//! file key, the index and the content: sealing again after a crash gives the same bytes, and other content gives another key.

use anonicloud_proto::context::context;
use anonicloud_proto::ids::{BlobId, RealmId};
use anonicloud_proto::label::Label;
use anonicloud_proto::limits::{PACKED_PIECE_MAX, SEGMENT_LEN};
use anonicloud_proto::padme::padme;
use anonicloud_proto::suite::Suite;
use subtle::ConstantTimeEq as _;
use zeroize::ZeroizeOnDrop;

use super::aead::Aes256Gcm;
use super::chunked::{self, Message, SALT_LEN};
use super::kdf::{KeySource, keyed_hash, suite_field};
use super::public::{ContentRoot, FileVersionId, SegmentHash};
use super::rejected::Rejected;
use super::secret::FileKey;
use super::stack::{SHALLOW, swept};

/// The keys of one file version's content.
#[derive(ZeroizeOnDrop)]
pub struct SegmentKeys {
    #[zeroize(skip)]
    realm: RealmId,
    #[zeroize(skip)]
    version: FileVersionId,
    /// `K_siv | K_enc | K_addr | K_meta`. Boxed, so that moving the value leaves no copy of them behind.
    keys: Box<[[u8; 32]; 4]>,
}

impl core::fmt::Debug for SegmentKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SegmentKeys({}, ..)", self.version)
    }
}

impl SegmentKeys {
    /// The keys that `file` gives for `version`.
    pub fn derive(file: &FileKey, suite: Suite, version: FileVersionId, realm: &RealmId) -> Self {
        let mut derived = Self { realm: *realm, version, keys: Box::new([[0; 32]; 4]) };
        let labels = [Label::FileSiv, Label::FileEncrypt, Label::FileAddress, Label::FileMeta];
        swept::<SHALLOW, _>(|| {
            let source = KeySource::extract(file.expose_bytes(), &[]);
            for (label, key) in labels.into_iter().zip(derived.keys.iter_mut()) {
                source.expand(&context(label, realm, &[&suite_field(suite), version.as_bytes()]), key);
            }
        });
        derived
    }

    /// The realm they are for.
    pub(crate) const fn realm(&self) -> &RealmId {
        &self.realm
    }

    /// The file version they belong to.
    pub const fn version(&self) -> FileVersionId {
        self.version
    }

    /// `K_siv`, `K_enc`, `K_addr` and `K_meta`.
    pub(super) fn expose_all(&self) -> [&[u8; 32]; 4] {
        self.keys.each_ref()
    }

    /// `fv_id | u64 i`.
    fn message_context(&self, index: u64) -> [u8; 24] {
        let mut bytes = [0; 24];
        let (version, number) = bytes.split_at_mut(16);
        version.copy_from_slice(self.version.as_bytes());
        number.copy_from_slice(&index.to_le_bytes());
        bytes
    }
}

/// What a leaf and a request name a segment by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentAddress {
    /// `s_i`.
    pub hash: SegmentHash,
    /// The id of its blob, if it is a blob of its own.
    pub blob: BlobId,
}

/// Content bytes after padding: a tail too large for a pack is padded to Padmé, everything else is sealed as it is.
fn padded_len(plain_len: usize) -> usize {
    if plain_len >= SEGMENT_LEN || fits_pack(plain_len) {
        return plain_len;
    }
    // Padmé never passes the power of two above, so no tail is longer than a full segment.
    u64::try_from(plain_len).ok().and_then(|len| usize::try_from(padme(len, 0)).ok()).unwrap_or(plain_len)
}

/// Bytes of the sealed form of a segment with `plain_len` content bytes, padding included.
pub fn sealed_segment_len(plain_len: usize) -> usize {
    chunked::sealed_len(padded_len(plain_len))
}

/// Whether a segment with `plain_len` content bytes travels in a pack instead of a blob of its own.
pub fn fits_pack(plain_len: usize) -> bool {
    chunked::sealed_len(plain_len) <= PACKED_PIECE_MAX
}

/// `s_i` of the segment `plain` at `index`: one pass of keyed BLAKE3.
///
/// # Panics
/// If `plain` is not shorter than 4 GiB; a segment is at most [`SEGMENT_LEN`] bytes.
pub fn segment_hash(keys: &SegmentKeys, index: u64, plain: &[u8]) -> SegmentHash {
    let len = u32::try_from(plain.len()).expect("a segment is at most 4 MiB");
    let [siv, ..] = keys.expose_all();
    SegmentHash::from_bytes(keyed_hash(siv, |hasher| {
        hasher.update(&index.to_le_bytes()).update(&len.to_le_bytes()).update(plain);
    }))
}

/// The address of the segment `plain` at `index`, without sealing it: what a resumed upload compares.
pub fn address_segment(keys: &SegmentKeys, index: u64, plain: &[u8]) -> SegmentAddress {
    let hash = segment_hash(keys, index, plain);
    let [_, _, address, _] = keys.expose_all();
    let blob = keyed_hash(address, |hasher| {
        hasher.update(&index.to_le_bytes()).update(hash.as_bytes());
    });
    SegmentAddress { hash, blob: BlobId::from_bytes(blob) }
}

/// Seals the segment `plain` at `index` as the whole of `out`; a buffer used again costs no allocation and no clearing.
pub fn seal_segment(keys: &SegmentKeys, index: u64, plain: &[u8], out: &mut Vec<u8>) -> SegmentAddress {
    let address = address_segment(keys, index, plain);
    let context = keys.message_context(index);
    let [_, key, ..] = keys.expose_all();
    let message = Message { key, salt: salt_of(&address.hash), context: &context };
    chunked::seal::<Aes256Gcm>(&message, plain, padded_len(plain.len()), out);
    address
}

/// Opens the sealed segment at `index` as the whole of `out`, which is `plain_len` bytes then.
///
/// # Errors
/// [`Rejected`] when a byte, the length, the place or the key differs; `out` is empty then.
pub fn open_segment(keys: &SegmentKeys, leaf: &SegmentLeaf, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), Rejected> {
    let opened = open_verified(keys, leaf, sealed, out);
    if opened.is_err() {
        out.clear();
    }
    opened
}

/// Which segment is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentLeaf {
    /// Its place in the file, from 0.
    pub index: u64,
    /// `s_i`.
    pub hash: SegmentHash,
    /// Its content bytes, without padding.
    pub plain_len: usize,
}

fn open_verified(keys: &SegmentKeys, leaf: &SegmentLeaf, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), Rejected> {
    let salt = sealed.first_chunk::<SALT_LEN>().ok_or(Rejected)?;
    if leaf.plain_len > SEGMENT_LEN || sealed.len() != sealed_segment_len(leaf.plain_len) || salt != salt_of(&leaf.hash)
    {
        return Err(Rejected);
    }
    let [_, key, ..] = keys.expose_all();
    chunked::open::<Aes256Gcm>(key, &keys.message_context(leaf.index), sealed, out)?;
    let (_, padding) = out.split_at_checked(leaf.plain_len).ok_or(Rejected)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(Rejected);
    }
    out.truncate(leaf.plain_len);
    let hash = segment_hash(keys, leaf.index, out);
    if bool::from(hash.as_bytes().ct_eq(leaf.hash.as_bytes())) { Ok(()) } else { Err(Rejected) }
}

fn salt_of(hash: &SegmentHash) -> &[u8; SALT_LEN] {
    hash.as_bytes().first_chunk().expect("24 of 32 bytes")
}

/// `BLAKE3-keyed(K_meta, u64 n | u64 size | s_0 | ..)`: vouches for a file version's length and order of segments.
pub fn content_root(keys: &SegmentKeys, size: u64, hashes: &[SegmentHash]) -> ContentRoot {
    let count = hashes.len() as u64;
    let [.., meta] = keys.expose_all();
    ContentRoot::from_bytes(keyed_hash(meta, |hasher| {
        hasher.update(&count.to_le_bytes()).update(&size.to_le_bytes());
        for hash in hashes {
            hasher.update(hash.as_bytes());
        }
    }))
}
