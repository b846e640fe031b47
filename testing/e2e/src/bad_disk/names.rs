//! Which number the kernel knows a file by, and where it lies.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

const ROOT: u64 = 1;

/// Files by their numbers; a number is never given again.
#[derive(Debug)]
pub(super) struct Names {
    root: PathBuf,
    /// The folder and the name of each file that has one.
    places: HashMap<u64, (u64, OsString)>,
    numbers: HashMap<(u64, OsString), u64>,
    next: u64,
}

impl Names {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, places: HashMap::new(), numbers: HashMap::new(), next: ROOT + 1 }
    }

    /// Where a file lies; none when it was removed.
    pub(super) fn path(&self, number: u64) -> Option<PathBuf> {
        if number == ROOT {
            return Some(self.root.clone());
        }
        let (folder, name) = self.places.get(&number)?;
        Some(self.path(*folder)?.join(name))
    }

    /// Where `name` in a folder lies.
    pub(super) fn path_in(&self, folder: u64, name: impl AsRef<Path>) -> Option<PathBuf> {
        Some(self.path(folder)?.join(name))
    }

    /// The number of `name` in a folder, a new one if it has none.
    pub(super) fn number(&mut self, folder: u64, name: &OsStr) -> u64 {
        let place = (folder, name.to_owned());
        if let Some(number) = self.numbers.get(&place) {
            return *number;
        }
        let number = self.next;
        self.next += 1;
        self.places.insert(number, place.clone());
        self.numbers.insert(place, number);
        number
    }

    /// `name` in a folder is removed.
    pub(super) fn remove(&mut self, folder: u64, name: &OsStr) {
        if let Some(number) = self.numbers.remove(&(folder, name.to_owned())) {
            self.places.remove(&number);
        }
    }

    /// `name` in a folder becomes another one, over what was there.
    pub(super) fn rename(&mut self, (folder, name): (u64, &OsStr), (to_folder, to): (u64, &OsStr)) {
        self.remove(to_folder, to);
        if let Some(number) = self.numbers.remove(&(folder, name.to_owned())) {
            let place = (to_folder, to.to_owned());
            self.places.insert(number, place.clone());
            self.numbers.insert(place, number);
        }
    }
}
