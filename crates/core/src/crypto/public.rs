//! Public values of fixed length that only clients read: ids and hashes inside sealed objects.

use core::fmt;

use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};

use super::random::{Random, make_bytes};

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

/// Bytes of a version's id that stay when its pieces are brought elsewhere.
const CONTENT_LEN: usize = 12;

impl FileVersionId {
    /// Whether both are one version, or one of them is the other brought elsewhere: then both have the same content.
    pub fn is_same_content(&self, other: &Self) -> bool {
        self.0.first_chunk::<CONTENT_LEN>() == other.0.first_chunk::<CONTENT_LEN>()
    }

    /// An id for the same content, brought elsewhere: another one than this.
    pub(crate) fn make_moved(&self, random: &mut dyn Random) -> Self {
        let mut moved = *self;
        if let Some(place) = moved.0.last_chunk_mut::<{ 16 - CONTENT_LEN }>() {
            *place = make_bytes(random);
        }
        if moved == *self
            && let Some(last) = moved.0.last_mut()
        {
            *last ^= 1;
        }
        moved
    }
}

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

    /// What was brought elsewhere is another version with the same content, also where no randomness is.
    #[test]
    fn a_version_that_was_moved_has_the_same_content_and_another_id() {
        struct Constant(u8);
        impl Random for Constant {
            fn fill(&mut self, buffer: &mut [u8]) {
                buffer.fill(self.0);
            }
        }
        let id = FileVersionId::from_bytes([7; 16]);
        for byte in [7, 8] {
            let moved = id.make_moved(&mut Constant(byte));
            assert_ne!(moved, id);
            assert!(moved.is_same_content(&id) && id.is_same_content(&moved));
        }
        let mut other = [7; 16];
        other[11] = 8;
        assert!(!FileVersionId::from_bytes(other).is_same_content(&id));
    }
}
