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
/// Handles without an account that are remembered, to look as the others do; of more, the one whose first try is
/// longest ago has all its tries again. Accounts are all remembered: there are only so many.
const MOST_UNKNOWN: usize = 1 << 16;

/// The tries that accounts have left. Those that are not there have them all.
#[derive(Debug)]
pub(super) struct Tries {
    clock: Arc<dyn Clock>,
    known: Mutex<Table>,
    /// Apart, so that no flood of made-up handles gives an account its tries back.
    unknown: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    most: usize,
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
        let [known, unknown] = [usize::MAX, MOST_UNKNOWN].map(|most| Mutex::new(Table::new(most)));
        Self { clock, known, unknown }
    }

    /// Takes a try for an account that is there or for one that only seems to be, or refuses when none is left.
    pub(super) fn take(&self, account: AccountId, is_there: bool) -> Result<(), ErrorCode> {
        let table = if is_there { &self.known } else { &self.unknown };
        lock(table).take(account, self.clock.now())
    }

    /// Gives an account back a try that succeeded.
    pub(super) fn give_back(&self, account: AccountId) {
        if let Some(bucket) = lock(&self.known).buckets.get_mut(&account) {
            bucket.used = bucket.used.saturating_sub(1);
        }
    }

    /// Forgets the accounts that have all their tries again.
    pub(super) fn purge(&self) {
        let now = self.clock.now();
        for table in [&self.known, &self.unknown] {
            lock(table).purge(now);
        }
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn new(most: usize) -> Self {
        Self { most, buckets: HashMap::new(), order: VecDeque::new() }
    }

    fn take(&mut self, account: AccountId, now: Instant) -> Result<(), ErrorCode> {
        if !self.buckets.contains_key(&account) {
            if self.order.len() >= self.most
                && let Some(oldest) = self.order.pop_front()
            {
                self.buckets.remove(&oldest);
            }
            self.order.push_back(account);
        }
        let bucket = self.buckets.entry(account).or_insert(Bucket { used: 0, since: now });
        bucket.refill(now);
        if bucket.used >= BURST {
            return Err(ErrorCode::TooManyRequests);
        }
        bucket.used += 1;
        Ok(())
    }

    fn purge(&mut self, now: Instant) {
        self.buckets.retain(|_, bucket| {
            bucket.refill(now);
            bucket.used > 0
        });
        self.order.retain(|account| self.buckets.contains_key(account));
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
        for is_there in [true, false] {
            let clock = Arc::new(ManualClock::new());
            let tries = Tries::new(Arc::clone(&clock) as Arc<dyn Clock>);
            for _ in 0..10 {
                tries.take(ONE, is_there).unwrap();
            }
            assert_eq!(tries.take(ONE, is_there), Err(ErrorCode::TooManyRequests));
            tries.take(OTHER, is_there).unwrap();
            clock.pass_seconds(59);
            assert!(tries.take(ONE, is_there).is_err());
            clock.pass_seconds(1);
            tries.take(ONE, is_there).unwrap();
            assert!(tries.take(ONE, is_there).is_err());
            clock.pass_seconds(599);
            tries.purge();
            let table = if is_there { &tries.known } else { &tries.unknown };
            assert_eq!(lock(table).order, [ONE]);
            clock.pass_seconds(1);
            tries.purge();
            assert!(lock(table).buckets.is_empty() && lock(table).order.is_empty());
        }
    }

    #[test]
    fn a_try_that_succeeded_is_given_back() {
        let tries = Tries::new(Arc::new(ManualClock::new()));
        for _ in 0..10 {
            tries.take(ONE, true).unwrap();
        }
        tries.give_back(ONE);
        tries.give_back(OTHER);
        tries.take(ONE, true).unwrap();
        assert!(tries.take(ONE, true).is_err());
    }

    #[test]
    fn made_up_handles_give_no_account_its_tries_back_and_are_bounded() {
        let tries = Tries::new(Arc::new(ManualClock::new()));
        for _ in 0..10 {
            tries.take(ONE, true).unwrap();
        }
        for number in 0..=u32::try_from(MOST_UNKNOWN).unwrap() {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_le_bytes());
            tries.take(AccountId::from_bytes(id), false).unwrap();
        }
        assert_eq!(tries.take(ONE, true), Err(ErrorCode::TooManyRequests));
        let unknown = lock(&tries.unknown);
        assert_eq!((unknown.buckets.len(), unknown.order.len()), (MOST_UNKNOWN, MOST_UNKNOWN));
        assert!(!unknown.buckets.contains_key(&AccountId::from_bytes([0; 16])));
    }
}
