//! What tells a client the time and the day; nothing else in it asks the system.

use core::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// A clock. What it tells goes into commits and names; nothing that is to be trusted hangs on it.
pub trait Clock: Debug + Send + Sync {
    /// The time since 1970-01-01, UTC; none when the clock stands before.
    fn now(&self) -> Duration;

    /// Days since 1970-01-01, UTC.
    fn today(&self) -> u32 {
        u32::try_from(self.now().as_secs() / SECONDS_A_DAY).unwrap_or(u32::MAX)
    }

    /// Nanoseconds since 1970.
    fn now_ns(&self) -> i64 {
        i64::try_from(self.now().as_nanos()).unwrap_or(i64::MAX)
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the rest takes as a value")]
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// `day` (since 1970-01-01) as `YYYY-MM-DD` in the Gregorian calendar.
pub(crate) fn date_of(day: u32) -> String {
    // Counted from 0000-03-01, so that the leap day ends a year (Howard Hinnant, "chrono-compatible date algorithms").
    let days = u64::from(day) + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (day, date) in [(0, "1970-01-01"), (59, "1970-03-01"), (19_782, "2024-02-29"), (20_780, "2026-11-23")] {
            assert_eq!(date_of(day), date);
        }
    }
}
