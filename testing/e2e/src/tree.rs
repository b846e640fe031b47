//! Whether two folders hold the same: names, kinds, content, rights, times, targets of links.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::content;

/// What is known of an entry; content is compared apart.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    kind: &'static str,
    mode: u32,
    /// Seconds and nanoseconds.
    mtime: (i64, i64),
    size: u64,
    target: Option<PathBuf>,
}

/// Fails the test unless `actual` holds all that `expected` does and nothing else. The roots' own attributes do not count.
pub fn assert_same(expected: &Path, actual: &Path) {
    let (left, right) = (list(expected), list(actual));
    let names = |entries: &BTreeMap<OsString, PathBuf>| entries.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&left), names(&right), "{} and {}", expected.display(), actual.display());
    for (name, left) in &left {
        let right = &right[name];
        let facts = facts(left);
        assert_eq!(facts, self::facts(right), "{}", left.display());
        if facts.kind == "folder" {
            assert_same(left, right);
        } else if facts.kind == "file" {
            let open = |path| fs_err::File::open(path).expect("the file can be read");
            assert_eq!(content::compare(open(left), open(right)), Ok(()), "{}", left.display());
        }
    }
}

/// All entries of a folder by name.
pub fn list(folder: &Path) -> BTreeMap<OsString, PathBuf> {
    let entries = fs_err::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("the folder can be read"));
    paths.map(|entry| (entry.file_name(), entry.path())).collect()
}

fn facts(path: &Path) -> Facts {
    let metadata = fs_err::symlink_metadata(path).expect("the entry is there");
    let file_type = metadata.file_type();
    let time = (metadata.mtime(), metadata.mtime_nsec());
    if file_type.is_symlink() {
        let target = Some(fs_err::read_link(path).expect("the link can be read"));
        return Facts { kind: "link", mode: 0, mtime: time, size: 0, target };
    }
    let kind = if file_type.is_dir() { "folder" } else { "file" };
    let size = if file_type.is_dir() { 0 } else { metadata.len() };
    Facts { kind, mode: metadata.permissions().mode() & 0o7777, mtime: time, size, target: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(content: &str, mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs_err::write(&file, content).unwrap();
        fs_err::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let epoch = std::time::UNIX_EPOCH;
        fs_err::File::options().write(true).open(&file).unwrap().file().set_modified(epoch).unwrap();
        folder
    }

    fn same(left: &tempfile::TempDir, right: &tempfile::TempDir) -> bool {
        let (left, right) = (left.path().to_owned(), right.path().to_owned());
        std::thread::spawn(move || assert_same(&left, &right)).join().is_ok()
    }

    #[test]
    fn every_difference_is_seen() {
        let folder = folder_with("a", 0o600);
        assert!(same(&folder, &folder_with("a", 0o600)));
        assert!(!same(&folder, &folder_with("b", 0o600)));
        assert!(!same(&folder, &folder_with("a", 0o640)));
        assert!(!same(&folder, &tempfile::tempdir().unwrap()));
        let later = folder_with("a", 0o600);
        let file = fs_err::File::options().write(true).open(later.path().join("f")).unwrap();
        file.file().set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_nanos(1)).unwrap();
        assert!(!same(&folder, &later));
    }
}
