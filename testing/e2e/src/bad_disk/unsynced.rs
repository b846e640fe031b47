//! What a bad disk loses when the power goes: bytes and names that nobody has synced.
//!
//! Everything is done on the folder beneath at once; kept here is how it was when it was last synced. At a cut some of it, or
//! all, is put back. Bytes are lost by pages, which may tear between sectors; names are lost from the newest change on, as a
//! journal loses its end. A synced file whose name was not synced goes with its name.
#![expect(clippy::disallowed_methods, reason = "the kernel gets the number of an error, which fs_err keeps to itself")]

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::beneath::read_at;
use crate::content::Generated;

/// What is lost or kept as one, if it does not tear.
const PAGE: u64 = 4096;
/// What is never torn.
const SECTOR: u64 = 512;
/// Bytes of removed files that are kept to come back; beyond that the oldest changes are as if they were synced.
const MOST_REMOVED: u64 = 8 << 20;

/// Bytes and names that are not synced.
#[derive(Debug)]
pub(super) struct Unsynced {
    /// Where removed files wait.
    removed: PathBuf,
    next: u64,
    files: HashMap<u64, Written>,
    changes: Vec<Change>,
}

/// A file that was written to since it was synced.
#[derive(Debug)]
struct Written {
    file: Arc<File>,
    /// Its length when it was synced, and its pages then as far as they are other ones now.
    len: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

/// A change of names.
#[derive(Debug)]
struct Change {
    /// The folders in which a name changed; a sync of either makes it last.
    folders: [u64; 2],
    undo: Undo,
}

#[derive(Debug)]
enum Undo {
    Remove(PathBuf),
    /// Back to the first path, and to the second what was replaced there.
    Rename(PathBuf, PathBuf, Option<Removed>),
    Restore(Removed, PathBuf),
}

/// A file that has no name any more.
#[derive(Debug)]
struct Removed {
    number: u64,
    kept: PathBuf,
    len: u64,
}

impl Unsynced {
    /// With nothing in it; files that are removed wait in the folder `removed`.
    pub(super) fn new(removed: PathBuf) -> Self {
        Self { removed, next: 0, files: HashMap::new(), changes: Vec::new() }
    }

    /// Keeps what a write of `len` bytes will replace.
    pub(super) fn before_write(&mut self, number: u64, file: &Arc<File>, offset: u64, len: u64) -> io::Result<()> {
        self.written(number, file)?.keep(offset, offset + len)
    }

    /// Keeps what another length will take away.
    pub(super) fn before_resize(&mut self, number: u64, file: &Arc<File>, len: u64) -> io::Result<()> {
        let written = self.written(number, file)?;
        written.keep(len, written.len)
    }

    fn written(&mut self, number: u64, file: &Arc<File>) -> io::Result<&mut Written> {
        let len = file.metadata()?.len();
        let new = || Written { file: Arc::clone(file), len, pages: BTreeMap::new() };
        Ok(self.files.entry(number).or_insert_with(new))
    }

    /// The bytes of a file are synced.
    pub(super) fn file_synced(&mut self, number: u64) {
        self.files.remove(&number);
    }

    /// The names in a folder are synced.
    pub(super) fn folder_synced(&mut self, folder: u64) {
        let (synced, left) = self.changes.drain(..).partition(|change| change.folders.contains(&folder));
        self.changes = left;
        self.last(synced);
    }

    /// A file or folder was made.
    pub(super) fn made(&mut self, folder: u64, path: PathBuf) {
        self.changes.push(Change { folders: [folder; 2], undo: Undo::Remove(path) });
    }

    /// Takes the name away from a file.
    pub(super) fn remove(&mut self, folder: u64, number: u64, path: PathBuf) -> io::Result<()> {
        let removed = self.set_aside(number, &path)?;
        self.changes.push(Change { folders: [folder; 2], undo: Undo::Restore(removed, path) });
        self.let_go();
        Ok(())
    }

    /// Gives a file or folder another name; `over` is the number of the file that has it.
    pub(super) fn rename(
        &mut self,
        folders: [u64; 2],
        from: PathBuf,
        to: PathBuf,
        over: Option<u64>,
    ) -> io::Result<()> {
        let over = over.map(|number| self.set_aside(number, &to)).transpose()?;
        fs::rename(&from, &to)?;
        self.changes.push(Change { folders, undo: Undo::Rename(from, to, over) });
        self.let_go();
        Ok(())
    }

