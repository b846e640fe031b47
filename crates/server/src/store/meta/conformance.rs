//! What every metadata store must do. `open` gives the same store again each time, so that what is durable shows.

use anonicloud_proto::api::{AccountBoxes, Base64, SealedBox};
use anonicloud_proto::commit::AddedBlob;
use anonicloud_proto::hash::{ChainHash, StoredHash};
use anonicloud_proto::ids::{AccountId, BlobId, DeviceId, SpaceId, UploadId};
use futures::future::join_all;

use super::{
    Appended, Begun, CommitOutcome, CommittedBlob, LogRow, MetaStore, NewAccount, NewBlob,
    NewCommit, NewLink, OpenedUpload, Registered, RemovedBlob, UploadRequest,
};
use crate::store::{Day, ObjectId};

/// Runs the suite over a store that is empty at first.
pub(crate) async fn suite<S: MetaStore, F: Future<Output = S>>(open: impl Fn() -> F) {
    registration(&open).await;
    devices(&open).await;
    commits(&open).await;
    blobs(&open().await).await;
    ends_of_uploads(&open().await).await;
    quota_at_once(&open().await).await;
}

/// An account named by a number, with a quota of 10,000 bytes.
pub(crate) fn new_account(name: u8) -> NewAccount {
    let sealed = |version| SealedBox {
        version,
        sealed: Base64::new(vec![name; 16]),
    };
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
    }
}

fn commit(name: u8, seq: u8, prev: ChainHash, adds: &[AddedBlob]) -> NewCommit {
    NewCommit {
        space: SpaceId::from_bytes([name; 32]),
        epoch: 0,
        seq: u64::from(seq),
        prev,
        hash: hash(name, seq),
        frontier: vec![seq; 8],
        row: LogRow {
            header: vec![name, seq],
            body: vec![seq; 100],
        },
        adds: adds.to_vec(),
    }
}

fn hash(name: u8, seq: u8) -> ChainHash {
    ChainHash::of(&[name, seq])
}

fn request(name: u8, upload: u8, day: u32) -> UploadRequest {
    UploadRequest {
        space: SpaceId::from_bytes([name; 32]),
        upload: UploadId::from_bytes([upload; 16]),
        day: Day(day),
    }
}

fn blob(name: u8, size: u64, from_start: bool) -> NewBlob {
    NewBlob {
        blob: BlobId::from_bytes([name; 32]),
        size,
        hash: StoredHash::of(&size.to_le_bytes()),
        from_start,
        object: ObjectId::from_bytes(crate::random::random()),
    }
}

fn added(name: u8, size: u64) -> AddedBlob {
    AddedBlob {
        blob: BlobId::from_bytes([name; 32]),
        size,
    }
}

async fn usage(store: &impl MetaStore, name: u8) -> (u64, u64) {
    let row = store.account(AccountId::from_bytes([name; 16])).await;
    let row = row.unwrap().unwrap();
    (row.used, row.reserved)
}

