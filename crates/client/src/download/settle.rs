//! A part that is whole becomes the file: durable first, then by its name.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anonicloud_core::tree::node::Attributes;
use fs_err::File;

use super::file::open_whole;
use super::plan::{FileTask, LinkTask};
use crate::error::OperationError;

/// From this many files on, one sync of the file system is cheaper than one of each file.
const SYNC_ALL_FROM: usize = 8;

/// Gives the parts of `tasks` their attributes, makes them durable, then gives them their names. Blocks.
pub(super) fn settle(tasks: &[FileTask]) -> Result<(), OperationError> {
    let Some(first) = tasks.first() else {
        return Ok(());
    };
    for task in tasks {
        let part = task.part();
        let prepared = open_whole(&part).and_then(|file| {
            set_times(file.file(), task.entry.attributes)?;
            file.set_permissions(permissions(task.entry.attributes))?;
            if tasks.len() < SYNC_ALL_FROM { file.sync_all() } else { Ok(()) }
        });
        prepared.map_err(|error| OperationError::local(&part, error))?;
    }
    if tasks.len() >= SYNC_ALL_FROM {
        let part = first.part();
        let synced = File::open(&part).and_then(|file| Ok(rustix::fs::syncfs(file.file())?));
        synced.map_err(|error| OperationError::local(&part, error))?;
    }
    for task in tasks {
        fs_err::rename(task.part(), &task.target).map_err(|error| OperationError::local(&task.target, error))?;
    }
    // The names are in as many folders as the files.
    let folders: BTreeSet<&Path> = tasks.iter().filter_map(|task| task.target.parent()).collect();
    for folder in folders {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| OperationError::local(folder, error))?;
    }
    Ok(())
}

/// Makes a symlink, in place of what stands there.
pub(super) fn make_link(task: &LinkTask) -> Result<(), OperationError> {
    let text = OsStr::from_bytes(&task.text);
    let made = match fs_err::os::unix::fs::symlink(text, &task.target) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            fs_err::remove_file(&task.target).and_then(|()| fs_err::os::unix::fs::symlink(text, &task.target))
        }
        other => other,
    };
    made.map_err(|error| OperationError::local(&task.target, error))
}

/// Gives a folder its attributes, once nothing more is written into it.
pub(super) fn finish_directory(path: &Path, attributes: Attributes) -> Result<(), OperationError> {
    let opened = File::open(path).and_then(|folder| {
        set_times(folder.file(), attributes)?;
        folder.set_permissions(permissions(attributes))
    });
    opened.map_err(|error| OperationError::local(path, error))
}

fn permissions(attributes: Attributes) -> std::fs::Permissions {
    // Set-uid and set-gid bits are kept in the tree and not given to files of another owner.
    std::fs::Permissions::from_mode(u32::from(attributes.mode & 0o1777))
}

fn set_times(file: &std::fs::File, attributes: Attributes) -> std::io::Result<()> {
    let offset = Duration::from_nanos(attributes.mtime.unsigned_abs());
    let time = if attributes.mtime < 0 { UNIX_EPOCH.checked_sub(offset) } else { UNIX_EPOCH.checked_add(offset) };
    let time: SystemTime = time.unwrap_or(UNIX_EPOCH);
    file.set_modified(time)
}
