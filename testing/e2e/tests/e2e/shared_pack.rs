//! A pack that several files have a piece in: it is committed whatever becomes of one of them.

use std::time::{Duration, Instant};

use anonicloud_e2e::content;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use crate::transfer::SEGMENT;

const BATCH_PAUSE: Duration = Duration::from_millis(2500);

#[test]
fn a_refused_entry_takes_no_piece_of_a_file_under_way_with_it() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let other = world.log_in("tablet", "alice").at(format!("http://{}", world.server().address()));
    let there = world.path("there");
    fs_err::write(&there, "composed").unwrap();
    laptop.json(&[&"put", &there, &"/caf\u{e9}"]);
    // A file whose tail lies in a pack, a folder that the tree refuses, and a file that takes long enough for a commit between.
    let folder = world.folder("folder");
    let (first, last) = (folder.join("a"), folder.join("z"));
    content::write(&first, 1, 3 * SEGMENT + 1000);
    fs_err::create_dir(folder.join("cafe\u{301}")).unwrap();
    content::write(&last, 2, 12 * SEGMENT);
    let begun = Instant::now();
    world.wire().hold(Moment::Arrives(Kind::PutBlob, 2));
    let mut run = laptop.start(&[&"put", &folder.join("."), &"/"]);
    assert!(world.wire().wait_held(&mut run));
    while begun.elapsed() < BATCH_PAUSE {
        other.json(&[&"ls", &"/"]);
    }
    world.wire().release();
    assert_eq!(run.wait().status.code(), Some(12));
    for (path, source) in [("/a", first), ("/z", last)] {
        assert!(other.stdout(&[&"get", &path, &"-"]) == fs_err::read(source).unwrap(), "{path}");
    }
    assert_eq!(laptop.stdout(&[&"get", &"/caf\u{e9}", &"-"]), b"composed");
}
