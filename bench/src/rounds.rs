//! All rounds: each peer's run of a work follows the other peers' run of it, so that a machine that drifts drifts for all.

use crate::{
    arguments::Arguments,
    ceiling::{self, Ceiling, MeasureCeilingError},
    content::{self, FILE, FILES, PART, Source},
    identity::MakeIdentityError,
    measure::{self, MeasureError, Run},
    peers::{DOWN, Kind, Peer, Setup, StartPeerError},
    place::Place,
    ui,
    work::{Direction, Work},
};
use serde::Serialize;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    /// One a round; empty without a large file.
    pub(crate) ceilings: Vec<Ceiling>,
    /// Those that were run, by work and then by peer.
    pub(crate) rows: Vec<Row>,
}

/// All runs of one work by one peer.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) work: Work,
    pub(crate) peer: Kind,
    /// Bytes of the large file, or the number of small files that this peer was given.
    pub(crate) amount: u64,
    /// In the order of the rounds.
    pub(crate) runs: Vec<Run>,
}

/// Memory beside the large file and its copy that a work may fill.
const SPARE_MEMORY: u64 = 512 << 20;

/// Why the rounds were not finished.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunRoundsError {
    #[error(transparent)]
    Furnish(#[from] MakeIdentityError),
    #[error(transparent)]
    Ceiling(#[from] MeasureCeilingError),
    #[error("cannot start {peer:?}")]
    Start {
        peer: Kind,
        #[source]
        source: StartPeerError,
    },
    #[error("{peer:?} failed in {work:?}")]
    Work {
        peer: Kind,
        work: Work,
        #[source]
        source: MeasureError,
    },
    #[error("what {peer:?} fetched is not what it was sent: {}", file.display())]
    Different { peer: Kind, file: PathBuf },
    #[error("cannot use the working folder")]
    Folder(#[from] io::Error),
}

/// Runs every round with fresh servers and empty stores.
///
/// # Errors
/// When a peer fails or brings back something else than it was sent, or the disk fails.
pub(crate) fn run(
    arguments: &Arguments,
    peers: &[Kind],
    place: &Place,
    binaries: &Path,
) -> Result<Outcome, RunRoundsError> {
    ui::step("making what is sent");
    let (source, identity) = place.furnish(arguments)?;
    let works = Work::all(arguments);
    let mut outcome = Outcome { ceilings: Vec::new(), rows: rows(arguments, &works, peers) };
    for number in 1..=arguments.rounds.get() {
        ui::step(&format!("round {number} of {}", arguments.rounds));
        if arguments.size > 0 {
            let ceiling = ceiling::measure(arguments.size, &source, &identity, place)?;
            outcome.ceilings.push(ceiling);
        }
        let folder = place.folder().join("round");
        let round = Round {
            place,
            memory: arguments.size.saturating_mul(2).saturating_add(SPARE_MEMORY),
            source: &source,
            peers: start(peers, |kind| Setup {
                folder: folder.join(format!("{kind:?}")),
                place,
                source: &source,
                identity: &identity,
                binaries,
            })?,
        };
        for work in &works {
            round.work(*work, &mut outcome.rows)?;
        }
        drop(round);
        fs_err::remove_dir_all(folder)?;
    }
    outcome.rows.retain(|row| !row.runs.is_empty());
    Ok(outcome)
}

fn rows(arguments: &Arguments, works: &[Work], peers: &[Kind]) -> Vec<Row> {
    let row = |work: Work, peer: Kind| Row {
        work,
        peer,
        amount: match (work.is_large(), peer.gets_one_part()) {
            (true, _) => arguments.size,
            (false, true) => arguments.files.min(PART).into(),
            (false, false) => arguments.files.into(),
        },
        runs: Vec::new(),
    };
    works.iter().flat_map(|work| peers.iter().map(move |peer| row(*work, *peer))).collect()
}

fn start<'a>(peers: &[Kind], setup: impl Fn(Kind) -> Setup<'a>) -> Result<Vec<Started>, RunRoundsError> {
    let started = |kind: &Kind| {
        let setup = setup(*kind);
        let peer = kind.start(&setup).map_err(|source| RunRoundsError::Start { peer: *kind, source })?;
        Ok(Started { kind: *kind, folder: setup.folder, peer })
    };
    peers.iter().map(started).collect()
}

/// A peer that is up, and its folder.
struct Started {
    kind: Kind,
    folder: PathBuf,
    peer: Box<dyn Peer>,
}

struct Round<'a> {
    place: &'a Place,
    /// Bytes that one work may fill of what is free.
    memory: u64,
    source: &'a Source,
    peers: Vec<Started>,
}

impl Round<'_> {
    /// One work by all peers, one after the other.
    fn work(&self, work: Work, rows: &mut [Row]) -> Result<(), RunRoundsError> {
        if work == Work::ChangedByte {
            self.source.change_byte()?;
        }
        for started in &self.peers {
            let Some(run) = self.measured(work, started)? else {
                continue;
            };
            ui::step(&format!("  {work:?} {:?}: {:.2} s", started.kind, run.seconds));
            let mut rows = rows.iter_mut();
            if let Some(row) = rows.find(|row| row.work == work && row.peer == started.kind) {
                row.runs.push(run);
            }
        }
        Ok(())
    }

    /// One work by one peer, and the proof that it did it: what it fetches afterwards is what was sent.
    fn measured(&self, work: Work, started: &Started) -> Result<Option<Run>, RunRoundsError> {
        let Some(command) = started.peer.command(work) else {
            return Ok(None);
        };
        let failed = |source| RunRoundsError::Work { peer: started.kind, work, source };
        let down = started.folder.join(DOWN);
        fs_err::create_dir_all(&down)?;
        measure::touch_memory(self.memory, self.place).map_err(failed)?;
        self.source.warm()?;
        let run = measure::measure(command, started.peer.service(), self.place).map_err(failed)?;
        let back = match work {
            Work::ChangedByte => started.peer.command(Work::FileDown),
            _ => None,
        };
        if let Some(command) = back {
            measure::run(command, self.place).map_err(failed)?;
        }
        if work.direction() == Direction::Down || work == Work::ChangedByte {
            self.check(work, started, &down)?;
        }
        match work {
            Work::FilesDown => self.place.put_away(&down)?,
            _ => fs_err::remove_dir_all(down)?,
        }
        Ok(Some(run))
    }

    fn check(&self, work: Work, started: &Started, down: &Path) -> Result<(), RunRoundsError> {
        let (expected, actual) = match (work.is_large(), started.kind.gets_one_part()) {
            (true, _) => (self.source.file(), down.join(FILE)),
            (false, true) => (self.source.part(0), down.join(FILES)),
            (false, false) => (self.source.files(), down.join(FILES)),
        };
        match content::first_difference(&expected, &actual)? {
            None => Ok(()),
            Some(file) => Err(RunRoundsError::Different { peer: started.kind, file }),
        }
    }
}
