//! Patience with a server that is away for a while.
//!
//! Enters: requests. Leaves: the answer of the first try that did not fail in a way that passes.
//! Never: a second use of a challenge or a pending login.

mod pace;

use core::ops::Range;
use std::time::Duration;

use anonicloud_proto::api::{
    AccountAnswer, AddDevice, Base64, BlobProgress, BlobState, BlobsAnswer, Challenge, CommitAnswer, DeviceLoginFinish,
    DeviceLoginStart, ErrorCode, FreedAnswer, LoginAnswer, LoginFinish, LoginStart, LoginStarted, OpenUpload, Puzzle,
    PuzzleStart, RealmAnswer, RegisterFinish, RegisterStart, RegisterStarted, ReleasedAnswer, RemoveDevice,
    SigchainAnswer, SpaceSessionAnswer, SpaceSessionFinish, UploadAnswer, UploadState, UploadsAnswer,
};
use anonicloud_proto::commit::{HeadAnswer, LoggedCommit};
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use bytes::Bytes;

use self::pace::Pace;
use super::{Arrived, BlobPart, Remote, RemoteError, RemoteResult, SessionToken, SpaceAccess, Through};

/// A [`Remote`] that tries again what failed in a way that passes.
#[derive(Debug)]
pub struct Retry<R> {
    remote: R,
    patience: Duration,
}

impl<R: Remote> Retry<R> {
    /// Tries requests to `remote` again until `patience` has passed since the first failure; with none, never.
    pub const fn new(remote: R, patience: Duration) -> Self {
        Self { remote, patience }
    }

    async fn again<T, F: Future<Output = RemoteResult<T>>>(&self, attempt: impl FnMut() -> F) -> RemoteResult<T> {
        self.try_again(attempt).await.0
    }

    /// [`again`](Self::again), and whether a try before may have been carried out though its answer was lost.
    async fn try_again<T, F: Future<Output = RemoteResult<T>>>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> (RemoteResult<T>, bool) {
        let mut pace = Pace::new(self.patience);
        let mut answer_lost = false;
        loop {
            match attempt().await {
                Err(error) if error.is_transient() && pace.wait(error.retry_after()).await => {
                    answer_lost |= matches!(error, RemoteError::Unreachable(_));
                }
                result => return (result, answer_lost),
            }
        }
    }

    /// For what makes itself impossible: `gone` says that a try whose answer was lost was carried out.
    async fn until_gone<F: Future<Output = RemoteResult<()>>>(
        &self,
        gone: ErrorCode,
        attempt: impl FnMut() -> F,
    ) -> RemoteResult<()> {
        match self.try_again(attempt).await {
            (Err(error), true) if error.code() == Some(gone) => Ok(()),
            (result, _) => result,
        }
    }

    /// For what appends `link` to the sigchain: a chain that moved on may have moved by a try whose answer was lost.
    async fn append_link<F: Future<Output = RemoteResult<()>>>(
        &self,
        token: &SessionToken,
        link: &Base64,
        attempt: impl FnMut() -> F,
    ) -> RemoteResult<()> {
        let (result, answer_lost) = self.try_again(attempt).await;
        match result {
            Err(error) if answer_lost && error.code() == Some(ErrorCode::SigchainMoved) => {
                let chain = self.sigchain(token).await?;
                if chain.links.contains(link) { Ok(()) } else { Err(error) }
            }
            result => result,
        }
    }
}

impl<R: Remote> Remote for Retry<R> {
    async fn realm(&self) -> RemoteResult<RealmAnswer> {
        self.again(|| self.remote.realm()).await
    }

    async fn puzzle(&self, request: &PuzzleStart) -> RemoteResult<Puzzle> {
        self.again(|| self.remote.puzzle(request)).await
    }

    async fn register_start(&self, request: &RegisterStart) -> RemoteResult<RegisterStarted> {
        self.again(|| self.remote.register_start(request)).await
    }

    async fn register_finish(&self, request: &RegisterFinish) -> RemoteResult<()> {
        self.again(|| self.remote.register_finish(request)).await
    }

    async fn login_start(&self, request: &LoginStart) -> RemoteResult<LoginStarted> {
        self.again(|| self.remote.login_start(request)).await
    }

    async fn login_finish(&self, request: &LoginFinish) -> RemoteResult<LoginAnswer> {
        self.remote.login_finish(request).await
    }

    async fn device_login_start(&self, request: &DeviceLoginStart) -> RemoteResult<Challenge> {
        self.again(|| self.remote.device_login_start(request)).await
    }

    async fn device_login_finish(&self, request: &DeviceLoginFinish) -> RemoteResult<LoginAnswer> {
        self.remote.device_login_finish(request).await
    }

    async fn logout(&self, token: &SessionToken) -> RemoteResult<()> {
        self.until_gone(ErrorCode::SessionExpired, || self.remote.logout(token)).await
    }

    async fn account(&self, token: &SessionToken) -> RemoteResult<AccountAnswer> {
        self.again(|| self.remote.account(token)).await
    }

    async fn released(&self, token: &SessionToken, through: Option<Through>) -> RemoteResult<ReleasedAnswer> {
        self.again(|| self.remote.released(token, through)).await
    }

    async fn free_released(&self, token: &SessionToken, through: Through) -> RemoteResult<FreedAnswer> {
        self.again(|| self.remote.free_released(token, through)).await
    }

    async fn sigchain(&self, token: &SessionToken) -> RemoteResult<SigchainAnswer> {
        self.again(|| self.remote.sigchain(token)).await
    }

    async fn add_device(&self, token: &SessionToken, request: &AddDevice) -> RemoteResult<()> {
        self.append_link(token, &request.link, || self.remote.add_device(token, request)).await
    }

