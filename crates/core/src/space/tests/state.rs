use anonicloud_proto::codec::{Decode as _, Encode as _};
use proptest::prelude::*;

use super::World;
use crate::space::body::{CommitBody, GenesisExtra, SealedRoot, SignedBody, SpaceHead};
use crate::space::state::{LogPlace, SpaceState};

#[test]
fn a_state_comes_back_from_its_encoding_and_from_no_other() {
    let mut world = World::new("state");
    for _ in 0..4 {
        let bytes = world.state.to_bytes();
        assert_eq!(SpaceState::from_bytes(&bytes).as_ref(), Ok(&world.state));
        assert!((0..bytes.len()).all(|len| SpaceState::from_bytes(&bytes[..len]).is_err()));
        let commit = world.commit();
        world.follow(&commit);
    }
    let mut ahead = world.state.clone();
    ahead.head.seq += 1;
    assert!(SpaceState::from_bytes(&ahead.to_bytes()).is_err());
}

proptest! {
    #[test]
    fn a33_any_bytes_are_answered_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        // A body that begins without a root is read as far as its links.
        let mut body = vec![0; 1 + 40 + 40 + 16 + 16];
        body.extend_from_slice(&bytes);
        for bytes in [&bytes, &body] {
            if let Ok(body) = CommitBody::from_bytes(bytes) {
                prop_assert_eq!(&body.to_bytes(), bytes);
            }
            prop_assert!(SignedBody::from_bytes(bytes).is_err(), "shorter than a signature");
            if let Ok(state) = SpaceState::from_bytes(bytes) {
                prop_assert_eq!(&state.to_bytes(), bytes);
            }
            if let Ok(extra) = GenesisExtra::from_bytes(bytes) {
                prop_assert_eq!(&extra.to_bytes(), bytes);
            }
            if let Ok(root) = SealedRoot::from_bytes(bytes) {
                prop_assert_eq!(&root.to_bytes(), bytes);
            }
        }
    }

    #[test]
    fn a_body_decodes_to_what_was_encoded(
        links in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..4),
        heads in proptest::collection::btree_map(any::<[u8; 32]>(), any::<u64>(), 0..4),
        checkpoint: Vec<u8>,
        places: [u64; 2],
        day: u32,
        extra: Vec<u8>,
        ids: [[u8; 16]; 2],
    ) {
        use anonicloud_proto::hash::ChainHash;
        use anonicloud_proto::ids::{AccountId, DeviceId, SpaceId};
        let heads = heads.into_iter().map(|(space, seq)| SpaceHead {
            space: SpaceId::from_bytes(space),
            seq,
            hash: ChainHash::ZERO,
        });
        let [base, roster] = places.map(|seq| LogPlace { seq, hash: ChainHash::of(&seq.to_le_bytes()) });
        let body = CommitBody {
            root: None,
            base,
            roster,
            author: AccountId::from_bytes(ids[0]),
            device: DeviceId::from_bytes(ids[1]),
            links,
            checkpoint,
            heads: heads.collect(),
            day,
            extra,
        };
        prop_assert_eq!(CommitBody::from_bytes(&body.to_bytes()), Ok(body));
    }
}
