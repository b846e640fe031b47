//! A [`Remote`] without a process and a disk: the rules of the server (spec: 4-http-api) over maps.
//!
//! It is honest and checks what the server checks; [`crate::remote`] runs against both. Never: a key that opens content.

mod accounts;
mod asked;
mod blobs;
mod commits;
mod door;
mod line;
mod links;
mod login;
mod opaque;
mod rates;
mod sessions;
mod spaces;
mod sweeps;
mod tries;
mod uploads;

use core::ops::Range;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anonicloud_client::clock::Clock as _;
use anonicloud_client::remote::{BlobPart, Remote, RemoteError, RemoteResult, SessionToken, SpaceAccess, Through};
use anonicloud_proto::api::{
    AccountAnswer, AddDevice, BlobProgress, BlobState, BlobsAnswer, Challenge, CommitAnswer, DeviceLoginFinish,
    DeviceLoginStart, ErrorCode, FreedAnswer, LoginAnswer, LoginFinish, LoginStart, LoginStarted, OpenUpload, Puzzle,
    PuzzleStart, RealmAnswer, RegisterFinish, RegisterStart, RegisterStarted, ReleasedAnswer, RemoveDevice,
    SigchainAnswer, SpaceSessionAnswer, SpaceSessionFinish, UploadAnswer, UploadState, UploadsAnswer, VERSION,
};
use anonicloud_proto::commit::{HeadAnswer, LoggedCommit};
use anonicloud_proto::ids::{AccountId, BlobId, RealmId, SpaceId, UploadId};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

pub use self::line::Line;

use self::accounts::Account;
use self::asked::check_json;
use self::door::Door;
use self::login::{PendingPassword, Purpose};
use self::opaque::Setup;
use self::rates::Rates;
use self::sessions::{Pending, Sessions};
use self::spaces::{Rights, Space};
use self::sweeps::{CountedDays, Opened};
use self::tries::Tries;
use crate::clock::FakeClock;
use crate::random::SeededRandom;

/// What a method of the server gives before it is an answer.
type Answer<T> = Result<T, ErrorCode>;

/// Sessions of one account, and of one space; the one longest unused makes room.
const SESSIONS_PER_ACCOUNT: usize = 64;
const SESSIONS_PER_SPACE: usize = 256;

/// How long who waits for a head hears nothing.
const HEAD_WAIT: Duration = Duration::from_secs(25);

/// A server in memory, and the line to it; clones are the same server over the same line.
#[derive(Clone)]
pub struct MemoryRemote {
    server: Arc<Mutex<Server>>,
    /// Tells that a head moved.
    moved: watch::Sender<()>,
    line: Line,
}

/// All that the server keeps.
struct Server {
    realm: RealmId,
    quota: u64,
    clock: FakeClock,
    random: SeededRandom,
    setup: Setup,
    accounts: BTreeMap<AccountId, Account>,
    spaces: BTreeMap<SpaceId, Space>,
    account_sessions: Sessions<AccountId, Opened>,
    space_sessions: Sessions<SpaceId, Rights>,
    logins: Pending<PendingPassword>,
    challenges: Pending<Purpose>,
    /// Logins that will be forgotten after their first message.
    forgotten: u32,
    tries: Tries,
    door: Door,
    rates: Rates,
    days: CountedDays,
}

impl MemoryRemote {
    /// A server with nothing on it, which gives each account `quota` bytes and draws its keys from `seed`.
    pub fn new(seed: &str, quota: u64, clock: &FakeClock) -> Self {
        let mut random = SeededRandom::new(seed);
        let server = Server {
            realm: RealmId::from_bytes(random.array()),
            quota,
            setup: Setup::make(&mut random),
            accounts: BTreeMap::new(),
            spaces: BTreeMap::new(),
            account_sessions: Sessions::new(clock, SESSIONS_PER_ACCOUNT),
            space_sessions: Sessions::new(clock, SESSIONS_PER_SPACE),
            logins: Pending::new(clock),
            challenges: Pending::new(clock),
            forgotten: 0,
            tries: Tries::new(clock),
            door: Door::new(),
            rates: Rates::new(clock),
            days: CountedDays::from(clock.today()),
            clock: clock.clone(),
            random,
        };
        Self { server: Arc::new(Mutex::new(server)), moved: watch::Sender::default(), line: Line::default() }
    }

