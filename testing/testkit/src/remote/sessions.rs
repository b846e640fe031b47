//! Space sessions: what opens one, and what each may do.

use anonicloud_client::remote::{Remote, SessionToken, SpaceAccess};
use anonicloud_proto::api::{Base64, ErrorCode, OpenUpload};
use anonicloud_proto::capability::Right;
use anonicloud_proto::commit::{CommitKind, CommitLists};
use anonicloud_proto::ids::{SpaceId, UploadId};
use bytes::Bytes;

use super::Suite;
use super::actor::{ALL_RIGHTS, Actor, posted, session};

impl<R: Remote> Suite<R> {
    /// Proofs open a session of their own space, once.
    pub(super) async fn space_sessions(&self) {
        let remote = &self.remote;
        let actor = Actor::registered(remote, "space-sessions").await;
        let other = Actor::registered(remote, "space-sessions-2").await;
        let refused = async |space: &SpaceId, proofs: &_, code| {
            self.refused(remote.space_session(space, proofs).await, code);
        };
        let proofs = actor.prove(remote, actor.space, &ALL_RIGHTS).await;
        remote.space_session(&actor.space, &proofs).await.expect("a session");
        refused(&actor.space, &proofs, ErrorCode::LoginFailed).await;
        let nothing = actor.prove(remote, actor.space, &[]).await;
        refused(&actor.space, &nothing, ErrorCode::LoginFailed).await;
        let foreign = other.prove(remote, actor.space, &ALL_RIGHTS).await;
        refused(&actor.space, &foreign, ErrorCode::LoginFailed).await;
        let elsewhere = actor.prove(remote, other.space, &ALL_RIGHTS).await;
        refused(&actor.space, &elsewhere, ErrorCode::LoginFailed).await;
        let unknown = SpaceId::from_bytes([0x77; 32]);
        let proofs = actor.prove(remote, unknown, &ALL_RIGHTS).await;
        refused(&unknown, &proofs, ErrorCode::LoginFailed).await;
        let mut one_wrong = actor.prove(remote, actor.space, &ALL_RIGHTS).await;
        one_wrong.admin = one_wrong.write.clone();
        refused(&actor.space, &one_wrong, ErrorCode::LoginFailed).await;
        let mut read = actor.prove(remote, actor.space, &[Right::Read]).await;
        read.read = Some(Base64::new(vec![5; 32]));
        refused(&actor.space, &read, ErrorCode::LoginFailed).await;
        let mut later = actor.prove(remote, actor.space, &ALL_RIGHTS).await;
        later.epoch = 1;
        refused(&actor.space, &later, ErrorCode::EpochStale).await;

        let access = actor.open(remote, &ALL_RIGHTS).await;
        let token = || SessionToken::new(access.token.expose_bytes());
        let wrong_space = SpaceAccess { space: other.space, token: token() };
        self.refused(remote.head(&wrong_space).await, ErrorCode::Forbidden);
        let no_session = SpaceAccess { space: actor.space, token: SessionToken::new(&[1; 32]) };
        self.refused(remote.head(&no_session).await, ErrorCode::SessionExpired);
        // The sessions of an account and of its space are strangers.
        self.refused(remote.account(&token()).await, ErrorCode::SessionExpired);
        let of_account = SpaceAccess { space: actor.space, token: session(&actor.login(remote).await) };
        self.refused(remote.head(&of_account).await, ErrorCode::SessionExpired);
    }

    /// Each right reaches what it is for, and nothing else.
    pub(super) async fn rights(&self) {
        let remote = &self.remote;
        let (actor, all) = Actor::with_space(remote, "rights").await;
        let read = actor.open(remote, &[Right::Read]).await;
        let append = actor.open(remote, &[Right::Append]).await;
        let write = actor.open(remote, &[Right::Write]).await;
        let admin = actor.open(remote, &[Right::Admin]).await;
        let head = remote.head(&read).await.expect("a head");
        let upload = actor.upload(remote, &append, 1 << 20).await;
        let blob = actor.sent(remote, &append, &upload, 16 << 10).await;
        let commit = posted(&actor.tree(&head, b"body", &[&blob]));
        let open = OpenUpload { upload: UploadId::from_bytes([1; 16]), bytes: 0 };
        for access in [&append, &write, &admin] {
            self.refused(remote.head(access).await, ErrorCode::Forbidden);
            self.refused(remote.log(access, 0).await, ErrorCode::Forbidden);
            self.refused(remote.get_blob(access, &blob.blob, None).await, ErrorCode::Forbidden);
        }
        for access in [&read, &admin] {
            self.refused(remote.open_upload(access, &open).await, ErrorCode::Forbidden);
            self.refused(remote.put_blob(access, &upload, blob.clone()).await, ErrorCode::Forbidden);
            self.refused(remote.put_ticket(access, &upload, Bytes::new()).await, ErrorCode::Forbidden);
            self.refused(remote.upload_state(access, &upload, None).await, ErrorCode::Forbidden);
            self.refused(remote.blob_state(access, &upload, &blob.blob).await, ErrorCode::Forbidden);
            self.refused(remote.drop_blob(access, &upload, &blob.blob).await, ErrorCode::Forbidden);
            self.refused(remote.end_upload(access, &upload).await, ErrorCode::Forbidden);
        }
        for access in [&read, &append, &admin] {
            self.refused(remote.uploads(access, None).await, ErrorCode::Forbidden);
            self.refused(remote.commit(access, commit.clone()).await, ErrorCode::Forbidden);
        }
        let mut header = actor.header(&head, b"body", &CommitLists::default());
        header.kind = CommitKind::Fence;
        let fence = posted(&actor.sign(header, b"body", CommitLists::default(), &actor.admin));
        self.refused(remote.commit(&write, fence).await, ErrorCode::Forbidden);
        remote.commit(&write, commit).await.expect("a commit");
        assert_eq!(remote.get_blob(&all, &blob.blob, None).await.expect("a blob"), blob.bytes);
    }
}
