//! Accounts, devices and their keys (spec: 1-accounts).
//!
//! Enters: the master key, seeds, sealed boxes and sigchain links from the server. Leaves: sealed boxes, signed links, a
//! [`Sigchain`](sigchain::Sigchain) that was verified whole. Never: a public key that its chain does not certify.

pub mod boxes;
pub mod handle;
pub mod keys;
mod link;
pub mod sigchain;

#[cfg(test)]
pub(crate) mod tests;
