//! Sweeps that are none: of another tree, by another key, on another commit.

use crate::account::keys::DeviceSeeds;
use crate::account::tests::REALM;
use crate::crypto::secret::RootKey;
use crate::space::body::{RootRef, SignedBody};
use crate::space::state::LogPlace;
use crate::space::tests::sweeps::duplicate;
use crate::space::tests::{World, head};
use crate::space::verify::{NoOp, Step, VerifyHeadError, VerifyNextError};
use anonicloud_proto::codec::Encode as _;
use anonicloud_proto::commit::LoggedCommit;
use anonicloud_proto::hash::{ChainHash, StoredHash};
use anonicloud_proto::label::Label;
use anonicloud_proto::merkle::Frontier;

impl World {
    /// Why a sweep on `base` changes nothing, if it does not.
    fn swept(&mut self, sweep: &LoggedCommit, base: &LoggedCommit) -> Option<NoOp> {
        match self.space.verify_next_on(&self.state, sweep, base).unwrap() {
            (Step::Skipped(reason), state) => {
                assert_eq!(state.valid(), self.state.valid());
                Some(reason)
            }
            (Step::Verified(_), _) => None,
        }
    }

    /// A sweep of the tree at `root` with its body changed, signed by the device that may.
    fn forge_sweep(&mut self, root: &RootRef, change: impl FnOnce(&mut SignedBody)) -> LoggedCommit {
        let sweep = self.sweep(Some(duplicate(root))).logged;
        let header = sweep.header.fields().clone();
        let mut signed = self.place(header.seq).open_body(&sweep.body).unwrap();
        change(&mut signed);
        let device = DeviceSeeds::from_encoded(&self.person.device.expose_encoded()).unwrap();
        signed.signature = device.signing().sign(Label::SignCommit, &REALM, &signed.body.message(&header));
        self.reseal(header, &signed)
    }
}

#[test]
fn a_sweep_that_changes_the_tree_is_a_no_op() {
    let mut world = World::new("another tree");
    let (base, root) = world.planted();
    let unchanged = world.sweep(Some(duplicate(&root))).logged;
    assert_eq!(world.swept(&unchanged, &base), None);
    let mut cases: Vec<(&str, Option<RootRef>)> = vec![("no tree", None)];
    let mut case = |name, change: fn(&mut RootRef)| {
        let mut other = duplicate(&root);
        change(&mut other);
        cases.push((name, Some(other)));
    };
    case("files", |root| root.totals.files += 1);
    case("bytes", |root| root.totals.bytes += 1);
    case("offset", |root| root.piece.offset += 1);
    case("hash", |root| root.hash = StoredHash::of(b"another"));
    case("key", |root| root.key = RootKey::from_bytes([7; 32]));
    let answer = |commit: &LoggedCommit, world: &World| {
        let mut frontier = Frontier::default();
        for commit in [&world.genesis.logged, &base] {
            frontier.append(&commit.header.to_bytes()).unwrap();
        }
        head(commit, frontier)
    };
    for (name, root) in cases {
        let forged = world.sweep(root).logged;
        assert_eq!(world.swept(&forged, &base), Some(NoOp::Invalid), "{name}");
        // A device without state comes to the same.
        let mut reader = world.reader(&world.person.chain);
        let read = reader.verify_head_on(&answer(&forged, &world), &base);
        assert!(matches!(read, Err(VerifyHeadError::NoOp(NoOp::Invalid))), "{name}");
    }
    // A tree where there was none.
    let mut empty = World::new("a tree from nothing");
    let genesis = empty.genesis.logged.clone();
    let forged = empty.sweep(Some(root)).logged;
    assert_eq!(empty.swept(&forged, &genesis), Some(NoOp::Invalid));
}

#[test]
fn a05_a_sweep_without_the_admin_capability_is_rejected() {
    let mut world = World::new("sweep capability");
    let (base, root) = world.planted();
    let sweep = world.sweep(Some(root)).logged;
    let message = sweep.header.fields().message(&REALM);
    for seed in [world.space.keys.write(), world.space.keys.append()] {
        let header = sweep.header.fields().clone().with_signature(seed.sign(&message));
        let commit = LoggedCommit { header, body: sweep.body.clone() };
        let read = world.reader(&world.person.chain).verify_next_on(&world.state, &commit, &base);
        assert!(matches!(read, Err(VerifyNextError::Rejected(_))));
    }
}

#[test]
fn a_sweep_is_not_believed_on_another_commit_than_its_base() {
    let mut world = World::new("sweep base");
    let (first, _) = world.planted();
    let (base, root) = world.planted();
    let sweep = world.sweep(Some(root)).logged;
    let mut swapped = base.clone();
    swapped.body.clone_from(&first.body);
    for other in [&first, &world.genesis.logged.clone(), &sweep, &swapped] {
        let read = world.space.verify_next_on(&world.state, &sweep, other);
        assert!(matches!(read, Err(VerifyNextError::NeedBase)));
    }
    assert_eq!(world.swept(&sweep, &base), None);
}

#[test]
fn a21_a_sweep_that_names_another_base_is_a_no_op() {
    let mut world = World::new("sweep other base");
    let (first, old) = world.planted();
    let (base, _) = world.planted();
    let place = LogPlace { seq: 1, hash: first.header.hash() };
    // The tree of the commit that it names, which was replaced since.
    let forged = world.forge_sweep(&old, |signed| signed.body.base = place);
    let device = world.person.device.device();
    assert_eq!(world.swept(&forged, &first), Some(NoOp::OtherBase { device }));
    assert_eq!(world.swept(&forged, &base), Some(NoOp::OtherBase { device }));
    // A device without state does not ask for a commit that may be nowhere: it reads the log, and comes to the same.
    let nowhere = LogPlace { seq: 1, hash: ChainHash::of(b"no commit") };
    let lying = world.forge_sweep(&old, |signed| signed.body.base = nowhere);
    for sweep in [&forged, &lying] {
        let mut frontier = Frontier::default();
        for commit in [&world.genesis.logged, &first, &base] {
            frontier.append(&commit.header.to_bytes()).unwrap();
        }
        let mut reader = world.reader(&world.person.chain);
        let read = reader.verify_head(&head(sweep, frontier));
        assert!(matches!(read, Err(VerifyHeadError::NoOp(NoOp::OtherBase { .. }))), "{read:?}");
        assert_eq!(world.swept(sweep, &base), Some(NoOp::OtherBase { device }));
    }
}

#[test]
fn a_sweep_obeys_what_every_commit_does() {
    let mut world = World::new("sweep rules");
    let (base, root) = world.planted();
    let forged = world.forge_sweep(&root, |_| ());
    assert_eq!(world.swept(&forged, &base), None);
    let forged = world.forge_sweep(&root, |signed| signed.body.extra = vec![1]);
    assert_eq!(world.swept(&forged, &base), Some(NoOp::Invalid));
    let forged = world.forge_sweep(&root, |signed| signed.body.roster.hash = ChainHash::of(b"roster"));
    assert_eq!(world.swept(&forged, &base), Some(NoOp::Invalid));
    // Its lists are signed by its author too.
    let sweep = world.sweep(Some(root)).logged;
    let mut header = sweep.header.fields().clone();
    header.lists = ChainHash::of(b"other releases");
    let forged = world.space.sign_header(header, sweep.body);
    assert_eq!(world.swept(&forged, &base), Some(NoOp::Invalid));
}
