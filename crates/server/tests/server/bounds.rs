//! What one account, or nobody, can make the server keep or do.

use std::sync::Arc;

use anonicloud_proto::api::{
    AddDevice, Base64, ErrorCode, LoginStart, LoginStarted, NewDevice, RemoveDevice, SigchainAnswer,
};
use anonicloud_proto::capability::Right;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{DeviceId, UploadId};
use anonicloud_proto::limits::UPLOADS_PER_SPACE;
use futures::stream;
use reqwest::RequestBuilder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::actor::{Actor, public};
use crate::process::{Server, bearer, expect, expect_status, refused};
use crate::slow::{begin, fill};
use crate::space::{Blob, Space, usage};

/// The request that adds a device behind the newest link, and that link.
fn adding(
    server: &Server,
    alice: &Actor,
    token: &str,
    (seq, prev): (u64, &[u8]),
    padding: usize,
) -> (RequestBuilder, Vec<u8>) {
    let head = ChainHash::of(prev);
    let link = alice.link(seq, head, &vec![0; padding]);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&seq.to_le_bytes());
    let device = NewDevice { device: DeviceId::from_bytes(id), auth_public_key: public(&alice.device_key) };
    let add = AddDevice { device, prev: head, link: Base64::new(link.clone()) };
    (server.post("/v1/account/devices").bearer_auth(token).json(&add), link)
}

async fn page(server: &Server, token: &str, query: &str) -> Vec<Base64> {
    let get = server.get(&format!("/v1/account/sigchain{query}")).bearer_auth(token);
    expect::<SigchainAnswer>(get, 200).await.links
}

#[tokio::test]
async fn a_long_sigchain_comes_in_pages_that_join() {
    let server = Server::start().await;
    let alice = Actor::registered(&server, "alice").await;
    let token = bearer(&alice.login(&server).await.unwrap().token);
    let mut newest = page(&server, &token, "").await[1].as_bytes().to_vec();
    for seq in 2..150 {
        let (add, link) = adding(&server, &alice, &token, (seq, &newest), 27_000);
        expect_status(add, 201).await;
        newest = link;
    }
    let (mut chain, mut pages) = (page(&server, &token, "").await, 1);
    loop {
        let next = page(&server, &token, &format!("?from={}", chain.len())).await;
        if next.is_empty() {
            break;
        }
        assert!(next.iter().map(|link| link.as_bytes().len()).sum::<usize>() <= 3 << 20);
        chain.extend(next);
        pages += 1;
    }
    assert_eq!((chain.len(), pages), (150, 2));
    assert_eq!(chain[149].as_bytes(), newest);
    fill(2, "HTTP/1.1 200", || begin(&server, &token, "GET /v1/account/sigchain", "", b"")).await;
    let (long, _) = adding(&server, &alice, &token, (150, &newest), 32 << 10);
    assert_eq!(refused(long).await, ErrorCode::TooLarge);
    let mut prev = ChainHash::ZERO;
    for link in &chain {
        assert_eq!(&link.as_bytes()[26..58], prev.as_bytes());
        prev = ChainHash::of(link.as_bytes());
    }
}

#[tokio::test]
async fn a_session_that_added_a_device_ends_with_it() {
    let server = Server::start().await;
    let alice = Actor::registered(&server, "alice").await;
    let [stays, goes] = [(); 2].map(|()| alice.login(&server));
    let (stays, goes) = (bearer(&stays.await.unwrap().token), bearer(&goes.await.unwrap().token));
    let newest = page(&server, &stays, "?from=1").await[0].as_bytes().to_vec();
    let (add, link) = adding(&server, &alice, &goes, (2, &newest), 10);
    expect_status(add, 201).await;
    expect_status(server.get("/v1/account").bearer_auth(&goes), 200).await;
    let mut id = [0; 16];
    id[0] = 2;
    let head = ChainHash::of(&link);
    let device = DeviceId::from_bytes(id);
    let remove = RemoveDevice { device, prev: head, link: Base64::new(alice.link(3, head, b"remove")) };
    let post = server.post("/v1/account/devices/remove").bearer_auth(&stays).json(&remove);
    expect_status(post, 204).await;
    let ended = server.get("/v1/account").bearer_auth(&goes);
    assert_eq!(refused(ended).await, ErrorCode::SessionExpired);
    expect_status(server.get("/v1/account").bearer_auth(&stays), 200).await;
}

#[tokio::test]
async fn passwords_are_tried_ten_times_and_then_once_a_minute() {
    let server = Server::start().await;
    let alice = Actor::registered(&server, "alice").await;
    let nobody = Actor::new(&server, "nobody").await;
    // Who knows the password is not counted.
    for _ in 0..15 {
        assert!(alice.login(&server).await.is_some());
    }
    for actor in [&alice, &nobody] {
        for _ in 0..10 {
            actor.login_messages(&server).await;
        }
        let ke1 = Base64::new(vec![2; 96]);
        let start = LoginStart { handle: actor.handle.clone(), ke1, puzzle: None };
        let post = server.post("/v1/login/start").json(&start);
        assert_eq!(refused(post).await, ErrorCode::TooManyRequests);
    }
    let bob = Actor::registered(&server, "bob").await;
    let (LoginStarted { .. }, finish) = bob.login_messages(&server).await;
    assert!(finish.is_some());
}

/// Asks the same over one connection, again and again, without waiting for the answers.
async fn flood(server: &Server, path: &str, times: usize) {
    let stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut answers, mut requests) = stream.into_split();
    let request = |last: &str| format!("POST {path} HTTP/1.1\r\nhost: x\r\nanonicloud-api: 1\r\n{last}\r\n");
    let all = request("").repeat(times - 1) + &request("connection: close\r\n");
    let reading = async {
        let mut all = Vec::new();
        answers.read_to_end(&mut all).await.unwrap();
        all.windows(12).filter(|part| part == b"HTTP/1.1 200").count()
    };
    let (sent, answered) = tokio::join!(requests.write_all(all.as_bytes()), reading);
    sent.unwrap();
    assert_eq!(answered, times);
}

