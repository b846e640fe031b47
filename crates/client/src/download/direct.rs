//! Writing a large file past the page cache: copying it there costs more than fetching and opening it, and the disk would
//! have to be waited for at the end all the same.
//!
//! Enters: whole segments. Leaves: the same bytes in the file, durable when it is synced. Never: content left in memory.

use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use anonicloud_proto::limits::SEGMENT_LEN;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use fs_err::{File, OpenOptions};
use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// A page of memory, and a multiple of the logical block of disks in use: the kernel takes nothing else.
const BLOCK: usize = 4096;

/// A file that takes whole segments past the page cache.
pub(super) struct DirectFile {
    file: File,
    /// Room for a segment, with an aligned place in it.
    memory: Zeroizing<Vec<u8>>,
}

impl DirectFile {
    /// Opens `same`, which is at `path`, once more; gives none where the system or the file system has no such thing, and
    /// where another file came to that place.
    pub(super) fn open(path: &Path, same: &File) -> Option<Self> {
        let flags = direct_flag()? | OFlags::NOFOLLOW;
        let mut options = OpenOptions::new();
        let file = options.write(true).custom_flags(flags.bits().cast_signed()).open(path).ok()?;
        let [one, other] = [same, &file].map(|file| file.metadata().map(|found| (found.dev(), found.ino())));
        if one.ok()? != other.ok()? {
            return None;
        }
        Some(Self { file, memory: Zeroizing::new(vec![0; SEGMENT_LEN + BLOCK]) })
    }

    /// Writes a whole segment at a place where one begins.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] or [`io::ErrorKind::Unsupported`] where the file system takes other blocks than ours,
    /// or none: the page cache has to.
    pub(super) fn write(&mut self, segment: &[u8; SEGMENT_LEN], at: u64) -> io::Result<()> {
        let start = self.memory.as_ptr().align_offset(BLOCK);
        let aligned = &mut self.memory[start..start + SEGMENT_LEN];
        aligned.copy_from_slice(segment);
        self.file.file().write_all_at(aligned, at)
    }
}

#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
const fn direct_flag() -> Option<OFlags> {
    Some(OFlags::DIRECT)
}

#[cfg(not(target_os = "linux"))]
const fn direct_flag() -> Option<OFlags> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_lie_where_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        fs_err::write(&path, b"").unwrap();
        let same = File::open(&path).unwrap();
        let other = File::open(folder.path()).unwrap();
        assert!(DirectFile::open(&path, &other).is_none());
        let Some(mut direct) = DirectFile::open(&path, &same) else {
            return;
        };
        let segments: Vec<Vec<u8>> = (1..=3).map(|byte| vec![byte; SEGMENT_LEN]).collect();
        for (number, segment) in segments.iter().enumerate().rev() {
            direct.write(segment.as_slice().try_into().unwrap(), (number * SEGMENT_LEN) as u64).unwrap();
        }
        assert!(fs_err::read(&path).unwrap() == segments.concat(), "they differ");
    }
}
