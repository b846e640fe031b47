//! Start, stop, kill, restart; TLS; what is left in logs and files.

use std::sync::Arc;

use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::codec::Encode as _;
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use reqwest::Version;
use std::os::unix::fs::PermissionsExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::actor::Actor;
use crate::process::{Server, command, expect_status, refused};
use crate::space::Blob;

#[tokio::test]
async fn an_acknowledged_blob_and_commit_survive_sigkill() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 10 << 20).await;
    let (committed, complete, part) = (Blob::new(1, 3 << 20), Blob::new(2, 70_000), Blob::new(3, 20_000));
    space.send(&server, upload, &committed).await;
    space.commit(&server, &alice, &[&committed]).await;
    space.send(&server, upload, &complete).await;
    let put =
        server.put(&space.path(&part.put_path(upload, 0))).bearer_auth(&space.token).body(part.bytes[..600].to_vec());
    expect_status(put, 200).await;
    let head = space.head(&server).await;
    let server = server.kill_and_restart().await;
    let stale = server.get(&space.path("head")).bearer_auth(&space.token);
    assert_eq!(refused(stale).await, ErrorCode::SessionExpired);
    let space = alice
        .open_space(&server, &[anonicloud_proto::capability::Right::Read, anonicloud_proto::capability::Right::Write])
        .await;
    assert_eq!(space.head(&server).await, head);
    let rest = space.sending(&server, upload, &part, 600);
    expect_status(rest, 200).await;
    space.commit(&server, &alice, &[&complete, &part]).await;
    for blob in [&committed, &complete, &part] {
        let read = expect_status(space.reading(&server, blob), 200).await;
        assert!(read.bytes().await.unwrap() == blob.bytes);
    }
    assert!(alice.login(&server).await.is_some());
}

#[tokio::test]
async fn old_files_that_no_row_names_are_swept_at_the_start() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let blob = Blob::new(1, 20_000);
    space.send(&server, upload, &blob).await;
    space.commit(&server, &alice, &[&blob]).await;
    let place = |byte: &str| server.data().join("blobs").join(byte).join(byte.repeat(16));
    let (old, new) = (place("ab"), place("cd"));
    for orphan in [&old, &new] {
        fs_err::write(orphan, b"orphan").unwrap();
    }
    let long_ago = std::time::UNIX_EPOCH;
    fs_err::OpenOptions::new().write(true).open(&old).unwrap().set_modified(long_ago).unwrap();
    let server = server.kill_and_restart().await;
    // A new one may be named by a commit that a restored backup does not know yet.
    assert!(!old.exists() && new.exists());
    let space = alice.open_space(&server, &[anonicloud_proto::capability::Right::Read]).await;
    let read = expect_status(space.reading(&server, &blob), 200).await;
    assert_eq!(read.bytes().await.unwrap(), blob.bytes);
}

#[tokio::test]
async fn sigterm_lets_running_requests_finish_and_refuses_new_ones() {
    let mut server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let blob = Blob::new(1, 20_000);
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let mut running = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: x\r\nanonicloud-api: 1\r\nauthorization: Bearer {}\r\ncontent-length: 20000\r\n\r\n",
        space.path(&blob.put_path(upload, 0)),
        space.token,
    );
    running.write_all(head.as_bytes()).await.unwrap();
    running.write_all(&blob.bytes[..500]).await.unwrap();
    // Once its row is there, the request runs.
    let state = space.path(&format!("uploads/{upload}"));
    loop {
        let get = server.get(&state).bearer_auth(&space.token);
        let text = expect_status(get, 200).await.text().await.unwrap();
        if text.contains(&blob.id.to_string()) {
            break;
        }
    }
    server.terminate();
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    running.write_all(&blob.bytes[500..]).await.unwrap();
    let mut answer = Vec::new();
    running.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"complete\":true"), "{answer}");
    assert!(server.wait().await.success());
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let server = Server::start().await;
    let output = command(server.folder().path(), &[]).output().await.unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("error: another server uses the data folder"), "{text}");
    assert!(text.contains("\nhint: "), "{text}");
    expect_status(server.get("/v1/realm"), 200).await;
}

#[tokio::test]
async fn plain_http_leaves_no_machine() {
    let folder = tempfile::tempdir().unwrap();
    let mut plain = tokio::process::Command::new(env!("CARGO_BIN_EXE_anonicloud-server"));
    plain
        .args(["serve", "--data-dir"])
        .arg(folder.path().join("data"))
        .env_clear()
        .env("ANONICLOUD_SERVER_LISTEN", "0.0.0.0:0");
    let output = plain.output().await.unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("plain HTTP") && text.contains("hint: give --tls-cert"), "{text}");
    assert!(!folder.path().join("data").exists());
}

#[tokio::test]
async fn tls_speaks_http_2_and_carries_blobs() {
    let server = Server::start_tls().await;
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 20 << 20).await;
    let blobs = [1, 2, 3].map(|name| Blob::new(name, 5 << 20));
    let [a, b, c] = &blobs;
    tokio::join!(space.send(&server, upload, a), space.send(&server, upload, b), space.send(&server, upload, c),);
    // Answered without its body being read, over HTTP/2 too.
    space.send(&server, upload, a).await;
    space.commit(&server, &alice, &[a, b, c]).await;
    let read = expect_status(space.reading(&server, b), 200).await;
    assert_eq!(read.version(), Version::HTTP_2);
    assert!(read.bytes().await.unwrap() == b.bytes);
}

