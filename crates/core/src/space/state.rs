//! What a reader carries from commit to commit (spec: 3-spaces, "History").

use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::ids::SpaceId;
use anonicloud_proto::merkle::Frontier;

/// A commit by its place and hash (40 bytes encoded).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPlace {
    /// Its place in the log; the genesis is 0.
    pub seq: u64,
    /// Hash of its full header.
    pub hash: ChainHash,
}

impl LogPlace {
    /// What a genesis names where others name a commit.
    pub(super) const NONE: Self = Self { seq: 0, hash: ChainHash::ZERO };
}

impl Encode for LogPlace {
    fn encode(&self, out: &mut Writer) {
        out.u64(self.seq);
        self.hash.encode(out);
    }
}

impl Decode for LogPlace {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { seq: input.u64()?, hash: ChainHash::decode(input)? })
    }
}

/// How far a device has read a space. Only verifying makes and moves it; its encoding goes into the device's encrypted local
/// state before anything is done that builds on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceState {
    pub(super) space: SpaceId,
    pub(super) epoch: u32,
    pub(super) head: LogPlace,
    pub(super) valid: LogPlace,
    pub(super) genesis: ChainHash,
    /// Over all headers up to the head.
    pub(super) frontier: Frontier,
    /// Links of the owner's sigchain that decide which devices may commit next.
    pub(super) links_seen: u64,
    /// Links that earlier commits are known to carry.
    pub(super) links_carried: u64,
}

impl SpaceState {
    /// The space.
    pub const fn space(&self) -> SpaceId {
        self.space
    }

    /// The epoch of the head.
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The newest commit: what the next one follows. A server that names an older one, or another at its place, rolled back.
    pub const fn head(&self) -> LogPlace {
        self.head
    }

    /// The hash of the first commit: a space has one, and no other.
    pub const fn genesis(&self) -> ChainHash {
        self.genesis
    }

    /// The newest commit that is not a no-op: what the tree is.
    pub const fn valid(&self) -> LogPlace {
        self.valid
    }
}

impl Encode for SpaceState {
    fn encode(&self, out: &mut Writer) {
        self.space.encode(out);
        out.u32(self.epoch);
        self.head.encode(out);
        self.valid.encode(out);
        self.genesis.encode(out);
        self.frontier.encode(out);
        out.u64(self.links_seen);
        out.u64(self.links_carried);
    }
}

impl Decode for SpaceState {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let state = Self {
            space: SpaceId::decode(input)?,
            epoch: input.u32()?,
            head: LogPlace::decode(input)?,
            valid: LogPlace::decode(input)?,
            genesis: ChainHash::decode(input)?,
            frontier: Frontier::decode(input)?,
            links_seen: input.u64()?,
            links_carried: input.u64()?,
        };
        if state.head.seq.checked_add(1) == Some(state.frontier.size()) && state.valid.seq <= state.head.seq {
            Ok(state)
        } else {
            Err(DecodeError::NotCanonical)
        }
    }
}
