//! The lying server as the client library has it.

use core::ops::Range;

use anonicloud_client::remote::{BlobPart, Remote, RemoteError, RemoteResult, SessionToken, SpaceAccess, Through};
use anonicloud_proto::api::{
    AccountAnswer, AddDevice, BlobProgress, BlobState, BlobsAnswer, Challenge, CommitAnswer, DeviceLoginFinish,
    DeviceLoginStart, ErrorBody, FreedAnswer, LoginAnswer, LoginFinish, LoginStart, LoginStarted, OpenUpload, Puzzle,
    PuzzleStart, RealmAnswer, RegisterFinish, RegisterStart, RegisterStarted, ReleasedAnswer, RemoveDevice,
    SigchainAnswer, SpaceSessionAnswer, SpaceSessionFinish, UploadAnswer, UploadState, UploadsAnswer,
};
use anonicloud_proto::codec::{Decode as _, Encode as _, Reader};
use anonicloud_proto::commit::{HeadAnswer, LoggedCommit};
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use bytes::Bytes;
use serde::Serialize;

use crate::call::{Answer, Call, Kind};
use crate::change::encoded;
use crate::liar::Liar;

/// A remote behind which a [`Liar`] stands.
#[derive(Debug)]
pub struct LyingRemote<R> {
    honest: R,
    liar: Liar,
}

impl<R: Remote> LyingRemote<R> {
    /// Lies to who asks `honest`.
    pub const fn new(honest: R, liar: Liar) -> Self {
        Self { honest, liar }
    }

    async fn pass<T: Wire>(
        &self,
        call: Call,
        request: impl Into<Bytes>,
        honest: impl Future<Output = RemoteResult<T>>,
    ) -> RemoteResult<T> {
        let request = request.into();
        let honest = match self.liar.instead(&call, &request) {
            Some(answer) => answer,
            None => match honest.await {
                Ok(answer) => Answer::new(200, answer.to_wire()),
                Err(RemoteError::Refused { code, message, hint, .. }) => Answer::refused(code, message, hint),
                Err(error) => return Err(error),
            },
        };
        let answer = self.liar.answer(call, String::new(), request, honest);
        if answer.is_granted() {
            return T::from_wire(&answer.body).ok_or(RemoteError::Malformed { what: "a lie of another form" });
        }
        let ErrorBody { error } = serde_json::from_slice(&answer.body)
            .map_err(|_| RemoteError::Malformed { what: "a refusal of another form" })?;
        Err(RemoteError::Refused { code: error.code, message: error.message, hint: error.hint, retry_after: None })
    }
}

fn json(request: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(request).expect("wire types are structs of strings, numbers and lists")
}

/// An answer as it travels.
trait Wire: Sized {
    fn to_wire(&self) -> Vec<u8>;
    /// `None` when the bytes are no such answer.
    fn from_wire(bytes: &[u8]) -> Option<Self>;
}

macro_rules! json_answers {
    ($($name:ident),+) => {
        $(impl Wire for $name {
            fn to_wire(&self) -> Vec<u8> {
                json(self)
            }

            fn from_wire(bytes: &[u8]) -> Option<Self> {
                serde_json::from_slice(bytes).ok()
            }
        })+
    };
}

json_answers!(
    AccountAnswer,
    BlobProgress,
    BlobState,
    BlobsAnswer,
    Challenge,
    CommitAnswer,
    FreedAnswer,
    LoginAnswer,
    LoginStarted,
    Puzzle,
    RealmAnswer,
    RegisterStarted,
    ReleasedAnswer,
    SigchainAnswer,
    SpaceSessionAnswer,
    UploadAnswer,
    UploadState,
    UploadsAnswer
);

impl Wire for () {
    fn to_wire(&self) -> Vec<u8> {
        Vec::new()
    }

    fn from_wire(_: &[u8]) -> Option<Self> {
        Some(())
    }
}

impl Wire for HeadAnswer {
    fn to_wire(&self) -> Vec<u8> {
        self.to_bytes()
    }

    fn from_wire(bytes: &[u8]) -> Option<Self> {
        Self::from_bytes(bytes).ok()
    }
}

