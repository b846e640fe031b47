//! What every metadata store must do. `open` gives the same store again each time, so that what is durable shows.

mod accounts;
mod blobs;
mod commits;
mod sweeps;
mod uploads;

use anonicloud_proto::api::{AccountBoxes, Base64, SealedBox};
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::hash::{ChainHash, StoredHash};
use anonicloud_proto::ids::{AccountId, BlobId, DeviceId, SpaceId, UploadId};

use super::{LogRow, MetaStore, NewAccount, NewBlob, NewCommit, UploadLimits, UploadRequest};
use crate::store::{Day, ObjectId};

/// Runs the suite over a store that is empty at first.
pub(crate) async fn suite<S: MetaStore, F: Future<Output = S>>(open: impl Fn() -> F) {
    accounts::registration(&open).await;
    accounts::devices(&open).await;
    commits::suite(&open).await;
    let store = open().await;
    commits::charged(&store).await;
    blobs::begun(&store).await;
    blobs::committed(&store).await;
    sweeps::released(&store).await;
    sweeps::released_in_one_space(&store).await;
    sweeps::released_through_a_commit(&store).await;
    sweeps::refused(&store).await;
    uploads::reservations(&store).await;
    uploads::pages_and_tickets(&store).await;
    uploads::ends(&store).await;
    uploads::quota_at_once(&store).await;
    drop(store);
    sweeps::doomed(&open).await;
}

/// An account named by a number, with a quota of 10,000 bytes.
pub(crate) fn new_account(name: u8) -> NewAccount {
    let sealed = |version| SealedBox { version, sealed: Base64::new(vec![name; 16]) };
    NewAccount {
        account: AccountId::from_bytes([name; 16]),
        handle: format!("handle{name}"),
        request_hash: ChainHash::from_bytes([name; 32]),
        opaque_record: vec![name; 192],
        recovery_public_key: vec![name; 8],
        boxes: AccountBoxes {
            password_slot: sealed(1),
            recovery_slot: sealed(2),
            identity: sealed(3),
            space: sealed(4),
        },
        links: vec![vec![name, 0], vec![name, 1]],
        device: (DeviceId::from_bytes([name; 16]), [name; 32]),
        space_keys: vec![name; 128],
        genesis: commit(name, 0, ChainHash::ZERO, &[]),
        quota: 10_000,
        day: Day(20_000),
        invite: None,
    }
}

/// A commit without anything that the store reads.
pub(crate) fn commit(name: u8, seq: u8, prev: ChainHash, adds: &[AddedBlob]) -> NewCommit {
    NewCommit {
        space: SpaceId::from_bytes([name; 32]),
        epoch: 0,
        seq: u64::from(seq),
        prev,
        hash: hash(name, seq),
        frontier: vec![seq; 8],
        row: LogRow { header: vec![name, seq], body: vec![seq; 100] },
        adds: adds.to_vec(),
        releases: Vec::new(),
        day: Day(20_000),
    }
}

/// The hash of such a commit.
pub(crate) fn hash(name: u8, seq: u8) -> ChainHash {
    ChainHash::of(&[name, seq])
}

/// A request for an upload.
pub(super) fn request(name: u8, upload: u8, day: u32) -> UploadRequest {
    UploadRequest { space: SpaceId::from_bytes([name; 32]), upload: UploadId::from_bytes([upload; 16]), day: Day(day) }
}

/// So many uploads, and nothing over the quota.
pub(super) const fn limits(count: usize) -> UploadLimits {
    UploadLimits { count, spare: 0 }
}

/// A blob that begins.
pub(super) fn blob(name: u8, size: u64, from_start: bool) -> NewBlob {
    NewBlob {
        blob: BlobId::from_bytes([name; 32]),
        size,
        hash: StoredHash::of(&size.to_le_bytes()),
        from_start,
        object: ObjectId::from_bytes(crate::random::random()),
    }
}

/// A blob that a commit adds.
pub(super) fn added(name: u8, size: u64) -> AddedBlob {
    AddedBlob { blob: BlobId::from_bytes([name; 32]), size }
}

/// Bytes used and reserved.
pub(super) async fn usage(store: &impl MetaStore, name: u8) -> (u64, u64) {
    let row = store.account(AccountId::from_bytes([name; 16])).await;
    let row = row.unwrap().unwrap();
    (row.used, row.reserved)
}
