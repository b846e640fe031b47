//! Lies of a writer who has the keys of the space: a no-op for all readers.

use crate::account::keys::DeviceSeeds;
use crate::account::tests::{Person, REALM, flip};
use crate::crypto::signature::CompositeSignature;
use crate::space::body::BodyPlace;
use crate::space::private::PrivateSpace;
use crate::space::state::LogPlace;
use crate::space::tests::{World, head};
use crate::space::verify::NoOp;
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::UnsignedHeader;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{AccountId, DeviceId, RealmId};
use anonicloud_proto::label::Label;
use anonicloud_proto::merkle::Frontier;

#[test]
fn a18_a_body_that_does_not_open_is_a_no_op() {
    let mut world = World::new("wrap");
    let commit = world.commit();
    let header = commit.header.fields().clone();
    for at in (0..100).chain((100..commit.body.len()).step_by(29)) {
        let forged = world.space.sign_header(header.clone(), flip(&commit.body, at, at));
        assert_eq!(world.skipped(&forged), Some(NoOp::Invalid), "byte {at}");
    }
    for len in [0, 1, 34, 82, commit.body.len() - 1] {
        let forged = world.space.sign_header(header.clone(), commit.body[..len].to_vec());
        assert_eq!(world.skipped(&forged), Some(NoOp::Invalid), "length {len}");
    }
    // Sealed for another place in the log.
    let signed = world.place(1).open_body(&commit.body).unwrap();
    let sealed = BodyPlace { realm: &REALM, space: &world.space.space, keys: &world.space.keys, seq: 2 };
    let sealed = sealed.seal_body(&signed, &mut world.random).unwrap();
    let forged = world.space.sign_header(header, sealed);
    assert_eq!(world.skipped(&forged), Some(NoOp::Invalid));
}

#[test]
fn a18_a_root_key_wrapped_for_another_commit_is_a_no_op() {
    let mut world = World::new("root key");
    let first = world.commit();
    world.follow(&first);
    let old = world.place(1).open_body(&first.body).unwrap();
    let forged = world.forge_by_owner(|signed| signed.body.root.clone_from(&old.body.root));
    assert_eq!(world.skipped(&forged), Some(NoOp::Invalid));
}

#[test]
fn a05_another_author_is_a_no_op() {
    let mut world = World::new("author");
    let commit = world.forge_by_owner(|signed| signed.body.author = AccountId::from_bytes([0; 16]));
    assert_eq!(world.skipped(&commit), Some(NoOp::Invalid));
}

#[test]
fn a17_a_device_that_no_link_certifies_stops_nobody() {
    let mut world = World::new("device");
    let stranger = DeviceSeeds::make(&mut world.random);
    let commit = world.forge(&stranger, |signed| signed.body.device = stranger.device());
    assert!(world.is_of_nobody(&commit));
    let commit = world.forge_by_owner(|signed| signed.body.device = DeviceId::from_bytes([0; 16]));
    assert!(world.is_of_nobody(&commit));
}

#[test]
fn a17_a_device_under_another_devices_id_is_a_no_op() {
    let mut world = World::new("posing");
    let second = world.person.add_device(&mut world.random);
    world.space.update_owner(world.person.chain.clone()).unwrap();
    let commit = world.forge(&second, |_| ());
    assert_eq!(world.skipped(&commit), Some(NoOp::Invalid));
}

#[test]
fn a17_links_that_are_not_the_owners_are_a_no_op() {
    let mut world = World::new("links");
    let other = Person::make(&mut world.random);
    let foreign = other.chain.links().to_vec();
    let commit = world.forge_by_owner(|signed| signed.body.links = foreign);
    assert_eq!(world.skipped(&commit), Some(NoOp::Invalid));
    let [genesis, device] = world.person.chain.links() else { panic!("two links") };
    let (doubled, gap) = (vec![genesis.clone(), genesis.clone()], vec![device.clone(), genesis.clone()]);
    for links in [doubled, gap] {
        let commit = world.forge_by_owner(|signed| signed.body.links = links);
        assert_eq!(world.skipped(&commit), Some(NoOp::Invalid));
    }
    assert_eq!(world.space.owner().link_count(), 2);
}

#[test]
fn a30_half_a_signature_is_a_no_op() {
    let mut world = World::new("half");
    let commit = world.commit();
    let mut signed = world.place(1).open_body(&commit.body).unwrap();
    let whole = signed.signature.to_bytes();
    for range in [0..64, 64..whole.len(), 0..whole.len()] {
        let mut half = whole.clone();
        half[range.clone()].fill(0);
        signed.signature = CompositeSignature::from_bytes(&half).unwrap();
        let commit = world.reseal(commit.header.fields().clone(), &signed);
        assert_eq!(world.skipped(&commit), Some(NoOp::Invalid), "{range:?}");
    }
}

