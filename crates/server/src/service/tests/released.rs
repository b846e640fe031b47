//! What was released is kept for its days, and goes with its file.

use anonicloud_proto::commit::AddedBlob;

use super::*;
use crate::store::Day;
use crate::store::meta::{CommitOutcome, Doom, NewCommit};

/// A blob that a commit named and a sweep released today.
async fn release(fixture: &Fixture) -> (SpaceAccess, UploadId, PutBlob) {
    release_after(fixture, 0).await
}

/// The same behind `before` commits.
async fn release_after(fixture: &Fixture, before: u8) -> (SpaceAccess, UploadId, PutBlob) {
    let (service, access) = (&fixture.service, fixture.access().await);
    let upload = UploadId::from_bytes([1; 16]);
    service.open_upload(&access, &OpenUpload { upload, bytes: 50_000 }).await.unwrap();
    let blob = BlobId::from_bytes([before + 1; 32]);
    let put = PutBlob { upload, blob, offset: 0, size: FLOOR, hash: StoredHash::of(CONTENT) };
    let body = stream::iter([Ok(Bytes::from_static(CONTENT))]).boxed();
    assert!(service.put_blob(&access, put, body).await.unwrap().complete);
    let adds = vec![AddedBlob { blob, size: FLOOR }];
    let commit = |seq: u8| conformance::commit(1, seq, conformance::hash(1, seq - 1), &[]);
    let added = NewCommit { adds, ..commit(before + 1) };
    let day = fixture.clock.today();
    let released = NewCommit { releases: vec![blob], day, ..commit(before + 2) };
    for commit in [added, released] {
        assert_eq!(service.meta.append_commit(commit, 0).await.unwrap(), CommitOutcome::Applied);
    }
    (access, upload, put)
}

#[tokio::test]
async fn what_was_released_is_kept_for_thirty_days_and_then_goes_with_its_file() {
    let fixture = Fixture::new().await;
    let service = &fixture.service;
    release(&fixture).await;
    for _ in 0..30 {
        assert_eq!(service.collect_released().await.unwrap(), 0);
        fixture.clock.pass_days(1);
    }
    assert_eq!(service.collect_released().await.unwrap(), 0);
    assert_eq!(fixture.stored_files(), 1);
    fixture.clock.pass_days(1);
    assert_eq!(service.collect_released().await.unwrap(), 1);
    assert_eq!(fixture.stored_files(), 0);
    assert_eq!(service.collect_released().await.unwrap(), 0);
}

/// Nor when the server did not run for a year.
#[tokio::test]
async fn a_clock_that_jumps_frees_nothing_and_the_days_after_count() {
    let fixture = Fixture::new().await;
    let service = &fixture.service;
    release(&fixture).await;
    assert_eq!(service.collect_released().await.unwrap(), 0);
    fixture.clock.pass_days(400);
    for _ in 0..31 {
        assert_eq!(service.collect_released().await.unwrap(), 0);
        fixture.clock.pass_days(1);
    }
    assert_eq!(service.collect_released().await.unwrap(), 1);
    assert_eq!(fixture.stored_files(), 0);
}

/// A file that cannot be removed holds up no other.
#[tokio::test]
async fn one_file_that_cannot_be_removed_leaves_the_others_alone() {
    let fixture = Fixture::new().await;
    let service = &fixture.service;
    for before in [0, 2, 4] {
        release_after(&fixture, before).await;
    }
    service.meta.doom(Doom::Before(Day(u32::MAX)), 9).await.unwrap();
    let objects = service.meta.doomed(None, 9).await.unwrap();
    // A folder in the place of the first one's file.
    let first = fixture.files().into_iter().min().unwrap();
    fs_err::remove_file(&first).unwrap();
    fs_err::create_dir(&first).unwrap();
    assert!(service.collect_released().await.is_err());
    assert_eq!(fixture.files(), std::slice::from_ref(&first), "the others are gone");
    assert_eq!(service.meta.doomed(None, 9).await.unwrap(), objects[..1]);
    // It goes when it can.
    fs_err::remove_dir(first).unwrap();
    assert_eq!(service.collect_released().await.unwrap(), 0);
    assert_eq!(service.meta.doomed(None, 9).await.unwrap(), []);
}

/// A server that ended between the two: the row is gone, the file is not.
#[tokio::test]
async fn a_file_whose_row_is_doomed_goes_the_next_time() {
    let fixture = Fixture::new().await;
    let service = &fixture.service;
    let (access, upload, put) = release(&fixture).await;
    service.meta.doom(Doom::Before(Day(u32::MAX)), 9).await.unwrap();
    assert_eq!(fixture.stored_files(), 1);
    // Sent anew meanwhile, under the same id: that file stays.
    service.open_upload(&access, &OpenUpload { upload, bytes: 50_000 }).await.unwrap();
    let body = stream::iter([Ok(Bytes::from_static(CONTENT))]).boxed();
    assert!(service.put_blob(&access, put, body).await.unwrap().complete);
    assert_eq!(fixture.stored_files(), 2);
    assert_eq!(service.collect_released().await.unwrap(), 0);
    assert_eq!(fixture.stored_files(), 1);
    let state = service.blob_state(&access, upload, put.blob).await.unwrap();
    assert!(state.complete);
}
