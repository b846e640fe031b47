//! The server over HTTPS.
//!
//! Enters: typed requests. Leaves: typed answers. Never: an account's request and a space's on one connection, a cookie, a
//! redirect followed, a proxy, a user agent.

mod address;
mod exchange;
mod limit;

use core::ops::Range;

use anonicloud_proto::api::{
    AccountAnswer, AddDevice, BlobProgress, BlobState, BlobsAnswer, Challenge, CommitAnswer, DeviceLoginFinish,
    DeviceLoginStart, FreedAnswer, LoginAnswer, LoginFinish, LoginStart, LoginStarted, OpenUpload, Puzzle, PuzzleStart,
    RealmAnswer, RegisterFinish, RegisterStart, RegisterStarted, ReleasedAnswer, RemoveDevice, SigchainAnswer,
    SpaceSessionAnswer, SpaceSessionFinish, UploadAnswer, UploadState, UploadsAnswer,
};
use anonicloud_proto::codec::{Decode, DecodeError, Reader};
use anonicloud_proto::commit::{HeadAnswer, LoggedCommit};
use anonicloud_proto::ids::{BlobId, SpaceId, UploadId};
use anonicloud_proto::limits::{BLOB_MAX, COMMIT_BODY_MAX, LOG_PAGE_BYTES, LOG_PAGE_COMMITS};
use bytes::Bytes;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::address::CheckedAddress;
use self::exchange::{Exchange, JSON_ANSWER_MAX, Request};
use super::error::TOO_SHORT;
use super::{Arrived, BlobPart, Remote, RemoteError, RemoteResult, SessionToken, SpaceAccess, Through};
use crate::buffers::Buffers;

pub use self::address::{ConnectError, Patience, ServerAddress};
pub use self::limit::RateLimit;

/// A page of uploads with their tickets, and one of a sigchain.
const LONG_ANSWER_MAX: usize = 8 << 20;
/// A whole sigchain: that of an honest account, of 9 KiB a device, has half of it.
const SIGCHAIN_MAX: usize = 64 << 20;
/// Links of a sigchain that has taken all devices that it takes and lost each.
const SIGCHAIN_LINKS_MAX: usize = 1 << 13;
/// What a head answer and a log page have beside bodies: headers and a frontier.
const HEADERS_MAX: usize = 16 << 10;
/// Blobs and parts of this length and more are read into memory that is used again.
const POOLED_FROM: usize = 1 << 20;
const NOT_CANONICAL: &str = "bytes that are not the canonical encoding";

/// A server reached over HTTPS (on this machine also plain HTTP).
#[derive(Debug)]
pub struct HttpRemote {
    account: Exchange,
    space: Exchange,
    buffers: Buffers,
}

impl HttpRemote {
    /// The server at `address`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError`] when the address or its file of certificates cannot be used.
    pub fn new(address: &ServerAddress, patience: Patience) -> Result<Self, ConnectError> {
        let checked = CheckedAddress::check(address)?;
        let exchange = || {
            let client = checked.client(patience)?;
            Ok(Exchange::new(client, checked.base.clone(), patience.idle))
        };
        Ok(Self { account: exchange()?, space: exchange()?, buffers: Buffers::default() })
    }

    /// The same server, over which everything together keeps to a rate.
    #[must_use]
    pub fn with_limit(self, limit: &RateLimit) -> Self {
        Self { account: self.account.limited(limit), space: self.space.limited(limit), ..self }
    }

    async fn post_account<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> RemoteResult<T> {
        let request = Request::new(Method::POST, path.to_owned()).json(body);
        self.account.json(request, JSON_ANSWER_MAX).await
    }

