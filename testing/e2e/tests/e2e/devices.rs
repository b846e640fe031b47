//! Devices that come and go: what one of them did, all others see, whichever process of theirs looks.

use std::path::Path;

use anonicloud_e2e::device::Device;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

pub(crate) fn names(device: &Device) -> Vec<String> {
    let listing = device.json(&[&"ls", &"/"]);
    let items = listing["items"].as_array().unwrap();
    items.iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn make(device: &Device, paths: &[&str]) {
    for path in paths {
        device.json(&[&"mkdir", path]);
    }
}

#[test]
fn a_device_starts_again_on_what_another_one_did() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    // The first commit brings the tablet's link, the second one none.
    make(&tablet, &["/a", "/b"]);
    for _ in 0..3 {
        assert_eq!(names(&laptop), ["a", "b"]);
    }
    make(&laptop, &["/c"]);
    assert_eq!(names(&tablet), ["a", "b", "c"]);
}

#[test]
fn devices_that_come_later_write_into_the_same_tree() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    make(&tablet, &["/a", "/b"]);
    assert_eq!(names(&laptop), ["a", "b"]);
    let phone = world.log_in("phone", "alice");
    make(&phone, &["/c", "/d"]);
    assert_eq!(names(&laptop), ["a", "b", "c", "d"]);
    make(&laptop, &["/e"]);
    make(&tablet, &["/f"]);
    make(&phone, &["/g"]);
    for device in [&laptop, &tablet, &phone] {
        assert_eq!(names(device), ["a", "b", "c", "d", "e", "f", "g"]);
    }
}

#[test]
fn every_write_after_a_start_says_what_it_did() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    make(&tablet, &["/a"]);
    make(&laptop, &["/b", "/c", "/d"]);
    laptop.json(&[&"mv", &"/a", &"/e"]);
    laptop.json(&[&"mv", &"/b", &"/f"]);
    assert_eq!(names(&tablet), ["c", "d", "e", "f"]);
}

#[test]
fn a_device_that_left_and_came_back_shares_one_history_with_the_others() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    make(&tablet, &["/a", "/b"]);
    assert_eq!(names(&laptop), ["a", "b"]);
    assert_eq!(tablet.json(&[&"logout"])["server_told"], true);
    let tablet = world.log_in("tablet", "alice");
    make(&tablet, &["/c", "/d"]);
    assert_eq!(names(&laptop), ["a", "b", "c", "d"]);
    make(&laptop, &["/e"]);
    // One that reads the log from its begin, because devices were removed, comes to the same.
    let phone = world.log_in("phone", "alice");
    for device in [&laptop, &tablet, &phone] {
        assert_eq!(names(device), ["a", "b", "c", "d", "e"]);
    }
    make(&phone, &["/f"]);
    assert_eq!(names(&laptop), names(&phone));
    assert_eq!(names(&tablet), names(&phone));
}

#[test]
fn a_login_by_password_ends_the_session_that_the_password_opened() {
    let world = World::new();
    world.sign_up("laptop", "alice");
    let before = world.wire().requests().len();
    world.log_in("tablet", "alice");
    let requests = world.wire().requests();
    assert_eq!(requests.last().unwrap().line, "POST /v1/logout", "{:?}", &requests[before..]);
}

/// The server is put back to before the tablet came: a link of the laptop on top of that would have the number of the tablet's.
#[test]
fn a_device_signs_no_link_beside_one_that_it_has_seen() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    world.kill_server();
    let (data, backup) = (world.server().data().to_owned(), world.path("backup"));
    copy(&data, &backup);
    world.start_server();
    let tablet = world.log_in("tablet", "alice");
    make(&tablet, &["/a"]);
    assert_eq!(names(&laptop), ["a"]);
    world.kill_server();
    fs_err::remove_dir_all(&data).unwrap();
    copy(&backup, &data);
    world.start_server();
    assert_eq!(laptop.refusal(&[&"ls", &"/"]).code, "rolled_back");
    assert_eq!(laptop.json(&[&"logout"])["server_told"], false);
}

/// The phone has the account's chain from before the tablet; the server shows it no more of it, and the newest change alone does
/// not say who made it.
#[test]
fn a_server_that_holds_back_a_device_keeps_its_changes_from_nobody() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let phone = world.log_in("phone", "alice");
    let tablet = world.log_in("tablet", "alice");
    make(&tablet, &["/a", "/b"]);
    make(&laptop, &["/c"]);
    make(&tablet, &["/d"]);
    world.kill_server();
    let database = world.server().data().join("metadata.sqlite");
    assert_eq!(change_rows(&database, "DELETE FROM sigchain WHERE seq = (SELECT max(seq) FROM sigchain)"), 1);
    world.start_server();
    assert_eq!(names(&phone), ["a", "b", "c", "d"]);
    make(&phone, &["/e"]);
    assert_eq!(names(&laptop), ["a", "b", "c", "d", "e"]);
}

/// A `put` is on one history while an `ls` of the same device is shown another one, in which the first is not.
#[test]
fn two_processes_of_a_device_are_not_led_apart() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    let phone = world.log_in("phone", "alice");
    make(&tablet, &["/a"]);
    assert_eq!(names(&phone), names(&laptop));
    let source = world.path("source");
    fs_err::write(&source, "content").unwrap();
    world.wire().hold(Moment::Arrives(Kind::Commit, 1));
    let mut put = laptop.start(&[&"put", &source, &"/file"]);
    assert!(world.wire().wait_held(&mut put));
    let (data, backup) = (world.server().data().to_owned(), world.path("backup"));
    copy(&data, &backup);
    let past = |device: &Device, world: &World| device.clone().at(format!("http://{}", world.server().address()));
    make(&past(&tablet, &world), &["/b"]);
    assert_eq!(names(&past(&laptop, &world)), ["a", "b"]);
    world.kill_server();
    fs_err::remove_dir_all(&data).unwrap();
    copy(&backup, &data);
    world.wire().hold(Moment::Arrives(Kind::Commit, 1));
    world.start_server();
    make(&past(&phone, &world), &["/c", "/d"]);
    assert!(world.wire().wait_held(&mut put));
    world.wire().release();
    // Proof of tampering, for both.
    assert_eq!(put.refusal().exit, Some(9));
    assert_eq!(laptop.refusal(&[&"ls", &"/"]).exit, Some(9));
}

/// Changes rows of a server that does not run; gives how many.
pub(crate) fn change_rows(database: &Path, statement: &'static str) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
        let changed = sqlx::query(statement).execute(&mut connection).await.unwrap().rows_affected();
        connection.close().await.unwrap();
        changed
    })
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs_err::copy(entry.path(), target).unwrap();
        }
    }
}
