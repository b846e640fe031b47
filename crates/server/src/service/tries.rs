//! How often something may be tried for an account: a few times at once, and then once a minute. In memory only.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::ids::AccountId;

use crate::clock::Clock;

/// Tries at once.
const BURST: u32 = 10;
/// How long it takes until there is another.
const REFILL: Duration = Duration::from_mins(1);
/// Accounts that are remembered; of more, the one whose first try is longest ago has all its tries again.
const MOST: usize = 1 << 16;

/// The tries that accounts have left. Those that are not there have them all.
#[derive(Debug)]
pub(super) struct Tries {
    clock: Arc<dyn Clock>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    buckets: HashMap<AccountId, Bucket>,
    /// The accounts of the buckets, the oldest first.
    order: VecDeque<AccountId>,
}

#[derive(Debug)]
struct Bucket {
    used: u32,
    /// When the last one was given back, or the first one taken.
    since: Instant,
}

impl Tries {
    /// Nothing was tried.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, table: Mutex::default() }
    }

    /// Takes a try, or refuses when none is left.
    pub(super) fn take(&self, account: AccountId) -> Result<(), ErrorCode> {
        let now = self.clock.now();
        let mut table = self.lock();
        if !table.buckets.contains_key(&account) {
            if table.order.len() >= MOST
                && let Some(oldest) = table.order.pop_front()
            {
                table.buckets.remove(&oldest);
            }
            table.order.push_back(account);
        }
        let bucket = table.buckets.entry(account).or_insert(Bucket { used: 0, since: now });
        bucket.refill(now);
        if bucket.used >= BURST {
            return Err(ErrorCode::TooManyRequests);
        }
        bucket.used += 1;
        Ok(())
    }

    /// Gives back a try that succeeded.
    pub(super) fn give_back(&self, account: AccountId) {
        if let Some(bucket) = self.lock().buckets.get_mut(&account) {
            bucket.used = bucket.used.saturating_sub(1);
        }
    }

    /// Forgets the accounts that have all their tries again.
    pub(super) fn purge(&self) {
        let now = self.clock.now();
        let mut table = self.lock();
        let Table { buckets, order } = &mut *table;
        buckets.retain(|_, bucket| {
            bucket.refill(now);
            bucket.used > 0
        });
        order.retain(|account| buckets.contains_key(account));
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn refill(&mut self, now: Instant) {
        while self.used > 0 && now.saturating_duration_since(self.since) >= REFILL {
            self.used -= 1;
            self.since += REFILL;
        }
        if self.used == 0 {
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::manual::ManualClock;

    const ONE: AccountId = AccountId::from_bytes([1; 16]);
    const OTHER: AccountId = AccountId::from_bytes([2; 16]);

    #[test]
    fn ten_tries_at_once_and_one_a_minute() {
        let clock = Arc::new(ManualClock::new());
        let tries = Tries::new(Arc::clone(&clock) as Arc<dyn Clock>);
        for _ in 0..10 {
            tries.take(ONE).unwrap();
        }
        assert_eq!(tries.take(ONE), Err(ErrorCode::TooManyRequests));
        tries.take(OTHER).unwrap();
        clock.pass_seconds(59);
        assert!(tries.take(ONE).is_err());
        clock.pass_seconds(1);
        tries.take(ONE).unwrap();
        assert!(tries.take(ONE).is_err());
        tries.give_back(ONE);
        tries.take(ONE).unwrap();
        clock.pass_seconds(599);
        tries.purge();
        assert_eq!(tries.lock().order, [ONE]);
        clock.pass_seconds(1);
        tries.purge();
        let table = tries.lock();
        assert!(table.buckets.is_empty() && table.order.is_empty());
    }

    #[test]
    fn of_too_many_accounts_the_oldest_is_forgotten() {
        let tries = Tries::new(Arc::new(ManualClock::new()));
        for number in 0..=u32::try_from(MOST).unwrap() {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_le_bytes());
            tries.take(AccountId::from_bytes(id)).unwrap();
        }
        let table = tries.lock();
        assert_eq!((table.buckets.len(), table.order.len()), (MOST, MOST));
        assert!(!table.buckets.contains_key(&AccountId::from_bytes([0; 16])));
    }
}
