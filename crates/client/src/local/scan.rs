//! Finds what is to be sent: files, folders and symlinks under the paths that were named, parents first.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anonicloud_core::crypto::secret::NamesKey;
use anonicloud_core::tree::edit::EditError;
use anonicloud_core::tree::name::{EntryName, RemotePath};
use anonicloud_core::tree::node::{Attributes, LIST_MAX};

use super::filter::Filter;
use super::sieve::{Sieve, Sifted};
use crate::error::OperationError;
use crate::upload::JobSource;

/// Permission bits of a mode, with set-uid, set-gid and sticky.
const MODE_BITS: u32 = 0o7777;

/// Something to send.
#[derive(Debug, Clone)]
pub(crate) struct LocalEntry {
    pub(crate) local: PathBuf,
    pub(crate) remote: RemotePath,
    pub(crate) attributes: Attributes,
    pub(crate) kind: LocalKind,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LocalKind {
    /// A regular file of this many bytes.
    File {
        size: u64,
    },
    Directory,
    /// The target's bytes.
    Symlink(Vec<u8>),
}

/// Something that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its path on this device.
    pub path: PathBuf,
    /// Why, for programs.
    pub code: SkipReason,
    /// Why, for people.
    pub message: String,
}

impl Skipped {
    /// What cannot be sent since another kind of thing has its place.
    pub(crate) fn in_the_way(path: PathBuf) -> Self {
        let message = "something of another kind stands at its place".to_owned();
        Self { path, code: SkipReason::InTheWay, message }
    }

    /// What cannot be sent since the tree refuses it at its place.
    pub(crate) fn refused(path: PathBuf, code: SkipReason, error: &EditError) -> Self {
        Self { path, code, message: error.to_string() }
    }

    /// A file that is larger than any may be.
    pub(crate) fn too_large(path: PathBuf) -> Self {
        Self { path, code: SkipReason::TooLarge, message: OperationError::FileTooLarge.to_string() }
    }
}

/// Why something was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// It cannot be read.
    Unreadable,
    /// It is a device, a socket or a pipe.
    SpecialFile,
    /// Its name, or the target of the link, cannot be kept.
    NameRefused,
    /// It was gone when its turn came.
    Vanished,
    /// It changed each time it was read.
    Changed,
    /// Something else stands at its place.
    InTheWay,
    /// It has more bytes than one commit can add.
    TooLarge,
}

impl SkipReason {
    /// The reason that a failure of the system stands for.
    pub(crate) fn of(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Vanished } else { Self::Unreadable }
    }

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::SpecialFile => "special_file",
            Self::NameRefused => "name_refused",
            Self::Vanished => "vanished",
            Self::Changed => "changed",
            Self::InTheWay => "in_the_way",
            Self::TooLarge => "too_large",
        }
    }
}

/// Most names of a folder that come in their order; those of a larger one come in the order of the keyed hash that splits it
/// over shards, so that each shard is sealed about once.
const BY_NAME_MAX: usize = LIST_MAX;

/// Finds what is under one or more roots, an entry at a time: in memory are the names of the folders that are open.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    sieve: Sieve<'a>,
    names_key: NamesKey,
    roots: std::vec::IntoIter<JobSource>,
    /// The root that is being scanned.
    root: PathBuf,
    open: Vec<OpenFolder>,
    /// What was left out so far.
    pub(crate) skipped: Vec<Skipped>,
}

/// A folder of which names are left to look at.
#[derive(Debug)]
struct OpenFolder {
    local: PathBuf,
    remote: RemotePath,
    names: std::vec::IntoIter<OsString>,
}

impl<'a> Scan<'a> {
    /// A scan of `roots`; of what is below them, `filter` says what counts.
    pub(crate) fn new(roots: Vec<JobSource>, filter: &'a Filter, names_key: NamesKey) -> Self {
        let (root, open, skipped) = (PathBuf::new(), Vec::new(), Vec::new());
        Self { sieve: Sieve::new(filter), names_key, roots: roots.into_iter(), root, open, skipped }
    }

    /// What the filter did.
    pub(crate) fn sifted(&self) -> Sifted {
        self.sieve.sifted()
    }

