//! Key derivation: HKDF-SHA-512 with a context as its info (spec: 0-conventions, "Keys").
//!
//! Every info names the suite, so that a key of one suite is never a key of another.

use anonicloud_proto::context::context;
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use anonicloud_proto::suite::Suite;
use hkdf::Hkdf;
use sha2::Sha512;
use zeroize::Zeroize as _;

use super::public::FileVersionId;
use super::secret::{
    CapabilitySeed, CompositeSeed, DeviceSeed, ExportKey, FileKey, MasterKey, NamesKey, ReadToken, RecoveryEntropy,
    SpaceKey, WrapKey,
};
use super::stack::{SHALLOW, swept};

/// HKDF-SHA-512 from `ikm` with `salt` and `info` into the whole of `out` (at most 255 * 64 bytes).
pub(super) fn derive_key(ikm: &[u8], salt: &[u8], info: &[u8], out: &mut [u8]) {
    swept::<SHALLOW, _>(|| KeySource::extract(ikm, salt).expand(info, out));
}

/// What HKDF-SHA-512 extracts from one key: several keys of it cost one extraction.
pub(super) struct KeySource(Hkdf<Sha512>);

impl KeySource {
    /// Extracts from `ikm` with `salt`.
    pub(super) fn extract(ikm: &[u8], salt: &[u8]) -> Self {
        let (mut extracted, source) = Hkdf::extract(Some(salt), ikm);
        extracted.as_mut_slice().zeroize();
        Self(source)
    }

    /// The key for `info` into the whole of `out` (at most 255 * 64 bytes).
    pub(super) fn expand(&self, info: &[u8], out: &mut [u8]) {
        self.0.expand(info, out).expect("no derived key is longer than 16 KiB");
    }
}

/// BLAKE3 under `key` of what `feed` gives it.
pub(super) fn keyed_hash(key: &[u8; 32], feed: impl FnOnce(&mut blake3::Hasher)) -> [u8; 32] {
    // Its end keeps copies of the key on the stack when the input is short.
    swept::<SHALLOW, _>(|| {
        let mut hasher = blake3::Hasher::new_keyed(key);
        feed(&mut hasher);
        let hash = *hasher.finalize().as_bytes();
        hasher.zeroize();
        hash
    })
}

/// The suite as a field of a context.
pub(super) const fn suite_field(suite: Suite) -> [u8; 2] {
    suite.number().to_le_bytes()
}

fn derive_from(ikm: &[u8], label: Label, realm: &RealmId, out: &mut [u8]) {
    let info = context(label, realm, &[&suite_field(Suite::V1)]);
    derive_key(ikm, &[], &info, out);
}

/// `KEK_pw`, which wraps the UMK in the password slot.
pub fn derive_password_key(export_key: &ExportKey, realm: &RealmId) -> WrapKey {
    WrapKey::filled(|out| derive_from(export_key.expose_bytes(), Label::KekPassword, realm, out))
}

/// `KEK_rec`, which wraps the UMK in the recovery slot.
pub fn derive_recovery_key(entropy: &RecoveryEntropy, realm: &RealmId) -> WrapKey {
    WrapKey::filled(|out| derive_from(entropy.expose_bytes(), Label::KekRecovery, realm, out))
}

/// The key that wraps a device key, from a device's passphrase after stretching. A device belongs to no realm.
pub(super) fn derive_passphrase_key(stretched: &[u8; 32]) -> WrapKey {
    WrapKey::filled(|out| derive_from(stretched, Label::KekPassphrase, &RealmId::from_bytes([0; RealmId::LEN]), out))
}

/// Seeds of the signing key that proves knowledge of the recovery words.
pub fn derive_recovery_auth(entropy: &RecoveryEntropy, realm: &RealmId) -> CompositeSeed {
    CompositeSeed::filled(|out| {
        derive_from(entropy.expose_bytes(), Label::RecoveryAuth, realm, out);
    })
}

/// The key that wraps the identity seeds.
pub fn derive_identity_box_key(master: &MasterKey, realm: &RealmId) -> WrapKey {
    WrapKey::filled(|out| derive_from(master.expose_bytes(), Label::IdentityBox, realm, out))
}

/// The key that wraps upload tickets.
pub fn derive_ticket_key(master: &MasterKey, realm: &RealmId) -> WrapKey {
    WrapKey::filled(|out| derive_from(master.expose_bytes(), Label::Ticket, realm, out))
}

/// The key that wraps the keys of the private space.
pub fn derive_space_root_key(master: &MasterKey, realm: &RealmId) -> WrapKey {
    WrapKey::filled(|out| derive_from(master.expose_bytes(), Label::SpaceRoot, realm, out))
}

/// `K_body`, which wraps the commit bodies of an epoch.
pub fn derive_body_key(space: &SpaceKey, realm: &RealmId) -> WrapKey {
    WrapKey::filled(|out| derive_from(space.expose_bytes(), Label::SpaceBody, realm, out))
}

/// `K_root`, which wraps the root directory keys of an epoch.
pub fn derive_root_wrap_key(space: &SpaceKey, realm: &RealmId) -> WrapKey {
    WrapKey::filled(|out| derive_from(space.expose_bytes(), Label::SpaceRootKey, realm, out))
}

/// The token that opens a space for reading in one epoch.
pub fn derive_read_token(space: &SpaceKey, realm: &RealmId) -> ReadToken {
    ReadToken::filled(|out| derive_from(space.expose_bytes(), Label::SpaceReadToken, realm, out))
}

/// The name key of the large directories that are split in one epoch.
pub fn derive_names_key(space: &SpaceKey, realm: &RealmId) -> NamesKey {
    NamesKey::filled(|out| derive_from(space.expose_bytes(), Label::SpaceNames, realm, out))
}

/// The Ed25519 seed a device signs in with.
pub fn derive_device_login(device: &DeviceSeed, realm: &RealmId) -> CapabilitySeed {
    CapabilitySeed::filled(|out| derive_from(device.expose_bytes(), Label::DeviceAuth, realm, out))
}

/// The key that wraps the version record and the leaf pages of one file version.
pub fn derive_record_key(file: &FileKey, suite: Suite, version: &FileVersionId, realm: &RealmId) -> WrapKey {
    WrapKey::filled(|out| {
        let info = context(Label::FileRecord, realm, &[&suite_field(suite), version.as_bytes()]);
        derive_key(file.expose_bytes(), &[], &info, out);
    })
}
