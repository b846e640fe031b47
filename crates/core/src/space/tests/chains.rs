//! Readers whose chain of the owner is old, chosen by the server, or long: they come to the same result as all others, or to none.

use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::LoggedCommit;
use anonicloud_proto::limits::COMMIT_BODY_MAX;
use anonicloud_proto::merkle::Frontier;

use super::{World, head};
use crate::account::keys::DeviceSeeds;
use crate::account::sigchain::Sigchain;
use crate::account::tests::REALM;
use crate::space::build::BuildCommitError;
use crate::space::state::SpaceState;
use crate::space::verify::{NoOp, Step, VerifyHeadError, VerifyNextError};

impl World {
    /// The owner's chain as it was when it had `count` links.
    fn chain_of(&self, count: usize) -> Sigchain {
        Sigchain::verify(&REALM, &self.person.account, &self.person.chain.links()[..count]).unwrap()
    }

    /// A valid commit of `device`, whose chain is the person's, read by the world.
    fn advance(&mut self, device: &DeviceSeeds) -> LoggedCommit {
        let commit = self.commit_by(device);
        self.follow(&commit);
        commit
    }

    fn own_device(&self) -> DeviceSeeds {
        DeviceSeeds::from_encoded(&self.person.device.expose_encoded()).unwrap()
    }
}

#[test]
fn a_device_opens_the_tree_of_one_that_its_chain_lacks() {
    let mut world = World::new("lacks");
    let tablet = world.person.add_device(&mut world.random);
    world.advance(&tablet);
    let second = world.advance(&tablet);
    // The state was kept; the link that the first of the two carried was not.
    let reader = world.reader(&world.chain_of(2));
    let again = reader.verify_again(&world.state, &second).unwrap();
    assert_eq!((again.place(), again.device()), (world.state.valid(), tablet.device()));
}

#[test]
fn links_that_do_not_attach_are_no_verdict_on_the_commit() {
    let mut world = World::new("attach");
    let tablet = world.person.add_device(&mut world.random);
    world.advance(&tablet);
    let phone = world.person.add_device(&mut world.random);
    let commit = world.commit_by(&phone);
    let whole = world.person.chain.clone();
    for chain in [world.chain_of(2), world.chain_of(3)] {
        let mut reader = world.reader(&chain);
        let state = SpaceState { links_seen: chain.link_count(), ..world.state.clone() };
        let lacking = world.forge(&phone, |signed| {
            signed.body.device = phone.device();
            signed.body.links = vec![whole.links()[3].clone()];
        });
        let read = reader.verify_next(&state, &lacking);
        assert_eq!(matches!(read, Err(VerifyNextError::NeedChain)), chain.link_count() == 2);
        reader.update_owner(whole.clone()).unwrap();
        let (step, _) = reader.verify_next(&state, &lacking).unwrap();
        assert!(matches!(step, Step::Verified(_)));
    }
    // What was not read left nothing behind, and a link that the identity did not sign is its author's fault.
    let mut reader = world.reader(&world.chain_of(2));
    assert!(matches!(reader.verify_next(&world.state, &commit), Err(VerifyNextError::NeedChain)));
    assert_eq!(reader.owner().link_count(), 2);
    let mut broken = whole.links()[3].clone();
    *broken.last_mut().unwrap() ^= 1;
    let forged = world.forge_by_owner(|signed| signed.body.links = vec![broken]);
    assert_eq!(world.skipped(&forged), Some(NoOp::Invalid));
}

#[test]
fn the_log_tells_the_devices_that_the_server_holds_back() {
    let mut world = World::new("held back");
    let tablet = world.person.add_device(&mut world.random);
    let laptop = world.own_device();
    let (genesis, mut frontier) = (world.state.clone(), Frontier::default());
    let earlier = [world.genesis.logged.clone(), world.advance(&tablet)];
    for commit in &earlier {
        frontier.append(&commit.header.to_bytes()).unwrap();
    }
    let shown = world.advance(&laptop);
    let newest = world.commit_by(&tablet);
    // Who began at the laptop's commit was not shown the tablet's link, and the newest does not carry it.
    let mut reader = world.reader(&world.chain_of(2));
    let (_, state) = reader.verify_head(&head(&shown, frontier)).unwrap();
    assert!(matches!(reader.verify_next(&state, &newest), Err(VerifyNextError::DeviceUnknown)));
    let mut state = genesis;
    for commit in [&earlier[1], &shown, &newest] {
        let (step, next) = reader.verify_next_by_log(&state, commit).unwrap();
        assert!(matches!(step, Step::Verified(_)), "{step:?}");
        state = next;
    }
}

