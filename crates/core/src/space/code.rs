//! The state code (spec: 3-spaces, "Freshness"): what two people read to each other to see that their devices are at one commit.

use core::fmt::{self, Write as _};

use anonicloud_proto::context::context;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::{RealmId, SpaceId};
use anonicloud_proto::label::Label;
use anonicloud_proto::merkle::MerkleRoot;

use super::state::{LogPlace, SpaceState};

/// As many codes as twelve digits can tell.
const CODES: u64 = 1_000_000_000_000;

/// Twelve digits that stand for a space at one commit, with all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateCode(u64);

impl StateCode {
    /// The first eight bytes of `SHA-512/256(ctx("state-code", [realm, space, u64 seq, head, history]))`, as a big-endian number,
    /// modulo 10^12.
    pub(super) fn derive(realm: &RealmId, space: &SpaceId, head: LogPlace, history: &MerkleRoot) -> Self {
        let seq = head.seq.to_le_bytes();
        let fields: [&[u8]; 4] = [space.as_bytes(), &seq, head.hash.as_bytes(), history.as_bytes()];
        let hash = ChainHash::of(&context(Label::StateCode, realm, &fields));
        let number = hash.as_bytes().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte));
        Self(number % CODES)
    }
}

impl fmt::Display for StateCode {
    /// In groups of three digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, digit) in format!("{:012}", self.0).chars().enumerate() {
            if place > 0 && place % 3 == 0 {
                f.write_char(' ')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

impl SpaceState {
    /// What two devices at one commit have in common.
    pub fn code(&self, realm: &RealmId) -> StateCode {
        StateCode::derive(realm, &self.space, self.head, &self.frontier.root())
    }
}
