//! Space sessions and the log.

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::capability::Right;
use anonicloud_proto::codec::{Decode as _, Reader};
use anonicloud_proto::commit::LoggedCommit;
use anonicloud_proto::ids::SpaceId;
use anonicloud_proto::limits::LOG_PAGE_BYTES;

use crate::actor::Actor;
use crate::process::{Server, expect_status, refused};
use crate::space::{Blob, Space};

#[tokio::test]
async fn proofs_open_the_space_they_are_for_and_nothing_else() {
    let server = Server::start().await;
    let alice = Actor::registered(&server, "alice").await;
    let bob = Actor::registered(&server, "bob").await;
    let path = |space: SpaceId| format!("/v1/spaces/{space}/sessions/finish");
    let rights = [Right::Read, Right::Write];
    let nowhere = SpaceId::from_bytes([9; 32]);
    for space in [bob.space, nowhere] {
        let forged = alice.prove(&server, space, &rights).await;
        let post = server.post(&path(space)).json(&forged);
        assert_eq!(refused(post).await, ErrorCode::LoginFailed);
    }
    let nothing = alice.prove(&server, alice.space, &[]).await;
    let post = server.post(&path(alice.space)).json(&nothing);
    assert_eq!(refused(post).await, ErrorCode::LoginFailed);
    let mut stale = alice.prove(&server, alice.space, &rights).await;
    stale.epoch = 1;
    let post = server.post(&path(alice.space)).json(&stale);
    assert_eq!(refused(post).await, ErrorCode::EpochStale);
    // One proof that does not hold refuses the others too.
    let mut half = alice.prove(&server, alice.space, &rights).await;
    half.admin = half.write.clone();
    let post = server.post(&path(alice.space)).json(&half);
    assert_eq!(refused(post).await, ErrorCode::LoginFailed);
    let good = alice.prove(&server, alice.space, &rights).await;
    expect_status(server.post(&path(alice.space)).json(&good), 200).await;
    let again = server.post(&path(alice.space)).json(&good);
    assert_eq!(refused(again).await, ErrorCode::LoginFailed);
}

#[tokio::test]
async fn a_session_reaches_as_far_as_its_rights() {
    let server = Server::start().await;
    let (alice, full) = Actor::with_space(&server, "alice").await;
    let upload = full.open_upload(&server, 1, 100_000).await;
    let blob = Blob::new(1, 20_000);
    let reader = alice.open_space(&server, &[Right::Read]).await;
    let appender = alice.open_space(&server, &[Right::Append]).await;
    let writer = alice.open_space(&server, &[Right::Write]).await;
    let admin = alice.open_space(&server, &[Right::Admin]).await;
    let head = full.head(&server).await;
    let commit = alice.commit(&head, b"tree", &[]);
    for space in [&reader, &admin] {
        let put = space.sending(&server, upload, &blob, 0);
        assert_eq!(refused(put).await, ErrorCode::Forbidden);
        let open = space.opening(&server, upload, 10);
        assert_eq!(refused(open).await, ErrorCode::Forbidden);
    }
    for space in [&reader, &appender, &admin] {
        let post = space.committing(&server, &commit);
        assert_eq!(refused(post).await, ErrorCode::Forbidden);
        let list = server.get(&space.path("uploads")).bearer_auth(&space.token);
        assert_eq!(refused(list).await, ErrorCode::Forbidden);
    }
    for space in [&appender, &writer, &admin] {
        let get = server.get(&space.path("head")).bearer_auth(&space.token);
        assert_eq!(refused(get).await, ErrorCode::Forbidden);
        let get = server.get(&space.path("log?from=0")).bearer_auth(&space.token);
        assert_eq!(refused(get).await, ErrorCode::Forbidden);
        assert_eq!(refused(space.reading(&server, &blob)).await, ErrorCode::Forbidden);
    }
    appender.send(&server, upload, &blob).await;
    expect_status(writer.committing(&server, &commit), 200).await;
    let bob = Actor::registered(&server, "bob").await;
    let trespass = Space { id: bob.space, token: full.token.clone() };
    let get = server.get(&trespass.path("head")).bearer_auth(&trespass.token);
    assert_eq!(refused(get).await, ErrorCode::Forbidden);
    let account = server.get("/v1/account").bearer_auth(&full.token);
    assert_eq!(refused(account).await, ErrorCode::SessionExpired);
}

#[tokio::test]
async fn the_log_comes_in_pages_that_join() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let mut head = space.head(&server).await;
    for number in 0..6_u8 {
        let body = vec![number; 1 << 20];
        let commit = alice.commit(&head, &body, &[]);
        expect_status(space.committing(&server, &commit), 200).await;
        head = space.head(&server).await;
        assert_eq!(head.commit, commit.logged);
    }
    let mut log = Vec::new();
    let mut pages = 0;
    loop {
        let path = space.path(&format!("log?from={}", log.len()));
        let response = expect_status(server.get(&path).bearer_auth(&space.token), 200).await;
        let bytes = response.bytes().await.unwrap();
        if bytes.is_empty() {
            break;
        }
        pages += 1;
        assert!(bytes.len() <= LOG_PAGE_BYTES, "{}", bytes.len());
        let mut input = Reader::new(&bytes);
        while input.remaining() > 0 {
            log.push(LoggedCommit::decode(&mut input).unwrap());
        }
    }
    assert_eq!((log.len(), pages), (7, 2));
    for (seq, commit) in (0..).zip(&log) {
        assert_eq!(commit.header.fields().seq, seq);
    }
    assert_eq!(log.last(), Some(&head.commit));
}
