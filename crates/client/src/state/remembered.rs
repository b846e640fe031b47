//! Keys of locks that the kernel remembers for a while (keyutils), as it is asked to. What is forgotten, by a restart at the latest, is
//! asked for again: what is durable is the locked file.
//!
//! Enters: the id of a lock, the key that opens it. Leaves: that key, until its time is over. Never: a key without an end; the disk.

use core::num::NonZeroU32;
use std::io::{self, ErrorKind};

use anonicloud_core::crypto::device_key::LockId;
use anonicloud_core::crypto::secret::WrapKey;
use data_encoding::HEXLOWER;
use linux_keyutils::{Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
use zeroize::Zeroizing;

/// Has the kernel remember the key of the lock `id` for so many seconds, for all processes of this user.
pub(super) fn remember(id: &LockId, key: &WrapKey, seconds: NonZeroU32) -> io::Result<()> {
    // In the keyring of this process first, with which it ends: others find it only when its end is set.
    let add = || {
        let own = KeyRing::from_special_id(KeyRingIdentifier::Process, true)?;
        let added = own.add_key(&name_of(id), key.expose_bytes())?;
        added.set_timeout(usize::try_from(seconds.get()).unwrap_or(1))?;
        // Two shells of one user may have different session keyrings, and a keyring of the user that neither possesses: so what
        // this user may do is what who possesses it may.
        let shared = Permission::VIEW | Permission::READ | Permission::SEARCH | Permission::SETATTR;
        added.set_perms(KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(shared).build())?;
        keyring()?.link_key(added)
    };
    add().map_err(reason)
}

/// The key of the lock `id`, if the kernel still remembers it.
pub(super) fn recall(id: &LockId) -> Option<WrapKey> {
    let mut bytes = Zeroizing::new([0; WrapKey::LEN]);
    let read = find(id).ok()?.read(&mut *bytes).ok()?;
    (read == WrapKey::LEN).then(|| WrapKey::copy_of(&bytes))
}

/// Has the kernel forget it, if it knew it.
pub(super) fn forget(id: &LockId) -> io::Result<()> {
    match find(id).and_then(|key| key.revoke()) {
        Ok(()) | Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => Ok(()),
        Err(error) => Err(reason(error)),
    }
}

fn find(id: &LockId) -> Result<Key, KeyError> {
    keyring()?.search(&name_of(id))
}

/// That of the user, which all shells share and which no disk ever sees.
fn keyring() -> Result<KeyRing, KeyError> {
    KeyRing::from_special_id(KeyRingIdentifier::User, false)
}

fn name_of(id: &LockId) -> String {
    format!("anonicloud:lock:{}", HEXLOWER.encode(id.as_bytes()))
}

/// As the system says it.
fn reason(error: KeyError) -> io::Error {
    match error {
        KeyError::PermissionDenied | KeyError::AccessDenied => ErrorKind::PermissionDenied.into(),
        KeyError::QuotaExceeded => ErrorKind::QuotaExceeded.into(),
        KeyError::Unknown(code) => io::Error::from_raw_os_error(code),
        other => io::Error::other(other.to_string()),
    }
}
