//! Upload, compare-and-swap, fork and rollback as a model: three devices of one account with the product's rules, and a server
//! that is honest with faults, or lies with whatever it was ever given. An explorer goes through every order of events.
//!
//! Enters: what the devices are to do, how often things may break, which checks are taken out. Leaves: a model for the
//! explorer, with its properties. Never: bytes, keys or time; a commit is a number, a hash is that number.
//!
//! What each rule stands for, and what is left out: docs/design/0008-model.md.
#![forbid(unsafe_code)]

pub mod config;
mod device;
mod history;
pub mod model;
mod posting;
mod properties;
pub mod state;
mod tree;
