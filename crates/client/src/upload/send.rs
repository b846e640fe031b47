//! A sealed blob on the wire, from where the server has it.

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::ids::UploadId;

use super::segment::SealedBlob;
use crate::error::OperationError;
use crate::remote::{BlobPart, Remote, RemoteError, RemoteResult, SpaceAccess};
use crate::space::access::SpaceDoor;

/// Times that a blob is begun anew after the server found other bytes in it.
const FRESH_STARTS: u32 = 2;
/// Times in a row that a server may take a crumb of what it was sent whole. An honest one takes all of it; one that takes a byte
/// each time would have the rest sent for ever. A body that a line cut is no answer, and counts nowhere.
const CRUMBS: u32 = 4;
/// Bytes of which fewer are a crumb.
const CRUMB: u64 = 64 << 10;

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
    let (mut fresh_starts, mut crumbs) = (0, 0);
    loop {
        let start = usize::try_from(offset).unwrap_or(blob.bytes.len()).min(blob.bytes.len());
        let bytes = blob.bytes.slice(start..);
        sent += bytes.len() as u64;
        let part = BlobPart { blob: blob.blob, offset, size: blob.size(), hash: blob.hash, bytes };
        match remote.put_blob(access, upload, part).await {
            Ok(progress) if progress.complete => return Ok(sent),
            Ok(progress) if progress.stored >= offset.saturating_add(CRUMB) => {
                crumbs = 0;
                offset = progress.stored;
            }
            Ok(progress) if progress.stored > offset && crumbs < CRUMBS => {
                crumbs += 1;
                offset = progress.stored;
            }
            Ok(_) => {
                return Err(RemoteError::Malformed { what: "a blob that does not take its bytes" });
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

#[cfg(test)]
mod tests {
    use anonicloud_proto::hash::StoredHash;
    use anonicloud_proto::ids::{BlobId, SpaceId};
    use anonicloud_testkit::scripted_server::{Act, ScriptedServer};

    use super::*;
    use crate::remote::{HttpRemote, Patience, ServerAddress, SessionToken};

    const SIZE: u64 = 20 * CRUMB;

    /// Sends a blob to a server that takes these amounts of it, one after the other.
    async fn send(taken: impl IntoIterator<Item = u64>) -> RemoteResult<u64> {
        let mut stored = 0;
        let script: Vec<_> = taken
            .into_iter()
            .map(|more| {
                stored += more;
                Act::ok(200, format!(r#"{{"stored":{stored},"complete":{}}}"#, stored == SIZE))
            })
            .collect();
        let server = ScriptedServer::start(script).await;
        let address = ServerAddress { url: format!("http://{}", server.address()), ca_file: None };
        let remote = HttpRemote::new(&address, Patience::default()).unwrap();
        let access = SpaceAccess { space: SpaceId::from_bytes([4; 32]), token: SessionToken::new(&[7; 32]) };
        let (blob, hash) = (BlobId::from_bytes([1; 32]), StoredHash::from_bytes([2; 32]));
        let blob = SealedBlob { blob, hash, bytes: vec![5; usize::try_from(SIZE).unwrap()].into() };
        send_in_session(&remote, &access, &UploadId::from_bytes([3; 16]), &blob, 0).await
    }

    #[tokio::test]
    async fn a_server_that_gets_on_is_sent_the_rest_however_often() {
        send([CRUMB; 20]).await.unwrap();
        // Crumbs between what gets on are none that count.
        let crumbs = [1, 1, 1, 1, CRUMB];
        send(crumbs.into_iter().cycle().take(80).chain([4 * CRUMB - 64])).await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_takes_crumbs_alone_is_left() {
        let refused = |sent: RemoteResult<u64>| assert!(matches!(sent, Err(RemoteError::Malformed { .. })), "{sent:?}");
        refused(send([1; 5]).await);
        refused(send([CRUMB - 1; 5]).await);
        refused(send([CRUMB, 1, 1, 1, 1, 1]).await);
        refused(send([0]).await);
    }
}
