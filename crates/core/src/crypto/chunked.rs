//! C2SP chunked encryption, instance Cobblestone-256: SHA-512 and AES-256-GCM (<https://c2sp.org/chunked-encryption>).
//!
//! `salt(24) | commitment(32) | chunk*`: chunks of 16 KiB and their tags, the last one always shorter, if need be empty.
//! Sealing writes each byte once, straight into the output; opening checks the commitment first and releases all or nothing.

use hkdf::hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::aead::{Aead256, KEY_LEN, NONCE_LEN, TAG_LEN};
use super::rejected::Rejected;
use super::stack::{SHALLOW, swept};

/// Length of the salt in bytes.
pub(super) const SALT_LEN: usize = 24;
const COMMIT_LEN: usize = 32;
const HEADER_LEN: usize = SALT_LEN + COMMIT_LEN;
const CHUNK_LEN: usize = 16 << 10;
const SEALED_CHUNK_LEN: usize = CHUNK_LEN + TAG_LEN;

/// Bytes that `plain_len` bytes are long when sealed (saturating, far above what is ever sealed).
pub(super) const fn sealed_len(plain_len: usize) -> usize {
    let chunks = (plain_len / CHUNK_LEN).saturating_add(1);
    HEADER_LEN.saturating_add(plain_len).saturating_add(chunks.saturating_mul(TAG_LEN))
}

/// Bytes in what `sealed_len` sealed bytes open to; `None` when no message is sealed to that length.
const fn plain_len(sealed_len: usize) -> Option<usize> {
    let Some(body) = sealed_len.checked_sub(HEADER_LEN) else {
        return None;
    };
    let Some(last) = (body % SEALED_CHUNK_LEN).checked_sub(TAG_LEN) else {
        return None;
    };
    (body / SEALED_CHUNK_LEN).saturating_mul(CHUNK_LEN).checked_add(last)
}

/// Seals `plain` followed by zeros up to `padded_len` bytes as the whole of `out`.
///
/// `salt` must not repeat under `key` with another message. A buffer that is reused is not cleared first.
pub(super) fn seal<A: Aead256>(message: &Message<'_>, plain: &[u8], padded_len: usize, out: &mut Vec<u8>) {
    let cipher = ChunkCipher::<A>::derive(message);
    out.resize(sealed_len(padded_len), 0);
    let (header, body) = out.split_at_mut(HEADER_LEN);
    let (salt, commitment) = header.split_at_mut(SALT_LEN);
    salt.copy_from_slice(message.salt);
    commitment.copy_from_slice(&cipher.commitment);
    let mut rest = plain;
    for (index, sealed) in (0..).zip(body.chunks_mut(SEALED_CHUNK_LEN)) {
        let len = sealed.len().saturating_sub(TAG_LEN);
        if let Some((chunk, tail)) = rest.split_at_checked(len) {
            cipher.aead.seal(&cipher.nonce(index), &[], chunk, sealed);
            rest = tail;
        } else {
            let mut padded = Zeroizing::new(vec![0; len]);
            for (to, from) in padded.iter_mut().zip(rest) {
                *to = *from;
            }
            let nonce = cipher.nonce(index);
            cipher.aead.seal(&nonce, &[], &padded, sealed);
            rest = &[];
        }
    }
}

/// Opens `sealed` as the whole of `out`.
///
/// # Errors
/// [`Rejected`] when any input differs from what was sealed; `out` is empty then.
pub(super) fn open<A: Aead256>(
    key: &[u8; KEY_LEN],
    context: &[u8],
    sealed: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Rejected> {
    let opened = open_chunks::<A>(key, context, sealed, out);
    if opened.is_err() {
        out.clear();
    }
    opened
}

fn open_chunks<A: Aead256>(
    key: &[u8; KEY_LEN],
    context: &[u8],
    sealed: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Rejected> {
    let len = plain_len(sealed.len()).ok_or(Rejected)?;
    let (salt, rest) = sealed.split_first_chunk::<SALT_LEN>().ok_or(Rejected)?;
    let (commitment, body) = rest.split_first_chunk::<COMMIT_LEN>().ok_or(Rejected)?;
    let cipher = ChunkCipher::<A>::derive(&Message { key, salt, context });
    if !bool::from(cipher.commitment.ct_eq(commitment)) {
        return Err(Rejected);
    }
    out.resize(len, 0);
    let mut rest = out.as_mut_slice();
    for (index, chunk) in (0..).zip(body.chunks(SEALED_CHUNK_LEN)) {
        let len = chunk.len().checked_sub(TAG_LEN).ok_or(Rejected)?;
        let (plain, tail) = rest.split_at_mut_checked(len).ok_or(Rejected)?;
        cipher.aead.open(&cipher.nonce(index), &[], chunk, plain)?;
        rest = tail;
    }
    Ok(())
}

/// What the keys of one message follow from.
pub(super) struct Message<'a> {
    /// The input key, uniformly random.
    pub(super) key: &'a [u8; KEY_LEN],
    /// The salt in front of the ciphertext.
    pub(super) salt: &'a [u8; SALT_LEN],
    /// What the message belongs to; both sides know it.
    pub(super) context: &'a [u8],
}

struct ChunkCipher<A> {
    aead: A,
    base_nonce: [u8; NONCE_LEN],
    commitment: [u8; COMMIT_LEN],
}

impl<A: Aead256> ChunkCipher<A> {
    /// `key | base nonce | commitment = HKDF-Expand(prk = input key, info)`, by hand: the `hkdf` crate takes no PRK that is
    /// shorter than the hash, though HMAC does. 76 bytes are two blocks.
    fn derive(message: &Message<'_>) -> Self {
        swept::<SHALLOW, _>(|| Self::derive_here(message))
    }

    fn derive_here(message: &Message<'_>) -> Self {
        let mac = Hmac::<Sha512>::new_from_slice(message.key).expect("HMAC takes keys of any length");
        let info = |mac: Hmac<Sha512>| {
            let prefix = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";
            mac.chain_update(prefix).chain_update(message.salt).chain_update(message.context)
        };
        let mut first = info(mac.clone()).chain_update([1]).finalize().into_bytes();
        let mut second = info(mac.chain_update(first)).chain_update([2]).finalize().into_bytes();
        let mut okm = Zeroizing::new([0; 128]);
        let (low, high) = okm.split_at_mut(64);
        low.copy_from_slice(&first);
        high.copy_from_slice(&second);
        first.as_mut_slice().zeroize();
        second.as_mut_slice().zeroize();
        let (key, rest) = okm.split_first_chunk::<KEY_LEN>().expect("32 of 128 bytes");
        let (base_nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().expect("12 of 96 bytes");
        let (commitment, _) = rest.split_first_chunk::<COMMIT_LEN>().expect("32 of 84 bytes");
        Self { aead: A::new(key), base_nonce: *base_nonce, commitment: *commitment }
    }

    /// The base nonce XOR the chunk number as a big-endian integer of the nonce's length.
    fn nonce(&self, index: u32) -> [u8; NONCE_LEN] {
        let mut nonce = self.base_nonce;
        for (byte, counter) in nonce.iter_mut().rev().zip(index.to_le_bytes()) {
            *byte ^= counter;
        }
        nonce
    }
}
