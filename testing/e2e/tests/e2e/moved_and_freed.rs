//! Another device moves what a command has yet to read, and frees the place where it was: the command looks again.

use anonicloud_e2e::content;
use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;
use serde_json::Value;

use crate::reclaim::{FILM, reclaim_now};
use crate::repack::{direct, fill_and_thin, number_of};
use crate::transfer::MIB;
use crate::watch::Watching;

/// Runs a command of `device` up to an answer with a piece of content, and the rest after all small files have moved and
/// the places where they were are freed.
fn overtaken(world: &World, device: &Device, other: &Device, arguments: Arguments<'_>) -> Value {
    world.wire().hold(Moment::Answer(Kind::GetBlob, 4));
    let mut run = device.start(arguments);
    assert!(world.wire().wait_held(&mut run));
    let told = other.json(&[&"reclaim"]);
    assert!(number_of(&told, "moved") > 0, "{told}");
    assert!(reclaim_now(world, other) > 0);
    world.wire().release();
    run.json()
}

#[test]
fn a_download_finds_what_was_moved_and_freed() {
    let world = World::new();
    world.sign_up("laptop", "alice");
    let tablet = direct(&world, "tablet");
    fill_and_thin(&world, &tablet, 1000, 8000);
    let phone = world.log_in("phone", "alice");
    let told = overtaken(&world, &phone, &tablet, &[&"get", &"/folder", &world.path("fetched")]);
    anonicloud_e2e::tree::assert_same(&world.path("folder"), &world.path("fetched"));
    let files = 1000 - 600 + 1;
    assert_eq!((number_of(&told, "files"), number_of(&told, "unchanged")), (files, 0), "{told}");
}

#[test]
fn a_check_calls_nothing_missing_that_was_moved_and_freed() {
    for sample in [false, true] {
        let world = World::new();
        world.sign_up("laptop", "alice");
        let tablet = direct(&world, "tablet");
        fill_and_thin(&world, &tablet, 1000, 8000);
        let phone = world.log_in("phone", "alice");
        let arguments: Arguments<'_> = if sample { &[&"check", &"--sample", &"60%"] } else { &[&"check"] };
        let told = overtaken(&world, &phone, &tablet, arguments);
        assert_eq!(told["findings"].as_array().map(Vec::len), Some(0), "{told}");
        if !sample {
            assert_eq!((number_of(&told, "files"), number_of(&told, "folders")), (1000 - 600 + 1, 9), "{told}");
        }
        // What is missing indeed is named, though there were sweeps.
        for file in anonicloud_e2e::tree::list(&world.server().data().join("blobs")).into_values() {
            fs_err::remove_dir_all(file).unwrap();
        }
        assert_eq!(phone.refusal(&[&"check"]).code, "damaged");
    }
}

/// The tree that was told last is not there any more: what is there now is told.
#[test]
fn who_watches_is_told_what_is_there_when_what_was_there_is_freed() {
    let world = World::new();
    world.sign_up("laptop", "alice");
    let tablet = direct(&world, "tablet");
    content::write(&world.path("film"), 1, FILM);
    tablet.json(&[&"mkdir", &"-p", &"/in/before"]);
    tablet.json(&[&"put", &world.path("film"), &"/in/film"]);
    let phone = world.log_in("phone", "alice");
    world.wire().hold(Moment::Arrives(Kind::Head, 2));
    let mut watching = Watching::begin(&phone, &[&"watch"]);
    tablet.json(&[&"rm", &"/in/film"]);
    tablet.json(&[&"mkdir", &"/in/after"]);
    assert!(reclaim_now(&world, &tablet) >= 5 * MIB);
    world.wire().release();
    assert_eq!(watching.events(3), ["added /in", "added /in/after", "added /in/before"]);
    tablet.json(&[&"mkdir", &"/in/then"]);
    assert_eq!(watching.events(1), ["added /in/then"]);
}
