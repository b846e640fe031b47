//! Blobs that are released, added again, doomed.

use anonicloud_proto::api::StoredBlob;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, BlobId};

use super::super::{Begun, CommitOutcome, Doom, Doomed, MetaStore, NewBlob, NewCommit, Released, Through};
use super::{added, blob, commit, hash, limits, new_account, request, usage};
use crate::store::{Day, ObjectId};

/// Bytes of a commit of this suite.
const COMMIT: u64 = 102;

/// An account whose space has blobs 1 to 3, of 500 bytes each, by its first commit.
async fn stored(store: &impl MetaStore, name: u8) -> [NewBlob; 3] {
    store.register(new_account(name)).await.unwrap();
    let upload = request(name, 1, 30_000);
    store.open_upload(upload, 2000, limits(8)).await.unwrap();
    let blobs = [1, 2, 3].map(|id| blob(id, 500, true));
    for blob in blobs {
        store.begin_blob(upload, blob).await.unwrap();
        assert!(store.complete_blob(upload.space, blob.blob, blob.object).await.unwrap());
    }
    let adds = [1, 2, 3].map(|id| added(id, 500));
    append(store, commit(name, 1, hash(name, 0), &adds)).await;
    blobs
}

async fn append(store: &impl MetaStore, commit: NewCommit) {
    assert_eq!(store.append_commit(commit, 0).await.unwrap(), CommitOutcome::Applied);
}

/// A commit that releases blobs on a day.
fn sweep(name: u8, seq: u8, releases: &[u8], day: u32) -> NewCommit {
    let releases = releases.iter().map(|id| BlobId::from_bytes([*id; 32])).collect();
    NewCommit { releases, day: Day(day), ..commit(name, seq, hash(name, seq - 1), &[]) }
}

/// Everything that the space of an account released.
fn all_of(name: u8) -> Doom {
    Doom::Account(AccountId::from_bytes([name; 16]), through(name, u64::MAX))
}

fn through(name: u8, seq: u64) -> Through {
    Through { space: request(name, 1, 0).space, seq }
}

/// Numbers of a space's blobs, and the days of their release.
async fn listed(store: &impl MetaStore, name: u8) -> Vec<(u8, Option<u32>)> {
    let blobs = store.stored_blobs(request(name, 1, 0).space, None, 9).await.unwrap();
    blobs.iter().map(|StoredBlob { blob, released, .. }| (blob.as_bytes()[0], *released)).collect()
}

async fn found(store: &impl MetaStore, name: u8, blob: u8) -> Option<ObjectId> {
    let space = request(name, 1, 0).space;
    store.committed_blob(space, BlobId::from_bytes([blob; 32])).await.unwrap().map(|found| found.object)
}

async fn all_doomed(store: &impl MetaStore) -> Vec<ObjectId> {
    store.doomed(None, 99).await.unwrap()
}

