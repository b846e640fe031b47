//! Content as it is stored: references, packs, version records and upload tickets (spec: 2-content).
//!
//! Enters: file keys, segment hashes, places in blobs, bytes from the server. Leaves: sealed pieces, packs, verified leaves.
//! Never: a leaf that the content root does not vouch for.

pub(crate) mod encoding;
pub mod layout;
pub mod pack;
pub mod record;
pub mod reference;
pub mod ticket;
pub mod write;

#[cfg(test)]
pub(crate) mod tests;
