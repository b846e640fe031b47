//! Commits of a device that breaks the rules, with a server that lets it: all signatures are right (spec: 3-spaces, "Commits").

use anonicloud_core::crypto::kdf::derive_body_key;
use anonicloud_core::crypto::secret::CompositeSeed;
use anonicloud_core::crypto::wrap::{WrapContext, seal};
use anonicloud_proto::codec::{Decode as _, Encode as _, Writer};
use anonicloud_proto::commit::{CommitKind, CommitLists, HeadAnswer, LoggedCommit, UnsignedHeader};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::label::Label;
use anonicloud_proto::merkle::Frontier;
use anonicloud_proto::suite::Suite;

use crate::world::{REALM, SALT, World, padded};

const FLOOR: u64 = 8 << 10;

/// Verifies a commit with these bytes as its body; the first byte says of which kind, and whether its author signed it.
pub fn run(data: &[u8]) {
    let [choice, body @ ..] = data else { return };
    let world = World::shared();
    let mut space = world.reader.lock().expect("a target that panics ends");
    let links = space.owner().link_count();
    let author = (choice & 4 != 0).then_some(&world.signing);
    match choice & 3 {
        0 => {
            let commit = Draft {
                kind: CommitKind::Genesis,
                body,
                author,
                history: &Frontier::default(),
                prev: ChainHash::ZERO,
                seq: 0,
            }
            .sign(world);
            let answer = HeadAnswer { commit, frontier: Frontier::default() };
            drop(space.verify_head(&answer));
        }
        kind => {
            let kind = [CommitKind::Tree, CommitKind::Sweep, CommitKind::Roster][usize::from(kind - 1)];
            let mut frontier = Frontier::default();
            frontier.append(&world.genesis.header.to_bytes()).expect("one commit");
            let commit =
                Draft { kind, body, author, history: &frontier, prev: world.genesis.header.hash(), seq: 1 }.sign(world);
            drop(space.verify_head_on(&HeadAnswer { commit: copy(&commit), frontier }, &world.genesis));
            if let Ok((_, state)) = space.verify_next_on(&world.state, &commit, &world.genesis) {
                assert!(state.head().seq == 1, "a commit does not move the state on");
                assert!(state.head().hash == commit.header.hash(), "the state is at another commit");
            }
        }
    }
    assert!(space.owner().link_count() == links, "a link that the identity did not sign is taken");
}

fn copy(commit: &LoggedCommit) -> LoggedCommit {
    LoggedCommit::from_bytes(&commit.to_bytes()).expect("a commit that was encoded")
}

/// A commit before it is sealed.
struct Draft<'a> {
    kind: CommitKind,
    body: &'a [u8],
    author: Option<&'a CompositeSeed>,
    history: &'a Frontier,
    prev: ChainHash,
    seq: u64,
}

impl Draft<'_> {
    fn sign(&self, world: &World) -> LoggedCommit {
        let space = world.state.space();
        let mut fields = UnsignedHeader {
            suite: Suite::V1,
            kind: self.kind,
            space,
            epoch: world.state.epoch(),
            seq: self.seq,
            prev: self.prev,
            history: self.history.root(),
            lists: CommitLists::default().hash(),
            body: ChainHash::ZERO,
        };
        let mut message = Writer::default();
        message.bytes(&fields.without_body());
        message.bytes(self.body);
        let signature = self.author.map(|seed| seed.sign(Label::SignCommit, &REALM, &message.into_bytes()).to_bytes());
        let plain = padded(&[self.body, &signature.unwrap_or_default()].concat(), FLOOR);
        let (id, version) = (space.as_bytes(), self.seq);
        let context = WrapContext { label: Label::WrapCommitBody, realm: &REALM, owner: id, object: id, version };
        let body = seal(&derive_body_key(&world.key, &REALM), &context, &plain, SALT);
        fields.body = ChainHash::of(&body);
        let seed = if self.kind == CommitKind::Tree { &world.write } else { &world.admin };
        let signature = seed.sign(&fields.message(&REALM));
        LoggedCommit { header: fields.with_signature(signature), body }
    }
}
