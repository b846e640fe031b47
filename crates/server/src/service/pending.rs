//! Logins and challenges that wait for their second message: in memory, once, for a minute.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    table: Mutex<Table<T>>,
}

#[derive(Debug)]
struct Table<T> {
    waiting: HashMap<[u8; 32], (Instant, T)>,
    /// All that wait and some that were taken, the oldest first.
    order: VecDeque<([u8; 32], Instant)>,
}

impl<T> Pending<T> {
    /// Nothing waits.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, table: Mutex::new(Table { waiting: HashMap::new(), order: VecDeque::new() }) }
    }

    /// Keeps `value` for a minute and gives the bytes that name it. When too many wait, the oldest is forgotten: who is
    /// honest comes back within seconds, and who floods the table does not.
    pub(super) fn keep(&self, value: T) -> [u8; 32] {
        let (name, now) = (random(), self.clock.now());
        let mut table = self.lock();
        table.forget_over(now);
        if table.order.len() >= MOST {
            table.forget_oldest();
        }
        table.waiting.insert(name, (now, value));
        table.order.push_back((name, now));
        name
    }

    /// Gives what these bytes name, once.
    pub(super) fn take(&self, name: &[u8]) -> Option<T> {
        let (since, value) = self.lock().waiting.remove(name)?;
        let age = self.clock.now().saturating_duration_since(since);
        (age < LIFE).then_some(value)
    }

    /// Forgets what has waited too long.
    pub(super) fn purge(&self) {
        self.lock().forget_over(self.clock.now());
    }

    fn lock(&self) -> MutexGuard<'_, Table<T>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Table<T> {
    /// Each is forgotten once, so that this costs as much as was kept since the last time.
    fn forget_over(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(_, since)| now.saturating_duration_since(*since) >= LIFE) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((name, _)) = self.order.pop_front() {
            self.waiting.remove(&name);
        }
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
        let (first, second) = (pending.keep('a'), pending.keep('b'));
        clock.pass_seconds(59);
        assert_eq!(pending.take(&first), Some('a'));
        assert_eq!(pending.take(&first), None);
        assert_eq!(pending.take(&[0; 31]), None);
        clock.pass_seconds(1);
        assert_eq!(pending.take(&second), None);
    }

    #[test]
    fn of_too_many_the_oldest_is_forgotten() {
        let clock = Arc::new(ManualClock::new());
        let pending = Pending::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let (oldest, second) = (pending.keep(0), pending.keep(0));
        for _ in 2..MOST {
            pending.keep(1);
        }
        let newest = pending.keep(2);
        assert_eq!(pending.take(&oldest), None);
        assert_eq!((pending.take(&second), pending.take(&newest)), (Some(0), Some(2)));
        clock.pass_seconds(60);
        pending.keep(3);
        let table = pending.lock();
        assert_eq!((table.waiting.len(), table.order.len()), (1, 1));
    }
}
