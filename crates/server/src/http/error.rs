//! The one place where a failure becomes an answer: a code, a status, a sentence and a hint for the caller; the cause,
//! where there is one, for the log.

use core::error::Error;
use std::time::Duration;

use anonicloud_proto::api::{ErrorBody, ErrorCode, ErrorDetail};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use tracing::{error, warn};

use crate::causes::with_causes;
use crate::service::ServiceError;
use crate::store::blob::BlobError;
use crate::store::meta::MetaError;

/// A request that did not succeed, by the code that its caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: ErrorCode,
    /// When to come again.
    retry_after: Option<Duration>,
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, retry_after: None }
    }
}

impl From<ServiceError> for Refusal {
    fn from(failure: ServiceError) -> Self {
        let code = match &failure {
            ServiceError::Refused(code) => *code,
            ServiceError::TooFast { retry_after } => {
                return Self { code: ErrorCode::TooManyRequests, retry_after: Some(*retry_after) };
            }
            ServiceError::Meta(MetaError::Full) | ServiceError::Blobs(BlobError::Full(_)) => {
                warn!("the disk is full");
                ErrorCode::StorageFull
            }
            ServiceError::Meta(MetaError::Closed | MetaError::RolledBack) => ErrorCode::Unavailable,
            ServiceError::Meta(cause) => internal(cause),
            ServiceError::Blobs(cause) => internal(cause),
            ServiceError::Damaged(_) | ServiceError::Task => internal(&failure),
        };
        code.into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (message, hint) = texts(self.code);
        let status = StatusCode::from_u16(self.code.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let error = ErrorDetail { code: self.code, message: message.to_owned(), hint: hint.to_owned() };
        let mut response = (status, Json(ErrorBody { error })).into_response();
        if let Some(time) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(time.as_secs()));
        }
        response
    }
}

/// Logs a failure of the server once, with all its causes.
fn internal(failure: &dyn Error) -> ErrorCode {
    error!(cause = with_causes(failure), "a request failed");
    ErrorCode::Internal
}

/// Sentence and hint of each code.
const fn texts(code: ErrorCode) -> (&'static str, &'static str) {
    match code {
        ErrorCode::BadRequest
        | ErrorCode::ApiVersionUnsupported
        | ErrorCode::HandleInvalid
        | ErrorCode::MethodNotAllowed
        | ErrorCode::NotFound
        | ErrorCode::TooLarge
        | ErrorCode::TooManyRequests => request_texts(code),
        ErrorCode::LoginFailed
        | ErrorCode::SessionExpired
        | ErrorCode::PasswordNeeded
        | ErrorCode::Forbidden
        | ErrorCode::HandleTaken
        | ErrorCode::AlreadyExists
        | ErrorCode::SigchainFull
        | ErrorCode::SigchainMoved => account_texts(code),
        ErrorCode::SignUpClosed | ErrorCode::InviteRequired | ErrorCode::InviteInvalid | ErrorCode::PuzzleRequired => {
            door_texts(code)
        }
        ErrorCode::HeadMoved
        | ErrorCode::EpochStale
        | ErrorCode::CommitInvalid
        | ErrorCode::BlobConflict
        | ErrorCode::OffsetMismatch
        | ErrorCode::BlobMismatch
        | ErrorCode::BlobMissing
        | ErrorCode::QuotaExceeded => space_texts(code),
        _ => server_texts(code),
    }
}

const fn request_texts(code: ErrorCode) -> (&'static str, &'static str) {
    match code {
        ErrorCode::ApiVersionUnsupported => (
            "the request does not name an API version that this server speaks",
            "send the header anonicloud-api: 1, or update the client or the server",
        ),
        ErrorCode::HandleInvalid => (
            "the handle breaks the rules",
            "use 3 to 32 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first and last",
        ),
        ErrorCode::MethodNotAllowed => {
            ("the method is not one of this address", "see docs/spec/openapi.json for the methods of each address")
        }
        ErrorCode::NotFound => {
            ("there is no such thing, or none that this session may see", "check the address and the session")
        }
        ErrorCode::TooLarge => (
            "the body or a part of it is over its limit",
            "send less at once; the limits are in the API's documentation",
        ),
        ErrorCode::TooManyRequests => {
            ("there are too many of these at once", "wait a minute and try again, or finish what is open")
        }
        _ => ("the request is not well formed", "check ids, query and body against the API's documentation"),
    }
}

