//! The quota is used up in the midst of a transfer.

use anonicloud_e2e::content;
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use super::expect;

const MIB: u64 = 1 << 20;

#[test]
fn a_transfer_over_the_quota_goes_on_when_there_is_room() {
    let world = World::with_options(&["--quota", "24MiB"]);
    let phone = world.sign_up("phone", "alice");
    let laptop = world.log_in("laptop", "alice");
    let film = world.path("film");
    content::write(&film, 9, 9 * MIB);
    world.wire().hold(Moment::Arrives(Kind::PutBlob, 1));
    let mut run = phone.start(&[&"put", &film, &"/"]);
    assert!(world.wire().wait_held(&mut run));
    run.kill();
    world.wire().cut();
    assert!(phone.reserved() > 9 * MIB, "the phone holds room");

    let folder = world.folder("folder");
    for number in 0..4 {
        content::write(&folder.join(number.to_string()), number, 5 * MIB);
    }
    let refusal = laptop.refusal(&[&"put", &folder, &"/"]);
    expect(&refusal, "quota_exceeded", 6);
    let sent = world.wire().sent();
    assert_eq!(laptop.waiting(), 1, "it waits to go on");
    let again = laptop.refusal(&[&"resume"]);
    expect(&again, "quota_exceeded", 6);
    assert!(world.wire().sent() - sent < 6 * MIB, "what is there is not sent again");

    let status = phone.json(&[&"status"]);
    let id = status["transfers"][0]["id"].as_str().unwrap();
    phone.json(&[&"cancel", &id]);
    laptop.json(&[&"resume"]);
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
    phone.json(&[&"get", &"/folder", &world.path("back")]);
    assert_same(&folder, &world.path("back"));
}
