//! What tests of several crates share: seeded randomness, a clock to be moved, conformance suites, a server in memory, one
//! that answers by script.
//!
//! Nothing that is shipped depends on it.
#![forbid(unsafe_code)]

pub mod clock;
pub mod local_state;
pub mod memory_remote;
pub mod memory_state;
mod opaque;
pub mod random;
pub mod remote;
pub mod scripted_server;
pub mod tls;
