//! What sweeps released (spec: 3-spaces, "Sweeps"): listed, kept for its days, freed.

use std::ops::Bound;
use std::time::Duration;

use anonicloud_client::clock::Clock as _;
use anonicloud_client::remote::Through;
use anonicloud_proto::api::{BlobsAnswer, ErrorCode, FreedAnswer, ReleasedAnswer, StoredBlob};
use anonicloud_proto::capability::Right;
use anonicloud_proto::ids::{AccountId, BlobId, DeviceId, SpaceId};
use anonicloud_proto::limits::{BLOBS_PAGE, RELEASED_DAYS};

use super::blobs::Blob;
use super::spaces::{Access, Space};
use super::{Answer, Server};

/// How long a password is believed.
const PASSWORD: Duration = Duration::from_mins(5);
/// A clock that moves on by more days at once is not believed.
const JUMP: u32 = 2;
/// Blobs that one request frees.
const FREED: usize = 8192;

/// By what an account's session was opened.
#[derive(Clone, Copy)]
pub(super) struct Opened {
    pub(super) device: Option<DeviceId>,
    /// When the password was proved.
    pub(super) password: Option<Duration>,
}

/// When a sweep released a blob.
#[derive(Clone, Copy)]
pub(super) struct Release {
    /// The counted day.
    pub(super) day: u32,
    /// The place of the sweep.
    pub(super) seq: u64,
}

/// The days on which the server ran.
pub(super) struct CountedDays {
    seen: u32,
    pub(super) counted: u32,
}

impl CountedDays {
    pub(super) const fn from(today: u32) -> Self {
        Self { seen: today, counted: today }
    }

    fn count(&mut self, today: u32) {
        match today.checked_sub(self.seen) {
            Some(days @ ..=JUMP) => self.counted += days,
            None if self.seen - today <= JUMP => return,
            _ => {}
        }
        self.seen = today;
    }
}

impl Server {
    /// A page of the blobs of the session's space that a commit named, behind `after`.
    pub(super) fn stored_blobs(&mut self, access: &Access, after: Option<&BlobId>) -> Answer<BlobsAnswer> {
        access.may(&[Right::Read, Right::Admin])?;
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(*after));
        let behind = self.space(access)?.blobs.range((from, Bound::Unbounded));
        let mut named = behind.filter(|(_, blob)| blob.upload.is_none());
        let stored = |(id, blob): (&BlobId, &Blob)| {
            let released = blob.released.map(|release| release.day);
            StoredBlob { blob: *id, size: blob.size, released }
        };
        let blobs = named.by_ref().take(BLOBS_PAGE).map(stored).collect();
        Ok(BlobsAnswer { blobs, more: named.next().is_some() })
    }

    /// What an account has released, and when none of it counts any more; of one of its spaces only, if that is asked.
    pub(super) fn released(&self, account: AccountId, through: Option<Through>) -> ReleasedAnswer {
        let (today, counted) = (self.clock.today(), self.days.counted);
        let spaces = self
            .spaces
            .iter()
            .filter(|(id, space)| space.owner == account && through.is_none_or(|through| through.space == **id));
        let blobs = spaces.flat_map(|(_, space)| space.blobs.values());
        let released: Vec<_> = blobs
            .filter_map(|blob| Some((blob.released?, blob.size)))
            .filter(|(release, _)| through.is_none_or(|through| release.seq <= through.seq))
            .map(|(release, size)| (release.day, size))
            .collect();
        let days = || released.iter().map(|(day, _)| *day);
        ReleasedAnswer {
            bytes: released.iter().map(|(_, size)| size).sum(),
            since: days().min().map(|first| today - (counted - first)),
            free_from: days().max().map(|last| today + last + RELEASED_DAYS + 1 - counted),
        }
    }

    /// Frees some of what an account has released, for who has just proved the password.
    pub(super) fn free_released(
        &mut self,
        account: AccountId,
        opened: Opened,
        through: Through,
    ) -> Answer<FreedAnswer> {
        let now = self.clock.now();
        if opened.password.is_none_or(|proved| now.saturating_sub(proved) >= PASSWORD) {
            return Err(ErrorCode::PasswordNeeded);
        }
        let is_doomed = |id: &SpaceId, space: &Space, release: Release| {
            space.owner == account && *id == through.space && release.seq <= through.seq
        };
        let (blobs, freed) = self.doom(FREED, is_doomed);
        Ok(FreedAnswer { freed, more: blobs == FREED })
    }

    /// Frees what was released for as long as it is kept.
    pub(super) fn collect_released(&mut self) {
        self.days.count(self.clock.today());
        let before = self.days.counted.saturating_sub(RELEASED_DAYS);
        self.doom(usize::MAX, |_, _, release| release.day < before);
    }

    /// Frees at most `most` blobs; gives how many, and their bytes.
    fn doom(&mut self, most: usize, is_doomed: impl Fn(&SpaceId, &Space, Release) -> bool) -> (usize, u64) {
        let (mut blobs, mut bytes) = (0, 0);
        for (id, space) in &mut self.spaces {
            let is_doomed = |blob: &Blob| blob.released.is_some_and(|release| is_doomed(id, space, release));
            let doomed = space.blobs.iter().filter(|(_, blob)| is_doomed(blob)).map(|(id, _)| *id);
            let doomed: Vec<_> = doomed.take(most - blobs).collect();
            for blob in doomed.iter().filter_map(|id| space.blobs.remove(id)) {
                blobs += 1;
                bytes += blob.size;
                if let Some(account) = self.accounts.get_mut(&space.owner) {
                    account.used -= blob.size;
                }
            }
        }
        (blobs, bytes)
    }
}

impl Space {
    /// Whether it has all of these, each by a commit.
    pub(super) fn has_named(&self, blobs: &[BlobId]) -> bool {
        blobs.iter().all(|blob| self.blobs.get(blob).is_some_and(|blob| blob.upload.is_none()))
    }

    /// Notes a release; one that was released before keeps its own.
    pub(super) fn release(&mut self, blobs: &[BlobId], release: Release) {
        for blob in blobs {
            if let Some(blob) = self.blobs.get_mut(blob) {
                blob.released = blob.released.or(Some(release));
            }
        }
    }
}
