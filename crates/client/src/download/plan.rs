//! What is to be written where, given what is there.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::tree::node::{Entry, EntryContent};
use anonicloud_proto::ids::BlobId;

use super::folders::{FolderTask, Places, is_unfinished};
use crate::error::OperationError;
use crate::local::scan::attributes_of;
use crate::local::sieve::Sifted;

const PART_PREFIX: &str = ".anonicloud-";
const PART_SUFFIX: &str = ".part";
/// Hex digits of a file version, and of a symlink's text, in the name of a part.
const VERSION_DIGITS: usize = 32;
/// Hex digits of a place in the name of a part.
const PLACE_DIGITS: usize = 16;

/// A file to be fetched.
#[derive(Debug)]
pub(crate) struct FileTask {
    pub(super) entry: Arc<Entry>,
    pub(crate) target: PathBuf,
    /// Whether what stands there now may be replaced; what appears meanwhile may not.
    pub(crate) replace: bool,
}

impl FileTask {
    /// Content bytes.
    pub(crate) fn size(&self) -> u64 {
        self.entry.content.totals().bytes
    }

    pub(super) fn version(&self) -> Option<&VersionRef> {
        match &self.entry.content {
            EntryContent::File { version, .. } => Some(version),
            _ => None,
        }
    }

    /// The pack that its record lies in.
    pub(super) fn record_pack(&self) -> Option<BlobId> {
        self.version().map(|version| version.record().blob)
    }

    /// Where the content gathers until it is whole: beside its place, by a name that only this version has there. The place
    /// is in the name too: copies of one version may stand side by side.
    pub(super) fn part(&self) -> PathBuf {
        let version = self.version().map(|version| version.version().to_string()).unwrap_or_default();
        part_path(&self.target, &version)
    }
}

/// A symlink to be made.
#[derive(Debug)]
pub(crate) struct LinkTask {
    pub(super) text: Vec<u8>,
    /// When it was made, in nanoseconds since 1970.
    pub(super) mtime: i64,
    pub(crate) target: PathBuf,
    /// As [`FileTask::replace`].
    pub(crate) replace: bool,
}

impl LinkTask {
    /// Where it is made before it gets its name.
    pub(super) fn part(&self) -> PathBuf {
        let text: String = blake3::hash(&self.text).to_hex().chars().take(VERSION_DIGITS).collect();
        part_path(&self.target, &text)
    }
}

/// All that one request comes to.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Parents first.
    pub(crate) folders: Vec<FolderTask>,
    pub(crate) links: Vec<LinkTask>,
    pub(crate) files: Vec<FileTask>,
    pub(crate) unchanged: u64,
    /// What the patterns did.
    pub(crate) sifted: Sifted,
    pub(super) unchanged_bytes: u64,
    /// Where all files and links are at the end, those that are unchanged too.
    pub(super) places: Places,
}

impl Plan {
    /// Notes that the tree's root is to stand at `target`. It has no attributes of its own.
    ///
    /// # Errors
    /// [`OperationError::TargetExists`] when something else than a folder stands there.
    pub(super) fn add_root(&mut self, target: PathBuf) -> Result<(), OperationError> {
        let missing = fs_err::symlink_metadata(&target).is_err();
        if !missing && !target.is_dir() {
            return Err(OperationError::TargetExists(target));
        }
        self.folders.push(FolderTask { path: target, attributes: None, missing });
        Ok(())
    }

