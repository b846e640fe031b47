//! Uploads: reservations, tickets, what has arrived.

use anonicloud_proto::api::{BlobState, ErrorCode, OpenUpload, UploadAnswer, UploadState, UploadsAnswer};
use anonicloud_proto::capability::Right;
use anonicloud_proto::ids::{BlobId, UploadId};
use anonicloud_proto::limits::{UPLOAD_IDLE_DAYS, UPLOAD_PAGE_BLOBS, UPLOADS_PAGE, UPLOADS_PER_SPACE};

use super::{REMOVAL_SPARE, SPARE, Service, ServiceError, SpaceAccess};
use crate::store::meta::{BlobRow, EndedBlob, OpenedUpload, TicketKept, UploadLimits, UploadRequest};

/// The rights that let a session upload, each by itself.
pub(super) const UPLOADERS: &[Right] = &[Right::Append, Right::Write];

/// An upload of at most this many bytes may go over the quota.
const SMALL_UPLOAD: u64 = 256 << 10;
/// Bytes of all tickets of a space, which are answered at once.
const TICKETS: usize = 4 << 20;
impl Service {
    /// Opens an upload or raises its reservation.
    pub(crate) async fn open_upload(
        &self,
        access: &SpaceAccess,
        open: &OpenUpload,
    ) -> Result<UploadAnswer, ServiceError> {
        access.may(UPLOADERS)?;
        let request = self.request(access, open.upload);
        let spare = match access.may(&[Right::Admin]) {
            _ if open.bytes > SMALL_UPLOAD => 0,
            Ok(()) => REMOVAL_SPARE,
            Err(_) => SPARE,
        };
        let opened = self.meta.open_upload(request, open.bytes, UploadLimits { count: UPLOADS_PER_SPACE, spare });
        match opened.await? {
            OpenedUpload::Reserved(reserved) => {
                Ok(UploadAnswer { upload: open.upload, reserved, idle_days: UPLOAD_IDLE_DAYS })
            }
            OpenedUpload::QuotaExceeded => Err(ErrorCode::QuotaExceeded.into()),
            OpenedUpload::TooMany => Err(ErrorCode::TooManyRequests.into()),
        }
    }

    /// A page of the open uploads of the session's space, behind `after`.
    pub(crate) async fn uploads(
        &self,
        access: &SpaceAccess,
        after: Option<UploadId>,
    ) -> Result<UploadsAnswer, ServiceError> {
        access.may(&[Right::Write])?;
        let mut uploads = self.meta.uploads(access.space(), after, UPLOADS_PAGE + 1).await?;
        let more = uploads.len() > UPLOADS_PAGE;
        uploads.truncate(UPLOADS_PAGE);
        Ok(UploadsAnswer { uploads, more })
    }

    /// A page of what has arrived; every offset in it is durable.
    pub(crate) async fn upload_state(
        &self,
        access: &SpaceAccess,
        upload: UploadId,
        after: Option<BlobId>,
    ) -> Result<UploadState, ServiceError> {
        access.may(UPLOADERS)?;
        let request = self.request(access, upload);
        let reserved = self.meta.touch_upload(request).await?;
        let reserved = reserved.ok_or(ErrorCode::NotFound)?;
        let rows = self.meta.upload_blobs(request, after, UPLOAD_PAGE_BLOBS + 1);
        let mut rows = rows.await?;
        let more = rows.len() > UPLOAD_PAGE_BLOBS;
        rows.truncate(UPLOAD_PAGE_BLOBS);
        if rows.iter().any(|row| !row.complete) {
            // The rows of half-written blobs may still wait for the next durable transaction.
            self.meta.flush().await?;
        }
        let blobs = self.states_of(&rows).await?;
        Ok(UploadState { reserved, blobs, more })
    }

    /// How much of one blob is stored, which is durable; nothing of one that was not begun.
    pub(crate) async fn blob_state(
        &self,
        access: &SpaceAccess,
        upload: UploadId,
        blob: BlobId,
    ) -> Result<BlobState, ServiceError> {
        access.may(UPLOADERS)?;
        let reserved = self.meta.touch_upload(self.request(access, upload)).await?;
        reserved.ok_or(ErrorCode::NotFound)?;
        let Some(row) = self.meta.blob(access.space(), blob).await? else {
            return Ok(BlobState { blob, stored: 0, complete: false });
        };
        if !row.complete {
            // As in `upload_state`.
            self.meta.flush().await?;
        }
        let mut states = self.states_of(&[row]).await?;
        states.pop().ok_or_else(|| ErrorCode::Internal.into())
    }

    /// Keeps an upload's sealed ticket.
    pub(crate) async fn set_ticket(
        &self,
        access: &SpaceAccess,
        upload: UploadId,
        ticket: Vec<u8>,
    ) -> Result<(), ServiceError> {
        access.may(UPLOADERS)?;
        let request = self.request(access, upload);
        match self.meta.set_ticket(request, ticket, TICKETS).await? {
            TicketKept::Kept => Ok(()),
            TicketKept::NoUpload => Err(ErrorCode::NotFound.into()),
            TicketKept::TooMuch => Err(ErrorCode::QuotaExceeded.into()),
        }
    }

    /// Ends an upload: its reservation, and its blobs that no commit names.
    pub(crate) async fn end_upload(&self, access: &SpaceAccess, upload: UploadId) -> Result<(), ServiceError> {
        access.may(UPLOADERS)?;
        let ended = self.meta.end_upload(access.space(), upload).await?;
        self.remove_ended(ended.ok_or(ErrorCode::NotFound)?).await
    }

    /// Removes the objects of blobs whose rows went with their uploads, each once its writer has stopped, so that none
    /// is made anew behind this.
    pub(super) async fn remove_ended(&self, ended: Vec<EndedBlob>) -> Result<(), ServiceError> {
        let mut removed = Ok(());
        for EndedBlob { space, blob, object } in ended {
            let claim = self.slots.claim(space, blob).await;
            // One that cannot be removed keeps none of the others.
            removed = removed.and(self.blobs.remove(object).await);
            drop(claim);
        }
        Ok(removed?)
    }

    /// Names an upload of the session's space, today.
    pub(super) fn request(&self, access: &SpaceAccess, upload: UploadId) -> UploadRequest {
        UploadRequest { space: access.space(), upload, day: self.clock.today() }
    }

    async fn states_of(&self, rows: &[BlobRow]) -> Result<Vec<BlobState>, ServiceError> {
        let parts = rows.iter().filter(|row| !row.complete).map(|row| row.object).collect();
        let mut lens = self.blobs.durable_lens(parts).await?.into_iter();
        let state = |row: &BlobRow| {
            let stored = if row.complete { row.size } else { lens.next().unwrap_or(0) };
            BlobState { blob: row.blob, stored, complete: row.complete }
        };
        Ok(rows.iter().map(state).collect())
    }
}
