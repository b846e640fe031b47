//! Commits: compare-and-swap, and every rule that the server checks.

use anonicloud_proto::api::{CommitAnswer, ErrorCode};
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::{AddedBlob, CommitKind, CommitLists, HeadAnswer, PostedCommit, UnsignedHeader};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{BlobId, SpaceId};
use anonicloud_proto::merkle::Frontier;

use crate::actor::Actor;
use crate::process::{Server, expect, expect_status, refused};
use crate::space::{Blob, commit_len, usage};

#[tokio::test]
async fn of_two_commits_at_once_exactly_one_wins() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    for round in 0..10_u8 {
        let head = space.head(&server).await;
        let commits = [0, 1].map(|who| alice.commit(&head, &[round, who], &[]));
        let sent = commits.each_ref().map(|c| space.committing(&server, c).send());
        let [first, second] = sent;
        let (first, second) = tokio::join!(first, second);
        let answers = [first.unwrap(), second.unwrap()];
        let won = answers.each_ref().map(|answer| answer.status().is_success());
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
        // Nor when another device has come between.
        let newer = alice.commit(&space.head(&server).await, &[round, 2], &[]);
        let newer: CommitAnswer = expect(space.committing(&server, &newer), 200).await;
        let again: CommitAnswer = expect(space.committing(&server, winner), 200).await;
        assert_eq!((again.hash, again.seq + 1), (winner.logged.header.hash(), newer.seq));
    }
}

#[tokio::test]
async fn a_commit_that_breaks_a_rule_changes_nothing() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let blob = Blob::new(1, 20_000);
    space.send(&server, upload, &blob).await;
    let part = Blob::new(2, 20_000);
    let put =
        server.put(&space.path(&part.put_path(upload, 0))).bearer_auth(&space.token).body(part.bytes[..50].to_vec());
    expect_status(put, 200).await;
    let head = space.head(&server).await;
    let mut cases = broken_headers(&alice, &head);
    cases.extend(broken_lists(&alice, &head, &blob, &part));
    for (name, commit, code) in &cases {
        let got = refused(space.committing(&server, commit)).await;
        assert_eq!(got, *code, "{name}");
    }
    let whole = alice.commit(&head, b"tree", &[blob.added()]).to_bytes();
    for at in [0, 10, 100, whole.len() - 1] {
        let mut broken = whole.clone();
        broken[at] ^= 1;
        let post = server.post(&space.path("commits")).bearer_auth(&space.token);
        let code = refused(post.body(broken)).await;
        let known = matches!(code, ErrorCode::CommitInvalid | ErrorCode::HeadMoved);
        assert!(known, "byte {at}: {code:?}");
    }
    assert_eq!(space.head(&server).await, head);
    let read = refused(space.reading(&server, &blob)).await;
    assert_eq!(read, ErrorCode::NotFound);
    space.commit(&server, &alice, &[&blob]).await;
}

type Case = (&'static str, PostedCommit, ErrorCode);

fn broken_headers(alice: &Actor, head: &HeadAnswer) -> Vec<Case> {
    use ErrorCode::{CommitInvalid, EpochStale, HeadMoved};
    let base = alice.header(head, b"tree", &CommitLists::default());
    let with = |change: &dyn Fn(&mut UnsignedHeader)| {
        let mut header = base.clone();
        change(&mut header);
        let tree = header.kind == CommitKind::Tree;
        let key = if tree { &alice.write } else { &alice.admin };
        alice.sign(header, b"tree", CommitLists::default(), key)
    };
    let mut grown = Frontier::default();
    grown.append(b"another").unwrap();
    let nowhere = SpaceId::from_bytes([1; 32]);
    let by_admin = alice.sign(base.clone(), b"tree", CommitLists::default(), &alice.admin);
    vec![
        ("space", with(&|h| h.space = nowhere), CommitInvalid),
        ("epoch", with(&|h| h.epoch = 1), EpochStale),
        ("seq", with(&|h| h.seq = 2), HeadMoved),
        ("prev", with(&|h| h.prev = ChainHash::ZERO), HeadMoved),
        ("history", with(&|h| h.history = grown.root()), CommitInvalid),
        ("genesis", alice.genesis(), CommitInvalid),
        ("roster", with(&|h| h.kind = CommitKind::Roster), CommitInvalid),
        ("fence", with(&|h| h.kind = CommitKind::Fence), CommitInvalid),
        ("key", by_admin, CommitInvalid),
    ]
}

fn broken_lists(alice: &Actor, head: &HeadAnswer, blob: &Blob, part: &Blob) -> Vec<Case> {
    use ErrorCode::{BlobMissing, CommitInvalid};
    let releases = CommitLists { releases: vec![blob.id], ..CommitLists::default() };
    let header = alice.header(head, b"tree", &releases);
    let releasing = alice.sign(header, b"tree", releases, &alice.write);
    let missing = AddedBlob { blob: BlobId::from_bytes([9; 32]), size: 20_000 };
    let resized = AddedBlob { blob: blob.id, size: 19_999 };
    let adding = |adds: &[AddedBlob]| alice.commit(head, b"tree", adds);
    vec![
        ("release", releasing, CommitInvalid),
        ("missing", adding(&[blob.added(), missing]), BlobMissing),
        ("resized", adding(&[resized]), BlobMissing),
        ("partial", adding(&[blob.added(), part.added()]), BlobMissing),
    ]
}

#[tokio::test]
async fn a_commit_may_name_what_an_earlier_one_named() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 60_000).await;
    let (first, second) = (Blob::new(1, 20_000), Blob::new(2, 20_000));
    space.send(&server, upload, &first).await;
    space.commit(&server, &alice, &[&first]).await;
    let before = commit_len(&space.head(&server).await);
    space.send(&server, upload, &second).await;
    space.commit(&server, &alice, &[&first, &second]).await;
    let commits = before + commit_len(&space.head(&server).await);
    assert_eq!(usage(&server, &alice).await, (40_000 + commits, 20_000));
}
