//! The tree of a space: names, directory nodes, reading, editing and merging without I/O (spec: 3-spaces, "Directories").
//!
//! Enters: opened nodes out of a [`NodeSource`](store::NodeSource), edits, pieces from the server. Leaves: entries, the pieces
//! that are missing as [`Wanted`](store::Wanted), and sealed nodes. Never: a node whose hash its parent does not vouch for, a name that
//! is refused, I/O.

pub mod dirty;
pub mod edit;
pub mod encoding;
mod every;
pub mod lookup;
pub mod merge;
pub mod name;
pub mod node;
mod opened;
pub mod reach;
pub mod seal;
mod settle;
mod shard;
pub mod store;

#[cfg(test)]
mod tests;
