//! What was removed or replaced gives its room back, and nothing else does.

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::device::Device;
use anonicloud_e2e::world::World;

use crate::devices::change_rows;
use crate::transfer::{MIB, assert_content};

pub(crate) const FILM: u64 = 64 * MIB;

pub(crate) fn used(device: &Device) -> u64 {
    device.json(&[&"quota"])["used"].as_u64().unwrap()
}

/// Bytes of all stored pieces on the server's disk.
pub(crate) fn stored(world: &World) -> u64 {
    let folders = anonicloud_e2e::tree::list(&world.server().data().join("blobs")).into_values();
    let files = folders.flat_map(|folder| anonicloud_e2e::tree::list(&folder).into_values());
    files.map(|file| fs_err::metadata(file).unwrap().len()).sum()
}

pub(crate) fn reclaim_now(world: &World, device: &Device) -> u64 {
    let answer = device.json(&[&"reclaim", &"--now", &"--yes", &"--password-file", &world.password_file()]);
    answer["freed"].as_u64().unwrap()
}

/// A film, a folder with files of all kinds, and what of it `device` has sent.
pub(crate) fn fill(world: &World, device: &Device) {
    content::write(&world.path("film"), 1, FILM);
    let folder = world.folder("folder");
    content::write(&folder.join("large"), 2, 9 * MIB + 17);
    content::write(&folder.join("middle"), 3, 2 * MIB);
    for number in 0..40 {
        content::write(&folder.join(format!("small-{number}")), 100 + number, 10_000 + number);
    }
    device.json(&[&"put", &folder, &"/"]);
    device.json(&[&"put", &world.path("film"), &"/film"]);
}

pub(crate) fn assert_folder(world: &World, device: &Device) {
    let back = world.folder("back").join(world.wire().requests().len().to_string());
    device.json(&[&"get", &"/folder", &back]);
    anonicloud_e2e::tree::assert_same(&world.path("folder"), &back);
}

#[test]
fn what_was_removed_gives_its_room_back_and_the_rest_stays() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    fill(&world, &laptop);
    let (full, on_disk) = (used(&laptop), stored(&world));
    laptop.json(&[&"rm", &"/film"]);
    assert!(used(&laptop) >= full, "removing alone frees nothing");

    let would = laptop.json(&[&"reclaim", &"--dry-run"]);
    assert!(would["released"].as_u64().unwrap() >= FILM, "{would}");
    assert_eq!(would["waiting"], 0, "a dry run does nothing: {would}");
    // A device that sent nothing of it, and reads all records, comes to the same.
    let tablet = world.log_in("tablet", "alice");
    assert_eq!(tablet.json(&[&"reclaim", &"--dry-run"])["released"], would["released"]);
    let swept = laptop.json(&[&"reclaim"]);
    assert_eq!(swept["released"], would["released"]);
    assert_eq!(swept["waiting"], swept["released"]);
    let quota = laptop.json(&[&"quota"]);
    assert_eq!(quota["released"], swept["released"], "{quota}");
    assert_eq!(quota["released_until"], swept["waiting_until"], "{quota}");
    assert!(stored(&world) >= on_disk, "released is not freed");
    let again = laptop.json(&[&"reclaim"]);
    assert_eq!((again["released"].as_u64(), &again["waiting"]), (Some(0), &swept["waiting"]));

    assert!(reclaim_now(&world, &laptop) >= FILM);
    assert!(used(&laptop) <= full - FILM);
    assert!(stored(&world) <= on_disk - FILM, "the files are gone from the disk");
    assert_eq!(laptop.json(&[&"quota"])["released"], 0);
    assert_folder(&world, &laptop);
    // Also for a device that knows nothing of what was.
    let phone = world.log_in("phone", "alice");
    assert_folder(&world, &phone);

    laptop.json(&[&"rm", &"-r", &"/folder"]);
    reclaim_now(&world, &laptop);
    assert!(stored(&world) < MIB, "nothing is left but the root: {}", stored(&world));
    assert!(used(&laptop) < MIB);
    assert_eq!(phone.json(&[&"ls", &"/"])["items"].as_array().unwrap().len(), 0);
}

