//! Finds what is to be sent: files, folders and symlinks under the paths that were named, parents first.

use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anonicloud_core::tree::edit::EditError;
use anonicloud_core::tree::name::{EntryName, RemotePath};
use anonicloud_core::tree::node::Attributes;

use super::filter::Filter;
use super::sieve::{Sieve, Sifted};
use crate::error::OperationError;

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

/// What was found under one or more roots.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    sieve: Sieve<'a>,
    pub(crate) entries: Vec<LocalEntry>,
    pub(crate) skipped: Vec<Skipped>,
}

impl<'a> Scan<'a> {
    /// Nothing yet; of what is below the roots, `filter` says what counts.
    pub(crate) fn new(filter: &'a Filter) -> Self {
        Self { sieve: Sieve::new(filter), entries: Vec::new(), skipped: Vec::new() }
    }

    /// What the filter did.
    pub(crate) fn sifted(&self) -> Sifted {
        self.sieve.sifted()
    }

    /// Adds `local` and all below it that the filter takes, to stand at `remote`.
    ///
    /// # Errors
    /// When `local` itself cannot be looked at; what cannot be below it is in [`Scan::skipped`].
    pub(crate) fn add(&mut self, local: &Path, remote: RemotePath) -> io::Result<()> {
        let metadata = fs_err::symlink_metadata(local)?;
        let mut open = vec![(local.to_owned(), remote, metadata)];
        while let Some((path, remote, metadata)) = open.pop() {
            if metadata.is_dir() {
                // Pushed in reverse, so that names come off the stack in order.
                let children = self.children(local, &path, &remote);
                open.extend(children.into_iter().rev());
            }
            self.take(path, remote, &metadata);
        }
        Ok(())
    }

    fn take(&mut self, local: PathBuf, remote: RemotePath, metadata: &std::fs::Metadata) {
        let kind = if metadata.is_dir() {
            LocalKind::Directory
        } else if metadata.is_file() {
            LocalKind::File { size: metadata.len() }
        } else if metadata.is_symlink() {
            match fs_err::read_link(&local) {
                Ok(target) => LocalKind::Symlink(target.into_os_string().into_vec()),
                Err(error) => return self.skip(local, SkipReason::Unreadable, error.to_string()),
            }
        } else {
            let message = "it is a device, a socket or a pipe".to_owned();
            return self.skip(local, SkipReason::SpecialFile, message);
        };
        self.entries.push(LocalEntry { local, remote, attributes: attributes_of(metadata), kind });
    }

    fn children(
        &mut self,
        root: &Path,
        folder: &Path,
        remote: &RemotePath,
    ) -> Vec<(PathBuf, RemotePath, std::fs::Metadata)> {
        let names = fs_err::read_dir(folder).and_then(|listing| {
            listing.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>()
        });
        let mut names = match names {
            Ok(names) => names,
            Err(error) => {
                self.skip(folder.to_owned(), SkipReason::Unreadable, error.to_string());
                return Vec::new();
            }
        };
        names.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        names.iter().filter_map(|name| self.child(root, folder.join(name), remote)).collect()
    }

    fn child(
        &mut self,
        root: &Path,
        path: PathBuf,
        remote: &RemotePath,
    ) -> Option<(PathBuf, RemotePath, std::fs::Metadata)> {
        let metadata = match fs_err::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.skip(path, SkipReason::Vanished, error.to_string());
                return None;
            }
        };
        let below = path.strip_prefix(root).unwrap_or(&path);
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
pub(crate) fn attributes_of(metadata: &std::fs::Metadata) -> Attributes {
    let seconds = metadata.mtime().saturating_mul(1_000_000_000);
    Attributes {
        mtime: seconds.saturating_add(metadata.mtime_nsec()),
        mode: u16::try_from(metadata.mode() & MODE_BITS).expect("twelve bits"),
    }
}
