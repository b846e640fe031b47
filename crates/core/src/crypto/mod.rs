//! The cryptographic composition layer of suite 0x0001 (spec: 0-conventions, 1-accounts, 2-content).
//!
//! Enters: typed secrets, contexts, bytes from the server. Leaves: sealed bytes, or plaintext that was verified whole.
//! Never: a reason for a refusal ([`Rejected`](rejected::Rejected) is the only one), a primitive's own types, randomness.

mod aead;
mod chunked;
pub mod device_key;
pub mod kdf;
pub mod kem;
pub mod opaque;
pub mod password;
pub mod public;
pub mod random;
pub mod recovery;
pub mod rejected;
pub mod secret;
pub mod segment;
pub mod signature;
pub mod stack;
mod stretch;
pub mod wrap;

#[cfg(test)]
mod tests;