#[test]
fn a_replaced_file_gives_its_pack_back_once_nothing_else_is_in_it() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    content::write(&folder.join("a"), 1, 700_000);
    content::write(&folder.join("b"), 2, 700_000);
    laptop.json(&[&"put", &folder, &"/"]);
    let both = stored(&world);
    content::write(&folder.join("a"), 3, 700_000);
    laptop.json(&[&"put", &folder, &"/"]);
    reclaim_now(&world, &laptop);
    // The pack of both stays for the sake of the other file.
    assert!(stored(&world) >= both, "{} {both}", stored(&world));
    assert_folder(&world, &laptop);
    content::write(&folder.join("b"), 4, 700_000);
    laptop.json(&[&"put", &folder, &"/"]);
    reclaim_now(&world, &laptop);
    assert!(stored(&world) < both + 300_000, "{} {both}", stored(&world));
    assert_folder(&world, &laptop);
}

#[test]
fn an_edited_file_keeps_the_segments_that_it_shares_with_its_predecessor() {
    use std::os::unix::fs::FileExt as _;
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    let file = folder.join("large");
    content::write(&file, 1, 20 * MIB);
    laptop.json(&[&"put", &folder, &"/"]);
    let before = stored(&world);
    for round in 0..3 {
        let edited = fs_err::OpenOptions::new().write(true).open(&file).unwrap();
        edited.file().write_all_at(b"edited", round * 5 * MIB).unwrap();
        laptop.json(&[&"put", &folder, &"/"]);
        reclaim_now(&world, &laptop);
        assert!(stored(&world) <= before + MIB, "{} {before}", stored(&world));
        assert_folder(&world, &laptop);
    }
}

#[test]
fn a_wrong_password_changes_nothing() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    content::write(&world.path("film"), 1, 5 * MIB);
    laptop.json(&[&"put", &world.path("film"), &"/film"]);
    laptop.json(&[&"rm", &"/film"]);
    let wrong = world.path("wrong");
    fs_err::write(&wrong, "five loud weasels ignore cold lanterns").unwrap();
    let before = (used(&laptop), stored(&world));
    let refusal = laptop.refusal(&[&"reclaim", &"--now", &"--yes", &"--password-file", &wrong]);
    assert_eq!((refusal.code.as_str(), refusal.exit), ("login_failed", Some(3)));
    assert_eq!((used(&laptop), stored(&world)), before);
    // Nor does the right one, when nobody says that it is meant.
    let refusal = laptop.refusal(&[&"reclaim", &"--now", &"--password-file", &world.password_file()]);
    assert_eq!((refusal.code.as_str(), refusal.exit), ("freeing_unconfirmed", Some(2)));
    assert_eq!((used(&laptop), stored(&world)), before);
    assert_eq!(laptop.json(&[&"quota"])["released"], 0, "not even released");
    assert!(reclaim_now(&world, &laptop) >= 5 * MIB);
}

