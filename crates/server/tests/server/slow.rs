//! Peers that send or take slowly, and those whom they must not hold up.

use std::time::Duration;

use anonicloud_proto::capability::Right;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::actor::Actor;
use crate::process::{Server, expect_status};
use crate::space::{Blob, Space};

/// What must not wait for a slow peer, who is left after 30 s at the earliest.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), work).await.expect("nobody slow to wait for")
}

/// Sends the head of a request and `body` over a connection of its own, and reads the head of an answer.
async fn begin(server: &Server, space: &Space, line: &str, headers: &str, body: &[u8]) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let token = &space.token;
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

#[tokio::test]
async fn who_sends_a_long_commit_slowly_holds_up_nobody() {
    let server = Server::start().await;
    let mut slow = Vec::new();
    for name in ["anna", "bert", "cleo", "dora", "emil"] {
        let (_, space) = Actor::with_space(&server, name).await;
        for _ in 0..2 {
            let line = format!("POST {}", space.path("commits"));
            let headers = "content-length: 40000000\r\nexpect: 100-continue\r\n";
            let (stream, answer) = soon(begin(&server, &space, &line, headers, b"a")).await;
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
            let (stream, answer) = soon(begin(&server, &device, &line, "", b"")).await;
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
