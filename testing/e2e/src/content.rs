//! Content that looks random, costs no memory however large, and is the same in every run.

use std::io::{self, BufWriter, Read, Write as _};
use std::path::Path;

const CHUNK: usize = 1 << 20;

/// A stream of bytes that depend on a seed alone.
#[derive(Debug, Clone)]
pub struct Generated {
    state: u64,
    left: u64,
}

impl Generated {
    /// `len` bytes of `seed`.
    pub const fn new(seed: u64, len: u64) -> Self {
        // Xorshift stays at zero; seeds that differ in a bit must not begin alike.
        Self { state: seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, left: len }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number under `bound`, which is not 0; the stream goes on behind it.
    pub fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }
}

impl Read for Generated {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        for word in out[..len].chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            word.copy_from_slice(&bytes[..word.len()]);
        }
        self.left -= len as u64;
        Ok(len)
    }
}

/// The bytes in memory.
pub fn bytes(seed: u64, len: u64) -> Vec<u8> {
    let mut all = Vec::new();
    read(Generated::new(seed, len), &mut all);
    all
}

/// Writes a new file with `len` bytes of `seed`.
pub fn write(path: &Path, seed: u64, len: u64) {
    let mut file = BufWriter::with_capacity(CHUNK, fs_err::File::create(path).expect("a file can be made"));
    let mut source = io::BufReader::with_capacity(CHUNK, Generated::new(seed, len));
    io::copy(&mut source, &mut file).and_then(|_| file.flush()).expect("the file can be written to");
}

fn read(mut source: impl Read, all: &mut Vec<u8>) {
    source.read_to_end(all).expect("nothing can fail to be read");
}

/// Whether `actual` is what `expected` is; where it is not, the place of the first difference.
///
/// # Errors
/// The offset of the first byte that differs or is there on one side only.
pub fn compare(mut expected: impl Read, mut actual: impl Read) -> Result<(), u64> {
    let (mut left, mut right) = (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
    let mut offset = 0;
    loop {
        left.clear();
        right.clear();
        read((&mut expected).take(CHUNK as u64), &mut left);
        read((&mut actual).take(CHUNK as u64), &mut right);
        let same = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
        if same < left.len() || same < right.len() {
            return Err(offset + same as u64);
        }
        if left.is_empty() {
            return Ok(());
        }
        offset += same as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_depends_on_its_seed_and_is_read_alike_in_any_pieces() {
        assert_eq!(bytes(1, 4096), bytes(1, 4096));
        assert_ne!(bytes(1, 4096), bytes(2, 4096));
        assert_eq!(bytes(1, 13).len(), 13);
        assert_eq!(compare(Generated::new(7, 3 << 20), &bytes(7, 3 << 20)[..]), Ok(()));
    }

    #[test]
    fn differences_are_found_where_they_are() {
        let content = bytes(3, 2 << 20);
        let mut other = content.clone();
        other[(1 << 20) + 5] ^= 1;
        assert_eq!(compare(&content[..], &other[..]), Err((1 << 20) + 5));
        assert_eq!(compare(&content[..], &content[..100]), Err(100));
        assert_eq!(compare(&content[..100], &content[..]), Err(100));
    }
}
