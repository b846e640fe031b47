//! The local state as the rest of the client sees it: plain keys and values, sealed before they are stored.
//!
//! Enters: plain values. Leaves: the same, or an error for what this device did not write there.
//! Never: a key or a value that can be read in the store.

use core::fmt;
use std::collections::HashSet;
#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;

use anonicloud_core::crypto::random::make_bytes;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::crypto::secret::WrapKey;
use anonicloud_core::crypto::stack::{SHALLOW, swept};
use anonicloud_core::crypto::wrap::{self, WrapContext};
use anonicloud_proto::codec::{DecodeError, Reader, Writer};
use anonicloud_proto::ids::{AccountId, RealmId};
use anonicloud_proto::label::Label;
use zeroize::{Zeroize as _, Zeroizing};

use super::device_key::DeviceKey;
#[cfg(not(target_arch = "wasm32"))]
use super::key_file::KEY_FILE_NAME;
#[cfg(not(target_arch = "wasm32"))]
use super::sqlite;
use super::{Change, LocalState, Seen, StateError, StoredKey, Table};
use crate::random::SystemRandom;

/// The key of the keyed hash is derived by BLAKE3 under this, so that no key serves two algorithms.
const HASH_KEY_CONTEXT: &str = "AnoniCloud/1 local state keys";
/// Local values belong to the device, to no installation or account.
const NO_REALM: RealmId = RealmId::from_bytes([0; RealmId::LEN]);
const NO_ACCOUNT: [u8; AccountId::LEN] = [0; AccountId::LEN];

/// One change of an atomic group, in plain.
#[non_exhaustive]
pub enum StateChange {
    /// Sets a value.
    Put {
        /// Where.
        table: Table,
        /// Under which key.
        key: Vec<u8>,
        /// To what.
        value: Zeroizing<Vec<u8>>,
    },
    /// Removes a value, if it is there.
    Delete {
        /// Where.
        table: Table,
        /// Of which key.
        key: Vec<u8>,
    },
    /// Removes all values of a table.
    Clear {
        /// Which.
        table: Table,
    },
}

impl StateChange {
    /// Sets the value of `key`.
    pub fn put(table: Table, key: &[u8], value: Vec<u8>) -> Self {
        Self::Put { table, key: key.to_vec(), value: Zeroizing::new(value) }
    }

    /// Removes the value of `key`, if it is there.
    pub fn delete(table: Table, key: &[u8]) -> Self {
        Self::Delete { table, key: key.to_vec() }
    }
}

impl fmt::Debug for StateChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { table, .. } => write!(f, "Put({table:?}, ..)"),
            Self::Delete { table, .. } => write!(f, "Delete({table:?}, ..)"),
            Self::Clear { table } => write!(f, "Clear({table:?})"),
        }
    }
}

/// A key and its value.
pub type StateEntry = (Vec<u8>, Zeroizing<Vec<u8>>);

/// A [`LocalState`] that sees only sealed values.
pub struct SealedState<S> {
    store: S,
    wrap_key: WrapKey,
    /// Boxed, as the one above is: moving the value leaves no copy of it behind.
    hash_key: Box<Zeroizing<[u8; 32]>>,
}

impl<S> fmt::Debug for SealedState<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedState(..)")
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl SealedState<sqlite::SqliteState> {
    /// The state in the folder `dir`: the database and, beside it, the key; both are made when neither is there.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] when one is damaged, or when there is a filled database whose key is gone;
    /// [`StateError::Locked`] when the key takes something more, see [`SealedState::open_with`].
    pub async fn open(dir: &Path) -> Result<Self, StateError> {
        let store = sqlite::SqliteState::open(dir).await?;
        // A new key would open nothing, and this device would forget silently which heads it has seen. Nothing is ever
        // stored before there is a key, so the order of the two questions holds when two processes start at once.
        let is_filled = !store.is_empty().await?;
        if is_filled && !fs_err::exists(dir.join(KEY_FILE_NAME)).map_err(StateError::Io)? {
            return Err(StateError::Corrupt);
        }
        Self::checked(store, &DeviceKey::load_or_make(dir)?).await
    }

    /// The state in the folder `dir`, whose key is `key`.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] when the database is damaged, or is that of another key.
    pub async fn open_with(dir: &Path, key: &DeviceKey) -> Result<Self, StateError> {
        Self::checked(sqlite::SqliteState::open(dir).await?, key).await
    }

    async fn checked(store: sqlite::SqliteState, key: &DeviceKey) -> Result<Self, StateError> {
        let state = Self::new(store, key);
        // A damaged key opens nothing either: under it nothing is even found.
        state.scan(Table::Account).await?;
        Ok(state)
    }

    /// Ends the connection to the database.
    pub async fn close(self) {
        self.store.close().await;
    }
}

