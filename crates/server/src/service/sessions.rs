//! Sessions, in memory only: the hash of a bearer token, whose it is, and what it may do.

use core::hash::Hash;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anonicloud_proto::api::Base64;
use anonicloud_proto::hash::ChainHash;

use crate::clock::Clock;
use crate::random::random;

/// A session without a request for this long has ended.
pub(super) const IDLE: Duration = Duration::from_hours(1);

/// Names a session: the hash of its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SessionKey(ChainHash);

impl SessionKey {
    /// The key of the session of this token.
    pub(super) fn of(token: &[u8]) -> Self {
        Self(ChainHash::of(token))
    }
}

/// Sessions of owners `K` with what each may do, `V`.
#[derive(Debug)]
pub(super) struct Sessions<K, V> {
    clock: Arc<dyn Clock>,
    per_owner: usize,
    table: Mutex<Table<K, V>>,
}

#[derive(Debug)]
struct Table<K, V> {
    sessions: HashMap<ChainHash, Session<K, V>>,
    owners: HashMap<K, Vec<ChainHash>>,
}

#[derive(Debug)]
struct Session<K, V> {
    owner: K,
    value: V,
    used: Instant,
}

impl<K: Copy + Eq + Hash, V: Clone> Sessions<K, V> {
    /// A table where each owner has at most `per_owner` sessions.
    pub(super) fn new(clock: Arc<dyn Clock>, per_owner: usize) -> Self {
        let table = Table { sessions: HashMap::new(), owners: HashMap::new() };
        Self { clock, per_owner, table: Mutex::new(table) }
    }

    /// Opens a session and gives its token.
    pub(super) fn open(&self, owner: K, value: V) -> Base64 {
        let token = Base64::new(random::<32>().to_vec());
        let session = Session { owner, value, used: self.clock.now() };
        let mut table = self.lock();
        let tokens = table.owners.get(&owner).map_or(0, Vec::len);
        if tokens >= self.per_owner {
            table.close_oldest(owner);
        }
        let key = ChainHash::of(token.as_bytes());
        table.owners.entry(owner).or_default().push(key);
        table.sessions.insert(key, session);
        token
    }

    /// The owner and the rights behind a token, whose session then lives on.
    pub(super) fn find(&self, token: &[u8]) -> Option<(K, V)> {
        let now = self.clock.now();
        let key = ChainHash::of(token);
        let mut table = self.lock();
        let session = table.sessions.get_mut(&key)?;
        if now.saturating_duration_since(session.used) >= IDLE {
            table.close(key);
            return None;
        }
        session.used = now;
        Some((session.owner, session.value.clone()))
    }

    /// Changes what a session may do, if it is there.
    pub(super) fn change(&self, key: SessionKey, change: impl FnOnce(&mut V)) {
        if let Some(session) = self.lock().sessions.get_mut(&key.0) {
            change(&mut session.value);
        }
    }

    /// Ends the session of a token.
    pub(super) fn close(&self, token: &[u8]) {
        self.lock().close(ChainHash::of(token));
    }

    /// Ends those sessions of an owner whose value is `ended`.
    pub(super) fn close_where(&self, owner: K, ended: impl Fn(&V) -> bool) {
        let mut table = self.lock();
        let tokens = table.owners.get(&owner).cloned().unwrap_or_default();
        for key in tokens {
            if table.sessions.get(&key).is_some_and(|s| ended(&s.value)) {
                table.close(key);
            }
        }
    }

    /// Forgets the sessions that have ended.
    pub(super) fn purge(&self) {
        let now = self.clock.now();
        let mut table = self.lock();
        let ended: Vec<ChainHash> = table
            .sessions
            .iter()
            .filter(|(_, session)| now.saturating_duration_since(session.used) >= IDLE)
            .map(|(key, _)| *key)
            .collect();
        for key in ended {
            table.close(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table<K, V>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash, V> Table<K, V> {
    fn close(&mut self, key: ChainHash) {
        let Some(session) = self.sessions.remove(&key) else {
            return;
        };
        if let Some(tokens) = self.owners.get_mut(&session.owner) {
            tokens.retain(|token| *token != key);
            if tokens.is_empty() {
                self.owners.remove(&session.owner);
            }
        }
    }

    fn close_oldest(&mut self, owner: K) {
        let oldest = self
            .owners
            .get(&owner)
            .into_iter()
            .flatten()
            .min_by_key(|key| self.sessions.get(key).map(|session| session.used))
            .copied();
        if let Some(oldest) = oldest {
            self.close(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::manual::ManualClock;

    #[test]
    fn a_session_lives_an_hour_from_its_last_request() {
        let clock = Arc::new(ManualClock::new());
        let sessions = Sessions::new(Arc::clone(&clock) as Arc<dyn Clock>, 2);
        let token = sessions.open(1, 'a');
        for _ in 0..3 {
            clock.pass_seconds(3599);
            assert_eq!(sessions.find(token.as_bytes()), Some((1, 'a')));
        }
        clock.pass_seconds(3600);
        assert_eq!(sessions.find(token.as_bytes()), None);
        assert!(sessions.lock().owners.is_empty());
    }

    #[test]
    fn the_session_longest_unused_makes_room_and_only_for_its_owner() {
        let clock = Arc::new(ManualClock::new());
        let sessions = Sessions::new(Arc::clone(&clock) as Arc<dyn Clock>, 2);
        let first = sessions.open(1, 'a');
        let other = sessions.open(2, 'x');
        clock.pass_seconds(1);
        let second = sessions.open(1, 'b');
        clock.pass_seconds(1);
        assert!(sessions.find(first.as_bytes()).is_some());
        let third = sessions.open(1, 'c');
        assert_eq!(sessions.find(second.as_bytes()), None);
        for token in [&first, &third, &other] {
            assert!(sessions.find(token.as_bytes()).is_some());
        }
    }

    #[test]
    fn sessions_end_by_logout_by_device_and_by_purge() {
        let clock = Arc::new(ManualClock::new());
        let sessions = Sessions::new(Arc::clone(&clock) as Arc<dyn Clock>, 8);
        let (a, b, c) = (sessions.open(1, 'a'), sessions.open(1, 'b'), sessions.open(1, 'c'));
        sessions.close(a.as_bytes());
        sessions.close_where(1, |value| *value == 'b');
        assert_eq!(sessions.find(a.as_bytes()), None);
        assert_eq!(sessions.find(b.as_bytes()), None);
        assert_eq!(sessions.find(c.as_bytes()), Some((1, 'c')));
        clock.pass_seconds(3600);
        sessions.purge();
        assert!(sessions.lock().sessions.is_empty());
    }
}