    /// Notes what is to be done so that `entry` stands at `target`.
    ///
    /// # Errors
    /// [`OperationError::TargetExists`] when something else stands there and may not be replaced.
    pub(super) fn add(&mut self, entry: &Arc<Entry>, target: PathBuf, overwrite: bool) -> Result<(), OperationError> {
        let there = match fs_err::symlink_metadata(&target) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(OperationError::local(&target, error)),
        };
        let there = there.as_ref();
        if let (EntryContent::Directory { .. }, None) = (&entry.content, there) {
            self.folders.push(FolderTask { path: target, attributes: Some(entry.attributes), missing: true });
            return Ok(());
        }
        if let (EntryContent::Directory { .. }, Some(there)) = (&entry.content, there) {
            if !there.is_dir() {
                return Err(OperationError::TargetExists(target));
            }
            let ours = overwrite || is_unfinished(there);
            let attributes = ours.then_some(entry.attributes);
            self.folders.push(FolderTask { path: target, attributes, missing: false });
            return Ok(());
        }
        let same = there.is_some_and(|there| is_same(entry, &target, there));
        if !same && there.is_some_and(|there| there.is_dir() || !overwrite) {
            return Err(OperationError::TargetExists(target));
        }
        self.note_place(&target);
        let replace = there.is_some();
        match &entry.content {
            _ if same => {
                self.unchanged += 1;
                self.unchanged_bytes += entry.content.totals().bytes;
            }
            EntryContent::Symlink { target: text } => {
                self.links.push(LinkTask { text: text.clone(), mtime: entry.attributes.mtime, target, replace });
            }
            _ => self.files.push(FileTask { entry: Arc::clone(entry), target, replace }),
        }
        Ok(())
    }

    fn note_place(&mut self, target: &Path) {
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return;
        };
        match self.places.get_mut(folder) {
            Some(places) => {
                places.insert(place_of(name));
            }
            None => {
                self.places.insert(folder.to_owned(), BTreeSet::from([place_of(name)]));
            }
        }
    }
}

/// Whether what is there is the file or link already.
fn is_same(entry: &Entry, target: &Path, there: &std::fs::Metadata) -> bool {
    match &entry.content {
        EntryContent::File { size, .. } => {
            there.is_file() && there.len() == *size && attributes_of(there).mtime == entry.attributes.mtime
        }
        EntryContent::Symlink { target: text } => there.is_symlink() && same_link(target, text),
        EntryContent::Directory { .. } => false,
    }
}

fn part_path(target: &Path, version: &str) -> PathBuf {
    let place = place_of(target.file_name().unwrap_or_default());
    target.with_file_name(format!("{PART_PREFIX}{version}-{place:0PLACE_DIGITS$x}{PART_SUFFIX}"))
}

/// What tells a name in a folder from the others there: the first bytes of its hash.
pub(super) fn place_of(name: &OsStr) -> u64 {
    let hash = blake3::hash(name.as_bytes());
    u64::from_be_bytes(*hash.as_bytes().first_chunk().expect("8 of 32 bytes"))
}

/// The place in the name of a part; of another name, nothing.
pub(super) fn place_of_part(name: &OsStr) -> Option<u64> {
    let rest = name.to_str()?.strip_prefix(PART_PREFIX)?.strip_suffix(PART_SUFFIX)?;
    let (version, place) = rest.split_once('-')?;
    let is_hex = |text: &str| text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let of_part = version.len() == VERSION_DIGITS && place.len() == PLACE_DIGITS && is_hex(version) && is_hex(place);
    of_part.then(|| u64::from_str_radix(place, 16).ok()).flatten()
}

fn same_link(path: &Path, text: &[u8]) -> bool {
    fs_err::read_link(path).is_ok_and(|there| there.as_os_str() == OsStr::from_bytes(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_of_one_version_at_one_place() {
        let part = |target: &str, version| part_path(Path::new(target), version);
        assert_eq!(part("/a/one", "00"), part("/a/one", "00"));
        assert_ne!(part("/a/one", "00"), part("/a/two", "00"));
        assert_ne!(part("/a/one", "00"), part("/a/one", "01"));
        let longest = part(&format!("/a/{}", "x".repeat(255)), &"0".repeat(32));
        assert_eq!(longest.parent(), Some(Path::new("/a")));
        assert!(longest.file_name().unwrap().len() <= 255);
    }

    #[test]
    fn a_part_is_told_from_other_files() {
        let part = part_path(Path::new("/a/one"), &"0f".repeat(16));
        let name = part.file_name().unwrap();
        assert_eq!(place_of_part(name), Some(place_of(OsStr::new("one"))));
        let name = name.to_str().unwrap();
        let others =
            [name.replace(".part", ".parts"), name.replace("0f0f", "0F0f"), name.replace("-0f", "-"), "one".into()];
        for other in others {
            assert_eq!(place_of_part(OsStr::new(&other)), None, "{other}");
        }
    }
}
