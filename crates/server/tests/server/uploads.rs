//! Blobs: resumed, written once, within the reservation and the quota.

use anonicloud_proto::api::{BlobProgress, BlobState, ErrorCode, UploadAnswer, UploadState, UploadsAnswer};
use anonicloud_proto::capability::Right;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{BlobId, UploadId};
use anonicloud_proto::limits::UPLOADS_PAGE;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::actor::Actor;
use crate::process::{Server, expect, expect_status, refused};
use crate::space::{Blob, Space, commit_len, usage};

#[tokio::test]
async fn a_blob_goes_on_after_a_cut_at_any_offset() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 100 << 20).await;
    let size = (2 << 20) + 17;
    let cuts = [1, 4095, 65_536, (512 << 10) - 1, 512 << 10, (1 << 20) + 3, size - 1];
    let mut blobs = Vec::new();
    for (name, cut) in (1..).zip(cuts) {
        let blob = Blob::new(name, size);
        send_and_break(&server, &space, upload, &blob, cut).await;
        let stored = wait_for(&server, &space, upload, &blob, cut).await;
        let progress: BlobProgress = expect(space.sending(&server, upload, &blob, stored), 200).await;
        assert!(progress.complete, "cut at {cut}");
        blobs.push(blob);
    }
    space.commit(&server, &alice, &blobs.iter().collect::<Vec<_>>()).await;
    for blob in &blobs {
        let read = expect_status(space.reading(&server, blob), 200).await;
        assert!(read.bytes().await.unwrap() == blob.bytes);
    }
}

/// Announces a whole blob, sends `cut` bytes of it and breaks the connection.
async fn send_and_break(server: &Server, space: &Space, upload: UploadId, blob: &Blob, cut: usize) {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: x\r\nanonicloud-api: 1\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        space.path(&blob.put_path(upload, 0)),
        space.token,
        blob.bytes.len(),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&blob.bytes[..cut]).await.unwrap();
    stream.flush().await.unwrap();
}

/// Asks until all that was sent has arrived, and gives how much is stored.
async fn wait_for(server: &Server, space: &Space, upload: UploadId, blob: &Blob, cut: usize) -> usize {
    loop {
        let state = state(server, space, upload, "").await;
        let found = state.blobs.iter().find(|state| state.blob == blob.id);
        let stored = found.map_or(0, |state| usize::try_from(state.stored).unwrap());
        assert!(stored <= cut && found.is_none_or(|state| !state.complete));
        if stored == cut {
            return stored;
        }
        tokio::task::yield_now().await;
    }
}

async fn state(server: &Server, space: &Space, upload: UploadId, query: &str) -> UploadState {
    let path = space.path(&format!("uploads/{upload}{query}"));
    expect(server.get(&path).bearer_auth(&space.token), 200).await
}

#[tokio::test]
async fn bytes_go_behind_those_stored_or_over_them() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let blob = Blob::new(1, 20_000);
    let part = |from: usize, to: usize| {
        server
            .put(&space.path(&blob.put_path(upload, from)))
            .bearer_auth(&space.token)
            .body(blob.bytes[from..to].to_vec())
    };
    assert_eq!(refused(part(1, 500)).await, ErrorCode::OffsetMismatch);
    let progress = |stored| BlobProgress { stored, complete: false };
    assert_eq!(expect::<BlobProgress>(part(0, 500), 200).await, progress(500));
    assert_eq!(refused(part(501, 20_000)).await, ErrorCode::OffsetMismatch);
    assert_eq!(expect::<BlobProgress>(part(200, 300), 200).await, progress(300));
    let expected = BlobState { blob: blob.id, stored: 300, complete: false };
    assert_eq!(state(&server, &space, upload, "").await.blobs, std::slice::from_ref(&expected));
    let asked = async || -> BlobState {
        let path = space.path(&format!("uploads/{upload}/blobs/{}", blob.id));
        expect(server.get(&path).bearer_auth(&space.token), 200).await
    };
    assert_eq!(asked().await, expected);
    let whole: BlobProgress = expect(part(300, 20_000), 200).await;
    assert!(whole.complete && whole.stored == 20_000);
    // It is there: the body is not even read.
    let again: BlobProgress = expect(part(20_000, 20_000), 200).await;
    assert!(again.complete);
    assert_eq!(asked().await, BlobState { blob: blob.id, stored: 20_000, complete: true });
    let path = |upload: UploadId| {
        let blob = BlobId::from_bytes([9; 32]);
        let path = space.path(&format!("uploads/{upload}/blobs/{blob}"));
        server.get(&path).bearer_auth(&space.token)
    };
    let absent: BlobState = expect(path(upload), 200).await;
    assert_eq!((absent.stored, absent.complete), (0, false));
    let other = UploadId::from_bytes([9; 16]);
    assert_eq!(refused(path(other)).await, ErrorCode::NotFound);
}