impl<S: LocalState> SealedState<S> {
    /// Keeps values in `store`, sealed under `key`.
    pub fn new(store: S, key: &DeviceKey) -> Self {
        let mut hash_key = Box::new(Zeroizing::new([0; 32]));
        let begin = || blake3::Hasher::new_derive_key(HASH_KEY_CONTEXT);
        hash_into(begin, &[key.wrap_key().expose_bytes()], &mut hash_key);
        Self { store, wrap_key: key.wrap_key().duplicate(), hash_key }
    }

    /// The value at `key`.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] when it is not one that this device put there.
    pub async fn read(&self, table: Table, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, StateError> {
        Ok(self.read_seen(table, key).await?.0)
    }

    /// [`SealedState::read`], and what [`SealedState::apply_if`] takes.
    ///
    /// # Errors
    /// As there.
    pub async fn read_seen(&self, table: Table, key: &[u8]) -> Result<(Option<Zeroizing<Vec<u8>>>, Seen), StateError> {
        let key = self.stored_key(table, key);
        let sealed = self.store.read(table, &key).await?;
        let opened = sealed.as_deref().map(|sealed| self.open_entry(table, &key, sealed)).transpose()?;
        Ok((opened.map(|(_, value)| value), Seen { table, key, value: sealed }))
    }

    /// All entries of a table, in no order that means anything.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] when one is not one that this device put there.
    pub async fn scan(&self, table: Table) -> Result<Vec<StateEntry>, StateError> {
        let entries = self.store.scan(table).await?;
        // Each sealed value goes when it was opened: they may be megabytes.
        let opened = entries.into_iter().map(|(stored, sealed)| self.open_entry(table, &stored, &sealed));
        opened.collect()
    }

    /// The values at `keys`, in their order.
    ///
    /// # Errors
    /// As [`SealedState::read`].
    pub async fn read_all<K: AsRef<[u8]>>(
        &self,
        table: Table,
        keys: &[K],
    ) -> Result<Vec<Option<Zeroizing<Vec<u8>>>>, StateError> {
        let stored: Vec<_> = keys.iter().map(|key| self.stored_key(table, key.as_ref())).collect();
        let sealed = self.store.read_all(table, &stored).await?;
        let opened = stored.iter().zip(sealed).map(|(stored, sealed)| {
            let opened = sealed.map(|sealed| self.open_entry(table, stored, &sealed)).transpose()?;
            Ok(opened.map(|(_, value)| value))
        });
        opened.collect()
    }

    /// The keys of a table, as stored.
    ///
    /// # Errors
    /// What the store says.
    pub async fn keys(&self, table: Table) -> Result<Vec<StoredKey>, StateError> {
        self.store.keys(table).await
    }

    /// Removes of the values at `stored` those that are not at one of the keys `live`, and makes one more change with that; nothing
    /// when what was `seen` does not stand any more.
    ///
    /// # Errors
    /// As [`SealedState::apply`].
    #[expect(clippy::too_many_arguments, reason = "what goes, what stays, and what both depend on")]
    pub async fn retain<'k>(
        &self,
        table: Table,
        stored: Vec<StoredKey>,
        live: impl Iterator<Item = &'k [u8]>,
        more: &StateChange,
        seen: Seen,
    ) -> Result<(), StateError> {
        let live: HashSet<_> = live.map(|key| self.stored_key(table, key)).collect();
        let gone = stored.into_iter().filter(|key| !live.contains(key)).map(|key| Change::Delete(table, key));
        let changes: Vec<_> = gone.chain([self.seal(more)]).collect();
        self.store.apply_if(&[seen], &changes).await.map(|_| ())
    }

