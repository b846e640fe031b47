//! Randomness from the operating system.

/// `N` random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// The operating system's generator, as the generation of `opaque-ke` takes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemRandom06;

impl rand_core_06::RngCore for SystemRandom06 {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(random())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(random())
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core_06::Error> {
        fill(bytes);
        Ok(())
    }
}

impl rand_core_06::CryptoRng for SystemRandom06 {}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives randomness once it has booted");
}
