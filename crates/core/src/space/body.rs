//! The sealed body of a commit (spec: 3-spaces, "Commits").

use anonicloud_proto::capability::CapabilityKeys;
use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};
use anonicloud_proto::commit::UnsignedHeader;
use anonicloud_proto::hash::{ChainHash, StoredHash};
use anonicloud_proto::ids::{AccountId, DeviceId, RealmId, SpaceId};
use anonicloud_proto::label::Label;
use anonicloud_proto::limits::{COMMIT_BODY_MAX, SIGCHAIN_LINK_MAX};

use super::state::LogPlace;
use crate::account::keys::SpaceKeys;
use crate::content::encoding::{decode_padded, encode_padded};
use crate::content::reference::{PieceRef, Totals};
use crate::crypto::kdf::{derive_body_key, derive_root_wrap_key};
use crate::crypto::random::{Random, make_bytes};
use crate::crypto::rejected::Rejected;
use crate::crypto::secret::{RootKey, SecretBytes};
use crate::crypto::signature::CompositeSignature;
use crate::crypto::wrap::{WRAP_OVERHEAD, WrapContext, open, seal};

const FLOOR: u64 = 8 << 10;
const WRAPPED_KEY_LEN: usize = WRAP_OVERHEAD + RootKey::LEN;
const CHECKPOINT_MAX: usize = 4 << 10;
const HEADS_MAX: usize = COMMIT_BODY_MAX / (SpaceId::LEN + 8 + 32);
const EXTRA_MAX: usize = 4 << 10;

/// The root directory of a tree, and the key that opens it.
#[derive(Debug)]
pub struct RootRef {
    /// Everything in the tree.
    pub totals: Totals,
    /// Where the root directory lies.
    pub piece: PieceRef,
    /// BLAKE3-256 of it as it is stored.
    pub hash: StoredHash,
    /// RK, fresh whenever the root directory is sealed anew.
    pub key: RootKey,
}

/// A [`RootRef`] as a body holds it, its key wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SealedRoot {
    totals: Totals,
    piece: PieceRef,
    hash: StoredHash,
    key: Vec<u8>,
}

/// Which space's keys seal bodies, and which commit this one is.
#[derive(Clone, Copy)]
pub(super) struct BodyPlace<'a> {
    pub(super) realm: &'a RealmId,
    pub(super) space: &'a SpaceId,
    pub(super) keys: &'a SpaceKeys,
    pub(super) seq: u64,
}

impl<'a> BodyPlace<'a> {
    const fn context(&self, label: Label) -> WrapContext<'a> {
        let space = self.space.as_bytes();
        WrapContext { label, realm: self.realm, owner: space, object: space, version: self.seq }
    }

    pub(super) fn seal_root(&self, root: &RootRef, random: &mut dyn Random) -> SealedRoot {
        let wrap_key = derive_root_wrap_key(self.keys.key(), self.realm);
        let ctx = self.context(Label::WrapRootKey);
        let key = seal(&wrap_key, &ctx, root.key.expose_bytes(), make_bytes(random));
        SealedRoot { totals: root.totals, piece: root.piece, hash: root.hash, key }
    }

    pub(super) fn open_root(&self, root: &SealedRoot) -> Result<RootRef, Rejected> {
        let wrap_key = derive_root_wrap_key(self.keys.key(), self.realm);
        let key = open(&wrap_key, &self.context(Label::WrapRootKey), &root.key)?;
        let key = RootKey::copy_of(key.expose_bytes().try_into().map_err(|_| Rejected)?);
        Ok(RootRef { totals: root.totals, piece: root.piece, hash: root.hash, key })
    }

    /// The body as it is stored; of one that is too large, nothing.
    pub(super) fn seal_body(&self, body: &SignedBody, random: &mut dyn Random) -> Option<Vec<u8>> {
        let padded = encode_padded(&SecretBytes::from_vec(body.to_bytes()), FLOOR);
        if padded.expose_bytes().len() > COMMIT_BODY_MAX - WRAP_OVERHEAD {
            return None;
        }
        let key = derive_body_key(self.keys.key(), self.realm);
        Some(seal(&key, &self.context(Label::WrapCommitBody), padded.expose_bytes(), make_bytes(random)))
    }

    pub(super) fn open_body(&self, sealed: &[u8]) -> Result<SignedBody, Rejected> {
        if sealed.len() > COMMIT_BODY_MAX {
            return Err(Rejected);
        }
        let key = derive_body_key(self.keys.key(), self.realm);
        let padded = open(&key, &self.context(Label::WrapCommitBody), sealed)?;
        let plain = decode_padded(padded.expose_bytes(), FLOOR).map_err(|_| Rejected)?;
        SignedBody::from_bytes(plain).map_err(|_| Rejected)
    }
}

