//! The command line.

use crate::{peers::Kind, units::size};
use clap::{Parser, ValueEnum as _};
use std::{
    fmt::{self, Display, Formatter},
    num::NonZeroU32,
    path::PathBuf,
};

/// What to run; the defaults are the sizes the project's targets are given for.
#[derive(Debug, Parser)]
#[command(
    name = "anonicloud-bench",
    bin_name = "cargo xtask bench",
    about = "Time AnoniCloud beside curl + nginx, rclone crypt and restic on this machine"
)]
pub(crate) struct Arguments {
    /// Size of the large file, such as 1GiB or 64MiB; 0 leaves out the works on it
    #[arg(long, default_value = "1GiB", value_parser = parse_size)]
    pub(crate) size: u64,
    /// How many small files of 4 KiB; 0 leaves out the works on them
    #[arg(long, default_value_t = 10_000)]
    pub(crate) files: u32,
    /// How often everything is run
    #[arg(long, default_value = "3")]
    pub(crate) rounds: NonZeroU32,
    /// Run only these of curl, rclone, restic and anonicloud; or, by itself, load: many clients at once; or size: large
    /// folders, large trees and large files
    #[arg(long, value_delimiter = ',', value_name = "PEER", value_parser = parse_only)]
    pub(crate) only: Vec<Only>,
    /// Of load: how many clients
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) clients: u32,
    /// Of load: how many files each of them sends
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) times: u32,
    /// Of load: how many files the store holds then, one round each
    #[arg(long, value_delimiter = ',', value_name = "FILES", default_value = "1000,10000,100000")]
    pub(crate) stored: Vec<u64>,
    /// Of size: how many entries the large folder has
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) entries: u32,
    /// Of size: how many files the large tree has
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) tree: u32,
    /// Of size: the large file, which is measured beside one of a tenth
    #[arg(long, default_value = "20GiB", value_parser = parse_size)]
    pub(crate) file: u64,
    /// Also write every single measurement to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Work in a temporary folder inside this one, on a real disk [default: the folder of build output]
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
}

impl Arguments {
    /// Who runs, in the order of the runs.
    pub(crate) fn peers(&self) -> Vec<Kind> {
        let is_wanted = |kind: &Kind| self.only.is_empty() || self.only.contains(&Only::Peer(*kind));
        Kind::value_variants().iter().copied().filter(is_wanted).collect()
    }

    /// Whether many clients at once are what is measured.
    pub(crate) fn is_load(&self) -> bool {
        self.only.contains(&Only::Load)
    }

    /// Whether large folders, trees and files are what is measured.
    pub(crate) fn is_size(&self) -> bool {
        self.only.contains(&Only::Size)
    }
}

impl Display for Arguments {
    /// The command that does the same again, up to where it happens and where it is written.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "cargo xtask bench --size {} --files {} --rounds {}",
            size(self.size).replace(" bytes", "").replace(' ', ""),
            self.files,
            self.rounds
        )?;
        let names: Vec<String> = self
            .only
            .iter()
            .filter_map(|only| match only {
                Only::Peer(kind) => kind.to_possible_value(),
                Only::Load | Only::Size => None,
            })
            .map(|value| value.get_name().to_owned())
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        write!(formatter, " --only {}", names.join(","))
    }
}

/// One word of `--only`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Only {
    /// A peer beside the others.
    Peer(Kind),
    /// Many clients at once.
    Load,
    /// Large folders, trees and files.
    Size,
}

fn parse_only(word: &str) -> Result<Only, String> {
    match word {
        "load" => Ok(Only::Load),
        "size" => Ok(Only::Size),
        _ => Kind::from_str(word, false)
            .map(Only::Peer)
            .map_err(|_| "one of curl, rclone, restic, anonicloud, load, size".to_owned()),
    }
}

/// Bytes, or a number with one of the binary units.
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|it: char| !it.is_ascii_digit());
    let unit = text.trim_start_matches(|it: char| it.is_ascii_digit());
    let shift = match unit {
        "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err("a size is a number, alone or with KiB, MiB or GiB".to_owned()),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| "not a number of bytes that fits into 64 bits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_binary_unit() {
        assert_eq!(parse_size("4096"), Ok(4096));
        assert_eq!(parse_size("64MiB"), Ok(64 << 20));
        assert_eq!(parse_size("1GiB"), Ok(1 << 30));
        for refused in ["", "GiB", "1GB", "-1", "1.5GiB", "17179869184GiB"] {
            assert!(parse_size(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn the_command_shown_asks_for_the_same_again() {
        for asked in [
            "cargo xtask bench --size 1GiB --files 10000 --rounds 3",
            "cargo xtask bench --size 1025 --files 0 --rounds 1 --only restic,anonicloud",
        ] {
            let words = asked.split(' ').skip(2);
            assert_eq!(Arguments::parse_from(words).to_string(), asked);
        }
    }

    #[test]
    fn peers_keep_their_order_whatever_the_order_asked_for() {
        let all = Arguments::parse_from(["bench"]).peers();
        assert_eq!(all, Kind::value_variants());
        let some = Arguments::parse_from(["bench", "--only", "restic,curl"]).peers();
        assert_eq!(some, [Kind::Curl, Kind::Restic]);
        let load = Arguments::parse_from(["bench", "--only", "load", "--stored", "1,2"]);
        assert!(load.is_load() && load.stored == [1, 2] && load.peers().is_empty());
        let size = Arguments::parse_from(["bench", "--only", "size", "--file", "1GiB"]);
        assert!(size.is_size() && size.file == 1 << 30 && size.peers().is_empty());
        assert!(Arguments::try_parse_from(["bench", "--only", "nobody"]).is_err());
    }
}
