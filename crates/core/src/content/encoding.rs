//! Encodings that hold keys: written into one allocation that is wiped, padded where the spec says so (spec: 0-conventions,
//! "Codec").

use anonicloud_proto::codec::{DecodeError, Reader, Writer};
use anonicloud_proto::padme::padme;

use crate::crypto::secret::SecretBytes;

const LENGTH_PREFIX: usize = 4;

/// Encodes what `write` writes, at most `capacity` bytes, without leaving a copy behind.
pub(crate) fn encode_secret(capacity: usize, write: impl FnOnce(&mut Writer)) -> SecretBytes {
    let mut out = Writer::with_capacity(capacity);
    write(&mut out);
    let bytes = out.into_bytes();
    debug_assert!(bytes.len() <= capacity, "a secret encoding moved and left a copy");
    SecretBytes::from_vec(bytes)
}

/// `padded(x)`: `var x | zeros` up to `padme(4 + len x, floor)` bytes.
pub(crate) fn encode_padded(plain: &SecretBytes, floor: u64) -> SecretBytes {
    let bytes = plain.expose_bytes();
    let padded = padded_len(bytes.len(), floor);
    encode_secret(padded, |out| {
        out.bytes(bytes);
        let zeros = padded.saturating_sub(bytes.len().saturating_add(LENGTH_PREFIX));
        out.fixed(&vec![0; zeros]);
    })
}

/// The `x` in `padded(x)`.
pub(crate) fn decode_padded(padded: &[u8], floor: u64) -> Result<&[u8], DecodeError> {
    let mut input = Reader::new(padded);
    let plain = input.bytes(padded.len())?;
    let padding = input.take(input.remaining())?;
    if padded.len() != padded_len(plain.len(), floor) || padding.iter().any(|byte| *byte != 0) {
        return Err(DecodeError::NotCanonical);
    }
    Ok(plain)
}

fn padded_len(plain: usize, floor: u64) -> usize {
    let len = u64::try_from(plain.saturating_add(LENGTH_PREFIX)).unwrap_or(u64::MAX);
    usize::try_from(padme(len, floor)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn padding_that_is_not_zero_or_of_another_length_is_refused() {
        let padded = encode_padded(&SecretBytes::from_vec(vec![7; 10]), 64);
        let bytes = padded.expose_bytes().to_vec();
        assert_eq!(bytes.len(), 64);
        assert_eq!(decode_padded(&bytes, 64), Ok(&[7; 10][..]));
        for at in 14..64 {
            let mut dirty = bytes.clone();
            dirty[at] = 1;
            assert_eq!(decode_padded(&dirty, 64), Err(DecodeError::NotCanonical), "byte {at}");
        }
        assert_eq!(decode_padded(&bytes[..63], 64), Err(DecodeError::NotCanonical));
        assert_eq!(decode_padded(&[&bytes[..], &[0]].concat(), 64), Err(DecodeError::NotCanonical));
        assert_eq!(decode_padded(&bytes, 128), Err(DecodeError::NotCanonical));
    }

    proptest! {
        #[test]
        fn what_was_padded_comes_back(plain: Vec<u8>, floor in 0u64..2048) {
            let padded = encode_padded(&SecretBytes::from_vec(plain.clone()), floor);
            prop_assert_eq!(decode_padded(padded.expose_bytes(), floor), Ok(&plain[..]));
        }

        #[test]
        fn any_bytes_are_answered_without_a_panic(bytes: Vec<u8>, floor in 0u64..64) {
            if let Ok(plain) = decode_padded(&bytes, floor) {
                let again = encode_padded(&SecretBytes::from_vec(plain.to_vec()), floor);
                prop_assert_eq!(again.expose_bytes(), &bytes[..]);
            }
        }
    }
}
