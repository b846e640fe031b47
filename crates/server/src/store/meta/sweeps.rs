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
    /// The counted days of the oldest and the newest release.
    pub(crate) days: Option<(Day, Day)>,
}

/// What the commits of a space released, up to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Through {
    /// The space.
    pub(crate) space: SpaceId,
    /// The place of the last commit that counts.
    pub(crate) seq: u64,
}

/// Whose released blobs are doomed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doom {
    /// Everybody's that were released before this day.
    Before(Day),
    /// Those of a space, if this account owns it.
    Account(AccountId, Through),
}

/// What was doomed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doomed {
    /// How many blobs.
    pub(crate) blobs: usize,
    /// Whether there may be more.
    pub(crate) more: bool,
    /// Their bytes, which count no more.
    pub(crate) bytes: u64,
}

/// The released blobs of the metadata store.
pub(crate) trait SweepStore: Send + Sync + Debug {
    /// Counts `today` if it comes at most two days after the newest day that was counted before; gives the number of the counted
    /// day. A clock that is wrong, or a server that did not run, makes none pass.
    fn count_day(&self, today: Day) -> Answer<'_, Day>;

    /// The counted day; none before the first.
    fn counted_day(&self) -> Answer<'_, Option<Day>>;

    /// Whether a space has all of the blobs, each by a commit.
    fn releases_found(&self, space: SpaceId, releases: Vec<BlobId>) -> Answer<'_, bool>;

    /// At most `count` blobs of a space that a commit names, ascending, behind `after`.
    fn stored_blobs(&self, space: SpaceId, after: Option<BlobId>, count: usize) -> Answer<'_, Vec<StoredBlob>>;

    /// What an account has released; of one of its spaces only, if that is asked.
    fn released(&self, account: AccountId, through: Option<Through>) -> Answer<'_, Released>;

    /// Dooms at most `count` released blobs: their rows go, they count no more, and their objects may be removed. They are
    /// looked up beside the writer; one that was added again meanwhile stays.
    fn doom(&self, which: Doom, count: usize) -> Answer<'_, Doomed>;

    /// At most `count` objects that may be removed, ascending, behind `after`.
    fn doomed(&self, after: Option<ObjectId>, count: usize) -> Answer<'_, Vec<ObjectId>>;

    /// Forgets objects that were removed (soon).
    fn forget_doomed(&self, objects: Vec<ObjectId>) -> Answer<'_, ()>;
}
