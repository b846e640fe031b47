//! A download that is cut goes on, and nothing that is not whole ever has its name.

use std::path::Path;

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::tree::{assert_same, list};
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use crate::transfer::{MIB, SEGMENT};

const SIZE: u64 = 128 * MIB;
/// Segments under way at once are not verified yet when the client dies.
const UNDER_WAY: u64 = 8 * SEGMENT;

fn names(folder: &Path) -> Vec<String> {
    list(folder).keys().map(|name| name.to_string_lossy().into_owned()).collect()
}

#[test]
fn a_killed_download_goes_on() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.path("large");
    content::write(&source, 5, SIZE);
    laptop.json(&[&"put", &source, &"/large"]);
    for moment in [
        Moment::Arrives(Kind::GetBlob, 1),
        Moment::Answer(Kind::GetBlob, 2),
        Moment::Received(SIZE / 3),
        Moment::Received(SIZE * 2 / 3),
        Moment::Done(Kind::GetBlob, 33),
    ] {
        let place = tempfile::tempdir_in(world.path("")).unwrap();
        let target = place.path().join("large");
        let before = world.wire().received();
        world.wire().hold(moment);
        let mut run = laptop.start(&[&"get", &"/large", &target]);
        assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
        run.kill();
        world.wire().cut();
        assert!(!target.exists(), "{moment:?}: a file that is not whole has its name");
        let parts = names(place.path());
        assert!(parts.iter().all(|name| name.starts_with(".anonicloud-")), "{parts:?}");

        laptop.json(&[&"get", &"/large", &target]);
        let received = world.wire().received() - before;
        assert!(received <= SIZE + UNDER_WAY + 2 * MIB, "{moment:?}: {received}");
        let file = fs_err::File::open(&target).unwrap();
        assert_eq!(content::compare(Generated::new(5, SIZE), file), Ok(()), "{moment:?}");
        assert_eq!(names(place.path()), ["large"], "{moment:?}: parts are left");
    }
}

#[test]
fn a_killed_download_of_a_folder_goes_on() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.folder("folder");
    for number in 0..1500 {
        content::write(&source.join(number.to_string()), number, 3000);
    }
    content::write(&source.join("large"), 1, 20 * MIB);
    laptop.json(&[&"put", &source, &"/"]);
    for moment in [Moment::Received(MIB), Moment::Received(12 * MIB)] {
        let place = tempfile::tempdir_in(world.path("")).unwrap();
        world.wire().hold(moment);
        let mut run = laptop.start(&[&"get", &"/folder", &place.path()]);
        assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
        run.kill();
        world.wire().cut();
        laptop.json(&[&"get", &"/folder", &place.path()]);
        assert_same(&source, &place.path().join("folder"));
    }
}
