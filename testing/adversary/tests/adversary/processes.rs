//! A server that contradicts itself while several processes of one device run.

use anonicloud_adversary::{Kind, Lie, LyingRemote};
use anonicloud_client::Client;
use anonicloud_client::path::RemotePath;
use anonicloud_client::reclaim::PasswordProof;
use anonicloud_client::remote::Retry;
use anonicloud_e2e::world::PASSWORD;
use anonicloud_testkit::memory_remote::MemoryRemote;
use anonicloud_testkit::memory_state::MemoryState;
use zeroize::Zeroizing;

use crate::device::Device;
use crate::spaces::with_tree;
use crate::world::{With, World};

/// A process that runs on.
type Process = Client<Retry<LyingRemote<MemoryRemote>>, MemoryState>;

fn path(text: &str) -> RemotePath {
    RemotePath::parse(text.as_bytes()).unwrap()
}

async fn process(device: &Device) -> Process {
    let Device::Library(library) = device else { panic!("a device of the program") };
    library.open().await.unwrap()
}

async fn names(process: &Process) -> Vec<String> {
    let items = process.list(&RemotePath::root()).await.unwrap();
    items.into_iter().map(|item| String::from_utf8(item.name).unwrap()).collect()
}

/// A process of Alice's device that made a change which the server threw away; a tablet made another one in its place, and another
/// process of Alice's met that.
async fn halted(world: &World) -> (Device, Device, Process) {
    let alice = with_tree(world).await;
    let tablet = world.log_in("alice", "tablet").await;
    let running = process(&alice).await;
    world.lie(Lie::Acknowledge(Kind::Commit));
    running.make_directory(&path("/lost"), false).await.unwrap();
    world.honest();
    tablet.make_directory("/a").await.unwrap();
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    (alice, tablet, running)
}

#[tokio::test]
async fn a_process_that_runs_on_takes_what_another_one_accepted() {
    let world = World::new("a process that runs on", With::Library);
    let (alice, tablet, running) = halted(&world).await;
    assert_eq!(running.make_directory(&path("/never"), false).await.unwrap_err().code(), "space_halted");
    alice.accept_loss().await.unwrap();
    tablet.make_directory("/b").await.unwrap();
    assert_eq!(names(&running).await, ["a", "b", "one", "two"]);
    running.make_directory(&path("/c"), false).await.unwrap();
    assert_eq!(tablet.list().await.unwrap(), ["a", "b", "c", "one", "two"]);
    let halts = alice.halts().await;
    assert_eq!((halts.len(), halts[0].is_accepted), (1, true));
}

#[tokio::test]
async fn a_loss_is_accepted_by_one_process_alone() {
    let world = World::new("accepted by one process", With::Library);
    let (alice, _, running) = halted(&world).await;
    let late = running.prepare_to_accept().await.unwrap();
    assert!(late.is_loss());
    alice.accept_loss().await.unwrap();
    alice.make_directory("/b").await.unwrap();
    assert_eq!(running.accept(late).await.unwrap_err().code(), "busy");
    assert_eq!(names(&running).await, ["a", "b", "one", "two"]);
}

#[tokio::test]
async fn what_was_about_to_be_freed_stays_when_the_space_is_halted_meanwhile() {
    let world = World::new("about to be freed", With::Library);
    let alice = with_tree(&world).await;
    alice.remove("/one").await.unwrap();
    let running = process(&alice).await;
    let proof = PasswordProof { password: Zeroizing::new(PASSWORD.to_owned()), account_key: None };
    let freeing = running.prepare_to_free(proof).await.unwrap();
    world.lie(Lie::Replay(Kind::Head, 0));
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    world.honest();
    let begin = world.heard();
    assert_eq!(running.free(freeing).await.unwrap_err().code(), "space_halted");
    assert_eq!(world.heard(), begin, "{:?}", world.kinds_since(begin));
}
