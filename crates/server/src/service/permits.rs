//! How many of something are under way, for each owner and in all, so that memory has a bound and nobody has all of it.

use core::fmt::Debug;
use core::hash::Hash;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anonicloud_proto::api::ErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Who waits longer is told to come again.
const WAIT: Duration = Duration::from_secs(30);

/// Permits for owners `K`.
#[derive(Debug)]
pub(crate) struct Permits<K> {
    all: Arc<Semaphore>,
    each: usize,
    owners: Mutex<HashMap<K, Arc<Semaphore>>>,
}

/// Held while it is under way, by every clone.
#[derive(Debug, Clone)]
pub(crate) struct Permit {
    _held: Arc<[OwnedSemaphorePermit; 2]>,
}

impl<K: Copy + Eq + Hash> Permits<K> {
    /// `all` in all, of which an owner has at most `each`.
    pub(crate) fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, owners: Mutex::default() }
    }

    /// Waits for a permit, which is refused when none comes free for a while. Who waits for its own waits in nobody's way.
    pub(crate) async fn acquire(&self, owner: K) -> Result<Permit, ErrorCode> {
        let own = Arc::clone(self.lock().entry(owner).or_insert_with(|| Arc::new(Semaphore::new(self.each))));
        let both = async {
            let own = own.acquire_owned().await.ok()?;
            let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Permit { _held: Arc::new([own, all]) })
        };
        timeout(WAIT, both).await.ok().flatten().ok_or(ErrorCode::Unavailable)
    }

    /// Forgets owners that have nothing under way.
    pub(super) fn purge(&self) {
        // Nobody else holds such a semaphore, and nobody can while the table is locked.
        self.lock().retain(|_, own| Arc::strong_count(own) > 1);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Semaphore>>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_owner_has_its_share_and_who_waits_too_long_is_refused() {
        let permits = Permits::new(3, 2);
        let (first, second) = (permits.acquire('a').await.unwrap(), permits.acquire('a').await.unwrap());
        assert_eq!(permits.acquire('a').await.unwrap_err(), ErrorCode::Unavailable);
        let other = permits.acquire('b').await.unwrap();
        assert_eq!(permits.acquire('c').await.unwrap_err(), ErrorCode::Unavailable);
        let clone = first.clone();
        drop(first);
        assert_eq!(permits.acquire('a').await.unwrap_err(), ErrorCode::Unavailable);
        drop(clone);
        let again = permits.acquire('a').await.unwrap();
        permits.purge();
        assert_eq!(permits.lock().len(), 2);
        drop((second, other, again));
        permits.purge();
        assert!(permits.lock().is_empty());
    }
}
