//! A remote that counts its requests.

use anonicloud_client::remote::{BlobPart, Remote, RemoteResult, SessionToken, SpaceAccess, Through};
use anonicloud_proto::api::{
    AccountAnswer, AddDevice, BlobProgress, BlobState, BlobsAnswer, Challenge, CommitAnswer, DeviceLoginFinish,
    DeviceLoginStart, FreedAnswer, LoginAnswer, LoginFinish, LoginStart, LoginStarted, OpenUpload, Puzzle, PuzzleStart,
    RealmAnswer, RegisterFinish, RegisterStart, RegisterStarted, ReleasedAnswer, RemoveDevice, SigchainAnswer,
    SpaceSessionAnswer, SpaceSessionFinish, UploadAnswer, UploadState, UploadsAnswer,
};
use anonicloud_proto::commit::{HeadAnswer, LoggedCommit};
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use bytes::Bytes;
use core::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Adds every try of every request to a count that others share.
#[derive(Debug)]
pub(super) struct Counted<R> {
    remote: R,
    requests: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    /// Counts the requests to `remote`.
    pub(super) const fn new(remote: R, requests: Arc<AtomicU64>) -> Self {
        Self { remote, requests }
    }
}

/// Methods that count and pass on.
macro_rules! counted {
    ($($method:ident($($name:ident: $of:ty),*) -> $answer:ty;)*) => {
        $(async fn $method(&self, $($name: $of),*) -> RemoteResult<$answer> {
            self.requests.fetch_add(1, Ordering::Relaxed);
            self.remote.$method($($name),*).await
        })*
    };
}

impl<R: Remote> Remote for Counted<R> {
    counted! {
        realm() -> RealmAnswer;
        puzzle(request: &PuzzleStart) -> Puzzle;
        register_start(request: &RegisterStart) -> RegisterStarted;
        register_finish(request: &RegisterFinish) -> ();
        login_start(request: &LoginStart) -> LoginStarted;
        login_finish(request: &LoginFinish) -> LoginAnswer;
        device_login_start(request: &DeviceLoginStart) -> Challenge;
        device_login_finish(request: &DeviceLoginFinish) -> LoginAnswer;
        logout(token: &SessionToken) -> ();
        account(token: &SessionToken) -> AccountAnswer;
        released(token: &SessionToken, through: Option<Through>) -> ReleasedAnswer;
        free_released(token: &SessionToken, through: Through) -> FreedAnswer;
        sigchain(token: &SessionToken) -> SigchainAnswer;
        add_device(token: &SessionToken, request: &AddDevice) -> ();
        remove_device(token: &SessionToken, request: &RemoveDevice) -> ();
        space_challenge(space: &SpaceId) -> Challenge;
        space_session(space: &SpaceId, request: &SpaceSessionFinish) -> SpaceSessionAnswer;
        head(access: &SpaceAccess) -> HeadAnswer;
        head_after(access: &SpaceAccess, after: u64) -> Option<HeadAnswer>;
        log(access: &SpaceAccess, from: u64) -> Vec<LoggedCommit>;
        commit(access: &SpaceAccess, posted: Bytes) -> CommitAnswer;
        open_upload(access: &SpaceAccess, request: &OpenUpload) -> UploadAnswer;
        uploads(access: &SpaceAccess, after: Option<&UploadId>) -> UploadsAnswer;
        upload_state(access: &SpaceAccess, upload: &UploadId, after: Option<&BlobId>) -> UploadState;
        end_upload(access: &SpaceAccess, upload: &UploadId) -> ();
        put_ticket(access: &SpaceAccess, upload: &UploadId, sealed: Bytes) -> ();
        put_blob(access: &SpaceAccess, upload: &UploadId, part: BlobPart) -> BlobProgress;
        blob_state(access: &SpaceAccess, upload: &UploadId, blob: &BlobId) -> BlobState;
        drop_blob(access: &SpaceAccess, upload: &UploadId, blob: &BlobId) -> ();
        blobs(access: &SpaceAccess, after: Option<&BlobId>) -> BlobsAnswer;
        get_blob(access: &SpaceAccess, blob: &BlobId, range: Option<Range<u64>>) -> Bytes;
    }
}
