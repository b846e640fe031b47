//! Spaces and their commits, as kept.

use core::fmt::Debug;

use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{BlobId, SpaceId};

use super::Answer;
use crate::store::Day;

/// A space's epoch and keys.
#[derive(Debug, Clone)]
pub(crate) struct SpaceRow {
    /// The epoch.
    pub(crate) epoch: u32,
    /// Encoded capability keys of the epoch.
    pub(crate) keys: Vec<u8>,
}

/// The newest commit of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeadRow {
    /// Hash of its header.
    pub(crate) hash: ChainHash,
    /// Encoded frontier over the headers before it.
    pub(crate) frontier: Vec<u8>,
    /// Header and body.
    pub(crate) commit: LogRow,
}

/// One commit of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogRow {
    /// The encoded header.
    pub(crate) header: Vec<u8>,
    /// The sealed body.
    pub(crate) body: Vec<u8>,
}

/// A commit that passed every check that needs no lock.
#[derive(Debug, Clone)]
pub(crate) struct NewCommit {
    /// Its space.
    pub(crate) space: SpaceId,
    /// Its epoch.
    pub(crate) epoch: u32,
    /// Its place.
    pub(crate) seq: u64,
    /// Hash of the header before it.
    pub(crate) prev: ChainHash,
    /// Hash of its own header.
    pub(crate) hash: ChainHash,
    /// Encoded frontier over the headers before it.
    pub(crate) frontier: Vec<u8>,
    /// What the log keeps.
    pub(crate) row: LogRow,
    /// The blobs it adds; those that were released are so no more.
    pub(crate) adds: Vec<AddedBlob>,
    /// The blobs it releases.
    pub(crate) releases: Vec<BlobId>,
    /// Today; of one that releases, the counted day.
    pub(crate) day: Day,
}

/// How a commit went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitOutcome {
    /// It is the head now.
    Applied,
    /// The head was another.
    HeadMoved,
    /// A blob it adds is not complete in the space, or has another size, or one that it releases is not there.
    BlobMissing,
    /// The owner's quota has no room for it.
    QuotaExceeded,
}

/// The spaces of the metadata store.
pub(crate) trait SpaceStore: Send + Sync + Debug {
    /// A space's epoch and keys.
    fn space(&self, space: SpaceId) -> Answer<'_, Option<SpaceRow>>;

    /// A space's newest commit.
    fn head(&self, space: SpaceId) -> Answer<'_, Option<HeadRow>>;

    /// At most `count` commits from `from` on, and at most `bytes` bytes of them, but at least one if there is one.
    fn log(&self, space: SpaceId, from: u64, count: usize, bytes: usize) -> Answer<'_, Vec<LogRow>>;

    /// Whether all of these blobs are complete in the space, with these sizes.
    fn adds_found(&self, space: SpaceId, adds: Vec<AddedBlob>) -> Answer<'_, bool>;

    /// Makes `commit` the head if its `prev` is, and charges it and the blobs it adds. It may go over the owner's quota by
    /// `spare` bytes.
    fn append_commit(&self, commit: NewCommit, spare: u64) -> Answer<'_, CommitOutcome>;
}
