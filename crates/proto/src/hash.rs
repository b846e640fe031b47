//! Hashes that both sides compute: the chain hash (SHA-512/256) and the stored-bytes hash (BLAKE3-256).

use core::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha512_256};

use crate::codec::{Decode, DecodeError, Encode, Reader, Writer};

macro_rules! digest {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The hash with these bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
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

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let bytes = HEXLOWER.decode(text.as_bytes()).map_err(de::Error::custom)?;
                let bytes = bytes.try_into();
                bytes.map(Self).map_err(|_| de::Error::custom("expected 64 lower-case hex digits"))
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

digest!(
    /// SHA-512/256: links of chains (commit headers, bodies, lists, sigchain links) and ids made of contexts.
    ChainHash
);
digest!(
    /// BLAKE3-256 of bytes as they are stored: a whole blob, or a sealed piece inside a pack.
    StoredHash
);

impl ChainHash {
    /// What the first link names as its predecessor.
    pub const ZERO: Self = Self([0; 32]);

    /// SHA-512/256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha512_256::digest(bytes).into())
    }
}

impl StoredHash {
    /// BLAKE3-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_are_the_published_ones() {
        assert_eq!(
            ChainHash::of(b"abc").to_string(),
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"
        );
        assert_eq!(StoredHash::of(b"").to_string(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    }
}