/// What is released counts and is read until it is doomed; added again, it stays.
pub(super) async fn released(store: &impl MetaStore) {
    let blobs = stored(store, 60).await;
    let account = AccountId::from_bytes([60; 16]);
    let nothing = Released { bytes: 0, days: None };
    assert_eq!(store.released(account, None).await.unwrap(), nothing);
    append(store, sweep(60, 2, &[1, 2], 20_001)).await;
    assert_eq!(listed(store, 60).await, [(1, Some(20_001)), (2, Some(20_001)), (3, None)]);
    assert_eq!(usage(store, 60).await.0, 1500 + 2 * COMMIT);
    assert_eq!(found(store, 60, 1).await, Some(blobs[0].object));
    // The first day counts.
    append(store, sweep(60, 3, &[2, 3], 20_005)).await;
    assert_eq!(listed(store, 60).await, [(1, Some(20_001)), (2, Some(20_001)), (3, Some(20_005))]);
    let released = Released { bytes: 1500, days: Some((Day(20_001), Day(20_005))) };
    assert_eq!(store.released(account, None).await.unwrap(), released);
    // A commit that adds one again, which charges nothing.
    append(store, commit(60, 4, hash(60, 3), &[added(1, 500)])).await;
    assert_eq!(listed(store, 60).await, [(1, None), (2, Some(20_001)), (3, Some(20_005))]);
    assert_eq!(usage(store, 60).await.0, 1500 + 4 * COMMIT);
    // A page.
    let page = store.stored_blobs(request(60, 1, 0).space, Some(blobs[0].blob), 1).await.unwrap();
    assert_eq!(page, [StoredBlob { blob: blobs[1].blob, size: 500, released: Some(20_001) }]);

    let doom = async |before| store.doom(Doom::Before(Day(before)), 99).await.unwrap();
    assert_eq!(doom(20_001).await, Doomed { blobs: 0, bytes: 0, more: false });
    assert_eq!(doom(20_005).await, Doomed { blobs: 1, bytes: 500, more: false });
    assert_eq!(listed(store, 60).await, [(1, None), (3, Some(20_005))]);
    assert_eq!(usage(store, 60).await.0, 1000 + 4 * COMMIT);
    assert_eq!(all_doomed(store).await, [blobs[1].object]);
    // It is no more there to be added, and may be sent anew, to another place.
    let again = commit(60, 5, hash(60, 4), &[added(2, 500)]);
    assert_eq!(store.append_commit(again.clone(), 0).await.unwrap(), CommitOutcome::BlobMissing);
    let anew = blob(2, 500, true);
    assert_eq!(store.begin_blob(request(60, 1, 30_000), anew).await.unwrap(), Begun::Write(anew.object));
    assert!(store.complete_blob(request(60, 1, 0).space, anew.blob, anew.object).await.unwrap());
    append(store, again).await;
    assert_eq!(found(store, 60, 2).await, Some(anew.object));
    assert_eq!(all_doomed(store).await, [blobs[1].object], "the one that is needed is not among them");
    store.forget_doomed(vec![blobs[1].object]).await.unwrap();
    assert_eq!(all_doomed(store).await, []);
}

/// The same id in another space is another blob; so is another account's.
pub(super) async fn released_in_one_space(store: &impl MetaStore) {
    let ours = stored(store, 61).await;
    let theirs = stored(store, 62).await;
    for name in [61, 62] {
        append(store, sweep(name, 2, &[1, 2], 20_001)).await;
    }
    let doomed = store.doom(all_of(61), 1).await.unwrap();
    assert_eq!(doomed, Doomed { blobs: 1, bytes: 500, more: true });
    let doomed = store.doom(all_of(61), 9).await.unwrap();
    assert_eq!(doomed, Doomed { blobs: 1, bytes: 500, more: false });
    assert_eq!(listed(store, 61).await, [(3, None)]);
    assert_eq!(listed(store, 62).await, [(1, Some(20_001)), (2, Some(20_001)), (3, None)]);
    assert_eq!(found(store, 62, 1).await, Some(theirs[0].object));
    let mut objects = all_doomed(store).await;
    objects.sort_unstable();
    let mut expected = [ours[0].object, ours[1].object];
    expected.sort_unstable();
    assert_eq!(objects, expected);
    assert_eq!(store.doomed(None, 1).await.unwrap(), expected[..1]);
    assert_eq!(store.doomed(Some(expected[0]), 9).await.unwrap(), expected[1..]);
    store.forget_doomed(objects).await.unwrap();
    // The other space's are for nobody to find by chance later in this suite.
    store.doom(all_of(62), 9).await.unwrap();
    store.forget_doomed(all_doomed(store).await).await.unwrap();
}

