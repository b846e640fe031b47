//! Peers that send or take slowly, and those whom they must not hold up.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anonicloud_proto::capability::Right;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::actor::Actor;
use crate::process::{Server, expect_status};
use crate::space::Blob;

/// What must not wait for a slow peer, who is left after 90 s at the earliest.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), work).await.expect("nobody slow to wait for")
}

/// Sends the head of a request and `body` over a connection of its own, and reads the head of an answer.
pub(crate) async fn begin(server: &Server, token: &str, line: &str, headers: &str, body: &[u8]) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head =
        format!("{line} HTTP/1.1\r\nhost: x\r\nanonicloud-api: 1\r\nauthorization: Bearer {token}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(answer).unwrap())
}

/// Begins so many requests that stay under way, then one that must wait until one of them has ended.
pub(crate) async fn fill<F: Future<Output = (TcpStream, String)>>(places: usize, status: &str, begin: impl Fn() -> F) {
    let mut held = Vec::new();
    for _ in 0..places {
        let (stream, answer) = soon(begin()).await;
        assert!(answer.starts_with(status), "{answer}");
        held.push(stream);
    }
    let mut waiting = pin!(begin());
    assert!(timeout(Duration::from_secs(1), &mut waiting).await.is_err(), "more than {places}");
    drop(held.pop());
    let (_, answer) = soon(waiting).await;
    assert!(answer.starts_with(status), "{answer}");
}

#[tokio::test]
async fn a_space_has_so_many_places_for_each_kind_of_request() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 20 << 20).await;
    let blob = Blob::new(1, 5 << 20);
    space.send(&server, upload, &blob).await;
    space.commit(&server, &alice, &[&blob]).await;
    let commit = alice.commit(&space.head(&server).await, &vec![0; 1 << 20], &[]);
    expect_status(space.committing(&server, &commit), 200).await;
    let get = |path: &str| {
        let (server, space, line) = (&server, &space, format!("GET {}", space.path(path)));
        async move { begin(server, &space.token, &line, "", b"").await }
    };
    fill(16, "HTTP/1.1 200", || get(&format!("blobs/{}", blob.id))).await;
    fill(8, "HTTP/1.1 200", || get("head")).await;
    fill(8, "HTTP/1.1 200", || get("log?from=0")).await;
    let post = |length: usize| {
        let (server, space, line) = (&server, &space, format!("POST {}", space.path("commits")));
        let headers = format!("content-length: {length}\r\nexpect: 100-continue\r\n");
        async move { begin(server, &space.token, &line, &headers, b"a").await }
    };
    fill(4, "HTTP/1.1 100", || post(1 << 20)).await;
    fill(2, "HTTP/1.1 100", || post((1 << 20) + 1)).await;
    let name = Cell::new(2);
    let put = || {
        let blob = Blob::new(name.replace(name.get() + 1), 16 << 10);
        let (server, space, line) = (&server, &space, format!("PUT {}", space.path(&blob.put_path(upload, 0))));
        let headers = "content-length: 16384\r\nexpect: 100-continue\r\n";
        async move { begin(server, &space.token, &line, headers, b"a").await }
    };
    fill(64, "HTTP/1.1 100", put).await;
}

#[tokio::test]
async fn connections_have_so_many_places() {
    let server = Server::start_with(Arc::new(tempfile::tempdir().unwrap()), &["--max-connections", "1"]).await;
    let held = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let mut waiting = Box::pin(server.get("/v1/realm").send());
    assert!(timeout(Duration::from_secs(1), &mut waiting).await.is_err());
    drop(held);
    assert_eq!(soon(waiting).await.unwrap().status(), 200);
}

#[tokio::test]
async fn who_sends_a_long_commit_slowly_holds_up_nobody() {
    let server = Server::start().await;
    let mut slow = Vec::new();
    for name in ["anna", "bert", "cleo", "dora", "emil"] {
        let (_, space) = Actor::with_space(&server, name).await;
        for _ in 0..2 {
            let line = format!("POST {}", space.path("commits"));
            let headers = "content-length: 40000000\r\nexpect: 100-continue\r\n";
            let (stream, answer) = soon(begin(&server, &space.token, &line, headers, b"a")).await;
            // From here on its body is read.
            assert!(answer.starts_with("HTTP/1.1 100"), "{answer}");
            slow.push(stream);
        }
    }
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let commit = alice.commit(&space.head(&server).await, &vec![0; 1 << 20], &[]);
    soon(expect_status(space.committing(&server, &commit), 200)).await;
    // Nothing of what waits is under a name.
    let arriving = fs_err::read_dir(server.data().join("blobs").join("arriving")).unwrap();
    assert_eq!(arriving.count(), 0);
}

#[tokio::test]
async fn slow_downloads_keep_neither_the_head_nor_another_download_waiting() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 20 << 20).await;
    let blob = Blob::new(1, 5 << 20);
    space.send(&server, upload, &blob).await;
    space.commit(&server, &alice, &[&blob]).await;
    // A long head, which is kept until it was taken.
    let commit = alice.commit(&space.head(&server).await, &vec![0; 1 << 20], &[]);
    expect_status(space.committing(&server, &commit), 200).await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let device = alice.open_space(&server, &[Right::Read]).await;
        for _ in 0..16 {
            let line = format!("GET {}", device.path(&format!("blobs/{}", blob.id)));
            let (stream, answer) = soon(begin(&server, &device.token, &line, "", b"")).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            slow.push(stream);
        }
    }
    let third = alice.open_space(&server, &[Right::Read]).await;
    assert_eq!(soon(third.head(&server)).await.commit, commit.logged);
    soon(expect_status(server.get(&third.path("log?from=0")).bearer_auth(&third.token), 200)).await;
    let read = soon(expect_status(third.reading(&server, &blob), 200)).await;
    assert!(read.bytes().await.unwrap() == blob.bytes);
}
