//! Blobs: written once, in pieces that survive a broken connection, read when a commit names them.

use core::ops::Range;

use anonicloud_proto::api::{BlobProgress, ErrorCode};
use anonicloud_proto::capability::Right;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, UploadId};
use anonicloud_proto::limits::{BLOB_MAX, PACK_FLOOR};
use futures::StreamExt as _;

use super::slots::Claim;
use super::uploads::UPLOADERS;
use super::{BodyBroken, BodyPieces, Permit, Service, ServiceError, SpaceAccess};
use crate::store::ObjectId;
use crate::store::blob::{BlobError, BlobReader, BlobWriter};
use crate::store::meta::{Begun, NewBlob, RemovedBlob, UploadRequest};

/// What a request says about the blob it sends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PutBlob {
    /// The upload it is charged to.
    pub(crate) upload: UploadId,
    /// Its id.
    pub(crate) blob: BlobId,
    /// Where the body begins in the blob.
    pub(crate) offset: u64,
    /// Length of the whole blob.
    pub(crate) size: u64,
    /// BLAKE3-256 of the whole blob.
    pub(crate) hash: StoredHash,
}

/// Where the bytes of a blob go.
#[derive(Debug, Clone, Copy)]
struct Target {
    request: UploadRequest,
    put: PutBlob,
    object: ObjectId,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyEnd {
    Whole,
    TooLong,
    /// It broke, or its place was wanted.
    Broken,
    /// A newer request for the same blob came.
    Superseded,
}

impl Service {
    /// Stores the bytes of a blob. A body that breaks leaves what arrived.
    pub(crate) async fn put_blob(
        &self,
        access: &SpaceAccess,
        put: PutBlob,
        body: BodyPieces,
    ) -> Result<BlobProgress, ServiceError> {
        access.may(UPLOADERS)?;
        if put.size > BLOB_MAX {
            return Err(ErrorCode::TooLarge.into());
        }
        // No client has a reason for a smaller one, each of which takes a file and a row.
        if put.size < PACK_FLOOR || put.offset > put.size {
            return Err(ErrorCode::BadRequest.into());
        }
        // First, so that who comes again gets back the place of its connection that broke unseen.
        let claim = self.slots.claim(access.space(), put.blob).await;
        let permit = tokio::select! {
            biased;
            () = claim.lost() => return Err(ErrorCode::OffsetMismatch.into()),
            permit = self.puts.acquire(access.space()) => permit?,
        };
        let request = self.request(access, put.upload);
        let Some(object) = self.begin_blob(request, put).await? else {
            return Ok(complete(put.size));
        };
        let stored = self.store_blob(Target { request, put, object }, body, &claim, &permit).await;
        let is_complete = stored.as_ref().is_ok_and(|progress| progress.complete);
        if !is_complete && !self.is_named(request, put.blob, object).await? {
            // The row went with the blob that was not as announced, or with its upload, which ended meanwhile.
            self.blobs.remove(object).await?;
            return stored.and(Err(ErrorCode::NotFound.into()));
        }
        stored
    }

    /// Writes the bytes of a blob to its object.
    async fn store_blob(
        &self,
        target: Target,
        body: BodyPieces,
        claim: &Claim,
        permit: &Permit,
    ) -> Result<BlobProgress, ServiceError> {
        let Target { request, put, object } = target;
        let writer = self.blobs.write(object, put.offset).await?;
        let mut writer = writer.ok_or(ErrorCode::OffsetMismatch)?;
        match receive(writer.as_mut(), body, put.size, claim, permit).await? {
            BodyEnd::Whole => self.finish_blob(target, writer).await,
            BodyEnd::TooLong => {
                drop(writer);
                self.meta.remove_blob(request, put.blob).await?;
                Err(ErrorCode::BlobMismatch.into())
            }
            end @ (BodyEnd::Broken | BodyEnd::Superseded) => {
                writer.leave().await?;
                Err(match end {
                    BodyEnd::Superseded => ErrorCode::OffsetMismatch.into(),
                    // Who still hears this was too slow, and may go on from what is stored.
                    _ => ErrorCode::Unavailable.into(),
                })
            }
        }
    }

    /// The object that a blob is written to; none if it is complete.
    async fn begin_blob(&self, request: UploadRequest, put: PutBlob) -> Result<Option<ObjectId>, ServiceError> {
        let new = NewBlob {
            blob: put.blob,
            size: put.size,
            hash: put.hash,
            from_start: put.offset == 0,
            object: self.objects.draw(),
        };
        match self.meta.begin_blob(request, new).await? {
            Begun::Complete => Ok(None),
            Begun::Write(object) => Ok(Some(object)),
            Begun::Replaced(old) => {
                self.blobs.remove(old).await?;
                Ok(Some(new.object))
            }
            Begun::Conflict => Err(ErrorCode::BlobConflict.into()),
            Begun::NothingStored => Err(ErrorCode::OffsetMismatch.into()),
            Begun::NoUpload => Err(ErrorCode::NotFound.into()),
            Begun::QuotaExceeded => Err(ErrorCode::QuotaExceeded.into()),
        }
    }