#[tokio::test]
async fn a_blob_is_written_once() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let blob = Blob::new(1, 20_000);
    space.send(&server, upload, &blob).await;
    let mut other = Blob::new(2, 20_000);
    other.id = blob.id;
    assert_eq!(refused(space.sending(&server, upload, &other, 0)).await, ErrorCode::BlobConflict);
    let second = space.open_upload(&server, 2, 1 << 20).await;
    space.send(&server, second, &blob).await;
    space.commit(&server, &alice, &[&blob]).await;
    space.send(&server, second, &blob).await;
    assert_eq!(refused(space.sending(&server, second, &other, 0)).await, ErrorCode::BlobConflict);
    let path = space.path(&format!("uploads/{upload}/blobs/{}", blob.id));
    let delete = server.delete(&path).bearer_auth(&space.token);
    assert_eq!(refused(delete).await, ErrorCode::BlobConflict);
    // The same id in another space is another blob.
    let (bob, his) = Actor::with_space(&server, "bob").await;
    let upload = his.open_upload(&server, 1, 1 << 20).await;
    his.send(&server, upload, &other).await;
    his.commit(&server, &bob, &[&other]).await;
    let read = expect_status(his.reading(&server, &other), 200).await;
    assert_eq!(read.bytes().await.unwrap(), other.bytes);
    let read = expect_status(space.reading(&server, &blob), 200).await;
    assert_eq!(read.bytes().await.unwrap(), blob.bytes);
}

#[tokio::test]
async fn bytes_that_do_not_hash_as_announced_are_gone() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 40_000).await;
    let blob = Blob::new(1, 20_000);
    let put = |bytes: Vec<u8>| server.put(&space.path(&blob.put_path(upload, 0))).bearer_auth(&space.token).body(bytes);
    let mut flipped = blob.bytes.clone();
    flipped[19_999] ^= 1;
    let mut longer = blob.bytes.clone();
    longer.push(0);
    for wrong in [flipped, longer] {
        assert_eq!(refused(put(wrong)).await, ErrorCode::BlobMismatch);
        assert_eq!(state(&server, &space, upload, "").await.blobs, []);
    }
    // Neither is charged: there is room for exactly two such blobs.
    space.send(&server, upload, &blob).await;
    space.send(&server, upload, &Blob::new(2, 20_000)).await;
    let third = space.sending(&server, upload, &Blob::new(3, 16 << 10), 0);
    assert_eq!(refused(third).await, ErrorCode::QuotaExceeded);
}

#[tokio::test]
async fn the_quota_holds_for_what_is_used_and_promised() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let server = Server::start_with(folder, &["--quota", "10MiB"]).await;
    let alice = Actor::registered(&server, "alice").await;
    let space = alice.open_space(&server, &[Right::Read, Right::Append, Right::Write]).await;
    let first = space.open_upload(&server, 1, 6000 << 10).await;
    let second = UploadId::from_bytes([2; 16]);
    for bytes in [(4240 << 10) + 1, u64::MAX, i64::MAX.unsigned_abs()] {
        let open = space.opening(&server, second, bytes);
        assert_eq!(refused(open).await, ErrorCode::QuotaExceeded);
    }
    let lower: UploadAnswer = expect(space.opening(&server, first, 10), 200).await;
    assert_eq!(lower.reserved, 6000 << 10);
    space.open_upload(&server, 2, 4240 << 10).await;
    let more = space.opening(&server, first, (6000 << 10) + 1);
    assert_eq!(refused(more).await, ErrorCode::QuotaExceeded);
    let blob = Blob::new(1, 5000 << 10);
    space.send(&server, first, &blob).await;
    let big = space.sending(&server, first, &Blob::new(9, (1000 << 10) + 1), 0);
    assert_eq!(refused(big).await, ErrorCode::QuotaExceeded);
    assert_eq!(usage(&server, &alice).await, (0, 10 << 20));
    space.commit(&server, &alice, &[&blob]).await;
    let used = (5000 << 10) + commit_len(&space.head(&server).await);
    assert_eq!(usage(&server, &alice).await, (used, 5240 << 10));
    let rest = Blob::new(2, 900 << 10);
    space.send(&server, first, &rest).await;
    let path = space.path(&format!("uploads/{first}"));
    expect_status(server.delete(&path).bearer_auth(&space.token), 204).await;
    assert_eq!(usage(&server, &alice).await, (used, 4240 << 10));
    let gone = server.get(&path).bearer_auth(&space.token);
    assert_eq!(refused(gone).await, ErrorCode::NotFound);
    // The committed blob stays, the other went with its upload and may come again.
    expect_status(space.reading(&server, &blob), 200).await;
    space.open_upload(&server, 3, 900 << 10).await;
    space.send(&server, UploadId::from_bytes([3; 16]), &rest).await;
}

