//! The committing wrap of keys, records and directory nodes (spec: 0-conventions, "Wrap").
//!
//! `suite(2) | salt(32) | commit(32) | AES-256-GCM(k, 0^96, plaintext)`, where `k | commit = HKDF-SHA-512(ikm = KEK,
//! salt, info = ctx(label, realm, [suite, owner, object, version]))`. Every wrap has a fresh salt, so `k` seals once and the
//! nonce may be zero. A *piece* is the same without the suite, which its parent names: nothing in it differs from random bytes.

use anonicloud_proto::codec::{Decode as _, Encode as _, Reader};
use anonicloud_proto::context::context;
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use anonicloud_proto::suite::Suite;
use subtle::ConstantTimeEq as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::aead::{Aead256 as _, Aes256Gcm, NONCE_LEN, TAG_LEN};
use super::kdf::{derive_key, suite_field};
use super::rejected::Rejected;
use super::secret::{SecretBytes, WrapKey};

/// Length of the random salt of a wrap.
pub const SALT_LEN: usize = 32;
const COMMIT_LEN: usize = 32;
/// Bytes a piece is longer than its plaintext.
pub const PIECE_OVERHEAD: usize = SALT_LEN + COMMIT_LEN + TAG_LEN;
/// Bytes a wrap is longer than its plaintext.
pub const WRAP_OVERHEAD: usize = 2 + PIECE_OVERHEAD;

/// What a wrap is and where it belongs: it opens under exactly the context it was sealed under.
#[derive(Debug, Clone, Copy)]
pub struct WrapContext<'a> {
    /// What is wrapped: one of the `Wrap*` labels.
    pub label: Label,
    /// The installation.
    pub realm: &'a RealmId,
    /// The account or space that owns the object.
    pub owner: &'a [u8],
    /// The object's own id.
    pub object: &'a [u8],
    /// Its version, where it has one that counts up; else 0.
    pub version: u64,
}

/// Seals `plaintext` under `kek`. `salt` must be fresh random bytes for every call.
pub fn seal(kek: &WrapKey, ctx: &WrapContext<'_>, plaintext: &[u8], salt: [u8; SALT_LEN]) -> Vec<u8> {
    let mut out = Suite::V1.to_bytes();
    seal_into(kek, ctx, plaintext, &salt, &mut out);
    out
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`Rejected`] when the suite, the key, the context or any byte differs.
pub fn open(kek: &WrapKey, ctx: &WrapContext<'_>, bytes: &[u8]) -> Result<SecretBytes, Rejected> {
    let mut input = Reader::new(bytes);
    let suite = Suite::decode(&mut input).map_err(|_| Rejected)?;
    let piece = input.take(input.remaining()).map_err(|_| Rejected)?;
    open_piece(suite, kek, ctx, piece)
}

/// [`seal`] without the suite in front, for what lies in a pack.
pub fn seal_piece(kek: &WrapKey, ctx: &WrapContext<'_>, plaintext: &[u8], salt: [u8; SALT_LEN]) -> Vec<u8> {
    let mut out = Vec::new();
    seal_into(kek, ctx, plaintext, &salt, &mut out);
    out
}

/// Opens what [`seal_piece`] made, in the suite that the reference to it names.
///
/// # Errors
/// [`Rejected`] when the suite, the key, the context or any byte differs.
pub fn open_piece(suite: Suite, kek: &WrapKey, ctx: &WrapContext<'_>, piece: &[u8]) -> Result<SecretBytes, Rejected> {
    let (salt, rest) = piece.split_first_chunk::<SALT_LEN>().ok_or(Rejected)?;
    let (commit, sealed) = rest.split_first_chunk::<COMMIT_LEN>().ok_or(Rejected)?;
    let len = sealed.len().checked_sub(TAG_LEN).ok_or(Rejected)?;
    let keys = WrapKeys::derive(suite, kek, ctx, salt);
    // First of all: a ciphertext that decrypts under two keys must not get as far as the AEAD.
    if !bool::from(keys.commit().ct_eq(commit)) {
        return Err(Rejected);
    }
    let mut plaintext = Zeroizing::new(vec![0; len]);
    Aes256Gcm::new(keys.key()).open(&[0; NONCE_LEN], &[], sealed, &mut plaintext)?;
    Ok(SecretBytes::from_vec(core::mem::take(&mut *plaintext)))
}

fn seal_into(kek: &WrapKey, ctx: &WrapContext<'_>, plaintext: &[u8], salt: &[u8; SALT_LEN], out: &mut Vec<u8>) {
    let keys = WrapKeys::derive(Suite::V1, kek, ctx, salt);
    let sealed_len = plaintext.len().saturating_add(TAG_LEN);
    out.reserve_exact(sealed_len.saturating_add(SALT_LEN + COMMIT_LEN));
    out.extend_from_slice(salt);
    out.extend_from_slice(keys.commit());
    let start = out.len();
    out.resize(start.saturating_add(sealed_len), 0);
    let (_, sealed) = out.split_at_mut(start);
    Aes256Gcm::new(keys.key()).seal(&[0; NONCE_LEN], &[], plaintext, sealed);
}

/// `k | commit`. Boxed, so that moving the value leaves no copy of them behind.
#[derive(ZeroizeOnDrop)]
pub(super) struct WrapKeys(Box<[[u8; 32]; 2]>);

impl WrapKeys {
    fn derive(suite: Suite, kek: &WrapKey, ctx: &WrapContext<'_>, salt: &[u8; SALT_LEN]) -> Self {
        let fields: [&[u8]; 4] = [&suite_field(suite), ctx.owner, ctx.object, &ctx.version.to_le_bytes()];
        let info = context(ctx.label, ctx.realm, &fields);
        let mut keys = Self(Box::new([[0; 32]; 2]));
        derive_key(kek.expose_bytes(), salt, &info, keys.0.as_flattened_mut());
        keys
    }

    fn key(&self) -> &[u8; 32] {
        let [key, _] = &*self.0;
        key
    }

    fn commit(&self) -> &[u8; 32] {
        let [_, commit] = &*self.0;
        commit
    }
}