#[test]
fn an_author_whose_links_fill_the_body_is_not_left_out() {
    let mut world = World::new("full");
    let mut newest = world.own_device();
    while world.person.chain.links().concat().len() <= COMMIT_BODY_MAX / 4 * 5 {
        newest = world.person.add_device(&mut world.random);
    }
    let commit = world.commit_by(&newest);
    let read = world.space.verify_next_by_log(&world.state, &commit);
    assert!(matches!(read, Err(VerifyNextError::DeviceUnknown)), "{read:?}");
    world.space.update_owner(world.person.chain.clone()).unwrap();
    let (step, _) = world.space.verify_next_by_log(&world.state, &commit).unwrap();
    assert!(matches!(step, Step::Verified(_)), "{step:?}");
}

#[test]
fn a_commit_that_is_a_no_op_brings_no_links() {
    let mut world = World::new("brings");
    let tablet = world.person.add_device(&mut world.random);
    let commit = world.commit_by(&tablet);
    let header = commit.header.fields().clone();
    let mut signed = world.place(1).open_body(&commit.body).unwrap();
    signed.body.day += 1;
    let forged = world.reseal(header, &signed);
    assert_eq!(world.skipped(&forged), Some(NoOp::Invalid));
    assert_eq!(world.space.owner().link_count(), 2);
}

#[test]
fn a_chain_older_than_what_the_space_has_seen_makes_no_commit() {
    let mut world = World::new("older");
    let tablet = world.person.add_device(&mut world.random);
    world.advance(&tablet);
    let mut writer = world.reader(&world.chain_of(2));
    let own = world.own_device();
    let change = world.change();
    let error = writer.make_tree_commit(&world.state, &own, change, &mut world.random).unwrap_err();
    assert_eq!(error, BuildCommitError::ChainTooOld);
    writer.update_owner(world.person.chain.clone()).unwrap();
    let change = world.change();
    let posted = writer.make_tree_commit(&world.state, &own, change, &mut world.random).unwrap();
    assert!(matches!(writer.verify_next(&world.state, &posted.logged), Ok((Step::Verified(_), _))));
}

#[test]
fn a_device_without_state_takes_no_removal_from_the_chain_that_is_shown_beside_an_old_head() {
    let mut world = World::new("shown");
    let laptop = world.own_device();
    let tenth = world.advance(&laptop);
    let late = world.commit();
    world.person.add_device(&mut world.random);
    world.person.remove_device(&laptop);
    world.person.add_device(&mut world.random);
    assert!(world.person.chain.has_removed_devices() && !world.chain_of(3).has_removed_devices());
    let mut frontier = Frontier::default();
    frontier.append(&world.genesis.logged.header.to_bytes()).unwrap();
    let mut reader = world.reader(&world.person.chain.clone());
    let (_, state) = reader.verify_head(&head(&tenth, frontier)).unwrap();
    // The laptop made it before it was removed; whoever follows the log from the genesis takes it.
    let (step, _) = reader.verify_next(&state, &late).unwrap();
    assert!(matches!(step, Step::Verified(_)), "{step:?}");
    assert_eq!(world.skipped(&late), None);
}

#[test]
fn a17_a_removed_device_that_carries_its_removal_is_a_no_op_for_who_has_no_state_too() {
    let mut world = World::new("carries");
    let laptop = world.own_device();
    world.person.add_device(&mut world.random);
    world.person.remove_device(&laptop);
    let links = world.person.chain.links().to_vec();
    let forged = world.forge_by_owner(|signed| signed.body.links = links);
    world.space.update_owner(world.person.chain.clone()).unwrap();
    assert_eq!(world.skipped(&forged), Some(NoOp::Invalid));
    let mut frontier = Frontier::default();
    frontier.append(&world.genesis.logged.header.to_bytes()).unwrap();
    let mut reader = world.reader(&world.person.chain.clone());
    let verified = reader.verify_head(&head(&forged, frontier));
    assert_eq!(verified.unwrap_err(), VerifyHeadError::NoOp(NoOp::Invalid));
}

#[test]
fn a_chain_that_no_body_holds_is_carried_by_several_commits() {
    let mut world = World::new("carried");
    let mut newest = world.own_device();
    while world.person.chain.links().concat().len() <= COMMIT_BODY_MAX / 4 * 5 {
        newest = world.person.add_device(&mut world.random);
    }
    world.space.update_owner(world.person.chain.clone()).unwrap();
    let mut carried = vec![world.state.links_carried];
    while *carried.last().unwrap() < world.person.chain.link_count() {
        world.advance(&newest);
        carried.push(world.state.links_carried);
    }
    assert_eq!(carried.len(), 4, "{carried:?}");
    assert!(carried.is_sorted_by(|a, b| a < b), "{carried:?}");
}