    /// At most `cap` bytes of a blob.
    async fn sealed(&self, request: Request<'_>, cap: usize) -> RemoteResult<Bytes> {
        let mut response = self.space.answer(request).await?;
        let whole = response.content_length().filter(|whole| *whole <= cap as u64);
        let (read, bytes) = if cap < POOLED_FROM {
            let mut body = Vec::with_capacity(cap);
            (self.space.read(&mut response, &mut body, cap).await, body.into())
        } else {
            let mut body = self.buffers.take();
            // Any blob fits, so that a buffer never grows while it is read into.
            body.clear();
            body.reserve_exact(blob_cap());
            let read = self.space.read(&mut response, &mut body, cap).await;
            (read, Bytes::from_owner(body))
        };
        match (read, whole) {
            (Ok(()), _) => Ok(bytes),
            // Without a length nobody knows which bytes are missing.
            (Err(RemoteError::Unreachable(cause)), Some(whole)) if !bytes.is_empty() => {
                Err(RemoteError::Cut { arrived: Arrived(bytes), whole, cause })
            }
            (Err(error), _) => Err(error),
        }
    }
}

/// The longest blob, as a length in memory.
fn blob_cap() -> usize {
    usize::try_from(BLOB_MAX).unwrap_or(usize::MAX)
}

fn in_space<'a>(method: Method, access: &'a SpaceAccess, rest: &str) -> Request<'a> {
    let path = format!("/v1/spaces/{}/{rest}", access.space);
    Request::new(method, path).token(&access.token)
}

fn released_path(through: Option<Through>) -> String {
    let through = through.map(|Through { space, seq }| format!("?space={space}&through={seq}"));
    format!("/v1/account/released{}", through.unwrap_or_default())
}

fn decode<T: Decode>(bytes: &[u8]) -> RemoteResult<T> {
    T::from_bytes(bytes).map_err(|_| RemoteError::Malformed { what: NOT_CANONICAL })
}

/// Commits that stand one after another to the end.
fn decode_page(bytes: &[u8]) -> Result<Vec<LoggedCommit>, DecodeError> {
    let mut input = Reader::new(bytes);
    let mut commits = Vec::new();
    while input.remaining() > 0 {
        if commits.len() == LOG_PAGE_COMMITS {
            return Err(DecodeError::TooLong);
        }
        commits.push(LoggedCommit::decode(&mut input)?);
    }
    Ok(commits)
}

impl Remote for HttpRemote {
    async fn realm(&self) -> RemoteResult<RealmAnswer> {
        let request = Request::new(Method::GET, "/v1/realm".to_owned());
        self.account.json(request, JSON_ANSWER_MAX).await
    }

    async fn puzzle(&self, request: &PuzzleStart) -> RemoteResult<Puzzle> {
        self.post_account("/v1/puzzle", request).await
    }

    async fn register_start(&self, request: &RegisterStart) -> RemoteResult<RegisterStarted> {
        self.post_account("/v1/register/start", request).await
    }

    async fn register_finish(&self, request: &RegisterFinish) -> RemoteResult<()> {
        let request = Request::new(Method::POST, "/v1/register/finish".to_owned()).json(request);
        self.account.done(request).await
    }

    async fn login_start(&self, request: &LoginStart) -> RemoteResult<LoginStarted> {
        self.post_account("/v1/login/start", request).await
    }

    async fn login_finish(&self, request: &LoginFinish) -> RemoteResult<LoginAnswer> {
        self.post_account("/v1/login/finish", request).await
    }

    async fn device_login_start(&self, request: &DeviceLoginStart) -> RemoteResult<Challenge> {
        self.post_account("/v1/login/device/start", request).await
    }

    async fn device_login_finish(&self, request: &DeviceLoginFinish) -> RemoteResult<LoginAnswer> {
        self.post_account("/v1/login/device/finish", request).await
    }

    async fn logout(&self, token: &SessionToken) -> RemoteResult<()> {
        let request = Request::new(Method::POST, "/v1/logout".to_owned()).token(token);
        self.account.done(request).await
    }

    async fn account(&self, token: &SessionToken) -> RemoteResult<AccountAnswer> {
        let request = Request::new(Method::GET, "/v1/account".to_owned()).token(token);
        self.account.json(request, JSON_ANSWER_MAX).await
    }

