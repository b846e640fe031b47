//! What a device does for good once its server has contradicted itself.

use anonicloud_adversary::{Forgery, Kind, Lie};
use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{HeadAnswer, PostedCommit};

use crate::device::Device;
use crate::rows;
use crate::spaces::with_tree;
use crate::world::World;

rows!(
    a21_an_older_head_halts_the_space_for_good,
    a21_an_older_head_before_a_change_halts_the_space_too,
    a21_the_first_contradiction_and_the_newest_are_kept,
    a21_what_proves_nothing_halts_nothing,
    a21_a_loss_is_accepted_by_a_person_alone,
    a22_another_history_halts_the_space_for_good,
    a22_another_history_halts_the_space_without_a_log,
    a22_people_see_a_fork_by_twelve_digits,
);

/// The headers of the commits that were posted so far, in order.
fn posted(world: &World) -> Vec<Vec<u8>> {
    let commits = world.since(0).into_iter().filter(|exchange| exchange.call.kind == Kind::Commit);
    commits.map(|commit| PostedCommit::from_bytes(&commit.request).unwrap().logged.header.to_bytes()).collect()
}

/// Every command that would write is refused, and nothing at all is sent.
async fn refuses_to_write(world: &World, device: &Device) {
    let begin = world.heard();
    let refusals = [
        world.put_content(device, "never", b"never").await,
        device.make_directory("/never").await,
        device.rename("/one", "/never").await,
        device.remove("/one").await,
        device.reclaim().await,
        device.reclaim_now().await,
    ];
    for refused in refusals {
        assert_eq!(refused.unwrap_err(), "space_halted");
    }
    assert_eq!(world.heard(), begin, "something was sent: {:?}", world.kinds_since(begin));
}

async fn a21_an_older_head_halts_the_space_for_good(world: &World) {
    let alice = with_tree(world).await;
    let tablet = world.log_in("alice", "tablet").await;
    let known = posted(world).pop();
    world.lie(Lie::Replay(Kind::Head, 0));
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    world.honest();
    refuses_to_write(world, &alice).await;
    // What leads on from what it knows is read, and changes nothing of that.
    assert_eq!(alice.list().await.unwrap(), ["one", "two"]);
    tablet.make_directory("/three").await.unwrap();
    assert_eq!(alice.list().await.unwrap(), ["one", "three", "two"]);
    refuses_to_write(world, &alice).await;
    let halts = alice.halts().await;
    assert_eq!((halts.len(), halts[0].contradiction.as_str(), halts[0].is_accepted), (1, "older", false));
    assert_eq!(halts[0].known, known);
    let heads = world.since(0).into_iter().filter(|exchange| exchange.call.kind == Kind::Head);
    let shown = heads.map(|head| HeadAnswer::from_bytes(&head.honest.body).unwrap().commit.header.to_bytes()).next();
    assert_eq!(halts[0].shown, shown);
    // The first is the one that is kept.
    world.lie(Lie::Replay(Kind::Head, 1));
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    let begin = world.heard();
    assert_eq!(alice.list_offline().await.unwrap(), ["one", "three", "two"]);
    assert_eq!(world.heard(), begin);
    world.honest();
    let halts = alice.halts().await;
    assert_eq!((halts.len(), &halts[0].shown), (1, &shown));
}

/// The first command that meets the lie is one that would write.
async fn a21_an_older_head_before_a_change_halts_the_space_too(world: &World) {
    let alice = with_tree(world).await;
    world.lie(Lie::Replay(Kind::Head, 0));
    let before = posted(world).len();
    assert_eq!(world.put_content(&alice, "never", b"never").await.unwrap_err(), "rolled_back");
    assert_eq!(posted(world).len(), before);
    world.honest();
    refuses_to_write(world, &alice).await;
    assert_eq!(alice.halts().await.len(), 1);
    assert_eq!(alice.list().await.unwrap(), ["one", "two"]);
    // What was to be sent is sent when the loss is accepted.
    alice.accept_loss().await.unwrap();
    world.put_content(&alice, "now", b"now").await.unwrap();
    world.assert_content(&alice, "now", b"now").await;
}

