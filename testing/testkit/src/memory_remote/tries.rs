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

    /// Takes a try, or refuses when none is left.
    pub(super) fn take(&mut self, account: AccountId) -> Answer<()> {
        let now = self.clock.now();
        let (used, since) = self.used.entry(account).or_insert((0, now));
        while *used > 0 && now.saturating_sub(*since) >= REFILL {
            *used -= 1;
            *since += REFILL;
        }
        if *used == 0 {
            *since = now;
        }
        if *used >= BURST {
            return Err(ErrorCode::TooManyRequests);
        }
        *used += 1;
        Ok(())
    }

    /// Gives back a try that succeeded.
    pub(super) fn give_back(&mut self, account: AccountId) {
        if let Some((used, _)) = self.used.get_mut(&account) {
            *used = used.saturating_sub(1);
        }
    }
}
