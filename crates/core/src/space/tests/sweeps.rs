use super::{World, head};
use crate::account::keys::DeviceSeeds;
use crate::space::body::RootRef;
use crate::space::build::{BuildCommitError, Sweep};
use crate::space::state::LogPlace;
use crate::space::verify::{Step, VerifiedCommit, VerifyHeadError, VerifyNextError};
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{AddedBlob, CommitKind, LoggedCommit, PostedCommit};
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::limits::COMMIT_BLOBS_MAX;
use anonicloud_proto::merkle::Frontier;

pub(super) fn duplicate(root: &RootRef) -> RootRef {
    RootRef { totals: root.totals, piece: root.piece, hash: root.hash, key: root.key.duplicate() }
}

impl World {
    /// A sweep by the first device on top of the state, of the tree at `root`.
    pub(super) fn sweep(&mut self, root: Option<RootRef>) -> PostedCommit {
        let releases = vec![BlobId::from_bytes([9; 32]), BlobId::from_bytes([3; 32]), BlobId::from_bytes([9; 32])];
        let sweep = Sweep { root, adds: vec![], releases, day: 20_002 };
        self.space.make_sweep_commit(&self.state, &self.person.device, sweep, &mut self.random).unwrap()
    }

    /// A valid commit of a tree, which is the state then, and the tree.
    pub(super) fn planted(&mut self) -> (LoggedCommit, RootRef) {
        let commit = self.commit();
        let root = duplicate(self.follow(&commit).root().unwrap());
        (commit, root)
    }

    /// Reads a sweep on `base`, which must be valid, and goes on from it.
    pub(super) fn follow_on(&mut self, sweep: &LoggedCommit, base: &LoggedCommit) -> VerifiedCommit {
        let (step, state) = self.space.verify_next_on(&self.state, sweep, base).unwrap();
        self.state = state;
        match step {
            Step::Verified(verified) => verified,
            Step::Skipped(reason) => panic!("skipped: {reason:?}"),
        }
    }
}

#[test]
fn a_sweep_keeps_the_tree_and_the_next_commit_follows_it() {
    let mut world = World::new("sweep");
    let (base, root) = world.planted();
    let (piece, hash) = (root.piece, root.hash);
    let posted = world.sweep(Some(root));
    let fields = posted.logged.header.fields();
    assert_eq!((fields.kind, fields.seq), (CommitKind::Sweep, 2));
    assert_eq!(posted.lists.releases, [BlobId::from_bytes([3; 32]), BlobId::from_bytes([9; 32])]);
    assert_eq!(PostedCommit::from_bytes(&posted.to_bytes()).as_ref(), Ok(&posted));
    let unread = world.space.verify_next(&world.state, &posted.logged);
    assert!(matches!(unread, Err(VerifyNextError::NeedBase)));
    let verified = world.follow_on(&posted.logged, &base);
    assert_eq!(verified.day(), 20_002);
    let kept = duplicate(verified.root().unwrap());
    assert_eq!((kept.piece, kept.hash), (piece, hash));
    assert_eq!((world.state.valid(), world.state.head()), (verified.place(), verified.place()));
    // A sweep on a sweep, and a tree on that.
    let second = world.sweep(Some(kept));
    world.follow_on(&second.logged, &posted.logged);
    let next = world.commit();
    assert_eq!(world.follow(&next).place().seq, 4);
}

#[test]
fn a_sweep_of_an_empty_tree_is_one_of_the_genesis() {
    let mut world = World::new("sweep empty");
    let genesis = world.genesis.logged.clone();
    let posted = world.sweep(None);
    assert!(world.follow_on(&posted.logged, &genesis).root().is_none());
}

#[test]
fn a_device_without_state_reads_a_sweep_with_the_commit_before_it() {
    let mut world = World::new("sweep head");
    let (base, root) = world.planted();
    let sweep = world.sweep(Some(root)).logged;
    let mut frontier = Frontier::default();
    for commit in [&world.genesis.logged, &base] {
        frontier.append(&commit.header.to_bytes()).unwrap();
    }
    let answer = head(&sweep, frontier);
    let mut reader = world.reader(&world.person.chain);
    let place = LogPlace { seq: 1, hash: base.header.hash() };
    assert!(matches!(reader.verify_head(&answer), Err(VerifyHeadError::NeedBase(at)) if at == place));
    let (verified, state) = reader.verify_head_on(&answer, &base).unwrap();
    assert_eq!(state.valid(), verified.place());
    let genesis = world.genesis.logged.clone();
    assert!(matches!(reader.verify_head_on(&answer, &genesis), Err(VerifyHeadError::NeedBase(_))));
    assert!(matches!(reader.verify_head_on(&answer, &sweep), Err(VerifyHeadError::NeedBase(_))));
    // Whoever has a state comes to the same.
    world.follow_on(&sweep, &base);
    assert_eq!((state.head(), state.valid()), (world.state.head(), world.state.valid()));
}

#[test]
fn a_builder_refuses_lists_that_cannot_be() {
    let mut world = World::new("sweep lists");
    let blob = |number: usize| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        BlobId::from_bytes(bytes)
    };
    let make = |world: &mut World, adds, releases| {
        let sweep = Sweep { root: None, adds, releases, day: 0 };
        world.space.make_sweep_commit(&world.state, &world.person.device, sweep, &mut world.random)
    };
    let both = make(&mut world, vec![AddedBlob { blob: blob(1), size: 1 }], vec![blob(1)]);
    assert_eq!(both.unwrap_err(), BuildCommitError::BlobTwice);
    let most: Vec<_> = (0..COMMIT_BLOBS_MAX).map(blob).collect();
    assert!(make(&mut world, vec![], most.clone()).is_ok());
    let more = most.into_iter().chain([blob(COMMIT_BLOBS_MAX)]).collect();
    let error = make(&mut world, vec![], more).unwrap_err();
    assert_eq!(error, BuildCommitError::TooManyBlobs(COMMIT_BLOBS_MAX + 1));
    let stranger = DeviceSeeds::make(&mut world.random);
    let sweep = Sweep { root: None, adds: vec![], releases: vec![], day: 0 };
    let error = world.space.make_sweep_commit(&world.state, &stranger, sweep, &mut world.random).unwrap_err();
    assert_eq!(error, BuildCommitError::DeviceNotCertified(stranger.device()));
}