/// A server that does so again and again does not fill the disk.
async fn a21_the_first_contradiction_and_the_newest_are_kept(world: &World) {
    let alice = with_tree(world).await;
    let mut known = Vec::new();
    for number in 1..=18 {
        alice.make_directory(&format!("/{number}")).await.unwrap();
        known.push(posted(world).pop());
        world.lie(Lie::Replay(Kind::Head, 0));
        assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
        world.honest();
        alice.accept_loss().await.unwrap();
    }
    let kept: Vec<_> = alice.halts().await.into_iter().map(|halt| halt.known).collect();
    known.drain(1..3);
    assert_eq!(kept, known);
}

async fn a21_what_proves_nothing_halts_nothing(world: &World) {
    let alice = with_tree(world).await;
    let tablet = world.log_in("alice", "tablet").await;
    assert_eq!(tablet.list().await.unwrap(), ["one", "two"]);
    alice.make_directory("/three").await.unwrap();
    alice.make_directory("/four").await.unwrap();
    let mut lies = vec![
        Lie::Refuse(Kind::Head, ErrorCode::Unavailable),
        Lie::Refuse(Kind::Head, ErrorCode::NotFound),
        Lie::Cut(Kind::Head, 7),
        Lie::LogEndsAt(3),
        Lie::LogEndsAt(4),
        Lie::LogReversed,
    ];
    lies.extend([Forgery::Successor, Forgery::Body, Forgery::Epoch, Forgery::Space, Forgery::History].map(Lie::Forged));
    for place in [10, 300, 600] {
        lies.extend([Lie::Flip(Kind::Head, place), Lie::Flip(Kind::Log, place)]);
    }
    for lie in lies {
        let about = format!("{lie:?}");
        world.lie(lie);
        assert!(tablet.list().await.is_err(), "{about}");
        world.honest();
        assert!(tablet.halts().await.is_empty(), "{about}");
    }
    tablet.make_directory("/five").await.unwrap();
    assert_eq!(tablet.accept_loss().await.unwrap_err(), "not_halted");
}

/// Alice makes a commit that the server throws away, and a tablet another one in its place.
async fn a21_a_loss_is_accepted_by_a_person_alone(world: &World) {
    let alice = with_tree(world).await;
    let tablet = world.log_in("alice", "tablet").await;
    world.lie(Lie::Acknowledge(Kind::Commit));
    alice.make_directory("/of alice").await.unwrap();
    world.honest();
    tablet.make_directory("/of the tablet").await.unwrap();
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    // A server cannot have it accept what no device signed.
    for how in [Forgery::Successor, Forgery::Body, Forgery::History] {
        world.lie(Lie::Forged(how));
        let refused = alice.accept_loss().await.unwrap_err();
        assert!(["rejected", "rolled_back"].contains(&refused.as_str()), "{how:?}: {refused}");
        world.honest();
    }
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    refuses_to_write(world, &alice).await;
    alice.accept_loss().await.unwrap();
    assert_eq!(alice.list().await.unwrap(), ["of the tablet", "one", "two"]);
    alice.make_directory("/of alice again").await.unwrap();
    assert_eq!(tablet.list().await.unwrap(), ["of alice again", "of the tablet", "one", "two"]);
    let halts = alice.halts().await;
    assert_eq!((halts.len(), halts[0].contradiction.as_str(), halts[0].is_accepted), (1, "replaced", true));
    assert_eq!(alice.accept_loss().await.unwrap_err(), "not_halted");
    // That was for once.
    world.lie(Lie::Replay(Kind::Head, 0));
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    world.honest();
    refuses_to_write(world, &alice).await;
    let halts = alice.halts().await;
    assert_eq!((halts.len(), halts[0].is_accepted, halts[1].is_accepted), (2, true, false));
    // Nothing is lost this time.
    alice.accept_loss().await.unwrap();
    alice.make_directory("/more").await.unwrap();
}

