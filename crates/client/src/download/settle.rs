//! A part that is whole becomes the file: durable first, then by its name.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anonicloud_core::tree::node::Attributes;
use fs_err::File;
use rustix::fs::{AtFlags, CWD, RenameFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use super::file::Gathered;
use super::plan::LinkTask;
use crate::error::OperationError;

/// From this many files or folders on, one sync of the file system is cheaper than one of each.
pub(super) const SYNC_ALL_FROM: usize = 8;
const SECOND_NS: i64 = 1_000_000_000;

/// Makes parts durable, then gives those their names that have none. Blocks.
///
/// # Errors
/// [`OperationError::TargetExists`] when something appeared at a place meanwhile; all others get their names.
pub(super) fn settle(gathered: &[Gathered]) -> Result<(), OperationError> {
    let unplaced = gathered.iter().filter(|file| !file.placed).map(|file| &file.task);
    let folders: BTreeSet<&Path> = unplaced.clone().filter_map(|task| task.target.parent()).collect();
    for folder in one_on_each_device(folders)? {
        sync_file_system(&folder)?;
    }
    let mut settled = Ok(());
    for task in unplaced {
        let placed = place(&task.part(), &task.target, task.replace);
        settled = settled.and(placed);
    }
    settled
}

/// One of `folders` on each file system that they are on. Blocks.
pub(super) fn one_on_each_device<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Result<Vec<File>, OperationError> {
    let mut devices = BTreeMap::new();
    for folder in folders {
        let metadata = fs_err::metadata(folder).map_err(|error| OperationError::local(folder, error))?;
        devices.entry(metadata.dev()).or_insert(folder);
    }
    let open = |folder: &Path| File::open(folder).map_err(|error| OperationError::local(folder, error));
    devices.into_values().map(open).collect()
}

/// Waits until everything on the file system of `folder` is durable. Blocks.
pub(super) fn sync_file_system(folder: &File) -> Result<(), OperationError> {
    rustix::fs::syncfs(folder.file()).map_err(|error| OperationError::local(folder.path(), error.into()))
}

/// Gives a part its name. What stands there goes only with `replace`. Blocks.
///
/// # Errors
/// [`OperationError::TargetExists`] when something stands there that may not be replaced.
pub(super) fn place(part: &Path, target: &Path, replace: bool) -> Result<(), OperationError> {
    let placed = if replace { fs_err::rename(part, target) } else { rename_new(part, target) };
    placed.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => OperationError::TargetExists(target.to_owned()),
        _ => OperationError::local(target, error),
    })
}

fn rename_new(part: &Path, target: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, part, CWD, target, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link_new(part, target),
        renamed => Ok(renamed?),
    }
}

/// [`rename_new`] on file systems that cannot (NFS): a second name is not given either where there is one.
fn link_new(part: &Path, target: &Path) -> io::Result<()> {
    match fs_err::hard_link(part, target) {
        Ok(()) => fs_err::remove_file(part),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Nor does it have second names: only what appears between these two calls would be replaced.
        Err(_) if fs_err::symlink_metadata(target).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs_err::rename(part, target),
    }
}

/// Makes a symlink and gives it its name, as a file gets its own. Blocks.
///
/// # Errors
/// As [`place`].
pub(super) fn make_link(task: &LinkTask) -> Result<(), OperationError> {
    let part = task.part();
    let made = remove_if_there(&part).and_then(|()| {
        fs_err::os::unix::fs::symlink(OsStr::from_bytes(&task.text), &part)?;
        set_link_time(&part, task.mtime)
    });
    made.map_err(|error| OperationError::local(&part, error))?;
    place(&part, &task.target, task.replace)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn set_link_time(link: &Path, mtime: i64) -> io::Result<()> {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: mtime.div_euclid(SECOND_NS), tv_nsec: mtime.rem_euclid(SECOND_NS) },
    };
    match rustix::fs::utimensat(CWD, link, &times, AtFlags::SYMLINK_NOFOLLOW) {
        // Some file systems keep no time of a link.
        Err(Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        set => Ok(set?),
    }
}

/// Gives an open file or folder its times and rights.
pub(super) fn set_attributes(file: &File, attributes: Attributes) -> io::Result<()> {
    let offset = Duration::from_nanos(attributes.mtime.unsigned_abs());
    let time = if attributes.mtime < 0 { UNIX_EPOCH.checked_sub(offset) } else { UNIX_EPOCH.checked_add(offset) };
    let time: SystemTime = time.unwrap_or(UNIX_EPOCH);
    file.file().set_modified(time)?;
    // Set-uid and set-gid bits are kept in the tree and not given to files of another owner.
    file.set_permissions(std::fs::Permissions::from_mode(u32::from(attributes.mode & 0o1777)))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Placing = fn(&Path, &Path) -> io::Result<()>;

    #[test]
    fn nothing_is_replaced_by_any_way_to_give_a_name() {
        for give_name in [rename_new as Placing, link_new as Placing] {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            fs_err::write(path("part"), "new").unwrap();
            fs_err::write(path("taken"), "old").unwrap();
            fs_err::os::unix::fs::symlink("nowhere", path("link")).unwrap();
            for taken in ["taken", "link"] {
                let refused = give_name(&path("part"), &path(taken)).unwrap_err();
                assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            }
            assert_eq!(fs_err::read(path("taken")).unwrap(), b"old");
            give_name(&path("part"), &path("free")).unwrap();
            assert_eq!(fs_err::read(path("free")).unwrap(), b"new");
            give_name(&path("link"), &path("moved")).unwrap();
            assert_eq!(fs_err::read_link(path("moved")).unwrap(), Path::new("nowhere"));
            assert!(!path("part").exists() && fs_err::symlink_metadata(path("link")).is_err());
        }
    }

    #[test]
    fn every_file_system_is_synced_once() {
        let here = tempfile::tempdir().unwrap();
        let folders = [here.path(), Path::new("/proc"), here.path(), Path::new("/proc/self")];
        let opened = one_on_each_device(folders).unwrap();
        let paths: BTreeSet<_> = opened.iter().map(File::path).collect();
        assert_eq!(paths, BTreeSet::from([here.path(), Path::new("/proc")]));
    }
}
