//! Lies of a server: refused, and nothing moves.

use crate::account::keys::SpaceKeys;
use crate::account::tests::{REALM, flip};
use crate::space::private::PrivateSpace;
use crate::space::tests::{World, head};
use crate::space::verify::NoOp;
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{CommitHeader, CommitKind, LoggedCommit};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::SpaceId;
use anonicloud_proto::merkle::Frontier;

#[test]
fn an_unchanged_forgery_is_valid_so_that_the_changes_below_are_what_is_refused() {
    let mut world = World::new("unchanged");
    let commit = world.forge_by_owner(|_| ());
    assert_eq!(world.skipped(&commit), None);
    let commit = world.forge_header(|_| ());
    assert_eq!(world.skipped(&commit), None);
}

#[test]
fn a21_another_prev_is_a_fork() {
    let mut world = World::new("prev");
    let commit = world.forge_header(|header| header.prev = ChainHash::ZERO);
    assert!(world.is_fork(&commit));
}

#[test]
fn a21_another_seq_is_rejected() {
    let mut world = World::new("seq");
    for seq in [0, 2, u64::MAX] {
        let commit = world.forge_header(|header| header.seq = seq);
        assert!(world.is_rejected(&commit), "{seq}");
    }
}

#[test]
fn a21_an_older_commit_again_is_rejected() {
    let mut world = World::new("replay");
    let (first, genesis) = (world.commit(), world.genesis.logged.clone());
    world.follow(&first);
    assert!(world.is_rejected(&first));
    assert!(world.is_rejected(&genesis));
}

#[test]
fn a22_another_history_is_a_fork() {
    let mut world = World::new("history");
    let commit = world.forge_header(|header| header.history = Frontier::default().root());
    assert!(world.is_fork(&commit));
    let commit = world.commit();
    let mut other = Frontier::default();
    other.append(b"another header").unwrap();
    let mut reader = world.reader(&world.person.chain);
    assert!(reader.verify_head(&head(&commit, other)).is_err());
    assert!(reader.verify_head(&head(&commit, Frontier::default())).is_err());
}

#[test]
fn a22_a_longer_fork_is_told_as_one_to_who_went_on_with_the_other_branch() {
    let mut world = World::new("fork");
    let (ours, theirs) = (world.commit(), world.commit());
    let before = world.state.clone();
    world.follow(&theirs);
    let longer = world.commit();
    world.state = before;
    world.follow(&ours);
    assert!(world.is_rejected(&theirs));
    assert!(world.is_fork(&longer));
    // What no writer signed is no fork, whatever it goes on from.
    let mut bytes = longer.to_bytes();
    let signature = longer.header.to_bytes().len() - 1;
    bytes[signature] ^= 1;
    assert!(world.is_rejected(&LoggedCommit::from_bytes(&bytes).unwrap()));
}

#[test]
fn a12_another_kind_or_epoch_is_rejected() {
    let mut world = World::new("kind");
    for kind in [CommitKind::Genesis, CommitKind::Roster, CommitKind::Fence] {
        let commit = world.forge_header(|header| header.kind = kind);
        assert!(world.is_rejected(&commit), "{kind:?}");
    }
    // The kind of a sweep is known, but its author has signed another.
    let commit = world.forge_header(|header| header.kind = CommitKind::Sweep);
    assert_eq!(world.skipped(&commit), Some(NoOp::Invalid));
    let commit = world.forge_header(|header| header.epoch = 1);
    assert!(world.is_rejected(&commit));
}

#[test]
fn a12_an_unknown_suite_in_a_header_or_body_is_refused() {
    let mut world = World::new("suite");
    let commit = world.commit();
    for suite in [0u16, 2, 0x0101] {
        let mut bytes = commit.to_bytes();
        bytes[..2].copy_from_slice(&suite.to_le_bytes());
        assert!(LoggedCommit::from_bytes(&bytes).is_err());
        let mut body = commit.body.clone();
        body[..2].copy_from_slice(&suite.to_le_bytes());
        let commit = world.space.sign_header(commit.header.fields().clone(), body);
        assert_eq!(world.skipped(&commit), Some(NoOp::Invalid));
    }
}

#[test]
fn a11_a_commit_of_another_space_is_rejected() {
    let mut world = World::new("space");
    let commit = world.forge_header(|header| header.space = SpaceId::from_bytes([0; 32]));
    assert!(world.is_rejected(&commit));
    let mut other = World::new("other space");
    let commit = other.commit();
    assert!(world.is_rejected(&commit));
    let (genesis, state) = (other.genesis.logged.clone(), other.state.clone());
    assert!(world.space.verify_head(&head(&genesis, Frontier::default())).is_err());
    assert!(world.space.verify_next(&state, &commit).is_err());
}

#[test]
fn a05_a_commit_without_the_write_capability_is_rejected() {
    let mut world = World::new("capability");
    let keys = SpaceKeys::make(&mut world.random);
    let forger = PrivateSpace::new(REALM, world.space.id(), keys, world.person.chain.clone());
    let commit = world.commit();
    let stranger = forger.sign_header(commit.header.fields().clone(), commit.body.clone());
    assert!(world.is_rejected(&stranger));
    let message = commit.header.fields().message(&REALM);
    for seed in [world.space.keys.append(), world.space.keys.admin()] {
        let header = commit.header.fields().clone().with_signature(seed.sign(&message));
        let commit = LoggedCommit { header, body: commit.body.clone() };
        assert!(world.reader(&world.person.chain).verify_next(&world.state, &commit).is_err());
    }
}

#[test]
fn a05_every_changed_bit_of_a_header_is_rejected() {
    let mut world = World::new("header bits");
    let commit = world.commit();
    let header = commit.header.to_bytes();
    for at in 0..header.len() * 8 {
        let Ok(header) = CommitHeader::from_bytes(&flip(&header, at / 8, at)) else {
            continue;
        };
        let flipped = LoggedCommit { header, body: commit.body.clone() };
        assert!(world.is_rejected(&flipped), "bit {at}");
    }
}

#[test]
fn a05_a_body_other_than_the_one_named_is_rejected() {
    let mut world = World::new("body");
    let (mut commit, other) = (world.commit(), world.commit());
    let body = core::mem::replace(&mut commit.body, other.body);
    assert!(world.is_rejected(&commit));
    for at in 0..body.len() {
        commit.body = flip(&body, at, at);
        assert!(world.is_rejected(&commit), "byte {at}");
    }
}
