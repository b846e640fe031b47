//! How fast requests of one session's owner may come: many at once, and then so many a second. In memory only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anonicloud_proto::capability::Right;
use anonicloud_proto::ids::{AccountId, DeviceId, SpaceId};

use super::ServiceError;
use crate::clock::Clock;

/// Requests at once.
const BURST: u32 = 1 << 14;
/// How long it takes until there is another: 256 a second. A client that moves full segments at 1 GB/s makes as many.
const REFILL: Duration = Duration::from_micros(3906);
/// After how long who came too fast should come again; the same for all, and coarse.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Owners that are remembered one by one. Those that come when there are so many share one bucket: nobody's requests are
/// forgotten for another's.
const MOST: usize = 1 << 16;
/// How long a full table is not searched for owners that may be forgotten.
const SEARCH: Duration = Duration::from_secs(1);

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rated {
    Account(AccountId),
    Device(AccountId, DeviceId),
    /// By the strongest right that was proved.
    Capability(SpaceId, Right),
}

/// The buckets.
#[derive(Debug)]
pub(super) struct Rates {
    clock: Arc<dyn Clock>,
    most: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    buckets: HashMap<Rated, Bucket>,
    shared: Option<Bucket>,
    searched: Option<Instant>,
}

/// When all requests are there again.
#[derive(Debug, Clone, Copy)]
struct Bucket(Instant);

impl Rates {
    /// Nothing came yet.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, most: MOST, table: Mutex::default() }
    }

    /// Counts a request, or refuses it when they come too fast.
    pub(super) fn take(&self, owner: Rated) -> Result<(), ServiceError> {
        let now = self.clock.now();
        if self.lock().bucket(owner, self.most, now).take(now) {
            Ok(())
        } else {
            Err(ServiceError::TooFast { retry_after: RETRY_AFTER })
        }
    }

    /// Forgets the owners that have all their requests again.
    pub(super) fn purge(&self) {
        let now = self.clock.now();
        self.lock().forget_full(now);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn bucket(&mut self, owner: Rated, most: usize, now: Instant) -> &mut Bucket {
        if self.buckets.len() >= most && !self.buckets.contains_key(&owner) {
            if self.searched.is_none_or(|before| now.saturating_duration_since(before) >= SEARCH) {
                self.searched = Some(now);
                self.forget_full(now);
            }
            if self.buckets.len() >= most {
                return self.shared.get_or_insert(Bucket(now));
            }
        }
        self.buckets.entry(owner).or_insert(Bucket(now))
    }

    fn forget_full(&mut self, now: Instant) {
        self.buckets.retain(|_, bucket| bucket.0 > now);
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let full_at = self.0.max(now) + REFILL;
        let has_room = full_at.saturating_duration_since(now) <= REFILL * BURST;
        if has_room {
            self.0 = full_at;
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::manual::ManualClock;

    const ONE: Rated = Rated::Account(AccountId::from_bytes([1; 16]));
    const OTHER: Rated = Rated::Capability(SpaceId::from_bytes([1; 32]), Right::Read);

    fn rates(most: usize) -> (Arc<ManualClock>, Rates) {
        let clock = Arc::new(ManualClock::new());
        let rates = Rates { most, ..Rates::new(Arc::clone(&clock) as Arc<dyn Clock>) };
        (clock, rates)
    }

    fn is_too_fast(rates: &Rates, owner: Rated) -> bool {
        matches!(rates.take(owner), Err(ServiceError::TooFast { retry_after: RETRY_AFTER }))
    }

    #[test]
    fn so_many_at_once_and_then_some_a_second() {
        let (clock, rates) = rates(MOST);
        for _ in 0..BURST {
            rates.take(ONE).unwrap();
        }
        assert!(is_too_fast(&rates, ONE));
        rates.take(OTHER).unwrap();
        clock.pass_seconds(1);
        for _ in 0..256 {
            rates.take(ONE).unwrap();
        }
        assert!(is_too_fast(&rates, ONE));
        rates.purge();
        assert_eq!(rates.lock().buckets.len(), 1);
        clock.pass_seconds(64);
        rates.purge();
        assert!(rates.lock().buckets.is_empty());
    }

    #[test]
    fn a_full_table_forgets_nobody_and_lets_the_others_share() {
        let (clock, rates) = rates(1);
        for _ in 0..BURST {
            rates.take(ONE).unwrap();
        }
        for _ in 0..BURST {
            rates.take(OTHER).unwrap();
        }
        assert!(is_too_fast(&rates, ONE) && is_too_fast(&rates, OTHER));
        assert!(is_too_fast(&rates, Rated::Capability(SpaceId::from_bytes([2; 32]), Right::Read)));
        assert_eq!(rates.lock().buckets.len(), 1);
        clock.pass_seconds(65);
        rates.take(OTHER).unwrap();
        assert!(rates.lock().buckets.contains_key(&OTHER));
    }
}
