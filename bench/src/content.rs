//! What is sent: bytes that look random, the same in every run, and the check that what came back is what was sent.

use blake3::Hasher;
use fs_err::{File, OpenOptions};
use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

/// The large file's name.
pub(crate) const FILE: &str = "file.bin";
/// The name of the folder of small files.
pub(crate) const FILES: &str = "files";
/// Length of a small file in bytes.
pub(crate) const SMALL: u64 = 4096;
/// Small files per part, the first folder level: a peer that takes too long for all of them is given the first part.
pub(crate) const PART: u32 = 1000;

const FILES_PER_FOLDER: u32 = 100;
const BUFFER: usize = 1 << 18;

/// The folder that everything is sent from.
#[derive(Debug)]
pub(crate) struct Source {
    folder: PathBuf,
}

impl Source {
    /// Writes a large file of `size` bytes and `files` small ones into `folder`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn make(folder: PathBuf, size: u64, files: u32) -> io::Result<Self> {
        fs_err::create_dir_all(folder.join(FILES))?;
        let source = Self { folder };
        write_bytes(&source.file(), 0, size)?;
        for index in 0..files {
            let part = source.part(index / PART);
            let folder = part.join(format!("folder-{:02}", index % PART / FILES_PER_FOLDER));
            if index % FILES_PER_FOLDER == 0 {
                fs_err::create_dir_all(&folder)?;
            }
            write_bytes(&folder.join(format!("{index:05}.bin")), u64::from(index) + 1, SMALL)?;
        }
        Ok(source)
    }

    /// Where all of it lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The large file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// The folder of small files.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.join(FILES)
    }

    /// The folder of the small files `number * PART` and following.
    pub(crate) fn part(&self, number: u32) -> PathBuf {
        self.files().join(format!("part-{number:03}"))
    }

    /// Makes the byte in the middle of the large file another one.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub(crate) fn change_byte(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).write(true).open(self.file())?;
        let middle = SeekFrom::Start(file.metadata()?.len() / 2);
        let mut byte = [0];
        file.seek(middle)?;
        file.read_exact(&mut byte)?;
        file.seek(middle)?;
        file.write_all(&byte.map(|byte| !byte))
    }

    /// Brings the large file into the page cache.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn warm(&self) -> io::Result<()> {
        let mut file = BufReader::with_capacity(BUFFER, File::open(self.file())?);
        io::copy(&mut file, &mut io::sink()).map(drop)
    }
}

/// Writes a file of so many bytes of a stream.
///
/// # Errors
/// When the disk refuses.
pub(crate) fn write_bytes(path: &Path, stream: u64, length: u64) -> io::Result<()> {
    io::copy(&mut bytes(stream, length), &mut File::create(path)?).map(drop)
}

/// Whether a file is what [`write_bytes`] writes.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn is_written(path: &Path, stream: u64, length: u64) -> io::Result<bool> {
    let mut file = File::open(path)?;
    Ok(file.metadata()?.len() == length && same_bytes(&mut bytes(stream, length), &mut file, length)?)
}

fn bytes(stream: u64, length: u64) -> impl BufRead {
    let mut hasher = Hasher::new();
    hasher.update(b"anonicloud-bench").update(&stream.to_le_bytes());
    BufReader::with_capacity(BUFFER, hasher.finalize_xof().take(length))
}

/// Compares two files, or two folders with all that is in them, by names and content; gives the first that differs.
///
/// # Errors
/// When one cannot be read.
pub(crate) fn first_difference(expected: &Path, actual: &Path) -> io::Result<Option<PathBuf>> {
    if !expected.is_dir() {
        let same = actual.is_file() && same_content(expected, actual)?;
        return Ok((!same).then(|| actual.to_owned()));
    }
    let names = names(expected)?;
    if !actual.is_dir() || names != self::names(actual)? {
        return Ok(Some(actual.to_owned()));
    }
    for name in names {
        let difference = first_difference(&expected.join(&name), &actual.join(&name))?;
        if difference.is_some() {
            return Ok(difference);
        }
    }
    Ok(None)
}

fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names =
        fs_err::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

fn same_content(expected: &Path, actual: &Path) -> io::Result<bool> {
    let (mut expected, mut actual) = (File::open(expected)?, File::open(actual)?);
    let length = expected.metadata()?.len();
    Ok(actual.metadata()?.len() == length && same_bytes(&mut expected, &mut actual, length)?)
}

fn same_bytes(expected: &mut impl Read, actual: &mut impl Read, length: u64) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; BUFFER], vec![0; BUFFER]);
    let mut remaining = length;
    while remaining > 0 {
        let step = usize::try_from(remaining).map_or(BUFFER, |rest| rest.min(BUFFER));
        expected.read_exact(&mut left[..step])?;
        actual.read_exact(&mut right[..step])?;
        if left[..step] != right[..step] {
            return Ok(false);
        }
        remaining -= step as u64;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> (tempfile::TempDir, Source) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = Source::make(folder.path().join("source"), 600_000, 1100).expect("written");
        (folder, source)
    }

    #[test]
    fn content_is_the_same_in_every_run_until_a_byte_changes() {
        let (_folder, first) = source();
        let (_other_folder, second) = source();
        assert_eq!(first_difference(first.folder(), second.folder()).expect("read"), None);
        second.change_byte().expect("written");
        assert_eq!(first_difference(first.folder(), second.folder()).expect("read"), Some(second.file()));
        let (before, after) = (fs_err::read(first.file()).expect("read"), fs_err::read(second.file()).expect("read"));
        let changed = before.iter().zip(&after).filter(|(left, right)| left != right);
        assert_eq!(changed.count(), 1);
    }

    #[test]
    fn a_file_too_few_or_too_short_is_a_difference() {
        let (_folder, first) = source();
        let (_other_folder, second) = source();
        let short = second.part(1).join("folder-00/01000.bin");
        fs_err::write(&short, [0; 10]).expect("written");
        assert_eq!(first_difference(first.folder(), second.folder()).expect("read"), Some(short.clone()));
        fs_err::remove_file(&short).expect("removed");
        assert_eq!(
            first_difference(first.folder(), second.folder()).expect("read"),
            short.parent().map(ToOwned::to_owned)
        );
    }
}
