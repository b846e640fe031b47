//! Disks that are full, on either side: a clear refusal, nothing lost, and it goes on when there is room.

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::disk::SmallDisk;
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::world::World;

use crate::transfer::{MIB, assert_content};

#[test]
fn a_target_with_no_room_is_refused_and_taken_up_again() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.path("large");
    content::write(&source, 1, 24 * MIB);
    laptop.json(&[&"put", &source, &"/large"]);
    let mut disk = SmallDisk::new(&world.path("disk"), 10 * MIB);
    let target = disk.path().join("large");
    let refusal = laptop.refusal(&[&"get", &"/large", &target]);
    assert_eq!((refusal.code.as_str(), refusal.exit), ("disk_full", Some(7)), "{refusal:?}");
    assert!(!target.exists());
    disk.resize(30 * MIB);
    let before = world.wire().received();
    laptop.json(&[&"get", &"/large", &target]);
    let received = world.wire().received() - before;
    assert!(received < 21 * MIB, "{received}: what was written is fetched again");
    let file = fs_err::File::open(&target).unwrap();
    assert_eq!(content::compare(Generated::new(1, 24 * MIB), file), Ok(()));
}

#[test]
fn local_state_with_no_room_loses_nothing() {
    let world = World::new();
    let mut disk = SmallDisk::new(&world.path("disk"), 3 * MIB);
    let laptop = world.device("disk/state").with_disk(&disk);
    let words = world.path("words");
    laptop.json(&[
        &"signup",
        &"--handle",
        &"alice",
        &"--password-file",
        &world.password_file(),
        &"--recovery-file",
        &words,
    ]);
    let source = world.folder("folder");
    for number in 0..200 {
        content::write(&source.join(number.to_string()), number, 60_000);
    }
    // The journal of packs needs more than there is.
    let refusal = laptop.refusal(&[&"put", &source, &"/"]);
    assert_eq!((refusal.code.as_str(), refusal.exit), ("disk_full", Some(7)), "{refusal:?}");
    disk.resize(100 * MIB);
    laptop.json(&[&"resume"]);
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
    let back = world.path("back");
    let phone = world.log_in("phone", "alice");
    phone.json(&[&"get", &"/folder", &back]);
    assert_same(&source, &back);
}

#[test]
fn a_server_with_no_room_says_so_and_loses_nothing() {
    let (world, mut disk) = World::on_small_disk(40 * MIB);
    let laptop = world.sign_up("laptop", "alice");
    let source = world.path("large");
    content::write(&source, 1, 24 * MIB);
    laptop.json(&[&"put", &source, &"/before"]);
    let refusal = laptop.refusal(&[&"put", &source, &"/after"]);
    assert_eq!((refusal.code.as_str(), refusal.exit), ("server_storage_full", Some(10)), "{refusal:?}");
    assert_content(&laptop, "/before", Generated::new(1, 24 * MIB));

    disk.resize(100 * MIB);
    laptop.json(&[&"resume"]);
    assert_content(&laptop, "/after", Generated::new(1, 24 * MIB));
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
}
