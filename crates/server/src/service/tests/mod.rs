//! Rules that need a clock: what expires, and when.

mod ended;
mod heads;
mod released;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anonicloud_proto::api::{Base64, ErrorCode, OpenUpload, SpaceSessionFinish};
use anonicloud_proto::capability::{CapabilityKeys, CapabilityPublicKey, ReadTokenHash, Right, session_message};
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, UploadId};
use anonicloud_proto::limits::PACK_FLOOR;
use bytes::Bytes;
use ed25519_dalek::{Signer as _, SigningKey};
use futures::{FutureExt as _, StreamExt as _, stream};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time;

use super::{BodyBroken, Permits, PutBlob, Service, ServiceError, SpaceAccess};
use crate::clock::Clock;
use crate::clock::manual::ManualClock;
use crate::secrets::ServerSecrets;
use crate::store::blob::FileBlobs;
use crate::store::meta::{MetaStore, SqliteMeta, conformance};

/// The smallest blob.
const FLOOR: u64 = PACK_FLOOR;
const CONTENT: &[u8] = &[7; 16 << 10];

struct Fixture {
    service: Service,
    clock: Arc<ManualClock>,
    key: SigningKey,
    folder: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new());
        let time: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let meta = SqliteMeta::open(&folder.path().join("metadata.sqlite")).await;
        let meta: Arc<dyn MetaStore> = Arc::new(meta.unwrap());
        let key = SigningKey::from_bytes(&[1; 32]);
        let public = CapabilityPublicKey::from_bytes(key.verifying_key().to_bytes());
        let mut account = conformance::new_account(1);
        account.quota = 100_000;
        account.space_keys =
            CapabilityKeys { read: ReadTokenHash::of(&[1; 32]), append: public, write: public, admin: public }
                .to_bytes();
        meta.register(account).await.unwrap();
        let blobs = FileBlobs::open(&folder.path().join("blobs"), Arc::clone(&time)).unwrap();
        let secrets = ServerSecrets::make();
        Self { service: Service::new(meta, Arc::new(blobs), time, secrets, 0), clock, key, folder }
    }

    /// Opens a session to read and write, `seconds` after its challenge.
    async fn session(&self, seconds: u64) -> Result<Base64, ServiceError> {
        let space = conformance::new_account(1).genesis.space;
        let challenge = self.service.space_session_start(space).challenge;
        let bytes: [u8; 32] = challenge.as_bytes().try_into().unwrap();
        let realm = self.service.realm().realm;
        let message = session_message(&realm, &space, 0, Right::Write, &bytes);
        self.clock.pass_seconds(seconds);
        let finish = SpaceSessionFinish {
            challenge,
            epoch: 0,
            read: Some(Base64::new(vec![1; 32])),
            append: None,
            write: Some(Base64::new(self.key.sign(&message).to_bytes().to_vec())),
            admin: None,
        };
        let answer = self.service.space_session_finish(space, &finish).await?;
        Ok(answer.token)
    }

    async fn access(&self) -> SpaceAccess {
        let token = self.session(0).await.unwrap();
        self.service.space_access(token.as_bytes()).unwrap()
    }

    fn stored_files(&self) -> usize {
        stored_files(&self.folder)
    }

    fn files(&self) -> Vec<PathBuf> {
        files(&self.folder)
    }
}

