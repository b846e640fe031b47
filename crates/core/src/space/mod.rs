//! Spaces: hash-chained logs of commits (spec: 3-spaces, "Commits" and "History").
//!
//! Enters: the keys of a space, its owner's sigchain, commits from the server. Leaves: commits to post, verified commits, the
//! state to carry on from. Never: a root directory key of a commit that was not verified whole.

mod author;
pub mod body;
pub mod build;
mod by_log;
pub mod code;
mod kept;
pub mod private;
pub mod state;
pub mod verify;

#[cfg(test)]
mod tests;
