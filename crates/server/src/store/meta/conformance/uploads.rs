//! Uploads: reservations, pages, tickets, ends.

use futures::future::join_all;

use super::super::{EndedBlob, MetaStore, OpenedUpload, TicketKept, UploadLimits};
use super::{blob, limits, new_account, request, usage};
use crate::store::Day;

/// A reservation is raised within the quota, and never lowered.
pub(super) async fn reservations(store: &impl MetaStore) {
    store.register(new_account(40)).await.unwrap();
    let open = async |upload, bytes| {
        let request = request(40, upload, 30_000);
        store.open_upload(request, bytes, limits(2)).await.unwrap()
    };
    assert_eq!(open(1, 4000).await, OpenedUpload::Reserved(4000));
    assert_eq!(open(2, 6000).await, OpenedUpload::Reserved(6000));
    assert_eq!(open(3, 0).await, OpenedUpload::TooMany);
    assert_eq!(open(2, 6001).await, OpenedUpload::QuotaExceeded);
    assert_eq!(open(2, u64::MAX).await, OpenedUpload::QuotaExceeded);
    assert_eq!(open(2, 1).await, OpenedUpload::Reserved(6000));
    assert_eq!(usage(store, 40).await, (0, 10_000));
    // Over the quota by what is to spare, and no further.
    let spare = async |bytes| {
        let limits = UploadLimits { count: 9, spare: 500 };
        store.open_upload(request(40, 3, 30_000), bytes, limits).await.unwrap()
    };
    assert_eq!(spare(501).await, OpenedUpload::QuotaExceeded);
    assert_eq!(spare(500).await, OpenedUpload::Reserved(500));
    // What is promised stays so.
    assert_eq!(open(2, 6000).await, OpenedUpload::Reserved(6000));
}

/// Another device finds what has begun, and the ticket.
pub(super) async fn pages_and_tickets(store: &impl MetaStore) {
    store.register(new_account(41)).await.unwrap();
    let upload = request(41, 1, 30_000);
    store.open_upload(upload, 1000, limits(2)).await.unwrap();
    let parts = [blob(1, 10, true), blob(2, 10, true), blob(3, 10, true)];
    for part in parts {
        store.begin_blob(upload, part).await.unwrap();
    }
    let page = async |after, count| {
        let rows = store.upload_blobs(upload, after, count).await.unwrap();
        rows.iter().map(|row| row.blob).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, [parts[0].blob, parts[1].blob]);
    assert_eq!(page(Some(parts[1].blob), 9).await, [parts[2].blob]);
    let set = async |upload, length| store.set_ticket(upload, vec![7; length], 16).await.unwrap();
    assert_eq!(set(upload, 10).await, TicketKept::Kept);
    assert_eq!(set(request(41, 9, 30_000), 6).await, TicketKept::NoUpload);
    let second = request(41, 2, 30_000);
    store.open_upload(second, 0, limits(2)).await.unwrap();
    assert_eq!(set(second, 7).await, TicketKept::TooMuch);
    // A ticket replaces the one before.
    assert_eq!(set(upload, 16).await, TicketKept::Kept);
    assert_eq!(set(second, 1).await, TicketKept::TooMuch);
    let listed = store.uploads(upload.space, None, 9).await.unwrap();
    assert_eq!(listed.len(), 2);
    let ticket = listed[0].ticket.as_ref().unwrap();
    assert_eq!(ticket.as_bytes(), [7; 16]);
    assert!(listed[1].ticket.is_none());
    let after = store.uploads(upload.space, Some(upload.upload), 9).await.unwrap();
    assert_eq!(after.len(), 1);
    assert!(after[0].ticket.is_none());
    assert_eq!(store.uploads(upload.space, None, 1).await.unwrap().len(), 1);
}

/// An upload ends when it is told to or idle, and gives back its reservation and objects.
pub(super) async fn ends(store: &impl MetaStore) {
    store.register(new_account(42)).await.unwrap();
    let (idle, busy) = (request(42, 1, 20_000), request(42, 2, 20_000));
    store.open_upload(idle, 4000, limits(2)).await.unwrap();
    store.open_upload(busy, 6000, limits(2)).await.unwrap();
    let parts = [blob(1, 10, true), blob(2, 10, true)];
    for part in parts {
        store.begin_blob(idle, part).await.unwrap();
    }
    let touch = async |upload| {
        let request = request(42, upload, 20_008);
        store.touch_upload(request).await.unwrap()
    };
    assert_eq!(touch(2).await, Some(6000));
    assert_eq!(touch(9).await, None);
    store.flush().await.unwrap();
    let end_idle = async |before| store.end_idle_uploads(Day(before), 9).await.unwrap();
    assert_eq!(end_idle(20_000).await.0, 0);
    let (ended, mut blobs) = end_idle(20_001).await;
    let expected = parts.map(|part| EndedBlob { space: idle.space, blob: part.blob, object: part.object });
    blobs.sort_unstable_by_key(|ended| ended.blob);
    assert_eq!((ended, blobs), (1, expected.to_vec()));
    assert_eq!(usage(store, 42).await, (0, 6000));
    let end = async || store.end_upload(busy.space, busy.upload).await.unwrap();
    assert_eq!(end().await, Some(Vec::new()));
    assert_eq!(end().await, None);
    assert_eq!(usage(store, 42).await, (0, 0));
}

/// Requests at once share the quota and never exceed it.
pub(super) async fn quota_at_once(store: &impl MetaStore) {
    store.register(new_account(50)).await.unwrap();
    let opening = (0..64).map(|name| store.open_upload(request(50, name, 20_000), 1000, limits(1024)));
    let opened = join_all(opening).await;
    let reserved = opened.into_iter().filter(|opened| matches!(opened, Ok(OpenedUpload::Reserved(1000))));
    assert_eq!(reserved.count(), 10);
    assert_eq!(usage(store, 50).await, (0, 10_000));
}