    async fn remove_device(&self, token: &SessionToken, request: &RemoveDevice) -> RemoteResult<()> {
        self.append_link(token, &request.link, || self.remote.remove_device(token, request)).await
    }

    async fn space_challenge(&self, space: &SpaceId) -> RemoteResult<Challenge> {
        self.again(|| self.remote.space_challenge(space)).await
    }

    async fn space_session(&self, space: &SpaceId, request: &SpaceSessionFinish) -> RemoteResult<SpaceSessionAnswer> {
        self.remote.space_session(space, request).await
    }

    async fn head(&self, access: &SpaceAccess) -> RemoteResult<HeadAnswer> {
        self.again(|| self.remote.head(access)).await
    }

    async fn head_after(&self, access: &SpaceAccess, after: u64) -> RemoteResult<Option<HeadAnswer>> {
        self.again(|| self.remote.head_after(access, after)).await
    }

    async fn log(&self, access: &SpaceAccess, from: u64) -> RemoteResult<Vec<LoggedCommit>> {
        self.again(|| self.remote.log(access, from)).await
    }

    async fn commit(&self, access: &SpaceAccess, posted: Bytes) -> RemoteResult<CommitAnswer> {
        self.again(|| self.remote.commit(access, posted.clone())).await
    }

    async fn open_upload(&self, access: &SpaceAccess, request: &OpenUpload) -> RemoteResult<UploadAnswer> {
        self.again(|| self.remote.open_upload(access, request)).await
    }

    async fn uploads(&self, access: &SpaceAccess, after: Option<&UploadId>) -> RemoteResult<UploadsAnswer> {
        self.again(|| self.remote.uploads(access, after)).await
    }

    async fn upload_state(
        &self,
        access: &SpaceAccess,
        upload: &UploadId,
        after: Option<&BlobId>,
    ) -> RemoteResult<UploadState> {
        self.again(|| self.remote.upload_state(access, upload, after)).await
    }

    async fn end_upload(&self, access: &SpaceAccess, upload: &UploadId) -> RemoteResult<()> {
        self.until_gone(ErrorCode::NotFound, || self.remote.end_upload(access, upload)).await
    }

    async fn put_ticket(&self, access: &SpaceAccess, upload: &UploadId, sealed: Bytes) -> RemoteResult<()> {
        self.again(|| self.remote.put_ticket(access, upload, sealed.clone())).await
    }

    /// After a failure the server is asked how much it has, and the rest is sent.
    async fn put_blob(&self, access: &SpaceAccess, upload: &UploadId, part: BlobPart) -> RemoteResult<BlobProgress> {
        let mut pace = Pace::new(self.patience);
        let mut rest = part.clone();
        loop {
            let error = match self.remote.put_blob(access, upload, rest.clone()).await {
                Err(error) if error.is_transient() => error,
                result => return result,
            };
            if !pace.wait(error.retry_after()).await {
                return Err(error);
            }
            match self.remote.blob_state(access, upload, &part.blob).await {
                Ok(state) if state.complete => {
                    return Ok(BlobProgress { stored: state.stored, complete: true });
                }
                Ok(state) => {
                    if state.stored > rest.offset {
                        pace = Pace::new(self.patience);
                    }
                    rest = rest_of(&part, state.stored);
                }
                // The server is still away: the next put will say so.
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn blob_state(&self, access: &SpaceAccess, upload: &UploadId, blob: &BlobId) -> RemoteResult<BlobState> {
        self.again(|| self.remote.blob_state(access, upload, blob)).await
    }

    async fn drop_blob(&self, access: &SpaceAccess, upload: &UploadId, blob: &BlobId) -> RemoteResult<()> {
        self.until_gone(ErrorCode::NotFound, || self.remote.drop_blob(access, upload, blob)).await
    }

    async fn blobs(&self, access: &SpaceAccess, after: Option<&BlobId>) -> RemoteResult<BlobsAnswer> {
        self.again(|| self.remote.blobs(access, after)).await
    }

    /// What arrived before a failure is kept, and the rest asked for. A line that brings something each time is not given up.
    async fn get_blob(&self, access: &SpaceAccess, blob: &BlobId, range: Option<Range<u64>>) -> RemoteResult<Bytes> {
        let mut pace = Pace::new(self.patience);
        let mut kept = Vec::new();
        let mut rest = range;
        loop {
            let error = match self.remote.get_blob(access, blob, rest.clone()).await {
                Ok(bytes) if kept.is_empty() => return Ok(bytes),
                Ok(bytes) => {
                    kept.extend_from_slice(&bytes);
                    return Ok(kept.into());
                }
                Err(RemoteError::Cut { arrived: Arrived(bytes), whole, cause }) => {
                    let start = rest.map_or(0, |rest| rest.start);
                    rest = Some(start.saturating_add(bytes.len() as u64)..start.saturating_add(whole));
                    kept.extend_from_slice(&bytes);
                    pace = Pace::new(self.patience);
                    RemoteError::Unreachable(cause)
                }
                Err(error) => error,
            };
            if !(error.is_transient() && pace.wait(error.retry_after()).await) {
                return Err(error);
            }
        }
    }
}

/// What of `part` lies behind the first `stored` bytes of the blob. Where the server has less than came before the part,
/// the whole part: the server then says that its offset is not the one.
fn rest_of(part: &BlobPart, stored: u64) -> BlobPart {
    let skip = usize::try_from(stored.saturating_sub(part.offset)).unwrap_or(usize::MAX);
    let skip = skip.min(part.bytes.len());
    let mut rest = part.clone();
    rest.bytes = part.bytes.slice(skip..);
    rest.offset = part.offset.saturating_add(skip as u64);
    rest
}