    /// Removes a blob of an upload that no commit names.
    pub(crate) async fn remove_blob(
        &self,
        access: &SpaceAccess,
        upload: UploadId,
        blob: BlobId,
    ) -> Result<(), ServiceError> {
        access.may(UPLOADERS)?;
        let claim = self.slots.claim(access.space(), blob).await;
        let request = self.request(access, upload);
        let removed = self.meta.remove_blob(request, blob).await?;
        match removed {
            RemovedBlob::Gone(object) => self.blobs.remove(object).await?,
            RemovedBlob::Committed => return Err(ErrorCode::BlobConflict.into()),
            RemovedBlob::Absent => return Err(ErrorCode::NotFound.into()),
        }
        drop(claim);
        Ok(())
    }

    /// The length of a blob that a commit names, and where its bytes are.
    pub(crate) async fn find_blob(&self, access: &SpaceAccess, blob: BlobId) -> Result<(u64, ObjectId), ServiceError> {
        access.may(&[Right::Read])?;
        let found = self.meta.committed_blob(access.space(), blob).await?;
        let found = found.ok_or(ErrorCode::NotFound)?;
        Ok((found.size, found.object))
    }

    /// Reads a range of what [`Service::find_blob`] found. The permit is for as long as any of the bytes are kept.
    pub(crate) async fn read_blob(
        &self,
        access: &SpaceAccess,
        (blob, object): (BlobId, ObjectId),
        range: Range<u64>,
    ) -> Result<(BlobReader, Permit), ServiceError> {
        let permit = self.download_sessions.acquire(access.session()).await?;
        let permit = self.downloads.acquire(access.space()).await?.beside(permit);
        match self.blobs.read(object, range).await {
            Ok(bytes) => Ok((bytes, permit)),
            Err(BlobError::Missing) => {
                // It may have been freed since it was found.
                let now = self.meta.committed_blob(access.space(), blob).await?;
                let is_there = now.is_some_and(|now| now.object == object);
                Err(if is_there { BlobError::Missing.into() } else { ErrorCode::NotFound.into() })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn finish_blob(
        &self,
        Target { request, put, object }: Target,
        writer: Box<dyn BlobWriter>,
    ) -> Result<BlobProgress, ServiceError> {
        let written = writer.finish().await?;
        if written.len < put.size {
            self.meta.flush().await?;
            return Ok(BlobProgress { stored: written.len, complete: false });
        }
        if written.hash != *put.hash.as_bytes() {
            self.meta.remove_blob(request, put.blob).await?;
            return Err(ErrorCode::BlobMismatch.into());
        }
        let counts = self.meta.complete_blob(request.space, put.blob, object).await?;
        if counts { Ok(complete(put.size)) } else { Err(ErrorCode::NotFound.into()) }
    }

    /// Whether the row of a blob names an object.
    async fn is_named(&self, request: UploadRequest, blob: BlobId, object: ObjectId) -> Result<bool, ServiceError> {
        let row = self.meta.blob(request.space, blob).await?;
        Ok(row.is_some_and(|row| row.object == object))
    }
}

const fn complete(size: u64) -> BlobProgress {
    BlobProgress { stored: size, complete: true }
}

async fn receive(
    writer: &mut dyn BlobWriter,
    mut body: BodyPieces,
    size: u64,
    claim: &Claim,
    permit: &Permit,
) -> Result<BodyEnd, ServiceError> {
    let (mut lost, mut displaced) = (Box::pin(claim.lost()), Box::pin(permit.displaced()));
    loop {
        let next = tokio::select! {
            biased;
            () = &mut lost => return Ok(BodyEnd::Superseded),
            () = &mut displaced => return Ok(BodyEnd::Broken),
            next = body.next() => next,
        };
        match next {
            None => return Ok(BodyEnd::Whole),
            Some(Err(BodyBroken::Cut | BodyBroken::Stalled)) => return Ok(BodyEnd::Broken),
            Some(Ok(bytes)) if writer.len() + bytes.len() as u64 > size => {
                return Ok(BodyEnd::TooLong);
            }
            Some(Ok(bytes)) => {
                permit.moved(bytes.len());
                writer.append(bytes).await?;
            }
        }
    }
}
