//! Tests of the composition layer as a whole: published vectors, our own vectors, properties.

mod aead;
mod device_key;
mod opaque;
mod password;
mod secrets;
mod segment;
mod signature;
mod two_keys;
mod vectors;
mod wrap;
mod wycheproof;

use super::random::Random;

/// Bytes that follow from a seed, so that a failing test fails again.
struct SeededRandom(blake3::OutputReader);

impl SeededRandom {
    fn new(seed: &str) -> Self {
        Self(blake3::Hasher::new_derive_key("AnoniCloud test randomness").update(seed.as_bytes()).finalize_xof())
    }
}

impl Random for SeededRandom {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }
}
