//! What sweeps released, as kept: counted until it is doomed, and doomed before its file goes.

use core::fmt::Debug;

use anonicloud_proto::api::StoredBlob;
use anonicloud_proto::ids::{AccountId, BlobId, SpaceId};

use super::Answer;
use crate::store::{Day, ObjectId};

/// What an account has released and still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Released {
    /// How many bytes.
    pub(crate) bytes: u64,
    /// The day of the newest release.
    pub(crate) last: Option<Day>,
}

/// Whose released blobs are doomed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doom {
    /// Everybody's that were released before this day.
    Before(Day),
    /// All of this account.
    Account(AccountId),
}

/// What was doomed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doomed {
    /// How many blobs.
    pub(crate) blobs: usize,
    /// Their bytes, which count no more.
    pub(crate) bytes: u64,
}

/// The released blobs of the metadata store.
pub(crate) trait SweepStore: Send + Sync + Debug {
    /// At most `count` blobs of a space that a commit names, ascending, behind `after`.
    fn stored_blobs(&self, space: SpaceId, after: Option<BlobId>, count: usize) -> Answer<'_, Vec<StoredBlob>>;

    /// What an account has released.
    fn released(&self, account: AccountId) -> Answer<'_, Released>;

    /// Dooms at most `count` released blobs: their rows go, they count no more, and their objects may be removed.
    fn doom(&self, which: Doom, count: usize) -> Answer<'_, Doomed>;

    /// At most `count` objects that may be removed.
    fn doomed(&self, count: usize) -> Answer<'_, Vec<ObjectId>>;

    /// Forgets objects that were removed (soon).
    fn forget_doomed(&self, objects: Vec<ObjectId>) -> Answer<'_, ()>;
}