async fn registration<S: MetaStore, F: Future<Output = S>>(open: &impl Fn() -> F) {
    let store = open().await;
    let first = new_account(1);
    assert_eq!(
        store.register(first.clone()).await.unwrap(),
        Registered::Created
    );
    assert_eq!(
        store.register(first.clone()).await.unwrap(),
        Registered::Repeated
    );
    let mut other_request = first.clone();
    other_request.request_hash = ChainHash::ZERO;
    assert_eq!(
        store.register(other_request).await.unwrap(),
        Registered::Exists
    );
    let mut same_handle = new_account(2);
    same_handle.handle.clone_from(&first.handle);
    assert_eq!(
        store.register(same_handle).await.unwrap(),
        Registered::HandleTaken
    );
    let mut same_space = new_account(2);
    same_space.genesis = commit(1, 0, ChainHash::ZERO, &[]);
    assert_eq!(
        store.register(same_space).await.unwrap(),
        Registered::Exists
    );
    drop(store);
    let store = open().await;
    let second = AccountId::from_bytes([2; 16]);
    assert!(store.account(second).await.unwrap().is_none());
    assert_eq!(
        store
            .registered(second, "handle2".to_owned())
            .await
            .unwrap(),
        Registered::Created
    );
    assert_eq!(
        store
            .registered(second, "handle1".to_owned())
            .await
            .unwrap(),
        Registered::HandleTaken
    );
    let record = store
        .login_record("handle1".to_owned())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (record.account, record.opaque_record),
        (first.account, first.opaque_record)
    );
    assert!(
        store
            .login_record("handle2".to_owned())
            .await
            .unwrap()
            .is_none()
    );
    let (boxes, space) = store.boxes(first.account).await.unwrap().unwrap();
    assert_eq!((boxes, space), (first.boxes, first.genesis.space));
    assert_eq!(store.sigchain(first.account).await.unwrap(), first.links);
    let row = store.account(first.account).await.unwrap().unwrap();
    assert_eq!((row.quota, row.devices), (10_000, vec![first.device.0]));
    let kept = store.space(space).await.unwrap().unwrap();
    assert_eq!((kept.epoch, kept.keys), (0, first.space_keys));
    let head = store.head(space).await.unwrap().unwrap();
    assert_eq!(
        (head.hash, head.commit),
        (first.genesis.hash, first.genesis.row)
    );
}

async fn devices<S: MetaStore, F: Future<Output = S>>(open: &impl Fn() -> F) {
    let store = open().await;
    let account = new_account(10);
    store.register(account.clone()).await.unwrap();
    let link = |seq: u64, prev: &[u8]| NewLink {
        account: account.account,
        seq,
        prev: ChainHash::of(prev),
        link: vec![seq.to_le_bytes()[0]],
    };
    let (old, new) = (account.device.0, DeviceId::from_bytes([99; 16]));
    let add = |link, device| store.add_device(link, device, [5; 32]);
    assert_eq!(add(link(2, b"other"), new).await.unwrap(), Appended::Moved);
    assert_eq!(add(link(3, &[10, 1]), new).await.unwrap(), Appended::Moved);
    assert_eq!(
        add(link(2, &[10, 1]), old).await.unwrap(),
        Appended::WrongDevice
    );
    assert_eq!(add(link(2, &[10, 1]), new).await.unwrap(), Appended::Done);
    let remove = |link, device| store.remove_device(link, device);
    assert_eq!(
        remove(link(2, &[10, 1]), old).await.unwrap(),
        Appended::Moved
    );
    assert_eq!(
        remove(link(3, &[2]), DeviceId::from_bytes([1; 16]))
            .await
            .unwrap(),
        Appended::WrongDevice
    );
    assert_eq!(remove(link(3, &[2]), old).await.unwrap(), Appended::Done);
    drop(store);
    let store = open().await;
    assert_eq!(
        store.device_key(account.account, new).await.unwrap(),
        Some([5; 32])
    );
    assert_eq!(store.device_key(account.account, old).await.unwrap(), None);
    assert_eq!(store.sigchain(account.account).await.unwrap().len(), 4);
}

