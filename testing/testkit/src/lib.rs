//! What tests of several crates share: seeded randomness, conformance suites, a server that answers by script.
//!
//! Nothing that is shipped depends on it.
#![forbid(unsafe_code)]

pub mod local_state;
pub mod memory_state;
pub mod random;
pub mod scripted_server;
pub mod tls;
