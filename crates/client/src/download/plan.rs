//! What is to be written where, given what is there.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anonicloud_core::content::reference::VersionRef;
use anonicloud_core::tree::node::{Attributes, Entry, EntryContent};

use crate::error::OperationError;
use crate::local::scan::attributes_of;

/// Hex digits of a part's name that tell copies of one version apart.
const PLACE_DIGITS: usize = 16;

/// A file to be fetched.
#[derive(Debug)]
pub(super) struct FileTask {
    pub(super) entry: Arc<Entry>,
    pub(super) target: PathBuf,
}

impl FileTask {
    /// Content bytes.
    pub(super) fn size(&self) -> u64 {
        self.entry.content.totals().bytes
    }

    pub(super) fn version(&self) -> Option<&VersionRef> {
        match &self.entry.content {
            EntryContent::File { version, .. } => Some(version),
            _ => None,
        }
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
pub(super) struct LinkTask {
    pub(super) text: Vec<u8>,
    pub(super) target: PathBuf,
}

/// All that one request comes to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Folders with the attributes they get at the end, parents first.
    pub(super) directories: Vec<(PathBuf, Option<Attributes>)>,
    pub(super) links: Vec<LinkTask>,
    pub(super) files: Vec<FileTask>,
    pub(super) unchanged: u64,
    pub(super) unchanged_bytes: u64,
}

impl Plan {
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
        match (&entry.content, there) {
            (EntryContent::Directory { .. }, None) => {
                self.directories.push((target, Some(entry.attributes)));
            }
            (EntryContent::Directory { .. }, Some(there)) if there.is_dir() => {
                self.directories.push((target, Some(entry.attributes)));
            }
            (EntryContent::File { size, .. }, Some(there))
                if there.is_file() && there.len() == *size && attributes_of(&there).mtime == entry.attributes.mtime =>
            {
                self.unchanged += 1;
                self.unchanged_bytes += size;
            }
            (EntryContent::Symlink { target: text }, Some(there)) if there.is_symlink() && same_link(&target, text) => {
                self.unchanged += 1;
            }
            (_, Some(there)) if there.is_dir() || !overwrite => {
                return Err(OperationError::TargetExists(target));
            }
            (EntryContent::File { .. }, _) => self.files.push(FileTask { entry: Arc::clone(entry), target }),
            (EntryContent::Symlink { target: text }, _) => {
                self.links.push(LinkTask { text: text.clone(), target });
            }
            (EntryContent::Directory { .. }, Some(_)) => {
                return Err(OperationError::TargetExists(target));
            }
        }
        Ok(())
    }
}

fn part_path(target: &Path, version: &str) -> PathBuf {
    let place = blake3::hash(target.file_name().unwrap_or_default().as_bytes()).to_hex();
    let place: String = place.chars().take(PLACE_DIGITS).collect();
    target.with_file_name(format!(".anonicloud-{version}-{place}.part"))
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
}
