//! The promise at full size: 4 GiB, cut at 3.5 GiB, with nothing left on the device but the file.

use std::path::Path;
use std::process::Command;

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::wire::Moment;
use anonicloud_e2e::world::World;

use crate::transfer::{MIB, SEGMENT, assert_content};

const GIB: u64 = 1 << 30;
const SIZE: u64 = 4 * GIB;
const CUT: u64 = 3 * GIB + GIB / 2;
const SEED: u64 = 4096;
/// The file, the blobs, and room for what else goes on.
const NEEDED: u64 = 9 * GIB;

/// Bytes that the disk of `folder` has left.
fn free_space(folder: &Path) -> u64 {
    let output = Command::new("df").args(["--output=avail", "--block-size=1"]).arg(folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().last().unwrap().trim().parse().unwrap()
}

#[test]
fn four_gibibytes_go_on_after_everything_died() {
    let mut world = World::new();
    let free = free_space(&world.path(""));
    assert!(free >= NEEDED, "this test needs {NEEDED} bytes of disk beside the build output, and there are {free}");
    let laptop = world.sign_up("laptop", "alice");
    let source = world.path("big");
    content::write(&source, SEED, SIZE);

    world.wire().hold(Moment::Sent(CUT));
    let mut run = laptop.start(&[&"put", &source, &"/"]);
    assert!(world.wire().wait_held(&mut run), "3.5 GiB were never sent");
    run.kill();
    world.kill_server();
    laptop.lose_state();
    let before = world.wire().sent();
    world.start_server();

    let laptop = world.log_in("laptop", "alice");
    laptop.json(&[&"put", &source, &"/"]);
    let after = world.wire().sent() - before;
    let bound = SIZE - CUT + 8 * SEGMENT + 4 * MIB;
    println!("{after} bytes sent afterwards, {bound} may be");
    assert!(after <= bound, "{after} bytes were sent afterwards, {bound} may be");
    fs_err::remove_file(&source).unwrap();
    assert_content(&laptop, "/big", Generated::new(SEED, SIZE));
}
