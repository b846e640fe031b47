//! A command that was cut and is typed again goes on where it was, though what it made by then would lead it elsewhere.

use anonicloud_e2e::content;
use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use crate::transfer::MIB;

fn cut(world: &World, device: &Device, arguments: Arguments<'_>, moment: Moment) {
    world.wire().hold(moment);
    let mut run = device.start(arguments);
    assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
    run.kill();
    world.wire().cut();
}

#[test]
fn a_folder_that_is_put_again_goes_on_in_the_same_folder() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.folder("Documents");
    for number in 0..3 {
        content::write(&source.join(number.to_string()), number, 9 * MIB);
    }
    let put: Arguments<'_> = &[&"put", &source, &"/Backup"];
    cut(&world, &laptop, put, Moment::Answer(Kind::Commit, 1));
    laptop.json(put);
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
    let back = world.path("back");
    laptop.json(&[&"get", &"/Backup", &back]);
    assert_same(&source, &back);
    // What is not cut is another copy, as with `cp -r`.
    laptop.json(put);
    laptop.json(&[&"get", &"/Backup/Documents", &world.path("nested")]);
    assert_same(&source, &world.path("nested"));
}

#[test]
fn a_folder_that_is_fetched_again_goes_on_in_the_same_folder() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.folder("Photos");
    for number in 0..6 {
        content::write(&source.join(number.to_string()), number, 4 * MIB);
    }
    laptop.json(&[&"put", &source, &"/"]);
    let target = world.path("Pictures");
    let get: Arguments<'_> = &[&"get", &"/Photos", &target];
    cut(&world, &laptop, get, Moment::Received(9 * MIB));
    assert!(target.is_dir());
    // A run that fails changes nothing about it.
    let refusal = laptop.clone().at("http://127.0.0.1:1".to_owned()).with_options(&["--retry-for", "0"]).refusal(get);
    assert_eq!(refusal.code, "unreachable");
    laptop.json(get);
    assert_same(&source, &target);
    laptop.json(get);
    assert_same(&source, &target.join("Photos"));
}

#[test]
fn a_folder_that_somebody_made_anew_is_not_the_one_that_was_cut() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.folder("Photos");
    content::write(&source.join("large"), 1, 12 * MIB);
    laptop.json(&[&"put", &source, &"/"]);
    let target = world.path("Pictures");
    let get: Arguments<'_> = &[&"get", &"/Photos", &target];
    cut(&world, &laptop, get, Moment::Received(6 * MIB));
    fs_err::remove_dir_all(&target).unwrap();
    fs_err::create_dir(&target).unwrap();
    laptop.json(get);
    assert_same(&source, &target.join("Photos"));
}

#[test]
fn a_fetched_file_or_a_failure_leaves_no_note_behind() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.path("large");
    content::write(&source, 1, 12 * MIB);
    laptop.json(&[&"put", &source, &"/large"]);
    let target = world.path("target");
    let get: Arguments<'_> = &[&"get", &"/large", &target];
    cut(&world, &laptop, get, Moment::Received(6 * MIB));
    fs_err::create_dir(&target).unwrap();
    laptop.json(get);
    assert!(target.join("large").is_file());

    let later = world.path("later");
    let get: Arguments<'_> = &[&"get", &"/later", &later];
    assert_eq!(laptop.refusal(get).code, "not_found");
    laptop.json(&[&"mkdir", &"/later"]);
    fs_err::create_dir(&later).unwrap();
    laptop.json(get);
    assert!(later.join("later").is_dir());
}
