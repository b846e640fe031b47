//! Why a request did not give an answer.

use core::fmt;
use std::error::Error;
use std::time::Duration;

use anonicloud_proto::api::ErrorCode;
use bytes::Bytes;
use thiserror::Error;

/// What of an answer is malformed that is too long.
#[cfg(not(target_arch = "wasm32"))]
pub(super) const TOO_LONG: &str = "more bytes than the API allows";
/// The same of one that is too short.
#[cfg(not(target_arch = "wasm32"))]
pub(super) const TOO_SHORT: &str = "fewer bytes than were asked for";

/// What a request gives.
pub type RemoteResult<T> = Result<T, RemoteError>;

/// What the transport said, whichever it is.
pub type TransportError = Box<dyn Error + Send + Sync>;

/// The first bytes of an answer that did not come whole.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "a remote makes it, a decorator takes it apart")]
pub struct Arrived(pub Bytes);

impl fmt::Debug for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arrived({} bytes)", self.0.len())
    }
}

/// Who is at fault, and whether to try again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The server refused, with a code.
    #[error("the server refused: {message}")]
    Refused {
        /// For programs.
        code: ErrorCode,
        /// The server's sentence; from HTTP, without control characters and cut to a few lines.
        message: String,
        /// The server's advice; the same.
        hint: String,
        /// After how long to come again, where the server says so.
        retry_after: Option<Duration>,
    },
    /// No connection, or it broke, or nothing moved on it for too long.
    #[error("the server cannot be reached")]
    Unreachable(#[source] TransportError),
    /// The connection broke, or stood still for too long, in the middle of the bytes of a blob.
    #[error("the server cannot be reached")]
    Cut {
        /// What came, which is worth keeping: the rest can be asked for by itself.
        arrived: Arrived,
        /// How many bytes should have come in all.
        whole: u64,
        /// What the transport said.
        #[source]
        cause: TransportError,
    },
    /// The server's certificate is not one that is trusted here.
    #[error("the server's certificate is not trusted")]
    Certificate(#[source] TransportError),
    /// The answer is not of the form that the API says.
    #[error("the server's answer is malformed: {what}")]
    Malformed {
        /// Which part.
        what: &'static str,
    },
}

impl RemoteError {
    /// The code of a refusal.
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Unreachable(_) | Self::Cut { .. } | Self::Certificate(_) | Self::Malformed { .. } => None,
        }
    }

    /// Whether the answer has other bytes than it can have, by its length alone.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn is_of_other_length(&self) -> bool {
        matches!(self, Self::Malformed { what } if [TOO_LONG, TOO_SHORT].contains(what))
    }

    /// After how long the server wants to be asked again, if it says so.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::Cut { .. } | Self::Certificate(_) | Self::Malformed { .. } => None,
        }
    }

    /// Whether the same request may succeed a little later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Cut { .. } => true,
            Self::Refused { code, .. } => {
                matches!(code, ErrorCode::Unavailable | ErrorCode::TooManyRequests)
            }
            Self::Certificate(_) | Self::Malformed { .. } => false,
        }
    }
}
