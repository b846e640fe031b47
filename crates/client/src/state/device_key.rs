//! The device key and its file (spec: 1-accounts, "Device key").
//!
//! Enters: a state folder, a passphrase. Leaves: the key, or where it is to be had. Never: a fresh key where there was one.

use core::fmt;
#[cfg(not(target_arch = "wasm32"))]
use std::io;
#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;

#[cfg(not(target_arch = "wasm32"))]
use anonicloud_core::crypto::device_key::{LockId, LockKind, LockedDeviceKey, derive_passphrase_key};
#[cfg(not(target_arch = "wasm32"))]
use anonicloud_core::crypto::password::check_strength;
#[cfg(not(target_arch = "wasm32"))]
use anonicloud_core::crypto::random::make_bytes;
use anonicloud_core::crypto::secret::WrapKey;
#[cfg(not(target_arch = "wasm32"))]
use anonicloud_proto::codec::{Decode as _, Encode as _};
#[cfg(not(target_arch = "wasm32"))]
use zeroize::Zeroizing;

#[cfg(not(target_arch = "wasm32"))]
use super::{StateError, folder};
#[cfg(not(target_arch = "wasm32"))]
use crate::error::OperationError;
#[cfg(not(target_arch = "wasm32"))]
use crate::random::SystemRandom;

/// The key that everything a device remembers is sealed under. It never leaves the device.
pub struct DeviceKey(WrapKey);

impl DeviceKey {
    /// The key with these bytes; the array passed in is wiped.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(WrapKey::from_bytes(bytes))
    }

    /// The key in the folder `dir`; when there is none, a fresh one, durable before it is given.
    ///
    /// # Errors
    /// [`StateError::Locked`] when it takes something more to open it.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load_or_make(dir: &Path) -> Result<Self, StateError> {
        folder::make_private_dir(dir).map_err(StateError::Io)?;
        let found = match KeyFile::read(dir)? {
            Some(found) => found,
            None => KeyFile::make(dir)?,
        };
        match found {
            KeyFile::Plain(key) => Ok(key),
            KeyFile::Locked(_) => Err(StateError::Locked),
        }
    }

    pub(super) const fn wrap_key(&self) -> &WrapKey {
        &self.0
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(..)")
    }
}

/// What the key's file holds.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a key is locked or it is not")]
pub enum KeyFile {
    /// The key itself.
    Plain(DeviceKey),
    /// The key, locked.
    Locked(LockedKey),
}

/// A device key that takes something more to open.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug)]
pub struct LockedKey(LockedDeviceKey);

#[cfg(not(target_arch = "wasm32"))]
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

    fn make(dir: &Path) -> Result<Self, StateError> {
        let fresh = WrapKey::make(&mut SystemRandom);
        folder::write_private_once(dir, KEY_FILE_NAME, fresh.expose_bytes()).map_err(StateError::Io)?;
        // Another process may have been faster: then its key counts.
        Self::read(dir)?.ok_or(StateError::Corrupt)
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl LockedKey {
    /// Opens it with a passphrase. Takes a part of a second and 64 MiB.
    ///
    /// # Errors
    /// [`OperationError::PassphraseWrong`].
    pub fn open(&self, passphrase: &str) -> Result<DeviceKey, OperationError> {
        let lock_key = stretched(passphrase, self.0.id())?;
        self.0.open(&lock_key).map(DeviceKey).map_err(|_| OperationError::PassphraseWrong)
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn stretched(passphrase: &str, id: &LockId) -> Result<WrapKey, StateError> {
    derive_passphrase_key(passphrase, id).map_err(|_| StateError::Io(io::ErrorKind::OutOfMemory.into()))
}

/// Locks `key` under a passphrase: the one that opened `before`, which was read in the folder `dir`. What opened that does no more.
///
/// # Errors
/// [`OperationError::WeakPassphrase`] when who has the disk could guess it, [`OperationError::KeyChanged`] when another
/// process has replaced the key since.
#[cfg(not(target_arch = "wasm32"))]
pub fn lock_device_key(dir: &Path, before: &KeyFile, key: &DeviceKey, passphrase: &str) -> Result<(), OperationError> {
    check_strength(passphrase, &["anonicloud"]).map_err(|_| OperationError::WeakPassphrase)?;
    let id = LockId::make(&mut SystemRandom);
    let lock_key = stretched(passphrase, &id)?;
    let salt = make_bytes(&mut SystemRandom);
    let locked = LockedDeviceKey::seal(LockKind::Passphrase, id, &lock_key, &key.0, salt);
    replace(dir, before, &locked.to_bytes())
}

/// Keeps `key` in its file as it is: the one that opened `before`, which was read in the folder `dir`.
///
/// # Errors
/// When the file cannot be replaced, or was by another process.
#[cfg(not(target_arch = "wasm32"))]
pub fn unlock_device_key(dir: &Path, before: &KeyFile, key: &DeviceKey) -> Result<(), OperationError> {
    replace(dir, before, key.0.expose_bytes())
}

/// Removes the key of the folder `dir`, and what another process left of it.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn remove_device_key(dir: &Path) -> Result<(), StateError> {
    folder::remove_private(dir, KEY_FILE_NAME).map_err(StateError::Io)
}

#[cfg(not(target_arch = "wasm32"))]
fn replace(dir: &Path, before: &KeyFile, bytes: &[u8]) -> Result<(), OperationError> {
    let held = match before {
        KeyFile::Plain(key) => Zeroizing::new(key.0.expose_bytes().to_vec()),
        KeyFile::Locked(locked) => Zeroizing::new(locked.0.to_bytes()),
    };
    match folder::replace_private(dir, KEY_FILE_NAME, &held, bytes) {
        Ok(true) => Ok(()),
        Ok(false) => Err(OperationError::KeyChanged),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(StateError::Full.into()),
        Err(error) => Err(StateError::Io(error).into()),
    }
}

/// The file in the state folder.
#[cfg(not(target_arch = "wasm32"))]
pub(super) const KEY_FILE_NAME: &str = "device.key";
