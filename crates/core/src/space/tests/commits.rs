use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{AddedBlob, CommitKind, PostedCommit};
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::merkle::Frontier;

use super::{World, head};
use crate::account::keys::DeviceSeeds;
use crate::account::sigchain::Sigchain;
use crate::account::tests::{Person, REALM};
use crate::space::build::{BuildCommitError, TreeChange};
use crate::space::verify::{NoOp, Step, VerifyNextError};

#[test]
fn a_genesis_begins_an_empty_tree() {
    let mut world = World::new("genesis");
    let fields = world.genesis.logged.header.fields();
    assert_eq!((fields.kind, fields.seq, fields.epoch), (CommitKind::Genesis, 0, 0));
    assert!(world.genesis.lists.adds.is_empty());
    let bytes = world.genesis.to_bytes();
    assert_eq!(PostedCommit::from_bytes(&bytes).as_ref(), Ok(&world.genesis));
    let answer = head(&world.genesis.logged, Frontier::default());
    let (verified, state) = world.space.verify_head(&answer).unwrap();
    assert!(verified.root().is_none());
    assert_eq!((verified.device(), verified.day()), (world.person.device.device(), 20_000));
    assert_eq!((state.head(), state.valid()), (verified.place(), verified.place()));
    assert_eq!((state.space(), state.epoch()), (world.space.id(), 0));
}

#[test]
fn commits_follow_each_other_and_give_their_trees() {
    let mut world = World::new("follow");
    for seq in 1..6 {
        let change = world.change();
        let root = change.root.as_ref().map(|root| (root.totals, root.piece, root.hash, root.key.duplicate())).unwrap();
        let adds = change.adds.clone();
        let posted = world.space.make_tree_commit(&world.state, &world.person.device, change, &mut world.random);
        let posted = posted.unwrap();
        assert_eq!(posted.lists.adds, adds);
        assert_eq!(PostedCommit::from_bytes(&posted.to_bytes()).as_ref(), Ok(&posted));
        let verified = world.follow(&posted.logged);
        assert_eq!(verified.place().seq, seq);
        let opened = verified.root().unwrap();
        assert_eq!((opened.totals, opened.piece, opened.hash), (root.0, root.1, root.2));
        assert_eq!(opened.key.expose_bytes(), root.3.expose_bytes());
        assert_eq!((verified.device(), verified.day()), (world.person.device.device(), 20_001));
    }
    let emptied = TreeChange { root: None, adds: vec![], day: 20_002 };
    let posted = world.space.make_tree_commit(&world.state, &world.person.device, emptied, &mut world.random);
    assert!(world.follow(&posted.unwrap().logged).root().is_none());
}

#[test]
fn a_device_without_state_reads_the_head_and_writes_on_top_of_it() {
    let mut world = World::new("head");
    let (mut frontier, mut commit) = (Frontier::default(), world.genesis.logged.clone());
    for _ in 0..4 {
        frontier.append(&commit.header.to_bytes()).unwrap();
        commit = world.commit();
        world.follow(&commit);
    }
    let second = world.person.add_device(&mut world.random);
    let mut reader = world.reader(&world.person.chain);
    let (verified, state) = reader.verify_head(&head(&commit, frontier)).unwrap();
    assert_eq!((verified.place(), state.head()), (world.state.head(), world.state.head()));
    assert_eq!(state.frontier, world.state.frontier);
    let change = world.change();
    let posted = reader.make_tree_commit(&state, &second, change, &mut world.random).unwrap();
    reader.verify_next(&state, &posted.logged).unwrap();
    // The first device never saw the second one's link: the commit brings it.
    assert!(world.space.owner().device(&second.device()).is_none());
    assert_eq!(world.follow(&posted.logged).device(), second.device());
    assert_eq!(world.space.owner().head(), world.person.chain.head());
}

#[test]
fn a_device_that_kept_its_state_opens_the_tree_again() {
    let mut world = World::new("again");
    let commit = world.commit();
    let key = world.follow(&commit).root().unwrap().key.duplicate();
    let again = world.space.verify_again(&world.state, &commit).unwrap();
    assert_eq!(again.root().unwrap().key.expose_bytes(), key.expose_bytes());
    let genesis = world.genesis.logged.clone();
    assert!(world.space.verify_again(&world.state, &genesis).is_err());
    let mut swapped = commit;
    swapped.body = genesis.body;
    assert!(world.space.verify_again(&world.state, &swapped).is_err());
}

#[test]
fn a17_a_removed_device_commits_nothing_after_the_space_saw_its_removal() {
    let mut world = World::new("removed");
    let second = world.person.add_device(&mut world.random);
    let first_of_second = world.commit_by(&second);
    world.follow(&first_of_second);
    let late = world.commit_by(&second);
    world.person.remove_device(&second);
    world.space.update_owner(world.person.chain.clone()).unwrap();
    // The space has not seen the removal: the commit may be older than it.
    assert_eq!(world.skipped(&late), None);
    let change = world.change();
    let removal = world.space.make_tree_commit(&world.state, &world.person.device, change, &mut world.random).unwrap();
    world.follow(&removal.logged);
    let before = Sigchain::verify(&REALM, &world.person.account, &world.person.chain.links()[..3]).unwrap();
    let posted =
        PostedCommit { logged: world.forge(&second, |signed| signed.body.device = second.device()), ..removal };
    let mut stale = world.reader(&before);
    assert_eq!(world.skipped(&posted.logged), Some(NoOp::Invalid));
    // Who has an older chain than the space has seen must not come to another result: it asks for the chain first.
    let unread = stale.verify_next(&world.state, &posted.logged);
    assert!(matches!(unread, Err(VerifyNextError::NeedChain)));
    stale.update_owner(world.person.chain.clone()).unwrap();
    let (step, _) = stale.verify_next(&world.state, &posted.logged).unwrap();
    assert!(matches!(step, Step::Skipped(NoOp::Invalid)));
}

#[test]
fn a_builder_refuses_devices_states_and_blobs_that_cannot_be() {
    let mut world = World::new("refuse");
    let mut other = World::new("other");
    let stranger = DeviceSeeds::make(&mut world.random);
    let change = world.change();
    let error = world.space.make_tree_commit(&world.state, &stranger, change, &mut world.random).unwrap_err();
    assert_eq!(error, BuildCommitError::DeviceNotCertified(stranger.device()));
    let change = other.change();
    let error = world.space.make_tree_commit(&other.state, &world.person.device, change, &mut world.random);
    assert_eq!(error.unwrap_err(), BuildCommitError::OtherState);
    let add = |size| AddedBlob { blob: BlobId::from_bytes([1; 32]), size };
    let change = TreeChange { root: None, adds: vec![add(1), add(2)], day: 0 };
    let error = world.space.make_tree_commit(&world.state, &world.person.device, change, &mut world.random);
    assert_eq!(error.unwrap_err(), BuildCommitError::BlobTwice);
    let change = TreeChange { root: None, adds: vec![add(1), add(1)], day: 0 };
    let posted = world.space.make_tree_commit(&world.state, &world.person.device, change, &mut world.random);
    assert_eq!(posted.unwrap().lists.adds, [add(1)]);
    let person = Person::make(&mut world.random);
    let error = world.space.update_owner(person.chain);
    assert!(error.is_err());
}
