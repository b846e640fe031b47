//! Packs (spec: 2-content, "Packs"): small sealed pieces end to end in one blob, filled up so that neither their number nor
//! their sizes show.

use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::limits::{PACK_FLOOR, PACK_MAX, PACKED_PIECE_MAX};
use anonicloud_proto::padme::padme;
use anonicloud_proto::suite::Suite;
use thiserror::Error;

use super::reference::PieceRef;
use crate::crypto::random::{Random, make_bytes};

/// Why a piece cannot be added to a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddPieceError {
    /// No pack takes it.
    #[error("add piece to pack: {len} bytes is over the limit")]
    PieceTooLarge {
        /// Its sealed length.
        len: usize,
    },
    /// This pack does not take it: finish it and begin another.
    #[error("add piece to pack: the pack is full")]
    PackFull,
}

/// Collects pieces of one pack.
#[derive(Debug)]
pub struct PackBuilder {
    blob: BlobId,
    bytes: Vec<u8>,
}

impl PackBuilder {
    /// An empty pack under a random id.
    pub fn make(random: &mut dyn Random) -> Self {
        Self { blob: BlobId::from_bytes(make_bytes(random)), bytes: Vec::new() }
    }

    /// Bytes of pieces so far.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no piece yet.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Adds a sealed piece; gives where it lies.
    ///
    /// # Errors
    /// [`AddPieceError`] when the piece is too large for any pack, or for what is left of this one, which then is as before.
    pub fn add(&mut self, piece: &[u8]) -> Result<PieceRef, AddPieceError> {
        if piece.len() > PACKED_PIECE_MAX {
            return Err(AddPieceError::PieceTooLarge { len: piece.len() });
        }
        let offset = self.bytes.len();
        if offset.saturating_add(piece.len()) > PACK_MAX {
            return Err(AddPieceError::PackFull);
        }
        let place = |bytes: usize| u32::try_from(bytes).map_err(|_| AddPieceError::PackFull);
        let placed =
            PieceRef { suite: Suite::V1, blob: self.blob, offset: place(offset)?, length: place(piece.len())? };
        self.bytes.extend_from_slice(piece);
        Ok(placed)
    }

    /// Fills the pack up with random bytes, which look like pieces.
    pub fn finish(mut self, random: &mut dyn Random) -> Pack {
        let used = self.bytes.len();
        let padded = u64::try_from(used).map_or(u64::MAX, |len| padme(len, PACK_FLOOR));
        // Padmé never passes the power of two above, so no pack grows over its limit.
        self.bytes.resize(usize::try_from(padded).unwrap_or(used), 0);
        let (_, filler) = self.bytes.split_at_mut(used);
        random.fill(filler);
        let hash = StoredHash::of(&self.bytes);
        Pack { blob: self.blob, bytes: self.bytes, hash }
    }
}

/// A finished pack: a blob to store.
#[derive(Debug)]
pub struct Pack {
    blob: BlobId,
    bytes: Vec<u8>,
    hash: StoredHash,
}

impl Pack {
    /// Its id.
    pub const fn blob(&self) -> BlobId {
        self.blob
    }

    /// All its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// BLAKE3-256 of all its bytes.
    pub const fn hash(&self) -> &StoredHash {
        &self.hash
    }

    /// All its bytes, to be sent without another copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
