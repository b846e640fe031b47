//! A [`LocalState`] without a disk.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anonicloud_client::state::{Change, LocalState, Seen, StateError, StoredKey, Table};

type Entries = BTreeMap<(Table, StoredKey), Vec<u8>>;

/// A store that clones share, as processes share a file.
#[derive(Debug, Clone, Default)]
pub struct MemoryState(Arc<Mutex<Entries>>);

impl MemoryState {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LocalState for MemoryState {
    async fn read(&self, table: Table, key: &StoredKey) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.entries().get(&(table, *key)).cloned())
    }

    async fn scan(&self, table: Table) -> Result<Vec<(StoredKey, Vec<u8>)>, StateError> {
        let entries = self.entries();
        let of_table = entries.iter().filter(|((of, _), _)| *of == table);
        Ok(of_table.map(|((_, key), value)| (*key, value.clone())).collect())
    }

    async fn apply_if(&self, seen: &[Seen], changes: &[Change]) -> Result<bool, StateError> {
        let mut entries = self.entries();
        if seen.iter().any(|seen| entries.get(&(seen.table, seen.key)) != seen.value.as_ref()) {
            return Ok(false);
        }
        for change in changes {
            match change {
                Change::Put(table, key, value) => {
                    entries.insert((*table, *key), value.clone());
                }
                Change::Delete(table, key) => {
                    entries.remove(&(*table, *key));
                }
                Change::Clear(table) => entries.retain(|(of, _), _| of != table),
                // A change that a later version adds is none that this one can make.
                _ => return Err(StateError::Newer),
            }
        }
        Ok(true)
    }
}