    async fn released(&self, token: &SessionToken, through: Option<Through>) -> RemoteResult<ReleasedAnswer> {
        let request = Request::new(Method::GET, released_path(through)).token(token);
        self.account.json(request, JSON_ANSWER_MAX).await
    }

    async fn free_released(&self, token: &SessionToken, through: Through) -> RemoteResult<FreedAnswer> {
        let request = Request::new(Method::DELETE, released_path(Some(through))).token(token);
        self.account.json(request, JSON_ANSWER_MAX).await
    }

    async fn sigchain(&self, token: &SessionToken) -> RemoteResult<SigchainAnswer> {
        let mut chain = SigchainAnswer { links: Vec::new() };
        let mut bytes = 0;
        loop {
            let path = format!("/v1/account/sigchain?from={}", chain.links.len());
            let page =
                self.account.json::<SigchainAnswer>(Request::new(Method::GET, path).token(token), LONG_ANSWER_MAX);
            let page = page.await?;
            if page.links.is_empty() {
                return Ok(chain);
            }
            bytes += page.links.iter().map(|link| link.as_bytes().len()).sum::<usize>();
            if bytes > SIGCHAIN_MAX || chain.links.len() + page.links.len() > SIGCHAIN_LINKS_MAX {
                return Err(RemoteError::Malformed { what: "a longer sigchain than the API allows" });
            }
            chain.links.extend(page.links);
        }
    }

    async fn add_device(&self, token: &SessionToken, request: &AddDevice) -> RemoteResult<()> {
        let post = Request::new(Method::POST, "/v1/account/devices".to_owned()).token(token);
        self.account.done(post.json(request)).await
    }

    async fn remove_device(&self, token: &SessionToken, request: &RemoveDevice) -> RemoteResult<()> {
        let post = Request::new(Method::POST, "/v1/account/devices/remove".to_owned()).token(token);
        self.account.done(post.json(request)).await
    }

    async fn space_challenge(&self, space: &SpaceId) -> RemoteResult<Challenge> {
        let request = Request::new(Method::POST, format!("/v1/spaces/{space}/sessions/start"));
        self.space.json(request, JSON_ANSWER_MAX).await
    }

    async fn space_session(&self, space: &SpaceId, request: &SpaceSessionFinish) -> RemoteResult<SpaceSessionAnswer> {
        let post = Request::new(Method::POST, format!("/v1/spaces/{space}/sessions/finish"));
        self.space.json(post.json(request), JSON_ANSWER_MAX).await
    }

    async fn head(&self, access: &SpaceAccess) -> RemoteResult<HeadAnswer> {
        let request = in_space(Method::GET, access, "head");
        decode(&self.space.bytes(request, COMMIT_BODY_MAX + HEADERS_MAX).await?)
    }

    async fn head_after(&self, access: &SpaceAccess, after: u64) -> RemoteResult<Option<HeadAnswer>> {
        let request = in_space(Method::GET, access, &format!("head?after={after}"));
        let head = self.space.bytes(request, COMMIT_BODY_MAX + HEADERS_MAX).await?;
        // A head is never empty; an answer that says nothing is.
        if head.is_empty() { Ok(None) } else { decode(&head).map(Some) }
    }

    async fn log(&self, access: &SpaceAccess, from: u64) -> RemoteResult<Vec<LoggedCommit>> {
        let request = in_space(Method::GET, access, &format!("log?from={from}"));
        let page = self.space.bytes(request, LOG_PAGE_BYTES + HEADERS_MAX).await?;
        decode_page(&page).map_err(|_| RemoteError::Malformed { what: NOT_CANONICAL })
    }

    async fn commit(&self, access: &SpaceAccess, posted: Bytes) -> RemoteResult<CommitAnswer> {
        let request = in_space(Method::POST, access, "commits").bytes(posted);
        self.space.json(request, JSON_ANSWER_MAX).await
    }