    fn set_aside(&mut self, number: u64, path: &Path) -> io::Result<Removed> {
        let len = fs::symlink_metadata(path)?.len();
        self.next += 1;
        let kept = self.removed.join(self.next.to_string());
        fs::rename(path, &kept)?;
        Ok(Removed { number, kept, len })
    }

    /// Lets the oldest changes last, so that removed files do not fill the disk.
    fn let_go(&mut self) {
        let len = |change: &Change| change.undo.removed().map_or(0, |removed| removed.len);
        let mut bytes: u64 = self.changes.iter().map(len).sum();
        let mut count = 0;
        while bytes > MOST_REMOVED {
            bytes -= self.changes.get(count).map_or(bytes, len);
            count += 1;
        }
        let oldest = self.changes.drain(..count).collect();
        self.last(oldest);
    }

    /// These changes cannot be undone any more.
    fn last(&mut self, changes: Vec<Change>) {
        for change in changes {
            if let Some(Removed { number, kept, .. }) = change.undo.removed() {
                self.files.remove(number);
                // What is not there any more takes no room.
                drop(fs::remove_file(kept));
            }
        }
    }

    /// The power goes: what of all this is lost comes from `seed`.
    pub(super) fn lose(&mut self, seed: u64) -> io::Result<()> {
        let mut random = Generated::new(seed, 0);
        let kept = if random.below(2) == 0 { 0 } else { random.below(self.changes.len() as u64 + 1) };
        let lost = self.changes.split_off(usize::try_from(kept).unwrap_or_default());
        for change in lost.into_iter().rev() {
            change.undo.run()?;
        }
        let changes = std::mem::take(&mut self.changes);
        let files: BTreeMap<u64, Written> = self.files.drain().collect();
        for written in files.into_values() {
            written.lose(&mut random)?;
        }
        self.last(changes);
        Ok(())
    }
}

impl Undo {
    const fn removed(&self) -> Option<&Removed> {
        match self {
            Self::Restore(removed, _) | Self::Rename(_, _, Some(removed)) => Some(removed),
            Self::Remove(_) | Self::Rename(..) => None,
        }
    }

    /// Does it; what a synced change has made impossible is left as it is.
    fn run(self) -> io::Result<()> {
        let done = match self {
            Self::Remove(path) if path.is_dir() => fs::remove_dir_all(path),
            Self::Remove(path) => fs::remove_file(path),
            Self::Rename(from, to, over) => {
                fs::rename(&to, from).and_then(|()| over.map_or(Ok(()), |over| fs::rename(over.kept, to)))
            }
            Self::Restore(removed, path) => fs::rename(removed.kept, path),
        };
        match done {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Written {
    /// Keeps the pages between two places that are as they were.
    fn keep(&mut self, from: u64, to: u64) -> io::Result<()> {
        for page in from / PAGE..to.div_ceil(PAGE) {
            if !self.pages.contains_key(&page) {
                let start = page * PAGE;
                let size = PAGE.min(self.len.saturating_sub(start));
                let bytes = read_at(&self.file, start, u32::try_from(size).unwrap_or_default())?;
                self.pages.insert(page, bytes);
            }
        }
        Ok(())
    }

    /// Is as it was synced, or lies between that and what it is.
    fn lose(self, random: &mut Generated) -> io::Result<()> {
        let now = self.file.metadata()?.len();
        let everything = random.below(3) == 0;
        let len = if everything || random.below(2) == 0 { self.len } else { now };
        self.file.set_len(len)?;
        for (page, bytes) in &self.pages {
            let start = page * PAGE;
            // What was cut off cannot be new.
            let is_lost = everything || start >= now || random.below(2) == 0;
            if !is_lost || start >= len {
                continue;
            }
            let mut old = bytes.clone();
            old.resize(usize::try_from(PAGE.min(len - start)).unwrap_or_default(), 0);
            let sectors =
                if !everything && start < now && random.below(4) == 0 { random.below(PAGE / SECTOR) } else { PAGE };
            let torn = usize::try_from(sectors * SECTOR).unwrap_or(usize::MAX).min(old.len());
            self.file.write_all_at(&old[..torn], start)?;
        }
        Ok(())
    }
}

/// The folder beneath that is shown, and the one where removed files wait.
pub(super) fn folders(beneath: &Path) -> (PathBuf, PathBuf) {
    let folders = ["shown", "removed"].map(|name| beneath.join(name));
    for folder in &folders {
        fs::create_dir_all(folder).expect("what is beneath a disk can be written to");
    }
    let [shown, removed] = folders;
    (shown, removed)
}
