//! Local state that was damaged: said so, and nothing at the server is lost.

use std::path::Path;

use anonicloud_e2e::content;
use anonicloud_e2e::device::refused;
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::world::World;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::expect;

/// A way to damage the state in a folder.
type Damage = fn(&Path);

fn flip(path: &Path, from: usize, every: usize) {
    let mut bytes = fs_err::read(path).unwrap();
    for byte in bytes.iter_mut().skip(from).step_by(every) {
        *byte ^= 0x55;
    }
    fs_err::write(path, bytes).unwrap();
}

const DAMAGES: [(&str, Damage); 6] = [
    ("the first bytes of the database", |state| {
        flip(&state.join("state.db"), 0, 1 << 10);
    }),
    ("bytes of the values", |state| {
        flip(&state.join("state.db"), 4096, 97);
    }),
    ("the end of the database", |state| {
        let bytes = fs_err::read(state.join("state.db")).unwrap();
        fs_err::write(state.join("state.db"), &bytes[..bytes.len() / 2]).unwrap();
    }),
    ("the end of the device's key", |state| {
        let bytes = fs_err::read(state.join("device.key")).unwrap();
        fs_err::write(state.join("device.key"), &bytes[..16]).unwrap();
    }),
    ("a bit of the device's key", |state| {
        flip(&state.join("device.key"), 0, 64);
    }),
    ("the device's key", |state| {
        fs_err::remove_file(state.join("device.key")).unwrap();
    }),
];

/// Moves the write-ahead log into the database, so that all is in one file.
fn settle(database: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let settled = runtime.unwrap().block_on(async {
        let options = SqliteConnectOptions::new().filename(database);
        let mut connection = options.connect().await?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
        connection.close().await
    });
    settled.unwrap();
}

#[test]
fn damaged_state_is_told_and_replaced_by_a_login() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    content::write(&folder.join("file"), 1, 100_000);
    laptop.json(&[&"put", &folder, &"/"]);
    let kept = laptop.state();
    settle(&kept.join("state.db"));
    for (number, (what, damage)) in DAMAGES.iter().enumerate() {
        let state = world.folder(format!("damaged {number}"));
        for path in anonicloud_e2e::tree::list(kept).into_values() {
            fs_err::copy(&path, state.join(path.file_name().unwrap())).unwrap();
        }
        damage(&state);
        let device = world.device(&format!("damaged {number}"));
        let output = device.run(&[&"ls", &"/", &"--json"]);
        assert!(!output.status.success(), "nobody noticed: {what}");
        let refusal = refused(&output);
        assert_eq!(refusal.code, "state_corrupt", "{what}: {refusal:?}");
        expect(&refusal, "state_corrupt", 7);
    }

    // As the hint says.
    fs_err::rename(kept, world.path("moved away")).unwrap();
    let laptop = world.log_in("laptop", "alice");
    laptop.json(&[&"get", &"/folder", &world.path("back")]);
    assert_same(&folder, &world.path("back"));
}
