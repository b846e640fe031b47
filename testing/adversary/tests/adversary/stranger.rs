//! Who has no session, and asks for everything.

use anonicloud_client::remote::{BlobPart, Remote, RemoteError, RemoteResult, SessionToken, SpaceAccess};
use anonicloud_proto::api::{
    AddDevice, Base64, ErrorCode, LoginAnswer, NewDevice, OpenUpload, RemoveDevice, SpaceSessionFinish,
};
use anonicloud_proto::codec::Decode as _;
use anonicloud_proto::hash::{ChainHash, StoredHash};
use anonicloud_proto::ids::{AccountId, BlobId, DeviceId, SpaceId, UploadId};
use bytes::Bytes;

use anonicloud_adversary::Kind;

use crate::world::World;

/// Asks for all there is of an account, by everything that its server ever saw but a proof.
pub(crate) async fn gets_nothing(world: &World) {
    // The space of the account, and a blob of it, as whoever listens at the server knows them.
    let commit = world.since(0).into_iter().find(|exchange| exchange.call.kind == Kind::Commit).unwrap();
    let posted = anonicloud_proto::commit::PostedCommit::from_bytes(&commit.request).unwrap();
    let (space, epoch) = (posted.logged.header.fields().space, posted.logged.header.fields().epoch);
    let blob = posted.lists.adds[0].blob;
    match (world.http(), world.memory()) {
        (Some(http), _) => ask_for_everything(&http, (space, epoch), blob).await,
        (_, Some(memory)) => ask_for_everything(&memory, (space, epoch), blob).await,
        _ => unreachable!("a world is one of the two"),
    }
}

fn refused<T>(answer: RemoteResult<T>, what: &str) {
    match answer {
        Err(RemoteError::Refused { code: ErrorCode::SessionExpired | ErrorCode::LoginFailed, .. }) => {}
        Err(other) => panic!("{what}: {other:?}"),
        Ok(_) => panic!("{what} was given out"),
    }
}

async fn ask_for_everything<R: Remote>(remote: &R, (space, epoch): (SpaceId, u32), blob: BlobId) {
    let token = SessionToken::new(&[7; 32]);
    refused(remote.account(&token).await, "the account");
    refused(remote.sigchain(&token).await, "the sigchain");
    refused(remote.released(&token, None).await, "what was released");
    let access = SpaceAccess { space, token: SessionToken::new(&[7; 32]) };
    let upload = UploadId::from_bytes([7; 16]);
    refused(remote.head(&access).await, "the head");
    refused(remote.log(&access, 0).await, "the log");
    refused(remote.blobs(&access, None).await, "the list of blobs");
    refused(remote.get_blob(&access, &blob, None).await, "a blob");
    refused(remote.uploads(&access, None).await, "uploads");
    refused(remote.upload_state(&access, &upload, None).await, "an upload");
    refused(remote.open_upload(&access, &OpenUpload { upload, bytes: 1 << 20 }).await, "room");
    let part = BlobPart {
        blob,
        offset: 0,
        size: 16 << 10,
        hash: StoredHash::of(b"no"),
        bytes: Bytes::from(vec![0; 16 << 10]),
    };
    refused(remote.put_blob(&access, &upload, part).await, "a place for a blob");
    // A session without a proof, and with the read token guessed.
    for read in [None, Some(vec![7; 32])] {
        let challenge = remote.space_challenge(&space).await.unwrap().challenge;
        let read = read.map(Base64::new);
        let finish = SpaceSessionFinish { challenge, epoch, read, append: None, write: None, admin: None };
        refused(remote.space_session(&space, &finish).await, "a session without a proof");
    }
}

/// Appends a link that nobody signed, by a session of the account that was stolen.
pub(crate) async fn appends_nothing(world: &World) {
    let signed_in = world.since(0).into_iter().rfind(|exchange| exchange.call.kind == Kind::DeviceLoginFinish).unwrap();
    let answer: LoginAnswer = serde_json::from_slice(&signed_in.honest.body).unwrap();
    let token = SessionToken::new(answer.token.as_bytes());
    match (world.http(), world.memory()) {
        (Some(http), _) => append_unsigned(&http, &token, answer.account).await,
        (_, Some(memory)) => append_unsigned(&memory, &token, answer.account).await,
        _ => unreachable!("a world is one of the two"),
    }
}

async fn append_unsigned<R: Remote>(remote: &R, token: &SessionToken, account: AccountId) {
    let chain = remote.sigchain(token).await.unwrap().links;
    let newest = chain.last().unwrap().as_bytes();
    let prev = ChainHash::of(newest);
    let mut front = newest[..2].to_vec();
    front.extend_from_slice(account.as_bytes());
    front.extend_from_slice(&(chain.len() as u64).to_le_bytes());
    front.extend_from_slice(prev.as_bytes());
    // The front alone, and with all that the newest link has behind it, its signature too.
    for behind in [&[][..], &newest[58..]] {
        let link = Base64::new([&front, behind].concat());
        let device = DeviceId::from_bytes([7; 16]);
        let new = NewDevice { device, auth_public_key: Base64::new(vec![7; 32]) };
        let added = remote.add_device(token, &AddDevice { device: new, prev, link: link.clone() }).await;
        assert!(matches!(added, Err(RemoteError::Refused { code: ErrorCode::BadRequest, .. })), "{added:?}");
        let removed = remote.remove_device(token, &RemoveDevice { device, prev, link }).await;
        assert!(matches!(removed, Err(RemoteError::Refused { code: ErrorCode::BadRequest, .. })), "{removed:?}");
    }
}
