//! Where randomness comes in: `core` has no source of its own, callers hand one to every `make_*`.

use opaque_ke::rand;

/// A cryptographically secure source of random bytes.
///
/// An implementation that cannot get them must not return: guessable keys are worse than no program.
pub trait Random {
    /// Fills `out` with fresh random bytes.
    fn fill(&mut self, out: &mut [u8]);
}

/// Fresh random bytes for what is public: ids, salts, nonces. Secrets have a `make` of their own.
pub fn make_bytes<const N: usize>(random: &mut dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// [`Random`] as the generator that `opaque-ke` draws its blinds, nonces and key shares from.
pub(super) struct OpaqueRandom<'a>(pub(super) &'a mut dyn Random);

impl rand::RngCore for OpaqueRandom<'_> {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(make_bytes(self.0))
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(make_bytes(self.0))
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand::Error> {
        self.0.fill(dest);
        Ok(())
    }
}

impl rand::CryptoRng for OpaqueRandom<'_> {}
