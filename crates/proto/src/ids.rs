//! Identifiers: opaque bytes, shown as lower-case hex.
//!
//! Account, device, upload and blob ids are random or keyed hashes; a space id is the hash of its genesis.

use core::fmt;
use core::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::codec::{Decode, DecodeError, Encode, Reader, Writer};

/// A text that is not the lower-case hex of an id of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an id: expected {expected} lower-case hex digits")]
pub struct ParseIdError {
    expected: usize,
}

macro_rules! id {
    ($(#[doc = $doc:literal])+ $name:ident, $len:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let error = ParseIdError { expected: $len * 2 };
                let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| error)?;
                bytes.try_into().map(Self).map_err(|_| error)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Writer) {
                out.fixed(&self.0);
            }
        }

        impl Decode for $name {
            fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                input.fixed().map(Self)
            }
        }
    };
}

id!(
    /// One installation; the same on every address it is reached by. Field 0 of every context.
    RealmId, 16
);
id!(
    /// One account, drawn by the client at sign-up.
    AccountId, 16
);
id!(
    /// One enrolled device of an account, drawn by the device.
    DeviceId, 16
);
id!(
    /// One space: `SHA-512/256(ctx("space-id", [realm, owner, owner key hash, 32 random bytes]))`.
    SpaceId, 32
);
id!(
    /// One immutable blob inside a space: a keyed hash (segments) or random (packs).
    BlobId, 32
);
id!(
    /// One resumable upload into a space, drawn by the client.
    UploadId, 16
);
