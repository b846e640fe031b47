//! The client library of AnoniCloud: session, transfer engine, durable queue.
//!
//! Enters: what a person wants done with files and paths. Leaves: sealed blobs and commits, verified files.
//! Never: plaintext to a [`remote::Remote`], or unsealed state to a [`state::LocalState`].
#![forbid(unsafe_code)]

mod random;
pub mod remote;
pub mod state;
