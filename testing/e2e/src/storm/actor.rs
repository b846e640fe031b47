//! A device in a storm: does what was planned for it, and writes down what became of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use super::content::{Content, Hash, hash_of};
use super::journal::Journal;
use super::oracle::{Deed, Effect, Outcome};
use super::plan::{Fate, Operation, Step};
use crate::device::{Arguments, Device};
use crate::timed::{Ended, Timed};
use crate::tree;
use crate::wire::Wire;
use crate::world::World;

/// No command of a storm takes that long unless it hangs.
const DEADLINE: Duration = Duration::from_mins(5);
/// What may be said while everything breaks: not found, conflict, no connection, server failure, busy, done in part.
const EXPECTED: [i32; 6] = [4, 5, 8, 10, 11, 12];
/// What a command says when it did nothing because of what is there: wrong use, not found, conflict.
const DID_NOTHING: [i32; 3] = [2, 4, 5];

/// A device with a wire of its own.
pub(super) struct Actor<'a> {
    pub(super) name: String,
    pub(super) device: Device,
    pub(super) wire: Wire,
    folder: PathBuf,
    /// The file with the password of the account.
    password: PathBuf,
    journal: &'a Journal,
    /// Operations so far.
    number: u32,
    /// What each source that was sent brings where.
    sources: BTreeMap<PathBuf, Vec<(String, Hash)>>,
    /// The last `put` of a file or folder.
    last: Option<(PathBuf, String)>,
    /// A `get` that did not come to its end.
    unfinished: Option<(String, PathBuf)>,
}

impl<'a> Actor<'a> {
    /// A device of `world` that nobody is signed in on, and that goes on trying for `retry_for` seconds.
    pub(super) fn new(world: &World, name: &str, retry_for: &str, journal: &'a Journal) -> Self {
        let wire = Wire::open(world.server().address());
        let device = world.device(name).at(wire.url()).with_options(&["--retry-for", retry_for]);
        let (folder, password) = (world.folder(format!("{name}-files")), world.password_file());
        let (name, sources) = (name.to_owned(), BTreeMap::new());
        Self { name, device, wire, folder, password, journal, number: 0, sources, last: None, unfinished: None }
    }

