//! How a bad disk is just now.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use fuser::Errno;

use crate::content::Generated;

/// Why an operation failed, as the kernel is told.
#[derive(Debug)]
pub(super) struct Failed(pub(super) Errno);

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self(error.raw_os_error().map_or(Errno::EIO, Errno::from_i32))
    }
}

/// Shared by the disk and who changes it.
#[derive(Debug)]
pub(super) struct Mood {
    random: Mutex<Generated>,
    /// Microseconds that an operation usually takes.
    usual: AtomicU64,
    /// Of a thousand operations that change something, those that fail.
    failing: AtomicU32,
    failures: AtomicU32,
}

impl Mood {
    pub(super) const fn new(seed: u64) -> Self {
        let random = Mutex::new(Generated::new(seed, 0));
        Self { random, usual: AtomicU64::new(0), failing: AtomicU32::new(0), failures: AtomicU32::new(0) }
    }

    pub(super) fn slow_down(&self, usual: Duration) {
        self.usual.store(u64::try_from(usual.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    pub(super) fn fail(&self, per_mille: u32) {
        self.failing.store(per_mille, Ordering::SeqCst);
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures.load(Ordering::SeqCst)
    }

    /// Takes as long as an operation takes now.
    pub(super) fn take_time(&self) {
        let usual = self.usual.load(Ordering::SeqCst);
        if usual > 0 {
            thread::sleep(Duration::from_micros(self.below(usual.saturating_mul(2).saturating_add(1))));
        }
    }

    /// Takes its time before a change, which may fail.
    pub(super) fn change(&self) -> Result<(), Failed> {
        self.take_time();
        let failing = self.failing.load(Ordering::SeqCst);
        if failing == 0 || self.below(1000) >= u64::from(failing) {
            return Ok(());
        }
        self.failures.fetch_add(1, Ordering::SeqCst);
        Err(Failed(if self.below(2) == 0 { Errno::EIO } else { Errno::ENOSPC }))
    }

    fn below(&self, bound: u64) -> u64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).below(bound)
    }
}
