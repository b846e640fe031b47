//! Logins and challenges that wait for their second message: in memory, once, for a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anonicloud_proto::api::ErrorCode;

use crate::clock::Clock;
use crate::random::random;

/// How long one waits.
const LIFE: Duration = Duration::from_mins(1);
/// How many may wait.
const MOST: usize = 1 << 16;

/// What waits, each under 32 random bytes.
#[derive(Debug)]
pub(super) struct Pending<T> {
    clock: Arc<dyn Clock>,
    table: Mutex<HashMap<[u8; 32], (Instant, T)>>,
}

impl<T> Pending<T> {
    /// Nothing waits.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, table: Mutex::default() }
    }

    /// Keeps `value` for a minute and gives the bytes that name it, or refuses when too many wait.
    pub(super) fn keep(&self, value: T) -> Result<[u8; 32], ErrorCode> {
        if self.lock().len() >= MOST {
            self.purge();
        }
        let mut table = self.lock();
        if table.len() >= MOST {
            return Err(ErrorCode::TooManyRequests);
        }
        let name = random();
        table.insert(name, (self.clock.now(), value));
        Ok(name)
    }

    /// Gives what these bytes name, once.
    pub(super) fn take(&self, name: &[u8]) -> Option<T> {
        let (since, value) = self.lock().remove(name)?;
        let age = self.clock.now().saturating_duration_since(since);
        (age < LIFE).then_some(value)
    }

    /// Forgets what has waited too long.
    pub(super) fn purge(&self) {
        let now = self.clock.now();
        self.lock().retain(|_, (since, _)| now.saturating_duration_since(*since) < LIFE);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], (Instant, T)>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::manual::ManualClock;

    #[test]
    fn what_waits_is_given_once_and_within_a_minute() {
        let clock = Arc::new(ManualClock::new());
        let pending = Pending::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let (first, second) = (pending.keep('a').unwrap(), pending.keep('b').unwrap());
        clock.pass_seconds(59);
        assert_eq!(pending.take(&first), Some('a'));
        assert_eq!(pending.take(&first), None);
        assert_eq!(pending.take(&[0; 31]), None);
        clock.pass_seconds(1);
        assert_eq!(pending.take(&second), None);
    }

    #[test]
    fn too_many_are_refused_until_the_old_ones_are_over() {
        let clock = Arc::new(ManualClock::new());
        let pending = Pending::new(Arc::clone(&clock) as Arc<dyn Clock>);
        for _ in 0..MOST {
            pending.keep(()).unwrap();
        }
        assert_eq!(pending.keep(()), Err(ErrorCode::TooManyRequests));
        clock.pass_seconds(60);
        assert!(pending.keep(()).is_ok());
        assert_eq!(pending.lock().len(), 1);
    }
}
