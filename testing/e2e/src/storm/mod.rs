//! Storms: devices of one account that change the same tree at random while clients and the server are killed, the network breaks and
//! the server's disk is full or slow. At the end all of them see one tree, and nothing that was acknowledged is missing.
//!
//! Every decision comes from a seed. When what happens on two devices meets is up to the machine, so the same seed may take another
//! course; what is planned is the same.

mod actor;
mod content;
mod journal;
mod oracle;
mod plan;
mod settle;
mod totals;
mod weather;

use core::fmt;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use self::actor::Actor;
use self::journal::Journal;
use self::oracle::judge;
use self::plan::{FOLDERS, Planner, Step};
use self::settle::{View, json};
pub use self::totals::Totals;
use self::weather::Weather;
use crate::bad_disk::BadDisk;
use crate::content::Generated;
use crate::disk::SmallDisk;
use crate::timed::Timed;
use crate::world::World;

/// The account of a storm.
const HANDLE: &str = "alice";
/// Room on the server's disk: so much, and so much more for each operation.
const DISK: (u64, u64) = (96 << 20, 1 << 20);
/// For so long a client tries to reach a server that is away.
const RETRY_FOR: &str = "20";
const CHECK_DEADLINE: Duration = Duration::from_mins(2);

/// A storm to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever runs it says all of it")]
pub struct Storm {
    /// What every decision comes from.
    pub seed: u64,
    /// Devices of the account.
    pub devices: u32,
    /// Operations of each device.
    pub operations: u32,
}

/// A storm that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a series makes one of a panic")]
pub struct Failure {
    /// What was lost, differs, hangs or failed, and all that was done before.
    pub what: String,
    /// Acknowledged contents that are lost.
    pub lost: u32,
}

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self { what, lost: 0 }
    }
}

/// The command that runs it again.
impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, devices, operations } = self;
        write!(f, "cargo xtask storm --seed {seed} --devices {devices} --operations {operations}")
    }
}

impl Storm {
    /// A storm of a few seconds: of twenty seeds in a row, fourteen with two devices and six with five.
    pub const fn short(seed: u64) -> Self {
        let (devices, operations) = if matches!(seed % 20, 1..=14) { (2, 14) } else { (5, 6) };
        Self { seed, devices, operations }
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When something was lost, differs, hangs or failed.
    pub fn run(&self) -> Result<Totals, Failure> {
        let journal = Journal::new();
        let outcome = self.run_with(&journal);
        outcome.map_err(|Failure { what, lost }| {
            let deeds = journal.deeds();
            let told: Vec<String> = deeds
                .iter()
                .map(|deed| format!("{:>10.3?} to {:>10.3?}  {}", deed.began, deed.ended, deed.what))
                .collect();
            Failure { what: format!("{}\n{what}\nagain: {self}", told.join("\n")), lost }
        })
    }

    fn run_with(&self, journal: &Journal) -> Result<Totals, Failure> {
        let room = DISK.0 + DISK.1 * u64::from(self.devices * self.operations);
        let (mut world, mut disk, small) = World::on_bad_disk(room, self.seed);
        let outcome = self.run_in(&mut world, (&mut disk, &small), journal);
        // Who uses a disk ends before it, and it before the folder that it is in.
        world.kill_server();
        drop(disk);
        outcome
    }

    fn run_in(
        &self,
        world: &mut World,
        (disk, small): (&mut BadDisk, &SmallDisk),
        journal: &Journal,
    ) -> Result<Totals, Failure> {
        let mut actors = self.actors(world, journal)?;
        let plans = self.plans();
        let mut totals = Totals { runs: 1, ..Totals::default() };
        thread::scope(|scope| {
            let wires = actors.iter().map(|actor| actor.wire.clone()).collect();
            for (actor, plan) in actors.iter_mut().zip(&plans) {
                scope.spawn(move || actor.act(plan));
            }
            let random = Generated::new(self.seed ^ 0x5707, 0);
            Weather { world: &mut *world, small, disk, wires, journal, random, totals: &mut totals }.act();
        });
        journal.failure().map_or(Ok(()), Err)?;
        let view = converge(world, &mut actors, journal)?;
        check_server(world, totals.server_kills + totals.failing_disks > 0)?;
        totals.operations = journal.operations();
        totals.client_kills = journal.kills.load(Ordering::SeqCst);
        totals.cuts += journal.cuts.load(Ordering::SeqCst);
        conclude(journal, &view, totals)
    }

    fn plans(&self) -> Vec<Vec<Step>> {
        let plan = |device| {
            let mut planner = Planner::new(self.seed, device);
            (0..self.operations).map(|_| planner.step()).collect()
        };
        (0..self.devices).map(plan).collect()
    }

    fn actors<'a>(&self, world: &World, journal: &'a Journal) -> Result<Vec<Actor<'a>>, String> {
        let mut actors = vec![Actor::new(world, "device-0", RETRY_FOR, journal)];
        let first = &mut actors[0];
        let (password, words) = (world.password_file(), world.path("words"));
        json(first, &[&"signup", &"--handle", &HANDLE, &"--password-file", &password, &"--recovery-file", &words])?;
        json(first, &[&"mkdir", &"-p", &FOLDERS[0], &FOLDERS[1], &FOLDERS[2], &FOLDERS[3], &FOLDERS[4]])?;
        for number in 1..self.devices {
            actors.push(signed_in(world, &format!("device-{number}"), journal)?);
        }
        Ok(actors)
    }
}

