//! A server that is gone, is none, speaks another version, or hears nonsense.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;
use serde_json::Value;

use super::{expect, expect_all_distinct};

const NO_WAIT: &[&str] = &["--retry-for", "0"];

#[test]
fn a_server_that_goes_in_the_midst_of_it() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice").with_options(NO_WAIT);
    let folder = world.folder("folder");
    content::write(&folder.join("film"), 1, 9 << 20);
    world.wire().hold(Moment::Body(Kind::PutBlob, 1, 1 << 20));
    let mut run = laptop.start(&[&"put", &folder, &"/"]);
    assert!(world.wire().wait_held(&mut run));
    world.kill_server();
    expect(&run.refusal(), "unreachable", 8);
    expect(&laptop.refusal(&[&"ls", &"/"]), "unreachable", 8);

    world.start_server();
    assert_eq!(laptop.waiting(), 1);
    laptop.json(&[&"resume"]);
    laptop.json(&[&"get", &"/folder", &world.path("back")]);
    assert_same(&folder, &world.path("back"));
}

/// A server that answers every request alike, until the test ends.
fn answering(status: &'static str, body: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let len = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n{body}"
            );
            (&stream).write_all(answer.as_bytes()).ok();
        }
    });
    address
}

#[test]
fn servers_that_are_not_the_one() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice").with_options(NO_WAIT);
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let closed = nobody.local_addr().unwrap();
    drop(nobody);
    let newer = answering(
        "400 Bad Request",
        r#"{"error":{"code":"api_version_unsupported","message":"this server speaks version 9","hint":"update the client"}}"#,
    );
    let other = answering("200 OK", r#"{"hello":"world"}"#);
    let page = answering("404 Not Found", "<html>no such page</html>");
    let at = |address: SocketAddr| {
        let device = laptop.clone().at(format!("http://{address}"));
        device.refusal(&[&"ls", &"/"])
    };

    let unreachable = at(closed);
    expect(&unreachable, "unreachable", 8);
    let unsupported = at(newer);
    expect(&unsupported, "api_version_unsupported", 10);
    assert!(unsupported.message.contains("version 9"), "{unsupported:?}");
    let malformed = at(other);
    expect(&malformed, "malformed_answer", 10);
    expect(&at(page), "malformed_answer", 10);
    let insecure = laptop.clone().at("http://192.0.2.1:1".to_owned());
    let insecure = insecure.refusal(&[&"ls", &"/"]);
    expect(&insecure, "server_address_invalid", 2);
    expect_all_distinct(&[unreachable, unsupported, malformed, insecure]);
    laptop.json(&[&"ls", &"/"]);
}

/// Sends bytes as they are, and their end if they have none, and gives all that comes back.
fn ask(server: SocketAddr, request: &[u8], has_end: bool) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A server may refuse before it has read all.
    stream.write_all(request).ok();
    if !has_end {
        stream.shutdown(Shutdown::Write).ok();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    answer
}

#[test]
fn other_versions_of_the_api_are_refused() {
    let world = World::new();
    for version in ["", "anonicloud-api: 0\r\n", "anonicloud-api: 2\r\n", "anonicloud-api: 1x\r\n"] {
        let request = format!("GET /v1/realm HTTP/1.1\r\nhost: x\r\n{version}connection: close\r\n\r\n");
        let answer = ask(world.server().address(), request.as_bytes(), true);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400"), "{answer}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["code"], "api_version_unsupported", "{version}");
        assert!(!body["error"]["hint"].as_str().unwrap().is_empty());
    }
}

#[test]
fn nonsense_does_no_harm() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    content::write(&folder.join("before"), 1, 100_000);
    laptop.json(&[&"put", &folder, &"/"]);
    let starts: [&[u8]; 6] = [
        b"",
        b"GET ",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"POST /v1/login/start HTTP/1.1\r\nhost: x\r\nanonicloud-api: 1\r\ncontent-type: application/json\r\ncontent-length: 300\r\n\r\n",
        b"PUT /v1/spaces/0/uploads/0/blobs/0?offset=-1&size=99999999999999999999&hash=x HTTP/1.1\r\nhost: x\r\nanonicloud-api: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    ];
    for round in 0..120_u64 {
        let start = starts[usize::try_from(round).unwrap() % starts.len()];
        let len = Generated::new(round, 0).below(2_000);
        let request = [start, &content::bytes(round, len)].concat();
        let answer = ask(world.server().address(), &request, false);
        let answer = String::from_utf8_lossy(&answer);
        for granted_or_broken in ["HTTP/1.1 2", "HTTP/1.1 500"] {
            assert!(!answer.starts_with(granted_or_broken), "round {round}: {answer}");
        }
    }
    content::write(&folder.join("after"), 2, 100_000);
    laptop.json(&[&"put", &folder, &"/"]);
    laptop.json(&[&"get", &"/folder", &world.path("back")]);
    assert_same(&folder, &world.path("back"));
}