fn files(folder: &TempDir) -> Vec<PathBuf> {
    let folders = fs_err::read_dir(folder.path().join("blobs")).unwrap();
    let files = folders.flat_map(|fan| fs_err::read_dir(fan.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

fn stored_files(folder: &TempDir) -> usize {
    files(folder).len()
}

fn code(failure: &ServiceError) -> Option<ErrorCode> {
    match failure {
        ServiceError::Refused(code) => Some(*code),
        _ => None,
    }
}

#[tokio::test]
async fn an_upload_idle_for_more_than_seven_days_is_collected_with_its_bytes() {
    let fixture = Fixture::new().await;
    let (service, access) = (&fixture.service, fixture.access().await);
    let [idle, busy] = [1, 2].map(|name| UploadId::from_bytes([name; 16]));
    for upload in [idle, busy] {
        let open = OpenUpload { upload, bytes: 50_000 };
        service.open_upload(&access, &open).await.unwrap();
        let put = PutBlob {
            upload,
            blob: BlobId::from_bytes([upload.as_bytes()[0]; 32]),
            offset: 0,
            size: FLOOR,
            hash: StoredHash::of(CONTENT),
        };
        let body = stream::iter([Ok(Bytes::from_static(CONTENT))]).boxed();
        assert!(service.put_blob(&access, put, body).await.unwrap().complete);
    }
    fixture.clock.pass_days(7);
    assert_eq!(service.collect_uploads().await.unwrap(), 0);
    // Asking for its state is use.
    service.upload_state(&access, busy, None).await.unwrap();
    fixture.clock.pass_days(1);
    assert_eq!(fixture.stored_files(), 2);
    assert_eq!(service.collect_uploads().await.unwrap(), 1);
    assert_eq!(fixture.stored_files(), 1);
    let gone = service.upload_state(&access, idle, None).await.unwrap_err();
    assert_eq!(code(&gone), Some(ErrorCode::NotFound));
    let kept = service.upload_state(&access, busy, None).await.unwrap();
    assert_eq!((kept.reserved, kept.blobs.len()), (50_000, 1));
    // What was reserved is free again: all of the quota but the other's.
    let open = OpenUpload { upload: idle, bytes: 50_000 };
    service.open_upload(&access, &open).await.unwrap();
}

#[tokio::test]
async fn challenges_live_a_minute_and_sessions_an_hour() {
    let fixture = Fixture::new().await;
    let late = fixture.session(60).await.unwrap_err();
    assert_eq!(code(&late), Some(ErrorCode::LoginFailed));
    let token = fixture.session(59).await.unwrap();
    fixture.clock.pass_seconds(3599);
    assert!(fixture.service.space_access(token.as_bytes()).is_some());
    fixture.service.forget_ended();
    assert!(fixture.service.space_access(token.as_bytes()).is_some());
    fixture.clock.pass_seconds(3600);
    assert!(fixture.service.space_access(token.as_bytes()).is_none());
}

#[tokio::test]
async fn a_body_that_stalls_is_kept_and_may_be_sent_again() {
    let fixture = Fixture::new().await;
    let (service, access) = (&fixture.service, fixture.access().await);
    let (upload, blob) = (UploadId::from_bytes([1; 16]), BlobId::from_bytes([1; 32]));
    let open = OpenUpload { upload, bytes: FLOOR };
    service.open_upload(&access, &open).await.unwrap();
    let put = PutBlob { upload, blob, offset: 0, size: FLOOR, hash: StoredHash::of(CONTENT) };
    let body = stream::iter([Ok(Bytes::from_static(&CONTENT[..2])), Err(BodyBroken::Stalled)]).boxed();
    let stalled = service.put_blob(&access, put, body).await.unwrap_err();
    // A code that clients try again after.
    assert_eq!(code(&stalled), Some(ErrorCode::Unavailable));
    let state = service.blob_state(&access, upload, blob).await.unwrap();
    assert_eq!((state.stored, state.complete), (2, false));
    let rest = stream::iter([Ok(Bytes::from_static(&CONTENT[2..]))]).boxed();
    let put = PutBlob { offset: 2, ..put };
    assert!(service.put_blob(&access, put, rest).await.unwrap().complete);
}

#[tokio::test]
async fn slow_blobs_make_room_for_another_and_go_on_later() {
    let mut fixture = Fixture::new().await;
    fixture.service.puts = Permits::new(2, 3);
    let access = fixture.access().await;
    let (service, _folder) = (Arc::new(fixture.service), fixture.folder);
    let upload = UploadId::from_bytes([1; 16]);
    service.open_upload(&access, &OpenUpload { upload, bytes: 4 * FLOOR }).await.unwrap();
    let put = move |name: u8, offset: u64| {
        let blob = BlobId::from_bytes([name; 32]);
        PutBlob { upload, blob, offset, size: FLOOR, hash: StoredHash::of(CONTENT) }
    };
    let (read, mut reads) = mpsc::unbounded_channel();
    let slow = |name: u8| {
        let (service, access, read) = (Arc::clone(&service), access.clone(), read.clone());
        let begun = stream::iter([Ok(Bytes::from_static(&CONTENT[..2]))]);
        let body = begun.chain(stream::once(async move {
            read.send(name).unwrap();
            std::future::pending().await
        }));
        tokio::spawn(async move { service.put_blob(&access, put(name, 0), body.boxed()).await })
    };
    let first = slow(1);
    assert_eq!(reads.recv().await, Some(1));
    time::pause();
    time::advance(Duration::from_secs(1)).await;
    time::resume();
    let second = slow(2);
    assert_eq!(reads.recv().await, Some(2));
    // From here on both are behind.
    time::pause();
    time::advance(Duration::from_secs(16)).await;
    time::resume();
    let whole = stream::iter([Ok(Bytes::from_static(CONTENT))]).boxed();
    assert!(service.put_blob(&access, put(3, 0), whole).await.unwrap().complete);
    let displaced = first.await.unwrap().unwrap_err();
    assert_eq!(code(&displaced), Some(ErrorCode::Unavailable));
    assert!(!second.is_finished());
    let state = service.blob_state(&access, upload, BlobId::from_bytes([1; 32])).await.unwrap();
    assert_eq!((state.stored, state.complete), (2, false));
    let rest = stream::iter([Ok(Bytes::from_static(&CONTENT[2..]))]).boxed();
    assert!(service.put_blob(&access, put(1, 2), rest).await.unwrap().complete);
    // Whose place is its own again by a newer request does not wait.
    let whole = stream::iter([Ok(Bytes::from_static(CONTENT))]).boxed();
    assert!(service.put_blob(&access, put(2, 0), whole).await.unwrap().complete);
    assert_eq!(code(&second.await.unwrap().unwrap_err()), Some(ErrorCode::OffsetMismatch));
}

#[tokio::test]
async fn a_commit_whose_sender_hung_up_keeps_its_place_until_it_is_checked() {
    let mut fixture = Fixture::new().await;
    fixture.service.small_commits = Permits::new(1, 1);
    let access = fixture.access().await;
    let (service, _folder) = (Arc::new(fixture.service), fixture.folder);
    for length in [Some(1), None] {
        let body = stream::iter([Ok(Bytes::from_static(b"x"))]).boxed();
        let arrived = service.receive_commit(&access, length, body).await.unwrap();
        assert!(service.take_commit(access.clone(), arrived).now_or_never().is_none());
        let places = if length.is_some() { &service.small_commits } else { &service.checked_commits };
        // The task begins before who comes now.
        tokio::task::yield_now().await;
        assert!(places.acquire(access.space()).now_or_never().is_none(), "{length:?}");
        drop(places.acquire(access.space()).await.unwrap());
    }
}