    /// The same server over another line.
    #[must_use]
    pub fn over(&self, line: &Line) -> Self {
        Self { server: Arc::clone(&self.server), moved: self.moved.clone(), line: line.clone() }
    }

    /// Forgets each of the next `count` logins after its first message, as a server that is started again does.
    pub fn forget_logins(&self, count: u32) {
        self.lock().forgotten = count;
    }

    /// Commits in all logs, the genesis of each included.
    pub fn commits(&self) -> usize {
        self.lock().spaces.values().map(|space| space.log.len()).sum()
    }
}

impl fmt::Debug for MemoryRemote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryRemote(..)")
    }
}

impl Remote for MemoryRemote {
    async fn realm(&self) -> RemoteResult<RealmAnswer> {
        self.ask(|server| {
            Ok(RealmAnswer { realm: server.realm, api_versions: vec![VERSION.to_owned()], quota: server.quota })
        })
    }

    async fn puzzle(&self, request: &PuzzleStart) -> RemoteResult<Puzzle> {
        self.ask_json(request, |server| Ok(server.puzzle(request)))
    }

    async fn register_start(&self, request: &RegisterStart) -> RemoteResult<RegisterStarted> {
        self.ask_json(request, |server| server.register_start(request))
    }

    async fn register_finish(&self, request: &RegisterFinish) -> RemoteResult<()> {
        self.ask_json(request, |server| server.register_finish(request))
    }

    async fn login_start(&self, request: &LoginStart) -> RemoteResult<LoginStarted> {
        self.ask_json(request, |server| server.login_start(request))
    }

    async fn login_finish(&self, request: &LoginFinish) -> RemoteResult<LoginAnswer> {
        self.ask_json(request, |server| server.login_finish(request))
    }

    async fn device_login_start(&self, request: &DeviceLoginStart) -> RemoteResult<Challenge> {
        self.ask(|server| Ok(server.challenge(Purpose::Device(request.account, request.device))))
    }

    async fn device_login_finish(&self, request: &DeviceLoginFinish) -> RemoteResult<LoginAnswer> {
        self.ask_json(request, |server| server.device_login_finish(request))
    }

    async fn logout(&self, token: &SessionToken) -> RemoteResult<()> {
        self.in_account(token, |server, _| {
            server.account_sessions.close(token.expose_bytes());
            Ok(())
        })
    }

    async fn account(&self, token: &SessionToken) -> RemoteResult<AccountAnswer> {
        self.in_account(token, |server, account| server.account(account))
    }

    async fn released(&self, token: &SessionToken, through: Option<Through>) -> RemoteResult<ReleasedAnswer> {
        self.in_account(token, |server, account| Ok(server.released(account, through)))
    }

    async fn free_released(&self, token: &SessionToken, through: Through) -> RemoteResult<FreedAnswer> {
        self.in_account(token, |server, account| {
            let (_, opened) = server.account_sessions.find(token.expose_bytes()).ok_or(ErrorCode::SessionExpired)?;
            server.free_released(account, opened, through)
        })
    }

    async fn sigchain(&self, token: &SessionToken) -> RemoteResult<SigchainAnswer> {
        self.in_account(token, |server, account| server.sigchain(account))
    }

    async fn add_device(&self, token: &SessionToken, request: &AddDevice) -> RemoteResult<()> {
        self.in_account(token, |server, account| {
            check_json(request)?;
            server.add_device(account, token.expose_bytes(), request)
        })
    }

    async fn remove_device(&self, token: &SessionToken, request: &RemoveDevice) -> RemoteResult<()> {
        self.in_account(token, |server, account| {
            check_json(request)?;
            server.remove_device(account, request)
        })
    }

    async fn space_challenge(&self, space: &SpaceId) -> RemoteResult<Challenge> {
        self.ask(|server| Ok(server.challenge(Purpose::Space(*space))))
    }

    async fn space_session(&self, space: &SpaceId, request: &SpaceSessionFinish) -> RemoteResult<SpaceSessionAnswer> {
        self.ask_json(request, |server| server.open_space(*space, request))
    }

