//! Tests of private spaces: what an honest device makes is verified, what a server or a writer forges is not.

mod chains;
mod commits;
mod forged;
mod state;
mod sweeps;
mod vectors;

use anonicloud_proto::commit::{AddedBlob, HeadAnswer, LoggedCommit, PostedCommit};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::merkle::Frontier;

use super::body::RootRef;
use super::build::TreeChange;
use super::private::PrivateSpace;
use super::state::SpaceState;
use super::verify::{NoOp, Step, VerifiedCommit, VerifyNextError};
use crate::account::keys::{DeviceSeeds, SpaceKeys};
use crate::account::sigchain::Sigchain;
use crate::account::tests::{Person, REALM, SeededRandom};
use crate::content::reference::Totals;
use crate::content::tests::place;
use crate::crypto::random::Random as _;
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::RootKey;

/// A person, their space, and how far it was read.
struct World {
    random: SeededRandom,
    person: Person,
    space: PrivateSpace,
    genesis: PostedCommit,
    state: SpaceState,
}

impl World {
    fn new(seed: &str) -> Self {
        let mut random = SeededRandom::new(seed);
        let person = Person::make(&mut random);
        let made = PrivateSpace::make(REALM, person.chain.clone(), &person.device, 20_000, &mut random);
        let (mut space, genesis) = made.unwrap();
        let (_, state) = space.verify_head(&head(&genesis.logged, Frontier::default())).unwrap();
        Self { random, person, space, genesis, state }
    }

    /// The space as another device of the owner opens it, which has this chain.
    fn reader(&self, chain: &Sigchain) -> PrivateSpace {
        let keys = SpaceKeys::from_encoded(&self.space.keys().expose_encoded()).unwrap();
        PrivateSpace::new(REALM, self.space.id(), keys, chain.clone())
    }

    fn change(&mut self) -> TreeChange {
        let mut blob = [0; 32];
        self.random.fill(&mut blob);
        let root = RootRef {
            totals: Totals { files: 1, bytes: 2 },
            piece: place(&blob),
            hash: StoredHash::of(&blob),
            key: RootKey::make(&mut self.random),
        };
        let adds = vec![AddedBlob { blob: BlobId::from_bytes(blob), size: 16 << 10 }];
        TreeChange { root: Some(root), adds, day: 20_001 }
    }

    /// A commit of the first device on top of the state.
    fn commit(&mut self) -> LoggedCommit {
        let change = self.change();
        self.space.make_tree_commit(&self.state, &self.person.device, change, &mut self.random).unwrap().logged
    }

    /// A commit of another device of the owner, whose chain is the person's.
    fn commit_by(&mut self, device: &DeviceSeeds) -> LoggedCommit {
        let change = self.change();
        let writer = self.reader(&self.person.chain);
        writer.make_tree_commit(&self.state, device, change, &mut self.random).unwrap().logged
    }

    /// Reads `commit`, which must be valid, and goes on from it.
    fn follow(&mut self, commit: &LoggedCommit) -> VerifiedCommit {
        let (step, state) = self.space.verify_next(&self.state, commit).unwrap();
        self.state = state;
        match step {
            Step::Verified(verified) => verified,
            Step::Skipped(reason) => panic!("skipped: {reason:?}"),
        }
    }

    fn is_rejected(&mut self, commit: &LoggedCommit) -> bool {
        matches!(self.space.verify_next(&self.state, commit), Err(VerifyNextError::Rejected(Rejected)))
    }

    fn is_fork(&mut self, commit: &LoggedCommit) -> bool {
        matches!(self.space.verify_next(&self.state, commit), Err(VerifyNextError::Forked))
    }

    /// Whether `commit` is of a device that is not known, and who has read the whole log leaves it out.
    fn is_of_nobody(&mut self, commit: &LoggedCommit) -> bool {
        let unknown = self.space.verify_next(&self.state, commit);
        let (step, state) = self.space.verify_next_by_log(&self.state, commit).unwrap();
        assert_eq!((state.head().hash, state.valid()), (commit.header.hash(), self.state.valid()));
        matches!((unknown, step), (Err(VerifyNextError::DeviceUnknown), Step::Skipped(NoOp::Invalid)))
    }

    /// Why `commit` changes nothing, if it does not.
    fn skipped(&mut self, commit: &LoggedCommit) -> Option<NoOp> {
        match self.space.verify_next(&self.state, commit).unwrap() {
            (Step::Skipped(reason), state) => {
                assert_eq!(state.head().hash, commit.header.hash());
                assert_eq!(state.valid(), self.state.valid());
                Some(reason)
            }
            (Step::Verified(_), _) => None,
        }
    }
}

fn head(commit: &LoggedCommit, frontier: Frontier) -> HeadAnswer {
    HeadAnswer { commit: commit.clone(), frontier }
}
