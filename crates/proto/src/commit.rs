//! Commits as a server sees them: a clear header, detached lists, a sealed body (spec: 3-spaces, "Commits").

use crate::capability::{CapabilityPublicKey, CapabilitySignature, ProofRejected};
use crate::codec::{Decode, DecodeError, Encode, Reader, Writer};
use crate::context::context;
use crate::hash::ChainHash;
use crate::ids::{BlobId, RealmId, SpaceId};
use crate::label::Label;
use crate::limits::{COMMIT_BLOBS_MAX, COMMIT_BODY_MAX, KEYBOX_MAX, KEYBOXES_MAX};
use crate::merkle::{Frontier, MerkleRoot};
use crate::suite::Suite;

/// What a commit does; it decides which key signs the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitKind {
    /// The first commit of a space; the admin key signs.
    Genesis,
    /// A change of the tree; only adds blobs; the write key signs.
    Tree,
    /// A change of members or epoch; the admin key signs.
    Roster,
    /// Releases blobs that the tree does not need, and leaves the tree as it is; the admin key signs.
    Sweep,
    /// Shuts out back-dated signatures; the admin key signs.
    Fence,
}

impl Encode for CommitKind {
    fn encode(&self, out: &mut Writer) {
        out.u8(match self {
            Self::Genesis => 0,
            Self::Tree => 1,
            Self::Roster => 2,
            Self::Sweep => 3,
            Self::Fence => 4,
        });
    }
}

impl Decode for CommitKind {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u8()? {
            0 => Ok(Self::Genesis),
            1 => Ok(Self::Tree),
            2 => Ok(Self::Roster),
            3 => Ok(Self::Sweep),
            4 => Ok(Self::Fence),
            _ => Err(DecodeError::UnknownVariant),
        }
    }
}

/// A header before its capability signature (175 bytes encoded).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a wire struct: its fields are its format")]
pub struct UnsignedHeader {
    /// The suite of the body.
    pub suite: Suite,
    /// What the commit does.
    pub kind: CommitKind,
    /// The space it belongs to.
    pub space: SpaceId,
    /// The epoch whose keys seal and sign it.
    pub epoch: u32,
    /// Its place in the log; the genesis is 0.
    pub seq: u64,
    /// Hash of the full header before it; of the genesis, [`ChainHash::ZERO`].
    pub prev: ChainHash,
    /// Root over all earlier full headers.
    pub history: MerkleRoot,
    /// Hash of the encoded [`CommitLists`].
    pub lists: ChainHash,
    /// Hash of the sealed body.
    pub body: ChainHash,
}

impl UnsignedHeader {
    /// What the author's composite signature covers of the header: everything but the body hash.
    pub fn without_body(&self) -> Vec<u8> {
        let mut out = Writer::default();
        self.encode_without_body(&mut out);
        out.into_bytes()
    }

    /// The message that the write or admin key signs.
    pub fn message(&self, realm: &RealmId) -> Vec<u8> {
        context(Label::CapabilityCommit, realm, &[&self.to_bytes()])
    }

    /// The header with its capability signature.
    pub const fn with_signature(self, signature: CapabilitySignature) -> CommitHeader {
        CommitHeader { fields: self, signature }
    }

    fn encode_without_body(&self, out: &mut Writer) {
        self.suite.encode(out);
        self.kind.encode(out);
        self.space.encode(out);
        out.u32(self.epoch);
        out.u64(self.seq);
        self.prev.encode(out);
        self.history.encode(out);
        self.lists.encode(out);
    }
}

impl Encode for UnsignedHeader {
    fn encode(&self, out: &mut Writer) {
        self.encode_without_body(out);
        self.body.encode(out);
    }
}

impl Decode for UnsignedHeader {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            suite: Suite::decode(input)?,
            kind: CommitKind::decode(input)?,
            space: SpaceId::decode(input)?,
            epoch: input.u32()?,
            seq: input.u64()?,
            prev: ChainHash::decode(input)?,
            history: MerkleRoot::decode(input)?,
            lists: ChainHash::decode(input)?,
            body: ChainHash::decode(input)?,
        })
    }
}

/// A signed commit header. Its [`CommitHeader::hash`] is the head of the space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitHeader {
    fields: UnsignedHeader,
    signature: CapabilitySignature,
}

impl CommitHeader {
    /// What was signed.
    pub const fn fields(&self) -> &UnsignedHeader {
        &self.fields
    }

    /// SHA-512/256 of the full header.
    pub fn hash(&self) -> ChainHash {
        ChainHash::of(&self.to_bytes())
    }

    /// Checks the capability signature.
    ///
    /// # Errors
    /// [`ProofRejected`] when `key` did not sign this header in this realm.
    pub fn verify(&self, realm: &RealmId, key: &CapabilityPublicKey) -> Result<(), ProofRejected> {
        key.verify(&self.fields.message(realm), &self.signature)
    }
}

impl Encode for CommitHeader {
    fn encode(&self, out: &mut Writer) {
        self.fields.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for CommitHeader {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { fields: UnsignedHeader::decode(input)?, signature: CapabilitySignature::decode(input)? })
    }
}

/// A blob that a commit adds to its space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a wire struct: its fields are its format")]
pub struct AddedBlob {
    /// Its id.
    pub blob: BlobId,
    /// Its stored length in bytes.
    pub size: u64,
}

impl Encode for AddedBlob {
    fn encode(&self, out: &mut Writer) {
        self.blob.encode(out);
        out.u64(self.size);
    }
}

impl Decode for AddedBlob {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { blob: BlobId::decode(input)?, size: input.u64()? })
    }
}

/// One sealed keybox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keybox(Vec<u8>);

impl Encode for Keybox {
    fn encode(&self, out: &mut Writer) {
        out.bytes(&self.0);
    }
}

