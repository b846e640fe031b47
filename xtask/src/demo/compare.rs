//! Whether two trees are the same, byte by byte.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
};

/// How two trees differ.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareTreesError {
    /// One of them cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The names in a folder differ.
    #[error("{0} holds other names than what was sent")]
    Names(PathBuf),
    /// One is a file, the other a folder or a symlink.
    #[error("{0} is of another kind than what was sent")]
    Kind(PathBuf),
    /// A byte differs, or one file is longer, or a symlink leads elsewhere.
    #[error("{0} holds other content than what was sent")]
    Content(PathBuf),
}

/// What was compared and found the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Same {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// Compares two trees.
///
/// # Errors
/// At the first difference.
pub(super) fn trees(sent: &Path, got: &Path) -> Result<Same, CompareTreesError> {
    let mut same = Same::default();
    compare(sent, got, &mut same)?;
    Ok(same)
}

fn compare(sent: &Path, got: &Path, same: &mut Same) -> Result<(), CompareTreesError> {
    let kind = fs_err::symlink_metadata(sent)?.file_type();
    if fs_err::symlink_metadata(got)?.file_type() != kind {
        return Err(CompareTreesError::Kind(got.to_path_buf()));
    }
    if kind.is_dir() {
        let names = names(sent)?;
        if self::names(got)? != names {
            return Err(CompareTreesError::Names(got.to_path_buf()));
        }
        return names.iter().try_for_each(|name| compare(&sent.join(name), &got.join(name), same));
    }
    let equal = if kind.is_symlink() {
        fs_err::read_link(sent)? == fs_err::read_link(got)?
    } else {
        same.bytes += fs_err::metadata(sent)?.len();
        same_content(sent, got)?
    };
    same.files += 1;
    if equal { Ok(()) } else { Err(CompareTreesError::Content(got.to_path_buf())) }
}

fn names(folder: &Path) -> Result<BTreeSet<OsString>, io::Error> {
    fs_err::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
}

fn same_content(sent: &Path, got: &Path) -> Result<bool, io::Error> {
    let open = |path| Ok::<_, io::Error>(BufReader::with_capacity(1 << 20, fs_err::File::open(path)?));
    let (mut sent, mut got) = (open(sent)?, open(got)?);
    loop {
        let (left, right) = (sent.fill_buf()?, got.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        if left.get(..length) != right.get(..length) {
            return Ok(false);
        }
        sent.consume(length);
        got.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with a folder, an empty file, a large file and a symlink.
    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs_err::create_dir(folder.path().join("inner")).expect("a folder is made");
        fs_err::write(folder.path().join("empty"), "").expect("a file is written");
        fs_err::write(folder.path().join("inner/large"), vec![7; 3 << 20]).expect("a file is written");
        fs_err::os::unix::fs::symlink("empty", folder.path().join("link")).expect("a link is made");
        folder
    }

    fn changed(change: impl FnOnce(&Path)) -> CompareTreesError {
        let (sent, got) = (tree(), tree());
        change(got.path());
        trees(sent.path(), got.path()).expect_err("the trees differ")
    }

    #[test]
    fn equal_trees_are_the_same() {
        let (sent, got) = (tree(), tree());
        let same = trees(sent.path(), got.path()).expect("the trees are the same");
        assert_eq!(same, Same { files: 3, bytes: 3 << 20 });
    }

    #[test]
    fn every_difference_is_found() {
        let mut bytes = vec![7; 3 << 20];
        bytes[2_500_000] = 8;
        let write = |name: &'static str, bytes: Vec<u8>| {
            move |root: &Path| fs_err::write(root.join(name), bytes).expect("a file is written")
        };
        assert!(matches!(changed(write("inner/large", bytes)), CompareTreesError::Content(_)));
        assert!(matches!(changed(write("inner/large", vec![7; 2 << 20])), CompareTreesError::Content(_)));
        assert!(matches!(changed(write("empty", vec![1])), CompareTreesError::Content(_)));
        assert!(matches!(changed(write("more", vec![])), CompareTreesError::Names(_)));
        let lost = changed(|root| fs_err::remove_file(root.join("empty")).expect("the file was there"));
        assert!(matches!(lost, CompareTreesError::Names(_)));
        let kind = changed(|root| {
            fs_err::remove_file(root.join("link")).expect("the link was there");
            fs_err::write(root.join("link"), "empty").expect("a file is written");
        });
        assert!(matches!(kind, CompareTreesError::Kind(_)));
    }
}
