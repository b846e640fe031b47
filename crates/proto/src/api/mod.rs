//! The JSON control plane (spec: 4-http-api). Blobs and commits travel as raw bytes beside it.
//!
//! Every request carries [`VERSION_HEADER`] with [`VERSION`]; every refusal is an [`ErrorBody`] with a stable [`ErrorCode`].

mod account;
mod error;
#[cfg(feature = "openapi")]
pub mod schema;
mod space;

use core::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::{ZeroizeOnDrop, Zeroizing};

pub use account::{
    AccountAnswer, AccountBoxes, AddDevice, Challenge, DeviceLoginFinish, DeviceLoginStart, FreedAnswer, LoginAnswer,
    LoginFinish, LoginStart, LoginStarted, NewDevice, Puzzle, PuzzlePurpose, PuzzleStart, RealmAnswer, RegisterFinish,
    RegisterStart, RegisterStarted, ReleasedAnswer, RemoveDevice, SealedBox, SigchainAnswer, SolvedPuzzle,
};
pub use error::{ErrorBody, ErrorCode, ErrorDetail};
pub use space::{
    BlobProgress, BlobState, BlobsAnswer, CommitAnswer, OpenUpload, SpaceSessionAnswer, SpaceSessionFinish, StoredBlob,
    UploadAnswer, UploadState, UploadSummary, UploadsAnswer,
};

/// The header that names the API version, on every request.
pub const VERSION_HEADER: &str = "anonicloud-api";
/// The one version spoken here.
pub const VERSION: &str = "1";

/// Bytes as unpadded base64url in JSON. Cleared when dropped, since some are tokens.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct Base64(Zeroizing<Vec<u8>>);

impl Base64 {
    /// These bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64({} bytes)", self.0.len())
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(BASE64URL_NOPAD.encode(&self.0)))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
        bytes.map(Self::new).map_err(|_| de::Error::custom("expected unpadded base64url"))
    }
}

/// Tokens and proofs travel in it: it is wiped when it is dropped.
#[cfg(test)]
const _: fn(&Base64) = |bytes| {
    const fn wiped<T: ZeroizeOnDrop>(_: &T) {}
    wiped(bytes);
};
