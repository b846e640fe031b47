//! The server as the client sees it: one method a request of the HTTP API (spec: 4-http-api).
//!
//! Enters: typed requests. Leaves: typed answers whose form was checked, never whose truth was: that is for the callers.

mod error;
#[cfg(not(target_arch = "wasm32"))]
mod http;
mod retry;

use core::fmt;
use core::ops::Range;

use anonicloud_proto::api::{
    AccountAnswer, AddDevice, BlobProgress, BlobState, BlobsAnswer, Challenge, CommitAnswer, DeviceLoginFinish,
    DeviceLoginStart, FreedAnswer, LoginAnswer, LoginFinish, LoginStart, LoginStarted, OpenUpload, Puzzle, PuzzleStart,
    RealmAnswer, RegisterFinish, RegisterStart, RegisterStarted, ReleasedAnswer, RemoveDevice, SigchainAnswer,
    SpaceSessionAnswer, SpaceSessionFinish, UploadAnswer, UploadState, UploadsAnswer,
};
use anonicloud_proto::commit::{HeadAnswer, LoggedCommit};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use bytes::Bytes;
use zeroize::{ZeroizeOnDrop, Zeroizing};

pub use error::{Arrived, RemoteError, RemoteResult, TransportError};
#[cfg(not(target_arch = "wasm32"))]
pub use http::{ConnectError, HttpRemote, Patience, RateLimit, ServerAddress};
pub use retry::Retry;

/// A bearer token of an account or space session.
#[derive(ZeroizeOnDrop)]
pub struct SessionToken(Zeroizing<Vec<u8>>);

impl SessionToken {
    /// The token as the server gave it.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes, for the authorization header.
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken")
    }
}

/// A space and the session that opens it.
#[derive(Debug)]
pub struct SpaceAccess {
    /// The space.
    pub space: SpaceId,
    /// A session of it.
    pub token: SessionToken,
}

/// Bytes of a blob from an offset to its end.
#[derive(Debug, Clone)]
pub struct BlobPart {
    /// The blob.
    pub blob: BlobId,
    /// Where `bytes` begin.
    pub offset: u64,
    /// Length of the whole blob.
    pub size: u64,
    /// Hash of the whole blob.
    pub hash: StoredHash,
    /// From `offset` to the end.
    pub bytes: Bytes,
}

/// What the commits of a space released, up to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Through {
    /// The space.
    pub space: SpaceId,
    /// The place of the last commit that counts.
    pub seq: u64,
}

