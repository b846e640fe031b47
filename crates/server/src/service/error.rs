//! How a request of the service ends when it does not succeed.

use std::time::Duration;

use anonicloud_proto::api::ErrorCode;
use thiserror::Error;

use crate::store::blob::BlobError;
use crate::store::meta::MetaError;

/// A refusal, or a failure of a store.
#[derive(Debug, Error)]
pub(crate) enum ServiceError {
    /// The caller is told this code.
    #[error("refused: {0:?}")]
    Refused(ErrorCode),
    /// The session's requests come too fast; they are told when to come again.
    #[error("too many requests")]
    TooFast {
        /// After how long.
        retry_after: Duration,
    },
    /// The metadata store failed.
    #[error("metadata: {0}")]
    Meta(#[from] MetaError),
    /// The blob store failed.
    #[error("blobs: {0}")]
    Blobs(#[from] BlobError),
    /// What a store keeps is not what was put there.
    #[error("kept bytes are damaged: {0}")]
    Damaged(&'static str),
    /// A task of the server ended early.
    #[error("a task ended early")]
    Task,
}

impl From<ErrorCode> for ServiceError {
    fn from(code: ErrorCode) -> Self {
        Self::Refused(code)
    }
}
