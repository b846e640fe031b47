//! Uploads and blobs in SQLite.

use std::collections::HashSet;

use anonicloud_proto::api::{Base64, UploadSummary};
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use sqlx::SqliteConnection;

use super::writer::{Durability, Verdict};
use super::{SqliteMeta, blobs, fixed, signed, sql, unsigned};
use crate::store::meta::{
    Answer, Begun, BlobRow, CommittedBlob, EndedBlob, MetaError, NewBlob, OpenedUpload, RemovedBlob, TicketKept,
    UploadLimits, UploadRequest, UploadStore,
};
use crate::store::{Day, ObjectId};

impl UploadStore for SqliteMeta {
    fn open_upload(&self, request: UploadRequest, bytes: u64, limits: UploadLimits) -> Answer<'_, OpenedUpload> {
        Box::pin(self.writer.write(Durability::Now, move |connection| {
            Box::pin(async move { open(connection, &request, bytes, limits).await })
        }))
    }

    fn uploads(&self, space: SpaceId, after: Option<UploadId>, count: usize) -> Answer<'_, Vec<UploadSummary>> {
        Box::pin(async move {
            // No bytes come before any id.
            let after = after.map_or_else(Vec::new, |upload| upload.as_bytes().to_vec());
            let rows = sqlx::query_as::<_, (Vec<u8>, Option<Vec<u8>>)>(sql!("uploads_select"))
                .bind(space.as_bytes().as_slice())
                .bind(after)
                .bind(i64::try_from(count).map_err(|_| MetaError::TooLarge)?)
                .fetch_all(&self.reads)
                .await?;
            rows.into_iter()
                .map(|(id, ticket)| {
                    Ok(UploadSummary {
                        upload: UploadId::from_bytes(fixed(id, "uploads.id")?),
                        ticket: ticket.map(Base64::new),
                    })
                })
                .collect()
        })
    }

    fn touch_upload(&self, request: UploadRequest) -> Answer<'_, Option<u64>> {
        Box::pin(self.writer.write(Durability::Soon, move |connection| {
            Box::pin(async move {
                touch(connection, &request).await?;
                let charges = charges(connection, &request).await?;
                Ok(Verdict::Keep(charges.map(|(reserved, _)| reserved)))
            })
        }))
    }

    fn upload_blobs(&self, request: UploadRequest, after: Option<BlobId>, count: usize) -> Answer<'_, Vec<BlobRow>> {
        Box::pin(async move {
            // No bytes come before any id.
            let after = after.map_or_else(Vec::new, |blob| blob.as_bytes().to_vec());
            let rows = sqlx::query_as::<_, (Vec<u8>, Vec<u8>, i64, bool)>(sql!("upload_blobs"))
                .bind(request.space.as_bytes().as_slice())
                .bind(request.upload.as_bytes().as_slice())
                .bind(after)
                .bind(i64::try_from(count).map_err(|_| MetaError::TooLarge)?)
                .fetch_all(&self.reads)
                .await?;
            rows.into_iter()
                .map(|(id, object, size, complete)| {
                    Ok(BlobRow {
                        blob: BlobId::from_bytes(fixed(id, "blobs.id")?),
                        object: blobs::object(object)?,
                        size: unsigned(size, "blobs.size")?,
                        complete,
                    })
                })
                .collect()
        })
    }

    fn blob(&self, space: SpaceId, blob: BlobId) -> Answer<'_, Option<BlobRow>> {
        Box::pin(async move {
            let mut connection = self.reads.acquire().await?;
            blobs::find(&mut connection, space, blob).await
        })
    }

    fn set_ticket(&self, request: UploadRequest, ticket: Vec<u8>, most: usize) -> Answer<'_, TicketKept> {
        Box::pin(self.writer.write(Durability::Now, move |connection| {
            Box::pin(async move { keep_ticket(connection, &request, &ticket, most).await })
        }))
    }

    fn end_upload(&self, space: SpaceId, upload: UploadId) -> Answer<'_, Option<Vec<EndedBlob>>> {
        Box::pin(self.writer.write(Durability::Now, move |connection| {
            Box::pin(async move { end(connection, space, upload).await.map(Verdict::Keep) })
        }))
    }

    fn end_idle_uploads(&self, before: Day, count: usize) -> Answer<'_, (usize, Vec<EndedBlob>)> {
        Box::pin(self.writer.write(Durability::Now, move |connection| {
            Box::pin(async move { end_idle(connection, before, count).await.map(Verdict::Keep) })
        }))
    }

    fn begin_blob(&self, request: UploadRequest, blob: NewBlob) -> Answer<'_, Begun> {
        Box::pin(self.writer.write(Durability::Soon, move |connection| {
            Box::pin(async move { blobs::begin(connection, &request, &blob).await })
        }))
    }

    fn complete_blob(&self, space: SpaceId, blob: BlobId, object: ObjectId) -> Answer<'_, bool> {
        Box::pin(self.writer.write(Durability::Now, move |connection| {
            Box::pin(async move {
                let updated = sqlx::query(sql!("blob_complete"))
                    .bind(space.as_bytes().as_slice())
                    .bind(blob.as_bytes().as_slice())
                    .bind(object.as_bytes().as_slice())
                    .execute(connection)
                    .await?;
                Ok(Verdict::Keep(updated.rows_affected() == 1))
            })
        }))
    }

    fn remove_blob(&self, request: UploadRequest, blob: BlobId) -> Answer<'_, RemovedBlob> {
        Box::pin(self.writer.write(Durability::Now, move |connection| {
            Box::pin(async move { blobs::remove(connection, &request, blob).await })
        }))
    }

    fn committed_blob(&self, space: SpaceId, blob: BlobId) -> Answer<'_, Option<CommittedBlob>> {
        Box::pin(async move {
            let row = sqlx::query_as::<_, (Vec<u8>, i64)>(sql!("blob_committed"))
                .bind(space.as_bytes().as_slice())
                .bind(blob.as_bytes().as_slice())
                .fetch_optional(&self.reads)
                .await?;
            let Some((object, size)) = row else {
                return Ok(None);
            };
            Ok(Some(CommittedBlob { object: blobs::object(object)?, size: unsigned(size, "blobs.size")? }))
        })
    }

    fn objects(&self, first: u8) -> Answer<'_, HashSet<ObjectId>> {
        Box::pin(async move {
            let end = first.checked_add(1).map_or_else(|| vec![0xff; 17], |next| vec![next]);
            let rows = sqlx::query_scalar::<_, Vec<u8>>(sql!("objects_between"))
                .bind(vec![first])
                .bind(end)
                .fetch_all(&self.reads)
                .await?;
            rows.into_iter().map(blobs::object).collect()
        })
    }

    fn flush(&self) -> Answer<'_, ()> {
        Box::pin(self.writer.write(Durability::Now, |connection| {
            Box::pin(async move {
                sqlx::query(sql!("flush")).execute(connection).await?;
                Ok(Verdict::Keep(()))
            })
        }))
    }
}

