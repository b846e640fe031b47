//! Fetching files: every byte is verified before it is written, and a file appears under its name when all of it is.

mod begun;
pub(crate) mod cache;
mod direct;
mod file;
mod folders;
mod packed;
mod part;
mod pieces;
mod plan;
mod run;
mod settle;
mod stream;

pub use begun::BegunGet;
pub use run::{GetItem, GetReport, GetTarget};
