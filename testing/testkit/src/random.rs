//! Randomness that is the same in every run.

use anonicloud_core::crypto::random::Random;
use rand_core_06::{CryptoRng, RngCore};

/// Bytes that look random and depend on a seed alone.
#[derive(Debug, Clone)]
pub struct SeededRandom(blake3::OutputReader);

impl SeededRandom {
    /// The bytes of this seed; name the test, so that no two draw the same keys.
    pub fn new(seed: &str) -> Self {
        Self(blake3::Hasher::new_derive_key("AnoniCloud tests").update(seed.as_bytes()).finalize_xof())
    }

    /// `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.0.fill(&mut bytes);
        bytes
    }

    /// As many bytes as the array takes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// A number under `bound`, which must not be 0; good enough for choosing among a few.
    pub fn below(&mut self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % bound
    }
}

impl Random for SeededRandom {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }
}

/// For OPAQUE.
impl RngCore for SeededRandom {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.0.fill(out);
        Ok(())
    }
}

impl CryptoRng for SeededRandom {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_own_bytes_each_time() {
        let draw = |seed| SeededRandom::new(seed).bytes(64);
        assert_eq!(draw("a"), draw("a"));
        assert_ne!(draw("a"), draw("b"));
    }
}