/// Removing and sweeping pass when nothing else does.
#[test]
fn what_fills_the_quota_can_be_removed() {
    let world = World::with_options(&["--quota", "24MiB"]);
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    for number in 0..5 {
        content::write(&folder.join(number.to_string()), number, 4 * MIB);
    }
    laptop.json(&[&"put", &folder, &"/"]);
    let small = world.path("small");
    // What small things may take beyond the quota is used up.
    let refusal = (0..).find_map(|number| {
        content::write(&small, 100 + number, 200_000);
        let output = laptop.run(&[&"put", &small, &format!("/small-{number}"), &"--json"]);
        (!output.status.success()).then(|| anonicloud_e2e::device::refused(&output))
    });
    assert_eq!(refusal.unwrap().code, "quota_exceeded");
    // Nor is there room for names.
    while laptop.run(&[&"mkdir", &format!("/{}", world.wire().requests().len())]).status.success() {}
    laptop.json(&[&"rm", &"/folder/3"]);
    laptop.json(&[&"rm", &"-r", &"/folder"]);
    let left = laptop.json(&[&"ls", &"/"])["items"].as_array().unwrap().len();
    assert!(reclaim_now(&world, &laptop) >= 20 * MIB);
    // What is left of the small ones is under the quota.
    content::write(&small, 9, MIB);
    laptop.json(&[&"put", &small, &"/new"]);
    assert_content(&laptop, "/new", Generated::new(9, MIB));
    assert_content(&laptop, "/small-0", Generated::new(100, 200_000));
    assert_eq!(laptop.json(&[&"ls", &"/"])["items"].as_array().unwrap().len(), left + 1);
}

/// What is removed, released or freed comes up again as if it had never been there.
#[test]
fn what_was_removed_is_put_again() {
    for free in [false, true] {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        fill(&world, &laptop);
        laptop.json(&[&"rm", &"-r", &"/folder"]);
        if free {
            reclaim_now(&world, &laptop)
        } else {
            laptop.json(&[&"reclaim"])["released"].as_u64().unwrap()
        };
        laptop.json(&[&"put", &world.path("folder"), &"/"]);
        reclaim_now(&world, &laptop);
        assert_folder(&world, &laptop);
    }
}

/// What a sweep has released by mistake or by malice is kept by the next device that sweeps, and its person is told.
#[test]
fn what_is_needed_and_was_released_all_the_same_is_kept() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    fill(&world, &laptop);
    world.kill_server();
    let database = world.server().data().join("metadata.sqlite");
    let released =
        change_rows(&database, "UPDATE blobs SET released_day = 20000, released_seq = 1 WHERE upload IS NULL");
    change_rows(
        &database,
        "INSERT INTO counted_days SELECT 1, 20000, 20000 WHERE NOT EXISTS (SELECT 1 FROM counted_days)",
    );
    change_rows(&database, "UPDATE counted_days SET counted_day = 20000");
    world.start_server();
    assert!(laptop.json(&[&"quota"])["released"].as_u64().unwrap() > FILM);
    let would = tablet.json(&[&"reclaim", &"--dry-run"]);
    let kept = would["kept_blobs"].as_u64().unwrap();
    assert!(kept > 16 && kept <= released, "{would}");
    let swept = tablet.json(&[&"reclaim"]);
    assert_eq!((&swept["kept_blobs"], &swept["missing_blobs"]), (&would["kept_blobs"], &would["missing_blobs"]));
    assert_eq!(tablet.json(&[&"reclaim"])["kept_blobs"], 0);
    reclaim_now(&world, &tablet);
    assert_folder(&world, &laptop);
    assert_content(&laptop, "/film", Generated::new(1, FILM));
}

/// Where the server has lost something, nothing is freed at once.
#[test]
fn nothing_is_freed_while_something_that_is_needed_is_gone() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    fill(&world, &laptop);
    laptop.json(&[&"rm", &"/folder/middle"]);
    world.kill_server();
    let database = world.server().data().join("metadata.sqlite");
    let lose = "DELETE FROM blobs WHERE id = (SELECT id FROM blobs WHERE upload IS NULL AND size > 4000000 ORDER BY size DESC LIMIT 1)";
    assert_eq!(change_rows(&database, lose), 1);
    world.start_server();
    let refusal = laptop.refusal(&[&"reclaim", &"--now", &"--yes", &"--password-file", &world.password_file()]);
    assert_eq!((refusal.code.as_str(), refusal.exit), ("content_missing", Some(9)));
    assert!(laptop.json(&[&"quota"])["released"].as_u64().unwrap() > 0, "it waits");
    assert_eq!(laptop.json(&[&"reclaim"])["missing_blobs"], 1);
}