/// A server, honest or not.
pub trait Remote {
    /// What the installation is.
    fn realm(&self) -> impl Future<Output = RemoteResult<RealmAnswer>>;
    /// Work to do before a registration or a login.
    fn puzzle(&self, request: &PuzzleStart) -> impl Future<Output = RemoteResult<Puzzle>>;
    /// Begins a registration.
    fn register_start(&self, request: &RegisterStart) -> impl Future<Output = RemoteResult<RegisterStarted>>;
    /// Makes the account.
    fn register_finish(&self, request: &RegisterFinish) -> impl Future<Output = RemoteResult<()>>;
    /// Begins a login by password.
    fn login_start(&self, request: &LoginStart) -> impl Future<Output = RemoteResult<LoginStarted>>;
    /// Ends a login by password.
    fn login_finish(&self, request: &LoginFinish) -> impl Future<Output = RemoteResult<LoginAnswer>>;
    /// Begins a login by an enrolled device.
    fn device_login_start(&self, request: &DeviceLoginStart) -> impl Future<Output = RemoteResult<Challenge>>;
    /// Ends a login by an enrolled device.
    fn device_login_finish(&self, request: &DeviceLoginFinish) -> impl Future<Output = RemoteResult<LoginAnswer>>;
    /// Ends an account session.
    fn logout(&self, token: &SessionToken) -> impl Future<Output = RemoteResult<()>>;
    /// What the server knows of the account.
    fn account(&self, token: &SessionToken) -> impl Future<Output = RemoteResult<AccountAnswer>>;
    /// What sweeps released of the account's spaces and is not freed yet; of one space only, if that is asked.
    fn released(
        &self,
        token: &SessionToken,
        through: Option<Through>,
    ) -> impl Future<Output = RemoteResult<ReleasedAnswer>>;
    /// Frees some of it for good; the session must have proved the password a short while ago.
    fn free_released(&self, token: &SessionToken, through: Through) -> impl Future<Output = RemoteResult<FreedAnswer>>;
    /// The account's sigchain.
    fn sigchain(&self, token: &SessionToken) -> impl Future<Output = RemoteResult<SigchainAnswer>>;
    /// Enrols a device.
    fn add_device(&self, token: &SessionToken, request: &AddDevice) -> impl Future<Output = RemoteResult<()>>;
    /// Drops a device.
    fn remove_device(&self, token: &SessionToken, request: &RemoveDevice) -> impl Future<Output = RemoteResult<()>>;
    /// A challenge to prove capabilities of a space with.
    fn space_challenge(&self, space: &SpaceId) -> impl Future<Output = RemoteResult<Challenge>>;
    /// Opens a space session.
    fn space_session(
        &self,
        space: &SpaceId,
        request: &SpaceSessionFinish,
    ) -> impl Future<Output = RemoteResult<SpaceSessionAnswer>>;
    /// The space's newest commit.
    fn head(&self, access: &SpaceAccess) -> impl Future<Output = RemoteResult<HeadAnswer>>;
    /// The space's newest commit, once its place is another than `after`; `None` when that does not come for a while.
    fn head_after(&self, access: &SpaceAccess, after: u64) -> impl Future<Output = RemoteResult<Option<HeadAnswer>>>;
    /// A page of the log from `from` on; empty when there is none.
    fn log(&self, access: &SpaceAccess, from: u64) -> impl Future<Output = RemoteResult<Vec<LoggedCommit>>>;
    /// Posts an encoded `PostedCommit`.
    fn commit(&self, access: &SpaceAccess, posted: Bytes) -> impl Future<Output = RemoteResult<CommitAnswer>>;
    /// Opens an upload or raises its reservation.
    fn open_upload(
        &self,
        access: &SpaceAccess,
        request: &OpenUpload,
    ) -> impl Future<Output = RemoteResult<UploadAnswer>>;
    /// A page of open uploads and their tickets, behind `after`.
    fn uploads(
        &self,
        access: &SpaceAccess,
        after: Option<&UploadId>,
    ) -> impl Future<Output = RemoteResult<UploadsAnswer>>;
    /// A page of an upload's blobs, those after `after`.
    fn upload_state(
        &self,
        access: &SpaceAccess,
        upload: &UploadId,
        after: Option<&BlobId>,
    ) -> impl Future<Output = RemoteResult<UploadState>>;
    /// Ends an upload; blobs of it that no commit names go.
    fn end_upload(&self, access: &SpaceAccess, upload: &UploadId) -> impl Future<Output = RemoteResult<()>>;
    /// Leaves a sealed ticket with the upload.
    fn put_ticket(
        &self,
        access: &SpaceAccess,
        upload: &UploadId,
        sealed: Bytes,
    ) -> impl Future<Output = RemoteResult<()>>;
    /// Sends a blob or the rest of it.
    fn put_blob(
        &self,
        access: &SpaceAccess,
        upload: &UploadId,
        part: BlobPart,
    ) -> impl Future<Output = RemoteResult<BlobProgress>>;
    /// How much of a blob is durable.
    fn blob_state(
        &self,
        access: &SpaceAccess,
        upload: &UploadId,
        blob: &BlobId,
    ) -> impl Future<Output = RemoteResult<BlobState>>;
    /// Drops a blob that no commit names.
    fn drop_blob(
        &self,
        access: &SpaceAccess,
        upload: &UploadId,
        blob: &BlobId,
    ) -> impl Future<Output = RemoteResult<()>>;
    /// A page of the blobs that count in the quota, behind `after`.
    fn blobs(&self, access: &SpaceAccess, after: Option<&BlobId>) -> impl Future<Output = RemoteResult<BlobsAnswer>>;
    /// A blob, or `range` of it; of exactly the length asked for when a range was. What came of it before the connection
    /// broke is in [`RemoteError::Cut`].
    fn get_blob(
        &self,
        access: &SpaceAccess,
        blob: &BlobId,
        range: Option<Range<u64>>,
    ) -> impl Future<Output = RemoteResult<Bytes>>;
}
