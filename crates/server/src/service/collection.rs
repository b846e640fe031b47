//! What goes by itself: idle uploads, objects that no row names, sessions and challenges that are over.

use anonicloud_proto::limits::UPLOAD_IDLE_DAYS;

use super::{Service, ServiceError};
use crate::store::Day;

/// Days for which an object that no row names is kept.
const ORPHAN_DAYS: u32 = 7;
/// Uploads that one transaction ends.
const BATCH: usize = 64;

impl Service {
    /// Ends the uploads that were idle for too long. Gives how many.
    pub(crate) async fn collect_uploads(&self) -> Result<usize, ServiceError> {
        let before = Day(self.clock.today().0.saturating_sub(UPLOAD_IDLE_DAYS));
        let mut total = 0;
        loop {
            let (ended, blobs) = self.meta.end_idle_uploads(before, BATCH).await?;
            self.remove_ended(blobs).await?;
            total += ended;
            if ended < BATCH {
                return Ok(total);
            }
        }
    }

    /// Removes the objects that no row names and that were written more than a week ago. Only before requests are served:
    /// one that is just being written has its row first, but one whose row just went may still be written. Newer ones
    /// stay, since the rows may be those of a backup, and clients that know of newer commits will name them again. Gives
    /// how many.
    pub(crate) async fn sweep_objects(&self) -> Result<usize, ServiceError> {
        let before = Day(self.clock.today().0.saturating_sub(ORPHAN_DAYS));
        let mut swept = 0;
        for first in 0..=u8::MAX {
            let stored = self.blobs.list(first, before).await?;
            if stored.is_empty() {
                continue;
            }
            let named = self.meta.objects(first).await?;
            for object in stored {
                if !named.contains(&object) {
                    self.blobs.remove(object).await?;
                    swept += 1;
                }
            }
        }
        Ok(swept)
    }

    /// Forgets sessions and used challenges that are over, and who has nothing under way.
    pub(crate) fn forget_ended(&self) {
        self.account_sessions.purge();
        self.space_sessions.purge();
        self.vouchers.purge();
        self.password_tries.purge();
        self.rates.purge();
        self.heads.purge();
        self.pages.purge();
        self.downloads.purge();
        self.download_sessions.purge();
        self.sigchains.purge();
        self.small_commits.purge();
        self.long_commits.purge();
        self.checked_commits.purge();
    }
}
