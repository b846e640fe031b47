//! Files that only their owner may read.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use fs_err::{File, OpenOptions};
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
    let salt = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    let draft = dir.join(format!("{name}.{salt:016x}"));
    let mut file = create_private(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
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

fn place_and_sync(draft: &Path, dir: &Path, name: &str) -> io::Result<()> {
    fs_err::rename(draft, dir.join(name))?;
    sync_dir(dir)
}

/// The whole of a small file, or nothing when there is none.
pub(super) fn read_secret(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    match fs_err::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
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
