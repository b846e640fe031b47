//! The operating system's randomness as what `core` draws from.

use anonicloud_core::crypto::random::Random;

/// The system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, out: &mut [u8]) {
        getrandom::fill(out).expect("without randomness no key may be made, so the program ends here");
    }
}
