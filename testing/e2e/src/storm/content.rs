//! What is put: every content is another one, so that it is known wherever it turns up.

use std::io::{Read as _, Write as _};
use std::path::Path;

use crate::content::Generated;

/// The hash by which a content is known.
pub(super) type Hash = blake3::Hash;

/// Content that no other operation of a storm puts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Content {
    /// Of its bytes.
    pub(super) seed: u64,
    pub(super) size: u64,
    /// The seed of the content that it begins as, and for how many bytes.
    pub(super) like: Option<(u64, u64)>,
}

impl Content {
    fn bytes(&self) -> Vec<u8> {
        let (seed, same) = self.like.unwrap_or((0, 0));
        let mut bytes = Vec::new();
        let mut source = Generated::new(seed, same).chain(Generated::new(self.seed, self.size - same));
        source.read_to_end(&mut bytes).expect("nothing can fail to be read");
        bytes
    }

    pub(super) fn hash(&self) -> Hash {
        blake3::hash(&self.bytes())
    }

    /// Writes it to a file that is not there yet.
    pub(super) fn write(&self, path: &Path) {
        let mut file = fs_err::File::create(path).expect("a file can be made");
        file.write_all(&self.bytes()).expect("the file can be written to");
    }
}

/// The hash of what is in a file.
pub(super) fn hash_of(path: &Path) -> Hash {
    blake3::hash(&fs_err::read(path).expect("the file can be read"))
}
