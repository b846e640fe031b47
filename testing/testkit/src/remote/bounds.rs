//! Bounds on what a peer can make a server keep.

use std::time::Duration;

use anonicloud_client::remote::{BlobPart, Remote};
use anonicloud_proto::api::{AddDevice, Base64, ErrorCode, NewDevice, OpenUpload, RemoveDevice};
use anonicloud_proto::capability::Right;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{DeviceId, UploadId};
use anonicloud_proto::limits::{
    COMMIT_REQUEST_MAX, PACK_FLOOR, SIGCHAIN_ADDS_END, UPLOAD_PAGE_BLOBS, UPLOADS_PER_SPACE,
};

use super::Suite;
use super::actor::{ALL_RIGHTS, Actor, public, session};

/// Requests at once, and after how long to come again.
const RATE_BURST: usize = 1 << 14;
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl<R: Remote> Suite<R> {
    /// A chain takes devices up to its bound, and goes on losing them.
    pub(super) async fn sigchain_bound(&self) {
        let remote = &self.remote;
        let actor = Actor::registered(remote, "sigchain-bound").await;
        let token = session(&actor.login(remote).await);
        let links = remote.sigchain(&token).await.expect("the chain").links;
        let mut prev = ChainHash::of(links[1].as_bytes());
        let device = |seq: u64| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&seq.to_le_bytes());
            DeviceId::from_bytes(id)
        };
        let add = |seq: u64, prev| {
            let new = NewDevice { device: device(seq), auth_public_key: public(&actor.device_key) };
            AddDevice { device: new, prev, link: Base64::new(actor.link(seq, prev, b"")) }
        };
        for seq in 2..SIGCHAIN_ADDS_END {
            let add = add(seq, prev);
            remote.add_device(&token, &add).await.expect("a device");
            prev = ChainHash::of(add.link.as_bytes());
        }
        let over = add(SIGCHAIN_ADDS_END, prev);
        self.refused(remote.add_device(&token, &over).await, ErrorCode::SigchainFull);
        let removal = RemoveDevice { device: device(3), prev, link: over.link };
        remote.remove_device(&token, &removal).await.expect("a removal");
    }

    /// The session longest unused makes room.
    pub(super) async fn session_bound(&self) {
        let remote = &self.remote;
        let (actor, first) = Actor::with_space(remote, "session-bound").await;
        let second = actor.open(remote, &ALL_RIGHTS).await;
        remote.head(&first).await.expect("a session");
        for _ in 2..=256 {
            actor.open(remote, &ALL_RIGHTS).await;
        }
        remote.head(&first).await.expect("a session that was used");
        self.refused(remote.head(&second).await, ErrorCode::SessionExpired);
    }

    /// A space has so many uploads.
    pub(super) async fn upload_bound(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "upload-bound").await;
        let mut last = None;
        for _ in 0..UPLOADS_PER_SPACE {
            last = Some(actor.upload(remote, &access, 0).await);
        }
        let over = OpenUpload { upload: UploadId::from_bytes(actor.draw()), bytes: 0 };
        self.refused(remote.open_upload(&access, &over).await, ErrorCode::TooManyRequests);
        let last = last.expect("uploads");
        remote.open_upload(&access, &OpenUpload { upload: last, bytes: 1 }).await.expect("one that is open");
        remote.end_upload(&access, &last).await.expect("an end");
        remote.open_upload(&access, &over).await.expect("room again");
    }

    /// The state of an upload comes in pages.
    pub(super) async fn state_pages(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "state-pages").await;
        let count = UPLOAD_PAGE_BLOBS as u64 + 1;
        let upload = actor.upload(remote, &access, count * PACK_FLOOR).await;
        for _ in 0..count {
            let begun = BlobPart { size: PACK_FLOOR, ..actor.blob(1) };
            remote.put_blob(&access, &upload, begun).await.expect("a begun blob");
        }
        let page = remote.upload_state(&access, &upload, None).await.expect("a page");
        assert_eq!((page.blobs.len(), page.more), (UPLOAD_PAGE_BLOBS, true));
        assert!(page.blobs.is_sorted_by_key(|state| state.blob));
        let last = page.blobs.last().map(|state| state.blob);
        let rest = remote.upload_state(&access, &upload, last.as_ref()).await.expect("a page");
        assert_eq!((rest.blobs.len(), rest.more), (1, false));
        assert!(Some(rest.blobs[0].blob) > last);
    }

    /// Requests by a capability come so fast and no faster; others' are not counted with them.
    pub(super) async fn rate_bound(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "rate-bound").await;
        let (_, other) = Actor::with_space(remote, "rate-bound-other").await;
        for _ in 0..RATE_BURST {
            remote.head(&access).await.expect("a head");
        }
        // Another session of the same capability is no way around it.
        let again = actor.open(remote, &ALL_RIGHTS).await;
        let error = remote.head(&again).await.expect_err("too fast");
        assert_eq!((error.code(), error.retry_after()), (Some(ErrorCode::TooManyRequests), Some(RETRY_AFTER)));
        remote.head(&other).await.expect("a head");
        let read = actor.open(remote, &[Right::Read]).await;
        remote.head(&read).await.expect("a head by another capability");
    }

    /// A commit has a longest request.
    pub(super) async fn commit_bound(&self) {
        let remote = &self.remote;
        let (_, access) = Actor::with_space(remote, "commit-bound").await;
        let longest = vec![0; COMMIT_REQUEST_MAX];
        self.refused(remote.commit(&access, longest.into()).await, ErrorCode::CommitInvalid);
        let longer = vec![0; COMMIT_REQUEST_MAX + 1];
        self.refused(remote.commit(&access, longer.into()).await, ErrorCode::TooLarge);
    }
}
