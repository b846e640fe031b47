//! The suite number that fixes every primitive at once (spec: 0-conventions, "Suites").

use crate::codec::{Decode, DecodeError, Encode, Reader, Writer};

/// A set of primitives. There is no negotiation: an object names its suite, and so does the signed entry above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Suite {
    /// 0x0001: OPAQUE ristretto255-SHA512-3DH, Argon2id, HKDF-SHA-512, AES-256-GCM, Cobblestone-256, BLAKE3, X-Wing,
    /// Ed25519 with ML-DSA-65.
    V1,
}

impl Suite {
    /// The number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Self::V1 => 0x0001,
        }
    }
}

impl Encode for Suite {
    fn encode(&self, out: &mut Writer) {
        out.u16(self.number());
    }
}

impl Decode for Suite {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u16()? {
            0x0001 => Ok(Self::V1),
            _ => Err(DecodeError::UnknownVariant),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_suite_is_refused() {
        assert_eq!(Suite::from_bytes(&[1, 0]), Ok(Suite::V1));
        for other in [[0, 0], [2, 0], [1, 1], [0, 1]] {
            assert_eq!(Suite::from_bytes(&other), Err(DecodeError::UnknownVariant));
        }
    }
}
