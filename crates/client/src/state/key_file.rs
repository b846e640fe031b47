//! The file of the device key, and what opens it when it is locked (spec: 1-accounts, "Device key").
//!
//! Enters: a state folder, a passphrase, the keyring of the system. Leaves: the key, or where it is to be had.
//! Never: a fresh key where there was one; a file that needs what is not kept.

use core::num::NonZeroU32;
use std::io;
use std::path::Path;

use anonicloud_core::crypto::device_key::{LockId, LockKind, LockedDeviceKey, derive_passphrase_key};
use anonicloud_core::crypto::password::check_strength;
use anonicloud_core::crypto::random::make_bytes;
use anonicloud_core::crypto::secret::WrapKey;
use anonicloud_proto::codec::{Decode as _, Encode as _};
use zeroize::Zeroizing;

use super::device_key::DeviceKey;
use super::keyring_disk::KeyringDisk;
use super::{StateError, folder, keyring, remembered};
use crate::error::OperationError;
use crate::random::SystemRandom;

/// The file in the state folder.
pub(super) const KEY_FILE_NAME: &str = "device.key";

/// What the key's file holds.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "each takes something else to open")]
pub enum KeyFile {
    /// The key itself.
    Plain(DeviceKey),
    /// The key, locked under a passphrase.
    Passphrase(PassphraseLock),
    /// The key, locked under one that the keyring of the system keeps.
    Keyring(KeyringLock),
}

/// A device key that takes a passphrase to open.
#[derive(Debug)]
pub struct PassphraseLock(LockedDeviceKey);

/// A device key that takes the keyring of the system to open.
#[derive(Debug)]
pub struct KeyringLock(LockedDeviceKey);

impl KeyFile {
    /// What is in the folder `dir`; `None` when there is no key yet.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] when the file is not a key, [`StateError::KeyIsLink`] when it is elsewhere.
    pub fn read(dir: &Path) -> Result<Option<Self>, StateError> {
        let read = folder::read_secret(dir, KEY_FILE_NAME).map_err(|error| {
            if dir.join(KEY_FILE_NAME).is_symlink() { StateError::KeyIsLink } else { StateError::Io(error) }
        });
        let Some(bytes) = read? else {
            return Ok(None);
        };
        // No key is that; a file that was overwritten is.
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(StateError::Corrupt);
        }
        if let Ok(bytes) = bytes.as_slice().try_into() {
            return Ok(Some(Self::Plain(DeviceKey::copy_of(bytes))));
        }
        let locked = LockedDeviceKey::from_bytes(&bytes)?;
        // What was killed while it unlocked or locked the key may have left the plain one beside it.
        folder::remove_drafts(dir, KEY_FILE_NAME).map_err(StateError::Io)?;
        match locked.kind() {
            LockKind::Passphrase => Ok(Some(Self::Passphrase(PassphraseLock(locked)))),
            LockKind::Keyring => Ok(Some(Self::Keyring(KeyringLock(locked)))),
            _ => Err(StateError::Newer),
        }
    }

    /// The file of a fresh key, durable before it is given.
    pub(super) fn make(dir: &Path) -> Result<Self, StateError> {
        let fresh = WrapKey::make(&mut SystemRandom);
        folder::write_private_once(dir, KEY_FILE_NAME, fresh.expose_bytes()).map_err(StateError::Io)?;
        // Another process may have been faster: then its key counts.
        Self::read(dir)?.ok_or(StateError::Corrupt)
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Plain(key) => key.wrap_key().expose_bytes().to_vec(),
            Self::Passphrase(PassphraseLock(locked)) | Self::Keyring(KeyringLock(locked)) => locked.to_bytes(),
        })
    }

    /// Lets go of what opened the key, outside of its file; the keyring may take its time. What stays behind opens nothing that is
    /// still there.
    pub(crate) async fn let_go(&self) {
        match self {
            Self::Plain(_) => {}
            Self::Passphrase(lock) => {
                lock.forget().ok();
            }
            Self::Keyring(KeyringLock(locked)) => {
                keyring::remove(locked.id()).await.ok();
            }
        }
    }
}

impl PassphraseLock {
    /// Opens it with its passphrase. Takes a part of a second and 64 MiB.
    ///
    /// # Errors
    /// [`OperationError::PassphraseWrong`].
    pub fn open(&self, passphrase: &str) -> Result<DeviceKey, OperationError> {
        self.open_by(&stretched(passphrase, self.0.id())?)
    }

    /// Opens it by what the kernel remembers, if it does.
    pub fn open_remembered(&self) -> Option<DeviceKey> {
        self.open_by(&remembered::recall(self.0.id())?).ok()
    }

    /// Has the kernel remember what opens it, for all processes of this user; no restart survives that.
    ///
    /// # Errors
    /// [`OperationError::PassphraseWrong`]; [`OperationError::KernelKeyring`] where the kernel does not do that.
    pub fn remember(&self, passphrase: &str, seconds: NonZeroU32) -> Result<(), OperationError> {
        let lock_key = stretched(passphrase, self.0.id())?;
        self.open_by(&lock_key)?;
        remembered::remember(self.0.id(), &lock_key, seconds).map_err(OperationError::KernelKeyring)
    }

