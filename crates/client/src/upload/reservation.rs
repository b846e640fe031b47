//! The upload a blob travels in, and the room reserved for it.

use std::cell::Cell;

use anonicloud_core::crypto::random::make_bytes;
use anonicloud_proto::api::{ErrorCode, OpenUpload};
use anonicloud_proto::ids::UploadId;

use super::segment::SealedBlob;
use super::send::send_blob;
use crate::error::OperationError;
use crate::random::SystemRandom;
use crate::remote::{Remote, RemoteError, SpaceAccess};
use crate::space::access::SpaceDoor;

/// Room is asked for in steps of this many bytes, so that not every small pack needs a request of its own.
const STEP: u64 = 64 << 20;
/// Times that room is made for one blob; each time another one under way may take it.
const GROWTHS: u32 = 16;

/// An upload opened at the server, with what it has promised to take.
#[derive(Debug)]
pub(crate) struct Reservation {
    upload: UploadId,
    reserved: Cell<u64>,
    promised: Cell<u64>,
}

/// A fresh id for an upload.
pub(crate) fn make_upload_id() -> UploadId {
    UploadId::from_bytes(make_bytes(&mut SystemRandom))
}

impl Reservation {
    pub(crate) const fn new(upload: UploadId) -> Self {
        Self { upload, reserved: Cell::new(0), promised: Cell::new(0) }
    }

    pub(crate) const fn upload(&self) -> &UploadId {
        &self.upload
    }

    /// Makes room for `bytes` more padded bytes.
    ///
    /// # Errors
    /// When the owner's quota does not hold them.
    pub(crate) async fn add<R: Remote>(&self, remote: &R, door: &SpaceDoor, bytes: u64) -> Result<(), OperationError> {
        let needed = self.promised.get().saturating_add(bytes);
        self.promised.set(needed);
        if needed <= self.reserved.get() {
            return Ok(());
        }
        match self.reserve(remote, door, needed.saturating_add(STEP)).await {
            Err(OperationError::Remote(RemoteError::Refused { code: ErrorCode::QuotaExceeded, .. })) => {
                self.reserve(remote, door, needed).await
            }
            other => other,
        }
    }

    /// Reserves exactly `bytes` in all, for content whose size is known.
    pub(crate) async fn exactly<R: Remote>(
        &self,
        remote: &R,
        door: &SpaceDoor,
        bytes: u64,
    ) -> Result<(), OperationError> {
        self.promised.set(bytes);
        self.reserve(remote, door, bytes).await
    }

    /// Notes that a commit has taken over `bytes` of what was stored: at the server they left the reservation.
    pub(crate) fn release(&self, bytes: u64) {
        self.promised.set(self.promised.get().saturating_sub(bytes));
        self.reserved.set(self.reserved.get().saturating_sub(bytes));
    }

    /// Sends a blob that was promised; gives the bytes that went over the wire.
    ///
    /// What a cut run left in the upload and nobody needs any more takes room that was not promised: then more is reserved.
    pub(crate) async fn send<R: Remote>(
        &self,
        remote: &R,
        door: &SpaceDoor,
        blob: &SealedBlob,
        offset: u64,
    ) -> Result<u64, OperationError> {
        for _ in 0..GROWTHS {
            match send_blob(remote, door, &self.upload, blob, offset).await {
                Err(OperationError::Remote(RemoteError::Refused { code: ErrorCode::QuotaExceeded, .. })) => {}
                other => return other,
            }
            // Noted before it is asked for: others that find no room meanwhile ask for theirs on top. One that was on its
            // way may still take the room first; then there is another round.
            let grown = self.reserved.get().saturating_add(blob.size());
            self.reserved.set(grown);
            self.reserve(remote, door, grown).await?;
        }
        send_blob(remote, door, &self.upload, blob, offset).await
    }

    async fn reserve<R: Remote>(&self, remote: &R, door: &SpaceDoor, bytes: u64) -> Result<(), OperationError> {
        let request = OpenUpload { upload: self.upload, bytes };
        let open = async |access: &SpaceAccess| remote.open_upload(access, &request).await;
        let answer = door.request(remote, open).await?;
        self.reserved.set(self.reserved.get().max(answer.reserved));
        Ok(())
    }
}
