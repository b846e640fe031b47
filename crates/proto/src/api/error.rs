//! Refusals: a stable code, a sentence, a hint.

use serde::{Deserialize, Serialize};

/// What a program may rely on. Codes are never renamed; new ones may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// The request is not well formed (400).
    BadRequest,
    /// The API version header is missing or names another version (400).
    ApiVersionUnsupported,
    /// Handle and password, or a signature, do not match; nothing more is said (401).
    LoginFailed,
    /// No session, or one that ended (401).
    SessionExpired,
    /// The session's capability does not reach (403).
    Forbidden,
    /// No such thing, or none that this session may see (404).
    NotFound,
    /// The method is not one of this address (405).
    MethodNotAllowed,
    /// The handle belongs to someone (409).
    HandleTaken,
    /// The handle breaks the rules (400).
    HandleInvalid,
    /// The space, account or device is there already (409).
    AlreadyExists,
    /// The commit does not follow the head: fetch, merge, try again (409).
    HeadMoved,
    /// The sigchain moved on (409).
    SigchainMoved,
    /// Other bytes are stored under this blob id (409).
    BlobConflict,
    /// The offset is not where the partial blob ends (409).
    OffsetMismatch,
    /// The bytes do not have the hash or length that was announced; the partial blob is gone (422).
    BlobMismatch,
    /// A blob that the commit adds was not uploaded into this space (422).
    BlobMissing,
    /// The commit breaks a rule that the server checks (422).
    CommitInvalid,
    /// The space is in another epoch (409).
    EpochStale,
    /// The owner's quota, or the upload's reservation, is used up (413).
    QuotaExceeded,
    /// The body is over the limit (413).
    TooLarge,
    /// Too many of these at once or in a row (429).
    TooManyRequests,
    /// The server's disk is full (507).
    StorageFull,
    /// The server is stopping or not ready; try again (503).
    Unavailable,
    /// The server failed; the cause is in its log (500).
    Internal,
}

/// The body of every refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a wire struct: its fields are its format"
)]
pub struct ErrorBody {
    /// The one field.
    pub error: ErrorDetail,
}

/// What went wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a wire struct: its fields are its format"
)]
pub struct ErrorDetail {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what.
    pub message: String,
    /// For people: what to do.
    pub hint: String,
}