    /// Has the kernel forget it, if it remembered it.
    ///
    /// # Errors
    /// [`OperationError::KernelKeyring`] where that is not known.
    pub fn forget(&self) -> Result<(), OperationError> {
        remembered::forget(self.0.id()).map_err(OperationError::KernelKeyring)
    }

    fn open_by(&self, lock_key: &WrapKey) -> Result<DeviceKey, OperationError> {
        self.0.open(lock_key).map(DeviceKey::new).map_err(|_| OperationError::PassphraseWrong)
    }
}

impl KeyringLock {
    /// Opens it with what the keyring keeps; it was read in the folder `dir`.
    ///
    /// # Errors
    /// [`OperationError::KeyringUnavailable`], [`OperationError::KeyringLocked`]; [`OperationError::KeyringEntryGone`] when the
    /// keyring has nothing that opens it, [`OperationError::KeyChanged`] when that is so because another process has replaced the key.
    pub async fn open(&self, dir: &Path) -> Result<DeviceKey, OperationError> {
        if let Some(lock_key) = keyring::fetch(self.0.id()).await?
            && let Ok(key) = self.0.open(&lock_key)
        {
            return Ok(DeviceKey::new(key));
        }
        match KeyFile::read(dir)? {
            Some(KeyFile::Keyring(Self(same))) if same == self.0 => Err(OperationError::KeyringEntryGone),
            _ => Err(OperationError::KeyChanged),
        }
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
pub async fn lock_device_key(
    dir: &Path,
    before: &KeyFile,
    key: &DeviceKey,
    passphrase: &str,
) -> Result<(), OperationError> {
    check_strength(passphrase, &["anonicloud"]).map_err(|_| OperationError::WeakPassphrase)?;
    let id = LockId::make(&mut SystemRandom);
    let lock_key = stretched(passphrase, &id)?;
    replace(dir, before, &locked(key, LockKind::Passphrase, id, &lock_key)).await
}

/// Locks `key` under a fresh one that the keyring of the system keeps: the one that opened `before`, which was read in the folder `dir`.
/// The keyring's own files are in the file system of `data`.
///
/// # Errors
/// [`OperationError::KeyringUnavailable`], [`OperationError::KeyringLocked`], [`OperationError::KeyringUnfit`]
/// also when the keyring does not give back what it took, [`OperationError::Local`] when its disk does not,
/// [`OperationError::KeyChanged`] when another process has replaced the key since: then nothing has changed.
pub async fn lock_device_key_by_keyring(
    dir: &Path,
    before: &KeyFile,
    key: &DeviceKey,
    data: &Path,
) -> Result<(), OperationError> {
    let disk = KeyringDisk::open(data)?;
    let (id, made) = (LockId::make(&mut SystemRandom), WrapKey::make(&mut SystemRandom));
    keyring::keep(&id, &made).await?;
    let gave = keyring::fetch(&id).await?;
    // What the keyring has written has to be on the disk before the file that needs it.
    let kept = match keyring::expect_kept(&made, gave.as_ref()) {
        Ok(()) => disk.sync().await,
        Err(error) => Err(error),
    };
    let unchanged = match kept {
        Ok(()) => match replace(dir, before, &locked(key, LockKind::Keyring, id, &made)).await {
            Err(error @ OperationError::KeyChanged) => error,
            // Whatever else failed, the entry stays: the file may name it all the same.
            replaced => return replaced,
        },
        Err(error) => error,
    };
    keyring::remove(&id).await.ok();
    Err(unchanged)
}

/// Keeps `key` in its file as it is: the one that opened `before`, which was read in the folder `dir`.
///
/// # Errors
/// When the file cannot be replaced, or was by another process.
pub async fn unlock_device_key(dir: &Path, before: &KeyFile, key: &DeviceKey) -> Result<(), OperationError> {
    replace(dir, before, key.wrap_key().expose_bytes()).await
}

/// Removes the key of the folder `dir` and what another process left of it; gives what was there, for its [`KeyFile::let_go`].
pub(crate) fn remove_device_key(dir: &Path) -> Result<Option<KeyFile>, StateError> {
    let before = KeyFile::read(dir);
    folder::remove_private(dir, KEY_FILE_NAME).map_err(StateError::Io)?;
    Ok(before.ok().flatten())
}

fn locked(key: &DeviceKey, kind: LockKind, id: LockId, lock_key: &WrapKey) -> Vec<u8> {
    let salt = make_bytes(&mut SystemRandom);
    LockedDeviceKey::seal(kind, id, lock_key, key.wrap_key(), salt).to_bytes()
}

/// Replaces the file, and only then lets go of what opened the one before.
async fn replace(dir: &Path, before: &KeyFile, bytes: &[u8]) -> Result<(), OperationError> {
    match folder::replace_private(dir, KEY_FILE_NAME, &before.to_bytes(), bytes) {
        Ok(true) => {
            before.let_go().await;
            Ok(())
        }
        Ok(false) => Err(OperationError::KeyChanged),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(StateError::Full.into()),
        Err(error) => Err(StateError::Io(error).into()),
    }
}