/// What was released after the commit that is named is neither told nor doomed; the first release counts.
pub(super) async fn released_through_a_commit(store: &impl MetaStore) {
    stored(store, 65).await;
    stored(store, 66).await;
    append(store, sweep(65, 2, &[1], 20_001)).await;
    append(store, sweep(65, 3, &[1, 2], 20_001)).await;
    let account = AccountId::from_bytes([65; 16]);
    let bytes = async |through| store.released(account, Some(through)).await.unwrap().bytes;
    for (seq, expected) in [(1, 0), (2, 500), (3, 1000), (u64::MAX, 1000)] {
        assert_eq!(bytes(through(65, seq)).await, expected, "{seq}");
    }
    assert_eq!(bytes(through(66, u64::MAX)).await, 0, "another's space");
    let doom = async |owner, through| {
        let which = Doom::Account(AccountId::from_bytes([owner; 16]), through);
        store.doom(which, 9).await.unwrap().blobs
    };
    assert_eq!(doom(65, through(65, 1)).await, 0);
    assert_eq!(doom(66, through(65, 3)).await, 0, "the space is not that account's");
    assert_eq!(doom(65, through(65, 2)).await, 1);
    assert_eq!(listed(store, 65).await, [(2, Some(20_001)), (3, None)]);
    // Added again and released again, it is released by the later commit.
    append(store, commit(65, 4, hash(65, 3), &[added(2, 500)])).await;
    append(store, sweep(65, 5, &[2], 20_001)).await;
    assert_eq!(doom(65, through(65, 4)).await, 0);
    assert_eq!(doom(65, through(65, 5)).await, 1);
    store.forget_doomed(all_doomed(store).await).await.unwrap();
}

/// What a space has not, or not by a commit, is not released, nor is anything else of that commit.
pub(super) async fn refused(store: &impl MetaStore) {
    stored(store, 63).await;
    let upload = request(63, 1, 30_000);
    let open = blob(7, 400, true);
    store.begin_blob(upload, open).await.unwrap();
    assert!(store.complete_blob(upload.space, open.blob, open.object).await.unwrap());
    for releases in [&[1, 7][..], &[1, 8]] {
        let commit = sweep(63, 2, releases, 20_001);
        assert!(!store.releases_found(commit.space, commit.releases.clone()).await.unwrap());
        assert_eq!(store.append_commit(commit, 0).await.unwrap(), CommitOutcome::BlobMissing);
    }
    assert_eq!(listed(store, 63).await, [(1, None), (2, None), (3, None)]);
    assert_eq!(usage(store, 63).await.0, 1500 + COMMIT);
    let stale = NewCommit { prev: ChainHash::ZERO, ..sweep(63, 2, &[1], 20_001) };
    assert_eq!(store.append_commit(stale, 0).await.unwrap(), CommitOutcome::HeadMoved);
    assert_eq!(listed(store, 63).await[0], (1, None));
    let all = sweep(63, 2, &[1, 2, 3], 20_001);
    assert!(store.releases_found(all.space, all.releases).await.unwrap());
}

/// Days that a server sees one after another, and what it counts.
const COUNTED: [(u32, u32); 16] = [
    (20_000, 20_000),
    (20_000, 20_000),
    (20_001, 20_001),
    (20_003, 20_003),
    // It did not run, or the clock is wrong: the day counts nothing, the ones after it do.
    (20_006, 20_003),
    (20_007, 20_004),
    (29_999, 20_004),
    (30_000, 20_005),
    // The clock is put right.
    (20_008, 20_005),
    (20_009, 20_006),
    // It is a little behind for a while: no day counts twice.
    (20_008, 20_006),
    (20_007, 20_006),
    (20_008, 20_006),
    (20_009, 20_006),
    (20_010, 20_007),
    (20_011, 20_008),
];

/// What is released and doomed is so after a restart.
pub(super) async fn doomed<S: MetaStore, F: Future<Output = S>>(open: &impl Fn() -> F) {
    let mut store = open().await;
    let blobs = stored(&store, 64).await;
    append(&store, sweep(64, 2, &[1], 20_001)).await;
    assert_eq!(store.counted_day().await.unwrap(), None);
    for (today, counted) in COUNTED {
        drop(store);
        store = open().await;
        assert_eq!(store.count_day(Day(today)).await.unwrap(), Day(counted), "{today}");
        assert_eq!(store.counted_day().await.unwrap(), Some(Day(counted)));
    }
    drop(store);
    let store = open().await;
    assert_eq!(listed(&store, 64).await[0], (1, Some(20_001)));
    store.doom(all_of(64), 9).await.unwrap();
    drop(store);
    let store = open().await;
    assert_eq!(listed(&store, 64).await, [(2, None), (3, None)]);
    assert_eq!(all_doomed(&store).await, [blobs[0].object]);
}
