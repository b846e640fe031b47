//! The end of a storm: everything is finished, and looked at by everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::actor::Actor;
use super::content::{Hash, hash_of};
use super::journal::Journal;
use super::oracle::{Deed, Effect, Outcome};
use crate::tree;

/// How often a device resumes before something is left for good.
const TRIES: usize = 4;
/// Not found, and conflict: an upload whose place another device took away.
const PLACE_GONE: [i32; 2] = [4, 5];

/// Finishes all that is queued on a device. What it finishes is acknowledged.
pub(super) fn finish(actor: &mut Actor<'_>, journal: &Journal) -> Result<(), String> {
    let mut queued = Vec::new();
    for _ in 0..TRIES {
        queued = transfers(actor)?;
        if queued.is_empty() {
            return Ok(());
        }
        let ended = actor.answer(&[&"resume"]);
        match ended.code() {
            Some(0) => acknowledge(actor, &queued, journal),
            Some(code) if PLACE_GONE.contains(&code) => {}
            _ => return Err(format!("{}: resume: {:?}: {}", actor.name, ended.status, ended.errors)),
        }
    }
    for transfer in &queued {
        let id = transfer["id"].as_str().unwrap_or_default();
        let ended = actor.answer(&[&"cancel", &id]);
        if ended.code() != Some(0) {
            return Err(format!("{}: cancel {id}: {:?}: {}", actor.name, ended.status, ended.errors));
        }
    }
    match transfers(actor)?.as_slice() {
        [] => Ok(()),
        left => Err(format!("{}: cannot be finished: {left:?}", actor.name)),
    }
}

fn transfers(actor: &mut Actor<'_>) -> Result<Vec<Value>, String> {
    let status = json(actor, &[&"status"])?;
    Ok(status["transfers"].as_array().cloned().unwrap_or_default())
}

fn acknowledge(actor: &Actor<'_>, transfers: &[Value], journal: &Journal) {
    let sources = transfers.iter().flat_map(|transfer| transfer["sources"].as_array().into_iter().flatten());
    for source in sources.filter_map(|source| source["local"].as_str()) {
        let effect = Effect::Brings(actor.brings(Path::new(source)));
        let (what, now) = (format!("{}: resume at the end: {source}", actor.name), journal.now());
        journal.add(Deed { what, began: now, ended: now, effect, outcome: Outcome::Acknowledged });
    }
}

/// What a command that must succeed answers.
pub(super) fn json(actor: &mut Actor<'_>, arguments: crate::device::Arguments<'_>) -> Result<Value, String> {
    let ended = actor.answer(arguments);
    let answer = serde_json::from_slice(&ended.output).ok().filter(|_| ended.code() == Some(0));
    let words = || arguments.iter().map(|word| word.as_ref().display().to_string()).collect::<Vec<_>>().join(" ");
    answer.ok_or_else(|| format!("{}: {}: {:?}: {}", actor.name, words(), ended.status, ended.errors))
}

/// What a device sees of the tree: of each path what `ls` says, and the hash of its content once it is fetched.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    listed: BTreeMap<String, String>,
    pub(super) contents: BTreeMap<String, Hash>,
}

impl View {
    /// Lists and fetches all that there is.
    pub(super) fn of(actor: &mut Actor<'_>) -> Result<Self, String> {
        let listing = json(actor, &[&"ls", &"-R", &"/"])?;
        let mut listed = BTreeMap::new();
        let mut sizes = BTreeMap::new();
        for item in listing["items"].as_array().into_iter().flatten() {
            let path = item["path"].as_str().unwrap_or_default().to_owned();
            let facts = format!("{} {} {} {}", item["kind"], item["size"], item["mode"], item["mtime_ns"]);
            if item["kind"] == "file" {
                sizes.insert(path.clone(), item["size"].as_u64());
            }
            listed.insert(path, facts);
        }
        let target = actor.next_place().join("all");
        json(actor, &[&"get", &"/", &target])?;
        let mut contents = BTreeMap::new();
        gather(&target, &target, &mut contents);
        let found: BTreeMap<String, Option<u64>> =
            contents.iter().map(|(path, (_, size))| (path.clone(), Some(*size))).collect();
        if found != sizes {
            return Err(format!("{}: what was fetched is not what was listed: {found:?}, {sizes:?}", actor.name));
        }
        fs_err::remove_dir_all(&target).expect("what was fetched can be removed");
        Ok(Self { listed, contents: contents.into_iter().map(|(path, (hash, _))| (path, hash)).collect() })
    }

    /// A device's own check of all that is stored finds nothing wrong, and leaves out no file.
    pub(super) fn check(&self, actor: &mut Actor<'_>) -> Result<(), String> {
        let report = json(actor, &[&"check"])?;
        let is_clean = report["complete"] == true && report["findings"].as_array().is_some_and(Vec::is_empty);
        if is_clean && report["files"] == self.contents.len() {
            return Ok(());
        }
        Err(format!("{}: check of {} files: {report}", actor.name, self.contents.len()))
    }

    /// The paths at which another view differs.
    pub(super) fn difference(&self, other: &Self) -> Vec<String> {
        let paths: BTreeSet<&String> = self.listed.keys().chain(other.listed.keys()).collect();
        let facts = |view: &Self, path: &str| (view.listed.get(path).cloned(), view.contents.get(path).copied());
        let differing = paths.into_iter().filter(|path| facts(self, path) != facts(other, path));
        differing.map(|path| format!("{path}: {:?} and {:?}", facts(self, path), facts(other, path))).collect()
    }
}

fn gather(root: &Path, folder: &Path, contents: &mut BTreeMap<String, (Hash, u64)>) {
    for path in tree::list(folder).into_values() {
        if path.is_dir() {
            gather(root, &path, contents);
        } else {
            let size = fs_err::metadata(&path).expect("the file is there").len();
            let relative: PathBuf = path.strip_prefix(root).expect("it is in it").to_path_buf();
            contents.insert(relative.display().to_string(), (hash_of(&path), size));
        }
    }
}
