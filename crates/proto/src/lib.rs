//! What both sides of AnoniCloud may know.
//!
//! Enters: bytes from the other side. Leaves: typed ids, commit headers, wire types and error codes.
//! Never: a key that opens content, a name, a path, a clock, randomness or I/O.
//!
//! The formats are specified in `docs/spec/`; every module names its page.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::exhaustive_enums)]
// Clippy has no exemption of its own for tests here.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod api;
pub mod capability;
pub mod codec;
pub mod commit;
pub mod context;
pub mod hash;
pub mod ids;
pub mod label;
pub mod limits;
pub mod link;
pub mod merkle;
pub mod padme;
pub mod puzzle;
pub mod suite;