/// What a commit says to those who read the space, before its author's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommitBody {
    /// The tree; of an empty one, nothing.
    pub(super) root: Option<SealedRoot>,
    /// The last valid commit before.
    pub(super) base: LogPlace,
    /// The commit that names the members.
    pub(super) roster: LogPlace,
    pub(super) author: AccountId,
    pub(super) device: DeviceId,
    /// Links of the author's sigchain that the space has not seen.
    pub(super) links: Vec<Vec<u8>>,
    /// The newest checkpoint of the key log that the author saw.
    pub(super) checkpoint: Vec<u8>,
    /// Heads of other spaces that the author saw.
    pub(super) heads: Vec<SpaceHead>,
    /// Day of the commit, counted from 1970-01-01.
    pub(super) day: u32,
    /// What only some kinds of commits say.
    pub(super) extra: Vec<u8>,
}

/// The head of another space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SpaceHead {
    pub(super) space: SpaceId,
    pub(super) seq: u64,
    pub(super) hash: ChainHash,
}

/// A body and its author's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedBody {
    pub(super) body: CommitBody,
    pub(super) signature: CompositeSignature,
}

impl CommitBody {
    /// What the author's device signs: `var (header without body hash and signature) | var (body without its signature)`.
    pub(super) fn message(&self, header: &UnsignedHeader) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes(&header.without_body());
        out.bytes(&self.to_bytes());
        out.into_bytes()
    }
}

impl Encode for CommitBody {
    fn encode(&self, out: &mut Writer) {
        match &self.root {
            None => out.u8(0),
            Some(root) => {
                out.u8(1);
                root.encode(out);
            }
        }
        self.base.encode(out);
        self.roster.encode(out);
        self.author.encode(out);
        self.device.encode(out);
        out.count(self.links.len());
        for link in &self.links {
            out.bytes(link);
        }
        out.bytes(&self.checkpoint);
        out.list(&self.heads);
        out.u32(self.day);
        out.bytes(&self.extra);
    }
}

impl Decode for CommitBody {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let root = match input.u8()? {
            0 => None,
            1 => Some(SealedRoot::decode(input)?),
            _ => return Err(DecodeError::UnknownVariant),
        };
        let base = LogPlace::decode(input)?;
        let roster = LogPlace::decode(input)?;
        let author = AccountId::decode(input)?;
        let device = DeviceId::decode(input)?;
        let mut links = Vec::new();
        for _ in 0..input.count(COMMIT_BODY_MAX)? {
            links.push(input.bytes(SIGCHAIN_LINK_MAX)?.to_vec());
        }
        let checkpoint = input.bytes(CHECKPOINT_MAX)?.to_vec();
        let heads: Vec<SpaceHead> = input.set(HEADS_MAX)?;
        if !heads.is_sorted_by(|a, b| a.space < b.space) {
            return Err(DecodeError::NotCanonical);
        }
        let day = input.u32()?;
        let extra = input.bytes(EXTRA_MAX)?.to_vec();
        Ok(Self { root, base, roster, author, device, links, checkpoint, heads, day, extra })
    }
}

impl Encode for SignedBody {
    fn encode(&self, out: &mut Writer) {
        self.body.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for SignedBody {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { body: CommitBody::decode(input)?, signature: CompositeSignature::decode(input)? })
    }
}

impl Encode for SealedRoot {
    fn encode(&self, out: &mut Writer) {
        self.totals.encode(out);
        self.piece.encode(out);
        self.hash.encode(out);
        out.bytes(&self.key);
    }
}

impl Decode for SealedRoot {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            totals: Totals::decode(input)?,
            piece: PieceRef::decode(input)?,
            hash: StoredHash::decode(input)?,
            key: input.bytes(WRAPPED_KEY_LEN)?.to_vec(),
        })
    }
}

impl Encode for SpaceHead {
    fn encode(&self, out: &mut Writer) {
        self.space.encode(out);
        out.u64(self.seq);
        self.hash.encode(out);
    }
}

impl Decode for SpaceHead {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { space: SpaceId::decode(input)?, seq: input.u64()?, hash: ChainHash::decode(input)? })
    }
}

/// What the genesis says beside: which owner and bytes the space id is made of, and the first epoch's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GenesisExtra {
    pub(super) owner_key: ChainHash,
    pub(super) random: [u8; 32],
    pub(super) keys: CapabilityKeys,
}

impl Encode for GenesisExtra {
    fn encode(&self, out: &mut Writer) {
        self.owner_key.encode(out);
        out.fixed(&self.random);
        self.keys.encode(out);
    }
}

impl Decode for GenesisExtra {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { owner_key: ChainHash::decode(input)?, random: input.fixed()?, keys: CapabilityKeys::decode(input)? })
    }
}
