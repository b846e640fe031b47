//! How often something may be tried for an account: a few times at once, and then once a minute; from the sixth time on
//! with a puzzle that is solved first. In memory only.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::ids::AccountId;

use super::vouchers::{LIFE, Name};
use crate::clock::Clock;

/// Tries at once.
const BURST: u32 = 10;
/// How long it takes until there is another.
const REFILL: Duration = Duration::from_mins(1);
/// Tries that need no puzzle.
const FREE: u32 = 5;
/// Zero bits of the first puzzle, how many more each further try needs, and the most.
const LEAST_BITS: u32 = 14;
const MORE_BITS: u32 = 2;
const MOST_BITS: u32 = 22;
/// Puzzles that may be used within their life; more are refused.
const SPENT: usize = 32;
/// Handles without an account that are remembered, to look as the others do; of more, the one whose first try is
/// longest ago has all its tries again. Accounts are all remembered: there are only so many.
const MOST_UNKNOWN: usize = 1 << 16;

/// A puzzle that was solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Solved {
    pub(super) name: Name,
    pub(super) bits: u32,
}

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
    /// Puzzles that were used, the oldest first.
    spent: VecDeque<(Instant, Name)>,
}

impl Tries {
    /// Nothing was tried.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let [known, unknown] = [usize::MAX, MOST_UNKNOWN].map(|most| Mutex::new(Table::new(most)));
        Self { clock, known, unknown }
    }

    /// How hard a puzzle the next try needs; 0 for none.
    pub(super) fn bits(&self, account: AccountId, is_there: bool) -> u32 {
        let now = self.clock.now();
        let mut table = lock(self.table(is_there));
        table.buckets.get_mut(&account).map_or(0, |bucket| {
            bucket.refill(now);
            bucket.bits()
        })
    }

    /// Takes a try for an account that is there or for one that only seems to be, or refuses when none is left, or when it
    /// needs a puzzle that is harder than the one that was solved, or new.
    pub(super) fn take(&self, account: AccountId, is_there: bool, solved: Option<Solved>) -> Result<(), ErrorCode> {
        lock(self.table(is_there)).take(account, solved, self.clock.now())
    }

    const fn table(&self, is_there: bool) -> &Mutex<Table> {
        if is_there { &self.known } else { &self.unknown }
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

    fn take(&mut self, account: AccountId, solved: Option<Solved>, now: Instant) -> Result<(), ErrorCode> {
        if !self.buckets.contains_key(&account) {
            if self.order.len() >= self.most
                && let Some(oldest) = self.order.pop_front()
            {
                self.buckets.remove(&oldest);
            }
            self.order.push_back(account);
        }
        let bucket = self.buckets.entry(account).or_insert_with(|| Bucket::new(now));
        bucket.refill(now);
        if bucket.used >= BURST {
            return Err(ErrorCode::TooManyRequests);
        }
        let bits = bucket.bits();
        if bits > 0 {
            let solved = solved.filter(|solved| solved.bits >= bits).ok_or(ErrorCode::PuzzleRequired)?;
            bucket.spend(solved.name, now)?;
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
    const fn new(now: Instant) -> Self {
        Self { used: 0, since: now, spent: VecDeque::new() }
    }

    /// How hard a puzzle the next try needs; 0 for none.
    fn bits(&self) -> u32 {
        let over = self.used.checked_sub(FREE);
        over.map_or(0, |over| MOST_BITS.min(LEAST_BITS + over * MORE_BITS))
    }

    /// Uses a puzzle, which is good once. The bucket lives longer than what it must remember: a puzzle is needed only where
    /// several tries have to come back first.
    fn spend(&mut self, name: Name, now: Instant) -> Result<(), ErrorCode> {
        let over = LIFE + Duration::from_secs(1);
        while self.spent.front().is_some_and(|(used, _)| now.saturating_duration_since(*used) >= over) {
            self.spent.pop_front();
        }
        if self.spent.iter().any(|(_, other)| *other == name) {
            return Err(ErrorCode::PuzzleRequired);
        }
        if self.spent.len() >= SPENT {
            return Err(ErrorCode::TooManyRequests);
        }
        self.spent.push_back((now, name));
        Ok(())
    }

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

    /// With a puzzle of its own that is hard enough.
    fn take(tries: &Tries, account: AccountId, is_there: bool) -> Result<(), ErrorCode> {
        let solved = Solved { name: crate::random::random(), bits: MOST_BITS };
        tries.take(account, is_there, Some(solved))
    }

    #[test]
    fn the_sixth_try_needs_a_puzzle_and_each_further_one_a_harder_one() {
        for is_there in [true, false] {
            let clock = Arc::new(ManualClock::new());
            let tries = Tries::new(Arc::clone(&clock) as Arc<dyn Clock>);
            for _ in 0..5 {
                assert_eq!(tries.bits(ONE, is_there), 0);
                tries.take(ONE, is_there, None).unwrap();
            }
            for (number, bits) in [14, 16, 18, 20, 22].into_iter().enumerate() {
                assert_eq!(tries.bits(ONE, is_there), bits);
                let name = [u8::try_from(number).unwrap(); 12];
                let refused = |solved| assert_eq!(tries.take(ONE, is_there, solved), Err(ErrorCode::PuzzleRequired));
                refused(None);
                refused(Some(Solved { name, bits: bits - 1 }));
                if number > 0 {
                    refused(Some(Solved { name: [0; 12], bits }));
                }
                tries.take(ONE, is_there, Some(Solved { name, bits })).unwrap();
            }
            assert_eq!(tries.bits(ONE, is_there), MOST_BITS);
            assert_eq!(tries.bits(OTHER, is_there), 0);
            clock.pass_seconds(360);
            assert_eq!(tries.bits(ONE, is_there), 0);
        }
    }

    #[test]
    fn who_has_the_password_uses_no_more_puzzles_than_are_remembered() {
        let clock = Arc::new(ManualClock::new());
        let tries = Tries::new(Arc::clone(&clock) as Arc<dyn Clock>);
        for _ in 0..FREE {
            tries.take(ONE, true, None).unwrap();
        }
        for _ in 0..SPENT {
            take(&tries, ONE, true).unwrap();
            tries.give_back(ONE);
        }
        assert_eq!(take(&tries, ONE, true), Err(ErrorCode::TooManyRequests));
        assert_eq!(lock(&tries.known).buckets[&ONE].spent.len(), SPENT);
        clock.pass_seconds(61);
        tries.take(ONE, true, None).unwrap();
        take(&tries, ONE, true).unwrap();
        assert_eq!(lock(&tries.known).buckets[&ONE].spent.len(), 1);
    }

    #[test]
    fn ten_tries_at_once_and_one_a_minute() {
        for is_there in [true, false] {
            let clock = Arc::new(ManualClock::new());
            let tries = Tries::new(Arc::clone(&clock) as Arc<dyn Clock>);
            for _ in 0..10 {
                take(&tries, ONE, is_there).unwrap();
            }
            assert_eq!(take(&tries, ONE, is_there), Err(ErrorCode::TooManyRequests));
            take(&tries, OTHER, is_there).unwrap();
            clock.pass_seconds(59);
            assert!(take(&tries, ONE, is_there).is_err());
            clock.pass_seconds(1);
            take(&tries, ONE, is_there).unwrap();
            assert!(take(&tries, ONE, is_there).is_err());
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
            take(&tries, ONE, true).unwrap();
        }
        tries.give_back(ONE);
        tries.give_back(OTHER);
        take(&tries, ONE, true).unwrap();
        assert!(take(&tries, ONE, true).is_err());
    }

    #[test]
    fn made_up_handles_give_no_account_its_tries_back_and_are_bounded() {
        let tries = Tries::new(Arc::new(ManualClock::new()));
        for _ in 0..10 {
            take(&tries, ONE, true).unwrap();
        }
        for number in 0..=u32::try_from(MOST_UNKNOWN).unwrap() {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_le_bytes());
            take(&tries, AccountId::from_bytes(id), false).unwrap();
        }
        assert_eq!(take(&tries, ONE, true), Err(ErrorCode::TooManyRequests));
        let unknown = lock(&tries.unknown);
        assert_eq!((unknown.buckets.len(), unknown.order.len()), (MOST_UNKNOWN, MOST_UNKNOWN));
        assert!(!unknown.buckets.contains_key(&AccountId::from_bytes([0; 16])));
    }
}
