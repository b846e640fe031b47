//! A world for end-to-end tests: the real server, the real client on as many devices as a test needs, and the wire
//! between them, which counts, stops and breaks at the instant that a test names.
//!
//! Nothing here waits for time to pass: a test names a [`wire::Moment`], and everything stands still there.
#![forbid(unsafe_code)]
#![expect(clippy::missing_panics_doc, reason = "a world panics wherever a test would, and the message says what broke")]

pub mod bad_disk;
pub mod content;
pub mod desktop;
pub mod device;
pub mod disk;
pub mod masked;
pub mod server;
pub mod storm;
pub mod timed;
pub mod traced;
pub mod tree;
pub mod wire;
pub mod world;

mod binaries;