    async fn open_upload(&self, access: &SpaceAccess, request: &OpenUpload) -> RemoteResult<UploadAnswer> {
        let post = in_space(Method::POST, access, "uploads").json(request);
        self.space.json(post, JSON_ANSWER_MAX).await
    }

    async fn uploads(&self, access: &SpaceAccess, after: Option<&UploadId>) -> RemoteResult<UploadsAnswer> {
        let after = after.map(|upload| format!("?after={upload}")).unwrap_or_default();
        let request = in_space(Method::GET, access, &format!("uploads{after}"));
        self.space.json(request, LONG_ANSWER_MAX).await
    }

    async fn upload_state(
        &self,
        access: &SpaceAccess,
        upload: &UploadId,
        after: Option<&BlobId>,
    ) -> RemoteResult<UploadState> {
        let after = after.map(|blob| format!("?after={blob}")).unwrap_or_default();
        let request = in_space(Method::GET, access, &format!("uploads/{upload}{after}"));
        self.space.json(request, JSON_ANSWER_MAX).await
    }

    async fn end_upload(&self, access: &SpaceAccess, upload: &UploadId) -> RemoteResult<()> {
        let request = in_space(Method::DELETE, access, &format!("uploads/{upload}"));
        self.space.done(request).await
    }

    async fn put_ticket(&self, access: &SpaceAccess, upload: &UploadId, sealed: Bytes) -> RemoteResult<()> {
        let request = in_space(Method::PUT, access, &format!("uploads/{upload}/ticket"));
        self.space.done(request.bytes(sealed)).await
    }

    async fn put_blob(&self, access: &SpaceAccess, upload: &UploadId, part: BlobPart) -> RemoteResult<BlobProgress> {
        let BlobPart { blob, offset, size, hash, bytes } = part;
        let path = format!("uploads/{upload}/blobs/{blob}?offset={offset}&size={size}&hash={hash}");
        let request = in_space(Method::PUT, access, &path).bytes(bytes);
        self.space.json(request, JSON_ANSWER_MAX).await
    }

    async fn blob_state(&self, access: &SpaceAccess, upload: &UploadId, blob: &BlobId) -> RemoteResult<BlobState> {
        let request = in_space(Method::GET, access, &format!("uploads/{upload}/blobs/{blob}"));
        self.space.json(request, JSON_ANSWER_MAX).await
    }

    async fn drop_blob(&self, access: &SpaceAccess, upload: &UploadId, blob: &BlobId) -> RemoteResult<()> {
        let request = in_space(Method::DELETE, access, &format!("uploads/{upload}/blobs/{blob}"));
        self.space.done(request).await
    }

    async fn blobs(&self, access: &SpaceAccess, after: Option<&BlobId>) -> RemoteResult<BlobsAnswer> {
        let after = after.map(|blob| format!("?after={blob}")).unwrap_or_default();
        let request = in_space(Method::GET, access, &format!("blobs{after}"));
        self.space.json(request, JSON_ANSWER_MAX).await
    }

    async fn get_blob(&self, access: &SpaceAccess, blob: &BlobId, range: Option<Range<u64>>) -> RemoteResult<Bytes> {
        let request = in_space(Method::GET, access, &format!("blobs/{blob}"));
        let Some(range) = range else {
            return self.sealed(request, blob_cap()).await;
        };
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let len = usize::try_from(range.end - range.start).ok().filter(|len| *len <= blob_cap());
        let len = len.ok_or(RemoteError::Malformed { what: "a part longer than a blob can be" })?;
        let part = self.sealed(request.range(range), len).await;
        let announced = match &part {
            Ok(part) => part.len() as u64,
            Err(RemoteError::Cut { whole, .. }) => *whole,
            Err(_) => return part,
        };
        if announced == len as u64 { part } else { Err(RemoteError::Malformed { what: TOO_SHORT }) }
    }
}
