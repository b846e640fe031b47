//! Keys that both the sealing and the opening side of a target have.

use std::sync::{LazyLock, Mutex};

use anonicloud_core::account::keys::{DeviceSeeds, Identity};
use anonicloud_core::account::sigchain::Sigchain;
use anonicloud_core::content::reference::PieceRef;
use anonicloud_core::crypto::random::Random;
use anonicloud_core::crypto::secret::{CapabilitySeed, CompositeSeed, SpaceKey};
use anonicloud_core::space::private::PrivateSpace;
use anonicloud_core::space::state::SpaceState;
use anonicloud_proto::commit::{HeadAnswer, LoggedCommit};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::{AccountId, BlobId, RealmId, SpaceId};
use anonicloud_proto::merkle::Frontier;
use anonicloud_proto::suite::Suite;

pub(crate) const REALM: RealmId = RealmId::from_bytes([7; 16]);
pub(crate) const ACCOUNT: AccountId = AccountId::from_bytes([5; 16]);
pub(crate) const SPACE: SpaceId = SpaceId::from_bytes([9; 32]);
/// Of every seal: a crash has to come again.
pub(crate) const SALT: [u8; 32] = [3; 32];
pub(crate) const DAY: u32 = 20_000;

/// Bytes that count up, which is all that keys of no worth need.
pub(crate) struct Counted(pub(crate) u8);

impl Random for Counted {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
    }
}

/// A private space after its genesis, and all keys of it.
pub(crate) struct World {
    pub(crate) signing: CompositeSeed,
    pub(crate) key: SpaceKey,
    pub(crate) write: CapabilitySeed,
    pub(crate) admin: CapabilitySeed,
    pub(crate) genesis: LoggedCommit,
    pub(crate) state: SpaceState,
    /// Who read its genesis.
    pub(crate) reader: Mutex<PrivateSpace>,
}

impl World {
    /// The one that all inputs of a run meet.
    pub(crate) fn shared() -> &'static Self {
        static WORLD: LazyLock<World> = LazyLock::new(World::make);
        &WORLD
    }

    fn make() -> Self {
        let mut random = Counted(1);
        let identity = Identity::make(&mut random);
        let device = DeviceSeeds::make(&mut random);
        let handle = "alice".parse().expect("a handle");
        let genesis = Sigchain::sign_genesis(&REALM, &ACCOUNT, &identity, &handle);
        let mut chain = Sigchain::verify(&REALM, &ACCOUNT, &[genesis]).expect("a genesis that was just signed");
        let link = chain.sign_add_device(&REALM, &identity, &device).expect("a device that is new");
        chain.append(&REALM, &link).expect("a link that was just signed");
        let made = PrivateSpace::make(REALM, chain, &device, DAY, &mut random);
        let (mut space, posted) = made.expect("a certified device");
        let answer = HeadAnswer { commit: posted.logged, frontier: Frontier::default() };
        let (_, state) = space.verify_head(&answer).expect("a genesis that was just made");
        let keys = space.keys().expose_encoded();
        let keys = keys.expose_bytes().to_vec();
        let encoded = device.expose_encoded();
        Self {
            signing: CompositeSeed::from_bytes(part(encoded.expose_bytes(), 16)),
            key: SpaceKey::from_bytes(part(&keys, 4)),
            write: CapabilitySeed::from_bytes(part(&keys, 4 + 32 + 32)),
            admin: CapabilitySeed::from_bytes(part(&keys, 4 + 32 + 32 + 32)),
            genesis: answer.commit,
            state,
            reader: Mutex::new(space),
        }
    }
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("N bytes")
}

/// Where a sealed piece lies, and its hash; of one that no pack holds, nothing.
pub(crate) fn place(piece: &[u8]) -> Option<(PieceRef, StoredHash)> {
    let length = u32::try_from(piece.len()).ok()?;
    let fits = piece.len() <= anonicloud_proto::limits::PACKED_PIECE_MAX;
    let place = PieceRef { suite: Suite::V1, blob: BlobId::from_bytes([1; 32]), offset: 0, length };
    fits.then(|| (place, StoredHash::of(piece)))
}

/// `padded(plain)` (spec: 0-conventions, "Codec").
pub(crate) fn padded(plain: &[u8], floor: u64) -> Vec<u8> {
    let mut out = anonicloud_proto::codec::Writer::default();
    out.bytes(plain);
    let mut out = out.into_bytes();
    let len = anonicloud_proto::padme::padme(out.len() as u64, floor);
    out.resize(usize::try_from(len).expect("a length in memory"), 0);
    out
}