const fn account_texts(code: ErrorCode) -> (&'static str, &'static str) {
    match code {
        ErrorCode::LoginFailed => {
            ("the proof does not match", "check handle and password, or the keys that sign, and begin again")
        }
        ErrorCode::SessionExpired => {
            ("there is no session, or it has ended", "log in or open the space again, then repeat the request")
        }
        ErrorCode::PasswordNeeded => (
            "this cannot be undone, and the session did not prove the password within the last minutes",
            "sign in with the password again, then repeat the request",
        ),
        ErrorCode::Forbidden => (
            "the session's capability does not reach this",
            "open a session of this space with a proof of the right that is needed",
        ),
        ErrorCode::HandleTaken => ("the handle belongs to someone", "choose another handle"),
        ErrorCode::AlreadyExists => {
            ("the account, device or space is there already", "draw new ids, or go on with what is there")
        }
        ErrorCode::SigchainFull => (
            "the sigchain is as long as it may be, so that no device can be added",
            "sign in from a device that is enrolled already, and keep it enrolled",
        ),
        _ => ("the sigchain moved on", "fetch the sigchain, make the link again behind its newest one, and try again"),
    }
}

const fn door_texts(code: ErrorCode) -> (&'static str, &'static str) {
    match code {
        ErrorCode::SignUpClosed => ("the server makes no new accounts", "ask its operator, or use another server"),
        ErrorCode::InviteRequired => {
            ("a new account needs an invite on this server", "ask the operator for one, and give it with the sign-up")
        }
        ErrorCode::InviteInvalid => (
            "the invite is not good: it is none, was used, or was revoked",
            "check that it is copied whole, or ask the operator for another",
        ),
        _ => (
            "a puzzle has to be solved first",
            "draw a puzzle for this, solve it, and send the solution within a minute",
        ),
    }
}

const fn space_texts(code: ErrorCode) -> (&'static str, &'static str) {
    match code {
        ErrorCode::HeadMoved => {
            ("the commit does not follow the head of the space", "fetch the head, merge, and commit again")
        }
        ErrorCode::EpochStale => ("the space is in another epoch", "fetch the newest roster and use its keys"),
        ErrorCode::CommitInvalid => {
            ("the commit breaks a rule that the server checks", "update the client; this commit will never be accepted")
        }
        ErrorCode::BlobConflict => (
            "other bytes are stored under this blob id, or a commit names it",
            "blobs are written once: use another id for other bytes",
        ),
        ErrorCode::OffsetMismatch => (
            "the offset is not where the stored part of the blob ends",
            "ask for the upload's state and go on from the offset it names",
        ),
        ErrorCode::BlobMismatch => (
            "the bytes do not have the length and hash that were announced; the partial blob is gone",
            "send the blob again from its first byte",
        ),
        ErrorCode::BlobMissing => (
            "a blob that the commit adds is not complete in this space",
            "ask for the upload's state, send what is missing, and commit again",
        ),
        _ => (
            "the owner's quota, or the upload's reservation, is used up",
            "raise the reservation, delete files, or ask the operator for more space",
        ),
    }
}

const fn server_texts(code: ErrorCode) -> (&'static str, &'static str) {
    match code {
        ErrorCode::StorageFull => ("the server's disk is full", "try again later; nothing that was stored is lost"),
        ErrorCode::Unavailable => ("the server is stopping or not ready", "try again in a moment"),
        _ => ("the server failed", "try again; if it stays, the operator finds the cause in the server's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_a_status_a_sentence_and_a_hint_of_its_own() {
        let texts: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| texts(*code)).collect();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            let response = Refusal::from(*code).into_response();
            assert_eq!(response.status().as_u16(), code.status());
            assert!((400..600).contains(&code.status()), "{code:?}");
        }
    }

    #[test]
    fn who_comes_too_fast_is_told_when_to_come_again() {
        let refusal = Refusal::from(ServiceError::TooFast { retry_after: Duration::from_secs(5) });
        let response = refusal.into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[header::RETRY_AFTER]),
            (429, &HeaderValue::from(5))
        );
        let other = Refusal::from(ErrorCode::TooManyRequests).into_response();
        assert!(!other.headers().contains_key(header::RETRY_AFTER));
    }
}
