//! Lies about heads and logs.

use anonicloud_adversary::{Forgery, Kind, Lie};

use crate::device::Device;
use crate::rows;
use crate::world::World;

rows!(
    a05_heads_of_the_servers_making,
    a11_a_head_of_another_space,
    a12_a_head_of_another_suite_epoch_or_kind,
    a21_an_older_head,
    a21_a_log_that_ends_early_or_runs_backwards,
    a22_two_histories_are_never_one_again,
    a22_a_commit_that_was_answered_and_thrown_away,
);

/// A device with a tree of two commits.
pub(crate) async fn with_tree(world: &World) -> Device {
    let alice = world.sign_up("alice").await;
    alice.make_directory("/one").await.unwrap();
    alice.make_directory("/two").await.unwrap();
    alice
}

/// Looking is refused with one of `codes`, writing too or because of what the look has shown; nothing is sent, and the device keeps
/// what it knew.
async fn refuses(world: &World, device: &Device, lie: Lie, codes: &[&str]) {
    let about = format!("{lie:?}");
    world.lie(lie);
    refuses_what_it_is_shown(world, device, &about, codes).await;
    world.honest();
}

async fn refuses_what_it_is_shown(world: &World, device: &Device, about: &str, codes: &[&str]) {
    let begin = world.heard();
    let refused = device.list().await.unwrap_err();
    assert!(codes.contains(&refused.as_str()), "{about}: {refused}");
    let is_halted = refused == "rolled_back" && !device.halts().await.is_empty();
    let refused = device.make_directory("/never").await.unwrap_err();
    assert!(refused == "space_halted" || (!is_halted && codes.contains(&refused.as_str())), "{about}: {refused}");
    let sent = world.kinds_since(begin);
    assert!(!sent.iter().any(|kind| [Kind::Commit, Kind::PutBlob].contains(kind)), "{about}: {sent:?}");
}

async fn a05_heads_of_the_servers_making(world: &World) {
    let alice = with_tree(world).await;
    for how in [Forgery::Successor, Forgery::Body] {
        refuses(world, &alice, Lie::Forged(how), &["rejected", "rolled_back"]).await;
        // One that knows nothing has nothing but the signatures to go by.
        let tablet = world.log_in("alice", &format!("{how:?}")).await;
        refuses(world, &tablet, Lie::Forged(how), &["rejected"]).await;
    }
    assert_eq!(alice.list().await.unwrap(), ["one", "two"]);
}

async fn a11_a_head_of_another_space(world: &World) {
    let mallory = world.sign_up("mallory").await;
    mallory.make_directory("/mallorys").await.unwrap();
    let alice = with_tree(world).await;
    refuses(world, &alice, Lie::Replay(Kind::Head, 0), &["rejected", "rolled_back"]).await;
    let tablet = world.log_in("alice", "tablet").await;
    refuses(world, &tablet, Lie::Replay(Kind::Head, 0), &["rejected"]).await;
    refuses(world, &tablet, Lie::Forged(Forgery::Space), &["rejected"]).await;
    assert_eq!(tablet.list().await.unwrap(), ["one", "two"]);
}

async fn a12_a_head_of_another_suite_epoch_or_kind(world: &World) {
    let alice = with_tree(world).await;
    let tablet = world.log_in("alice", "tablet").await;
    for device in [&alice, &tablet] {
        for how in [Forgery::Suite, Forgery::Epoch, Forgery::Sweep] {
            let codes = &["rejected", "malformed_answer", "rolled_back"];
            refuses(world, device, Lie::Forged(how), codes).await;
        }
    }
    assert_eq!(tablet.list().await.unwrap(), ["one", "two"]);
}

async fn a21_an_older_head(world: &World) {
    let alice = with_tree(world).await;
    let tablet = world.log_in("alice", "tablet").await;
    assert_eq!(tablet.list().await.unwrap(), ["one", "two"]);
    for device in [&alice, &tablet] {
        refuses(world, device, Lie::Replay(Kind::Head, 0), &["rolled_back"]).await;
    }
    alice.accept_loss().await.unwrap();
    alice.make_directory("/three").await.unwrap();
    assert_eq!(tablet.list().await.unwrap(), ["one", "three", "two"]);
}

async fn a21_a_log_that_ends_early_or_runs_backwards(world: &World) {
    let alice = with_tree(world).await;
    let tablet = world.log_in("alice", "tablet").await;
    assert_eq!(tablet.list().await.unwrap(), ["one", "two"]);
    for name in ["/a", "/b", "/c"] {
        alice.make_directory(name).await.unwrap();
    }
    for (lie, code) in
        [(Lie::LogEndsAt(4), "rolled_back"), (Lie::LogEndsAt(3), "rolled_back"), (Lie::LogReversed, "rejected")]
    {
        refuses(world, &tablet, lie, &[code]).await;
    }
    for place in [10, 300, 999] {
        refuses(world, &tablet, Lie::Flip(Kind::Log, place), &["rejected", "malformed_answer"]).await;
    }
    assert_eq!(tablet.list().await.unwrap(), ["a", "b", "c", "one", "two"]);
}

/// The device goes on from a commit that nobody else ever sees; then the server lets another one take its place.
async fn a22_a_commit_that_was_answered_and_thrown_away(world: &World) {
    let alice = with_tree(world).await;
    let tablet = world.log_in("alice", "tablet").await;
    world.lie(Lie::Acknowledge(Kind::Commit));
    alice.make_directory("/of alice").await.unwrap();
    world.honest();
    // What is shown next is behind what the device has made, and then another commit in its place.
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    tablet.make_directory("/of the tablet").await.unwrap();
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    assert_eq!(alice.make_directory("/more").await.unwrap_err(), "space_halted");
    tablet.make_directory("/more of the tablet").await.unwrap();
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    assert_eq!(tablet.list().await.unwrap(), ["more of the tablet", "of the tablet", "one", "two"]);
}

/// Alice and a phone write one history, a tablet another one; each side is shown the other's when it is shorter than its
/// own, as long and longer. Everything in both is genuine.
async fn a22_two_histories_are_never_one_again(world: &World) {
    let alice = with_tree(world).await;
    let (tablet, phone) = (world.log_in("alice", "tablet").await, world.log_in("alice", "phone").await);
    world.lie(Lie::Acknowledge(Kind::Commit));
    alice.make_directory("/of alice").await.unwrap();
    world.honest();
    let other_side = || Lie::Fork(2);
    world.lie(other_side());
    assert_eq!(phone.list().await.unwrap(), ["of alice", "one", "two"]);
    phone.make_directory("/of the phone").await.unwrap();
    assert_eq!(alice.list().await.unwrap(), ["of alice", "of the phone", "one", "two"]);
    world.honest();
    // Shorter, as long and longer than the side of the two.
    for name in ["a", "b", "c"] {
        tablet.make_directory(&format!("/{name}")).await.unwrap();
        for device in [&alice, &phone] {
            refuses_what_it_is_shown(world, device, name, &["rolled_back"]).await;
        }
        refuses(world, &tablet, other_side(), &["rolled_back"]).await;
        // It goes on from what it is shown then, which is its own side.
        tablet.accept_loss().await.unwrap();
    }
    assert_eq!(tablet.list().await.unwrap(), ["a", "b", "c", "one", "two"]);
    world.lie(other_side());
    assert_eq!(phone.list().await.unwrap(), ["of alice", "of the phone", "one", "two"]);
    world.honest();
}
