//! A server that is started again and again while a command runs.

use anonicloud_e2e::content;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

/// Sessions are in the server's memory: one that was just opened is forgotten before it is used.
#[test]
fn a_session_that_is_forgotten_twice_is_opened_again() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let source = world.path("source");
    content::write(&source, 1, 3000);
    world.wire().hold(Moment::Arrives(Kind::Commit, 1));
    let mut run = laptop.start(&[&"put", &source, &"/f"]);
    assert!(world.wire().wait_held(&mut run));
    // The first is refused, the second comes in a new session.
    world.kill_server();
    world.wire().hold(Moment::Arrives(Kind::Commit, 2));
    world.start_server();
    assert!(world.wire().wait_held(&mut run));
    world.kill_server();
    world.start_server();
    run.json();
    assert_eq!(laptop.stdout(&[&"get", &"/f", &"-"]), content::bytes(1, 3000));
}
