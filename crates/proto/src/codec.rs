//! The canonical codec for all that is signed, hashed or encrypted (spec: 0-conventions, "Codec").
//!
//! Enters: hostile bytes and a cap. Leaves: values whose re-encoding equals the input.
//! Never: an allocation before its length was checked, a default for a missing field.

use thiserror::Error;

/// Why bytes are not the canonical encoding of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ends inside a field.
    #[error("input ends inside a field")]
    Truncated,
    /// Bytes are left after the last field.
    #[error("bytes follow the last field")]
    Trailing,
    /// A length or count is above its cap.
    #[error("a length is above its cap")]
    TooLong,
    /// A discriminant, suite or fixed value is not a known one.
    #[error("a discriminant is unknown")]
    UnknownVariant,
    /// A set is not strictly ascending, padding is not zero, or a value breaks a rule of its type.
    #[error("a value is not in canonical form")]
    NotCanonical,
}

/// A value with exactly one encoding.
pub trait Encode {
    /// Appends the encoding to `out`.
    fn encode(&self, out: &mut Writer);

    /// The encoding as bytes.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        self.encode(&mut out);
        out.into_bytes()
    }
}

/// A value that can be read back from its one encoding.
pub trait Decode: Sized {
    /// Reads one value from `input`, leaving what follows.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a canonical encoding.
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Reads one value that fills `bytes` exactly.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a canonical encoding, or more follow.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let value = Self::decode(&mut input)?;
        input.finish()?;
        Ok(value)
    }
}

/// Builds an encoding: little-endian integers, fields in fixed order.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl core::fmt::Debug for Writer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Writer({} bytes)", self.0.len())
    }
}

impl Writer {
    /// A writer that does not move its bytes up to `capacity`: an encoding of secrets leaves no copy behind.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Appends one byte.
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    /// Appends a 16-bit integer.
    pub fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a 32-bit integer.
    pub fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a 64-bit integer.
    pub fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a signed 64-bit integer (two's complement).
    pub fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends bytes of a length both sides know.
    pub fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Appends a `u32` length and the bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.fixed(bytes);
    }

    /// Appends a `u32` count and each item.
    pub fn list<T: Encode>(&mut self, items: &[T]) {
        self.count(items.len());
        for item in items {
            item.encode(self);
        }
    }

    /// Appends `len` as the `u32` in front of bytes or items.
    ///
    /// # Panics
    /// From 4 GiB on; objects are capped far below.
    pub fn count(&mut self, len: usize) {
        self.u32(u32::try_from(len).expect("objects are capped far below 4 GiB"));
    }

    /// The bytes written so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Reads an encoding and refuses anything that is not canonical.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    /// The next `len` bytes, borrowed.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end of the input.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.fixed().map(u8::from_le_bytes)
    }

    /// A 16-bit integer.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end of the input.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.fixed().map(u16::from_le_bytes)
    }

    /// A 32-bit integer.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end of the input.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.fixed().map(u32::from_le_bytes)
    }

    /// A 64-bit integer.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end of the input.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.fixed().map(u64::from_le_bytes)
    }

    /// A signed 64-bit integer.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end of the input.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.fixed().map(i64::from_le_bytes)
    }

    /// A `u32` length of at most `cap`, then that many bytes, borrowed.
    ///
    /// # Errors
    /// [`DecodeError`] when the length is above the cap or the bytes are missing.
    pub fn bytes(&mut self, cap: usize) -> Result<&'a [u8], DecodeError> {
        let len = self.count(cap)?;
        self.take(len)
    }

    /// A `u32` count of at most `cap`, then that many items.
    ///
    /// # Errors
    /// [`DecodeError`] when the count is above the cap or an item does not decode.
    pub fn list<T: Decode>(&mut self, cap: usize) -> Result<Vec<T>, DecodeError> {
        let count = self.count(cap)?;
        let mut items = Vec::with_capacity(reserved::<T>(count, self.remaining()));
        for _ in 0..count {
            items.push(T::decode(self)?);
        }
        Ok(items)
    }

    /// A list whose items must be strictly ascending.
    ///
    /// # Errors
    /// As [`Reader::list`], and [`DecodeError::NotCanonical`] when two items are equal or out of order.
    pub fn set<T: Decode + Ord>(&mut self, cap: usize) -> Result<Vec<T>, DecodeError> {
        let items = self.list::<T>(cap)?;
        if items.is_sorted_by(|a, b| a < b) { Ok(items) } else { Err(DecodeError::NotCanonical) }
    }

    /// A `u32` length or count of at most `cap`.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] above the cap.
    pub fn count(&mut self, cap: usize) -> Result<usize, DecodeError> {
        let len = usize::try_from(self.u32()?).map_err(|_| DecodeError::TooLong)?;
        if len > cap {
            return Err(DecodeError::TooLong);
        }
        Ok(len)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] when bytes are left.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }
}

/// Items to make room for at once: as many as take no more memory than the input that is left. Further ones were read by then.
fn reserved<T>(count: usize, remaining: usize) -> usize {
    count.min(remaining.checked_div(size_of::<T>()).unwrap_or(remaining))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_makes_no_room_for_more_than_the_input_is_long() {
        assert_eq!(reserved::<[u8; 72]>(1 << 20, 1 << 20), (1 << 20) / 72);
        assert_eq!(reserved::<[u8; 72]>(3, 1 << 20), 3);
        assert_eq!(reserved::<()>(5, 2), 2);
    }

    #[test]
    fn a_length_above_its_cap_is_refused_before_allocating() {
        let bytes = [0xff, 0xff, 0xff, 0xff];
        assert_eq!(Reader::new(&bytes).bytes(16), Err(DecodeError::TooLong));
        assert_eq!(Reader::new(&bytes).bytes(usize::MAX), Err(DecodeError::Truncated));
    }

    #[test]
    fn integers_are_little_endian_and_bytes_carry_their_length() {
        let mut out = Writer::default();
        out.u16(0x0102);
        out.u64(3);
        out.bytes(b"ab");
        assert_eq!(out.into_bytes(), [2, 1, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, b'a', b'b']);
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let mut input = Reader::new(&[1, 2]);
        assert_eq!(input.u8(), Ok(1));
        assert_eq!(input.finish(), Err(DecodeError::Trailing));
    }
}
