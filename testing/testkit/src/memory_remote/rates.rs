//! How fast requests may come.

use std::collections::BTreeMap;
use std::time::Duration;

use anonicloud_client::clock::Clock as _;
use anonicloud_proto::capability::Right;
use anonicloud_proto::ids::{AccountId, DeviceId, SpaceId};

use crate::clock::FakeClock;

/// Requests at once.
const BURST: u32 = 1 << 14;
/// How long it takes until there is another.
const REFILL: Duration = Duration::from_micros(3906);
/// When to come again.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Whose requests are counted together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rated {
    Account(AccountId),
    Device(AccountId, DeviceId),
    Capability(SpaceId, Right),
}

/// When all requests of each are there again.
pub(super) struct Rates {
    clock: FakeClock,
    full_at: BTreeMap<Rated, Duration>,
}

impl Rates {
    /// Nothing came yet.
    pub(super) fn new(clock: &FakeClock) -> Self {
        Self { clock: clock.clone(), full_at: BTreeMap::new() }
    }

    /// Counts a request; whether it did not come too fast.
    pub(super) fn take(&mut self, owner: Rated) -> bool {
        let now = self.clock.now();
        let before = self.full_at.entry(owner).or_insert(now);
        let full_at = now.max(*before) + REFILL;
        let has_room = full_at.saturating_sub(now) <= REFILL * BURST;
        if has_room {
            *before = full_at;
        }
        has_room
    }
}
