//! Folders: nobody else's to look into until all that is in them has its rights, durable at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anonicloud_core::tree::node::Attributes;
use fs_err::File;

use super::plan::{place_of, place_of_part};
use super::settle::{SYNC_ALL_FROM, one_on_each_device, set_attributes, sync_file_system};
use crate::error::OperationError;

/// Rights of a folder that was made and is not finished: its owner's alone. The sticky bit says nothing about files of one
/// owner; it tells a later run that the folder is one that a run before it made and could not finish.
const UNFINISHED_MODE: u32 = 0o1700;
const MODE_BITS: u32 = 0o1777;

/// A folder of the plan.
#[derive(Debug)]
pub(crate) struct FolderTask {
    pub(crate) path: PathBuf,
    /// What it gets at the end; of one that is there already and of the root, nothing.
    pub(super) attributes: Option<Attributes>,
    /// Whether it is to be made.
    pub(crate) missing: bool,
}

/// What is put in place: folders, and in each of them the places of files and links (`place_of`).
pub(super) type Places = BTreeMap<PathBuf, BTreeSet<u64>>;

/// Whether a folder was made by a run that did not get to its end.
pub(super) fn is_unfinished(folder: &std::fs::Metadata) -> bool {
    folder.is_dir() && folder.permissions().mode() & MODE_BITS == UNFINISHED_MODE
}

/// Makes the folders that are missing, parents first; gives those in which a name was made. Blocks.
///
/// # Errors
/// [`OperationError::TargetExists`] when something else appeared at the place of one.
pub(super) fn make_folders(tasks: &mut [FolderTask]) -> Result<BTreeSet<PathBuf>, OperationError> {
    let mut changed = BTreeSet::new();
    for task in tasks.iter_mut().filter(|task| task.missing) {
        let above = task.path.parent().unwrap_or(&task.path);
        make_above(above, &mut changed).map_err(|error| OperationError::local(above, error))?;
        changed.insert(above.to_owned());
        let mut builder = std::fs::DirBuilder::new();
        if task.attributes.is_some() {
            builder.mode(UNFINISHED_MODE);
        }
        match builder.create(&task.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = fs_err::symlink_metadata(&task.path);
                if !there.is_ok_and(|there| there.is_dir()) {
                    return Err(OperationError::TargetExists(task.path.clone()));
                }
                // Somebody made it meanwhile: it keeps what it has.
                task.attributes = None;
            }
            Err(error) => return Err(OperationError::local(&task.path, error)),
        }
    }
    Ok(changed)
}

/// Makes what is missing of the way to a folder, as `mkdir -p` does.
fn make_above(folder: &Path, changed: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    if changed.contains(folder) || folder.is_dir() {
        return Ok(());
    }
    let missing = folder.ancestors().take_while(|folder| !folder.is_dir());
    changed.extend(missing.filter_map(|missing| missing.parent().map(Path::to_owned)));
    fs_err::create_dir_all(folder)
}

/// Once everything is in place: removes what versions before this one left at these places, gives the folders their
/// attributes, and makes the names in `places` and `changed` durable. Blocks.
pub(super) fn finish_folders(
    tasks: &[FolderTask],
    places: &Places,
    mut changed: BTreeSet<PathBuf>,
) -> Result<(), OperationError> {
    for (folder, places) in places {
        remove_parts(folder, places);
    }
    changed.extend(places.keys().cloned());
    changed.extend(tasks.iter().filter(|task| task.attributes.is_some()).map(|task| task.path.clone()));
    // Opened first: a folder may get rights by which its own owner cannot open it.
    let together = changed.len() >= SYNC_ALL_FROM;
    let folders = changed.iter().map(PathBuf::as_path);
    let opened = if together {
        one_on_each_device(folders)?
    } else {
        let open = |folder: &Path| File::open(folder).map_err(|error| OperationError::local(folder, error));
        folders.map(open).collect::<Result<_, _>>()?
    };
    for FolderTask { path, attributes, .. } in tasks.iter().rev() {
        if let Some(attributes) = attributes {
            let finished = File::open(path).and_then(|folder| set_attributes(&folder, *attributes));
            finished.map_err(|error| OperationError::local(path, error))?;
        }
    }
    for folder in opened {
        if together {
            sync_file_system(&folder)?;
        } else {
            folder.sync_all().map_err(|error| OperationError::local(folder.path(), error))?;
        }
    }
    Ok(())
}

/// Removes the parts of `places` that are left. That one cannot be removed is no reason to fail: the files are in place.
fn remove_parts(folder: &Path, places: &BTreeSet<u64>) {
    let names = fs_err::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    for name in names.filter(|name| is_left_over(name, places)).collect::<Vec<_>>() {
        drop(fs_err::remove_file(folder.join(name)));
    }
}

/// Whether `name` is that of a part of a place that has what it is to have. A file of the tree may have such a name too.
fn is_left_over(name: &OsStr, places: &BTreeSet<u64>) -> bool {
    place_of_part(name).is_some_and(|place| places.contains(&place)) && !places.contains(&place_of(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(path: PathBuf, mode: u16) -> FolderTask {
        FolderTask { path, attributes: Some(Attributes { mtime: 1_000_000_007, mode }), missing: true }
    }

    fn mode_of(path: &Path) -> u32 {
        fs_err::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_folder_is_its_owners_alone_until_it_is_finished() {
        let base = tempfile::tempdir().unwrap();
        let (outer, inner) = (base.path().join("new/outer"), base.path().join("new/outer/inner"));
        let mut tasks = [task(outer.clone(), 0o755), task(inner.clone(), 0o555)];
        let changed = make_folders(&mut tasks).unwrap();
        assert_eq!(changed, BTreeSet::from([base.path().to_owned(), base.path().join("new"), outer.clone()]));
        for folder in [&outer, &inner] {
            assert_eq!(mode_of(folder) & 0o777, 0o700);
            assert!(is_unfinished(&fs_err::symlink_metadata(folder).unwrap()));
        }
        finish_folders(&tasks, &Places::new(), changed).unwrap();
        assert_eq!((mode_of(&outer), mode_of(&inner)), (0o755, 0o555));
        assert!(!is_unfinished(&fs_err::symlink_metadata(&outer).unwrap()));
        let since = fs_err::metadata(&outer).unwrap().modified().unwrap();
        let since = since.duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(since.as_nanos(), 1_000_000_007);
    }

    #[test]
    fn a_folder_that_somebody_made_meanwhile_keeps_what_it_has() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("folder");
        fs_err::create_dir(&path).unwrap();
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o710)).unwrap();
        let mut tasks = [task(path.clone(), 0o755)];
        let changed = make_folders(&mut tasks).unwrap();
        finish_folders(&tasks, &Places::new(), changed).unwrap();
        assert_eq!(mode_of(&path), 0o710);

        let file = base.path().join("file");
        fs_err::write(&file, "").unwrap();
        let refused = make_folders(&mut [task(file, 0o755)]);
        assert!(matches!(refused, Err(OperationError::TargetExists(_))), "{refused:?}");
    }
}
