//! What the server itself must keep secret, and its realm: made once, kept in `server.key`.
//!
//! Losing the file locks every account out, so a data folder with accounts and without it is refused.

use core::fmt;
use std::io::{self, Write as _};
use std::path::Path;

use anonicloud_proto::codec::{Reader, Writer};
use anonicloud_proto::ids::{AccountId, RealmId};
use fs_err::os::unix::fs::OpenOptionsExt as _;
use fs_err::{File, OpenOptions};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::opaque::Setup;
use crate::random::random;

/// The first bytes of the file: what it is, and its version.
const MAGIC: &[u8; 8] = b"ACSRVK\x01\x00";
/// More than the file ever holds.
const FILE_MAX: usize = 4096;

/// Why there are no secrets.
#[derive(Debug, Error)]
pub(crate) enum SecretsError {
    /// The folder has accounts, but not the file.
    #[error("server.key is missing, and without it no account in this data folder can log in")]
    Lost,
    /// The file is not one.
    #[error("server.key is damaged")]
    Damaged,
    /// The file cannot be read or written.
    #[error("server.key cannot be used")]
    Io(#[from] io::Error),
}

/// The server's secrets.
pub(crate) struct ServerSecrets {
    realm: RealmId,
    fake_ids: Zeroizing<[u8; 32]>,
    setup: Setup,
}

impl fmt::Debug for ServerSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSecrets")
    }
}

impl ServerSecrets {
    /// Reads the file, or makes it when the data folder is new.
    pub(crate) fn open(path: &Path, folder_is_new: bool) -> Result<Self, SecretsError> {
        match fs_err::read(path) {
            Ok(bytes) => Self::decode(&Zeroizing::new(bytes)).ok_or(SecretsError::Damaged),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            Err(_) if !folder_is_new => Err(SecretsError::Lost),
            Err(_) => {
                let secrets = Self::make();
                secrets.write(path)?;
                Ok(secrets)
            }
        }
    }

    /// New secrets and a new realm.
    pub(crate) fn make() -> Self {
        Self { realm: RealmId::from_bytes(random()), fake_ids: Zeroizing::new(random()), setup: Setup::make() }
    }

    /// The installation.
    pub(crate) const fn realm(&self) -> &RealmId {
        &self.realm
    }

    /// The server's half of OPAQUE.
    pub(crate) const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The account that a handle without one seems to have, the same at every try.
    pub(crate) fn fake_account(&self, handle: &str) -> AccountId {
        let mut mac = Hmac::<Sha512>::new_from_slice(self.fake_ids.as_slice()).expect("HMAC takes a key of any length");
        mac.update(handle.as_bytes());
        let hash = mac.finalize().into_bytes();
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(hash) {
            *to = from;
        }
        AccountId::from_bytes(id)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let magic: [u8; 8] = input.fixed().ok()?;
        if &magic != MAGIC {
            return None;
        }
        let realm = RealmId::from_bytes(input.fixed().ok()?);
        let fake_ids = Zeroizing::new(input.fixed().ok()?);
        let setup = Setup::decode(input.bytes(FILE_MAX).ok()?)?;
        input.finish().ok()?;
        Some(Self { realm, fake_ids, setup })
    }

    /// Writes the file whole or not at all, for its owner's eyes.
    fn write(&self, path: &Path) -> io::Result<()> {
        // It holds keys, so it is written where it need not move.
        let mut out = Writer::with_capacity(FILE_MAX);
        out.fixed(MAGIC);
        out.fixed(self.realm.as_bytes());
        out.fixed(self.fake_ids.as_slice());
        out.bytes(&self.setup.encode());
        let bytes = Zeroizing::new(out.into_bytes());
        let new = path.with_extension("key.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs_err::rename(&new, path)?;
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn secrets_are_made_once_and_kept_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.key");
        let made = ServerSecrets::open(&path, true).unwrap();
        let again = ServerSecrets::open(&path, false).unwrap();
        assert_eq!(made.realm(), again.realm());
        assert_eq!(made.fake_account("alice"), again.fake_account("alice"));
        assert_ne!(made.fake_account("alice"), made.fake_account("alicf"));
        let mode = fs_err::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_lost_or_damaged_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.key");
        let lost = ServerSecrets::open(&path, false).unwrap_err();
        assert!(matches!(lost, SecretsError::Lost));
        assert!(!path.exists());
        drop(ServerSecrets::open(&path, true).unwrap());
        let whole = fs_err::read(&path).unwrap();
        for cut in [0, 7, 8, 30, whole.len() - 1] {
            fs_err::write(&path, &whole[..cut]).unwrap();
            let damaged = ServerSecrets::open(&path, true).unwrap_err();
            assert!(matches!(damaged, SecretsError::Damaged), "cut at {cut}");
        }
    }
}
