//! Whether all that the newest tree holds is there and is what was stored: fetched and verified, kept nowhere.
//!
//! Enters: a path. Leaves: what was looked at, and each path of which something is wrong. Never: content, or a piece that
//! this device kept.

mod file;
mod judge;
mod sample;
mod walk;

use core::cell::{Cell, RefCell};
use std::collections::HashSet;

use anonicloud_core::tree::name::RemotePath;
use tokio::sync::Semaphore;

pub use self::sample::Sample;
use self::sample::{Picker, lost_of, probability_of_showing};
use self::walk::Start;
use crate::client::Client;
use crate::error::OperationError;
use crate::progress::Progress;
use crate::random::SystemRandom;
use crate::remote::Remote;
use crate::state::LocalState;

/// Requests under way at once.
const IN_FLIGHT: usize = 8;

/// What is wrong with something that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Damage {
    /// The server gives other bytes than were stored.
    Altered,
    /// The server says that it has no such bytes.
    Missing,
    /// The server answers, but does not give the bytes.
    Withheld,
    /// The server gives what was stored, but who stored it broke the format.
    Malformed,
}

/// Of what something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// Names in a folder, and so all that is below them.
    Folder,
    /// The description of a file, without which its content cannot be looked at.
    Record,
    /// Content of a file.
    Content,
}

/// Something that is not as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Where.
    pub path: RemotePath,
    /// Of what.
    pub part: Part,
    /// What is wrong.
    pub damage: Damage,
    /// Pieces of which this is so.
    pub pieces: u64,
}

/// What was looked at in part.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Sampled {
    /// Pieces of files in all: of each file its record, and each 4 MiB of content or the rest of it.
    pub population: u64,
    /// Those that were chosen, all equally likely; fewer than were asked for when folders did not come again.
    pub chosen: u64,
    /// The pieces that a loss of 0.1 % takes.
    pub lost: u64,
    /// How likely at least one of so many lost ones is among the chosen.
    pub probability: f64,
}

/// What was looked at.
#[derive(Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CheckReport {
    /// Folders that were read.
    pub folders: u64,
    /// Files that were looked at.
    pub files: u64,
    /// Pieces of files that are as they were stored.
    pub pieces: u64,
    /// Content bytes in them.
    pub bytes: u64,
    /// Set when not everything was read.
    pub sampled: Option<Sampled>,
}

/// What one run of a check shares.
struct Look<'a> {
    progress: &'a dyn Progress,
    found: &'a dyn Fn(&Finding),
    /// What is chosen; all, when nothing chooses.
    picker: Option<RefCell<Picker<SystemRandom>>>,
    requests: Semaphore,
    report: &'a RefCell<CheckReport>,
    /// Of what something was told, of a folder whatever it was: a sample walks over the same twice, and what begins anew meets
    /// all of it again.
    told: RefCell<HashSet<(RemotePath, Part, Option<Damage>)>>,
    /// The sweeps that were known when it began.
    sweeps: u64,
}

impl<'a> Look<'a> {
    fn new(progress: &'a dyn Progress, found: &'a dyn Fn(&Finding), report: &'a RefCell<CheckReport>) -> Self {
        Self {
            progress,
            found,
            picker: None,
            requests: Semaphore::new(IN_FLIGHT),
            report,
            told: RefCell::default(),
            sweeps: 0,
        }
    }

    /// Tells of something, once.
    fn tell(&self, finding: &Finding) {
        let damage = Some(finding.damage).filter(|_| finding.part != Part::Folder);
        if self.told.borrow_mut().insert((finding.path.clone(), finding.part, damage)) {
            (self.found)(finding);
        }
    }

    fn tell_folder(&self, path: RemotePath, damage: Damage) {
        self.tell(&Finding { path, part: Part::Folder, damage, pieces: 1 });
    }
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Fetches all that the newest tree holds at and below `path`, or of its files a `sample`, and verifies it. `found` is told
    /// of each finding; after one the rest is looked at all the same. Nothing but what the server gives now counts. `report`
    /// is filled meanwhile, and counts also when this is stopped. Where something is not there any more and somebody gave back
    /// room meanwhile, all begins anew with the tree that is the newest then.
    ///
    /// Of a whole check `progress` counts files and content bytes, of a sample pieces.
    ///
    /// # Errors
    /// When nothing is at `path`, or the server answers nothing any more.
    #[expect(clippy::too_many_arguments, reason = "what is checked, and three who are told of it")]
    pub async fn check(
        &self,
        path: &RemotePath,
        sample: Option<Sample>,
        progress: &dyn Progress,
        found: &dyn Fn(&Finding),
        report: &RefCell<CheckReport>,
    ) -> Result<(), OperationError> {
        let mut look = Look::new(progress, found, report);
        loop {
            match self.check_newest(path, sample, &mut look).await {
                Err(error) if error.is_not_found() && look.sweeps != self.sweeps().get() => {}
                checked => return checked,
            }
        }
    }

    async fn check_newest(
        &self,
        path: &RemotePath,
        sample: Option<Sample>,
        look: &mut Look<'_>,
    ) -> Result<(), OperationError> {
        self.packs().clear();
        self.sync().await?;
        look.sweeps = self.sweeps().get();
        look.picker = None;
        let before = look.report.take();
        let Some(start) = self.start_of(path, look).await? else {
            return Ok(());
        };
        let Some(sample) = sample else {
            let totals = start.totals;
            look.progress.plan(totals.files.saturating_add(before.files), totals.bytes.saturating_add(before.bytes));
            return self.check_below(&start, look).await;
        };
        let population = self.count_pieces(&start, look).await?;
        let chosen = sample.of(population);
        look.progress.plan(0, chosen.saturating_add(before.pieces));
        look.picker = Some(RefCell::new(Picker::new(population, chosen, SystemRandom)));
        look.report.borrow_mut().folders = 0;
        self.check_below(&start, look).await?;
        // What the server gave to be counted and then did not give again was not looked at.
        let left = look.picker.take().map_or(0, |picker| picker.into_inner().wanted());
        let (chosen, lost) = (chosen - left, lost_of(population));
        let probability = probability_of_showing(population, lost, chosen);
        look.report.borrow_mut().sampled = Some(Sampled { population, chosen, lost, probability });
        Ok(())
    }

    async fn check_below(&self, start: &Start, look: &Look<'_>) -> Result<(), OperationError> {
        self.walk_stored(start, look, async |folder: &RemotePath, entries: &[_]| {
            self.check_files(folder, entries, look).await
        })
        .await
    }

    /// Pieces of all files.
    async fn count_pieces(&self, start: &Start, look: &Look<'_>) -> Result<u64, OperationError> {
        let counted = Cell::new(0_u64);
        self.walk_stored(start, look, async |_: &RemotePath, entries: &[_]| {
            counted.set(entries.iter().map(|entry| file::pieces_of(entry)).fold(counted.get(), u64::saturating_add));
            Ok(())
        })
        .await?;
        Ok(counted.get())
    }
}
