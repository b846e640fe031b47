//! `anonicloud-server check`, beside a server that runs.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::actor::Actor;
use crate::process::{Server, expect_status};
use crate::space::Blob;

/// Whether the folder is clean, and the report.
async fn check(server: &Server) -> (bool, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anonicloud-server"));
    command.args(["check", "--json", "--data-dir"]).arg(server.data()).env_clear();
    let output = command.output().await.unwrap();
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code() == Some(0), report)
}

fn stored(server: &Server) -> Vec<PathBuf> {
    let fans = fs_err::read_dir(server.data().join("blobs")).unwrap();
    fans.flat_map(|fan| fs_err::read_dir(fan.unwrap().path()).unwrap()).map(|file| file.unwrap().path()).collect()
}

#[tokio::test]
async fn what_is_damaged_lost_or_nobodys_is_named() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 10 << 20).await;
    let mut files = Vec::new();
    for name in 0..5 {
        let blob = Blob::new(name, 2_000_000);
        space.send(&server, upload, &blob).await;
        let new = stored(&server).into_iter().find(|file| !files.iter().any(|(_, known)| known == file));
        files.push((blob, new.unwrap()));
    }
    space.commit(&server, &alice, &files[..4].iter().map(|(blob, _)| blob).collect::<Vec<_>>()).await;
    // Begun and never ended: no damage.
    let part = Blob::new(9, 20_000);
    let put = server.put(&space.path(&part.put_path(upload, 0))).bearer_auth(&space.token);
    expect_status(put.body(part.bytes[..600].to_vec()), 200).await;
    let clean = json!({ "blobs": 5, "bytes": 10_000_000, "damaged": [], "unreferenced": [], "unlisted": [] });
    assert_eq!(check(&server).await, (true, clean));
    let [(flipped, one), (cut, two), (lost, three), ..] = &files[..] else { panic!("too few") };
    let mut bytes = flipped.bytes.clone();
    bytes[1_999_999] ^= 1;
    fs_err::write(one, bytes).unwrap();
    fs_err::write(two, &cut.bytes[..1_999_999]).unwrap();
    fs_err::remove_file(three).unwrap();
    let nobodys = "ab".repeat(16);
    fs_err::write(server.data().join("blobs").join("ab").join(&nobodys), b"x").unwrap();
    let (is_clean, report) = check(&server).await;
    assert!(!is_clean);
    assert_eq!((&report["blobs"], &report["unreferenced"]), (&json!(5), &json!([nobodys])));
    let mut damaged = report["damaged"].as_array().unwrap().clone();
    damaged.sort_by_key(|damaged| damaged["blob"].as_str().unwrap().to_owned());
    let expected =
        [(flipped, one, "hash"), (cut, two, "length"), (lost, three, "missing")].map(|(blob, file, problem)| {
            let file = file.file_name().unwrap().to_str().unwrap();
            json!({ "space": space.id.to_string(), "blob": blob.id.to_string(), "file": file, "problem": problem })
        });
    assert_eq!(damaged, expected);
}

#[tokio::test]
async fn what_cannot_be_read_is_named_with_all_else() {
    let server = Server::start().await;
    let (_, space) = Actor::with_space(&server, "alice").await;
    let upload = space.open_upload(&server, 1, 10 << 20).await;
    for name in 0..8 {
        space.send(&server, upload, &Blob::new(name, 20_000)).await;
    }
    let files = stored(&server);
    let unreadable = &files[0];
    fs_err::remove_file(unreadable).unwrap();
    fs_err::create_dir(unreadable).unwrap();
    let blobs = server.data().join("blobs");
    let unlisted = (0..=u8::MAX).map(|first| format!("{first:02x}")).rfind(|fan| {
        // One that is empty.
        fs_err::remove_dir(blobs.join(fan)).is_ok()
    });
    let unlisted = unlisted.unwrap();
    fs_err::write(blobs.join(&unlisted), b"").unwrap();
    let nobodys = unreadable.with_file_name(format!("{}{}", name_of(unreadable.parent().unwrap()), "0".repeat(30)));
    fs_err::write(&nobodys, b"x").unwrap();
    let (is_clean, report) = check(&server).await;
    assert!(!is_clean);
    assert_eq!(report["unreferenced"], json!([name_of(&nobodys)]));
    assert_eq!(report["unlisted"], json!([{ "folder": unlisted, "cause": "not a directory" }]));
    let one = &report["damaged"].as_array().unwrap()[..];
    assert!(matches!(one, [one] if one["file"] == name_of(unreadable) && one["problem"] == "unreadable"), "{report}");
    assert_eq!(one[0]["cause"], "is a directory");
    // With its folder all of them are lost.
    for fan in files.iter().map(|file| file.parent().unwrap()) {
        if fan.exists() {
            fs_err::remove_dir_all(fan).unwrap();
        }
    }
    let (is_clean, report) = check(&server).await;
    assert!(!is_clean);
    let damaged = report["damaged"].as_array().unwrap();
    assert_eq!((damaged.len(), &report["unreferenced"]), (8, &json!([])));
    assert!(damaged.iter().all(|damaged| damaged["problem"] == "missing"), "{report}");
}

#[tokio::test]
async fn who_does_not_take_what_was_found_is_told_so() {
    let server = Server::start().await;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_anonicloud-server"));
    command.args(["check", "--data-dir"]).arg(server.data()).env_clear().stdout(writer).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.starts_with("error: what was found could not be written: "), "{text}");
}

fn name_of(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_meanwhile_is_no_damage() {
    let server = Server::start().await;
    let (alice, space) = Actor::with_space(&server, "alice").await;
    let blobs: Vec<Blob> = (0..48).map(|name| Blob::new(name, 1_000_000)).collect();
    let busy = async {
        for round in 0_u8.. {
            let upload = space.open_upload(&server, round, 48 << 20).await;
            let sending = blobs.iter().map(|blob| space.send(&server, upload, blob));
            futures::future::join_all(sending).await;
            if round == 3 {
                space.commit(&server, &alice, &[&blobs[0]]).await;
            }
            let end = server.delete(&space.path(&format!("uploads/{upload}"))).bearer_auth(&space.token);
            expect_status(end, 204).await;
        }
    };
    let checking = async {
        for _ in 0..20 {
            let (is_clean, report) = check(&server).await;
            assert!(is_clean, "{report}");
        }
    };
    tokio::select! {
        () = busy => {}
        () = checking => {}
    }
}
