//! Uploads: reservations, tickets, what has arrived.

use anonicloud_proto::api::{BlobState, ErrorCode, OpenUpload, UploadAnswer, UploadState, UploadsAnswer};
use anonicloud_proto::capability::Right;
use anonicloud_proto::ids::{BlobId, UploadId};
use anonicloud_proto::limits::{UPLOAD_IDLE_DAYS, UPLOAD_PAGE_BLOBS, UPLOADS_PAGE, UPLOADS_PER_SPACE};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{Service, ServiceError, SpaceAccess};
use crate::store::ObjectId;
use crate::store::meta::{BlobRow, OpenedUpload, UploadRequest};

/// The rights that let a session upload, each by itself.
pub(super) const UPLOADERS: &[Right] = &[Right::Append, Right::Write];

/// Half-written blobs whose lengths are made durable at the same time.
const SYNCS: usize = 8;

impl Service {
    /// Opens an upload or raises its reservation.
    pub(crate) async fn open_upload(
        &self,
        access: &SpaceAccess,
        open: &OpenUpload,
    ) -> Result<UploadAnswer, ServiceError> {
        access.may(UPLOADERS)?;
        let request = self.request(access, open.upload);
        let opened = self.meta.open_upload(request, open.bytes, UPLOADS_PER_SPACE);
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
        let blobs = stream::iter(rows.into_iter().map(|row| self.state_of(row))).buffered(SYNCS).try_collect().await?;
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
        self.state_of(row).await
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
        if self.meta.set_ticket(request, ticket).await? { Ok(()) } else { Err(ErrorCode::NotFound.into()) }
    }

    /// Ends an upload: its reservation, and its blobs that no commit names.
    pub(crate) async fn end_upload(&self, access: &SpaceAccess, upload: UploadId) -> Result<(), ServiceError> {
        access.may(UPLOADERS)?;
        let objects = self.meta.end_upload(access.space(), upload).await?;
        self.remove_objects(objects.ok_or(ErrorCode::NotFound)?).await
    }

    /// Removes objects that no row names any more.
    pub(super) async fn remove_objects(&self, objects: Vec<ObjectId>) -> Result<(), ServiceError> {
        for object in objects {
            self.blobs.remove(object).await?;
        }
        Ok(())
    }

    /// Names an upload of the session's space, today.
    pub(super) fn request(&self, access: &SpaceAccess, upload: UploadId) -> UploadRequest {
        UploadRequest { space: access.space(), upload, day: self.clock.today() }
    }

    async fn state_of(&self, row: BlobRow) -> Result<BlobState, ServiceError> {
        let stored = if row.complete { row.size } else { self.blobs.durable_len(row.object).await? };
        Ok(BlobState { blob: row.blob, stored, complete: row.complete })
    }
}