#[test]
fn a19_a_signature_over_another_header_body_realm_or_label_is_a_no_op() {
    let mut world = World::new("signature");
    let commit = world.commit();
    let header = commit.header.fields().clone();
    let mut signed = world.place(1).open_body(&commit.body).unwrap();
    let message = signed.body.message(&header);
    let lists = UnsignedHeader { lists: ChainHash::ZERO, ..header };
    let other_header = signed.body.message(&lists);
    let seed = DeviceSeeds::from_encoded(&world.person.device.expose_encoded()).unwrap();
    let elsewhere = RealmId::from_bytes([0; 16]);
    for (name, signature) in [
        ("header", seed.signing().sign(Label::SignCommit, &REALM, &other_header)),
        ("body", seed.signing().sign(Label::SignCommit, &REALM, &message[1..])),
        ("realm", seed.signing().sign(Label::SignCommit, &elsewhere, &message)),
        ("label", seed.signing().sign(Label::SignDevice, &REALM, &message)),
    ] {
        signed.signature = signature;
        let commit = world.reseal(header.clone(), &signed);
        assert_eq!(world.skipped(&commit), Some(NoOp::Invalid), "{name}");
    }
    signed.signature = seed.signing().sign(Label::SignCommit, &REALM, &message);
    let commit = world.reseal(header, &signed);
    assert_eq!(world.skipped(&commit), None);
    // The same body under a header that adds other blobs.
    let commit = world.reseal(lists, &signed);
    assert_eq!(world.skipped(&commit), Some(NoOp::Invalid));
}

#[test]
fn a21_a_base_that_is_not_the_last_valid_commit_is_a_no_op() {
    let mut world = World::new("base");
    let first = world.commit();
    world.follow(&first);
    let genesis = LogPlace { seq: 0, hash: world.genesis.logged.header.hash() };
    let forged = world.forge_by_owner(|signed| signed.body.base = genesis);
    assert_eq!(world.skipped(&forged), Some(NoOp::OtherBase { device: world.person.device.device() }));
    let forged = world.forge_by_owner(|signed| signed.body.base.hash = ChainHash::ZERO);
    assert_eq!(world.skipped(&forged), Some(NoOp::OtherBase { device: world.person.device.device() }));
    // Without a state the head's own words must agree as far as they go.
    let mut frontier = Frontier::default();
    for commit in [&world.genesis.logged, &first] {
        frontier.append(&commit.header.to_bytes()).unwrap();
    }
    let mut reader = world.reader(&world.person.chain);
    assert!(reader.verify_head(&head(&forged, frontier.clone())).is_err());
    let forged = world.forge_by_owner(|signed| signed.body.base.seq = 2);
    assert!(reader.verify_head(&head(&forged, frontier)).is_err());
}

#[test]
fn an_invalid_commit_does_not_stop_the_space_and_the_next_one_names_the_last_valid() {
    let mut world = World::new("brick");
    let valid = world.state.valid();
    let forged = world.forge_by_owner(|signed| signed.body.extra = vec![1]);
    assert_eq!(world.skipped(&forged), Some(NoOp::Invalid));
    let (_, state) = world.space.verify_next(&world.state, &forged).unwrap();
    assert_eq!((state.head().seq, state.valid()), (1, valid));
    world.state = state;
    let next = world.commit();
    let base = world.place(2).open_body(&next.body).unwrap().body.base;
    assert_eq!(base, valid);
    assert_eq!(world.follow(&next).place(), world.state.valid());
}

#[test]
fn a17_another_roster_is_a_no_op() {
    let mut world = World::new("roster");
    let forged = world.forge_by_owner(|signed| signed.body.roster.seq = 1);
    assert_eq!(world.skipped(&forged), Some(NoOp::Invalid));
    let forged = world.forge_by_owner(|signed| signed.body.roster.hash = ChainHash::of(b"roster"));
    assert_eq!(world.skipped(&forged), Some(NoOp::Invalid));
}

#[test]
fn a06_a_genesis_with_other_keys_owner_or_random_is_rejected() {
    let mut world = World::new("genesis");
    let header = world.genesis.logged.header.fields().clone();
    let original = world.place(0).open_body(&world.genesis.logged.body).unwrap();
    let extra_len = original.body.extra.len();
    assert_eq!(extra_len, 32 + 32 + 128);
    let device = DeviceSeeds::from_encoded(&world.person.device.expose_encoded()).unwrap();
    let mut try_extra = |extra: Vec<u8>| {
        let mut signed = original.clone();
        signed.body.extra = extra;
        let message = signed.body.message(&header);
        signed.signature = device.signing().sign(Label::SignCommit, &REALM, &message);
        let forged = world.reseal(header.clone(), &signed);
        world.space.verify_head(&head(&forged, Frontier::default())).is_ok()
    };
    assert!(try_extra(original.body.extra.clone()));
    for at in 0..extra_len {
        assert!(!try_extra(flip(&original.body.extra, at, at)), "byte {at}");
    }
    assert!(!try_extra(vec![]));
    let stranger = Person::make(&mut world.random);
    let random = &mut world.random;
    let other = PrivateSpace::make(REALM, stranger.chain, &stranger.device, 1, random).unwrap().1;
    assert!(world.space.verify_head(&head(&other.logged, Frontier::default())).is_err());
}