#[tokio::test]
async fn another_device_finds_uploads_tickets_and_pages_of_blobs() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let path = space.path(&format!("uploads/{upload}/ticket"));
    let put = |bytes: Vec<u8>| server.put(&path).bearer_auth(&space.token).body(bytes);
    expect_status(put(b"sealed".to_vec()), 204).await;
    assert_eq!(refused(put(vec![0; (64 << 10) + 1])).await, ErrorCode::TooLarge);
    let list: UploadsAnswer = expect(server.get(&space.path("uploads")).bearer_auth(&space.token), 200).await;
    assert_eq!(list.uploads.len(), 1);
    assert_eq!(list.uploads[0].upload, upload);
    assert_eq!(list.uploads[0].ticket.as_ref().unwrap().as_bytes(), b"sealed");
    for name in [3, 1, 2] {
        space.send(&server, upload, &Blob::new(name, 16 << 10)).await;
    }
    let all = state(&server, &space, upload, "").await;
    let ids: Vec<BlobId> = all.blobs.iter().map(|state| state.blob).collect();
    assert_eq!(ids, [1, 2, 3].map(|name| BlobId::from_bytes([name; 32])));
    assert!(!all.more);
    let after = state(&server, &space, upload, &format!("?after={}", ids[0])).await;
    assert_eq!(after.blobs, all.blobs[1..]);
}

#[tokio::test]
async fn uploads_are_listed_by_pages() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let most = u8::try_from(UPLOADS_PAGE).unwrap();
    for name in 0..=most {
        space.open_upload(&server, name, 0).await;
    }
    let page = async |query: &str| -> UploadsAnswer {
        expect(server.get(&space.path(&format!("uploads{query}"))).bearer_auth(&space.token), 200).await
    };
    let first = page("").await;
    assert_eq!((first.uploads.len(), first.more), (UPLOADS_PAGE, true));
    let last = first.uploads.last().unwrap().upload;
    let rest = page(&format!("?after={last}")).await;
    assert_eq!((rest.uploads.len(), rest.more), (1, false));
    assert!(rest.uploads[0].upload > last);
}

#[tokio::test]
async fn a_newer_request_takes_a_blob_over_from_a_stalled_one() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let blob = Blob::new(1, 100_000);
    let mut stalled = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: x\r\nanonicloud-api: 1\r\nauthorization: Bearer {}\r\ncontent-length: 100000\r\n\r\n",
        space.path(&blob.put_path(upload, 0)),
        space.token,
    );
    stalled.write_all(head.as_bytes()).await.unwrap();
    stalled.write_all(&blob.bytes[..50_000]).await.unwrap();
    wait_for_begin(&server, &space, upload).await;
    space.send(&server, upload, &blob).await;
    stalled.write_all(&blob.bytes[50_000..]).await.unwrap();
    let mut answer = [0; 12];
    stalled.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 409");
}

async fn wait_for_begin(server: &Server, space: &Space, upload: UploadId) {
    while state(server, space, upload, "").await.blobs.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn ranges_give_the_bytes_asked_for() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 5 << 20).await;
    let blob = Blob::new(1, (3 << 20) + 1);
    space.send(&server, upload, &blob).await;
    assert_eq!(refused(space.reading(&server, &blob)).await, ErrorCode::NotFound);
    space.commit(&server, &alice, &[&blob]).await;
    let size = blob.bytes.len();
    for (from, to) in [(0, 1), (size - 1, size), (1000, 2_000_000), (0, size)] {
        let range = format!("bytes={from}-{}", to - 1);
        let get = space.reading(&server, &blob).header("range", range);
        let response = expect_status(get, 206).await;
        let content_range = format!("bytes {from}-{}/{size}", to - 1);
        assert_eq!(response.headers()["content-range"], content_range.as_str());
        assert_eq!(response.content_length(), Some((to - from) as u64));
        assert!(response.bytes().await.unwrap() == blob.bytes[from..to]);
    }
    let past = space.reading(&server, &blob).header("range", format!("bytes={size}-"));
    assert_eq!(refused(past).await, ErrorCode::BadRequest);
}

#[tokio::test]
async fn limits_of_a_blob_hold() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 100 << 20).await;
    let hash = StoredHash::of(b"");
    let put = |offset: u64, size: u64| {
        let id = BlobId::from_bytes([1; 32]);
        let query = format!("offset={offset}&size={size}&hash={hash}");
        server.put(&space.path(&format!("uploads/{upload}/blobs/{id}?{query}"))).bearer_auth(&space.token)
    };
    assert_eq!(refused(put(0, (5 << 20) + 1)).await, ErrorCode::TooLarge);
    for (offset, size) in [(0, 0), (0, (16 << 10) - 1), ((16 << 10) + 1, 16 << 10)] {
        assert_eq!(refused(put(offset, size)).await, ErrorCode::BadRequest, "{offset} {size}");
    }
    let elsewhere = UploadId::from_bytes([9; 16]);
    let nowhere = space.sending(&server, elsewhere, &Blob::new(1, 16 << 10), 0);
    assert_eq!(refused(nowhere).await, ErrorCode::NotFound);
    let largest = Blob::new(1, 5 << 20);
    space.send(&server, upload, &largest).await;
}