/// A phone is on the side of a commit that nobody else is shown; the others get on.
async fn a22_another_history_halts_the_space_for_good(world: &World) {
    let alice = with_tree(world).await;
    let (tablet, phone) = (world.log_in("alice", "tablet").await, world.log_in("alice", "phone").await);
    world.lie(Lie::Acknowledge(Kind::Commit));
    alice.make_directory("/of alice").await.unwrap();
    world.honest();
    world.lie(Lie::Fork(2));
    assert_eq!(phone.list().await.unwrap(), ["of alice", "one", "two"]);
    world.honest();
    tablet.make_directory("/a").await.unwrap();
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    tablet.make_directory("/b").await.unwrap();
    assert_eq!(phone.list().await.unwrap_err(), "rolled_back");
    let headers = posted(world);
    for (device, contradiction, shown) in [(&alice, "replaced", 3), (&phone, "forked", 4)] {
        let halts = device.halts().await;
        assert_eq!((halts.len(), halts[0].contradiction.as_str()), (1, contradiction));
        assert_eq!((halts[0].known.as_ref(), halts[0].shown.as_ref()), (headers.get(2), headers.get(shown)));
        // The side that it knows is read on, and not written on.
        world.lie(Lie::Fork(2));
        assert_eq!(device.list().await.unwrap(), ["of alice", "one", "two"]);
        refuses_to_write(world, device).await;
        world.honest();
        device.accept_loss().await.unwrap();
        assert_eq!(device.list().await.unwrap(), ["a", "b", "one", "two"]);
    }
    phone.make_directory("/c").await.unwrap();
    assert_eq!(alice.list().await.unwrap(), ["a", "b", "c", "one", "two"]);
    assert_eq!(tablet.list().await.unwrap(), ["a", "b", "c", "one", "two"]);
}

/// The newest commit follows on the one that took the place of Alice's, and the server shows nothing else.
async fn a22_another_history_halts_the_space_without_a_log(world: &World) {
    let alice = with_tree(world).await;
    let tablet = world.log_in("alice", "tablet").await;
    world.lie(Lie::Acknowledge(Kind::Commit));
    alice.make_directory("/of alice").await.unwrap();
    world.honest();
    tablet.make_directory("/a").await.unwrap();
    tablet.make_directory("/b").await.unwrap();
    world.lie(Lie::LogEndsAt(0));
    assert_eq!(alice.list().await.unwrap_err(), "rolled_back");
    // Nothing is accepted either of which nothing is shown.
    assert_eq!(alice.accept_loss().await.unwrap_err(), "rolled_back");
    world.honest();
    let halts = alice.halts().await;
    let headers = posted(world);
    assert_eq!((halts.len(), halts[0].contradiction.as_str()), (1, "forked"));
    assert_eq!((halts[0].known.as_ref(), halts[0].shown.as_ref()), (headers.get(2), headers.get(4)));
}

/// Each device is shown a history that leads on from what it knows: only who asks the other one sees that there are two.
async fn a22_people_see_a_fork_by_twelve_digits(world: &World) {
    let alice = with_tree(world).await;
    let tablet = world.log_in("alice", "tablet").await;
    let code = alice.state_code().await;
    assert_eq!(tablet.state_code().await, code);
    assert_eq!(code.len(), 15, "{code}");
    assert!(code.split(' ').all(|group| group.len() == 3 && group.parse::<u16>().is_ok()), "{code}");
    world.lie(Lie::Acknowledge(Kind::Commit));
    alice.make_directory("/of alice").await.unwrap();
    world.honest();
    tablet.make_directory("/of the tablet").await.unwrap();
    let of_tablet = tablet.state_code().await;
    world.lie(Lie::Fork(2));
    let of_alice = alice.state_code().await;
    world.honest();
    assert!(alice.halts().await.is_empty() && tablet.halts().await.is_empty());
    assert!(of_alice != of_tablet && of_alice != code && of_tablet != code, "{of_alice}, {of_tablet}");
}
