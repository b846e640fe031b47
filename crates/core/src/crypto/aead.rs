//! AES-256-GCM behind one trait: aws-lc-rs where it builds, `RustCrypto` on wasm32, byte for byte the same (tested).

use super::rejected::Rejected;

/// Length of a key in bytes.
pub(super) const KEY_LEN: usize = 32;
/// Length of a nonce in bytes.
pub(super) const NONCE_LEN: usize = 12;
/// Length of the tag that follows a ciphertext, in bytes.
pub(super) const TAG_LEN: usize = 16;

/// An AEAD with a 256-bit key, a 96-bit nonce and a 128-bit tag.
pub(super) trait Aead256 {
    /// Expands `key`.
    fn new(key: &[u8; KEY_LEN]) -> Self;

    /// Writes ciphertext and tag to `out`, which is [`TAG_LEN`] longer than `plaintext`.
    /// No nonce may be used twice with one key.
    fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], plaintext: &[u8], out: &mut [u8]);

    /// Writes the plaintext of `sealed` (ciphertext and tag) to `out`, which is [`TAG_LEN`] shorter.
    ///
    /// # Errors
    /// [`Rejected`] when any input differs from what was sealed; what `out` then holds means nothing.
    fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<(), Rejected>;
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) use native::NativeAes256Gcm as Aes256Gcm;
#[cfg(target_arch = "wasm32")]
pub(super) use portable::PortableAes256Gcm as Aes256Gcm;
#[cfg(test)]
pub(super) use portable::PortableAes256Gcm;

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

    use super::{Aead256, KEY_LEN, NONCE_LEN, Rejected, TAG_LEN};

    pub(in super::super) struct NativeAes256Gcm(LessSafeKey);

    impl Aead256 for NativeAes256Gcm {
        fn new(key: &[u8; KEY_LEN]) -> Self {
            let key = UnboundKey::new(&AES_256_GCM, key).expect("the key has the length of the algorithm");
            Self(LessSafeKey::new(key))
        }

        fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], plaintext: &[u8], out: &mut [u8]) {
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let (ciphertext, tag) = out.split_at_mut(plaintext.len());
            self.0
                .seal_out_of_place_scatter(nonce, Aad::from(aad), plaintext, ciphertext, &[], tag)
                .expect("the output has room for the tag and messages are far below 64 GiB");
        }

        fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<(), Rejected> {
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Rejected)?;
            let opened = self.0.open_separate_gather(nonce, Aad::from(aad), ciphertext, tag, out);
            opened.map_err(|_| Rejected)
        }
    }
}

#[cfg(any(test, target_arch = "wasm32"))]
mod portable {
    use aes_gcm::aead::inout::InOutBuf;
    use aes_gcm::{AeadInOut as _, Aes256Gcm, KeyInit as _};

    use super::{Aead256, KEY_LEN, NONCE_LEN, Rejected, TAG_LEN};

    pub(in super::super) struct PortableAes256Gcm(Aes256Gcm);

    impl Aead256 for PortableAes256Gcm {
        fn new(key: &[u8; KEY_LEN]) -> Self {
            Self(Aes256Gcm::new(key.into()))
        }

        fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], plaintext: &[u8], out: &mut [u8]) {
            let (ciphertext, tag_out) = out.split_at_mut(plaintext.len());
            let buffer = InOutBuf::new(plaintext, ciphertext).expect("the output has room for the tag");
            let tag = self.0.encrypt_inout_detached(nonce.into(), aad, buffer);
            tag_out.copy_from_slice(&tag.expect("messages are far below 64 GiB"));
        }

        fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<(), Rejected> {
            let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Rejected)?;
            let buffer = InOutBuf::new(ciphertext, out).map_err(|_| Rejected)?;
            let opened = self.0.decrypt_inout_detached(nonce.into(), aad, buffer, tag.into());
            opened.map_err(|_| Rejected)
        }
    }
}
