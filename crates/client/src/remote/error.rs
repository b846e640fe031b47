//! Why a request did not give an answer.

use std::error::Error;

use anonicloud_proto::api::ErrorCode;
use thiserror::Error;

/// What a request gives.
pub type RemoteResult<T> = Result<T, RemoteError>;

/// What the transport said, whichever it is.
pub type TransportError = Box<dyn Error + Send + Sync>;

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
    },
    /// No connection, or it broke, or nothing moved on it for too long.
    #[error("the server cannot be reached")]
    Unreachable(#[source] TransportError),
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
            Self::Unreachable(_) | Self::Certificate(_) | Self::Malformed { .. } => None,
        }
    }

    /// Whether the same request may succeed a little later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { code, .. } => {
                matches!(code, ErrorCode::Unavailable | ErrorCode::TooManyRequests)
            }
            Self::Certificate(_) | Self::Malformed { .. } => false,
        }
    }
}
