//! Sessions and what waits for a second message, each under 32 bytes that only its owner knows.

use std::collections::BTreeMap;
use std::time::Duration;

use anonicloud_client::clock::Clock as _;
use anonicloud_proto::api::Base64;

use crate::clock::FakeClock;
use crate::random::SeededRandom;

/// A session without a request for this long has ended.
pub(super) const IDLE: Duration = Duration::from_hours(1);
/// How long a challenge or a login waits.
const WAITS: Duration = Duration::from_mins(1);

/// Sessions of owners `K` with what each may do, `V`.
pub(super) struct Sessions<K, V> {
    clock: FakeClock,
    per_owner: usize,
    by_token: BTreeMap<Vec<u8>, Session<K, V>>,
    /// Counts uses, since a clock that stands still tells no order.
    uses: u64,
}

struct Session<K, V> {
    owner: K,
    value: V,
    used_at: Duration,
    use_number: u64,
}

impl<K: Copy + Eq, V: Clone> Sessions<K, V> {
    /// No sessions; each owner may have `per_owner`.
    pub(super) fn new(clock: &FakeClock, per_owner: usize) -> Self {
        Self { clock: clock.clone(), per_owner, by_token: BTreeMap::new(), uses: 0 }
    }

    /// Opens a session and gives its token.
    pub(super) fn open(&mut self, random: &mut SeededRandom, owner: K, value: V) -> Base64 {
        let of_owner = self.by_token.iter().filter(|(_, session)| session.owner == owner);
        let oldest = of_owner.clone().min_by_key(|(_, session)| session.use_number).map(|(token, _)| token.clone());
        if of_owner.count() >= self.per_owner
            && let Some(oldest) = oldest
        {
            self.by_token.remove(&oldest);
        }
        let token = random.bytes(32);
        self.uses += 1;
        let session = Session { owner, value, used_at: self.clock.now(), use_number: self.uses };
        self.by_token.insert(token.clone(), session);
        Base64::new(token)
    }

    /// The owner and the value behind a token, whose session then lives on.
    pub(super) fn find(&mut self, token: &[u8]) -> Option<(K, V)> {
        let now = self.clock.now();
        let session = self.by_token.get_mut(token)?;
        if now.saturating_sub(session.used_at) >= IDLE {
            self.by_token.remove(token);
            return None;
        }
        self.uses += 1;
        (session.used_at, session.use_number) = (now, self.uses);
        Some((session.owner, session.value.clone()))
    }

    /// Changes what a session may do, if it is there.
    pub(super) fn change(&mut self, token: &[u8], change: impl FnOnce(&mut V)) {
        if let Some(session) = self.by_token.get_mut(token) {
            change(&mut session.value);
        }
    }

    /// Ends the session of a token.
    pub(super) fn close(&mut self, token: &[u8]) {
        self.by_token.remove(token);
    }

    /// Ends those sessions of an owner whose value is `ended`.
    pub(super) fn close_where(&mut self, owner: K, ended: impl Fn(&V) -> bool) {
        self.by_token.retain(|_, session| session.owner != owner || !ended(&session.value));
    }
}

/// What waits for its second message, once, for a minute.
pub(super) struct Pending<T> {
    clock: FakeClock,
    by_name: BTreeMap<Vec<u8>, (Duration, T)>,
}

impl<T> Pending<T> {
    /// Nothing waits.
    pub(super) fn new(clock: &FakeClock) -> Self {
        Self { clock: clock.clone(), by_name: BTreeMap::new() }
    }

    /// Keeps `value` and gives the bytes that name it.
    pub(super) fn keep(&mut self, random: &mut SeededRandom, value: T) -> Base64 {
        let name = random.bytes(32);
        self.by_name.insert(name.clone(), (self.clock.now(), value));
        Base64::new(name)
    }

    /// Gives what these bytes name, once.
    pub(super) fn take(&mut self, name: &[u8]) -> Option<T> {
        let (since, value) = self.by_name.remove(name)?;
        (self.clock.now().saturating_sub(since) < WAITS).then_some(value)
    }
}
