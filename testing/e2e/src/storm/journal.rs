//! What all parts of a storm share: its clock, what was done so far, and the first failure.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::content::Hash;
use super::oracle::Deed;

/// Shared by the threads of a storm.
pub(super) struct Journal {
    begun: Instant,
    /// Operations that were begun: the clock of the weather.
    operations: AtomicU32,
    /// Devices that have done all of theirs.
    done: AtomicU32,
    pub(super) kills: AtomicU32,
    pub(super) cuts: AtomicU32,
    deeds: Mutex<Vec<Deed>>,
    contents: Mutex<HashMap<Hash, u64>>,
    failure: Mutex<Option<String>>,
}

impl Journal {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            operations: AtomicU32::new(0),
            done: AtomicU32::new(0),
            kills: AtomicU32::new(0),
            cuts: AtomicU32::new(0),
            deeds: Mutex::default(),
            contents: Mutex::default(),
            failure: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    pub(super) fn operation_begins(&self) {
        self.operations.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn operations(&self) -> u32 {
        self.operations.load(Ordering::SeqCst)
    }

    /// A device begins; it is done when this is dropped, however it comes to that.
    pub(super) const fn device_begins(&self) -> Working<'_> {
        Working(self)
    }

    pub(super) fn devices_done(&self) -> u32 {
        self.done.load(Ordering::SeqCst)
    }

    pub(super) fn add(&self, deed: Deed) {
        lock(&self.deeds).push(deed);
    }

    pub(super) fn deeds(&self) -> Vec<Deed> {
        lock(&self.deeds).clone()
    }

    /// Makes a content known before anybody can see it.
    pub(super) fn know(&self, content: Hash, size: u64) {
        lock(&self.contents).insert(content, size);
    }

    /// The size of a content that was put or is about to be.
    pub(super) fn size_of(&self, content: &Hash) -> Option<u64> {
        lock(&self.contents).get(content).copied()
    }

    /// Ends the storm; the first failure is what it is told by.
    pub(super) fn fail(&self, what: String) {
        lock(&self.failure).get_or_insert(what);
    }

    pub(super) fn failure(&self) -> Option<String> {
        lock(&self.failure).clone()
    }
}

/// A device that is not done.
pub(super) struct Working<'a>(&'a Journal);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.done.fetch_add(1, Ordering::SeqCst);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
