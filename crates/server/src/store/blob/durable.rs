//! What is known to be durable, so that nothing is synced twice, and folders that are synced once for many entries.

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fs_err::File;

use crate::store::ObjectId;

/// Lengths that are remembered; beyond that they are forgotten, and synced again when they are asked for.
const MOST: usize = 1 << 14;

/// The lengths of half-written objects that are known to be durable.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    lengths: HashMap<ObjectId, u64>,
    writing: HashSet<ObjectId>,
    /// Counts the writers so far.
    writers: u64,
}

/// An object that is being written, of which nothing is known meanwhile.
#[derive(Debug)]
pub(super) struct Writing {
    lengths: Arc<Lengths>,
    object: ObjectId,
}

/// A length that is not known to be durable.
#[derive(Debug)]
pub(super) struct Unknown {
    object: ObjectId,
    len: u64,
    writers: u64,
}

impl Lengths {
    /// Forgets an object until what this gives is dropped.
    pub(super) fn begin(self: &Arc<Self>, object: ObjectId) -> Writing {
        let mut table = self.lock();
        table.writers += 1;
        table.writing.insert(object);
        table.lengths.remove(&object);
        Writing { lengths: Arc::clone(self), object }
    }

    /// `None` if so many bytes of the object are known to be durable; else what [`Self::keep`] takes once they are.
    pub(super) fn unknown(&self, object: ObjectId, len: u64) -> Option<Unknown> {
        let table = self.lock();
        let is_known = table.lengths.get(&object) == Some(&len);
        (!is_known).then_some(Unknown { object, len, writers: table.writers })
    }

    /// Remembers a length whose bytes, and whose entry in its folder, were synced since it was asked for.
    pub(super) fn keep(&self, synced: &Unknown) {
        let mut table = self.lock();
        // A writer that came since the length was read may have put other bytes there.
        if table.writers == synced.writers && !table.writing.contains(&synced.object) {
            if table.lengths.len() >= MOST {
                table.lengths.clear();
            }
            table.lengths.insert(synced.object, synced.len);
        }
    }

    /// Forgets an object that is removed.
    pub(super) fn forget(&self, object: ObjectId) {
        self.lock().lengths.remove(&object);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.lengths.lock().writing.remove(&self.object);
    }
}

/// Syncs a folder for all who ask while an earlier sync runs at once.
#[derive(Debug, Default)]
pub(super) struct FolderSync {
    asked: AtomicU64,
    /// How many of those who asked had their entries when the newest sync began.
    served: Mutex<u64>,
}

impl FolderSync {
    /// Makes the entries durable that the folder has now.
    pub(super) fn sync(&self, folder: &Path) -> io::Result<()> {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        if *served >= mine {
            return Ok(());
        }
        let all = self.asked.load(Ordering::SeqCst);
        File::open(folder)?.sync_all()?;
        *served = all;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_synced_once_until_somebody_writes() {
        let lengths = Arc::new(Lengths::default());
        let object = ObjectId::from_bytes([1; 16]);
        let is_known = |len| lengths.unknown(object, len).is_none();
        let sync = |len| lengths.keep(&lengths.unknown(object, len).unwrap());
        sync(5);
        assert!(is_known(5) && !is_known(6));
        sync(6);
        assert!(is_known(6));
        let writing = lengths.begin(object);
        sync(6);
        assert!(!is_known(6));
        drop(writing);
        sync(6);
        assert!(is_known(6));
        // Written while it was synced: the same length says nothing of the bytes.
        let asked = lengths.unknown(object, 7).unwrap();
        drop(lengths.begin(object));
        lengths.keep(&asked);
        assert!(!is_known(7));
        sync(7);
        lengths.forget(object);
        assert!(!is_known(7));
    }

    #[test]
    fn one_sync_of_a_folder_serves_all_who_asked_before_it_began() {
        let folder = tempfile::tempdir().unwrap();
        let sync = FolderSync::default();
        sync.sync(folder.path()).unwrap();
        // Two more wait behind this lock.
        let served = sync.served.lock().unwrap();
        std::thread::scope(|scope| {
            let waiting = [(); 2].map(|()| scope.spawn(|| sync.sync(folder.path())));
            while sync.asked.load(Ordering::SeqCst) < 3 {
                std::thread::yield_now();
            }
            drop(served);
            for thread in waiting {
                thread.join().unwrap().unwrap();
            }
        });
        assert_eq!(*sync.served.lock().unwrap(), 3);
        assert!(sync.sync(Path::new("/nonexistent")).is_err());
    }
}
