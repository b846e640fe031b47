//! Public values of fixed length that only clients read: ids and hashes inside sealed objects.

use core::fmt;

use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};

macro_rules! public_bytes {
    ($(#[doc = $doc:literal])+ $name:ident, $len:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The value with these bytes.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            /// Lower-case hex.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
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

public_bytes!(
    /// One version of one file, random: it enters every key and context of the version's segments.
    FileVersionId, 16
);
public_bytes!(
    /// `s_i`: keyed hash of a segment's place and content, from which its salt and its blob id follow.
    SegmentHash, 32
);
public_bytes!(
    /// Keyed hash over a file version's size and all its segment hashes.
    ContentRoot, 32
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_show_as_hex_and_encode_as_they_are() {
        let id = FileVersionId::from_bytes([0xab; 16]);
        assert_eq!(id.to_string(), "ab".repeat(16));
        assert_eq!(FileVersionId::from_bytes(*id.as_bytes()), id);
        assert_eq!(<FileVersionId as Decode>::from_bytes(&id.to_bytes()), Ok(id));
        assert!(<FileVersionId as Decode>::from_bytes(&[0; 15]).is_err());
    }
}
