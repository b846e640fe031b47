//! Blobs: offsets, write-once, what each charges, ranges.

use anonicloud_client::remote::{BlobPart, Remote, RemoteError};
use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::limits::{BLOB_MAX, PACK_FLOOR};

use super::Suite;
use super::actor::{Actor, posted};

const LEN: usize = 50_000;

/// The bytes of a blob from `from` to `to`.
fn cut(whole: &BlobPart, from: usize, to: usize) -> BlobPart {
    BlobPart { offset: from as u64, bytes: whole.bytes.slice(from..to), ..whole.clone() }
}

impl<R: Remote> Suite<R> {
    /// Bytes go behind those that are stored, or over them; the blob is complete when all are there and hash right.
    pub(super) async fn blobs_in_pieces(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "pieces").await;
        let upload = actor.upload(remote, &access, 1 << 20).await;
        let whole = actor.blob(LEN);
        let put = async |part: BlobPart| remote.put_blob(&access, &upload, part).await;
        let stored = async || remote.blob_state(&access, &upload, &whole.blob).await.expect("a state").stored;
        self.refused(put(cut(&whole, 1, LEN)).await, ErrorCode::OffsetMismatch);
        assert_eq!(stored().await, 0);
        for (from, to) in [(0, 20_000), (20_000, 30_000), (10_000, 25_000)] {
            let progress = put(cut(&whole, from, to)).await.expect("a piece");
            assert_eq!((progress.stored, progress.complete), (to as u64, false));
            assert_eq!(stored().await, to as u64);
        }
        self.refused(put(cut(&whole, 25_001, LEN)).await, ErrorCode::OffsetMismatch);
        let progress = put(cut(&whole, 25_000, LEN)).await.expect("the rest");
        assert_eq!((progress.stored, progress.complete), (LEN as u64, true));

        let wrong = BlobPart { hash: StoredHash::of(b"other"), ..actor.blob(LEN) };
        put(cut(&wrong, 0, 40_000)).await.expect("a piece");
        self.refused(put(cut(&wrong, 40_000, LEN)).await, ErrorCode::BlobMismatch);
        let long = BlobPart { size: 40_000, ..actor.blob(LEN) };
        self.refused(put(long.clone()).await, ErrorCode::BlobMismatch);
        for part in [wrong, long] {
            let state = remote.blob_state(&access, &upload, &part.blob).await.expect("a state");
            assert_eq!((state.stored, state.complete), (0, false), "nothing of it is left");
        }
        let state = remote.upload_state(&access, &upload, None).await.expect("a state");
        assert_eq!(state.blobs.len(), 1);

