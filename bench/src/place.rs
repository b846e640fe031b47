//! The temporary folder everything happens in.

use crate::{
    arguments::Arguments,
    content::{SMALL, Source},
    identity::{Identity, MakeIdentityError},
};
use fs_err::File;
use std::{
    io,
    path::{Path, PathBuf},
    process,
};
use tempfile::TempDir;

/// Removed with all its content when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
    disk: File,
}

/// Why there is no place to work in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenPlaceError {
    #[error(
        "{} has {free} MiB free and this run needs about {needed} MiB: name another place with --dir, \
         or less work with --size and --files", folder.display()
    )]
    NoRoom { folder: PathBuf, free: u64, needed: u64 },
    #[error(
        "{} is in memory, where a disk is to be measured: name another place with --dir", folder.display()
    )]
    NoDisk { folder: PathBuf },
    #[error("cannot work in {}", folder.display())]
    Folder {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Place {
    /// Makes the folder where the arguments say, else beside the folder of the binaries.
    ///
    /// # Errors
    /// When that place is not on a disk, has too little room for so many peers, or cannot be written.
    pub(crate) fn open(arguments: &Arguments, binaries: &Path, peers: usize) -> Result<Self, OpenPlaceError> {
        let beside = || binaries.parent().unwrap_or(binaries).to_owned();
        let parent = arguments.dir.clone().unwrap_or_else(beside);
        let failed = |source| OpenPlaceError::Folder { folder: parent.clone(), source };
        let disk = File::open(&parent).map_err(failed)?;
        let space = rustix::fs::fstatvfs(&disk).map_err(|error| failed(error.into()))?;
        let kind = rustix::fs::fstatfs(&disk).map_err(|error| failed(error.into()))?;
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        let needed = needed(arguments, peers as u64);
        if MEMORY_FILE_SYSTEMS.contains(&i128::from(kind.f_type)) {
            return Err(OpenPlaceError::NoDisk { folder: parent });
        }
        if free < needed {
            return Err(OpenPlaceError::NoRoom { folder: parent, free: free >> 20, needed: needed >> 20 });
        }
        remove_leftovers(&parent).map_err(failed)?;
        let folder = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", process::id()))
            .tempdir_in(&parent)
            .map_err(failed)?;
        Ok(Self { folder, disk })
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes what is sent, and the certificates.
    ///
    /// # Errors
    /// When the disk refuses or no key can be made.
    pub(crate) fn furnish(&self, arguments: &Arguments) -> Result<(Source, Identity), MakeIdentityError> {
        let folder = self.folder().join("source");
        let source = Source::make(folder, arguments.size, arguments.files)?;
        Ok((source, Identity::make(&self.folder().join("tls"))?))
    }

    /// Puts a folder of many files away until the run is over. Some file systems (ext4 without a journal) pass over the
    /// inodes of files that were removed a short while ago one by one, which would be timed with whatever comes next.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn put_away(&self, folder: &Path) -> io::Result<()> {
        let kept = self.folder().join("kept");
        fs_err::create_dir_all(&kept)?;
        let number = fs_err::read_dir(&kept)?.count();
        fs_err::rename(folder, kept.join(number.to_string()))
    }

    /// Waits until everything written to this file system is on the disk.
    ///
    /// # Errors
    /// When the disk reports a failed write.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.disk)?)
    }
}

/// Removes what runs left behind that were killed before they could tidy up.
fn remove_leftovers(parent: &Path) -> io::Result<()> {
    for entry in fs_err::read_dir(parent)? {
        let entry = entry?;
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            fs_err::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Bytes on disk at the worst moment. Of size: the large file here and stored, and two blocks a small one. Else: the source, for each peer what it stores and the changed copy of it, one
/// download, the ceiling's copy; small files at four times their length, for blocks, entries and padding, and what is
/// fetched of them in every round.
fn needed(arguments: &Arguments, peers: u64) -> u64 {
    if arguments.is_size() {
        let files = u64::from(arguments.entries) + u64::from(arguments.tree);
        return arguments.file.saturating_mul(2).saturating_add(files * SMALL * 2);
    }
    let large = arguments.size.saturating_mul(2 * peers + 3);
    let rounds = u64::from(arguments.rounds.get());
    let small = SMALL * 4 * u64::from(arguments.files) * (peers * (rounds + 1) + 1);
    large.saturating_add(small)
}

/// The process follows, so that the next run knows whether a folder is still in use.
const PREFIX: &str = "anonicloud-bench-run-";
/// `f_type` of tmpfs and ramfs (statfs(2)).
const MEMORY_FILE_SYSTEMS: [i128; 2] = [0x0102_1994, 0x8584_58f6];

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn only_folders_of_dead_runs_are_removed() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        // No process has this number: it is above the kernel's limit (2^22).
        let dead = parent.path().join(format!("{PREFIX}4194305-x"));
        let ours = parent.path().join(format!("{PREFIX}{}-x", process::id()));
        let other = parent.path().join("other-4194305-x");
        for folder in [&dead, &ours, &other] {
            fs_err::create_dir(folder).expect("made");
        }
        remove_leftovers(parent.path()).expect("removed");
        assert_eq!([&dead, &ours, &other].map(|folder| folder.exists()), [false, true, true]);
    }

    #[test]
    fn the_defaults_need_about_thirteen_gib() {
        let defaults = Arguments::parse_from(["bench"]);
        assert_eq!(needed(&defaults, 4) >> 30, 13);
    }
}
