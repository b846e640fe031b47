//! A clock that stands still until a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anonicloud_client::clock::Clock;

/// Seconds of a day.
const DAY: Duration = Duration::from_hours(24);

/// A clock; clones show the same time.
#[derive(Debug, Clone)]
pub struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    /// Shows the first instant of `day`, counted from 1970-01-01.
    ///
    /// # Panics
    /// When the day is more than five centuries away.
    pub fn at_day(day: u32) -> Self {
        let clock = Self(Arc::default());
        clock.pass(DAY * day);
        clock
    }

    /// Lets time pass.
    ///
    /// # Panics
    /// When the time then is more than five centuries away.
    pub fn pass(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).expect("a test lasts a few days");
        self.0.fetch_add(nanoseconds, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }
}
