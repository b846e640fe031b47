//! `find`: what is below a path and fits a description.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anonicloud_client::clock::{Clock as _, SystemClock};
use anonicloud_client::item::{Item, ItemKind};
use clap::{Args, ValueEnum};
use globset::{GlobBuilder, GlobMatcher};

use super::offline::Offline;
use super::walked::{self, Walked};
use crate::context::Context;
use crate::error::CliError;
use crate::escape;
use crate::paths::RemoteArgument;
use crate::report::Listed;
use crate::units;

/// Find files, folders and links below a path
///
/// One path a line, of all that fits every option. When nothing changed since this device looked last, the server is asked
/// for that alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  anonicloud find /Photos --name '*.jpg'
  anonicloud find --type f --larger 100M --newer 7d
  anonicloud find /Projects --type d --name build --offline
  anonicloud find -0 / --newer 2026-11-01 | xargs -0 -n1 echo")]
pub(crate) struct Arguments {
    /// Path in the cloud
    #[arg(value_name = "PATH", default_value = "/", value_parser = RemoteArgument::parser())]
    path: RemoteArgument,
    /// Name that fits: * any letters, ? one letter, [a-z] one of these, {a,b} either
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    name: Option<GlobMatcher>,
    /// Files, folders or links alone
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    kind: Option<Kind>,
    /// More than this many bytes: 4096, 100K, 20M, 1G; of a folder, all below it
    #[arg(long, value_name = "SIZE", value_parser = size)]
    larger: Option<u64>,
    /// Changed after a day (UTC), as 2026-11-01, or within a time: 30m, 12h, 7d
    #[arg(long, value_name = "WHEN", value_parser = time)]
    newer: Option<i64>,
    /// End each path with NUL instead of a line break, unescaped
    #[arg(long, short = '0', conflicts_with = "json")]
    null: bool,
    #[command(flatten)]
    offline: Offline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Files
    F,
    /// Folders
    D,
    /// Links
    L,
}

impl Arguments {
    pub(super) async fn run(&self, context: &Context) -> Result<(), CliError> {
        let client = self.offline.client(context).await?;
        let (escaped, mut items) = (context.ui.stdout_is_terminal() && !self.null, context.ui.items());
        let show = |Walked { path, item, .. }: Walked<'_>| {
            if !self.fits(item) {
                return Ok(());
            }
            items.item(|| Listed::new(path, item), |out| self.write(out, path, escaped))
        };
        walked::under(&client, &self.path.path, show).await?;
        items.end()
    }

    fn fits(&self, item: &Item) -> bool {
        let name = Path::new(OsStr::from_bytes(&item.name));
        let kind = match self.kind {
            None => true,
            Some(Kind::F) => item.kind == ItemKind::File,
            Some(Kind::D) => item.kind == ItemKind::Directory,
            Some(Kind::L) => item.kind == ItemKind::Symlink,
        };
        kind && self.name.as_ref().is_none_or(|glob| glob.is_match(name))
            && self.larger.is_none_or(|bytes| item.size > bytes)
            && self.newer.is_none_or(|time| item.mtime_ns > time)
    }

    fn write(&self, out: &mut dyn Write, path: &[u8], escaped: bool) -> io::Result<()> {
        if escaped {
            return writeln!(out, "{}", escape::name(path));
        }
        out.write_all(path)?;
        out.write_all(if self.null { b"\0" } else { b"\n" })
    }
}

fn glob(text: &str) -> Result<GlobMatcher, String> {
    let built = GlobBuilder::new(text).backslash_escape(true).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
}

/// Bytes, with K, M, G or T for powers of 1,024.
fn size(text: &str) -> Result<u64, String> {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = text.get(number.len()..).unwrap_or_default().to_ascii_uppercase();
    let unit = match unit.trim_end_matches('B').trim_end_matches('I') {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1 << 40,
        _ => return Err("a size is a number, with K, M, G or T".to_owned()),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    bytes.ok_or_else(|| "a size is a number, with K, M, G or T".to_owned())
}

/// Nanoseconds since 1970 of the end of a day, or of the moment that long ago.
fn time(text: &str) -> Result<i64, String> {
    time_at(text, SystemClock.now_ns())
        .ok_or_else(|| "a time is a day like 2026-11-01, or an age like 30m, 12h or 7d".to_owned())
}

fn time_at(text: &str, now: i64) -> Option<i64> {
    if let Some(day) = units::day_number(text) {
        return day.checked_add(1)?.checked_mul(86_400_000_000_000)?.checked_sub(1);
    }
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let age = i64::from(number.parse::<u32>().ok()?).checked_mul(seconds)?.checked_mul(1_000_000_000)?;
    now.checked_sub(age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_powers_of_1024() {
        for (text, bytes) in [("0", 0), ("4096", 4096), ("100K", 102_400), ("2m", 2 << 20), ("1GiB", 1 << 30)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "K", "-1", "1.5M", "1X", "99999999999T"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_days_or_ages() {
        let now = 1_795_426_200_000_000_000;
        assert_eq!(time_at("90s", now), Some(now - 90_000_000_000));
        assert_eq!(time_at("7d", now), Some(now - 7 * 86_400_000_000_000));
        assert_eq!(time_at("1970-01-01", now), Some(86_400_000_000_000 - 1));
        assert_eq!(units::utc(time_at("2024-02-29", now).unwrap()), "2024-02-29T23:59:59Z");
        for text in ["", "d", "7", "7w", "2026-13-01", "2025-02-29", "yesterday", "ü"] {
            assert_eq!(time_at(text, now), None, "{text}");
        }
    }
}