fn signed_in<'a>(world: &World, name: &str, journal: &'a Journal) -> Result<Actor<'a>, String> {
    let mut actor = Actor::new(world, name, RETRY_FOR, journal);
    json(&mut actor, &[&"login", &"--handle", &HANDLE, &"--password-file", &world.password_file()])?;
    Ok(actor)
}

/// All devices finish what they began; then they and one that is new see the same, and the check of each finds nothing wrong.
fn converge(world: &World, actors: &mut [Actor<'_>], journal: &Journal) -> Result<View, String> {
    for actor in actors.iter_mut() {
        settle::finish(actor, journal)?;
    }
    let mut fresh = signed_in(world, "fresh", journal)?;
    let view = View::of(&mut fresh)?;
    view.check(&mut fresh)?;
    for actor in actors {
        let difference = view.difference(&View::of(actor)?);
        if !difference.is_empty() {
            return Err(format!("{} and a new device differ:\n{}", actor.name, difference.join("\n")));
        }
        view.check(actor)?;
    }
    Ok(view)
}

/// The server's own check finds nothing wrong. With `may_leave_files`, files that no row names are nothing wrong: a server that
/// is killed before a row is durable leaves one, as does a disk that fails as one is removed, until a start a week later.
fn check_server(world: &World, may_leave_files: bool) -> Result<(), String> {
    let mut command = world.server().check_command();
    command.arg("--json");
    let ended = Timed::run(command, &world.path("check"), CHECK_DEADLINE);
    if ended.code() == Some(0) {
        return Ok(());
    }
    let is_empty = |report: &Value, list: &str| report[list].as_array().is_some_and(Vec::is_empty);
    if let (true, Ok(report)) = (may_leave_files, serde_json::from_slice::<Value>(&ended.output))
        && is_empty(&report, "damaged")
        && is_empty(&report, "unlisted")
    {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&ended.output);
    Err(format!("the server's check: {:?}: {output}{}", ended.status, ended.errors))
}

/// Judges what is there at the end.
fn conclude(journal: &Journal, view: &View, mut totals: Totals) -> Result<Totals, Failure> {
    if let Some((path, _)) = view.contents.iter().find(|(_, content)| journal.size_of(content).is_none()) {
        return Err(format!("{path} is no content that was put").into());
    }
    let verdict = judge(&journal.deeds(), |hash| view.contents.values().any(|found| found == hash));
    let size = |hash| journal.size_of(hash).unwrap_or(0);
    let count = |list: &[content::Hash]| u32::try_from(list.len()).unwrap_or(u32::MAX);
    if !verdict.lost.is_empty() {
        let bytes: u64 = verdict.lost.iter().map(size).sum();
        let deeds = journal.deeds();
        let lost: Vec<&str> =
            deeds.iter().filter(|deed| deed.brings_one_of(&verdict.lost)).map(|deed| deed.what.as_str()).collect();
        let lost = lost.join("\n");
        let count = count(&verdict.lost);
        let what = format!("{count} contents of {bytes} bytes were acknowledged and are lost:\n{lost}");
        return Err(Failure { what, lost: count });
    }
    totals.acknowledged = count(&verdict.found) + count(&verdict.excused);
    totals.acknowledged_bytes = verdict.found.iter().chain(&verdict.excused).map(size).sum();
    totals.excused = count(&verdict.excused);
    totals.files = u32::try_from(view.contents.len()).unwrap_or(u32::MAX);
    Ok(totals)
}
