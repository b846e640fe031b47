//! What a server showed against what this device knew.

use std::io::{self, Write};

use anonicloud_client::halt::{Contradiction, Halt, Loss, Losses, Lost, Sighting};
use data_encoding::BASE64;
use serde::Serialize;

use super::Listed;
use crate::escape;

/// `halt`.
#[derive(Debug, Serialize)]
pub(crate) struct Halted {
    /// Whether this device writes nothing to its space.
    halted: bool,
    /// The oldest first; only the last one may still hold.
    halts: Vec<Contradicted>,
}

/// `halt --accept-loss`.
#[derive(Debug, Serialize)]
pub(crate) struct Accepting {
    #[serde(flatten)]
    halted: Halted,
    #[serde(flatten)]
    lost: LostPaths,
}

/// What this device knew and the server does not have.
#[derive(Debug, Serialize)]
pub(crate) struct LostPaths {
    lost: Vec<LostPath>,
    /// How many more there are.
    lost_unnamed: u64,
}

#[derive(Debug, Serialize)]
struct LostPath {
    /// `missing`, `changed` or `unread`.
    loss: &'static str,
    #[serde(flatten)]
    item: Listed,
    /// The exact name, for people.
    #[serde(skip)]
    name: Vec<u8>,
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

impl Accepting {
    /// What would be accepted.
    pub(crate) fn new(halted: Halted, lost: &Losses) -> Self {
        Self::with(halted, LostPaths::new(lost))
    }

    /// What was accepted.
    pub(crate) const fn with(halted: Halted, lost: LostPaths) -> Self {
        Self { halted, lost }
    }

    /// For a person.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.lost.write(out)?;
        self.halted.write(out)
    }
}

impl LostPaths {
    /// What is told of `losses`.
    pub(crate) fn new(losses: &Losses) -> Self {
        Self { lost: losses.named.iter().map(LostPath::from).collect(), lost_unnamed: losses.more }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.lost.is_empty() {
            return Ok(());
        }
        writeln!(out, "of what this device had read, the server does not have:")?;
        for lost in &self.lost {
            writeln!(out, "  {:<7}  {}", lost.loss, escape::name(&lost.name))?;
        }
        match self.lost_unnamed {
            0 => Ok(()),
            more => writeln!(out, "  and {more} more"),
        }
    }
}

impl From<&Lost> for LostPath {
    fn from(lost: &Lost) -> Self {
        let name = lost.path.to_bytes();
        let loss = match lost.loss {
            Loss::Missing => "missing",
            Loss::Changed => "changed",
            Loss::Unread => "unread",
            _ => "other",
        };
        Self { loss, item: Listed::new(&name, &lost.item), name }
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

    pub(in crate::report) fn accepting() -> Accepting {
        let lost = |name: &[u8], loss| LostPath {
            loss,
            item: Listed { path: escape::name(name), ..super::super::tests::listed() },
            name: name.to_vec(),
        };
        let lost = vec![lost(b"/a", "changed"), lost(b"/b\x1b[2J", "missing"), lost(b"/c", "unread")];
        Accepting { halted: halted(), lost: LostPaths { lost, lost_unnamed: 5 } }
    }

    #[test]
    fn a_person_reads_what_is_lost() {
        let mut text = Vec::new();
        accepting().write(&mut text).unwrap();
        insta::assert_snapshot!("accepting", String::from_utf8(text).unwrap());
    }

    #[test]
    fn a_person_reads_what_was_shown() {
        let mut text = Vec::new();
        halted().write(&mut text).unwrap();
        insta::assert_snapshot!("halted", String::from_utf8(text).unwrap());
    }
}
