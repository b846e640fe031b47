//! What only AnoniCloud clients may know.
//!
//! Enters: secrets, randomness and time as arguments, bytes from the server. Leaves: sealed bytes, verified values,
//! requests as values. Never: I/O, a clock, a random source of its own, or a global.
//!
//! The formats are specified in `docs/spec/`; every module names its page.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::exhaustive_enums)]
// Clippy has no setting that spares tests from this one, as it has for indexing.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod account;
pub mod content;
pub mod crypto;
pub mod space;
pub mod tree;