async fn commits<S: MetaStore, F: Future<Output = S>>(open: &impl Fn() -> F) {
    let store = open().await;
    store.register(new_account(20)).await.unwrap();
    let space = SpaceId::from_bytes([20; 32]);
    let first = commit(20, 1, hash(20, 0), &[]);
    // Two commits behind the same head at once: one of them.
    let mut rival = first.clone();
    rival.hash = hash(20, 77);
    let outcomes = tokio::join!(
        store.append_commit(first.clone()),
        store.append_commit(rival)
    );
    let outcomes = [outcomes.0.unwrap(), outcomes.1.unwrap()];
    assert!(
        outcomes.contains(&CommitOutcome::Applied) && outcomes.contains(&CommitOutcome::HeadMoved)
    );
    let mut head = store.head(space).await.unwrap().unwrap().hash;
    for seq in 2..6 {
        let next = commit(20, seq, head, &[]);
        head = next.hash;
        assert_eq!(
            store.append_commit(next).await.unwrap(),
            CommitOutcome::Applied
        );
    }
    drop(store);
    let store = open().await;
    let found = store.head(space).await.unwrap().unwrap();
    assert_eq!((found.hash, found.frontier), (head, vec![5; 8]));
    let seqs = |rows: Vec<LogRow>| rows.iter().map(|row| row.header[1]).collect::<Vec<_>>();
    let page = async |from, count, bytes| seqs(store.log(space, from, count, bytes).await.unwrap());
    assert_eq!(page(0, 256, 1 << 20).await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(page(4, 256, 1 << 20).await, [4, 5]);
    assert_eq!(page(1, 2, 1 << 20).await, [1, 2]);
    assert_eq!(page(1, 256, 204).await, [1, 2]);
    assert_eq!(page(1, 256, 1).await, [1]);
    assert!(page(6, 256, 1 << 20).await.is_empty());
    assert!(page(u64::MAX, 256, 1 << 20).await.is_empty());
}

async fn blobs(store: &impl MetaStore) {
    store.register(new_account(30)).await.unwrap();
    let (first, second) = (request(30, 1, 30_000), request(30, 2, 30_000));
    let nowhere = store.begin_blob(first, blob(1, 100, true)).await.unwrap();
    assert_eq!(nowhere, Begun::NoUpload);
    for request in [first, second] {
        store.open_upload(request, 1000, 8).await.unwrap();
    }
    let behind = store.begin_blob(first, blob(1, 100, false)).await.unwrap();
    assert_eq!(behind, Begun::NothingStored);
    let one = blob(1, 600, true);
    assert_eq!(
        store.begin_blob(first, one).await.unwrap(),
        Begun::Write(one.object)
    );
    assert_eq!(
        store.begin_blob(first, blob(1, 600, false)).await.unwrap(),
        Begun::Write(one.object)
    );
    assert_eq!(
        store.begin_blob(first, blob(2, 401, true)).await.unwrap(),
        Begun::QuotaExceeded
    );
    // Other bytes: not in the middle, but from the start.
    assert_eq!(
        store.begin_blob(first, blob(1, 500, false)).await.unwrap(),
        Begun::Conflict
    );
    let replaced = blob(1, 500, true);
    assert_eq!(
        store.begin_blob(first, replaced).await.unwrap(),
        Begun::Replaced(one.object)
    );
    // Another upload takes the blob over, and the charge with it.
    assert_eq!(
        store.begin_blob(second, blob(1, 500, false)).await.unwrap(),
        Begun::Write(replaced.object)
    );
    let large = blob(2, 1000, true);
    assert_eq!(
        store.begin_blob(first, large).await.unwrap(),
        Begun::Write(large.object)
    );
    let space = first.space;
    let missing = [added(1, 500)];
    let next = commit(30, 1, hash(30, 0), &missing);
    assert_eq!(
        store.append_commit(next.clone()).await.unwrap(),
        CommitOutcome::BlobMissing
    );
    assert!(
        !store
            .complete_blob(space, replaced.blob, one.object)
            .await
            .unwrap()
    );
    assert!(
        store
            .complete_blob(space, replaced.blob, replaced.object)
            .await
            .unwrap()
    );
    assert_eq!(
        store.begin_blob(first, blob(1, 500, false)).await.unwrap(),
        Begun::Complete
    );
    assert_eq!(
        store.begin_blob(first, blob(1, 501, true)).await.unwrap(),
        Begun::Conflict
    );
    assert_eq!(
        store.committed_blob(space, replaced.blob).await.unwrap(),
        None
    );
    assert_eq!(usage(store, 30).await, (0, 2000));
    assert_eq!(
        store.append_commit(next).await.unwrap(),
        CommitOutcome::Applied
    );
    assert_eq!(usage(store, 30).await, (500, 1500));
    let found = CommittedBlob {
        object: replaced.object,
        size: 500,
    };
    assert_eq!(
        store.committed_blob(space, replaced.blob).await.unwrap(),
        Some(found)
    );
    assert_eq!(
        store.remove_blob(second, replaced.blob).await.unwrap(),
        RemovedBlob::Committed
    );
    assert_eq!(
        store.remove_blob(second, large.blob).await.unwrap(),
        RemovedBlob::Absent
    );
    assert_eq!(
        store.remove_blob(first, large.blob).await.unwrap(),
        RemovedBlob::Gone(large.object)
    );
    let named = store.objects(replaced.object.as_bytes()[0]).await.unwrap();
    assert!(named.contains(&replaced.object) && !named.contains(&large.object));
}

async fn ends_of_uploads(store: &impl MetaStore) {
    store.register(new_account(40)).await.unwrap();
    let idle = request(40, 1, 20_000);
    let busy = request(40, 2, 20_000);
    assert_eq!(
        store.open_upload(idle, 4000, 2).await.unwrap(),
        OpenedUpload::Reserved(4000)
    );
    assert_eq!(
        store.open_upload(busy, 6000, 2).await.unwrap(),
        OpenedUpload::Reserved(6000)
    );
    assert_eq!(
        store
            .open_upload(request(40, 3, 20_000), 0, 2)
            .await
            .unwrap(),
        OpenedUpload::TooMany
    );
    assert_eq!(
        store.open_upload(busy, 6001, 2).await.unwrap(),
        OpenedUpload::QuotaExceeded
    );
    assert_eq!(
        store.open_upload(busy, 1, 2).await.unwrap(),
        OpenedUpload::Reserved(6000)
    );
    let parts = [blob(1, 10, true), blob(2, 10, true), blob(3, 10, true)];
    for part in parts {
        store.begin_blob(idle, part).await.unwrap();
    }
    let page = async |after, count| {
        let rows = store.upload_blobs(idle, after, count).await.unwrap();
        rows.iter().map(|row| row.blob).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, [parts[0].blob, parts[1].blob]);
    assert_eq!(page(Some(parts[1].blob), 9).await, [parts[2].blob]);
    assert!(store.set_ticket(idle, b"ticket".to_vec()).await.unwrap());
    assert!(
        !store
            .set_ticket(request(40, 9, 20_000), Vec::new())
            .await
            .unwrap()
    );
    let listed = store.uploads(idle.space).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].ticket.as_ref().unwrap().as_bytes(), b"ticket");
    assert_eq!(
        store.touch_upload(request(40, 2, 20_008)).await.unwrap(),
        Some(6000)
    );
    assert_eq!(
        store.touch_upload(request(40, 9, 20_008)).await.unwrap(),
        None
    );
    store.flush().await.unwrap();
    assert_eq!(store.end_idle_uploads(Day(20_000), 9).await.unwrap().0, 0);
    let (ended, mut objects) = store.end_idle_uploads(Day(20_001), 9).await.unwrap();
    let mut expected = parts.map(|part| part.object);
    expected.sort_unstable();
    objects.sort_unstable();
    assert_eq!((ended, objects), (1, expected.to_vec()));
    assert_eq!(usage(store, 40).await, (0, 6000));
    assert_eq!(
        store.end_upload(busy.space, busy.upload).await.unwrap(),
        Some(Vec::new())
    );
    assert_eq!(
        store.end_upload(busy.space, busy.upload).await.unwrap(),
        None
    );
    assert_eq!(usage(store, 40).await, (0, 0));
}

async fn quota_at_once(store: &impl MetaStore) {
    store.register(new_account(50)).await.unwrap();
    let opening = (0..64).map(|name| store.open_upload(request(50, name, 20_000), 1000, 1024));
    let opened = join_all(opening).await;
    let reserved = opened
        .into_iter()
        .filter(|opened| matches!(opened, Ok(OpenedUpload::Reserved(1000))));
    assert_eq!(reserved.count(), 10);
    assert_eq!(usage(store, 50).await, (0, 10_000));
}