impl Wire for Option<HeadAnswer> {
    fn to_wire(&self) -> Vec<u8> {
        self.as_ref().map(HeadAnswer::to_bytes).unwrap_or_default()
    }

    fn from_wire(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() { Some(None) } else { HeadAnswer::from_wire(bytes).map(Some) }
    }
}

impl Wire for Vec<LoggedCommit> {
    fn to_wire(&self) -> Vec<u8> {
        encoded(self)
    }

    fn from_wire(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let mut commits = Self::new();
        while input.remaining() > 0 {
            commits.push(LoggedCommit::decode(&mut input).ok()?);
        }
        Some(commits)
    }
}

impl Wire for Bytes {
    fn to_wire(&self) -> Vec<u8> {
        self.to_vec()
    }

    fn from_wire(bytes: &[u8]) -> Option<Self> {
        Some(Self::copy_from_slice(bytes))
    }
}

impl<R: Remote> Remote for LyingRemote<R> {
    async fn realm(&self) -> RemoteResult<RealmAnswer> {
        self.pass(Call::new(Kind::Realm), "", self.honest.realm()).await
    }

    async fn puzzle(&self, request: &PuzzleStart) -> RemoteResult<Puzzle> {
        self.pass(Call::new(Kind::Puzzle), json(request), self.honest.puzzle(request)).await
    }

    async fn register_start(&self, request: &RegisterStart) -> RemoteResult<RegisterStarted> {
        self.pass(Call::new(Kind::RegisterStart), json(request), self.honest.register_start(request)).await
    }

    async fn register_finish(&self, request: &RegisterFinish) -> RemoteResult<()> {
        self.pass(Call::new(Kind::RegisterFinish), json(request), self.honest.register_finish(request)).await
    }

    async fn login_start(&self, request: &LoginStart) -> RemoteResult<LoginStarted> {
        self.pass(Call::new(Kind::LoginStart), json(request), self.honest.login_start(request)).await
    }

    async fn login_finish(&self, request: &LoginFinish) -> RemoteResult<LoginAnswer> {
        self.pass(Call::new(Kind::LoginFinish), json(request), self.honest.login_finish(request)).await
    }

    async fn device_login_start(&self, request: &DeviceLoginStart) -> RemoteResult<Challenge> {
        self.pass(Call::new(Kind::DeviceLoginStart), json(request), self.honest.device_login_start(request)).await
    }

    async fn device_login_finish(&self, request: &DeviceLoginFinish) -> RemoteResult<LoginAnswer> {
        self.pass(Call::new(Kind::DeviceLoginFinish), json(request), self.honest.device_login_finish(request)).await
    }

    async fn logout(&self, token: &SessionToken) -> RemoteResult<()> {
        self.pass(Call::new(Kind::Logout), "", self.honest.logout(token)).await
    }

    async fn account(&self, token: &SessionToken) -> RemoteResult<AccountAnswer> {
        self.pass(Call::new(Kind::Account), "", self.honest.account(token)).await
    }

    async fn released(&self, token: &SessionToken, through: Option<Through>) -> RemoteResult<ReleasedAnswer> {
        self.pass(Call::new(Kind::Released), "", self.honest.released(token, through)).await
    }

    async fn free_released(&self, token: &SessionToken, through: Through) -> RemoteResult<FreedAnswer> {
        self.pass(Call::new(Kind::FreeReleased), "", self.honest.free_released(token, through)).await
    }

    async fn sigchain(&self, token: &SessionToken) -> RemoteResult<SigchainAnswer> {
        self.pass(Call::new(Kind::Sigchain), "", self.honest.sigchain(token)).await
    }

    async fn add_device(&self, token: &SessionToken, request: &AddDevice) -> RemoteResult<()> {
        self.pass(Call::new(Kind::AddDevice), json(request), self.honest.add_device(token, request)).await
    }

    async fn remove_device(&self, token: &SessionToken, request: &RemoveDevice) -> RemoteResult<()> {
        self.pass(Call::new(Kind::RemoveDevice), json(request), self.honest.remove_device(token, request)).await
    }

    async fn space_challenge(&self, space: &SpaceId) -> RemoteResult<Challenge> {
        self.pass(Call::new(Kind::SpaceChallenge), "", self.honest.space_challenge(space)).await
    }

