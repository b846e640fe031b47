//! The key that everything a device remembers is sealed under.

use core::fmt;
#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;

use anonicloud_core::crypto::secret::WrapKey;
use zeroize::ZeroizeOnDrop;

#[cfg(not(target_arch = "wasm32"))]
use super::{StateError, folder, key_file::KeyFile};

/// The key that everything a device remembers is sealed under. It never leaves the device.
#[derive(ZeroizeOnDrop)]
pub struct DeviceKey(WrapKey);

impl DeviceKey {
    /// The key with these bytes; they are the caller's to wipe.
    pub fn copy_of(bytes: &[u8; 32]) -> Self {
        Self(WrapKey::copy_of(bytes))
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
            KeyFile::Passphrase(_) | KeyFile::Keyring(_) => Err(StateError::Locked),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(super) const fn new(key: WrapKey) -> Self {
        Self(key)
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
