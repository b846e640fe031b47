//! The file of the device key (spec: 1-accounts, "Device key").
//!
//! Enters: a state folder, a passphrase. Leaves: the key, or where it is to be had. Never: a fresh key where there was one.

use std::io;
use std::path::Path;

use anonicloud_core::crypto::device_key::{LockId, LockKind, LockedDeviceKey, derive_passphrase_key};
use anonicloud_core::crypto::password::check_strength;
use anonicloud_core::crypto::random::make_bytes;
use anonicloud_core::crypto::secret::WrapKey;
use anonicloud_proto::codec::{Decode as _, Encode as _};
use zeroize::Zeroizing;

use super::device_key::DeviceKey;
use super::{StateError, folder};
use crate::error::OperationError;
use crate::random::SystemRandom;

/// The file in the state folder.
pub(super) const KEY_FILE_NAME: &str = "device.key";

/// What the key's file holds.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a key is locked or it is not")]
pub enum KeyFile {
    /// The key itself.
    Plain(DeviceKey),
    /// The key, locked.
    Locked(LockedKey),
}

/// A device key that takes something more to open.
#[derive(Debug)]
pub struct LockedKey(LockedDeviceKey);

impl KeyFile {
    /// What is in the folder `dir`; `None` when there is no key yet.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] when the file is not a key.
    pub fn read(dir: &Path) -> Result<Option<Self>, StateError> {
        let Some(bytes) = folder::read_secret(dir, KEY_FILE_NAME).map_err(StateError::Io)? else {
            return Ok(None);
        };
        // No key is that; a file that was overwritten is.
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(StateError::Corrupt);
        }
        if let Ok(bytes) = bytes.as_slice().try_into() {
            return Ok(Some(Self::Plain(DeviceKey::from_bytes(bytes))));
        }
        let locked = LockedDeviceKey::from_bytes(&bytes)?;
        // What was killed while it unlocked or locked the key may have left the plain one beside it.
        folder::remove_drafts(dir, KEY_FILE_NAME).map_err(StateError::Io)?;
        Ok(Some(Self::Locked(LockedKey(locked))))
    }

    /// The file of a fresh key, durable before it is given.
    pub(super) fn make(dir: &Path) -> Result<Self, StateError> {
        let fresh = WrapKey::make(&mut SystemRandom);
        folder::write_private_once(dir, KEY_FILE_NAME, fresh.expose_bytes()).map_err(StateError::Io)?;
        // Another process may have been faster: then its key counts.
        Self::read(dir)?.ok_or(StateError::Corrupt)
    }
}

impl LockedKey {
    /// Opens it with a passphrase. Takes a part of a second and 64 MiB.
    ///
    /// # Errors
    /// [`OperationError::PassphraseWrong`].
    pub fn open(&self, passphrase: &str) -> Result<DeviceKey, OperationError> {
        let lock_key = stretched(passphrase, self.0.id())?;
        self.0.open(&lock_key).map(DeviceKey::new).map_err(|_| OperationError::PassphraseWrong)
    }
}

fn stretched(passphrase: &str, id: &LockId) -> Result<WrapKey, StateError> {
    derive_passphrase_key(passphrase, id).map_err(|_| StateError::Io(io::ErrorKind::OutOfMemory.into()))
}

/// Locks `key` under a passphrase: the one that opened `before`, which was read in the folder `dir`. What opened that does no more.
///
/// # Errors
/// [`OperationError::WeakPassphrase`] when who has the disk could guess it, [`OperationError::KeyChanged`] when another
/// process has replaced the key since.
pub fn lock_device_key(dir: &Path, before: &KeyFile, key: &DeviceKey, passphrase: &str) -> Result<(), OperationError> {
    check_strength(passphrase, &["anonicloud"]).map_err(|_| OperationError::WeakPassphrase)?;
    let id = LockId::make(&mut SystemRandom);
    let lock_key = stretched(passphrase, &id)?;
    let salt = make_bytes(&mut SystemRandom);
    let locked = LockedDeviceKey::seal(LockKind::Passphrase, id, &lock_key, key.wrap_key(), salt);
    replace(dir, before, &locked.to_bytes())
}

/// Keeps `key` in its file as it is: the one that opened `before`, which was read in the folder `dir`.
///
/// # Errors
/// When the file cannot be replaced, or was by another process.
pub fn unlock_device_key(dir: &Path, before: &KeyFile, key: &DeviceKey) -> Result<(), OperationError> {
    replace(dir, before, key.wrap_key().expose_bytes())
}

/// Removes the key of the folder `dir`, and what another process left of it.
pub(crate) fn remove_device_key(dir: &Path) -> Result<(), StateError> {
    folder::remove_private(dir, KEY_FILE_NAME).map_err(StateError::Io)
}

fn replace(dir: &Path, before: &KeyFile, bytes: &[u8]) -> Result<(), OperationError> {
    let held = match before {
        KeyFile::Plain(key) => Zeroizing::new(key.wrap_key().expose_bytes().to_vec()),
        KeyFile::Locked(locked) => Zeroizing::new(locked.0.to_bytes()),
    };
    match folder::replace_private(dir, KEY_FILE_NAME, &held, bytes) {
        Ok(true) => Ok(()),
        Ok(false) => Err(OperationError::KeyChanged),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(StateError::Full.into()),
        Err(error) => Err(StateError::Io(error).into()),
    }
}
