//! A network that drops, stalls and resets: transfers get through, and little goes twice.

use std::time::{SystemTime, UNIX_EPOCH};

use anonicloud_e2e::content;
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::wire::Faults;
use anonicloud_e2e::world::World;

use crate::transfer::{MIB, SEGMENT};

/// Content of the folder that travels.
const SIZE: u64 = 96 * MIB;
/// What of a connection that breaks the server may not have kept.
const LOST_PER_FAULT: u64 = MIB;

/// Another one in each run, printed so that a failure can be had again.
fn fresh_seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the one thing that differs between runs of this test")]
    let now = SystemTime::now();
    let seed = u64::from(now.duration_since(UNIX_EPOCH).unwrap().subsec_nanos());
    println!("seed {seed}");
    seed
}

#[test]
fn transfers_get_through_a_bad_network() {
    for seed in [1, 2, fresh_seed()] {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let folder = world.folder("folder");
        content::write(&folder.join("large"), seed, SIZE - 10 * MIB);
        content::write(&folder.join("middle"), seed + 1, 6 * MIB);
        for small in 0..100 {
            content::write(&folder.join(small.to_string()), seed + small, 4096);
        }

        world.wire().misbehave(Some(Faults::new(seed, MIB / 4, 12 * MIB)));
        laptop.json(&[&"put", &folder, &"/"]);
        let faults = u64::from(world.wire().faults());
        println!("{faults} faults while sending");
        assert!(faults >= 8, "only {faults}");
        let bound = SIZE + 2 * MIB + faults * LOST_PER_FAULT;
        assert!(world.wire().sent() <= bound, "{} sent with {faults} faults", world.wire().sent());

        let phone = world.log_in("phone", "alice");
        let back = world.folder("back");
        let received = world.wire().received();
        phone.json(&[&"get", &"/folder", &back]);
        let faults = u64::from(world.wire().faults()) - faults;
        println!("{faults} faults while receiving");
        assert!(faults >= 8, "only {faults}");
        let bound = SIZE + 2 * MIB + faults * SEGMENT;
        let received = world.wire().received() - received;
        assert!(received <= bound, "{received} received with {faults} faults");
        assert_same(&folder, &back.join("folder"));

        world.wire().misbehave(None);
        assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
    }
}
