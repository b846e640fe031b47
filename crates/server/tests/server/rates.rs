//! How fast the requests of one capability may come.

use anonicloud_proto::capability::Right;
use anonicloud_proto::ids::UploadId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::actor::Actor;
use crate::process::{Server, expect_status};
use crate::space::Space;

/// Requests of one flood; as many floods as it takes until they come too fast, whatever the machine.
const FLOOD: usize = 1 << 13;
const FLOODS: usize = 16;

/// Asks for an upload that is not there, again and again, without waiting for the answers. Whether all were answered so.
async fn flood(server: &Server, space: &Space) -> bool {
    let stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut answers, mut requests) = stream.into_split();
    let path = space.path(&format!("uploads/{}", UploadId::from_bytes([9; 16])));
    let head =
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nanonicloud-api: 1\r\nauthorization: Bearer {}\r\n", space.token);
    let all = format!("{head}\r\n").repeat(FLOOD - 1) + &format!("{head}connection: close\r\n\r\n");
    let mut answered = Vec::new();
    let (sent, read) = tokio::join!(requests.write_all(all.as_bytes()), answers.read_to_end(&mut answered));
    sent.unwrap();
    read.unwrap();
    let count = |status: &[u8]| answered.windows(status.len()).filter(|part| *part == status).count();
    let (missing, refused) = (count(b"HTTP/1.1 404"), count(b"HTTP/1.1 429"));
    assert_eq!((missing + refused, count(b"retry-after: 5\r\n")), (FLOOD, refused));
    refused == 0
}

#[tokio::test]
async fn requests_that_come_too_fast_are_told_when_to_come_again() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let mut floods = 0;
    while flood(&server, &space).await {
        floods += 1;
        assert!(floods < FLOODS, "nothing is too fast");
    }
    assert!(floods > 0, "what a client needs at once is not too fast");
    // Other rights, and other spaces, are not counted with these.
    let read = alice.open_space(&server, &[Right::Read]).await;
    expect_status(server.get(&read.path("head")).bearer_auth(&read.token), 200).await;
    let (_, other) = Actor::with_space(&server, "other").await;
    expect_status(server.get(&other.path("head")).bearer_auth(&other.token), 200).await;
}