        self.refused(put(BlobPart { size: BLOB_MAX + 1, ..actor.blob(LEN) }).await, ErrorCode::TooLarge);
        self.refused(put(BlobPart { size: PACK_FLOOR - 1, ..actor.blob(LEN) }).await, ErrorCode::BadRequest);
        self.refused(put(BlobPart { offset: LEN as u64 + 1, ..actor.blob(LEN) }).await, ErrorCode::BadRequest);
    }

    /// A complete blob stays what it is; one that is begun may be begun anew, with other bytes too.
    pub(super) async fn blobs_written_once(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "once").await;
        let upload = actor.upload(remote, &access, 3 * LEN as u64 / 2).await;
        let put = async |part: BlobPart| remote.put_blob(&access, &upload, part).await;
        let whole = actor.sent(remote, &access, &upload, LEN).await;
        for offset in [0, LEN] {
            let progress = put(cut(&whole, offset, LEN)).await.expect("it is there");
            assert_eq!((progress.stored, progress.complete), (LEN as u64, true));
        }
        let other = BlobPart { blob: whole.blob, ..actor.blob(LEN) };
        self.refused(put(other.clone()).await, ErrorCode::BlobConflict);
        self.refused(put(BlobPart { size: 40_000, ..whole.clone() }).await, ErrorCode::BlobConflict);
        // A second one is over the reservation, until the first goes.
        let begun = actor.blob(LEN);
        self.refused(put(cut(&begun, 0, 1)).await, ErrorCode::QuotaExceeded);
        self.refused(remote.drop_blob(&access, &upload, &begun.blob).await, ErrorCode::NotFound);
        remote.drop_blob(&access, &upload, &whole.blob).await.expect("it was not committed");
        self.refused(remote.drop_blob(&access, &upload, &whole.blob).await, ErrorCode::NotFound);

        put(cut(&begun, 0, 20_000)).await.expect("a piece");
        let instead = BlobPart { blob: begun.blob, ..actor.blob(LEN) };
        self.refused(put(cut(&instead, 20_000, LEN)).await, ErrorCode::BlobConflict);
        let too_long = BlobPart { blob: begun.blob, ..actor.blob(2 * LEN) };
        self.refused(put(too_long).await, ErrorCode::QuotaExceeded);
        let progress = put(instead).await.expect("other bytes from the first one on");
        assert!(progress.complete);
        let head = remote.head(&access).await.expect("a head");
        let committed = actor.tree(&head, b"body", &[&BlobPart { blob: begun.blob, ..other }]);
        remote.commit(&access, posted(&committed)).await.expect("a commit");
        self.refused(remote.drop_blob(&access, &upload, &begun.blob).await, ErrorCode::BlobConflict);
    }

    /// A blob that is begun is charged to the upload that goes on with it.
    pub(super) async fn blobs_of_two_uploads(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "two-uploads").await;
        let len = LEN as u64;
        let first = actor.upload(remote, &access, len).await;
        let second = actor.upload(remote, &access, len).await;
        let small = actor.upload(remote, &access, len - 1).await;
        let whole = actor.blob(LEN);
        remote.put_blob(&access, &first, cut(&whole, 0, 20_000)).await.expect("a piece");
        let rest = cut(&whole, 20_000, LEN);
        self.refused(remote.put_blob(&access, &small, rest.clone()).await, ErrorCode::QuotaExceeded);
        self.refused(remote.drop_blob(&access, &second, &whole.blob).await, ErrorCode::NotFound);
        let seen = remote.blob_state(&access, &second, &whole.blob).await.expect("a state");
        assert_eq!(seen.stored, 20_000);
        remote.put_blob(&access, &second, rest).await.expect("the rest");
        let blobs = async |upload| remote.upload_state(&access, upload, None).await.expect("a state").blobs.len();
        assert_eq!((blobs(&first).await, blobs(&second).await), (0, 1));
        actor.sent(remote, &access, &first, LEN).await;
        self.refused(remote.put_blob(&access, &second, actor.blob(LEN)).await, ErrorCode::QuotaExceeded);
        // Complete, it answers to whoever sends it, and stays where it is.
        remote.put_blob(&access, &small, whole.clone()).await.expect("it is there");
        remote.end_upload(&access, &second).await.expect("an end");
        let gone = remote.blob_state(&access, &first, &whole.blob).await.expect("a state");
        assert_eq!((gone.stored, gone.complete), (0, false));
    }

    /// What a commit names can be read, whole and in parts.
    pub(super) async fn blobs_read(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "reads").await;
        let upload = actor.upload(remote, &access, 1 << 20).await;
        let blob = actor.sent(remote, &access, &upload, LEN).await;
        let get = async |range| remote.get_blob(&access, &blob.blob, range).await;
        self.refused(get(None).await, ErrorCode::NotFound);
        let head = remote.head(&access).await.expect("a head");
        remote.commit(&access, posted(&actor.tree(&head, b"body", &[&blob]))).await.expect("a commit");
        let len = LEN as u64;
        assert_eq!(get(None).await.expect("all"), blob.bytes);
        assert_eq!(get(Some(0..len)).await.expect("all"), blob.bytes);
        assert_eq!(get(Some(100..30_000)).await.expect("a part"), blob.bytes.slice(100..30_000));
        assert_eq!(get(Some(len - 1..len)).await.expect("the last byte"), blob.bytes.slice(LEN - 1..));
        assert!(get(Some(7..7)).await.expect("nothing").is_empty());
        assert!(matches!(get(Some(0..len + 1)).await, Err(RemoteError::Malformed { .. })));
        self.refused(get(Some(len..len + 1)).await, ErrorCode::BadRequest);
        let unknown = remote.get_blob(&access, &BlobId::from_bytes([5; 32]), None).await;
        self.refused(unknown, ErrorCode::NotFound);
        let (_, stranger) = Actor::with_space(remote, "reads-stranger").await;
        self.refused(remote.get_blob(&stranger, &blob.blob, None).await, ErrorCode::NotFound);
    }
}
