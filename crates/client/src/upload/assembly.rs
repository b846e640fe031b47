//! A file whose segments are going up, until all are there.

use std::rc::Rc;
use std::sync::Arc;

use anonicloud_core::content::reference::{Source, VersionRef};
use anonicloud_core::crypto::public::SegmentHash;
use anonicloud_core::tree::name::RemotePath;
use anonicloud_core::tree::node::Attributes;
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::ids::BlobId;

use super::reservation::Reservation;
use super::segment::FileKeys;
use crate::local::source::SourceFile;

/// Where a segment of the record lies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot {
    /// Not there yet.
    Awaited,
    /// In the predecessor.
    Kept,
    /// In a blob or pack, from an offset on.
    Placed(SegmentHash, BlobId, u32),
}

/// What a file will be in the tree.
#[derive(Debug)]
pub(crate) struct FileTarget {
    pub(crate) path: RemotePath,
    pub(crate) attributes: Attributes,
    /// The version that stands there now.
    pub(crate) base: Option<VersionRef>,
}

/// A file on its way up.
#[derive(Debug)]
pub(crate) struct Assembly {
    pub(crate) target: FileTarget,
    /// The open file; of a stream, none.
    pub(crate) file: Option<SourceFile>,
    pub(crate) source: Source,
    pub(crate) keys: Arc<FileKeys>,
    pub(crate) reservation: Rc<Reservation>,
    /// Whether the reservation is this file's alone.
    pub(crate) own_upload: bool,
    pub(crate) size: u64,
    /// Segments there will be; of a stream that has not ended, unknown.
    pub(crate) expected: Option<u64>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) awaited: u64,
    pub(crate) adds: Vec<AddedBlob>,
    /// Times the file was read from the start, this one included.
    pub(crate) attempt: u32,
}

impl Assembly {
    /// Notes that segment `index` was begun.
    pub(crate) fn begin(&mut self, index: u64) {
        debug_assert_eq!(self.slots.len() as u64, index, "segments begin in order");
        self.slots.push(Slot::Awaited);
        self.awaited += 1;
    }

    /// Whether every segment has its place.
    pub(crate) fn is_complete(&self) -> bool {
        self.awaited == 0 && self.expected == Some(self.slots.len() as u64)
    }

    /// Notes where segment `index` lies.
    pub(crate) fn arrive(&mut self, index: u64, slot: Slot) {
        if let Some(awaited) = usize::try_from(index).ok().and_then(|index| self.slots.get_mut(index)) {
            *awaited = slot;
            self.awaited -= 1;
        }
    }
}
