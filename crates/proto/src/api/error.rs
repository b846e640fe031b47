//! Refusals: a stable code, a sentence, a hint.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[doc = $doc:literal] $variant:ident => $status:literal,)+) => {
        /// What a program may rely on. Codes are never renamed; new ones may come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum ErrorCode { $(#[doc = $doc] $variant,)+ }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }
        }
    };
}

codes! {
    /// The request is not well formed.
    BadRequest => 400,
    /// The API version header is missing or names another version.
    ApiVersionUnsupported => 400,
    /// Handle and password, or a signature, do not match; nothing more is said.
    LoginFailed => 401,
    /// No session, or one that ended.
    SessionExpired => 401,
    /// The session did not prove the password within the last minutes.
    PasswordNeeded => 403,
    /// The session's capability does not reach.
    Forbidden => 403,
    /// The server makes no new accounts.
    SignUpClosed => 403,
    /// New accounts need an invite.
    InviteRequired => 403,
    /// The invite is none, or used, or revoked; which is not said.
    InviteInvalid => 403,
    /// A puzzle has to be solved first: none was, or it was another's, used before, too old or too easy by now.
    PuzzleRequired => 403,
    /// No such thing, or none that this session may see.
    NotFound => 404,
    /// The method is not one of this address.
    MethodNotAllowed => 405,
    /// The handle belongs to someone.
    HandleTaken => 409,
    /// The handle breaks the rules.
    HandleInvalid => 400,
    /// The space, account or device is there already.
    AlreadyExists => 409,
    /// The commit does not follow the head: fetch, merge, try again.
    HeadMoved => 409,
    /// The sigchain moved on.
    SigchainMoved => 409,
    /// The sigchain is as long as it may be: no device can be added.
    SigchainFull => 409,
    /// Other bytes are stored under this blob id.
    BlobConflict => 409,
    /// The offset is not where the partial blob ends.
    OffsetMismatch => 409,
    /// The bytes do not have the hash or length that was announced; the partial blob is gone.
    BlobMismatch => 422,
    /// A blob that the commit adds was not uploaded into this space.
    BlobMissing => 422,
    /// The commit breaks a rule that the server checks.
    CommitInvalid => 422,
    /// The space is in another epoch.
    EpochStale => 409,
    /// The owner's quota, or the upload's reservation, is used up.
    QuotaExceeded => 413,
    /// The body is over the limit.
    TooLarge => 413,
    /// Too many of these at once or in a row.
    TooManyRequests => 429,
    /// The server's disk is full.
    StorageFull => 507,
    /// The server is stopping or not ready; try again.
    Unavailable => 503,
    /// The server failed; the cause is in its log.
    Internal => 500,
}

/// The body of every refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a wire struct: its fields are its format")]
pub struct ErrorBody {
    /// The one field.
    pub error: ErrorDetail,
}

/// What went wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a wire struct: its fields are its format")]
pub struct ErrorDetail {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what.
    pub message: String,
    /// For people: what to do.
    pub hint: String,
}