    /// The next entry, folders before what is in them; `None` at the end.
    ///
    /// # Errors
    /// When a root cannot be looked at; what cannot be below one is in [`Scan::skipped`].
    pub(crate) fn next(&mut self) -> Result<Option<LocalEntry>, OperationError> {
        loop {
            let Some((local, remote, metadata)) = self.next_place()? else {
                return Ok(None);
            };
            if let Some(entry) = self.take(local, remote, &metadata) {
                return Ok(Some(entry));
            }
        }
    }

    fn next_place(&mut self) -> Result<Option<(PathBuf, RemotePath, Metadata)>, OperationError> {
        while let Some(mut folder) = self.open.pop() {
            let Some(name) = folder.names.next() else {
                continue;
            };
            let child = self.child(folder.local.join(name), &folder.remote);
            self.open.push(folder);
            if child.is_some() {
                return Ok(child);
            }
        }
        let Some(JobSource { local, remote }) = self.roots.next() else {
            return Ok(None);
        };
        let metadata = fs_err::symlink_metadata(&local).map_err(|error| OperationError::local(&local, error))?;
        self.root.clone_from(&local);
        Ok(Some((local, remote, metadata)))
    }

    /// The entry that is there; of a folder, its names are read.
    fn take(&mut self, local: PathBuf, remote: RemotePath, metadata: &Metadata) -> Option<LocalEntry> {
        let kind = if metadata.is_dir() {
            self.enter(&local, &remote);
            LocalKind::Directory
        } else if metadata.is_file() {
            LocalKind::File { size: metadata.len() }
        } else if metadata.is_symlink() {
            match fs_err::read_link(&local) {
                Ok(target) => LocalKind::Symlink(target.into_os_string().into_vec()),
                Err(error) => {
                    self.skip(local, SkipReason::Unreadable, error.to_string());
                    return None;
                }
            }
        } else {
            let message = "it is a device, a socket or a pipe".to_owned();
            self.skip(local, SkipReason::SpecialFile, message);
            return None;
        };
        Some(LocalEntry { local, remote, attributes: attributes_of(metadata), kind })
    }

    /// Reads the names in a folder.
    fn enter(&mut self, folder: &Path, remote: &RemotePath) {
        let names = fs_err::read_dir(folder).and_then(|listing| {
            listing.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>()
        });
        let mut names = match names {
            Ok(names) => names,
            Err(error) => return self.skip(folder.to_owned(), SkipReason::Unreadable, error.to_string()),
        };
        if names.len() > BY_NAME_MAX {
            names.sort_by_cached_key(|name| self.names_key.hash_name(name.as_bytes()));
        } else {
            names.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        }
        self.open.push(OpenFolder { local: folder.to_owned(), remote: remote.clone(), names: names.into_iter() });
    }

    /// What is at `path` in the folder `remote`, if it counts.
    fn child(&mut self, path: PathBuf, remote: &RemotePath) -> Option<(PathBuf, RemotePath, Metadata)> {
        let metadata = match fs_err::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.skip(path, SkipReason::Vanished, error.to_string());
                return None;
            }
        };
        let below = path.strip_prefix(&self.root).unwrap_or(&path);
        if self.sieve.leaves_out(below, metadata.is_dir()) {
            return None;
        }
        match EntryName::new(path.file_name().unwrap_or_default().as_bytes()) {
            Ok(name) => Some((path, remote.join(&name), metadata)),
            Err(error) => {
                self.skip(path, SkipReason::NameRefused, error.to_string());
                None
            }
        }
    }

    fn skip(&mut self, path: PathBuf, code: SkipReason, message: String) {
        self.skipped.push(Skipped { path, code, message });
    }
}

/// A file's times and rights as the system has them.
pub(crate) fn attributes_of(metadata: &Metadata) -> Attributes {
    let seconds = metadata.mtime().saturating_mul(1_000_000_000);
    Attributes {
        mtime: seconds.saturating_add(metadata.mtime_nsec()),
        mode: u16::try_from(metadata.mode() & MODE_BITS).expect("twelve bits"),
    }
}