    async fn space_session(&self, space: &SpaceId, request: &SpaceSessionFinish) -> RemoteResult<SpaceSessionAnswer> {
        self.pass(Call::new(Kind::SpaceSession), json(request), self.honest.space_session(space, request)).await
    }

    async fn head(&self, access: &SpaceAccess) -> RemoteResult<HeadAnswer> {
        self.pass(Call::new(Kind::Head), "", self.honest.head(access)).await
    }

    async fn head_after(&self, access: &SpaceAccess, after: u64) -> RemoteResult<Option<HeadAnswer>> {
        self.pass(Call::new(Kind::HeadAfter), "", self.honest.head_after(access, after)).await
    }

    async fn log(&self, access: &SpaceAccess, from: u64) -> RemoteResult<Vec<LoggedCommit>> {
        self.pass(Call { from, ..Call::new(Kind::Log) }, "", self.honest.log(access, from)).await
    }

    async fn commit(&self, access: &SpaceAccess, posted: Bytes) -> RemoteResult<CommitAnswer> {
        self.pass(Call::new(Kind::Commit), posted.clone(), self.honest.commit(access, posted)).await
    }

    async fn open_upload(&self, access: &SpaceAccess, request: &OpenUpload) -> RemoteResult<UploadAnswer> {
        self.pass(Call::new(Kind::OpenUpload), json(request), self.honest.open_upload(access, request)).await
    }

    async fn uploads(&self, access: &SpaceAccess, after: Option<&UploadId>) -> RemoteResult<UploadsAnswer> {
        self.pass(Call::new(Kind::Uploads), "", self.honest.uploads(access, after)).await
    }

    async fn upload_state(
        &self,
        access: &SpaceAccess,
        upload: &UploadId,
        after: Option<&BlobId>,
    ) -> RemoteResult<UploadState> {
        self.pass(Call::new(Kind::UploadState), "", self.honest.upload_state(access, upload, after)).await
    }

    async fn end_upload(&self, access: &SpaceAccess, upload: &UploadId) -> RemoteResult<()> {
        self.pass(Call::new(Kind::EndUpload), "", self.honest.end_upload(access, upload)).await
    }

    async fn put_ticket(&self, access: &SpaceAccess, upload: &UploadId, sealed: Bytes) -> RemoteResult<()> {
        self.pass(Call::new(Kind::PutTicket), sealed.clone(), self.honest.put_ticket(access, upload, sealed)).await
    }

    async fn put_blob(&self, access: &SpaceAccess, upload: &UploadId, part: BlobPart) -> RemoteResult<BlobProgress> {
        let call = Call { from: part.offset, ..Call::of_blob(Kind::PutBlob, part.blob) };
        self.pass(call, part.bytes.clone(), self.honest.put_blob(access, upload, part)).await
    }

    async fn blob_state(&self, access: &SpaceAccess, upload: &UploadId, blob: &BlobId) -> RemoteResult<BlobState> {
        self.pass(Call::of_blob(Kind::BlobState, *blob), "", self.honest.blob_state(access, upload, blob)).await
    }

    async fn drop_blob(&self, access: &SpaceAccess, upload: &UploadId, blob: &BlobId) -> RemoteResult<()> {
        self.pass(Call::of_blob(Kind::DropBlob, *blob), "", self.honest.drop_blob(access, upload, blob)).await
    }

    async fn blobs(&self, access: &SpaceAccess, after: Option<&BlobId>) -> RemoteResult<BlobsAnswer> {
        self.pass(Call::new(Kind::Blobs), "", self.honest.blobs(access, after)).await
    }

    async fn get_blob(&self, access: &SpaceAccess, blob: &BlobId, range: Option<Range<u64>>) -> RemoteResult<Bytes> {
        let call = Call { range: range.clone(), ..Call::of_blob(Kind::GetBlob, *blob) };
        let bytes = self.pass(call, "", self.honest.get_blob(access, blob, range.clone())).await?;
        // What any transport promises of its answers.
        match range {
            Some(range) if bytes.len() as u64 != range.end.saturating_sub(range.start) => {
                Err(RemoteError::Malformed { what: "another length than was asked for" })
            }
            _ => Ok(bytes),
        }
    }
}