    async fn head(&self, access: &SpaceAccess) -> RemoteResult<HeadAnswer> {
        let (answer, event) = self.line.head_answer(self.in_space(access, Server::head)?);
        if let Some(event) = event {
            event.await;
        }
        Ok(answer)
    }

    async fn head_after(&self, access: &SpaceAccess, after: u64) -> RemoteResult<Option<HeadAnswer>> {
        let (mut moved, end) = (self.moved.subscribe(), Instant::now() + HEAD_WAIT);
        loop {
            let head = self.in_space(access, Server::head)?;
            if head.commit.header.fields().seq != after {
                return Ok(Some(head));
            }
            // The sender is here.
            if timeout_at(end, moved.changed()).await.is_err() {
                return Ok(None);
            }
        }
    }

    async fn log(&self, access: &SpaceAccess, from: u64) -> RemoteResult<Vec<LoggedCommit>> {
        self.in_space(access, |server, access| server.log(access, from))
    }

    async fn commit(&self, access: &SpaceAccess, posted: Bytes) -> RemoteResult<CommitAnswer> {
        self.line.commit().await?;
        let answer = self.in_space(access, |server, access| server.commit(access, &posted));
        self.moved.send_replace(());
        self.line.commit_answer(answer)
    }

    async fn open_upload(&self, access: &SpaceAccess, request: &OpenUpload) -> RemoteResult<UploadAnswer> {
        self.in_space(access, |server, access| server.open_upload(access, request))
    }

    async fn uploads(&self, access: &SpaceAccess, after: Option<&UploadId>) -> RemoteResult<UploadsAnswer> {
        self.in_space(access, |server, access| server.uploads(access, after))
    }

    async fn upload_state(
        &self,
        access: &SpaceAccess,
        upload: &UploadId,
        after: Option<&BlobId>,
    ) -> RemoteResult<UploadState> {
        self.in_space(access, |server, access| server.upload_state(access, *upload, after))
    }

    async fn end_upload(&self, access: &SpaceAccess, upload: &UploadId) -> RemoteResult<()> {
        self.in_space(access, |server, access| server.end_upload(access, *upload))
    }

    async fn put_ticket(&self, access: &SpaceAccess, upload: &UploadId, sealed: Bytes) -> RemoteResult<()> {
        self.in_space(access, |server, access| server.put_ticket(access, *upload, sealed))
    }

    async fn put_blob(&self, access: &SpaceAccess, upload: &UploadId, part: BlobPart) -> RemoteResult<BlobProgress> {
        self.in_space(access, |server, access| server.put_blob(access, *upload, &part))
    }

    async fn blob_state(&self, access: &SpaceAccess, upload: &UploadId, blob: &BlobId) -> RemoteResult<BlobState> {
        self.in_space(access, |server, access| server.blob_state(access, *upload, *blob))
    }

    async fn drop_blob(&self, access: &SpaceAccess, upload: &UploadId, blob: &BlobId) -> RemoteResult<()> {
        self.in_space(access, |server, access| server.drop_blob(access, *upload, *blob))
    }

    async fn blobs(&self, access: &SpaceAccess, after: Option<&BlobId>) -> RemoteResult<BlobsAnswer> {
        self.in_space(access, |server, access| server.stored_blobs(access, after))
    }

    async fn get_blob(&self, access: &SpaceAccess, blob: &BlobId, range: Option<Range<u64>>) -> RemoteResult<Bytes> {
        self.line.blob_request().await?;
        let Some(Range { start, end }) = range else {
            let bytes = self.in_space(access, |server, access| server.blob(access, *blob))?;
            return self.line.blob(bytes);
        };
        if start >= end {
            return Ok(Bytes::new());
        }
        let bytes = self.in_space(access, |server, access| server.blob_from(access, *blob, start))?;
        let len = usize::try_from(end - start).ok().filter(|len| *len <= bytes.len());
        // The server gives what there is of a range.
        let len = len.ok_or(RemoteError::Malformed { what: "fewer bytes than were asked for" })?;
        self.line.blob(bytes.slice(..len))
    }
}
