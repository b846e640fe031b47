//! Blobs: begun, complete, committed, removed.

use super::super::{Begun, CommitOutcome, CommittedBlob, MetaStore, NewBlob, RemovedBlob, UploadRequest};
use super::{added, blob, commit, hash, limits, new_account, request, usage};

/// A blob begins in one upload, within its reservation, and moves to another with its charge.
pub(super) async fn begun(store: &impl MetaStore) {
    store.register(new_account(30)).await.unwrap();
    let (first, second) = (request(30, 1, 30_000), request(30, 2, 30_000));
    let begin = async |request: UploadRequest, blob: NewBlob| store.begin_blob(request, blob).await.unwrap();
    assert_eq!(begin(first, blob(1, 100, true)).await, Begun::NoUpload);
    for request in [first, second] {
        store.open_upload(request, 1000, limits(8)).await.unwrap();
    }
    assert_eq!(begin(first, blob(1, 100, false)).await, Begun::NothingStored);
    let one = blob(1, 600, true);
    assert_eq!(begin(first, one).await, Begun::Write(one.object));
    let more = begin(first, blob(1, 600, false)).await;
    assert_eq!(more, Begun::Write(one.object));
    assert_eq!(begin(first, blob(2, 401, true)).await, Begun::QuotaExceeded);
    // Other bytes: not in the middle, but from the start.
    assert_eq!(begin(first, blob(1, 500, false)).await, Begun::Conflict);
    let other = blob(1, 500, true);
    assert_eq!(begin(first, other).await, Begun::Replaced(one.object));
    let moved = begin(second, blob(1, 500, false)).await;
    assert_eq!(moved, Begun::Write(other.object));
    let large = blob(2, 1000, true);
    assert_eq!(begin(first, large).await, Begun::Write(large.object));
    let removed = async |request, blob| store.remove_blob(request, blob).await.unwrap();
    assert_eq!(removed(second, large.blob).await, RemovedBlob::Absent);
    assert_eq!(removed(first, large.blob).await, RemovedBlob::Gone(large.object));
    assert_eq!(begin(first, large).await, Begun::Write(large.object));
    let named = store.objects(other.object.as_bytes()[0]).await.unwrap();
    assert!(named.contains(&other.object) && !named.contains(&one.object));
}

/// A commit takes complete blobs of the size it names, and what they were charged.
pub(super) async fn committed(store: &impl MetaStore) {
    store.register(new_account(31)).await.unwrap();
    let upload = request(31, 1, 30_000);
    store.open_upload(upload, 2000, limits(8)).await.unwrap();
    let one = blob(1, 500, true);
    store.begin_blob(upload, one).await.unwrap();
    let next = commit(31, 1, hash(31, 0), &[added(1, 500)]);
    let append = async |commit: &_| store.append_commit(Clone::clone(commit), 0).await.unwrap();
    assert_eq!(append(&next).await, CommitOutcome::BlobMissing);
    let stale = blob(1, 500, true).object;
    let complete = async |object| store.complete_blob(upload.space, one.blob, object).await;
    assert!(!complete(stale).await.unwrap());
    assert!(complete(one.object).await.unwrap());
    let again = store.begin_blob(upload, blob(1, 500, false)).await.unwrap();
    assert_eq!(again, Begun::Complete);
    let other = store.begin_blob(upload, blob(1, 501, true)).await.unwrap();
    assert_eq!(other, Begun::Conflict);
    let resized = commit(31, 1, hash(31, 0), &[added(1, 501)]);
    assert_eq!(append(&resized).await, CommitOutcome::BlobMissing);
    let found = async |size| store.adds_found(upload.space, vec![added(1, size)]).await.unwrap();
    assert!(found(500).await && !found(501).await);
    let found = async || store.committed_blob(upload.space, one.blob).await.unwrap();
    assert_eq!(found().await, None);
    assert_eq!(usage(store, 31).await, (0, 2000));
    assert_eq!(append(&next).await, CommitOutcome::Applied);
    // The blob, and 102 bytes of the commit.
    assert_eq!(usage(store, 31).await, (602, 1500));
    let kept = CommittedBlob { object: one.object, size: 500 };
    assert_eq!(found().await, Some(kept));
    let removed = store.remove_blob(upload, one.blob).await.unwrap();
    assert_eq!(removed, RemovedBlob::Committed);
}