/// Marks an upload as in use today.
pub(super) async fn touch(connection: &mut SqliteConnection, request: &UploadRequest) -> Result<(), MetaError> {
    sqlx::query(sql!("upload_touch"))
        .bind(request.space.as_bytes().as_slice())
        .bind(request.upload.as_bytes().as_slice())
        .bind(i64::from(request.day.0))
        .execute(connection)
        .await?;
    Ok(())
}

/// Bytes reserved and charged.
pub(super) async fn charges(
    connection: &mut SqliteConnection,
    request: &UploadRequest,
) -> Result<Option<(u64, u64)>, MetaError> {
    let row = sqlx::query_as::<_, (i64, i64)>(sql!("upload_select"))
        .bind(request.space.as_bytes().as_slice())
        .bind(request.upload.as_bytes().as_slice())
        .fetch_optional(connection)
        .await?;
    let Some((reserved, charged)) = row else {
        return Ok(None);
    };
    let reserved = unsigned(reserved, "uploads.reserved")?;
    Ok(Some((reserved, unsigned(charged, "uploads.charged")?)))
}

async fn open(
    connection: &mut SqliteConnection,
    request: &UploadRequest,
    bytes: u64,
    limits: UploadLimits,
) -> Result<Verdict<OpenedUpload>, MetaError> {
    let space = request.space.as_bytes().as_slice();
    let current = charges(connection, request).await?;
    if current.is_none() {
        let count = sqlx::query_scalar::<_, i64>(sql!("upload_count")).bind(space).fetch_one(&mut *connection).await?;
        if usize::try_from(count).is_ok_and(|count| count >= limits.count) {
            return Ok(Verdict::Undo(OpenedUpload::TooMany));
        }
    }
    let before = current.map_or(0, |(reserved, _)| reserved);
    let reserved = before.max(bytes);
    let (Ok(more), Ok(reserved_signed)) = (signed(reserved - before), signed(reserved)) else {
        return Ok(Verdict::Undo(OpenedUpload::QuotaExceeded));
    };
    if more > 0 {
        let raised = sqlx::query(sql!("account_reserve"))
            .bind(space)
            .bind(more)
            .bind(signed(limits.spare)?)
            .execute(&mut *connection)
            .await?;
        if raised.rows_affected() == 0 {
            return Ok(Verdict::Undo(OpenedUpload::QuotaExceeded));
        }
    }
    let text = if current.is_none() { sql!("upload_insert") } else { sql!("upload_raise") };
    sqlx::query(text)
        .bind(space)
        .bind(request.upload.as_bytes().as_slice())
        .bind(reserved_signed)
        .bind(i64::from(request.day.0))
        .execute(connection)
        .await?;
    Ok(Verdict::Keep(OpenedUpload::Reserved(reserved)))
}