    /// Does all of `steps`, unless the storm fails meanwhile.
    pub(super) fn act(&mut self, steps: &[Step]) {
        let journal = self.journal;
        let _working = journal.device_begins();
        for step in steps {
            if self.journal.failure().is_some() {
                break;
            }
            self.journal.operation_begins();
            if let Err(what) = self.step(step) {
                self.journal.fail(what);
            }
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let place = self.next_place();
        match &step.operation {
            Operation::PutFile { content, target } => {
                let source = place.join("source");
                let hash = self.write(content, &source);
                self.sources.insert(source.clone(), vec![(target.clone(), hash)]);
                self.last = Some((source.clone(), target.clone()));
                self.put(&source, target, step.fate)
            }
            Operation::PutStream { content, target } => {
                let source = place.join("stream");
                let effect = Effect::Brings(vec![(target.clone(), self.write(content, &source))]);
                let mut command = self.device.command(&[&"put", &"-", target, &"--json"]);
                command.stdin(fs_err::File::open(&source).expect("it was just written").into_file());
                self.run(command, &format!("put - {target}"), effect, step.fate).map(drop)
            }
            Operation::PutFolder { name, files, into } => {
                let source = place.join(name);
                fs_err::create_dir_all(&source).expect("the folder of the storm can be written to");
                let contents = files
                    .iter()
                    .map(|(file, content)| (format!("{into}{name}/{file}"), self.write(content, &source.join(file))));
                let contents = contents.collect();
                self.sources.insert(source.clone(), contents);
                self.last = Some((source.clone(), into.clone()));
                self.put(&source, into, step.fate)
            }
            Operation::Again => match self.last.clone() {
                Some((source, target)) => self.put(&source, &target, step.fate),
                None => Ok(()),
            },
            Operation::Get { path } => self.get(path, place.join("got"), step.fate),
            operation => self.change(operation, step.fate),
        }
    }

    fn change(&self, operation: &Operation, fate: Fate) -> Result<(), String> {
        let password = self.password.display().to_string();
        let (words, effect): (Vec<&str>, _) = match operation {
            Operation::MakeFolder { path } => (vec!["mkdir", "-p", path], Effect::Nothing),
            Operation::Move { from, to } => (vec!["mv", from, to], spreads(from, to)),
            Operation::Copy { from, to } => (vec!["cp", from, to], spreads(from, to)),
            Operation::Remove { path } => (vec!["rm", "-r", path], Effect::Removes(path.clone())),
            Operation::Reclaim => (vec!["reclaim", "--now", "--yes", "--password-file", &password], Effect::Nothing),
            _ => (vec!["resume"], Effect::Nothing),
        };
        let arguments: Vec<&dyn AsRef<std::ffi::OsStr>> = words.iter().map(|word| word as _).collect();
        let mut command = self.device.command(&arguments);
        command.arg("--json");
        self.run(command, &words.join(" "), effect, fate).map(drop)
    }

    fn put(&self, source: &Path, target: &str, fate: Fate) -> Result<(), String> {
        let contents = self.sources.get(source).cloned().unwrap_or_default();
        let command = self.device.command(&[&"put", &source, &target, &"--json"]);
        self.run(command, &format!("put {} {target}", source.display()), Effect::Brings(contents), fate).map(drop)
    }

    /// Gets what is at `path`, or goes on with what it got before, and was cut: all of it is something that was put, whole.
    fn get(&mut self, path: &str, target: PathBuf, fate: Fate) -> Result<(), String> {
        let unfinished = self.unfinished.take().filter(|(_, target)| !target.exists());
        let (path, target) = unfinished.unwrap_or_else(|| (path.to_owned(), target));
        let command = self.device.command(&[&"get", &path, &target, &"--json"]);
        match self.run(command, &format!("get {path} {}", target.display()), Effect::Nothing, fate)? {
            Outcome::Acknowledged => self.check(&target)?,
            Outcome::Unknown => self.unfinished = Some((path, target)),
            Outcome::Refused => {}
        }
        Ok(())
    }

    fn check(&self, path: &Path) -> Result<(), String> {
        if path.is_dir() {
            return tree::list(path).values().try_for_each(|entry| self.check(entry));
        }
        match self.journal.size_of(&hash_of(path)) {
            Some(_) => Ok(()),
            None => Err(format!("{}: {} is no content that was put", self.name, path.display())),
        }
    }

    fn run(&self, command: std::process::Command, what: &str, effect: Effect, fate: Fate) -> Result<Outcome, String> {
        let what = format!("{} {}: {what}", self.name, self.number);
        let began = self.journal.now();
        if let Fate::Killed(moment) | Fate::Cut(moment) = fate {
            self.wire.hold(moment);
        }
        let run = Timed::start(command, &self.output(), DEADLINE);
        let (outcome, said) = match self.meet(fate, run) {
            None => (Outcome::Unknown, "killed".to_owned()),
            Some(run) => {
                let ended = run.wait();
                (outcome(&what, &effect, &ended)?, said(&ended))
            }
        };
        let ended = self.journal.now();
        self.journal.add(Deed { what: format!("{what} ({fate:?}): {said}"), began, ended, effect, outcome });
        Ok(outcome)
    }

    /// Lets happen to a run what is to happen at the moment that the wire waits for; none when it was killed.
    fn meet(&self, fate: Fate, mut run: Timed) -> Option<Timed> {
        if fate == Fate::Calm {
            return Some(run);
        }
        if !self.wire.wait_held_unless(|| run.is_over()) {
            self.wire.release();
            return Some(run);
        }
        if matches!(fate, Fate::Killed(_)) {
            self.journal.kills.fetch_add(1, Ordering::SeqCst);
            run.kill();
            self.wire.cut();
            return None;
        }
        self.journal.cuts.fetch_add(1, Ordering::SeqCst);
        self.wire.cut();
        Some(run)
    }

    /// Runs a command that must not fail for long: nothing breaks any more.
    pub(super) fn answer(&mut self, arguments: Arguments<'_>) -> Ended {
        self.next_place();
        let mut command = self.device.command(arguments);
        command.arg("--json");
        Timed::run(command, &self.output(), DEADLINE)
    }

    /// What the queued upload of `source` brings.
    pub(super) fn brings(&self, source: &Path) -> Vec<(String, Hash)> {
        self.sources.get(source).cloned().unwrap_or_default()
    }

    fn write(&self, content: &Content, path: &Path) -> Hash {
        content.write(path);
        let hash = content.hash();
        self.journal.know(hash, content.size);
        hash
    }

    /// A folder of its own for the next operation.
    pub(super) fn next_place(&mut self) -> PathBuf {
        self.number += 1;
        let place = self.folder.join(self.number.to_string());
        fs_err::create_dir_all(&place).expect("the folder of the storm can be written to");
        place
    }

    fn output(&self) -> PathBuf {
        self.folder.join(self.number.to_string()).join("said")
    }
}

fn spreads(from: &str, to: &str) -> Effect {
    Effect::Spreads { from: from.to_owned(), to: to.to_owned() }
}

/// How a run ended, in a word.
fn said(ended: &Ended) -> String {
    let refusal = ended.errors.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
    let code = refusal.as_ref().and_then(|refusal| refusal["error"]["code"].as_str());
    code.map_or_else(|| format!("{:?}", ended.code()), str::to_owned)
}

/// What is known of the effect of a run; a failure that no storm explains is an error.
fn outcome(what: &str, effect: &Effect, ended: &Ended) -> Result<Outcome, String> {
    match (ended.status, ended.code()) {
        (None, _) => Err(format!("{what}: hangs; killed after {DEADLINE:?}")),
        (_, Some(0)) => Ok(Outcome::Acknowledged),
        (_, Some(code)) if DID_NOTHING.contains(&code) && !matches!(effect, Effect::Brings(_)) => Ok(Outcome::Refused),
        (_, Some(code)) if EXPECTED.contains(&code) => Ok(Outcome::Unknown),
        (status, _) => Err(format!("{what}: {status:?}: {}", ended.errors)),
    }
}