#[tokio::test]
async fn no_number_of_beginnings_pushes_out_a_login() {
    let server = Server::start().await;
    let alice = Actor::registered(&server, "alice").await;
    let proof = alice.prove(&server, alice.space, &[Right::Read]).await;
    let (_, login) = alice.login_messages(&server).await;
    let path = format!("/v1/spaces/{}/sessions/start", alice.space);
    flood(&server, &path, (1 << 16) + 1).await;
    let post = server.post(&format!("/v1/spaces/{}/sessions/finish", alice.space));
    expect_status(post.json(&proof), 200).await;
    expect_status(server.post("/v1/login/finish").json(&login.unwrap()), 200).await;
}

/// The rights of who sends and reads; who has that to manage too goes deeper over the quota.
const WRITER: &[Right] = &[Right::Read, Right::Append, Right::Write];

#[tokio::test]
async fn commits_count_and_things_can_be_removed_at_a_full_quota() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let server = Server::start_with(folder, &["--quota", "1MiB"]).await;
    let alice = Actor::registered(&server, "alice").await;
    let space = alice.open_space(&server, WRITER).await;
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let all = Blob::new(1, 1 << 20);
    space.send(&server, upload, &all).await;
    space.commit(&server, &alice, &[&all]).await;
    // What a removal sends: few bytes, and a commit that names them.
    let second = UploadId::from_bytes([2; 16]);
    let large = space.opening(&server, second, (256 << 10) + 1);
    assert_eq!(refused(large).await, ErrorCode::QuotaExceeded);
    space.open_upload(&server, 2, 16 << 10).await;
    let nodes = Blob::new(2, 16 << 10);
    space.send(&server, second, &nodes).await;
    space.commit(&server, &alice, &[&nodes]).await;
    let before = usage(&server, &alice).await.0;
    assert!(before > (1 << 20) + (16 << 10));
    // It ends somewhere, and commits without blobs as well.
    let mut commits = 0_u64;
    loop {
        let commit = alice.commit(&space.head(&server).await, &vec![0; 1 << 20], &[]);
        let answer = space.committing(&server, &commit).send().await.unwrap();
        if !answer.status().is_success() {
            assert_eq!(crate::process::refusal(answer).await.1, ErrorCode::QuotaExceeded);
            break;
        }
        commits += 1;
    }
    assert_eq!(commits, 15);
    let used = usage(&server, &alice).await.0;
    assert!(used > before + (15 << 20) && used <= 17 << 20, "{used}");
}

#[tokio::test]
async fn a_session_that_may_not_commit_is_told_before_its_body_comes() {
    let server = Server::start_tls().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let reader = alice.open_space(&server, &[Right::Read, Right::Append]).await;
    let never = reqwest::Body::wrap_stream(stream::pending::<std::io::Result<Vec<u8>>>());
    let post = server.post(&reader.path("commits")).bearer_auth(&reader.token).body(never);
    assert_eq!(refused(post).await, ErrorCode::Forbidden);
    // Nor is a body read that says that it is too long.
    let never = reqwest::Body::wrap_stream(stream::pending::<std::io::Result<Vec<u8>>>());
    let long = server.post(&space.path("commits")).bearer_auth(&space.token).header("content-length", (48 << 20) + 1);
    assert_eq!(refused(long.body(never)).await, ErrorCode::TooLarge);
}

#[tokio::test]
async fn uploads_of_a_space_have_a_number() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let opening = |number: usize| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(number as u64).to_le_bytes());
        space.opening(&server, UploadId::from_bytes(id), 0)
    };
    for number in 0..UPLOADS_PER_SPACE {
        expect_status(opening(number), 200).await;
    }
    assert_eq!(refused(opening(UPLOADS_PER_SPACE)).await, ErrorCode::TooManyRequests);
    expect_status(opening(0), 200).await;
}

#[tokio::test]
async fn tickets_of_a_space_have_a_bound_together() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    for name in 0..=64 {
        let upload = space.open_upload(&server, name, 0).await;
        let path = space.path(&format!("uploads/{upload}/ticket"));
        let put = server.put(&path).bearer_auth(&space.token).body(vec![0; 64 << 10]);
        if name < 64 {
            expect_status(put, 204).await;
        } else {
            assert_eq!(refused(put).await, ErrorCode::QuotaExceeded);
        }
    }
}

#[tokio::test]
async fn files_go_with_their_upload_though_the_client_hangs_up() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 20 << 20).await;
    for name in 0..64 {
        space.send(&server, upload, &Blob::new(name, 16 << 10)).await;
    }
    let files = || -> usize {
        let fans = fs_err::read_dir(server.data().join("blobs")).unwrap();
        fans.map(|fan| fs_err::read_dir(fan.unwrap().path()).unwrap().count()).sum()
    };
    assert_eq!(files(), 64);
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(ending(&space, upload).as_bytes()).await.unwrap();
    // Gone as soon as the rows are, or while they go.
    while files() == 64 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    while files() > 0 {
        tokio::task::yield_now().await;
    }
}

fn ending(space: &Space, upload: UploadId) -> String {
    format!(
        "DELETE {} HTTP/1.1\r\nhost: x\r\nanonicloud-api: 1\r\nauthorization: Bearer {}\r\n\r\n",
        space.path(&format!("uploads/{upload}")),
        space.token,
    )
}
