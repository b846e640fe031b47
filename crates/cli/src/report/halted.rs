//! What a server showed against what this device knew.

use std::io::{self, Write};

use anonicloud_client::halt::{Contradiction, Halt, Sighting};
use data_encoding::BASE64;
use serde::Serialize;

/// `halt`.
#[derive(Debug, Serialize)]
pub(crate) struct Halted {
    /// Whether this device writes nothing to its space.
    halted: bool,
    /// The oldest first; only the last one may still hold.
    halts: Vec<Contradicted>,
}

/// What a server showed once.
#[derive(Debug, Serialize)]
struct Contradicted {
    /// `YYYY-MM-DD`.
    date: String,
    /// `older`, `replaced` or `forked`.
    contradiction: &'static str,
    known: Seen,
    shown: Seen,
    /// Null until somebody accepts the loss.
    accepted: Option<Accepted>,
}

/// A commit.
#[derive(Debug, Serialize)]
struct Seen {
    seq: u64,
    hash: String,
    /// The signed header in base64; of what was known, null when this device did not keep it.
    header: Option<String>,
}

/// What was taken for the newest commit.
#[derive(Debug, Serialize)]
struct Accepted {
    date: String,
    seq: u64,
    hash: String,
}

impl From<Sighting> for Seen {
    fn from(sighting: Sighting) -> Self {
        Self { seq: sighting.seq, hash: sighting.hash, header: sighting.header.map(|header| BASE64.encode(&header)) }
    }
}

impl From<&Halt> for Contradicted {
    fn from(halt: &Halt) -> Self {
        let accepted = halt.accepted();
        Self {
            date: halt.date(),
            contradiction: halt.contradiction().code(),
            known: halt.known().into(),
            shown: halt.shown().into(),
            accepted: accepted.map(|(date, newest)| Accepted { date, seq: newest.seq, hash: newest.hash }),
        }
    }
}

impl Halted {
    /// What the client keeps.
    pub(crate) fn new(halts: &[Halt]) -> Self {
        let halts: Vec<_> = halts.iter().map(Contradicted::from).collect();
        Self { halted: halts.last().is_some_and(|halt| halt.accepted.is_none()), halts }
    }

    /// What a file of evidence holds: the answer for programs.
    pub(crate) fn evidence(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and texts") + "\n"
    }

    /// For a person.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.halts.is_empty() {
            return writeln!(
                out,
                "this device writes as ever: its server never contradicted what it knows of the space"
            );
        }
        for halt in &self.halts {
            halt.write(out)?;
        }
        let now = if self.halted { "this device writes nothing" } else { "this device writes again" };
        writeln!(out, "{now}")
    }
}

impl Contradicted {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let what = if self.contradiction == Contradiction::Older.code() {
            "the server showed an older state than this device knew"
        } else {
            "the server showed another history than this device knew"
        };
        writeln!(out, "{}: {what}", self.date)?;
        writeln!(out, "  known:    change {} ({})", self.known.seq, self.known.hash)?;
        writeln!(out, "  shown:    change {} ({})", self.shown.seq, self.shown.hash)?;
        match &self.accepted {
            Some(newest) => writeln!(out, "  accepted: change {} ({}), on {}", newest.seq, newest.hash, newest.date),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn seen(seq: u64, header: Option<&str>) -> Seen {
        Seen { seq, hash: format!("{seq:064x}"), header: header.map(ToOwned::to_owned) }
    }

    pub(in crate::report) fn halted() -> Halted {
        let date = || "2026-11-30".to_owned();
        let accepted = Accepted { date: date(), seq: 5, hash: "0".repeat(64) };
        let older = Contradicted {
            date: date(),
            contradiction: "older",
            known: seen(7, None),
            shown: seen(5, Some("AAE=")),
            accepted: Some(accepted),
        };
        let forked = Contradicted {
            date: date(),
            contradiction: "forked",
            known: seen(7, Some("AAI=")),
            shown: seen(8, Some("AAE=")),
            accepted: None,
        };
        Halted { halted: true, halts: vec![older, forked] }
    }

    #[test]
    fn a_person_reads_what_was_shown() {
        let mut text = Vec::new();
        halted().write(&mut text).unwrap();
        insta::assert_snapshot!("halted", String::from_utf8(text).unwrap());
    }
}
