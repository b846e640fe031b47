//! What sweeps released (spec: 3-spaces, "Sweeps"): listed, kept for its days, freed. A row is doomed in a transaction before
//! its file goes; a file that is left behind by a crash goes the next time.

use anonicloud_proto::api::{BlobsAnswer, FreedAnswer, ReleasedAnswer};
use anonicloud_proto::capability::Right;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::limits::{BLOBS_PAGE, RELEASED_DAYS};

use super::{AccountAccess, Service, ServiceError, SpaceAccess};
use crate::store::Day;
use crate::store::meta::{Doom, Through};

/// The rights that let a session list a space's blobs, each by itself.
const LISTERS: &[Right] = &[Right::Read, Right::Admin];
/// Blobs that one transaction dooms.
const BATCH: usize = 512;
/// Transactions that one request may ask for.
const BATCHES: usize = 16;

impl Service {
    /// A page of the blobs of the session's space that a commit named, behind `after`.
    pub(crate) async fn stored_blobs(
        &self,
        access: &SpaceAccess,
        after: Option<BlobId>,
    ) -> Result<BlobsAnswer, ServiceError> {
        access.may(LISTERS)?;
        let mut blobs = self.meta.stored_blobs(access.space(), after, BLOBS_PAGE + 1).await?;
        let more = blobs.len() > BLOBS_PAGE;
        blobs.truncate(BLOBS_PAGE);
        Ok(BlobsAnswer { blobs, more })
    }

    /// What the account of a session has released, and when none of it counts any more; of one of its spaces only, if that is
    /// asked.
    pub(crate) async fn released(
        &self,
        access: &AccountAccess,
        through: Option<Through>,
    ) -> Result<ReleasedAnswer, ServiceError> {
        let released = self.meta.released(access.account(), through).await?;
        let (today, counted) = (self.clock.today().0, self.meta.counted_day().await?.map_or(0, |day| day.0));
        let since = |first: Day| today.saturating_sub(counted.saturating_sub(first.0));
        let left = |last: Day| last.0.saturating_add(RELEASED_DAYS).saturating_add(1).saturating_sub(counted);
        Ok(ReleasedAnswer {
            bytes: released.bytes,
            since: released.days.map(|(first, _)| since(first)),
            free_from: released.days.map(|(_, last)| today.saturating_add(left(last))),
        })
    }

    /// Frees some of what a space has released, whose owner is the account of a session, which cannot come back: only who has
    /// just proved the password may ask for it.
    pub(crate) async fn free_released(
        &self,
        access: &AccountAccess,
        through: Through,
    ) -> Result<FreedAnswer, ServiceError> {
        access.proved_password(self.clock.now())?;
        let mut answer = FreedAnswer { freed: 0, more: true };
        for _ in 0..BATCHES {
            let doomed = self.meta.doom(Doom::Account(access.account(), through), BATCH).await?;
            answer.freed = answer.freed.saturating_add(doomed.bytes);
            answer.more = doomed.more;
            if !answer.more {
                break;
            }
        }
        // They count no more. A file that cannot be removed now is the job's, which tells of it.
        drop(self.remove_doomed().await);
        Ok(answer)
    }

    /// Frees what was released for as long as it is kept, and removes the files of all that is doomed. Gives how many
    /// blobs were freed.
    pub(crate) async fn collect_released(&self) -> Result<usize, ServiceError> {
        let counted = self.meta.count_day(self.clock.today()).await?;
        let before = Day(counted.0.saturating_sub(RELEASED_DAYS));
        let mut total = 0;
        loop {
            let doomed = self.meta.doom(Doom::Before(before), BATCH).await?;
            total += doomed.blobs;
            if !doomed.more {
                break;
            }
        }
        self.remove_doomed().await?;
        Ok(total)
    }

    /// Removes the files of all that is doomed. One that cannot be removed holds up no other, and is tried again next time.
    async fn remove_doomed(&self) -> Result<(), ServiceError> {
        let mut failure = Ok(());
        let mut after = None;
        loop {
            let objects = self.meta.doomed(after, BATCH).await?;
            let Some(last) = objects.last() else {
                return failure;
            };
            after = Some(*last);
            let mut removed = Vec::with_capacity(objects.len());
            for object in objects {
                match self.blobs.remove(object).await {
                    Ok(()) => removed.push(object),
                    Err(error) => failure = Err(error.into()),
                }
            }
            self.meta.forget_doomed(removed).await?;
        }
    }
}
