//! Packs that were fetched whole, kept for the pieces that follow.

use std::cell::RefCell;
use std::collections::VecDeque;

use anonicloud_proto::ids::BlobId;
use bytes::Bytes;

/// Packs kept at once: at most 64 MiB.
const CAPACITY: usize = 16;

/// The packs used last.
#[derive(Debug, Default)]
pub(crate) struct PackCache(RefCell<VecDeque<(BlobId, Bytes)>>);

impl PackCache {
    /// The pack, if it is kept.
    pub(crate) fn find(&self, blob: &BlobId) -> Option<Bytes> {
        let mut packs = self.0.borrow_mut();
        let at = packs.iter().position(|(kept, _)| kept == blob)?;
        let found = packs.remove(at)?;
        let bytes = found.1.clone();
        packs.push_back(found);
        Some(bytes)
    }

    /// Lets go of all packs.
    pub(crate) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// All packs that are kept.
    pub(crate) fn all(&self) -> Vec<(BlobId, Bytes)> {
        self.0.borrow().iter().cloned().collect()
    }

    /// Keeps a pack; the one unused for longest goes when there are too many.
    pub(crate) fn keep(&self, blob: BlobId, bytes: Bytes) {
        let mut packs = self.0.borrow_mut();
        if packs.len() == CAPACITY {
            packs.pop_front();
        }
        packs.push_back((blob, bytes));
    }
}
