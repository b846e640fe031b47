//! `resume --from`: the upload that a file is of is found among others that are like it.

use std::path::{Path, PathBuf};

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::device::Device;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use crate::transfer::{MIB, SEGMENT, assert_content};

const COMMON: u64 = 3 * SEGMENT;
const OWN: u64 = 12 * SEGMENT;

/// A disk image: it begins with zeros, as others do.
fn image(world: &World, name: &str, seed: u64) -> PathBuf {
    let path = world.path(name);
    content::write(&path, seed, OWN);
    let own = fs_err::read(&path).unwrap();
    let zeros = vec![0; usize::try_from(COMMON).unwrap()];
    fs_err::write(&path, [zeros, own].concat()).unwrap();
    path
}

/// The laptop begins to send `source` to `path` and dies.
fn cut(world: &World, laptop: &Device, source: &Path, path: &str) {
    world.wire().hold(Moment::Answer(Kind::PutBlob, 12));
    let mut run = laptop.start(&[&"put", &source, &path]);
    assert!(world.wire().wait_held(&mut run));
    run.kill();
    world.wire().cut();
}

#[test]
fn the_upload_that_shares_most_is_taken_and_named() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    laptop.json(&[&"mkdir", &"/vms"]);
    let (one, two) = (image(&world, "one", 1), image(&world, "two", 2));
    cut(&world, &laptop, &one, "/vms/one");
    cut(&world, &laptop, &two, "/vms/two");
    let tablet = world.log_in("tablet", "alice");
    let other = image(&world, "other", 3);
    assert_eq!(tablet.refusal(&[&"resume", &"--from", &other]).code, "nothing_to_resume");
    for (source, path) in [(&two, "/vms/two"), (&one, "/vms/one")] {
        let answer = tablet.json(&[&"resume", &"--from", source]);
        assert_eq!(answer["path"], path);
        assert!(answer["bytes_transferred"].as_u64().unwrap() < OWN, "{answer}");
        let expected = fs_err::read(source).unwrap();
        assert!(tablet.stdout(&[&"get", &path, &"-"]) == expected, "{path}");
    }
}

#[test]
fn of_two_uploads_of_one_content_none_is_guessed() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.path("film");
    content::write(&source, 1, 80 * MIB);
    cut(&world, &laptop, &source, "/first");
    cut(&world, &laptop, &source, "/second");
    let tablet = world.log_in("tablet", "alice");
    let listed = || tablet.json(&[&"ls", &"/"])["items"].as_array().unwrap().len();
    assert_eq!(tablet.refusal(&[&"resume", &"--from", &source]).code, "resume_unclear");
    assert_eq!(listed(), 0);
    laptop.json(&[&"resume"]);
    assert_content(&tablet, "/first", Generated::new(1, 80 * MIB));
    assert_content(&tablet, "/second", Generated::new(1, 80 * MIB));
}
