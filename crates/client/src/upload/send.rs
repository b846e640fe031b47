//! A sealed blob on the wire, from where the server has it.

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::ids::UploadId;

use super::segment::SealedBlob;
use crate::error::OperationError;
use crate::remote::{BlobPart, Remote, RemoteError, RemoteResult, SpaceAccess};
use crate::space::access::SpaceDoor;

/// Times that a blob is begun anew after the server found other bytes in it.
const FRESH_STARTS: u32 = 2;

/// Sends `blob` from `offset` on; gives the bytes that went over the wire.
pub(crate) async fn send_blob<R: Remote>(
    remote: &R,
    door: &SpaceDoor,
    upload: &UploadId,
    blob: &SealedBlob,
    offset: u64,
) -> Result<u64, OperationError> {
    door.request(remote, async |access| send_in_session(remote, access, upload, blob, offset).await).await
}

async fn send_in_session<R: Remote>(
    remote: &R,
    access: &SpaceAccess,
    upload: &UploadId,
    blob: &SealedBlob,
    mut offset: u64,
) -> RemoteResult<u64> {
    let mut sent = 0;
    let mut fresh_starts = 0;
    loop {
        let start = usize::try_from(offset).unwrap_or(blob.bytes.len()).min(blob.bytes.len());
        let bytes = blob.bytes.slice(start..);
        sent += bytes.len() as u64;
        let part = BlobPart { blob: blob.blob, offset, size: blob.size(), hash: blob.hash, bytes };
        match remote.put_blob(access, upload, part).await {
            Ok(progress) if progress.complete => return Ok(sent),
            Ok(progress) if progress.stored > offset => offset = progress.stored,
            Ok(_) => {
                return Err(RemoteError::Malformed { what: "a blob that takes no bytes" });
            }
            Err(RemoteError::Refused { code: ErrorCode::OffsetMismatch, .. }) if fresh_starts < FRESH_STARTS => {
                fresh_starts += 1;
                offset = remote.blob_state(access, upload, &blob.blob).await?.stored;
            }
            Err(RemoteError::Refused { code: ErrorCode::BlobMismatch, .. }) if fresh_starts < FRESH_STARTS => {
                fresh_starts += 1;
                offset = 0;
            }
            Err(RemoteError::Refused { code: ErrorCode::BlobConflict, .. }) if fresh_starts < FRESH_STARTS => {
                // Bytes that no commit names stand under our id: they are ours to drop.
                fresh_starts += 1;
                remote.drop_blob(access, upload, &blob.blob).await?;
                offset = 0;
            }
            Err(error) => return Err(error),
        }
    }
}
