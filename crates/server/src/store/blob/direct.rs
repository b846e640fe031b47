//! Writing past the page cache: what is written once and seldom read soon need not be copied into it, and what goes to the
//! disk at once need not be waited for when the file is synced.
//!
//! The kernel takes whole blocks out of aligned memory only, so bytes are gathered in such memory and the last ones, which
//! fill no block, are written the usual way.

use std::io::{self, Write as _};

use bytes::Bytes;
use fs_err::File;
#[cfg(target_os = "linux")]
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// A multiple of the logical block of disks in use, and a page of memory.
const BLOCK: usize = 4096;

/// The end of a file that is written past the page cache.
#[derive(Debug)]
pub(super) struct Direct {
    /// Bytes that wait, from the first aligned place on.
    memory: Vec<u8>,
    start: usize,
    len: usize,
}

impl Direct {
    /// Turns the page cache off for a file whose end is at `len`; gives none where that end, the system or the file system
    /// does not allow it.
    pub(super) fn begin(file: &File, len: u64, capacity: usize) -> Option<Self> {
        if !len.is_multiple_of(BLOCK as u64) || set(file, true).is_err() {
            return None;
        }
        let memory = vec![0; capacity.next_multiple_of(BLOCK) + 2 * BLOCK];
        let start = memory.as_ptr().align_offset(BLOCK);
        Some(Self { memory, start, len: 0 })
    }

    /// Appends bytes, and writes all whole blocks.
    pub(super) fn write(&mut self, file: &mut File, pieces: &[Bytes]) -> io::Result<()> {
        for piece in pieces {
            let mut rest = piece.as_ref();
            while !rest.is_empty() {
                rest = self.take(rest);
                if self.room().is_empty() {
                    self.write_blocks(file)?;
                }
            }
        }
        self.write_blocks(file)
    }

    /// Writes what fills no block, with the page cache turned on again.
    pub(super) fn end(self, file: &mut File) -> io::Result<()> {
        set(file, false)?;
        file.write_all(self.waiting())
    }

    /// Copies what there is room for; gives the rest.
    fn take<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let room = self.room();
        let (now, rest) = bytes.split_at(bytes.len().min(room.len()));
        room[..now.len()].copy_from_slice(now);
        self.len += now.len();
        rest
    }

    fn room(&mut self) -> &mut [u8] {
        let whole = (self.memory.len() - self.start) / BLOCK * BLOCK;
        &mut self.memory[self.start + self.len..self.start + whole]
    }

    fn waiting(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.len]
    }

    fn write_blocks(&mut self, file: &mut File) -> io::Result<()> {
        let whole = self.len / BLOCK * BLOCK;
        let mut rest = &self.waiting()[..whole];
        while !rest.is_empty() {
            match file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The file system has larger blocks, or stopped within one.
                Err(error) if is_refusal(&error) && is_on(file)? => set(file, false)?,
                Err(error) => return Err(error),
            }
        }
        self.memory.copy_within(self.start + whole..self.start + self.len, self.start);
        self.len -= whole;
        Ok(())
    }
}

/// Whether the file system does not take a write past the page cache.
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

#[cfg(target_os = "linux")]
fn set(file: &File, direct: bool) -> io::Result<()> {
    let mut flags = fcntl_getfl(file.file())?;
    flags.set(OFlags::DIRECT, direct);
    Ok(fcntl_setfl(file.file(), flags)?)
}

#[cfg(target_os = "linux")]
fn is_on(file: &File) -> io::Result<bool> {
    Ok(fcntl_getfl(file.file())?.contains(OFlags::DIRECT))
}

#[cfg(not(target_os = "linux"))]
fn is_on(_: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(not(target_os = "linux"))]
fn set(_: &File, _: bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err::OpenOptions;

    /// What a file holds that `pieces` of these lengths were written to, behind `before`.
    fn written(before: usize, pieces: &[usize]) -> (Vec<u8>, Vec<u8>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("object");
        let mut expected: Vec<u8> = (0..251).cycle().take(before).collect();
        fs_err::write(&path, &expected).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        let direct = Direct::begin(&file, before as u64, 4 * BLOCK);
        let began = direct.is_some();
        if let Some(mut direct) = direct {
            for len in pieces {
                let bytes: Vec<u8> = (1..=252).cycle().take(*len).collect();
                direct.write(&mut file, &[Bytes::from(bytes.clone())]).unwrap();
                expected.extend(bytes);
            }
            direct.end(&mut file).unwrap();
        }
        (fs_err::read(&path).unwrap(), expected, began)
    }

    #[test]
    fn bytes_come_in_order_whatever_their_number() {
        for pieces in [&[][..], &[1], &[BLOCK], &[BLOCK - 1, 2, BLOCK * 9 + 5, 0, 100_000], &[BLOCK * 5 - 1, 1]] {
            let (stored, expected, _) = written(2 * BLOCK, pieces);
            assert!(stored == expected, "{pieces:?}");
        }
    }

    #[test]
    fn an_end_within_a_block_is_written_the_usual_way() {
        let (_, _, began) = written(BLOCK + 1, &[1]);
        assert!(!began);
    }
}