async fn keep_ticket(
    connection: &mut SqliteConnection,
    request: &UploadRequest,
    ticket: &[u8],
    most: usize,
) -> Result<Verdict<TicketKept>, MetaError> {
    let others = sqlx::query_scalar::<_, i64>(sql!("tickets_length"))
        .bind(request.space.as_bytes().as_slice())
        .bind(request.upload.as_bytes().as_slice())
        .fetch_one(&mut *connection)
        .await?;
    let room = usize::try_from(others).is_ok_and(|others| ticket.len() <= most.saturating_sub(others));
    if !room {
        return Ok(Verdict::Undo(TicketKept::TooMuch));
    }
    let updated = sqlx::query(sql!("upload_ticket"))
        .bind(request.space.as_bytes().as_slice())
        .bind(request.upload.as_bytes().as_slice())
        .bind(ticket)
        .bind(i64::from(request.day.0))
        .execute(connection)
        .await?;
    Ok(Verdict::Keep(if updated.rows_affected() == 1 { TicketKept::Kept } else { TicketKept::NoUpload }))
}

async fn end(
    connection: &mut SqliteConnection,
    space: SpaceId,
    upload: UploadId,
) -> Result<Option<Vec<EndedBlob>>, MetaError> {
    let ended = sqlx::query_as::<_, (Vec<u8>, Vec<u8>)>(sql!("upload_blobs_delete"))
        .bind(space.as_bytes().as_slice())
        .bind(upload.as_bytes().as_slice())
        .fetch_all(&mut *connection)
        .await?;
    let reserved = sqlx::query_scalar::<_, i64>(sql!("upload_delete"))
        .bind(space.as_bytes().as_slice())
        .bind(upload.as_bytes().as_slice())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(reserved) = reserved else {
        return Ok(None);
    };
    sqlx::query(sql!("account_unreserve")).bind(space.as_bytes().as_slice()).bind(reserved).execute(connection).await?;
    let ended = ended.into_iter().map(|(id, object)| {
        let blob = BlobId::from_bytes(fixed(id, "blobs.id")?);
        Ok(EndedBlob { space, blob, object: blobs::object(object)? })
    });
    ended.collect::<Result<_, _>>().map(Some)
}

async fn end_idle(
    connection: &mut SqliteConnection,
    before: Day,
    count: usize,
) -> Result<(usize, Vec<EndedBlob>), MetaError> {
    let idle = sqlx::query_as::<_, (Vec<u8>, Vec<u8>)>(sql!("uploads_expired"))
        .bind(i64::from(before.0))
        .bind(i64::try_from(count).map_err(|_| MetaError::TooLarge)?)
        .fetch_all(&mut *connection)
        .await?;
    let mut blobs = Vec::new();
    let ended = idle.len();
    for (space, upload) in idle {
        let space = SpaceId::from_bytes(fixed(space, "uploads.space")?);
        let upload = UploadId::from_bytes(fixed(upload, "uploads.id")?);
        blobs.extend(end(connection, space, upload).await?.unwrap_or_default());
    }
    Ok((ended, blobs))
}
