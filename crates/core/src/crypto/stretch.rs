//! Argon2id as suite 0x0001 fixes it: 64 MiB, 3 passes, 1 lane. No file and no server chooses these.

use argon2::{Algorithm, Argon2, Params, Version};

/// Length of a salt.
pub(super) const SALT_LEN: usize = 16;

/// Stretches what a person typed into the whole of `out`.
pub(super) fn stretch(typed: &[u8], salt: &[u8; SALT_LEN], out: &mut [u8]) -> Result<(), argon2::Error> {
    let params = Params::new(64 << 10, 3, 1, None)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(typed, salt, out)
}
