//! Commits: the compare-and-swap, what is checked, what is charged.

use anonicloud_client::remote::{BlobPart, Remote};
use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::capability::Right;
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::{CommitKind, CommitLists, UnsignedHeader};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{BlobId, SpaceId};
use bytes::Bytes;

use super::Suite;
use super::actor::{Actor, posted};

impl<R: Remote> Suite<R> {
    /// Of two commits behind one head one stands; one that stands may come again.
    pub(super) async fn commits(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "commits").await;
        let genesis = remote.head(&access).await.expect("a head");
        assert_eq!(genesis.commit, actor.genesis().logged);
        let first = actor.tree(&genesis, b"first", &[]);
        let answer = remote.commit(&access, posted(&first)).await.expect("a commit");
        assert_eq!((answer.seq, answer.hash), (1, first.logged.header.hash()));
        let again = remote.commit(&access, posted(&first)).await.expect("the same commit");
        assert_eq!(again, answer);
        let loser = actor.tree(&genesis, b"loser", &[]);
        self.refused(remote.commit(&access, posted(&loser)).await, ErrorCode::HeadMoved);
        let head = remote.head(&access).await.expect("a head");
        assert_eq!((&head.commit, head.frontier.size()), (&first.logged, 1));
        let second = actor.tree(&head, b"second", &[]);
        remote.commit(&access, posted(&second)).await.expect("a commit");
        let again = remote.commit(&access, posted(&first)).await.expect("the same commit, under another by now");
        assert_eq!(again, answer);
        self.refused(remote.commit(&access, posted(&loser)).await, ErrorCode::HeadMoved);
        let log = remote.log(&access, 0).await.expect("the log");
        assert_eq!(log, [actor.genesis().logged, first.logged, second.logged.clone()]);
        assert_eq!(remote.log(&access, 2).await.expect("the log"), [second.logged]);
        assert!(remote.log(&access, 3).await.expect("the log").is_empty());
        assert!(remote.log(&access, u64::MAX).await.expect("the log").is_empty());
    }

    /// Who has another head than the newest is answered at once, who has the newest with the next.
    pub(super) async fn heads_awaited(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "heads-awaited").await;
        let genesis = remote.head(&access).await.expect("a head");
        for other in [1, 2, u64::MAX] {
            assert_eq!(remote.head_after(&access, other).await.expect("a head").as_ref(), Some(&genesis));
        }
        let commit = actor.tree(&genesis, b"body", &[]);
        // The commit of another space wakes nobody for long.
        let (stranger, theirs) = Actor::with_space(remote, "heads-other").await;
        let other = stranger.tree(&remote.head(&theirs).await.expect("a head"), b"body", &[]);
        let committing = async {
            remote.commit(&theirs, posted(&other)).await.expect("a commit");
            remote.commit(&access, posted(&commit)).await.expect("a commit");
        };
        let (first, second, ()) =
            tokio::join!(remote.head_after(&access, 0), remote.head_after(&access, 0), committing);
        for head in [first, second] {
            assert_eq!(head.expect("a head").expect("a newer one").commit, commit.logged);
        }
        assert_eq!(remote.head_after(&access, 0).await.expect("a head").expect("a newer one").commit, commit.logged);
        let blind = actor.open(remote, &[Right::Write]).await;
        self.refused(remote.head_after(&blind, 0).await, ErrorCode::Forbidden);
    }

    /// Everything that the server can check without a key.
    pub(super) async fn commits_refused(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "commits-bad").await;
        let upload = actor.upload(remote, &access, 1 << 20).await;
        let blob = actor.sent(remote, &access, &upload, 20_000).await;
        let head = remote.head(&access).await.expect("a head");
        let refused = async |commit: Bytes, code| self.refused(remote.commit(&access, commit).await, code);
        let none = CommitLists::default();
        let changed = |change: &dyn Fn(&mut UnsignedHeader)| {
            let mut header = actor.header(&head, b"body", &none);
            change(&mut header);
            posted(&actor.sign(header, b"body", none.clone(), &actor.write))
        };
        refused(Bytes::from_static(b"no commit"), ErrorCode::CommitInvalid).await;
        refused(changed(&|header| header.space = SpaceId::from_bytes([1; 32])), ErrorCode::CommitInvalid).await;
        refused(changed(&|header| header.epoch = 1), ErrorCode::EpochStale).await;
        refused(changed(&|header| header.seq += 1), ErrorCode::HeadMoved).await;
        refused(changed(&|header| header.prev = ChainHash::ZERO), ErrorCode::HeadMoved).await;
        refused(changed(&|header| header.history = head.frontier.root()), ErrorCode::CommitInvalid).await;
        refused(changed(&|header| header.body = ChainHash::ZERO), ErrorCode::CommitInvalid).await;
        refused(changed(&|header| header.kind = CommitKind::Genesis), ErrorCode::CommitInvalid).await;
        let by_admin = actor.sign(actor.header(&head, b"body", &none), b"body", none.clone(), &actor.admin);
        refused(posted(&by_admin), ErrorCode::CommitInvalid).await;
        let releasing = CommitLists { releases: vec![blob.blob], ..CommitLists::default() };
        let header = actor.header(&head, b"body", &releasing);
        refused(posted(&actor.sign(header, b"body", releasing, &actor.write)), ErrorCode::CommitInvalid).await;

        let begun = actor.blob(20_000);
        let piece = BlobPart { bytes: begun.bytes.slice(..10), ..begun.clone() };
        remote.put_blob(&access, &upload, piece).await.expect("a piece");
        let longer = BlobPart { size: 20_001, ..blob.clone() };
        let unknown = BlobPart { blob: BlobId::from_bytes([3; 32]), ..blob.clone() };
        for missing in [&begun, &longer, &unknown] {
            refused(posted(&actor.tree(&head, b"body", &[missing])), ErrorCode::BlobMissing).await;
        }
        assert_eq!(remote.head(&access).await.expect("a head"), head, "nothing of them was applied");
    }

    /// A commit moves what it adds from reserved to used, and counts itself; what is there twice counts once.
    pub(super) async fn arithmetic_of_commits(&self) {
        let remote = &self.remote;
        let (actor, access) = Actor::with_space(remote, "arithmetic").await;
        let upload = actor.upload(remote, &access, 100_000).await;
        let one = actor.sent(remote, &access, &upload, 20_000).await;
        let two = actor.sent(remote, &access, &upload, 30_000).await;
        let mut used = 0;
        for (body, adds, moved, reserved) in [
            (&b"a"[..], vec![&one], 20_000, 80_000),
            (b"body", vec![&one, &two], 30_000, 50_000),
            (b"another", vec![&two], 0, 50_000),
        ] {
            let head = remote.head(&access).await.expect("a head");
            let commit = actor.tree(&head, body, &adds);
            remote.commit(&access, posted(&commit)).await.expect("a commit");
            used += moved + (commit.logged.header.to_bytes().len() + body.len()) as u64;
            let account = actor.account(remote).await;
            assert_eq!((account.used, account.reserved), (used, reserved));
            let state = remote.upload_state(&access, &upload, None).await.expect("a state");
            assert_eq!(state.reserved, reserved);
        }
        remote.end_upload(&access, &upload).await.expect("an end");
        let account = actor.account(remote).await;
        assert_eq!((account.used, account.reserved), (used, 0));
        assert_eq!(remote.get_blob(&access, &two.blob, None).await.expect("a blob"), two.bytes);
    }
}