    /// Makes all changes or none; durable when it returns.
    ///
    /// # Errors
    /// What the store says: [`StateError::Full`] when the disk is full.
    pub async fn apply(&self, changes: Vec<StateChange>) -> Result<(), StateError> {
        self.store.apply(&self.seal_all(&changes)).await
    }

    /// [`SealedState::apply`] if all that was `seen` still stands, in one step; gives whether it did.
    ///
    /// # Errors
    /// As there.
    pub async fn apply_if(&self, seen: &[Seen], changes: &[StateChange]) -> Result<bool, StateError> {
        self.store.apply_if(seen, &self.seal_all(changes)).await
    }

    fn seal_all(&self, changes: &[StateChange]) -> Vec<Change> {
        changes.iter().map(|change| self.seal(change)).collect()
    }

    fn seal(&self, change: &StateChange) -> Change {
        match change {
            StateChange::Put { table, key, value } => {
                let stored = self.stored_key(*table, key);
                let mut plain = Writer::with_capacity(4 + key.len() + value.len());
                plain.bytes(key);
                plain.fixed(value);
                let plain = Zeroizing::new(plain.into_bytes());
                let object = object_of(*table, &stored);
                let salt = make_bytes(&mut SystemRandom);
                Change::Put(*table, stored, wrap::seal(&self.wrap_key, &context_of(&object), &plain, salt))
            }
            StateChange::Delete { table, key } => Change::Delete(*table, self.stored_key(*table, key)),
            StateChange::Clear { table } => Change::Clear(*table),
        }
    }

    fn open_entry(&self, table: Table, stored: &StoredKey, sealed: &[u8]) -> Result<StateEntry, StateError> {
        let object = object_of(table, stored);
        let plain = wrap::open(&self.wrap_key, &context_of(&object), sealed)?;
        let mut input = Reader::new(plain.expose_bytes());
        let key = input.bytes(plain.expose_bytes().len())?.to_vec();
        let value = input.take(input.remaining())?.to_vec();
        Ok((key, Zeroizing::new(value)))
    }

    fn stored_key(&self, table: Table, key: &[u8]) -> StoredKey {
        let mut stored = StoredKey([0; 32]);
        hash_into(|| blake3::Hasher::new_keyed(&self.hash_key), &[&[table.number()], key], &mut stored.0);
        stored
    }
}

/// Writes the hash of `parts` to `out`. They, or the key, are secret, and its end keeps copies of them on the stack.
fn hash_into(begin: impl FnOnce() -> blake3::Hasher, parts: &[&[u8]], out: &mut [u8; 32]) {
    swept::<SHALLOW, _>(|| {
        let mut hasher = begin();
        for part in parts {
            hasher.update(part);
        }
        let mut hash = hasher.finalize();
        out.copy_from_slice(hash.as_bytes());
        hash.zeroize();
        hasher.zeroize();
    });
}

fn object_of(table: Table, stored: &StoredKey) -> [u8; 33] {
    let mut object = [table.number(); 33];
    object[1..].copy_from_slice(&stored.0);
    object
}

const fn context_of(object: &[u8; 33]) -> WrapContext<'_> {
    WrapContext { label: Label::WrapLocalState, realm: &NO_REALM, owner: &NO_ACCOUNT, object, version: 0 }
}

impl From<Rejected> for StateError {
    fn from(_: Rejected) -> Self {
        Self::Corrupt
    }
}

impl From<DecodeError> for StateError {
    fn from(_: DecodeError) -> Self {
        Self::Corrupt
    }
}
