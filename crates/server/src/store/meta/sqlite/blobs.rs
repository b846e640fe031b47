//! Rows of blobs in SQLite, and what they charge to their uploads.

use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use sqlx::SqliteConnection;

use super::uploads::{charges, touch};
use super::writer::Verdict;
use super::{fixed, signed, sql, unsigned};
use crate::store::ObjectId;
use crate::store::meta::{Begun, BlobRow, MetaError, NewBlob, RemovedBlob, UploadRequest};

struct Stored {
    object: ObjectId,
    upload: Option<UploadId>,
    size: i64,
    hash: Vec<u8>,
    complete: bool,
}

/// An object's id from its column.
pub(super) fn object(bytes: Vec<u8>) -> Result<ObjectId, MetaError> {
    fixed(bytes, "blobs.object").map(ObjectId::from_bytes)
}

/// Charges a blob before its bytes arrive.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    request: &UploadRequest,
    new: &NewBlob,
) -> Result<Verdict<Begun>, MetaError> {
    let Some((reserved, charged)) = charges(connection, request).await? else {
        return Ok(Verdict::Undo(Begun::NoUpload));
    };
    touch(connection, request).await?;
    let stored = select(connection, request.space, new.blob).await?;
    let size = signed(new.size)?;
    let Some(stored) = stored else {
        if !new.from_start {
            return Ok(Verdict::Keep(Begun::NothingStored));
        }
        return insert(connection, request, new, reserved - charged).await;
    };
    let same = stored.size == size && stored.hash == new.hash.as_bytes();
    match stored.upload {
        _ if stored.complete => Ok(Verdict::Keep(if same { Begun::Complete } else { Begun::Conflict })),
        Some(upload) if same && upload == request.upload => Ok(Verdict::Keep(Begun::Write(stored.object))),
        Some(upload) if same => {
            if new.size > reserved - charged {
                return Ok(Verdict::Undo(Begun::QuotaExceeded));
            }
            charge(connection, request, upload, -size).await?;
            charge(connection, request, request.upload, size).await?;
            sqlx::query(sql!("blob_move"))
                .bind(request.space.as_bytes().as_slice())
                .bind(new.blob.as_bytes().as_slice())
                .bind(request.upload.as_bytes().as_slice())
                .execute(connection)
                .await?;
            Ok(Verdict::Keep(Begun::Write(stored.object)))
        }
        Some(upload) if new.from_start => {
            charge(connection, request, upload, -stored.size).await?;
            delete(connection, request, new.blob).await?;
            let Some((reserved, charged)) = charges(connection, request).await? else {
                return Ok(Verdict::Undo(Begun::NoUpload));
            };
            let inserted = insert(connection, request, new, reserved - charged).await?;
            Ok(match inserted {
                Verdict::Keep(_) => Verdict::Keep(Begun::Replaced(stored.object)),
                Verdict::Undo(refused) => Verdict::Undo(refused),
            })
        }
        Some(_) => Ok(Verdict::Keep(Begun::Conflict)),
        None => Err(MetaError::Damaged("blobs.upload")),
    }
}

/// Removes a blob that no commit names.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    request: &UploadRequest,
    blob: BlobId,
) -> Result<Verdict<RemovedBlob>, MetaError> {
    touch(connection, request).await?;
    let Some(stored) = select(connection, request.space, blob).await? else {
        return Ok(Verdict::Keep(RemovedBlob::Absent));
    };
    match stored.upload {
        None => Ok(Verdict::Keep(RemovedBlob::Committed)),
        Some(upload) if upload != request.upload => Ok(Verdict::Keep(RemovedBlob::Absent)),
        Some(upload) => {
            charge(connection, request, upload, -stored.size).await?;
            delete(connection, request, blob).await?;
            Ok(Verdict::Keep(RemovedBlob::Gone(stored.object)))
        }
    }
}

/// A blob of the space, whichever upload brought it.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    space: SpaceId,
    blob: BlobId,
) -> Result<Option<BlobRow>, MetaError> {
    let Some(stored) = select(connection, space, blob).await? else {
        return Ok(None);
    };
    Ok(Some(BlobRow {
        blob,
        object: stored.object,
        size: unsigned(stored.size, "blobs.size")?,
        complete: stored.complete,
    }))
}

async fn select(connection: &mut SqliteConnection, space: SpaceId, blob: BlobId) -> Result<Option<Stored>, MetaError> {
    type Row = (Vec<u8>, Option<Vec<u8>>, i64, Vec<u8>, bool);
    let row = sqlx::query_as::<_, Row>(sql!("blob_select"))
        .bind(space.as_bytes().as_slice())
        .bind(blob.as_bytes().as_slice())
        .fetch_optional(connection)
        .await?;
    let Some((bytes, upload, size, hash, complete)) = row else {
        return Ok(None);
    };
    let upload = upload.map(|id| fixed(id, "blobs.upload").map(UploadId::from_bytes)).transpose()?;
    Ok(Some(Stored { object: object(bytes)?, upload, size, hash, complete }))
}

async fn insert(
    connection: &mut SqliteConnection,
    request: &UploadRequest,
    new: &NewBlob,
    free: u64,
) -> Result<Verdict<Begun>, MetaError> {
    if new.size > free {
        return Ok(Verdict::Undo(Begun::QuotaExceeded));
    }
    let size = signed(new.size)?;
    sqlx::query(sql!("blob_insert"))
        .bind(request.space.as_bytes().as_slice())
        .bind(new.blob.as_bytes().as_slice())
        .bind(request.upload.as_bytes().as_slice())
        .bind(new.object.as_bytes().as_slice())
        .bind(size)
        .bind(new.hash.as_bytes().as_slice())
        .execute(&mut *connection)
        .await?;
    charge(connection, request, request.upload, size).await?;
    Ok(Verdict::Keep(Begun::Write(new.object)))
}

async fn charge(
    connection: &mut SqliteConnection,
    request: &UploadRequest,
    upload: UploadId,
    bytes: i64,
) -> Result<(), MetaError> {
    sqlx::query(sql!("upload_charge"))
        .bind(request.space.as_bytes().as_slice())
        .bind(upload.as_bytes().as_slice())
        .bind(bytes)
        .execute(connection)
        .await?;
    Ok(())
}

async fn delete(connection: &mut SqliteConnection, request: &UploadRequest, blob: BlobId) -> Result<(), MetaError> {
    sqlx::query(sql!("blob_delete"))
        .bind(request.space.as_bytes().as_slice())
        .bind(blob.as_bytes().as_slice())
        .execute(connection)
        .await?;
    Ok(())
}
