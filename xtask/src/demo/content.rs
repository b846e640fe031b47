//! What the demo sends: real source files, and one large file that no compression helps.

use super::DemoError;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Enough files to see that small ones travel together.
const ENOUGH_FILES: usize = 5_000;

/// Copies crates out of cargo's registry until there are enough files.
pub(super) fn copy_sources(registry: &Path, destination: &Path) -> Result<(), DemoError> {
    let mut crates = Vec::new();
    for index in children(registry)? {
        crates.extend(children(&index)?);
    }
    let mut files = 0;
    for source in crates.iter().filter(|path| path.is_dir()) {
        if files >= ENOUGH_FILES {
            break;
        }
        files += copy_tree(source, &destination.join(source.file_name().unwrap_or_default()))?;
    }
    if files == 0 { Err(DemoError::NoSources) } else { Ok(()) }
}

fn children(folder: &Path) -> Result<Vec<PathBuf>, io::Error> {
    let mut paths =
        fs_err::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

/// Gives the number of files.
fn copy_tree(source: &Path, destination: &Path) -> Result<usize, io::Error> {
    if source.is_file() {
        fs_err::copy(source, destination)?;
        return Ok(1);
    }
    fs_err::create_dir_all(destination)?;
    let mut files = 0;
    for path in children(source)? {
        files += copy_tree(&path, &destination.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(files)
}

/// Writes `size` bytes of an xorshift sequence; `size` is a multiple of 8.
pub(super) fn write_large_file(path: &Path, size: u64) -> Result<(), io::Error> {
    let mut file = io::BufWriter::with_capacity(1 << 20, fs_err::File::create(path)?);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..size / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes())?;
    }
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_large_file_has_its_size_and_no_repetition() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("large.bin");
        write_large_file(&path, 4096).expect("the file is written");
        let bytes = fs_err::read(&path).expect("the file is there");
        let mut words: Vec<&[u8]> = bytes.chunks(8).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!((bytes.len(), words.len()), (4096, 512));
    }

    #[test]
    fn sources_are_copied_whole_and_none_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (registry, copy) = (folder.path().join("registry"), folder.path().join("copy"));
        fs_err::create_dir_all(registry.join("index/some-crate/src")).expect("folders are made");
        assert!(matches!(copy_sources(&registry, &copy), Err(DemoError::NoSources)));
        fs_err::write(registry.join("index/some-crate/src/lib.rs"), "text").expect("a file is written");
        copy_sources(&registry, &copy).expect("there is a crate");
        assert_eq!(fs_err::read(copy.join("some-crate/src/lib.rs")).expect("the copy is there"), b"text");
    }
}
