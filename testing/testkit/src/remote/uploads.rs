//! Uploads: reservations, tickets, ends.

use anonicloud_client::remote::Remote;
use anonicloud_proto::api::{Base64, ErrorCode, OpenUpload};
use anonicloud_proto::capability::Right;
use anonicloud_proto::ids::{BlobId, UploadId};
use anonicloud_proto::limits::{TICKET_MAX, UPLOAD_IDLE_DAYS};
use bytes::Bytes;

use super::actor::Actor;
use super::{QUOTA, Suite};

const MIB: u64 = 1 << 20;
/// An upload of this many bytes may go over the quota, by [`SPARE`] in all.
const SMALL: u64 = 256 << 10;
const SPARE: u64 = 16 * MIB;

impl<R: Remote> Suite<R> {
    /// What is reserved counts against the quota; small uploads may go over it for a while.
    pub(super) async fn reservations(&self) {
        let remote = &self.remote;
        let (actor, _) = Actor::with_space(remote, "reservations").await;
        // Who has the right to manage too goes deeper over the quota.
        let access = actor.open(remote, &[Right::Read, Right::Append, Right::Write]).await;
        let first = UploadId::from_bytes([1; 16]);
        let open = async |upload, bytes| remote.open_upload(&access, &OpenUpload { upload, bytes }).await;
        for (asked, reserved) in [(MIB, MIB), (3 * MIB, 3 * MIB), (2 * MIB, 3 * MIB)] {
            let answer = open(first, asked).await.expect("room");
            assert_eq!((answer.upload, answer.reserved, answer.idle_days), (first, reserved, UPLOAD_IDLE_DAYS));
            assert_eq!(actor.account(remote).await.reserved, reserved);
        }
        let second = UploadId::from_bytes([2; 16]);
        self.refused(open(second, QUOTA - 3 * MIB + 1).await, ErrorCode::QuotaExceeded);
        self.refused(open(second, u64::MAX).await, ErrorCode::QuotaExceeded);
        self.refused(remote.upload_state(&access, &second, None).await, ErrorCode::NotFound);
        open(second, QUOTA - 3 * MIB).await.expect("all the room there is");
        self.refused(open(first, 3 * MIB + 1).await, ErrorCode::QuotaExceeded);
        self.refused(open(UploadId::from_bytes([3; 16]), SMALL + 1).await, ErrorCode::QuotaExceeded);
        let small = |number: u64| {
            let mut id = [4; 16];
            id[..8].copy_from_slice(&number.to_be_bytes());
            UploadId::from_bytes(id)
        };
        for number in 0..SPARE / SMALL {
            open(small(number), SMALL).await.expect("room over the quota");
        }
        self.refused(open(small(SPARE), 1).await, ErrorCode::QuotaExceeded);
        open(small(SPARE), 0).await.expect("an upload of nothing");
        remote.end_upload(&access, &second).await.expect("an end");
        assert_eq!(actor.account(remote).await.reserved, 3 * MIB + SPARE);
        open(second, QUOTA - 3 * MIB - SPARE).await.expect("the room that was given back");
    }

    /// An upload keeps the newest ticket left with it, up to a length.
    pub(super) async fn tickets(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "tickets").await;
        let upload = actor.upload(remote, &access, 0).await;
        let ticket = async || remote.uploads(&access, None).await.expect("uploads").uploads[0].ticket.clone();
        assert_eq!(ticket().await, None);
        for text in ["first", "second"] {
            remote.put_ticket(&access, &upload, Bytes::from(text)).await.expect("a ticket");
            assert_eq!(ticket().await, Some(Base64::new(text.into())));
        }
        let long = Bytes::from(vec![1; TICKET_MAX + 1]);
        self.refused(remote.put_ticket(&access, &upload, long.clone()).await, ErrorCode::TooLarge);
        let unknown = UploadId::from_bytes([9; 16]);
        self.refused(remote.put_ticket(&access, &unknown, Bytes::new()).await, ErrorCode::NotFound);
        // Together they may have 4 MiB.
        let longest = long.slice(1..);
        for _ in 0..(4 << 20) / TICKET_MAX - 1 {
            let upload = actor.upload(remote, &access, 0).await;
            remote.put_ticket(&access, &upload, longest.clone()).await.expect("a ticket");
        }
        let last = actor.upload(remote, &access, 0).await;
        self.refused(remote.put_ticket(&access, &last, longest.clone()).await, ErrorCode::QuotaExceeded);
        remote.put_ticket(&access, &upload, longest).await.expect("instead of the one it had");
    }

    /// An upload that ends takes what no commit names with it.
    pub(super) async fn ends_of_uploads(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "ends").await;
        let upload = actor.upload(remote, &access, MIB).await;
        let blob = actor.sent(remote, &access, &upload, 20_000).await;
        let state = remote.upload_state(&access, &upload, None).await.expect("a state");
        assert_eq!((state.reserved, state.blobs.len(), state.more), (MIB, 1, false));
        assert_eq!((state.blobs[0].blob, state.blobs[0].stored, state.blobs[0].complete), (blob.blob, 20_000, true));
        let unknown = remote.blob_state(&access, &upload, &BlobId::from_bytes([7; 32])).await.expect("a state");
        assert_eq!((unknown.stored, unknown.complete), (0, false));
        remote.end_upload(&access, &upload).await.expect("an end");
        self.refused(remote.end_upload(&access, &upload).await, ErrorCode::NotFound);
        self.refused(remote.upload_state(&access, &upload, None).await, ErrorCode::NotFound);
        self.refused(remote.blob_state(&access, &upload, &blob.blob).await, ErrorCode::NotFound);
        self.refused(remote.put_blob(&access, &upload, blob.clone()).await, ErrorCode::NotFound);
        assert_eq!(actor.account(remote).await.reserved, 0);
        let head = remote.head(&access).await.expect("a head");
        let commit = super::actor::posted(&actor.tree(&head, b"body", &[&blob]));
        self.refused(remote.commit(&access, commit).await, ErrorCode::BlobMissing);
    }
}
