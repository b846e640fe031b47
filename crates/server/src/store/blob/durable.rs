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

impl Lengths {
    /// Forgets an object until what this gives is dropped.
    pub(super) fn begin(self: &Arc<Self>, object: ObjectId) -> Writing {
        let mut table = self.lock();
        table.writers += 1;
        table.writing.insert(object);
        table.lengths.remove(&object);
        Writing { lengths: Arc::clone(self), object }
    }

    /// Runs `sync` unless so many bytes of the object are known to be durable.
    pub(super) fn ensure(&self, object: ObjectId, len: u64, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let writers = {
            let table = self.lock();
            if table.lengths.get(&object) == Some(&len) {
                return Ok(());
            }
            table.writers
        };
        sync()?;
        let mut table = self.lock();
        // A writer that came since the length was read may have put other bytes there.
        if table.writers == writers && !table.writing.contains(&object) {
            if table.lengths.len() >= MOST {
                table.lengths.clear();
            }
            table.lengths.insert(object, len);
        }
        Ok(())
    }

    /// Forgets an object that is removed.
    pub(super) fn forget(&self, object: ObjectId) {
        self.lock().lengths.remove(&object);
    }

    /// Forgets all lengths, since something of them is not durable.
    pub(super) fn forget_all(&self) {
        self.lock().lengths.clear();
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
    use core::cell::Cell;

    #[test]
    fn a_length_is_synced_once_until_somebody_writes() {
        let lengths = Arc::new(Lengths::default());
        let object = ObjectId::from_bytes([1; 16]);
        let syncs = Cell::new(0);
        let ensure = |len| {
            let sync = || {
                syncs.set(syncs.get() + 1);
                Ok(())
            };
            lengths.ensure(object, len, sync).unwrap();
            syncs.get()
        };
        assert_eq!([ensure(5), ensure(5), ensure(6), ensure(6)], [1, 1, 2, 2]);
        let writing = lengths.begin(object);
        assert_eq!([ensure(6), ensure(6)], [3, 4]);
        drop(writing);
        assert_eq!([ensure(6), ensure(6)], [5, 5]);
        // Written while it was synced: the same length says nothing of the bytes.
        let sync = || {
            drop(lengths.begin(object));
            Ok(())
        };
        lengths.ensure(object, 7, sync).unwrap();
        assert_eq!(ensure(7), 6);
        lengths.forget(object);
        assert_eq!(ensure(7), 7);
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
