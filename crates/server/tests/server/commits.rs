//! Commits: compare-and-swap, and every rule that the server checks.

use anonicloud_proto::api::{CommitAnswer, ErrorCode};
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::{AddedBlob, CommitKind, CommitLists, PostedCommit, UnsignedHeader};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{BlobId, SpaceId};
use anonicloud_proto::merkle::Frontier;

use crate::actor::Actor;
use crate::space::Blob;
use crate::process::{Server, expect, expect_status, refused};

#[tokio::test]
async fn of_two_commits_at_once_exactly_one_wins() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    for round in 0..10_u8 {
        let head = space.head(&server).await;
        let commits = [0, 1].map(|who| alice.commit(&head, &[round, who], &[]));
        let sent = commits
            .each_ref()
            .map(|c| space.committing(&server, c).send());
        let [first, second] = sent;
        let (first, second) = tokio::join!(first, second);
        let answers = [first.unwrap(), second.unwrap()];
        let won = answers
            .each_ref()
            .map(|answer| answer.status().is_success());
        assert!(won[0] != won[1], "round {round}: {won:?}");
        let winner = &commits[usize::from(won[1])];
        for (answer, won) in answers.into_iter().zip(won) {
            if !won {
                let (_, code) = crate::process::refusal(answer).await;
                assert_eq!(code, ErrorCode::HeadMoved);
            }
        }
        assert_eq!(space.head(&server).await.commit, winner.logged);
        // A lost answer does no harm: the winner sent again is answered the same.
        let again: CommitAnswer = expect(space.committing(&server, winner), 200).await;
        assert_eq!(again.hash, winner.logged.header.hash());
    }
}

#[tokio::test]
async fn a_commit_that_breaks_a_rule_changes_nothing() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let blob = Blob::new(1, 100);
    space.send(&server, upload, &blob).await;
    let part = Blob::new(2, 100);
    let put = server
        .put(&space.path(&part.put_path(upload, 0)))
        .bearer_auth(&space.token)
        .body(part.bytes[..50].to_vec());
    expect_status(put, 200).await;
    let head = space.head(&server).await;
    let none = CommitLists::default();
    let base = alice.header(&head, b"tree", &none);
    let with = |change: &dyn Fn(&mut UnsignedHeader)| {
        let mut header = base.clone();
        change(&mut header);
        let key = if header.kind == CommitKind::Tree {
            &alice.write
        } else {
            &alice.admin
        };
        alice.sign(header, b"tree", CommitLists::default(), key)
    };
    let mut grown = Frontier::default();
    grown.append(b"another").unwrap();
    let releases = CommitLists {
        releases: vec![blob.id],
        ..CommitLists::default()
    };
    let mut releasing = base.clone();
    releasing.lists = releases.hash();
    let missing = AddedBlob {
        blob: BlobId::from_bytes([9; 32]),
        size: 100,
    };
    let resized = AddedBlob {
        blob: blob.id,
        size: 99,
    };
    use ErrorCode::{BlobMissing, CommitInvalid, EpochStale, HeadMoved};
    let cases: Vec<(&str, PostedCommit, ErrorCode)> = vec![
        (
            "space",
            with(&|h| h.space = SpaceId::from_bytes([1; 32])),
            CommitInvalid,
        ),
        ("epoch", with(&|h| h.epoch = 1), EpochStale),
        ("seq", with(&|h| h.seq = 2), HeadMoved),
        ("prev", with(&|h| h.prev = ChainHash::ZERO), HeadMoved),
        (
            "history",
            with(&|h| h.history = grown.root()),
            CommitInvalid,
        ),
        ("genesis", alice.genesis(), CommitInvalid),
        (
            "roster",
            with(&|h| h.kind = CommitKind::Roster),
            CommitInvalid,
        ),
        (
            "sweep",
            with(&|h| h.kind = CommitKind::Sweep),
            CommitInvalid,
        ),
        (
            "fence",
            with(&|h| h.kind = CommitKind::Fence),
            CommitInvalid,
        ),
        (
            "key",
            alice.sign(base.clone(), b"tree", none, &alice.admin),
            CommitInvalid,
        ),
        (
            "release",
            alice.sign(releasing, b"tree", releases, &alice.write),
            CommitInvalid,
        ),
        (
            "missing",
            alice.commit(&head, b"tree", &[blob.added(), missing]),
            BlobMissing,
        ),
        (
            "resized",
            alice.commit(&head, b"tree", &[resized]),
            BlobMissing,
        ),
        (
            "partial",
            alice.commit(&head, b"tree", &[blob.added(), part.added()]),
            BlobMissing,
        ),
    ];
    for (name, commit, code) in &cases {
        let got = refused(space.committing(&server, commit)).await;
        assert_eq!(got, *code, "{name}");
    }
    let whole = alice.commit(&head, b"tree", &[blob.added()]).to_bytes();
    for at in [0, 10, 100, whole.len() - 1] {
        let mut broken = whole.clone();
        broken[at] ^= 1;
        let post = server
            .post(&space.path("commits"))
            .bearer_auth(&space.token);
        let code = refused(post.body(broken)).await;
        assert!(
            matches!(code, CommitInvalid | HeadMoved),
            "byte {at}: {code:?}"
        );
    }
    assert_eq!(space.head(&server).await, head);
    assert_eq!(
        refused(space.reading(&server, &blob)).await,
        ErrorCode::NotFound
    );
    space.commit(&server, &alice, &[&blob]).await;
}

#[tokio::test]
async fn a_commit_may_name_what_an_earlier_one_named() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 300).await;
    let (first, second) = (Blob::new(1, 100), Blob::new(2, 100));
    space.send(&server, upload, &first).await;
    space.commit(&server, &alice, &[&first]).await;
    space.send(&server, upload, &second).await;
    space.commit(&server, &alice, &[&first, &second]).await;
    let token = crate::process::bearer(&alice.login(&server).await.unwrap().token);
    let account: anonicloud_proto::api::AccountAnswer =
        expect(server.get("/v1/account").bearer_auth(token), 200).await;
    assert_eq!((account.used, account.reserved), (200, 100));
}
