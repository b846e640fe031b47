//! The upload a blob travels in, and the room reserved for it.

use std::cell::Cell;

use anonicloud_proto::api::{ErrorCode, OpenUpload};
use anonicloud_proto::ids::UploadId;

use crate::error::OperationError;
use crate::remote::{Remote, RemoteError};
use crate::space::access::SpaceDoor;

/// Room is asked for in steps of this many bytes, so that not every small pack needs a request of its own.
const STEP: u64 = 64 << 20;

/// An upload opened at the server, with what it has promised to take.
#[derive(Debug)]
pub(crate) struct Reservation {
    upload: UploadId,
    reserved: Cell<u64>,
    promised: Cell<u64>,
}

impl Reservation {
    pub(crate) const fn new(upload: UploadId) -> Self {
        Self {
            upload,
            reserved: Cell::new(0),
            promised: Cell::new(0),
        }
    }

    pub(crate) const fn upload(&self) -> &UploadId {
        &self.upload
    }

    /// Makes room for `bytes` more padded bytes.
    ///
    /// # Errors
    /// When the owner's quota does not hold them.
    pub(crate) async fn add<R: Remote>(
        &self,
        remote: &R,
        door: &SpaceDoor,
        bytes: u64,
    ) -> Result<(), OperationError> {
        let needed = self.promised.get().saturating_add(bytes);
        self.promised.set(needed);
        if needed <= self.reserved.get() {
            return Ok(());
        }
        match self
            .reserve(remote, door, needed.saturating_add(STEP))
            .await
        {
            Err(OperationError::Remote(RemoteError::Refused {
                code: ErrorCode::QuotaExceeded,
                ..
            })) => self.reserve(remote, door, needed).await,
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

    async fn reserve<R: Remote>(
        &self,
        remote: &R,
        door: &SpaceDoor,
        bytes: u64,
    ) -> Result<(), OperationError> {
        let request = OpenUpload {
            upload: self.upload,
            bytes,
        };
        let answer = door
            .request(remote, async |access| {
                remote.open_upload(access, &request).await
            })
            .await?;
        self.reserved.set(answer.reserved);
        Ok(())
    }
}
