//! Time, as an argument: the day, and a monotonic instant for short timers.

use core::fmt::Debug;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::store::Day;

const SECONDS_PER_DAY: u64 = 86_400;

/// Tells the time.
pub(crate) trait Clock: Send + Sync + Debug {
    /// Today, in UTC.
    fn today(&self) -> Day;

    /// Now, to measure what stays in memory.
    fn now(&self) -> Instant;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else takes")]
    fn today(&self) -> Day {
        day_of(SystemTime::now())
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// The day of a file time.
pub(crate) fn day_of(time: SystemTime) -> Day {
    let since = time.duration_since(UNIX_EPOCH);
    let days = since.map_or(0, |elapsed| elapsed.as_secs() / SECONDS_PER_DAY);
    Day(u32::try_from(days).unwrap_or(u32::MAX))
}

/// Midnight at which a day begins, for file times.
pub(crate) fn midnight(day: Day) -> SystemTime {
    UNIX_EPOCH + std::time::Duration::from_secs(u64::from(day.0) * SECONDS_PER_DAY)
}

#[cfg(test)]
pub(crate) mod manual {
    //! A clock that a test sets.

    use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
    use std::time::Duration;

    use super::{Clock, Day, Instant};

    /// Starts at day 20,000 and moves when told.
    #[derive(Debug)]
    pub(crate) struct ManualClock {
        start: Instant,
        day: AtomicU32,
        seconds: AtomicU64,
    }

    impl ManualClock {
        /// A clock at its start.
        pub(crate) fn new() -> Self {
            Self { start: Instant::now(), day: AtomicU32::new(20_000), seconds: AtomicU64::new(0) }
        }

        /// Lets days pass.
        pub(crate) fn pass_days(&self, days: u32) {
            self.day.fetch_add(days, Ordering::Relaxed);
        }

        /// Lets seconds pass.
        pub(crate) fn pass_seconds(&self, seconds: u64) {
            self.seconds.fetch_add(seconds, Ordering::Relaxed);
        }
    }

    impl Clock for ManualClock {
        fn today(&self) -> Day {
            Day(self.day.load(Ordering::Relaxed))
        }

        fn now(&self) -> Instant {
            self.start + Duration::from_secs(self.seconds.load(Ordering::Relaxed))
        }
    }
}