impl Decode for Keybox {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.bytes(KEYBOX_MAX).map(|bytes| Self(bytes.to_vec()))
    }
}

/// What the server applies and then drops from the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "a wire struct: its fields are its format")]
pub struct CommitLists {
    /// Blobs added, ascending by id, each id once.
    pub adds: Vec<AddedBlob>,
    /// Blobs released, ascending; only in a sweep.
    pub releases: Vec<BlobId>,
    /// Keyboxes of the epoch; only in a roster commit.
    pub keyboxes: Vec<Keybox>,
}

impl CommitLists {
    /// The hash that the header names.
    pub fn hash(&self) -> ChainHash {
        ChainHash::of(&self.to_bytes())
    }
}

impl Encode for CommitLists {
    fn encode(&self, out: &mut Writer) {
        out.list(&self.adds);
        out.list(&self.releases);
        out.list(&self.keyboxes);
    }
}

impl Decode for CommitLists {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let adds = input.set::<AddedBlob>(COMMIT_BLOBS_MAX)?;
        if !adds.is_sorted_by(|a, b| a.blob < b.blob) {
            return Err(DecodeError::NotCanonical);
        }
        Ok(Self { adds, releases: input.set(COMMIT_BLOBS_MAX)?, keyboxes: input.list(KEYBOXES_MAX)? })
    }
}

/// A commit as it is kept in the log and sent to readers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a wire struct: its fields are its format")]
pub struct LoggedCommit {
    /// The signed header.
    pub header: CommitHeader,
    /// The sealed body.
    pub body: Vec<u8>,
}

impl Encode for LoggedCommit {
    fn encode(&self, out: &mut Writer) {
        self.header.encode(out);
        out.bytes(&self.body);
    }
}

impl Decode for LoggedCommit {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let header = CommitHeader::decode(input)?;
        let body = input.bytes(COMMIT_BODY_MAX)?.to_vec();
        if ChainHash::of(&body) != header.fields.body {
            return Err(DecodeError::NotCanonical);
        }
        Ok(Self { header, body })
    }
}

/// A commit as a client posts it. Decoding checks both hashes that the header names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a wire struct: its fields are its format")]
pub struct PostedCommit {
    /// What the log keeps.
    pub logged: LoggedCommit,
    /// What the server applies.
    pub lists: CommitLists,
}

impl Encode for PostedCommit {
    fn encode(&self, out: &mut Writer) {
        self.logged.encode(out);
        self.lists.encode(out);
    }
}

impl Decode for PostedCommit {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let logged = LoggedCommit::decode(input)?;
        let lists = CommitLists::decode(input)?;
        if lists.hash() != logged.header.fields.lists {
            return Err(DecodeError::NotCanonical);
        }
        Ok(Self { logged, lists })
    }
}

/// The answer to a request for a space's head: its newest commit and the frontier over all earlier headers, whose root
/// the commit names. It is all that a new device needs to read, and to write the next commit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a wire struct: its fields are its format")]
pub struct HeadAnswer {
    /// The newest commit.
    pub commit: LoggedCommit,
    /// The tree over the headers before it.
    pub frontier: Frontier,
}

impl Encode for HeadAnswer {
    fn encode(&self, out: &mut Writer) {
        self.commit.encode(out);
        self.frontier.encode(out);
    }
}

impl Decode for HeadAnswer {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let commit = LoggedCommit::decode(input)?;
        let frontier = Frontier::decode(input)?;
        let fields = &commit.header.fields;
        if frontier.size() != fields.seq || frontier.root() != fields.history {
            return Err(DecodeError::NotCanonical);
        }
        Ok(Self { commit, frontier })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted() -> PostedCommit {
        let lists = CommitLists {
            adds: vec![AddedBlob { blob: BlobId::from_bytes([1; 32]), size: 5 }],
            ..CommitLists::default()
        };
        let body = b"sealed".to_vec();
        let header = UnsignedHeader {
            suite: Suite::V1,
            kind: CommitKind::Tree,
            space: SpaceId::from_bytes([4; 32]),
            epoch: 0,
            seq: 0,
            prev: ChainHash::ZERO,
            history: Frontier::default().root(),
            lists: lists.hash(),
            body: ChainHash::of(&body),
        };
        let header = header.with_signature(CapabilitySignature::from_bytes([0; 64]));
        PostedCommit { logged: LoggedCommit { header, body }, lists }
    }

    #[test]
    fn a_posted_commit_round_trips_and_any_flipped_body_or_list_byte_is_refused() {
        let bytes = posted().to_bytes();
        assert_eq!(PostedCommit::from_bytes(&bytes), Ok(posted()));
        let header = posted().logged.header.to_bytes().len();
        for at in header..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert!(PostedCommit::from_bytes(&broken).is_err(), "byte {at}");
        }
    }

    #[test]
    fn the_same_blob_twice_is_refused() {
        let add = |size| AddedBlob { blob: BlobId::from_bytes([1; 32]), size };
        let lists = CommitLists { adds: vec![add(1), add(2)], ..CommitLists::default() };
        assert_eq!(CommitLists::from_bytes(&lists.to_bytes()), Err(DecodeError::NotCanonical));
    }

    #[test]
    fn a_frontier_that_is_not_the_one_named_is_refused() {
        let mut frontier = Frontier::default();
        let commit = posted().logged;
        let answer = HeadAnswer { commit: commit.clone(), frontier: frontier.clone() };
        assert_eq!(HeadAnswer::from_bytes(&answer.to_bytes()), Ok(answer));
        frontier.append(b"another").unwrap();
        let forged = HeadAnswer { commit, frontier };
        assert_eq!(HeadAnswer::from_bytes(&forged.to_bytes()), Err(DecodeError::NotCanonical));
    }
}
