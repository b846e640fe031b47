//! Repacking (spec: 3-spaces, "Repacking"): what lives in packs that are mostly dead is brought elsewhere, so that the next
//! sweep releases these packs.
//!
//! Enters: a verified head. Leaves: the same tree for everybody who looks, with its pieces in other packs. Never: by
//! what is planned, more bytes up than the packs give back; a conflict, or a piece under a key that sealed another one.

mod choice;
mod seal;
mod step;
mod survey;
mod upkeep;
mod walk;

use anonicloud_proto::api::{BlobsAnswer, ErrorCode};
use anonicloud_proto::ids::{BlobId, UploadId};

use self::choice::Choice;
use self::survey::Survey;
use crate::client::Client;
use crate::error::OperationError;
use crate::local::lock::TransferLock;
use crate::progress::Progress;
use crate::remote::{Remote, RemoteError};
use crate::state::{LocalState, StateChange, StateError, Table};
use crate::upload::reservation::make_upload_id;

/// What repacking did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RepackReport {
    /// Packs that nothing needs any more when all went well.
    pub packs: u64,
    /// Their padded bytes.
    pub bytes: u64,
    /// Sealed bytes that were sent for what lived in them; beforehand, at most how many that will be.
    pub sent: u64,
    /// Files that stay where they are for now: what they need could not be read, or others changed them meanwhile.
    pub left: u64,
    /// Whether more could be repacked if more of the quota were free.
    pub is_short_of_room: bool,
    /// Whether another process of this device repacks now, so that this one did nothing.
    pub is_under_way: bool,
}

/// Whether the quota or the server's disk holds no more.
const fn is_full(error: &OperationError) -> bool {
    use ErrorCode::{QuotaExceeded, StorageFull};
    matches!(error, OperationError::Remote(RemoteError::Refused { code: QuotaExceeded | StorageFull, .. }))
}

/// Where the upload is noted that a repack sends by.
const UPLOAD: &[u8] = b"upload";

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Brings what lives in packs that are mostly dead elsewhere; transfers go on beside it. Interrupted at any instant, it goes
    /// on by being called again. While another process of this device is at it, nothing is done.
    ///
    /// # Errors
    /// When the tree cannot be read, or the server does not answer.
    pub async fn repack(&self, progress: &dyn Progress) -> Result<RepackReport, OperationError> {
        let _lock = match self.folder().map(TransferLock::take_to_repack).transpose() {
            Err(OperationError::Busy) => return Ok(RepackReport { is_under_way: true, ..RepackReport::default() }),
            lock => lock?,
        };
        self.refuse_halted().await?;
        self.sync().await?;
        self.drop_repacking().await?;
        let (choice, mut report) = self.choose_packs().await?;
        let Some(choice) = choice else {
            return Ok(report);
        };
        progress.plan(0, choice.moving());
        report.sent = 0;
        // Noted before its first blob: what a cut run leaves at the server takes room until somebody drops it.
        let upload = make_upload_id();
        self.state().apply(vec![StateChange::put(Table::Upkeep, UPLOAD, upload.as_bytes().to_vec())]).await?;
        let moved = self.bring_elsewhere(&choice, upload, progress, &mut report).await;
        self.packs().clear();
        // The next run drops what this one cannot.
        match self.drop_repacking().await {
            Err(OperationError::Remote(_)) => {}
            other => other?,
        }
        match moved {
            // Others took the room meanwhile. What was moved until then is moved.
            Err(error) if is_full(&error) => report.is_short_of_room = true,
            other => other?,
        }
        self.clear_nodes().await?;
        Ok(report)
    }

    /// Ends the upload of a repack that was cut, unless another process of this device is at it.
    pub(crate) async fn drop_cut_repacking(&self) -> Result<(), OperationError> {
        match self.folder().map(TransferLock::take_to_repack).transpose() {
            Err(OperationError::Busy) => Ok(()),
            lock => {
                let _lock = lock?;
                self.drop_repacking().await
            }
        }
    }

    /// Ends the upload of a repack, and forgets it.
    async fn drop_repacking(&self) -> Result<(), OperationError> {
        let Some(noted) = self.state().read(Table::Upkeep, UPLOAD).await? else {
            return Ok(());
        };
        let noted: [u8; UploadId::LEN] = noted.as_slice().try_into().map_err(|_| StateError::Corrupt)?;
        self.end_upload(&UploadId::from_bytes(noted)).await?;
        Ok(self.state().apply(vec![StateChange::delete(Table::Upkeep, UPLOAD)]).await?)
    }

    /// What [`Client::repack`] would do now.
    ///
    /// # Errors
    /// As [`Client::repack`].
    pub async fn find_sparse(&self) -> Result<RepackReport, OperationError> {
        self.sync().await?;
        Ok(self.choose_packs().await?.1)
    }

    /// The packs that are worth it, and what that comes to.
    async fn choose_packs(&self) -> Result<(Option<Choice>, RepackReport), OperationError> {
        let root = self.root().await?;
        let mut survey = self.survey(root.as_ref()).await?;
        self.measure(&mut survey).await?;
        // Half of what is free, at most, so that a device that sends something meanwhile finds room too.
        let quota = self.quota().await?;
        let room = quota.quota.saturating_sub(quota.used).saturating_sub(quota.reserved) / 2;
        let all = Choice::of(&survey, u64::MAX);
        let mut report = RepackReport::default();
        let choice = match all {
            Some(all) if all.cost() > room => {
                report.is_short_of_room = true;
                Choice::of(&survey, room)
            }
            all => all,
        };
        if let Some(choice) = &choice {
            report.packs = choice.packs().len() as u64;
            report.bytes = choice.bytes();
            report.sent = choice.cost();
        }
        Ok((choice, report))
    }

    /// Asks the server how long the packs are. Only these lengths are taken from it: one that lies has more or less moved than
    /// it would be worth, and nothing else.
    async fn measure(&self, survey: &mut Survey) -> Result<(), OperationError> {
        let under_way = self.blobs_under_way().await?;
        let remote = self.remote();
        let mut last: Option<BlobId> = None;
        loop {
            let page = async |access: &_| remote.blobs(access, last.as_ref()).await;
            let page: BlobsAnswer = self.door().request(remote, page).await?;
            for stored in &page.blobs {
                // What is released is about to go, or to be kept by the sweep; what is under way is needed by that.
                if stored.released.is_none() && !under_way.contains(&stored.blob) {
                    survey.measure(&stored.blob, stored.size);
                }
            }
            let next = page.blobs.last().map(|stored| stored.blob);
            // A page that does not get on would never end.
            if !page.more || next <= last {
                return Ok(());
            }
            last = next;
        }
    }
}
