//! What a device remembers (spec: 1-accounts, "Local state"): a small durable map, sealed before it is stored.
//!
//! Enters: plain values. Leaves: the same. Never: a name, path or key readable in the file.

mod device_key;
#[cfg(not(target_arch = "wasm32"))]
mod folder;
#[cfg(not(target_arch = "wasm32"))]
mod key_file;
#[cfg(not(target_arch = "wasm32"))]
mod keyring;
#[cfg(not(target_arch = "wasm32"))]
mod keyring_disk;
#[cfg(not(target_arch = "wasm32"))]
mod remembered;
mod sealed;
#[cfg(not(target_arch = "wasm32"))]
mod sqlite;

use thiserror::Error;

pub use device_key::DeviceKey;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use key_file::remove_device_key;
#[cfg(not(target_arch = "wasm32"))]
pub use key_file::{
    KeyFile, KeyringLock, PassphraseLock, lock_device_key, lock_device_key_by_keyring, unlock_device_key,
};
pub use sealed::{SealedState, StateChange, StateEntry};
#[cfg(not(target_arch = "wasm32"))]
pub use sqlite::SqliteState;

/// What a value is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Table {
    /// The account and its keys: one value.
    Account,
    /// Per space, the highest head seen.
    Heads,
    /// Transfers not finished yet.
    Jobs,
    /// Tickets of large files being uploaded.
    Tickets,
    /// Packs sealed and not committed, and what is in them.
    Staged,
    /// Directory nodes read, by hash.
    Nodes,
    /// Downloads that made their target and are not finished.
    Downloads,
    /// Per pack, which blobs the records in it need.
    Reached,
    /// What repacking has under way, and when room was last given back in the background.
    Upkeep,
    /// Per space, how its server contradicted what was known of it.
    Halts,
}

impl Table {
    /// The number in the database and in the wrap's context.
    pub const fn number(self) -> u8 {
        match self {
            Self::Account => 0,
            Self::Heads => 1,
            Self::Jobs => 2,
            Self::Tickets => 3,
            Self::Staged => 4,
            Self::Nodes => 5,
            Self::Downloads => 6,
            Self::Reached => 7,
            Self::Upkeep => 8,
            Self::Halts => 9,
        }
    }
}

/// The keyed hash that stands for a key (32 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredKey(pub(crate) [u8; 32]);

impl StoredKey {
    /// A key as stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// One change of an atomic group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Sets a value.
    Put(Table, StoredKey, Vec<u8>),
    /// Removes a value, if it is there.
    Delete(Table, StoredKey),
    /// Removes all values of a table.
    Clear(Table),
}

/// What stood at a key when it was read, sealed as it was; another writer may have changed it since.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores compare it")]
pub struct Seen {
    /// Where.
    pub table: Table,
    /// At which key.
    pub key: StoredKey,
    /// The value; `None` for no value.
    pub value: Option<Vec<u8>>,
}

/// Why the local state could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The database is damaged, or not ours.
    #[error("the local state is damaged")]
    Corrupt,
    /// A newer version of this program made the database.
    #[error("the local state is of a newer version of this program")]
    Newer,
    /// A link stands in the place of the device key, and none is followed.
    #[error("a link stands in the place of the device key, and none is followed")]
    KeyIsLink,
    /// The device key takes a passphrase, or whatever it was locked with.
    #[error("the device key is locked")]
    Locked,
    /// The disk is full.
    #[error("the disk that holds the local state is full")]
    Full,
    /// Another failure of the database.
    #[cfg(not(target_arch = "wasm32"))]
    #[error("the local state cannot be used")]
    Database(#[source] sqlx::Error),
    /// A file beside the database cannot be used.
    #[error("the local state folder cannot be used")]
    Io(#[source] std::io::Error),
}

/// A durable map of sealed values.
pub trait LocalState {
    /// The value at `key`.
    fn read(&self, table: Table, key: &StoredKey) -> impl Future<Output = Result<Option<Vec<u8>>, StateError>>;
    /// The values at `keys`, in their order.
    fn read_all(
        &self,
        table: Table,
        keys: &[StoredKey],
    ) -> impl Future<Output = Result<Vec<Option<Vec<u8>>>, StateError>> {
        async move {
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                values.push(self.read(table, key).await?);
            }
            Ok(values)
        }
    }
    /// All keys of a table, ascending.
    fn keys(&self, table: Table) -> impl Future<Output = Result<Vec<StoredKey>, StateError>> {
        async move { Ok(self.scan(table).await?.into_iter().map(|(key, _)| key).collect()) }
    }
    /// All values of a table, by key.
    fn scan(&self, table: Table) -> impl Future<Output = Result<Vec<(StoredKey, Vec<u8>)>, StateError>>;
    /// Makes all changes or none; durable when it returns.
    fn apply(&self, changes: &[Change]) -> impl Future<Output = Result<(), StateError>> {
        async { self.apply_if(&[], changes).await.map(|_| ()) }
    }
    /// [`LocalState::apply`] if all that was `seen` still stands as it was, in one step; gives whether it did.
    fn apply_if(&self, seen: &[Seen], changes: &[Change]) -> impl Future<Output = Result<bool, StateError>>;
}