#[tokio::test]
async fn a_unix_socket_is_served_and_a_stale_one_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let mut process = tokio::process::Command::new(env!("CARGO_BIN_EXE_anonicloud-server"))
        .args(["serve", "--listen"])
        .arg(format!("unix:{}", socket.display()))
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .env_clear()
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut ready = [0; 18];
    let mut stdout = process.stdout.take().unwrap();
    stdout.read_exact(&mut ready).await.unwrap();
    assert_eq!(&ready, b"listening on unix:");
    let mut stream = UnixStream::connect(&socket).await.unwrap();
    stream
        .write_all(b"GET /v1/realm HTTP/1.1\r\nhost: x\r\nanonicloud-api: 1\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn logs_and_files_name_nobody() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alicecanary").await;
    let login = alice.login(&server).await.unwrap();
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let blob = Blob::new(1, 20_000);
    space.send(&server, upload, &blob).await;
    space.commit(&server, &alice, &[&blob]).await;
    let agent = server.get("/v1/realm").header("user-agent", "agentcanary");
    expect_status(agent, 200).await;
    expect_status(server.get("/v1/realm?querycanary=1"), 200).await;
    let log = server.log();
    let ids = [
        alice.account.to_string(),
        alice.device.to_string(),
        alice.space.to_string(),
        upload.to_string(),
        blob.id.to_string(),
    ];
    let secrets: [&[u8]; 6] = [
        alice.handle.as_bytes(),
        b"agentcanary",
        b"querycanary",
        b"127.0.0.1",
        login.token.as_bytes(),
        &alice.password,
    ];
    for secret in secrets {
        for text in spellings(secret) {
            assert!(!log.contains(&text), "{text} in the log");
        }
    }
    for id in &ids {
        assert!(!log.contains(id), "{id} in the log");
    }
    let mut canary = false;
    for path in files(&server.data()) {
        let bytes = fs_err::read(&path).unwrap();
        canary |= contains(&bytes, alice.handle.as_bytes());
        for secret in &secrets[1..] {
            for text in spellings(secret) {
                assert!(!contains(&bytes, text.as_bytes()), "{text} in {}", path.display());
            }
            assert!(!contains(&bytes, secret), "a secret in {}", path.display());
        }
        let keys = space.token.as_bytes();
        assert!(!contains(&bytes, keys));
    }
    // The handle is the one thing that may show, so the search must find it.
    assert!(canary);
}

#[tokio::test]
async fn files_are_for_their_owner_and_blobs_carry_the_day_alone() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    let blob = Blob::new(1, 20_000);
    space.send(&server, upload, &blob).await;
    let mode = |path: &std::path::Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&server.data()), 0o700);
    assert_eq!(mode(&server.data().join("server.key")), 0o600);
    let stored: Vec<_> = files(&server.data().join("blobs"));
    assert_eq!(stored.len(), 1);
    let modified = fs_err::metadata(&stored[0]).unwrap().modified().unwrap();
    let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!((since.as_secs() % 86_400, since.subsec_nanos()), (0, 0));
    // The id of the blob is not the name of its file.
    let name = stored[0].file_name().unwrap().to_str().unwrap().to_owned();
    assert!(!blob.id.to_string().contains(&name));
    drop(alice.genesis().to_bytes());
}

#[tokio::test]
async fn a_data_folder_without_its_key_is_refused() {
    let mut server = Server::start().await;
    Actor::registered(&server, "alice").await;
    server.terminate();
    assert!(server.wait().await.success());
    fs_err::remove_file(server.data().join("server.key")).unwrap();
    let folder = Arc::clone(server.folder());
    let output = command(folder.path(), &[]).output().await.unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("error: server.key is missing"), "{text}");
    assert!(!server.data().join("server.key").exists());
}

#[tokio::test]
async fn blobs_without_their_metadata_are_refused_and_not_swept() {
    let mut server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 1 << 20).await;
    space.send(&server, upload, &Blob::new(1, 20_000)).await;
    server.terminate();
    assert!(server.wait().await.success());
    let stored = files(&server.data().join("blobs"));
    assert_eq!(stored.len(), 1);
    for file in files(&server.data()) {
        if file.to_string_lossy().contains("metadata.sqlite") {
            fs_err::remove_file(file).unwrap();
        }
    }
    let folder = Arc::clone(server.folder());
    for _ in 0..2 {
        let output = command(folder.path(), &[]).output().await.unwrap();
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("error: metadata.sqlite is missing"), "{text}");
        assert_eq!(files(&server.data().join("blobs")), stored);
    }
}

fn spellings(secret: &[u8]) -> Vec<String> {
    let mut all = vec![HEXLOWER.encode(secret), BASE64.encode(secret), BASE64URL_NOPAD.encode(secret)];
    all.extend(String::from_utf8(secret.to_vec()));
    all
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
