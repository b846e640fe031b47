//! Files that only their owner may read.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use fs_err::{File, OpenOptions};
#[cfg(unix)]
use rustix::fs::OFlags;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Makes `dir` with its parents, open to its owner alone; one that is there stays as it is.
pub(super) fn make_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Makes an empty file for its owner alone, if there is none.
pub(super) fn make_private_file(path: &Path) -> io::Result<()> {
    match create_private(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Writes a file that appears under `dir/name` whole or not at all. Of several that do so at once, the first one's stays.
pub(super) fn write_private_once(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = write_draft(dir, name, bytes)?;
    let linked = match fs_err::hard_link(&draft, dir.join(name)) {
        // A file system without hard links: the one where two first starts at the same moment would have to meet.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return place_and_sync(&draft, dir, name);
        }
        other => other,
    };
    fs_err::remove_file(&draft)?;
    match linked {
        Ok(()) => sync_dir(dir),
        Err(_) => Ok(()),
    }
}

/// Replaces `dir/name`, which has to hold `before`: whatever ends this, what was there or what comes is there whole. Then what was
/// there is overwritten, and so are drafts that were left. Gives whether it still held that; if not, nothing is changed.
pub(super) fn replace_private(dir: &Path, name: &str, before: &[u8], bytes: &[u8]) -> io::Result<bool> {
    let _held = hold(dir)?;
    let path = dir.join(name);
    if read_small(&path)?.is_none_or(|found| !bool::from(found.as_slice().ct_eq(before))) {
        return Ok(false);
    }
    let replaced = open_own(&path, OpenOptions::new().write(true))?;
    let draft = write_draft(dir, name, bytes)?;
    // A second name, by which what is replaced is found and overwritten when this is killed before it has done that.
    fs_err::hard_link(&path, draft_path(dir, name)?).ok();
    place_and_sync(&draft, dir, name).inspect_err(|_| {
        wipe(dir, &draft).ok();
    })?;
    // It is replaced, whatever happens to what was there: a second name that stays goes when a locked key is next read.
    wipe_drafts(dir, name).ok();
    // Where there are no second names.
    overwrite_unnamed(replaced).ok();
    Ok(true)
}

/// Removes the drafts of `dir/name` that a process left when it was killed. One that is at it keeps its own.
pub(super) fn remove_drafts(dir: &Path, name: &str) -> io::Result<()> {
    if drafts(dir, name)?.is_empty() {
        return Ok(());
    }
    let _held = hold(dir)?;
    wipe_drafts(dir, name)
}

/// Removes `dir/name` and its drafts, if they are there, and overwrites what they held.
pub(super) fn remove_private(dir: &Path, name: &str) -> io::Result<()> {
    let _held = hold(dir)?;
    wipe_drafts(dir, name)?;
    match wipe(dir, &dir.join(name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a file and then overwrites what it held: at no instant a name leads to zeros.
fn wipe(dir: &Path, path: &Path) -> io::Result<()> {
    if fs_err::symlink_metadata(path)?.is_symlink() {
        // What it names is not ours.
        fs_err::remove_file(path)?;
        return sync_dir(dir);
    }
    let file = open_own(path, OpenOptions::new().write(true))?;
    fs_err::remove_file(path)?;
    sync_dir(dir)?;
    // Where the file system or the drive writes elsewhere this does nothing, and nothing could: no reason to fail.
    overwrite_unnamed(file).ok();
    Ok(())
}

fn wipe_drafts(dir: &Path, name: &str) -> io::Result<()> {
    drafts(dir, name)?.iter().try_for_each(|draft| wipe(dir, draft))
}

/// Files named as [`write_draft`] does.
fn drafts(dir: &Path, name: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(dir)? {
        let path = entry?.path();
        let draft_of = path.file_stem().is_some_and(|stem| stem == name);
        let salt = path.extension().and_then(|salt| salt.to_str()).unwrap_or_default();
        if draft_of && salt.len() == SALT_DIGITS && salt.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Holds the folder against others that replace a file in it; the system lets go of it however the process ends.
fn hold(dir: &Path) -> io::Result<File> {
    let held = File::open(dir)?;
    held.file().lock()?;
    Ok(held)
}

/// Overwrites a file that has no name any more; one that has another name may be what somebody still needs.
fn overwrite_unnamed(mut file: File) -> io::Result<()> {
    let about = file.metadata()?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&about) > 0 {
        return Ok(());
    }
    let len = usize::try_from(about.len()).unwrap_or(usize::MAX).min(SMALL_FILE);
    file.write_all(&[0; SMALL_FILE][..len])?;
    file.sync_all()
}

/// Where a draft of `dir/name` may be.
fn draft_path(dir: &Path, name: &str) -> io::Result<PathBuf> {
    let salt = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(dir.join(format!("{name}.{salt:0SALT_DIGITS$x}")))
}

/// Writes `bytes` to a file beside `dir/name`, durable but for its name.
fn write_draft(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let draft = draft_path(dir, name)?;
    let mut file = create_private(&draft)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).inspect_err(|_| {
        wipe(dir, &draft).ok();
    })?;
    Ok(draft)
}

fn place_and_sync(draft: &Path, dir: &Path, name: &str) -> io::Result<()> {
    fs_err::rename(draft, dir.join(name))?;
    sync_dir(dir)
}

/// Digits in the name of a draft.
const SALT_DIGITS: usize = 16;
/// No file that is read or overwritten here is longer.
const SMALL_FILE: usize = 1024;

/// The whole of the small file `dir/name`, or nothing when there is none; of a longer one, the beginning. Not while it is replaced.
pub(super) fn read_secret(dir: &Path, name: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let held = File::open(dir).ok();
    if let Some(held) = &held {
        // Where there are no locks, what was replaced may be met as zeros: who reads a key looks.
        held.file().lock_shared().ok();
    }
    read_small(&dir.join(name))
}

fn read_small(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let file = match open_own(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // All at once, so that no copy stays behind where the buffer was.
    let mut bytes = Zeroizing::new(Vec::with_capacity(SMALL_FILE));
    file.take(SMALL_FILE as u64).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Opens a file that is here, and none that a link in its place names.
fn open_own(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
        fs_err::os::unix::fs::OpenOptionsExt::custom_flags(options, no_follow);
    }
    options.open(path)
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the names in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
