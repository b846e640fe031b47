//! How often a password may be tried.

use std::collections::BTreeMap;
use std::time::Duration;

use anonicloud_client::clock::Clock as _;
use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::ids::AccountId;

use super::Answer;
use crate::clock::FakeClock;

/// Tries at once.
const BURST: u32 = 10;
/// How long it takes until there is another.
const REFILL: Duration = Duration::from_mins(1);
/// Tries that need no puzzle; how hard the first puzzle is, and the hardest.
const FREE: u32 = 5;
const LEAST_BITS: u32 = 14;
const MOST_BITS: u32 = 22;

/// A puzzle that was solved.
pub(super) struct Solved {
    pub(super) puzzle: Vec<u8>,
    pub(super) bits: u32,
}

/// The tries that accounts have used.
pub(super) struct Tries {
    clock: FakeClock,
    used: BTreeMap<AccountId, (u32, Duration)>,
}

impl Tries {
    /// Nothing was tried.
    pub(super) fn new(clock: &FakeClock) -> Self {
        Self { clock: clock.clone(), used: BTreeMap::new() }
    }

    /// How hard a puzzle the next try needs; 0 for none.
    pub(super) fn bits(&mut self, account: AccountId) -> u32 {
        let over = self.used_of(account).checked_sub(FREE);
        over.map_or(0, |over| MOST_BITS.min(LEAST_BITS + 2 * over))
    }

    /// Takes a try, or refuses when none is left or it needs a harder puzzle.
    pub(super) fn take(&mut self, account: AccountId, solved: Option<&Solved>) -> Answer<()> {
        if self.used_of(account) >= BURST {
            return Err(ErrorCode::TooManyRequests);
        }
        let bits = self.bits(account);
        if bits > 0 && solved.is_none_or(|solved| solved.bits < bits) {
            return Err(ErrorCode::PuzzleRequired);
        }
        if let Some((used, _)) = self.used.get_mut(&account) {
            *used += 1;
        }
        Ok(())
    }

    fn used_of(&mut self, account: AccountId) -> u32 {
        let now = self.clock.now();
        let (used, since) = self.used.entry(account).or_insert((0, now));
        while *used > 0 && now.saturating_sub(*since) >= REFILL {
            *used -= 1;
            *since += REFILL;
        }
        if *used == 0 {
            *since = now;
        }
        *used
    }

    /// Gives back a try that succeeded.
    pub(super) fn give_back(&mut self, account: AccountId) {
        if let Some((used, _)) = self.used.get_mut(&account) {
            *used = used.saturating_sub(1);
        }
    }
}
