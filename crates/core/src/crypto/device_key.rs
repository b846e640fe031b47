//! The key of a device's local state, locked (spec: 1-accounts, "Device key").
//!
//! Enters: the device key, the key that wraps it. Leaves: what the key's file holds, or the device key again.
//! Never: a parameter that the file chooses.

use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::label::Label;
use anonicloud_proto::suite::Suite;
use thiserror::Error;
use zeroize::Zeroizing;

use super::kdf;
use super::password::normalize;
use super::random::{Random, make_bytes};
use super::rejected::Rejected;
use super::secret::WrapKey;
use super::stretch::{SALT_LEN, stretch};
use super::wrap::{self, PIECE_OVERHEAD, WrapContext};

/// Where the key comes from that opens a locked device key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockKind {
    /// From a passphrase, by Argon2id with the lock's id as its salt.
    Passphrase,
    /// Random, and kept by the keyring of the system under the lock's id.
    Keyring,
}

impl LockKind {
    const fn number(self) -> u8 {
        match self {
            Self::Passphrase => 1,
            Self::Keyring => 2,
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Passphrase),
            2 => Some(Self::Keyring),
            _ => None,
        }
    }
}

/// What tells one lock of a device key from every other; of a passphrase, also the salt (16 random bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockId([u8; SALT_LEN]);

impl LockId {
    /// A fresh one, as every lock has.
    pub fn make(random: &mut dyn Random) -> Self {
        Self(make_bytes(random))
    }

    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; SALT_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; SALT_LEN] {
        &self.0
    }
}

/// A device key that is locked: `suite u16 | kind u8 | id 16 | piece`, of one length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedDeviceKey {
    kind: LockKind,
    id: LockId,
    piece: Vec<u8>,
}

impl LockedDeviceKey {
    /// Length of the encoded form.
    pub const LEN: usize = 2 + 1 + SALT_LEN + PIECE_LEN;

    /// Locks `device_key` under `lock_key`, which this kind of lock has made for this `id` alone.
    pub fn seal(kind: LockKind, id: LockId, lock_key: &WrapKey, device_key: &WrapKey, salt: [u8; 32]) -> Self {
        let object = object_of(kind, &id);
        let piece = wrap::seal_piece(lock_key, &context_of(&object), device_key.expose_bytes(), salt);
        Self { kind, id, piece }
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`Rejected`] when the key is another one, or any byte is.
    pub fn open(&self, lock_key: &WrapKey) -> Result<WrapKey, Rejected> {
        let object = object_of(self.kind, &self.id);
        let opened = wrap::open_piece(Suite::V1, lock_key, &context_of(&object), &self.piece)?;
        let bytes: &[u8; WrapKey::LEN] = opened.expose_bytes().try_into().map_err(|_| Rejected)?;
        Ok(WrapKey::copy_of(bytes))
    }

    /// Where the key comes from that opens it.
    pub const fn kind(&self) -> LockKind {
        self.kind
    }

    /// Which lock it is.
    pub const fn id(&self) -> &LockId {
        &self.id
    }
}

impl Encode for LockedDeviceKey {
    fn encode(&self, out: &mut Writer) {
        Suite::V1.encode(out);
        out.u8(self.kind.number());
        out.fixed(self.id.as_bytes());
        out.fixed(&self.piece);
    }
}

impl Decode for LockedDeviceKey {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Suite::decode(input)?;
        let kind = LockKind::from_number(input.u8()?).ok_or(DecodeError::UnknownVariant)?;
        let id = LockId::from_bytes(input.fixed()?);
        Ok(Self { kind, id, piece: input.take(PIECE_LEN)?.to_vec() })
    }
}

/// The 64 MiB that Argon2id takes are not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("there is no memory to stretch a passphrase")]
#[expect(clippy::exhaustive_structs, reason = "there is no more to say")]
pub struct NoMemory;

/// The key that opens the lock `id` of a passphrase, in NFKC: Argon2id, then HKDF under a label of its own.
///
/// # Errors
/// [`NoMemory`]: nothing else can be wrong, since the parameters are constants.
pub fn derive_passphrase_key(passphrase: &str, id: &LockId) -> Result<WrapKey, NoMemory> {
    let mut stretched = Zeroizing::new([0; 32]);
    stretch(normalize(passphrase).as_bytes(), id.as_bytes(), &mut *stretched).map_err(|_| NoMemory)?;
    Ok(kdf::derive_passphrase_key(&stretched))
}

const PIECE_LEN: usize = WrapKey::LEN + PIECE_OVERHEAD;
/// A device belongs to no installation and no account.
const NO_REALM: RealmId = RealmId::from_bytes([0; RealmId::LEN]);

fn object_of(kind: LockKind, id: &LockId) -> [u8; 1 + SALT_LEN] {
    let mut object = [kind.number(); 1 + SALT_LEN];
    let (_, rest) = object.split_at_mut(1);
    rest.copy_from_slice(id.as_bytes());
    object
}

const fn context_of(object: &[u8; 1 + SALT_LEN]) -> WrapContext<'_> {
    WrapContext { label: Label::WrapDeviceKey, realm: &NO_REALM, owner: &[], object, version: 0 }
}
