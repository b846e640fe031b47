//! Times, permissions and rates as text.

use core::num::{NonZeroU32, NonZeroU64};

use anonicloud_client::remote::RateLimit;

/// Nanoseconds since 1970 as UTC to the second (ISO 8601), for example `2026-11-23T09:30:00Z`.
pub(crate) fn utc(nanoseconds: i64) -> String {
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    let (year, month, day) = civil_date(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

/// `2M`, `500k`, `1000000`: bytes a second, of which a k has 1,024.
pub(crate) fn rate(typed: &str) -> Result<NonZeroU64, String> {
    let (number, unit) = match typed.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (typed.split_at(at).0, 1 << 10),
        Some((at, 'm' | 'M')) => (typed.split_at(at).0, 1 << 20),
        Some((at, 'g' | 'G')) => (typed.split_at(at).0, 1 << 30),
        _ => (typed, 1),
    };
    let is_number = number.bytes().all(|digit| digit.is_ascii_digit());
    let rate = number.parse().ok().filter(|_| is_number).and_then(|number: u64| number.checked_mul(unit));
    rate.filter(|rate| *rate >= RateLimit::LEAST)
        .and_then(NonZeroU64::new)
        .ok_or_else(|| "a rate is bytes a second, as in 500K or 2M, and at least 32K".to_owned())
}

/// `90s`, `15m`, `2h`: seconds, a day of them at most.
pub(crate) fn seconds(typed: &str) -> Result<NonZeroU32, String> {
    let unit = match typed.chars().next_back() {
        Some('s') => Some(1),
        Some('m') => Some(60),
        Some('h') => Some(3_600),
        _ => None,
    };
    let number = typed.get(..typed.len().saturating_sub(1)).unwrap_or_default();
    let number = Some(number).filter(|number| number.bytes().all(|digit| digit.is_ascii_digit()));
    let number = number.and_then(|number| number.parse().ok());
    let seconds = number.zip(unit).and_then(|(number, unit): (u32, u32)| number.checked_mul(unit));
    seconds
        .filter(|seconds| *seconds <= 86_400)
        .and_then(NonZeroU32::new)
        .ok_or_else(|| "a time is a number with s, m or h, as in 15m, and a day at most".to_owned())
}

/// Permission bits as `ls` writes them, for example `rwxr-xr-x`.
pub(crate) fn permissions(mode: u16) -> String {
    (0..9_u16)
        .map(|bit| match (mode & (0o400 >> bit) != 0, bit % 3) {
            (false, _) => '-',
            (true, 0) => 'r',
            (true, 1) => 'w',
            (true, _) => 'x',
        })
        .collect()
}

/// Year, month and day of a day number (0 is 1970-01-01) in the Gregorian calendar.
///
/// Counts in eras of 400 years that begin on the first of March, so that the leap day is the last day of a year
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
const fn civil_date(day_number: i64) -> (i64, i64, i64) {
    let days = day_number + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// The day number of a date as `2026-11-23`; none of a day that the calendar does not have.
pub(crate) fn day_number(text: &str) -> Option<i64> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let parse = |part: &str, len: usize| part.parse::<u16>().ok().filter(|_| part.len() == len).map(i64::from);
    let (year, month, day) = (parse(year, 4)?, parse(month, 2)?, parse(day, 2)?);
    // Years of this reckoning begin with March, as below.
    let year_from_march = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let (era, year_of_era) = (year_from_march.div_euclid(400), year_from_march.rem_euclid(400));
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let number = era * 146_097 + day_of_era - 719_468;
    (civil_date(number) == (year, month, day)).then_some(number)
}

#[cfg(test)]
mod tests {
    use core::num::{NonZeroU32, NonZeroU64};

    use super::{day_number, permissions, rate, seconds, utc};

    #[test]
    fn times_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
            (1_795_426_200_123_456_789, "2026-11-23T09:30:00Z"),
            (i64::MAX, "2262-04-11T23:47:16Z"),
            (i64::MIN, "1677-09-21T00:12:43Z"),
        ];
        for (nanoseconds, text) in cases {
            assert_eq!(utc(nanoseconds), text);
        }
    }

    #[test]
    fn days_are_read_as_they_are_written() {
        for number in (-100_000..100_000).step_by(37) {
            let text = utc(number * 86_400_000_000_000);
            let (date, _) = text.split_once('T').unwrap();
            assert_eq!(day_number(date), Some(number), "{text}");
        }
        for text in ["2026-00-10", "2026-11-31", "1900-02-29", "26-11-01", "2026-1-01", "2026-11", ""] {
            assert_eq!(day_number(text), None, "{text}");
        }
    }

    #[test]
    fn rates_are_numbers_with_a_unit() {
        for (typed, bytes) in [("32k", 32 << 10), ("100000", 100_000), ("2M", 2 << 20), ("1G", 1 << 30)] {
            assert_eq!(rate(typed).map(NonZeroU64::get), Ok(bytes), "{typed}");
        }
        for typed in ["", "M", "0", "31K", "-1M", "+1M", "1.5M", "2 M", "2MB", "99999999999G"] {
            assert!(rate(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn times_of_waiting_are_numbers_with_a_unit() {
        for (typed, expected) in [("1s", 1), ("15m", 900), ("2h", 7_200), ("24h", 86_400), ("86400s", 86_400)] {
            assert_eq!(seconds(typed).map(NonZeroU32::get), Ok(expected), "{typed}");
        }
        for typed in ["", "m", "0s", "15", "25h", "-1m", "+1m", "1.5h", "2 m", "1d", "15\u{e9}", "99999999999s"] {
            assert!(seconds(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn permissions_are_those_of_ls() {
        assert_eq!(permissions(0o754), "rwxr-xr--");
        assert_eq!(permissions(0o7000), "---------");
    }
}
