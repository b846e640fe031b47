//! A folder of small files, whose packs are kept in the journal until they are committed, is cut and goes on.

use anonicloud_e2e::content;
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use crate::transfer::MIB;

const FILES: u64 = 1200;
const FILE_SIZE: u64 = 30_000;

#[test]
fn a_folder_goes_on_after_a_kill_of_either_side() {
    let moments = [
        (Moment::Arrives(Kind::PutBlob, 1), false),
        (Moment::Body(Kind::PutBlob, 2, MIB / 2), false),
        (Moment::Answer(Kind::PutBlob, 3), true),
        (Moment::Body(Kind::PutBlob, 9, 100), true),
        (Moment::Arrives(Kind::Commit, 1), false),
        (Moment::Answer(Kind::Commit, 1), false),
        (Moment::Answer(Kind::Commit, 1), true),
    ];
    for (moment, kill_server) in moments {
        let mut world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let source = world.folder("folder");
        for number in 0..FILES {
            content::write(&source.join(number.to_string()), number, FILE_SIZE);
        }
        world.wire().hold(moment);
        let mut run = laptop.start(&[&"put", &source, &"/"]);
        assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
        run.kill();
        world.wire().cut();
        if kill_server {
            world.kill_server();
            world.start_server();
        }
        laptop.json(&[&"resume"]);
        // What the journal has goes again as it was, and what no pack held yet is sealed anew: nothing goes three times.
        let sent = world.wire().sent();
        let bound = 2 * FILES * FILE_SIZE + 4 * MIB;
        assert!(sent <= bound, "{moment:?}: {sent} of {bound}");
        assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0), "{moment:?}");
        let again = laptop.json(&[&"put", &source, &"/"]);
        assert_eq!(again["unchanged"].as_u64(), Some(FILES), "{moment:?}: {again}");
        let phone = world.log_in("phone", "alice");
        let back = world.path("back");
        phone.json(&[&"get", &"/folder", &back]);
        assert_same(&source, &back);
    }
}
